// What bulk orders ask of a network whose rates change over time, and how that is met. Types, and the cutting of time into
// intervals in which nothing changes.

import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"

/** Times are seconds from any zero. */
export interface BulkOrder {
  readonly from: number
  readonly to: number
  readonly volumeBits: number
  /** Nothing of it is delivered before. */
  readonly notBefore: number
  readonly due: number
  /** Greater goes first, after what was promised; among equals the earlier deadline does. */
  readonly priority: number
  /** An earlier schedule has it in time: nothing that was not promised takes its place, whatever its priority. */
  readonly promised?: boolean
}

/** What is there for bulk orders: by interval, in which every link has one rate. */
export interface BulkNetwork {
  readonly graph: PathGraph
  /** By node: 1 where it may relay. */
  readonly passableNodes: Uint8Array
  /** Rising; interval k lasts from `times[k]` to `times[k + 1]`. */
  readonly times: readonly number[]
  /** By interval, by link, bits per second, shared by both directions. */
  readonly rateBps: readonly Float64Array[]
  /** By link: key in stock at the beginning that bulk orders may take. */
  readonly stockBits: Float64Array
  /** By link: key that may be kept unused from one interval to the next; none where nothing is known of its pools. */
  readonly maxStockBits: Float64Array
}

/** Bits of an order that go over a path within an interval, at a constant rate. */
export interface BulkFlow {
  readonly order: number
  readonly interval: number
  readonly path: LinkPath
  readonly bits: number
}

export function intervalCount({ times }: BulkNetwork): number {
  return times.length - 1
}

/** The interval that begins at this time or in which it lies; -1 before all, their number after. */
export function intervalAt({ times }: BulkNetwork, time: number): number {
  let low = 0
  let high = times.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((times[middle] ?? 0) <= time) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The same network with an interval cut in two. Nothing changes where it is cut already. */
export function cutAt(network: BulkNetwork, time: number): BulkNetwork {
  const { times, rateBps } = network
  const interval = intervalAt(network, time)
  if (interval < 0 || interval >= times.length - 1 || times[interval] === time) return network
  return {
    ...network,
    times: [...times.slice(0, interval + 1), time, ...times.slice(interval + 1)],
    rateBps: [...rateBps.slice(0, interval + 1), ...rateBps.slice(interval)],
  }
}
