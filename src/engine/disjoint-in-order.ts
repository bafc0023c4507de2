// Disjoint sets where no flow finds them: every path keeps limits too, or must share no risk with another. Both are NP-hard: paths
// are tried in order of cost, the first of a set being its cheapest, and given up as soon as no set can be cheaper than the best
// one known.

import { DisjointSearch, type Disjointness } from "./disjoint-search.js"
import { KShortest } from "./k-shortest.js"
import { LimitedPaths } from "./limited-path.js"
import type { PathGraph } from "./path-graph.js"
import {
  type Limit,
  type LinkPath,
  type PathQuestion,
  type RankedPath,
  sumAlong,
} from "./path-question.js"
import { pathsInOrder } from "./paths-in-order.js"
import type { RiskGroups } from "./risk-groups.js"
import type { ShortestPaths } from "./shortest.js"
import type { Waypoint } from "./waypoint.js"
import { WeightedGraph } from "./weighted-graph.js"

export interface DisjointSet {
  readonly paths: readonly LinkPath[]
  /** False when the search was ended by `maxTries`: a cheaper or greater set may exist. */
  readonly proven: boolean
}

interface Found {
  readonly paths: readonly LinkPath[]
  readonly cost: number
}

/** The paths within a question, cheapest first, those that cost less than the bound. */
type InOrder = (within: PathQuestion, bound: number) => Iterable<RankedPath>
/** The question that is left when a path is taken. */
type Without = (within: PathQuestion, path: LinkPath) => PathQuestion

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
  waypoints: readonly Waypoint[],
  maxTries = 20_000,
): DisjointSet {
  return new SetSearch(
    limitedInOrder(graph, searches, limits, waypoints),
    (within, path) => without(graph, within, path, kind),
    maxTries,
  ).best(question, count)
}

/**
 * The cheapest set of `count` paths of which no two share a risk (nor a link), or of as many as there are.
 *
 * @param maxTries as above.
 */
export function riskDisjointPaths(
  graph: PathGraph,
  searches: ShortestPaths,
  question: PathQuestion,
  count: number,
  risks: RiskGroups,
  limits: readonly Limit[] = [],
  waypoints: readonly Waypoint[] = [],
  maxTries = 20_000,
): DisjointSet {
  const rest: Without = (within, path) => {
    const usableLinks = within.usableLinks.slice()
    for (const link of risks.failingWith(path)) usableLinks[link] = 0
    return { ...within, usableLinks }
  }
  if (limits.length > 0 || waypoints.length > 0) {
    const inOrder = limitedInOrder(graph, searches, limits, waypoints)
    return new SetSearch(inOrder, rest, maxTries).best(question, count)
  }
  // A set that shares no links costs no more, and cannot be smaller. Where it happens to share no risk it is the answer.
  const weighted = WeightedGraph.of(graph, question)
  const apart = new DisjointSearch(weighted).find(question.from, question.to, count, "link")
  if (apart.every((path, i) => apart.slice(i + 1).every((other) => !risks.share(path, other))))
    return { paths: apart, proven: true }
  const least = apart.reduce((sum, path) => sum + sumAlong(path, question.cost), 0)
  const inOrder: InOrder = (within, bound) =>
    new KShortest(WeightedGraph.of(graph, within)).paths(
      within.from,
      within.to,
      Number.POSITIVE_INFINITY,
      bound,
    )
  return new SetSearch(inOrder, rest, maxTries).best(question, apart.length, least)
}

class SetSearch {
  readonly #inOrder: InOrder
  readonly #without: Without
  readonly #maxTries: number
  #tries = 0

  constructor(inOrder: InOrder, without: Without, maxTries: number) {
    this.#inOrder = inOrder
    this.#without = without
    this.#maxTries = maxTries
  }

  /** @param enough what a set of `count` costs at least: one that costs no more is not improved on. */
  best(question: PathQuestion, count: number, enough = 0): DisjointSet {
    for (let size = count; size > 0; size -= 1) {
      const found = this.#search(
        question,
        size,
        0,
        Number.POSITIVE_INFINITY,
        size === count ? enough : 0,
      )
      if (found !== undefined) return { paths: found.paths, proven: this.#tries <= this.#maxTries }
    }
    return { paths: [], proven: this.#tries <= this.#maxTries }
  }

  /** The cheapest set of this size whose paths cost `least` or more each, all in all less than `bound`. */
  #search(
    within: PathQuestion,
    size: number,
    least: number,
    bound: number,
    enough: number,
  ): Found | undefined {
    let best: Found | undefined
    for (const { path, cost } of this.#inOrder(within, bound)) {
      this.#tries += 1
      const limit = best?.cost ?? bound
      if (cost * size >= limit || this.#tries > this.#maxTries) break
      if (cost < least) continue
      if (size === 1) return { paths: [path], cost }
      const rest = this.#search(this.#without(within, path), size - 1, cost, limit - cost, 0)
      if (rest === undefined) continue
      best = { paths: [path, ...rest.paths], cost: cost + rest.cost }
      if (best.cost <= enough) break
    }
    return best
  }
}

function limitedInOrder(
  graph: PathGraph,
  searches: ShortestPaths,
  limits: readonly Limit[],
  waypoints: readonly Waypoint[],
): InOrder {
  return (within) => {
    const limited = new LimitedPaths(graph, searches, within, limits, waypoints)
    return pathsInOrder(graph, within, (...task) => limited.find(...task))
  }
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
