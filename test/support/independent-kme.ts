// Two key managers that are not ours (etsi014_server.py), with certificates for a pair of SAEs, and their faults.

import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { createInterface, type Interface } from "node:readline"
import { Etsi014Client } from "../../src/etsi014/client.js"
import {
  createAuthority,
  issueSaeCertificate,
  issueServerCertificate,
  validFor,
} from "../../src/transport/pki.js"
import { root } from "./demo.js"

/** What a consumer needs to know of its key manager. */
export interface KmeAccess {
  readonly saeId: string
  readonly host: string
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
}

/** A client as the SAE that has this access. */
export function etsi014ClientOf(access: KmeAccess, timeoutMs: number): Etsi014Client {
  return new Etsi014Client({
    host: access.host,
    port: access.port,
    tls: {
      identity: {
        certificatePem: readFileSync(access.certFile, "utf8"),
        privateKeyPem: readFileSync(access.keyFile, "utf8"),
      },
      authorities: [readFileSync(access.caFile, "utf8")],
    },
    timeoutMs,
  })
}

export class IndependentKme {
  readonly #child: ChildProcess
  readonly #lines: Interface
  readonly #heard: ((line: string) => void)[] = []
  readonly access: readonly [KmeAccess, KmeAccess]
  readonly #tap: string

  private constructor(
    child: ChildProcess,
    lines: Interface,
    access: readonly [KmeAccess, KmeAccess],
    tap: string,
  ) {
    this.#tap = tap
    this.#child = child
    this.#lines = lines
    this.access = access
    lines.on("line", (line) => this.#heard.shift()?.(line))
  }

  /** `kme-a` serves the first SAE, `kme-b` the second; files go to `dir`. */
  static async start(dir: string, saes: readonly [string, string]): Promise<IndependentKme> {
    mkdirSync(dir, { recursive: true })
    const validity = validFor(1)
    const servers = createAuthority("independent KMEs", validity)
    const clients = createAuthority("independent KMEs' SAEs", validity)
    const write = (name: string, text: string): string => {
      const file = path.join(dir, name)
      writeFileSync(file, text, { mode: 0o600 })
      return file
    }
    const saeCa = write("sae-ca.pem", clients.certificatePem)
    const caFile = write("kme-ca.pem", servers.certificatePem)
    const args = ["test/support/etsi014_server.py", "--ca", saeCa]
    const tap = path.join(dir, "tap")
    args.push("--tap", tap)
    for (const name of ["kme-a", "kme-b"]) {
      const pair = issueServerCertificate(servers, name, ["127.0.0.1", "localhost"], validity)
      const cert = write(`${name}-cert.pem`, pair.certificatePem)
      const key = write(`${name}-key.pem`, pair.privateKeyPem)
      args.push("--kme", [name, "127.0.0.1", "0", cert, key].join(","))
    }
    const child = spawn("/usr/bin/python3", args, { cwd: root, stdio: ["pipe", "pipe", "inherit"] })
    const lines = createInterface({ input: child.stdout })
    const ready = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve)
      child.once("error", reject)
      child.once("exit", () => {
        reject(new Error("the independent key manager did not start"))
      })
    })
    const words = ready.split(" ")
    const accessOf = (saeId: string, at: number): KmeAccess => {
      const pair = issueSaeCertificate(clients, saeId, validity)
      return {
        saeId,
        host: "127.0.0.1",
        port: Number(words[2 + 2 * at]),
        certFile: write(`sae-${at}-cert.pem`, pair.certificatePem),
        keyFile: write(`sae-${at}-key.pem`, pair.privateKeyPem),
        caFile,
      }
    }
    return new IndependentKme(child, lines, [accessOf(saes[0], 0), accessOf(saes[1], 1)], tap)
  }

  /** Every key it has given out, by id: for searches where none must be. */
  delivered(): Map<string, Buffer> {
    const lines = readFileSync(this.#tap, "utf8").trim().split("\n")
    return new Map(
      lines.map((line) => {
        const [id = "", hex = ""] = line.split(" ")
        return [id, Buffer.from(hex, "hex")]
      }),
    )
  }

  /** One of the orders of etsi014_server.py. @returns what stands behind `ok` */
  async order(text: string): Promise<string> {
    const answer = new Promise<string>((resolve) => this.#heard.push(resolve))
    this.#child.stdin?.write(`${text}\n`)
    const line = await answer
    if (!line.startsWith("ok ")) throw new Error(`${text}: ${line}`)
    return line.slice(3)
  }

  async stop(): Promise<void> {
    this.#lines.close()
    if (this.#child.exitCode !== null) return
    const ended = new Promise((resolve) => this.#child.once("exit", resolve))
    this.#child.kill("SIGKILL")
    await ended
  }
}
