// Link prices near those of the optimum, from loads alone: every demand goes the cheapest way, what is too full gets dearer
// and what is not gets cheaper, and again. Paths found at such prices spare the linear program most of its work. Proves
// nothing: what the program makes of them does.

/** What a price changes by at most in the first round; in round r by 1 / (1 + r / `SLOWER`) of it. */
const STEP = 0.5
const SLOWER = 4
/** A link counts as no fuller than this much above its rate: one that is far too full gets dearer step by step, too. */
const MOST_OVER = 1.5
/** Weight of the last round in the loads that are gone by: the cheapest ways jump, their mean does not. */
const NEWEST = 0.5
const LEAST_PRICE = 1e-9

export class PriceGuess {
  /** By link, what one bit per second over it costs; what a demand gains by being carried is 1. */
  readonly price: Float64Array
  readonly #rateBps: Float64Array
  readonly #load: Float64Array
  #round = 0

  /** @param meanDistance of all that is asked for, where a link costs 1 / rate: its mean price becomes 1. */
  constructor(rateBps: Float64Array, meanDistance: number) {
    this.#rateBps = rateBps
    this.#load = new Float64Array(rateBps.length)
    this.price = rateBps.map((bps) => priceByRate(bps) / Math.max(meanDistance, LEAST_PRICE))
  }

  /** @param load bits per second on each link, of what is worth its price. */
  next(load: Float64Array): void {
    const step = STEP / (1 + this.#round / SLOWER)
    const newest = this.#round === 0 ? 1 : NEWEST
    for (let link = 0; link < load.length; link += 1) {
      const mean = (1 - newest) * (this.#load[link] ?? 0) + newest * (load[link] ?? 0)
      this.#load[link] = mean
      const over = Math.min(MOST_OVER, mean / Math.max(this.#rateBps[link] ?? 0, 1e-6) - 1)
      const price = (this.price[link] ?? 0) * Math.exp(step * over)
      this.price[link] = Math.max(price, LEAST_PRICE)
    }
    this.#round += 1
  }
}

/** What the first guess goes by. */
export function priceByRate(rateBps: number): number {
  return 1 / Math.max(rateBps, 1e-6)
}
