// The parent's side of `key-child.ts`: starts, asks and kills key managers in processes of their own.

import { fork } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { spkiSha256 } from "../../src/transport/pki.js"
import type { ChildAnswer, ChildRequest, ChildSetup } from "./key-child.js"
import type { SiteIdentity } from "./key-network.js"

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never

export class KeyProcess {
  readonly #child: ChildProcess
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: Error) => void }
  >()
  readonly #exited: Promise<void>
  #next = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./key-child.ts", import.meta.url)), {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#child.on("message", ({ id, result, error }: ChildAnswer) => {
      const waiting = this.#waiting.get(id)
      this.#waiting.delete(id)
      if (error === undefined) waiting?.resolve(result)
      else waiting?.reject(new Error(error))
    })
    this.#exited = new Promise((resolve) => {
      this.#child.on("exit", () => {
        for (const { reject } of this.#waiting.values()) reject(new Error("killed"))
        this.#waiting.clear()
        resolve()
      })
    })
  }

  ask(request: Unnumbered<ChildRequest>): Promise<unknown> {
    const id = this.#next++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      if (!this.#child.connected) reject(new Error("killed"))
      else
        this.#child.send({ ...request, id }, (error) => {
          if (error !== null) reject(new Error("killed"))
        })
    })
  }

  /** SIGKILL: no farewell, no flush. */
  kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    return this.#exited
  }
}

export function setupOf(
  site: SiteIdentity,
  all: readonly SiteIdentity[],
  dir: string,
  port: number,
): ChildSetup {
  return {
    qkdnId: site.qkdnId,
    dir,
    sealing: site.sealing.toString("base64"),
    ...site.tls,
    signKeyPem: site.signKey.export({ type: "pkcs8", format: "pem" }).toString(),
    port,
    peers: all.map(({ qkdnId, tls, signPublicKey }) => ({
      qkdnId,
      spkiSha256: spkiSha256(tls.certificatePem),
      signPublicKey: Buffer.from(signPublicKey).toString("base64"),
    })),
  }
}
