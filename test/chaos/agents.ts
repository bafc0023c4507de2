// The parent's side of `agent-child.ts`: processes of node agents that are killed, cut and started again.

import { type ChildProcess, fork } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import type { NodeTarget } from "../../src/model/network.js"
import type { NodeConfig } from "../../src/model/node.js"
import { generateSshKey, sshFingerprint } from "../../src/transport/ssh-keys.js"
import type { AgentAnswer, AgentRequest, AgentSetup } from "./agent-child.js"

type Unnumbered<T> = T extends unknown ? Omit<T, "id"> : never

/** One process, gone once it is killed. */
class AgentProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  readonly #waiting = new Map<number, (answer: AgentAnswer) => void>()
  #next = 0

  constructor() {
    this.#child = fork(fileURLToPath(new URL("./agent-child.ts", import.meta.url)), {
      execArgv: ["--import", "tsx"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    })
    this.#child.on("message", (message) => {
      const answer = message as AgentAnswer
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
    this.#exited = new Promise((resolve) => {
      this.#child.on("exit", () => {
        for (const [id, settle] of this.#waiting) settle({ id, error: "killed" })
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** Undefined when the process was killed before it answered. */
  async ask(request: Unnumbered<AgentRequest>): Promise<unknown> {
    const id = this.#next++
    const answer = await new Promise<AgentAnswer>((resolve) => {
      this.#waiting.set(id, resolve)
      if (!this.#child.connected) resolve({ id, error: "killed" })
      else
        this.#child.send({ ...request, id }, (error) => {
          if (error !== null) resolve({ id, error: "killed" })
        })
    })
    this.#waiting.delete(id)
    if (answer.error !== undefined && answer.error !== "killed") throw new Error(answer.error)
    return answer.error === undefined ? answer.result : undefined
  }

  kill(): Promise<void> {
    this.#child.kill("SIGKILL")
    return this.#exited
  }
}

export interface AgentPlace {
  readonly qkdnId: string
  readonly name: string
  readonly qkdiIds: readonly number[]
}

export class Agents {
  readonly #dir = mkdtempSync(path.join(tmpdir(), "keyloom-chaos-"))
  readonly #setups: AgentSetup[][] = []
  readonly #processes: (AgentProcess | undefined)[] = []
  readonly #fingerprint: string
  readonly #ports = new Map<string, number>()

  constructor(places: readonly AgentPlace[], processes: number) {
    const user = generateSshKey("controller")
    const host = generateSshKey("host")
    writeFileSync(path.join(this.#dir, "user.key"), user.privateKey, { mode: 0o600 })
    writeFileSync(path.join(this.#dir, "user.pub"), user.publicKey)
    writeFileSync(path.join(this.#dir, "host.key"), host.privateKey, { mode: 0o600 })
    this.#fingerprint = sshFingerprint(host.publicKey)
    places.forEach((place, n) => {
      const setup = { ...place, dir: path.join(this.#dir, place.name), port: 0 }
      ;(this.#setups[n % processes] ??= []).push(setup)
    })
  }

  get processes(): number {
    return this.#setups.length
  }

  async start(): Promise<void> {
    await Promise.all(this.#setups.map((_, n) => this.startOne(n)))
  }

  /** Starts a process again, its agents on the ports they had. */
  async startOne(n: number): Promise<void> {
    if (this.#processes[n] !== undefined) return
    const process = new AgentProcess()
    this.#processes[n] = process
    const agents = (this.#setups[n] ?? []).map((setup) => ({
      ...setup,
      port: this.#ports.get(setup.qkdnId) ?? 0,
    }))
    const ports = await process.ask({ kind: "start", agents })
    if (!Array.isArray(ports)) return
    for (const [qkdnId, port] of ports as [string, number][]) this.#ports.set(qkdnId, port)
  }

  async kill(n: number): Promise<void> {
    const process = this.#processes[n]
    this.#processes[n] = undefined
    await process?.kill()
  }

  async cut(qkdnId: string): Promise<void> {
    const n = this.#setups.findIndex((some) => some.some((setup) => setup.qkdnId === qkdnId))
    await this.#processes[n]?.ask({ kind: "cut", qkdnId })
  }

  target(qkdnId: string): NodeTarget {
    return {
      host: "127.0.0.1",
      port: this.#ports.get(qkdnId) ?? 0,
      username: "controller",
      privateKeyFile: path.join(this.#dir, "user.key"),
      hostKeyFingerprint: this.#fingerprint,
    }
  }

  /** What each node that lives holds, by the node's own word. */
  async configs(): Promise<ReadonlyMap<string, NodeConfig>> {
    const answers = await Promise.all(
      this.#processes.map((one) => one?.ask({ kind: "configs" }) ?? Promise.resolve(undefined)),
    )
    const configs = answers.flatMap((answer) => (answer ?? []) as readonly NodeConfig[])
    return new Map(configs.map((config) => [config.qkdnId, config]))
  }

  async close(): Promise<void> {
    await Promise.all(this.#setups.map((_, n) => this.kill(n)))
    rmSync(this.#dir, { recursive: true, force: true })
  }
}
