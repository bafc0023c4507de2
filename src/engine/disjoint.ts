// Sets of paths that share no link, or no node but the ends, of the least cost together, for one question; `DisjointSearch` answers
// many over one graph. Keeps no limits: see disjoint-in-order.ts.

import { DisjointSearch, type Disjointness } from "./disjoint-search.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath, PathQuestion } from "./path-question.js"
import { WeightedGraph } from "./weighted-graph.js"

export type { Disjointness } from "./disjoint-search.js"

/**
 * The cheapest set of `count` paths, or of as many as there are.
 *
 * @returns paths in no order; none when the ends are not joined.
 */
export function disjointPaths(
  graph: PathGraph,
  question: PathQuestion,
  count: number,
  kind: Disjointness,
): LinkPath[] {
  const search = new DisjointSearch(WeightedGraph.of(graph, question))
  return search.find(question.from, question.to, count, kind)
}
