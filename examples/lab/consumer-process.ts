// `keyloom consumer` as a user starts it: a configuration file each, a process each, and its status socket.

import { request } from "node:http"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { LabProcess, until } from "./processes.js"
import type { TunnelStatus } from "../../src/consumer/status.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

export class ConsumerProcess {
  readonly #role: "ipsec" | "wireguard"
  readonly #dir: string
  #process: LabProcess | undefined

  /** @param config what goes into the file; `dir` and `status_socket` are filled in */
  constructor(role: "ipsec" | "wireguard", dir: string, config: object) {
    this.#role = role
    this.#dir = dir
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeFileSync(
      this.configFile,
      JSON.stringify(
        { [role]: { ...config, dir: "state", status_socket: "status.sock" } },
        null,
        2,
      ),
    )
  }

  get configFile(): string {
    return path.join(this.#dir, `${this.#role}.json`)
  }

  /** Everything it logged. */
  get log(): string {
    return readFileSync(path.join(this.#dir, "consumer.log"), "utf8")
  }

  start(): void {
    this.#process = LabProcess.start(
      [process.execPath, "bin/keyloom.js", "consumer", this.#role, "--config", this.configFile],
      { logFile: path.join(this.#dir, "consumer.log"), cwd: root },
    )
  }

  get exitCode(): number | null | undefined {
    return this.#process?.exitCode
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#process?.stop(signal)
  }

  /** `curl --unix-socket status.sock http://localhost/status`; undefined while it does not answer. */
  status(): Promise<TunnelStatus | undefined> {
    return new Promise((resolve) => {
      const asked = request(
        { socketPath: path.join(this.#dir, "status.sock"), path: "/status", timeout: 2000 },
        (answer) => {
          let text = ""
          answer.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
          answer.on("end", () => {
            resolve(JSON.parse(text) as TunnelStatus)
          })
        },
      )
      asked.on("error", () => {
        resolve(undefined)
      })
      asked.end()
    })
  }

  /** Waits for a state of the tunnel. @throws with the log's end when it does not come */
  async is(met: (status: TunnelStatus) => boolean, what: string, withinMs = 30_000): Promise<void> {
    let last: TunnelStatus | undefined
    await until(
      async () => {
        last = await this.status()
        if (this.#process?.running === false) throw new Error(`the consumer ended:\n${this.log}`)
        return last !== undefined && met(last)
      },
      what,
      withinMs,
    ).catch((error: unknown) => {
      const words = error instanceof Error ? error.message : String(error)
      throw new Error(`${words}\nlast: ${JSON.stringify(last)}\n${this.log.slice(-700)}`)
    })
  }
}
