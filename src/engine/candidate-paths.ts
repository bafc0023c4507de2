// Paths that demands may be placed on when whole plans are tried by the hundred thousand: by pair of nodes those that the linear
// program knows, and some that are cheapest at its prices. Numbers in flat arrays. Places nothing.

import type { Columns } from "./columns.js"
import { KShortest } from "./k-shortest.js"
import type { LinkPath } from "./path-question.js"
import { WeightedGraph } from "./weighted-graph.js"

/** So many of the cheapest besides: with 3 plans carried 0.003 less, with 10 no more, and paths took longer to find. */
const CHEAPEST = 6
/** What a link costs besides its price, as a part of what a path may cost to gain anything: few links first. */
const PER_HOP = 0.1

export interface CandidatePaths {
  /** From each pair's `from` to its `to`; those of pair p are `first[p]` to `first[p + 1]`, exclusive. */
  readonly paths: readonly LinkPath[]
  readonly first: Int32Array
  /** Links of path q: `start[q]` to `start[q + 1]`, exclusive. */
  readonly start: Int32Array
  readonly links: Int32Array
  /** By path: the prices of its links together; and the least rate of any of them. */
  readonly price: Float64Array
  readonly roomBps: Float64Array
}

/** @param linkPrices what one bit per second over each link is worth to others, by the program. */
export function candidatePaths(columns: Columns, linkPrices: Float64Array): CandidatePaths {
  const { graph, capacity } = columns
  const { rateBps, passableNodes } = capacity
  const usableLinks = Uint8Array.from(rateBps, (bps) => (bps > 0 ? 1 : 0))
  const cost = linkPrices.map((price) => price + PER_HOP)
  const search = new KShortest(WeightedGraph.of(graph, { cost, usableLinks, passableNodes }))
  const lists = columns.pairs.map((): Map<string, LinkPath> => new Map())
  for (const { pair, path } of columns.columns) if (path.length > 0) add(lists[pair], path)
  for (const [number, { from, to }] of columns.pairs.entries())
    for (const { path } of search.paths(from, to, CHEAPEST)) add(lists[number], path)
  return flat(
    lists.map((list) => [...list.values()]),
    linkPrices,
    rateBps,
  )
}

function add(list: Map<string, LinkPath> | undefined, path: LinkPath): void {
  list?.set(path.join(), path)
}

function flat(
  lists: readonly (readonly LinkPath[])[],
  linkPrices: Float64Array,
  rateBps: Float64Array,
): CandidatePaths {
  const paths = lists.flat()
  return {
    paths,
    first: begins(lists),
    start: begins(paths),
    links: Int32Array.from(paths.flat()),
    price: Float64Array.from(paths, (path) =>
      path.reduce((sum, link) => sum + (linkPrices[link] ?? 0), 0),
    ),
    roomBps: Float64Array.from(paths, (path) =>
      path.reduce((least, link) => Math.min(least, rateBps[link] ?? 0), Number.POSITIVE_INFINITY),
    ),
  }
}

/** Where each list begins when all lie one after the other, and where the last ends. */
function begins(lists: readonly (readonly unknown[])[]): Int32Array {
  const places = new Int32Array(lists.length + 1)
  for (const [number, list] of lists.entries())
    places[number + 1] = (places[number] ?? 0) + list.length
  return places
}
