// The processes of a demo: starts them, hears that they are ready, starts them again when they die, stops them.

import { fork, type ChildProcess } from "node:child_process"
import { createWriteStream, type WriteStream } from "node:fs"
import { QkdError } from "../errors.js"
import { EXIT_STATUS } from "../exit-status.js"

/** What a role process says to the supervisor over the inherited channel. */
export type ChildMessage =
  | { readonly kind: "ready" }
  | { readonly kind: "login-code"; readonly id: number; readonly code: string }
/** What the supervisor asks a role process. */
export type ParentMessage = { readonly kind: "login-code"; readonly id: number }

export interface Child {
  readonly name: string
  /** Resolves when the process has said `ready` for the first time; rejects if it ends before. */
  readonly ready: Promise<void>
  pid(): number | undefined
  send(message: ParentMessage): void
  onMessage(listener: (message: ChildMessage) => void): void
  stop(): Promise<void>
}

const RESTART_FIRST_MS = 100
const RESTART_MAX_MS = 2000
/** The whole demo stops within 3 s; a process that ignores the request loses its say earlier. */
const STOP_MS = 2200
/**
 * A process that never came up is given up after this many tries, some seven seconds: what was left running by a
 * supervisor that was killed may need a moment to let go.
 */
const MAX_FIRST_ATTEMPTS = 8
/** A process that lived this long had started well: the next restart is quick again. */
const SETTLED_MS = 5000

/**
 * Starts `keyloom ARGS` as a child that is kept alive.
 *
 * @param entry the program's main file
 * @param logFile where its output goes
 */
export function startChild(
  name: string,
  entry: string,
  args: readonly string[],
  logFile: string,
): Child {
  let process_: ChildProcess | undefined
  let stopping = false
  let delayMs = RESTART_FIRST_MS
  let timer: NodeJS.Timeout | undefined
  let tail = ""
  let attempts = 0
  let wasReady = false
  const listeners = new Set<(message: ChildMessage) => void>()
  const log: WriteStream = createWriteStream(logFile, { flags: "a", mode: 0o600 })
  let settle: { resolve(): void; reject(error: Error): void } | undefined
  const ready = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject }
  })

  const launch = (): void => {
    const startedAt = Date.now()
    const child = fork(entry, [...args], { stdio: ["ignore", "pipe", "pipe", "ipc"] })
    process_ = child
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        log.write(chunk)
        tail = (tail + chunk.toString("utf8")).slice(-2000)
      })
    }
    child.on("message", (message) => {
      const said = message as ChildMessage
      if (said.kind === "ready") {
        wasReady = true
        settle?.resolve()
      }
      for (const listener of listeners) listener(said)
    })
    child.on("error", () => undefined)
    child.on("exit", (code, signal) => {
      if (stopping) return
      if (code === EXIT_STATUS.replaced) {
        log.write(`-- ${name} ended: another controller leads; it is not started again\n`)
        settle?.reject(new QkdError("in-use", `${name} was replaced by another controller`))
        return
      }
      if (Date.now() - startedAt > SETTLED_MS) delayMs = RESTART_FIRST_MS
      log.write(
        `-- ${name} ended (${signal ?? `status ${code ?? "?"}`}), starting it again in ${delayMs} ms\n`,
      )
      attempts += 1
      if (code === 2 || (!wasReady && attempts >= MAX_FIRST_ATTEMPTS)) {
        // Status 2 is "my configuration is wrong": starting again would not mend it.
        settle?.reject(
          new QkdError(
            "operation-failed",
            `${name} could not start: ${tail.trim().split("\n").at(-1) ?? ""}`,
          ),
        )
        return
      }
      timer = setTimeout(launch, delayMs)
      delayMs = Math.min(delayMs * 2, RESTART_MAX_MS)
    })
  }
  launch()

  return {
    name,
    ready,
    pid: () => process_?.pid,
    send: (message) => {
      if (process_?.connected === true) process_.send(message)
    },
    onMessage: (listener) => listeners.add(listener),
    stop: async () => {
      stopping = true
      clearTimeout(timer)
      const child = process_
      if (child !== undefined && child.exitCode === null && child.signalCode === null) {
        await new Promise<void>((done) => {
          const kill = setTimeout(() => child.kill("SIGKILL"), STOP_MS)
          child.once("exit", () => {
            clearTimeout(kill)
            done()
          })
          child.kill("SIGTERM")
        })
      }
      await new Promise<void>((done) => log.end(done))
    },
  }
}
