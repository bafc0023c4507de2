// Key paths between two nodes under the constraints of a query, found by the engine on the arrays of `graph.ts`: the
// cheapest one, or the cheapest few in order. Why there is none is told by `explain.ts`. Parallel links between two
// nodes are links of their own.

import { LimitedPaths } from "../engine/limited-path.js"
import { isWithin, type LinkPath, sumAlong } from "../engine/path-question.js"
import { type FindRest, pathsInOrder } from "../engine/paths-in-order.js"
import { Blocks } from "../engine/shortest.js"
import type { Hop } from "../model/service.js"
import type { Graph } from "./graph.js"
import { ask, type PathQuery, type Ruled } from "./path-query.js"

export interface FoundPath {
  readonly hops: readonly Hop[]
  readonly nodes: readonly string[]
  readonly price: number
}

/**
 * The cheapest path, or undefined. The graph must have been refreshed.
 *
 * Relay nodes are present, may relay and are not avoided; the ends are present. The path visits no node twice.
 */
export function findPath(graph: Graph, query: PathQuery): FoundPath | undefined {
  return ask(graph, query, (ruled) => {
    const links = cheapest(graph, ruled)
    return links === undefined ? undefined : asPath(graph, ruled.question.from, links)
  })
}

/** The `count` cheapest paths, cheapest first; equal ones with fewer hops first. */
export function findPaths(graph: Graph, query: PathQuery, count: number): FoundPath[] {
  const found = ask(graph, query, (ruled) => {
    const { question } = ruled
    const ranked = pathsInOrder(graph.shape, question, restBy(graph, ruled), count)
    return Array.from(ranked, ({ path }) => asPath(graph, question.from, path))
  })
  return found ?? []
}

/** By the plain search; only where that breaks a limit, by the one that keeps them. */
function cheapest(graph: Graph, { question, limits, waypoints }: Ruled): LinkPath | undefined {
  if (waypoints.length === 0) {
    const { from, to, cost, usableLinks, passableNodes } = question
    const links = graph.pair.find(from, to, cost, usableLinks, 1, passableNodes)
    const keeps = ({ weight, max }: (typeof limits)[number]): boolean =>
      isWithin(sumAlong(links ?? [], weight), max)
    if (links === undefined || limits.every(keeps)) return links
  }
  const limited = new LimitedPaths(graph.shape, graph.searches, question, limits, waypoints)
  return limited.find(question.from, [], new Blocks(graph.shape), Number.POSITIVE_INFINITY)
}

function restBy(graph: Graph, { question, limits, waypoints }: Ruled): FindRest {
  const { shape, searches } = graph
  if (limits.length > 0 || waypoints.length > 0) {
    const limited = new LimitedPaths(shape, searches, question, limits, waypoints)
    return (...task) => limited.find(...task)
  }
  const toGo = searches.distancesTo(question)
  return (from, _root, blocks, bound) => searches.find({ ...question, from }, blocks, toGo, bound)
}

/** Links of the engine, followed from a node, in the network's own ids. */
export function asPath(graph: Graph, from: number, links: LinkPath): FoundPath {
  const { shape, nodeIds, linkIds } = graph
  const hops: Hop[] = []
  let node = from
  let here = nodeIds[node] ?? ""
  let price = 0
  const nodes = [here]
  for (const link of links) {
    node = shape.otherEnd(link, node)
    const there = nodeIds[node] ?? ""
    hops.push({ qkdlId: linkIds[link] ?? "", from: here, to: there })
    nodes.push(there)
    price += graph.price[link] ?? 0
    here = there
  }
  return { hops, nodes, price }
}
