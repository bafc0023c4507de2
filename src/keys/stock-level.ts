// How many end keys to hold ready for one pair of SAEs and one key size: between two watermarks that follow
// demand. Numbers only: no key, no clock.

export interface StockLevelLimits {
  /** Ceiling of the upper watermark. */
  readonly maxKeys: number
  /** The upper watermark covers so many seconds of lately measured use. */
  readonly coverS: number
}

/** Time constant of measured use, and of forgetting the largest request. */
const USE_TIME_S = 5
const PEAK_TIME_S = 300

export class StockLevel {
  readonly #limits: StockLevelLimits
  /** Requests so far, as far as they count: one is chance, two are use. */
  #requests = 0
  #peak = 0
  #keysPerS = 0
  #taken = 0
  /** Doubled whenever the stock ran dry; falls back to what use explains. */
  #grown = 0

  constructor(limits: StockLevelLimits) {
    this.#limits = limits
  }

  /** The upper watermark; the lower is half of it. */
  get high(): number {
    // A key made ahead is key that others cannot have; a pair that asks once never fetches it.
    if (this.#requests < 2) return 0
    const wanted = Math.max(2 * this.#peak, this.#limits.coverS * this.#keysPerS, this.#grown)
    return Math.min(this.#limits.maxKeys, Math.ceil(wanted))
  }

  /** A request for `count` keys came. @param ranDry the stock had fewer */
  asked(count: number, ranDry: boolean): void {
    this.#requests += 1
    this.#taken += count
    this.#peak = Math.max(this.#peak, count)
    if (ranDry && this.#requests > 2)
      this.#grown = Math.min(this.#limits.maxKeys, 2 * Math.max(this.#grown, count))
  }

  /** So many keys left ahead of the requests they are for; less than none came back. */
  lent(count: number): void {
    this.#taken += count
  }

  /** So many seconds have passed. */
  tick(seconds: number): void {
    if (seconds <= 0) return
    const weight = 1 - Math.exp(-seconds / USE_TIME_S)
    this.#keysPerS = Math.max(0, this.#keysPerS + weight * (this.#taken / seconds - this.#keysPerS))
    this.#taken = 0
    this.#grown *= 1 - weight
    this.#peak = Math.max(1, this.#peak * Math.exp(-seconds / PEAK_TIME_S))
  }
}
