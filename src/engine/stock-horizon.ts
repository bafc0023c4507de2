// Stock as an asset: a link with keys in store may carry more than it makes, for a while, and never so that the stock falls
// below a floor. All in whole numbers (bits, bits per second, milliseconds), so that sums over any time are exact.
//
// The rule: above its rate a link gives at most (stock - floor) / horizon. While that is worked out anew at least once a
// horizon, what it gives shrinks with the stock, and the floor is never reached: in a time t of at most a horizon the
// stock loses t / horizon of what lies above the floor, which is at most all of it.

/** What is in store, in thousandths of a bit: one bit per second for one millisecond. */
export interface Stock {
  readonly milliBits: number
  readonly atMs: number
}

export interface StockTerms {
  /** Kept for authentication tags and for bridging a cut. */
  readonly floorBits: number
  /** The store takes no more than this. */
  readonly capacityBits: number
  readonly horizonMs: number
}

const MILLI = 1000

/** Whole bits per second that the link may give above its rate, until it is worked out anew: within a horizon. */
export function stockRateBps({ milliBits }: Stock, { floorBits, horizonMs }: StockTerms): number {
  const above = milliBits - floorBits * MILLI
  return above <= 0 ? 0 : Math.floor(above / horizonMs)
}

/** The stock later, the link having made and given so much all the time; never more than the store takes. */
export function stockLater(
  stock: Stock,
  madeBps: number,
  givenBps: number,
  nowMs: number,
  { capacityBits }: StockTerms,
): Stock {
  const elapsedMs = Math.max(0, nowMs - stock.atMs)
  const milliBits = stock.milliBits + (madeBps - givenBps) * elapsedMs
  return { milliBits: Math.min(milliBits, capacityBits * MILLI), atMs: stock.atMs + elapsedMs }
}

/**
 * When the stock comes down to the floor, the link going on making and giving so much.
 *
 * @returns milliseconds, never too late by rounding; undefined when it does not fall.
 */
export function floorAtMs(
  stock: Stock,
  madeBps: number,
  givenBps: number,
  { floorBits }: StockTerms,
): number | undefined {
  const falls = givenBps - madeBps
  if (falls <= 0) return undefined
  const above = Math.max(0, stock.milliBits - floorBits * MILLI)
  return stock.atMs + Math.floor(above / falls)
}
