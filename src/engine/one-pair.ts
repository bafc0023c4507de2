// The cheapest path between two nodes of a weighted graph, by the search that fits the network: led by landmarks where their bounds
// are sharp, else from both ends.

import { LandmarkBounds } from "./landmark-bounds.js"
import type { Landmarks } from "./landmarks.js"
import { LedSearch } from "./led-search.js"
import type { RankedPath } from "./path-question.js"
import { TwoEndedSearch } from "./two-ended-search.js"
import type { WeightedGraph } from "./weighted-graph.js"

export class OnePair {
  readonly #weighted: WeightedGraph
  readonly #bounds: LandmarkBounds | undefined
  #led: LedSearch | undefined
  #twoEnded: TwoEndedSearch | undefined

  constructor(weighted: WeightedGraph, landmarks?: Landmarks) {
    this.#weighted = weighted
    this.#bounds = landmarks === undefined ? undefined : new LandmarkBounds(landmarks)
  }

  /** The cheapest path by numbers outside, or undefined when there is none cheaper than `bound`. */
  find(from: number, to: number, bound = Number.POSITIVE_INFINITY): RankedPath | undefined {
    const { inside } = this.#weighted
    const start = inside[from] ?? -1
    const goal = inside[to] ?? -1
    const bounds = this.#bounds
    if (bounds?.isSharp === true) {
      this.#led ??= new LedSearch(this.#weighted, bounds)
      return this.#led.find(start, goal, bound)
    }
    this.#twoEnded ??= new TwoEndedSearch(this.#weighted)
    return this.#twoEnded.find(start, goal, bound)
  }
}
