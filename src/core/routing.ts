// Which path a service could take now: its terms and its past turned into a question for the path engine.
// Changes nothing.

import type { Service } from "../model/service.js"
import { explainNoPath, type NoPath } from "./explain.js"
import { nodeName } from "./names.js"
import { type FoundPath, findPath } from "./path.js"
import type { PathQuery } from "./path-query.js"
import { reservationsOf } from "./reservations.js"
import type { Turn } from "./turn.js"

export type Routed =
  | { readonly found: FoundPath; readonly none?: undefined }
  | { readonly found?: undefined; readonly none: NoPath }

/** What routing looks at; a service that does not exist yet has no more. */
export type Routable = Pick<Service, "a" | "b" | "terms"> &
  Partial<Pick<Service, "path" | "next" | "beside" | "avoiding">>

/**
 * The cheapest path that keeps the service's terms and the nodes it avoids for now, or the reason for none.
 * What the service already reserves counts as free for it.
 *
 * Links that do not generate are considered last, and only for the first path of a service that was promised
 * no rate: it is served from stock.
 */
export function route(turn: Turn, service: Routable, avoidLinks: readonly string[] = []): Routed {
  const { draft, settings } = turn
  const graph = draft.graph
  graph.refresh(draft, settings)
  if (service.a.qkdnId === service.b.qkdnId) {
    const reason = `no path: ${service.a.saeId} and ${service.b.saeId} are both at ${nodeName(draft, service.a.qkdnId)}`
    return { none: { appTag: "no-path", reason } }
  }
  const avoiding = (service.avoiding ?? []).filter((node) => node.untilMs > turn.now)
  const query = queryOf(service, avoiding, avoidLinks)
  const found = findPath(graph, query)
  if (found !== undefined) return { found }
  if (service.terms.minRateBps === 0 && service.path === undefined) {
    const fromStock = findPath(graph, { ...query, allowStock: true })
    if (fromStock !== undefined) return { found: fromStock }
  }
  const lately = avoiding.at(-1)
  if (lately !== undefined && findPath(graph, queryOf(service, [], avoidLinks)) !== undefined) {
    return { none: { appTag: "no-path", reason: lately.reason } }
  }
  return { none: explainNoPath(draft, queryOf(service, [], avoidLinks), settings) }
}

/** What the service asks of a path search; its own reservations count as free for it. */
export function queryOf(
  service: Routable,
  avoiding: readonly { readonly qkdnId: string }[],
  avoidLinks: readonly string[],
): PathQuery {
  const { terms } = service
  return {
    from: service.a.qkdnId,
    to: service.b.qkdnId,
    rateBps: terms.minRateBps,
    avoidNodes: [...terms.avoidNodes, ...avoiding.map((node) => node.qkdnId)],
    avoidLinks: [...(terms.avoidLinks ?? []), ...avoidLinks],
    credit: reservationsOf(service),
    ...(terms.requireNodes === undefined ? {} : { requireNodes: terms.requireNodes }),
    ...(terms.maxHops === undefined ? {} : { maxHops: terms.maxHops }),
    ...(terms.maxEpsilon === undefined ? {} : { maxEpsilon: terms.maxEpsilon }),
  }
}
