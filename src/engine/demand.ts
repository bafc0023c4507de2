// What is asked of the capacity of a network, and how it is met. Types only.

import type { LinkPath } from "./path-question.js"

export interface Demand {
  readonly from: number
  readonly to: number
  /** Wanted, bits per second. */
  readonly rateBps: number
  /** Less than this is refused. At most `rateBps`. */
  readonly minRateBps: number
}

export interface Share {
  readonly path: LinkPath
  readonly rateBps: number
}

/** By demand, the paths that carry it; none where it is refused. */
export type Allocation = readonly (readonly Share[])[]

/** Capacity that demands compete for. */
export interface Capacity {
  /** By link, shared by both directions. */
  readonly rateBps: Float64Array
  /** By node: 1 where it may relay. */
  readonly passableNodes: Uint8Array
}
