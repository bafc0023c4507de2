// Disjoint sets in which every path keeps limits too. That is NP-hard: paths are tried in order of cost, the first of a
// set being its cheapest, and given up as soon as no set can be cheaper than the best one known.

import type { Disjointness } from "./disjoint.js"
import { LimitedPaths } from "./limited-path.js"
import type { PathGraph } from "./path-graph.js"
import type { Limit, LinkPath, PathQuestion, RankedPath } from "./path-question.js"
import { pathsInOrder } from "./paths-in-order.js"
import type { ShortestPaths } from "./shortest.js"

export interface DisjointSet {
  readonly paths: readonly LinkPath[]
  /** False when the search was ended by `maxTries`: a cheaper or greater set may exist. */
  readonly proven: boolean
}

interface Found {
  readonly paths: readonly LinkPath[]
  readonly cost: number
}

/**
 * The cheapest set of `count` paths that keep the limits, or of as many as there are.
 *
 * @param maxTries paths looked at before the search ends with what it has.
 */
export function limitedDisjointPaths(
  graph: PathGraph,
  searches: ShortestPaths,
  question: PathQuestion,
  count: number,
  kind: Disjointness,
  limits: readonly Limit[],
  required: readonly number[],
  maxTries = 20_000,
): DisjointSet {
  let tries = 0
  const inOrder = (within: PathQuestion): Generator<RankedPath, void> => {
    const limited = new LimitedPaths(graph, searches, within, limits, required)
    return pathsInOrder(graph, within, (...task) => limited.find(...task))
  }
  /** The cheapest set of this size whose paths cost `least` or more each, all in all less than `bound`. */
  const search = (
    within: PathQuestion,
    size: number,
    least: number,
    bound: number,
  ): Found | undefined => {
    let best: Found | undefined
    for (const { path, cost } of inOrder(within)) {
      tries += 1
      const limit = best?.cost ?? bound
      if (cost * size >= limit || tries > maxTries) break
      if (cost < least) continue
      if (size === 1) return { paths: [path], cost }
      const rest = search(without(graph, within, path, kind), size - 1, cost, limit - cost)
      if (rest !== undefined) best = { paths: [path, ...rest.paths], cost: cost + rest.cost }
    }
    return best
  }
  for (let size = count; size > 0; size -= 1) {
    const found = search(question, size, 0, Number.POSITIVE_INFINITY)
    if (found !== undefined) return { paths: found.paths, proven: tries <= maxTries }
  }
  return { paths: [], proven: tries <= maxTries }
}

/** The question when the links of a path, or its nodes too, are taken. */
function without(
  graph: PathGraph,
  question: PathQuestion,
  path: LinkPath,
  kind: Disjointness,
): PathQuestion {
  const usableLinks = question.usableLinks.slice()
  for (const link of path) usableLinks[link] = 0
  if (kind === "link") return { ...question, usableLinks }
  const passableNodes = question.passableNodes.slice()
  for (const node of graph.nodesOf(question.from, path)) passableNodes[node] = 0
  return { ...question, usableLinks, passableNodes }
}
