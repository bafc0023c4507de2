// The cheapest path between two nodes that keeps limits on sums along it, for many questions over one graph: labels led by landmarks of
// the cost and of each limited weight. Where these know too little and labels become many, exact bounds are measured for the one
// question.

import { LandmarkBounds } from "./landmark-bounds.js"
import { Landmarks } from "./landmarks.js"
import { LedLabels } from "./led-labels.js"
import { LimitedArcs } from "./limited-arcs.js"
import { LimitedPaths } from "./limited-path.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"
import { Blocks, ShortestPaths } from "./shortest.js"
import { WeightedGraph } from "./weighted-graph.js"

/** Labels before exact bounds are measured: those take about as long as so many labels a node. */
const PATIENCE = 2
const ENOUGH = 1000

/** A weight whose sum along paths is limited. */
export interface LimitedWeight {
  /** By link, zero or more; it does not change. */
  readonly weight: Float64Array
  /** Of the same network under this weight; see `landmarksOf`. */
  readonly landmarks: Landmarks
}

/** Landmarks of a weight that does not change. */
export function landmarksOf(graph: PathGraph, weight: Float64Array): Landmarks {
  return new Landmarks(new WeightedGraph(graph, weight))
}

export class LimitedPair {
  readonly #weighted: WeightedGraph
  readonly #weights: readonly Float64Array[]
  readonly #led: LedLabels
  readonly #most: number
  #searches: ShortestPaths | undefined

  /**
   * @param landmarks of the graph.
   * @param limited what is limited.
   * @param most labels before exact bounds are measured.
   */
  constructor(
    weighted: WeightedGraph,
    landmarks: Landmarks,
    limited: readonly LimitedWeight[],
    most = ENOUGH + PATIENCE * weighted.nodeCount,
  ) {
    this.#weighted = weighted
    this.#weights = limited.map(({ weight }) => weight)
    this.#most = most
    this.#led = new LedLabels(
      new LimitedArcs(weighted, this.#weights),
      [landmarks, ...limited.map((one) => one.landmarks)].map((one) => new LandmarkBounds(one)),
    )
  }

  /**
   * By numbers outside; the path by links.
   *
   * @param max by limited weight.
   * @returns undefined when there is none that costs less than `bound`.
   */
  find(
    from: number,
    to: number,
    max: readonly number[],
    bound = Number.POSITIVE_INFINITY,
  ): LinkPath | undefined {
    const { inside } = this.#weighted
    const found = this.#led.find(inside[from] ?? -1, inside[to] ?? -1, max, bound, this.#most)
    return found === "tired" ? this.#byExactBounds(from, to, max, bound) : found
  }

  #byExactBounds(
    from: number,
    to: number,
    max: readonly number[],
    bound: number,
  ): LinkPath | undefined {
    const { graph } = this.#weighted
    this.#searches ??= new ShortestPaths(graph)
    const question = { from, to, ...this.#weighted.asQuestion() }
    const limits = this.#weights.map((weight, i) => ({ weight, max: max[i] ?? 0 }))
    const limited = new LimitedPaths(graph, this.#searches, question, limits)
    return limited.find(from, [], new Blocks(graph), bound)
  }
}
