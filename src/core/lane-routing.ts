// Which paths a service on several at once could take: sets that share no relay node or no link, of the least price
// together. Changes nothing.

import { disjointPaths, type Disjointness } from "../engine/disjoint.js"
import { limitedDisjointPaths } from "../engine/disjoint-in-order.js"
import type { KeyPath, Service } from "../model/service.js"
import { explainNoPath, type NoPath } from "./explain.js"
import type { Graph } from "./graph.js"
import { laneCount, needsAll } from "./lanes.js"
import { nodeName } from "./names.js"
import { asPath, findPath, type FoundPath } from "./path.js"
import { ask, type PathQuery } from "./path-query.js"
import { queryOf, type Routable } from "./routing.js"
import type { Turn } from "./turn.js"

export type RoutedLanes =
  | { readonly found: readonly FoundPath[]; readonly none?: undefined }
  | { readonly found?: undefined; readonly none: NoPath }

/** Paths tried before a search with limits ends with what it has: it must not hold up the loop. */
const MOST_TRIES = 2_000

/**
 * As many paths as the terms want. Shares have no relay node in common; the two of 1+1 neither where that is possible,
 * else no link. Where there are no two for 1+1, the answer is one.
 */
export function routeLanes(turn: Turn, service: Routable): RoutedLanes {
  const { draft, settings } = turn
  const { terms } = service
  const count = laneCount(terms)
  draft.graph.refresh(draft, settings)
  const query = laneQuery(turn, service)
  const kinds: readonly Disjointness[] = needsAll(terms) ? ["node"] : ["node", "link"]
  let most = 0
  for (const kind of kinds) {
    const set = disjointSet(draft.graph, query, count, kind)
    if (set.length === count) return { found: set }
    most = Math.max(most, set.length)
  }
  const single = findPath(draft.graph, query)
  if (single === undefined) return { none: explainNoPath(draft, query, settings) }
  if (!needsAll(terms)) return { found: [single] }
  const without = disjointSet(draft.graph, { ...query, rateBps: 0 }, count, "node").length
  const from = nodeName(draft, query.from)
  const to = nodeName(draft, query.to)
  const rate = without > most ? ` with ${terms.minRateBps} bit/s` : ""
  return {
    none: {
      appTag: without > most ? "no-capacity" : "no-path",
      reason: `no path: ${count} without a common relay node are wanted, ${from} and ${to} have ${most}${rate}`,
    },
  }
}

function laneQuery(turn: Turn, service: Routable): PathQuery {
  const avoiding = (service.avoiding ?? []).filter((node) => node.untilMs > turn.now)
  return queryOf(service, avoiding, [])
}

/** The cheapest set, cheapest path first; fewer than `count` where there are no more. The graph must have been refreshed. */
export function disjointSet(
  graph: Graph,
  query: PathQuery,
  count: number,
  kind: Disjointness,
): FoundPath[] {
  const found = ask(graph, query, ({ question, limits, waypoints }) => {
    const { shape, searches } = graph
    const paths =
      limits.length === 0
        ? disjointPaths(shape, question, count, kind)
        : limitedDisjointPaths(
            shape,
            searches,
            question,
            count,
            kind,
            limits,
            waypoints,
            MOST_TRIES,
          ).paths
    return paths.map((path) => asPath(graph, question.from, path))
  })
  return (found ?? []).sort((x, y) => x.price - y.price)
}

/** The cheapest path for one lane beside those that stand. */
export function routeBeside(
  turn: Turn,
  service: Service,
  standing: readonly KeyPath[],
): FoundPath | undefined {
  const { draft, settings } = turn
  draft.graph.refresh(draft, settings)
  const query = laneQuery(turn, service)
  const avoidLinks = [
    ...(query.avoidLinks ?? []),
    ...standing.flatMap(({ hops }) => hops.map(({ qkdlId }) => qkdlId)),
  ]
  const relays = standing.flatMap(({ nodes }) => nodes.slice(1, -1))
  const apart = { ...query, avoidLinks, avoidNodes: [...(query.avoidNodes ?? []), ...relays] }
  const found = findPath(draft.graph, apart)
  if (found !== undefined || needsAll(service.terms)) return found
  return findPath(draft.graph, { ...query, avoidLinks })
}
