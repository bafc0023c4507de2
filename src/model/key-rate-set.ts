// One named parameter set for `key-rate-physics`. Type only.
//
// How well a number is known, in `grounds`:
// - quoted: stands in the abstract or table of the source named, and was compared with it
// - second-hand: said of the system elsewhere, not compared with the paper
// - assumed: usual for parts of this kind and year
// - fitted: set within the usual range so that the curve meets the published rate

import type { Physics } from "./key-rate-physics.js"
import type { Technology } from "./node.js"

export interface KeyRateSet {
  /** As topologies and the table of published points call it. */
  readonly name: string
  /** Further names of the same system. */
  readonly aliases: readonly string[]
  readonly technology: Technology
  /** Loss of the fibre the system was reported on, for links given by length only. */
  readonly fibreDbPerKm: number
  /** Failure probability of the key, per block, where the protocol's analysis has one. */
  readonly epsilon?: number
  readonly physics: Physics
  readonly grounds: string
}
