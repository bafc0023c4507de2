// How fast key comes, and whether it still does: what a maker's 014 interface does not tell. Pure: time is an argument.

import type { LinkMeasurement } from "../../src/plugin/index.js"

/** Rates are over this long: makers hand keys out in bursts. */
const WINDOW_MS = 5000

export class KeyMeter {
  readonly #silentMs: number
  readonly #taken: { readonly atMs: number; readonly bits: number }[] = []
  #sinceMs: number
  #lastMs: number | undefined
  /** While its reader holds back nothing is asked for: the rate of before stands. */
  #heldBack: LinkMeasurement | undefined

  constructor(silentMs: number, nowMs: number) {
    this.#silentMs = silentMs
    this.#sinceMs = nowMs
  }

  took(bits: number, nowMs: number): void {
    this.#taken.push({ atMs: nowMs, bits })
    this.#lastMs = nowMs
  }

  /** Nothing is asked for, by our own will: no silence of the link. */
  holdBack(nowMs: number): void {
    this.#heldBack ??= this.#now(nowMs, "")
    if (this.#lastMs !== undefined) this.#lastMs = nowMs
  }

  goOn(nowMs: number): void {
    if (this.#heldBack === undefined) return
    this.#heldBack = undefined
    // What was taken before lies outside of what can be counted now.
    this.#taken.length = 0
    this.#sinceMs = nowMs
  }

  /** @param trouble why there is no key, where that is known */
  measurement(nowMs: number, trouble: string | undefined): LinkMeasurement {
    if (this.#heldBack?.generating === true) return this.#heldBack
    return this.#now(nowMs, trouble ?? "no key has come for a while")
  }

  #now(nowMs: number, reason: string): LinkMeasurement {
    while ((this.#taken[0]?.atMs ?? nowMs) < nowMs - WINDOW_MS) this.#taken.shift()
    const alive = this.#lastMs !== undefined && nowMs - this.#lastMs <= this.#silentMs
    if (!alive) return { generating: false, skrBps: 0, reason }
    const bits = this.#taken.reduce((sum, taken) => sum + taken.bits, 0)
    const seconds = Math.max(1000, Math.min(WINDOW_MS, nowMs - this.#sinceMs)) / 1000
    return { generating: true, skrBps: bits / seconds }
  }
}
