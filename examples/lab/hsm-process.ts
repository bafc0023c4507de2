// `keyloom consumer hsm` as a process of its own, for one site.

import { type ChildProcess, execFile, spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { HsmIndex, type IndexedKey } from "../../src/consumer/hsm-index.js"
import type { HsmSite } from "./hsm-sites.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

export interface SiteCounts {
  readonly out: Readonly<Record<IndexedKey["state"], number>>
  readonly in: Readonly<Record<IndexedKey["state"], number>>
}

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export class HsmProcess {
  readonly #site: HsmSite
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  /** All lines of its log so far. */
  log = ""

  constructor(site: HsmSite) {
    this.#site = site
    this.#env = { ...process.env, SOFTHSM2_CONF: site.soft.conf }
  }

  /** Starts the service; resolves when it listens. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [...argv("hsm"), "--config", this.#site.configFile], {
      cwd: root,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    })
    this.#child = child
    await new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        this.log += chunk.toString("utf8")
        if (this.log.includes('"listening"')) resolve()
      }
      child.stdout.on("data", hear)
      child.stderr.on("data", hear)
      child.once("exit", (code) => {
        reject(new Error(`${this.#site.name} ended with ${code}:\n${this.log}`))
      })
    })
    child.removeAllListeners("exit")
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child
    this.#child = undefined
    this.log = ""
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill(signal)
    await ended
  }

  /** Kills the process that holds the token's session; the service goes on. */
  killTokenProcess(): void {
    const pid = this.#child?.pid
    if (pid === undefined) return
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    for (const child of children.split(" ").filter((one) => one !== "")) {
      process.kill(Number(child), "SIGKILL")
    }
  }

  /** A command beside the service. */
  run(...args: readonly string[]): Promise<Ended> {
    return new Promise((resolve) => {
      const all = [...argv("hsm"), "--config", this.#site.configFile, ...args]
      const options = { cwd: root, env: this.#env }
      execFile(process.execPath, all, options, (error, stdout, stderr) => {
        const status = error === null ? 0 : Number(error.code)
        resolve({ status, stdout, stderr })
      })
    })
  }

  /** As the index says, read beside the service. */
  async counts(): Promise<SiteCounts> {
    const index = new HsmIndex(path.join(this.#site.dir, "state", "index"))
    const keys = index.all()
    await index.close()
    const of = (way: IndexedKey["way"]): SiteCounts["out"] => {
      const counts = { importing: 0, imported: 0, ready: 0, used: 0, retiring: 0 }
      for (const key of keys) if (key.way === way) counts[key.state]++
      return counts
    }
    return { out: of("out"), in: of("in") }
  }

  /** Waits until the counts are as wanted. */
  async until(wanted: (counts: SiteCounts) => boolean, timeoutMs = 60_000): Promise<SiteCounts> {
    const endAt = Date.now() + timeoutMs
    for (;;) {
      const counts = await this.counts()
      if (wanted(counts)) return counts
      if (Date.now() > endAt) {
        throw new Error(`${this.#site.name} stays at ${JSON.stringify(counts)}:\n${this.log}`)
      }
      await new Promise((done) => setTimeout(done, 200))
    }
  }
}

function argv(name: string): string[] {
  return ["bin/keyloom.js", "consumer", name]
}
