// How fast link key has been coming in of late, to tell "not yet" from "not any more". A pool that is empty while
// its modules are making key is worth a moment's wait; one that nothing comes into is not.

/** Looked back over this long. */
const WINDOW_MS = 5000

export class Inflow {
  readonly #bornMs: number
  #arrivals: { atMs: number; bytes: number }[] = []

  /** @param nowMs a clock that never goes back */
  constructor(nowMs: number) {
    this.#bornMs = nowMs
  }

  add(bytes: number, nowMs: number): void {
    this.#forget(nowMs)
    this.#arrivals.push({ atMs: nowMs, bytes })
  }

  /**
   * Bytes that may come within `aheadMs`. Infinite while nothing is known yet: a link that has just been set up
   * is given the time a caller has.
   */
  expectedBytes(nowMs: number, aheadMs: number): number {
    this.#forget(nowMs)
    if (this.#arrivals.length === 0) {
      return nowMs - this.#bornMs < WINDOW_MS ? Number.POSITIVE_INFINITY : 0
    }
    const seenMs = Math.max(1000, Math.min(WINDOW_MS, nowMs - this.#bornMs))
    const bytes = this.#arrivals.reduce((sum, arrival) => sum + arrival.bytes, 0)
    return (bytes / seenMs) * aheadMs
  }

  #forget(nowMs: number): void {
    const oldest = nowMs - WINDOW_MS
    this.#arrivals = this.#arrivals.filter((arrival) => arrival.atMs >= oldest)
  }
}
