// What colours, widths and ticks on the map mean. The map draws from these and the legend is drawn from these,
// so that they cannot disagree.

export interface Band {
  /** Shares up to here, inclusive. */
  readonly upTo: number
  readonly name: string
  /** Custom property of page.css. */
  readonly token: string
}

/** Colour: share of a link's key rate that is promised to services. */
export const USE_BANDS: readonly Band[] = [
  { upTo: 0.5, name: "to 50 %", token: "--use-low" },
  { upTo: 0.8, name: "to 80 %", token: "--use-mid" },
  { upTo: Number.POSITIVE_INFINITY, name: "over 80 %", token: "--use-high" },
]

/** Not generating, or nothing known: never told by colour alone, see the dash and the cross. */
export const DOWN_TOKEN = "--down"

export function bandOf(share: number): Band {
  const band = USE_BANDS.find(({ upTo }) => share <= upTo)
  if (band === undefined) throw new RangeError("the last band has no end")
  return band
}

const NARROW_PX = 2
const WIDE_PX = 9

/** Width: secret key rate, by decades from 100 bit/s. */
export function widthPx(skrBps: number | undefined): number {
  if (skrBps === undefined || skrBps <= 0) return NARROW_PX
  const decades = Math.log10(Math.max(skrBps, 100)) - 2
  return Math.min(WIDE_PX, NARROW_PX + decades * 1.6)
}

/** Whole decades that frame the rates given: what the legend shows. At most three. */
export function widthSamples(rates: readonly number[]): number[] {
  const known = rates.filter((bps) => bps > 0)
  if (known.length === 0) return [1000, 10_000]
  const low = Math.floor(Math.log10(Math.min(...known)))
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...known))))
  const middle = Math.round((low + high) / 2)
  return [...new Set([low, middle, high])].map((decade) => 10 ** decade)
}

/** What a full stock tick stands for: the largest stock there is, rounded up to 1, 2 or 5. */
export function fullStockBits(stocks: readonly number[]): number {
  const most = Math.max(1000, ...stocks)
  const decade = 10 ** Math.floor(Math.log10(most))
  return decade * ([1, 2, 5, 10].find((step) => step * decade >= most) ?? 10)
}

/** Fill of the side tick, 0 to 1. */
export function stockFill(stockBits: number | undefined, fullBits: number): number | undefined {
  return stockBits === undefined ? undefined : Math.min(1, Math.max(0, stockBits / fullBits))
}
