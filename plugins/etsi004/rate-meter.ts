// How fast chunks come, and whether they still do: what a maker's 004 interface does not tell. Time is an argument.

import type { LinkMeasurement } from "../../src/plugin/index.js"

/** Rates are over this long: makers make keys in bursts. */
const WINDOW_MS = 5000

export class RateMeter {
  readonly #silentMs: number
  readonly #came: { readonly atMs: number; readonly bits: number }[] = []
  #sinceMs: number
  #lastMs = Number.NEGATIVE_INFINITY
  /** What was measured when the reader began to hold back: its own will, no silence of the link. */
  #held: LinkMeasurement | undefined

  constructor(silentMs: number, nowMs: number) {
    this.#silentMs = silentMs
    this.#sinceMs = nowMs
  }

  came(bits: number, nowMs: number): void {
    this.#came.push({ atMs: nowMs, bits })
    this.#lastMs = nowMs
  }

  /** No more until a chunk comes again. */
  darken(): void {
    this.#lastMs = Number.NEGATIVE_INFINITY
    this.#came.length = 0
  }

  holdBack(nowMs: number): void {
    this.#held ??= this.#measured(nowMs, "")
  }

  goOn(nowMs: number): void {
    if (this.#held === undefined) return
    if (this.#held.generating) this.#lastMs = nowMs
    this.#held = undefined
    this.#came.length = 0
    this.#sinceMs = nowMs
  }

  /** @param trouble why there is no key, where that is known */
  measurement(nowMs: number, trouble: string | undefined): LinkMeasurement {
    return this.#held?.generating === true
      ? this.#held
      : this.#measured(nowMs, trouble ?? "no key has come for a while")
  }

  #measured(nowMs: number, reason: string): LinkMeasurement {
    while ((this.#came[0]?.atMs ?? nowMs) < nowMs - WINDOW_MS) this.#came.shift()
    if (nowMs - this.#lastMs > this.#silentMs) return { generating: false, skrBps: 0, reason }
    const bits = this.#came.reduce((sum, one) => sum + one.bits, 0)
    const seconds = Math.max(1000, Math.min(WINDOW_MS, nowMs - this.#sinceMs)) / 1000
    return { generating: true, skrBps: bits / seconds }
  }
}
