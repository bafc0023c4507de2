// How much key rate a link can still promise, and what a link costs a path. Decides nothing.
//
// A link promises at most its secret key rate less a reserve (key-relay sheet section 1: the sum of the rates of
// all paths over a link stays below SKR - reserve). The rate counted with is the smoothed measurement, or the
// latest one where that is lower; before the first measurement, the estimate of the inventory.

import type { NetworkLink } from "../model/network.js"
import type { Settings } from "./settings.js"

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

/**
 * Price of a link: one over its free rate. Of all online rules measured it carries the most (ALGORITHMS.md,
 * allocation). A link without free rate costs as one with a single bit per second.
 */
export function priceOf(residual: number, held: boolean): number {
  const price = 1 / Math.max(residual, 1)
  return held ? price * HELD_FACTOR : price
}

/** A link held off after flapping is used only where nothing else is. */
const HELD_FACTOR = 1e6

/** The smoothed rate after a measurement `elapsedMs` after the last: a first-order filter over uneven steps. */
export function smoothedBps(
  before: number | undefined,
  measured: number,
  elapsedMs: number,
  settings: Settings,
): number {
  if (before === undefined) return measured
  const weight = 1 - Math.exp(-Math.max(elapsedMs, 0) / settings.smoothingMs)
  return before + (measured - before) * weight
}
