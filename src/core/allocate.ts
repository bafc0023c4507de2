// How much key rate a link can still promise, and what a link costs a path. Decides nothing.
//
// A link promises at most its secret key rate less a reserve (key-relay sheet section 1: the sum of the rates of
// all paths over a link stays below SKR - reserve). The rate counted with is the smoothed measurement, or the
// latest one where that is lower; before the first measurement, the estimate of the inventory.

import { linkPrice } from "../engine/link-price.js"
import { stockRateBps } from "../engine/stock-horizon.js"
import type { NetworkLink } from "../model/network.js"
import type { Settings } from "./settings.js"
import { serves } from "./usable.js"

/** Bits per second that may be promised on a link in all; 0 while nothing is known. */
export function promisableBps(link: NetworkLink, settings: Settings): number {
  const smoothed = link.capacityBps
  if (smoothed === undefined) return 0
  const latest = link.status === "ACTIVE" ? rateBps(link) : undefined
  const rate = latest === undefined ? smoothed : Math.min(latest, smoothed)
  return Math.floor(rate * (1 - settings.reserveShare))
}

/** Who knows how much of each link is promised. */
export interface Reservations {
  /** Bits per second promised on a link. */
  reservedBps(qkdlId: string): number
  /** Bits per second kept on a link for services that would move there. */
  backupBps(qkdlId: string): number
}

/** Bits per second on a link that no path uses; negative when its rate fell below what is promised. */
export function freeBps(view: Reservations, link: NetworkLink, settings: Settings): number {
  return promisableBps(link, settings) - view.reservedBps(link.qkdlId)
}

/** Bits per second of a link that can still be promised: neither used by a path nor kept for one. */
export function residualBps(view: Reservations, link: NetworkLink, settings: Settings): number {
  return freeBps(view, link, settings) - view.backupBps(link.qkdlId)
}

/** What a link makes for others: after its own use where it says so (015 `eskr`), else `skr`. */
export function rateBps(link: NetworkLink): number | undefined {
  return link.performance.eskrBps ?? link.performance.skrBps
}

/** Price of a link by what can still be promised of what can in all. One without any costs as a full one with a single bit per second. */
export function priceOf(residual: number, promisable: number, held: boolean): number {
  const rateBps = Math.max(promisable, 1)
  const price = linkPrice(rateBps, 1 - residual / rateBps)
  return held ? price * HELD_FACTOR : price
}

/** A link held off after flapping is used only where nothing else is. */
const HELD_FACTOR = 1e6

/** What a link has above what it promises; rates kept for backups are lent meanwhile. Whole bits per second. */
export interface Room {
  /** More than this must not be lent. */
  readonly mostBps: number
  /** What shares are worked out of: so much less that a drift of the link need not be told to anyone. */
  readonly sharedBps: number
}

const NO_ROOM: Room = { mostBps: 0, sharedBps: 0 }

/**
 * Room for the surplus: out of the steady rate, and out of the stock while both ends tell it, as a rate that leaves the
 * floor untouched for a horizon; shares count on twice the horizon. A link that does not generate has none: its stock is for
 * what is promised.
 */
export function roomOf(
  view: Reservations,
  link: NetworkLink,
  settings: Settings,
  hearsBothEnds: boolean,
): Room {
  if (!serves(link)) return NO_ROOM
  const madeBps = Math.floor(steadyBps(link, settings) * (1 - settings.reserveShare))
  const leftBps = madeBps - view.reservedBps(link.qkdlId)
  const plannedBps = leftBps - Math.max(0, leftBps) * settings.surplusMarginShare
  const rooms = [
    leftBps + (hearsBothEnds ? stockBps(link, settings, 1) : 0),
    plannedBps + (hearsBothEnds ? stockBps(link, settings, 2) : 0),
  ]
  const [mostBps = 0, sharedBps = 0] = rooms.map((bps) => Math.max(0, Math.floor(bps)))
  return { mostBps, sharedBps: Math.min(mostBps, sharedBps) }
}

/** The rate with hysteresis; a latest one that is lower by far counts at once. */
function steadyBps(link: NetworkLink, { urgentShare }: Settings): number {
  const steady = link.steady?.bps ?? link.capacityBps ?? 0
  const latest = rateBps(link)
  return latest !== undefined && latest < steady * (1 - urgentShare) ? latest : steady
}

/** What the stock of a link above its floor gives each second for so many horizons, whole bits per second. */
export function stockBps(link: NetworkLink, settings: Settings, horizons: number): number {
  const { stockBits = 0 } = link.performance
  const { stockFloorBits: floorBits, stockHorizonMs } = settings
  const horizonMs = stockHorizonMs * horizons
  const stock = { milliBits: stockBits * 1000, atMs: 0 }
  return stockRateBps(stock, { floorBits, horizonMs, capacityBits: stockBits })
}
