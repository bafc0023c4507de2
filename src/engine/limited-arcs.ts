// A weighted graph with further weights that are summed up along paths and limited: those of each arc side by side, in the order in
// which searches meet them. Costs may change, these weights do not. Searches nothing.

import type { WeightedGraph } from "./weighted-graph.js"

export class LimitedArcs {
  readonly weighted: WeightedGraph
  /** How many weights are limited. */
  readonly sums: number
  /** By arc, `sums` numbers. */
  readonly spend: Float64Array

  /** @param weights by link, zero or more. */
  constructor(weighted: WeightedGraph, weights: readonly Float64Array[]) {
    this.weighted = weighted
    this.sums = weights.length
    this.spend = new Float64Array(weighted.arcLink.length * this.sums)
    for (const [arc, link] of weighted.arcLink.entries())
      for (const [i, weight] of weights.entries())
        this.spend[arc * this.sums + i] = weight[link] ?? 0
  }
}
