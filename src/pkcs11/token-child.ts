// The process that holds a token's session, as the process sees it that started it: handed the PIN by a descriptor, asked
// and answering in frames. Which questions there are is its users' matter.

import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, openSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { type AppTag, ERROR_TAGS, QkdError } from "../errors.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"

/** The descriptor that the PIN is read from. */
export const PIN_FD = 3

const CLOSE_MS = 3000

interface Waiting {
  resolve(frame: Frame): void
  reject(error: QkdError): void
}

export class TokenChild {
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #nextId = 1
  #corked = false

  /**
   * @param entry the module it runs: the URL without its extension, which is that of this file
   * @param pinFile read by that process alone
   * @throws QkdError `invalid-value` when there is no such PIN file
   */
  constructor(entry: URL, pinFile: string) {
    let pinFd: number
    try {
      pinFd = openSync(pinFile, "r")
    } catch (cause) {
      throw new QkdError("invalid-value", `cannot read the PIN file ${pinFile}`, { cause })
    }
    const file = fileURLToPath(entry) + (import.meta.url.endsWith(".ts") ? ".ts" : ".js")
    this.#child = spawn(process.execPath, [...process.execArgv, file], {
      stdio: ["pipe", "pipe", "inherit", pinFd],
    })
    closeSync(pinFd)
    const reader = new FrameReader()
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      for (const frame of reader.take(chunk)) this.#settle(frame)
    })
    this.#child.stdin?.on("error", () => undefined)
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        for (const waiting of this.#waiting.values()) waiting.reject(ended())
        this.#waiting.clear()
        resolve()
      }
      this.#child.once("exit", end)
      this.#child.once("error", end)
    })
  }

  /** @throws QkdError as the process says; app-tag `node-unreachable` when it has ended. */
  ask(operation: object, ...parts: readonly Uint8Array[]): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(ended())
        return
      }
      this.#waiting.set(id, { resolve, reject })
      const frame = encodeFrame({ ...operation, id }, ...parts)
      this.#together()
      this.#child.stdin?.write(frame, () => frame.fill(0))
    })
  }

  /** What is asked in one go leaves in one write. */
  #together(): void {
    if (this.#corked) return
    this.#corked = true
    this.#child.stdin?.cork()
    process.nextTick(() => {
      this.#corked = false
      this.#child.stdin?.uncork()
    })
  }

  async close(): Promise<void> {
    this.#child.stdin?.end()
    const late = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS)
    await this.#ended
    clearTimeout(late)
  }

  #settle(frame: Frame): void {
    const { id, ok } = frame.header
    const waiting = this.#waiting.get(Number(id))
    this.#waiting.delete(Number(id))
    if (ok === true) waiting?.resolve(frame)
    else waiting?.reject(readFault(frame.header))
  }
}

function ended(): QkdError {
  return new QkdError("operation-failed", "the token process ended", { appTag: "node-unreachable" })
}

/** What a token says of itself when it does not do something. */
const REASONS: readonly AppTag[] = ["node-unreachable", "no-capacity", "policy"]

/** The error in an answer that is none of success. */
export function readFault({ tag, appTag, message }: Frame["header"]): QkdError {
  const reason = REASONS.find((each) => each === appTag)
  return new QkdError(
    ERROR_TAGS.find((each) => each === tag) ?? "operation-failed",
    typeof message === "string" ? message : "the token process does not say why",
    reason === undefined ? {} : { appTag: reason },
  )
}
