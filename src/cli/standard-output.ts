// Where the log of a role goes: standard output, written beside the event loop, so that a slow reader holds nothing up. A
// reader that is gone ends the log and nothing else: pino's own stream would try for ever to write its last lines when
// the process exits, and a node that nobody listens to would keep its folder for good.

import { write, writeSync } from "node:fs"

const OUTPUT = 1
const RETRY_MS = 100
/** What waits for a reader that has stopped reading; lines beyond it are dropped. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024

export class StandardOutput {
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #writing = false
  #broken = false

  constructor() {
    process.once("exit", () => {
      this.#writeLast()
    })
  }

  /** As pino calls it: one line. */
  write(line: string): void {
    if (this.#broken || this.#waitingBytes > MAX_WAITING_BYTES) return
    const bytes = Buffer.from(line, "utf8")
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#writing) this.#writeOn()
  }

  #writeOn(): void {
    const bytes = this.#take()
    if (bytes.length === 0) return
    this.#writing = true
    write(OUTPUT, bytes, (error, written) => {
      this.#writing = false
      const rest = bytes.subarray(error === null ? written : 0)
      if (rest.length > 0) {
        this.#waiting.unshift(rest)
        this.#waitingBytes += rest.length
      }
      if (error === null) this.#writeOn()
      else if (isBusy(error))
        setTimeout(() => {
          if (!this.#writing) this.#writeOn()
        }, RETRY_MS).unref()
      else this.#stop()
    })
  }

  /** What an exit would cut off. Who does not read now never will. */
  #writeLast(): void {
    if (this.#broken) return
    let rest = this.#take()
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(OUTPUT, rest))
    } catch {
      this.#stop()
    }
  }

  #take(): Buffer {
    const bytes = Buffer.concat(this.#waiting)
    this.#waiting = []
    this.#waitingBytes = 0
    return bytes
  }

  #stop(): void {
    this.#broken = true
    this.#take()
  }
}

function isBusy(error: NodeJS.ErrnoException): boolean {
  return error.code === "EAGAIN" || error.code === "EBUSY"
}
