// Where the keys come from: what a consumer has to know of its key manager, and the demo network as one source.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { LabProcess, until } from "./processes.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface KmeAccess {
  readonly saeId: string
  readonly host: string
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

interface DemoFile {
  readonly controller: { readonly url: string; readonly token: string }
  readonly nodes: readonly { readonly name: string; readonly etsi014: string }[]
  readonly saes: readonly {
    readonly saeId: string
    readonly node: string
    readonly certFile: string
    readonly keyFile: string
    readonly caFile: string
  }[]
}

/** `keyloom demo`, with the network of the Luxembourg laboratory, in a folder of its own. */
export class DemoNetwork {
  readonly #process: LabProcess
  readonly #dir: string

  private constructor(process: LabProcess, dir: string) {
    this.#process = process
    this.#dir = dir
  }

  static async start(dir: string): Promise<DemoNetwork> {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const logFile = path.join(dir, "demo.log")
    const demo = LabProcess.start(
      [process.execPath, "bin/keyloom.js", "demo", "--dir", dir, "--port", "0"],
      { logFile, cwd: root },
    )
    await until(
      () => {
        if (!demo.running) throw new Error(`the demo ended: ${readFileSync(logFile, "utf8")}`)
        return existsSync(logFile) && readFileSync(logFile, "utf8").includes("demo ready")
      },
      "the demo network is ready",
      60_000,
    )
    return new DemoNetwork(demo, dir)
  }

  /** How an SAE reaches its node. */
  access(saeId: string): KmeAccess {
    const file = readFileSync(path.join(this.#dir, "demo.json"), "utf8")
    const demo = JSON.parse(file) as DemoFile
    const sae = demo.saes.find((one) => one.saeId === saeId)
    const node = demo.nodes.find(({ name }) => name === sae?.node)
    if (sae === undefined || node === undefined) throw new Error(`the demo has no SAE ${saeId}`)
    const { hostname, port } = new URL(node.etsi014)
    return { ...sae, host: hostname, port: Number(port) }
  }

  /** The `controller` container of a consumer's configuration; its token goes into a file in `dir`. */
  controller(dir: string): object {
    const demo = JSON.parse(readFileSync(path.join(this.#dir, "demo.json"), "utf8")) as DemoFile
    const tokenFile = path.join(dir, "controller.token")
    writeFileSync(tokenFile, demo.controller.token, { mode: 0o600 })
    return { url: demo.controller.url, token_file: tokenFile }
  }

  /** States of the bulk orders at the controller. */
  async orderStates(): Promise<string[]> {
    const file = readFileSync(path.join(this.#dir, "demo.json"), "utf8")
    const { url, token } = (JSON.parse(file) as DemoFile).controller
    const answer = await fetch(`${url}/api/v1/bulk-orders`, {
      headers: { Authorization: `Bearer ${token}` },
    })
    const { items } = (await answer.json()) as { items: { state: string }[] }
    return items.map(({ state }) => state)
  }

  stop(): Promise<void> {
    return this.#process.stop()
  }
}

/** The `kme` container of a consumer's configuration. */
export function kmeConfig(access: KmeAccess): object {
  return {
    host: access.host,
    port: access.port,
    cert_file: access.certFile,
    key_file: access.keyFile,
    ca_file: access.caFile,
  }
}
