// What colours and widths on a picture of a network mean. Links and legend are drawn from the same scales, so that they
// cannot disagree.

export type Tone = "low" | "mid" | "high" | "down" | "added" | "faint"

export interface Band {
  /** Shares up to here, inclusive. */
  readonly upTo: number
  readonly tone: Tone
  readonly words: string
}

/** Share of a link's secret key rate that services take. */
export const USE_BANDS: readonly Band[] = [
  { upTo: 0, tone: "faint", words: "nothing" },
  { upTo: 0.5, tone: "low", words: "up to 50 %" },
  { upTo: 0.8, tone: "mid", words: "50 to 80 %" },
  { upTo: Number.POSITIVE_INFINITY, tone: "high", words: "over 80 %" },
]

/** Share of the carried rate that is lost when a link or node fails. */
export const LOSS_BANDS: readonly Band[] = [
  { upTo: 0, tone: "faint", words: "nothing" },
  { upTo: 0.01, tone: "low", words: "up to 1 %" },
  { upTo: 0.05, tone: "mid", words: "1 to 5 %" },
  { upTo: Number.POSITIVE_INFINITY, tone: "high", words: "over 5 %" },
]

export function toneOf(bands: readonly Band[], share: number): Tone {
  // What rounding leaves of nothing is nothing.
  return bands.find(({ upTo }) => share <= upTo + 1e-9)?.tone ?? "high"
}

const NARROW_PX = 1.6
const WIDE_PX = 9

/** Width: secret key rate, by decades from 100 bit/s. */
export function widthPx(skrBps: number): number {
  if (!(skrBps > 0)) return NARROW_PX
  return Math.min(WIDE_PX, NARROW_PX + Math.max(0, Math.log10(skrBps) - 2) * 1.6)
}

/** Whole decades that frame the rates; at most three. */
export function widthSamples(ratesBps: readonly number[]): number[] {
  const known = ratesBps.filter((rate) => rate > 0)
  if (known.length === 0) return []
  const low = Math.max(2, Math.floor(Math.log10(Math.min(...known))))
  const high = Math.max(low, Math.ceil(Math.log10(Math.max(...known))))
  return [...new Set([low, Math.round((low + high) / 2), high])].map((decade) => 10 ** decade)
}

/** 12,340 as `12.3 kbit/s`. */
export function rateWords(rateBps: number): string {
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s"]
  let [value, unit] = [rateBps, 0]
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${Number(value.toPrecision(3))} ${units[unit] ?? ""}`
}
