// Programs that the lab runs: started, waited for, ended by their process id.

import { type ChildProcess, spawn, type StdioOptions } from "node:child_process"
import { closeSync, openSync } from "node:fs"

const HARD_MS = 8000

export class LabProcess {
  readonly #child: ChildProcess
  readonly #exited: Promise<void>

  private constructor(child: ChildProcess) {
    this.#child = child
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => {
        resolve()
      })
      child.once("error", () => {
        resolve()
      })
    })
  }

  /** @param logFile gets what it prints, behind what is there already */
  static start(
    command: readonly [string, ...string[]],
    options: {
      readonly logFile: string
      readonly env?: Readonly<Record<string, string>>
      readonly cwd?: string
    },
  ): LabProcess {
    const log = openSync(options.logFile, "a")
    const stdio: StdioOptions = ["ignore", log, log]
    const [program, ...args] = command
    const child = spawn(program, args, {
      stdio,
      env: { ...process.env, ...options.env },
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    })
    closeSync(log)
    return new LabProcess(child)
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  get exitCode(): number | null {
    return this.#child.exitCode
  }

  /** Ends it, at the latest by SIGKILL, and waits until it is gone. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.running) return
    const hard = setTimeout(() => this.#child.kill("SIGKILL"), HARD_MS)
    this.#child.kill(signal)
    await this.#exited
    clearTimeout(hard)
  }
}

/** Asks until `met` holds. @throws with `what` after `withinMs` */
export async function until(
  met: () => boolean | Promise<boolean>,
  what: string,
  withinMs = 30_000,
): Promise<void> {
  const end = Date.now() + withinMs
  for (;;) {
    if (await met()) return
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`)
    await new Promise((done) => setTimeout(done, 50))
  }
}
