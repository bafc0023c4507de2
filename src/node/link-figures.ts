// Averaging of measured rates, and the question which change of a link's figures is a major one. Pure.

import type { LinkPerformance } from "../model/link.js"

/** An exponential average over irregular samples. The first sample counts in full, unless it began at nothing. */
export class Smoothed {
  #value = 0
  #at: number | undefined

  /**
   * @param timeMs after this time a sample's weight has fallen to 1/e
   * @param noneAtMs when it was nothing for certain: for what comes in bursts, of which the first is no rate
   */
  constructor(
    private readonly timeMs: number,
    noneAtMs?: number,
  ) {
    this.#at = noneAtMs
  }

  get value(): number {
    return this.#value
  }

  /** Whether there was a sample since the last reset. */
  get known(): boolean {
    return this.#at !== undefined
  }

  add(sample: number, nowMs: number): void {
    if (this.#at === undefined) this.#value = sample
    else {
      const weight = 1 - Math.exp(-Math.max(0, nowMs - this.#at) / this.timeMs)
      this.#value += weight * (sample - this.#value)
    }
    this.#at = nowMs
  }

  reset(): void {
    this.#value = 0
    this.#at = undefined
  }
}

/**
 * "Major modification in the performance" (015 V2.1.1, sdqkdn_link_perf_update) is here: a rate or the QBER
 * moved by more than a tenth, the stock by more than a quarter, or another rate was promised.
 */
export function isMajorChange(before: LinkPerformance, now: LinkPerformance): boolean {
  return (
    moved(before.skrBps, now.skrBps, 0.1) ||
    moved(before.eskrBps, now.eskrBps, 0.1) ||
    moved(before.qber, now.qber, 0.1) ||
    moved(before.stockBits, now.stockBits, 0.25) ||
    (before.expectedConsumptionBps ?? 0) !== (now.expectedConsumptionBps ?? 0)
  )
}

/** Whether both say the same once written in 015's units: whole bit/s, QBER with 3 decimals. */
export function sameFigures(before: LinkPerformance, now: LinkPerformance): boolean {
  const written = (item: LinkPerformance): string =>
    JSON.stringify([
      Math.round(item.expectedConsumptionBps ?? 0),
      Math.round(item.skrBps ?? 0),
      Math.round(item.eskrBps ?? 0),
      item.qber?.toFixed(3),
      item.stockBits,
    ])
  return written(before) === written(now)
}

function moved(before: number | undefined, now: number | undefined, share: number): boolean {
  if (before === undefined || now === undefined) return before !== now
  return Math.abs(now - before) > share * Math.abs(before)
}
