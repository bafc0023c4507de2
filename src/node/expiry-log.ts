// Tells the log of link key that was erased unused because it was too old: at once, then at most once a minute and link.

import type { Log } from "./log.js"

const MINUTE_MS = 60_000

export class ExpiryLog {
  readonly #log: Log
  readonly #untold = new Map<string, number>()
  readonly #toldMs = new Map<string, number>()

  constructor(log: Log) {
    this.#log = log
  }

  add(qkdlId: string, bits: number): void {
    this.#untold.set(qkdlId, (this.#untold.get(qkdlId) ?? 0) + bits)
  }

  /** Once a second. @param nowMs a clock that never goes back */
  sweep(nowMs: number): void {
    for (const [qkdlId, bits] of this.#untold) {
      if (nowMs - (this.#toldMs.get(qkdlId) ?? Number.NEGATIVE_INFINITY) < MINUTE_MS) continue
      this.#untold.delete(qkdlId)
      this.#toldMs.set(qkdlId, nowMs)
      this.#log.info({ qkdlId, bits }, "link key was erased unused: it was too old")
    }
  }
}
