// Admission in the order demands come: each gets the cheapest room there is, and nothing that was placed moves.

import type { Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinkPath } from "./path-question.js"

/** Paths that one demand may be split over. */
export const MAX_SHARES = 4

/** How steeply a link's price rises as it fills, and the sum along a path beyond which it costs others too much. */
const STEEPNESS = 1000
const MAX_PRICE = 2
/** Relative; what rounding makes of a sum. */
const TOLERANCE = 1e-9

/**
 * Whether a path over links with these shares in use takes more from others than it is worth (the threshold rule of
 * Awerbuch, Azar and Plotkin, FOCS 1993). Prices rise with use so steeply that only paths over several nearly full
 * links are refused: in overload, that is.
 *
 * @param usedShares of each link on the path, 0 to 1
 */
export function costsOthersTooMuch(usedShares: Iterable<number>): boolean {
  let price = 0
  for (const share of usedShares) price += (STEEPNESS ** share - 1) / (STEEPNESS - 1)
  return price > MAX_PRICE
}

export function isTooDear(free: FreeRate, path: LinkPath): boolean {
  return costsOthersTooMuch(path.map((link) => free.usedShare(link)))
}

export interface AdmitOptions {
  /** Over several paths where one does not do. */
  readonly split: boolean
  /** Leave room for those to come: not over paths that are too dear. */
  readonly spare: boolean
}

/**
 * Places a demand, wholly where there is room, else as much as there is room for, at least its minimum.
 *
 * @returns its shares, already taken; none when it is refused, and then nothing is taken.
 */
export function admit(free: FreeRate, demand: Demand, options: AdmitOptions): readonly Share[] {
  const least = demand.minRateBps > 0 ? demand.minRateBps : Number.MIN_VALUE
  if (!free.endsHave(demand, least, options.split)) return []
  const shares: Share[] = []
  let left = demand.rateBps
  while (left > 0 && shares.length < (options.split ? MAX_SHARES : 1)) {
    const placedBps = demand.rateBps - left
    // None that comes after is wider: those that may come must make the minimum up, the last one all that lacks of it.
    const mayCome = options.split ? MAX_SHARES - shares.length : 1
    const part = mayCome === 1 ? 1 : (1 - TOLERANCE) / mayCome
    const share = free.widest(demand, left, (demand.minRateBps - placedBps) * part)
    if (share === undefined || (options.spare && isTooDear(free, share.path))) break
    free.take(share)
    shares.push(share)
    left -= share.rateBps
  }
  if (demand.rateBps - left >= demand.minRateBps && shares.length > 0) return shares
  for (const share of shares) free.giveBack(share)
  return []
}
