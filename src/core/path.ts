// Cheapest key path between two nodes under constraints, on the typed arrays of `graph.ts`: Dijkstra with a 4-ary
// heap. Why there is none is told by `explain.ts`; bounds on hops and epsilon need `path-bounded.ts`.
// Parallel links between two nodes are links of their own.

import type { Hop } from "../model/service.js"
import { cheapestWithin } from "./path-bounded.js"
import type { Graph } from "./graph.js"
import {
  linkFits,
  nodeFits,
  otherEnd,
  type PathQuery,
  type Search,
  searchOf,
} from "./path-query.js"

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
  const search = searchOf(graph, query)
  if (search === undefined) return undefined
  const links = cheapestLinks(graph, search)
  if (links === undefined || keepsBounds(graph, search, links)) return asPath(graph, search, links)
  return asPath(graph, search, cheapestWithin(graph, search))
}

/** Link numbers from end to end, regarding everything but the bounds on hops and epsilon. */
function cheapestLinks(graph: Graph, search: Search): number[] | undefined {
  const { heap, distance, arrivedBy, stamps, first, arcTo, arcLink, price } = graph
  const stamp = graph.nextStamp()
  heap.clear()
  stamps[search.from] = stamp
  distance[search.from] = 0
  arrivedBy[search.from] = -1
  heap.push(search.from, 0)
  for (let node = heap.pop(); node >= 0; node = heap.pop()) {
    if (node === search.to) return walkBack(graph, search)
    const here = distance[node] ?? 0
    const end = first[node + 1] ?? 0
    for (let arc = first[node] ?? 0; arc < end; arc += 1) {
      const link = arcLink[arc] ?? 0
      const next = arcTo[arc] ?? 0
      const there = here + (price[link] ?? 0)
      if (stamps[next] === stamp && there >= (distance[next] ?? 0)) continue
      if (!linkFits(graph, search, link) || !nodeFits(graph, search, next)) continue
      stamps[next] = stamp
      distance[next] = there
      arrivedBy[next] = link
      heap.push(next, there)
    }
  }
  return undefined
}

function walkBack(graph: Graph, search: Search): number[] {
  const links: number[] = []
  let node = search.to
  while (node !== search.from) {
    const link = graph.arrivedBy[node] ?? -1
    links.push(link)
    node = otherEnd(graph, link, node)
  }
  return links.reverse()
}

function keepsBounds(graph: Graph, search: Search, links: readonly number[]): boolean {
  if (links.length > search.maxHops) return false
  if (search.maxEpsilon === Number.POSITIVE_INFINITY) return true
  return links.reduce((sum, link) => sum + (graph.epsilon[link] ?? 0), 0) <= search.maxEpsilon
}

function asPath(
  graph: Graph,
  search: Search,
  links: readonly number[] | undefined,
): FoundPath | undefined {
  if (links === undefined) return undefined
  const hops: Hop[] = []
  let node = search.from
  let price = 0
  const nodes = [graph.nodeIds[node] ?? ""]
  for (const link of links) {
    const next = otherEnd(graph, link, node)
    const to = graph.nodeIds[next] ?? ""
    hops.push({ qkdlId: graph.linkIds[link] ?? "", from: graph.nodeIds[node] ?? "", to })
    nodes.push(to)
    price += graph.price[link] ?? 0
    node = next
  }
  return { hops, nodes, price }
}
