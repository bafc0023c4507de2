// What streams of bulk orders give back when a service needs it: all that they do not need to be in time. Orders run as
// early as they can, so that most of what they hold is ahead of need; services are not to wait for that.

import { type BulkOrder, deliveredBits } from "../model/bulk-order.js"
import type { KeyPath, Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { groups } from "./memberships.js"
import { findPath } from "./path.js"
import { put } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import { queryOf, type Routable, type Routed, route } from "./routing.js"
import type { Turn } from "./turn.js"
import type { View } from "./view.js"

/** Of what an order needs on average from now on, so much more is left to it. */
const SPARE = 1.1

interface Yielding {
  readonly stream: Service
  /** What it does not need, bits per second. */
  readonly spareBps: number
}

/** As `route`; where rate is lacking, streams give back what would do. */
export function routeBesideBulk(
  turn: Turn,
  service: Routable,
  avoidLinks: readonly string[] = [],
): Routed {
  const routed = route(turn, service, avoidLinks)
  if (routed.found !== undefined || routed.none.appTag !== "no-capacity") return routed
  return makeRoomBesideBulk(turn, service, avoidLinks) ? route(turn, service, avoidLinks) : routed
}

/** @returns whether streams gave back enough for a path. */
function makeRoomBesideBulk(turn: Turn, service: Routable, avoidLinks: readonly string[]): boolean {
  const { draft, settings } = turn
  const yielding = streamsOf(turn)
  if (yielding.length === 0) return false
  const avoiding = (service.avoiding ?? []).filter(({ untilMs }) => untilMs > turn.now)
  const query = queryOf(service, avoiding, avoidLinks)
  const credit = new Map(query.credit)
  for (const { stream, spareBps } of yielding)
    for (const { qkdlId } of pathOf(stream)?.hops ?? [])
      credit.set(qkdlId, (credit.get(qkdlId) ?? 0) + spareBps)
  draft.graph.refresh(draft, settings)
  const found = findPath(draft.graph, { ...query, credit })
  if (found === undefined) return false
  for (const { qkdlId } of found.hops) {
    for (const { stream, spareBps } of yielding) {
      const link = draft.link(qkdlId)
      const now = draft.service(stream.serviceId)
      const path = pathOf(now)
      if (link === undefined || now === undefined || path === undefined) continue
      const own = query.credit?.get(qkdlId) ?? 0
      const lacking = query.rateBps - residualBps(draft, link, settings) - own
      if (lacking <= 0) break
      if (!path.hops.some((hop) => hop.qkdlId === qkdlId)) continue
      const least = (pathOf(stream)?.rateBps ?? 0) - spareBps
      const rateBps = Math.max(least, path.rateBps - Math.ceil(lacking))
      put(turn, {
        ...now,
        terms: { ...now.terms, minRateBps: rateBps },
        [now.path === undefined ? "next" : "path"]: { ...path, rateBps },
      })
      turn.sync(...path.nodes)
    }
  }
  return true
}

function streamsOf({ draft, now }: Turn): Yielding[] {
  return draft.members(groups.openOrders).flatMap((id): Yielding[] => {
    const order = draft.order(id)
    const stream = draft.service(order?.serviceId ?? "")
    if (order === undefined || stream?.ordered?.orderId !== id) return []
    const spareBps = (pathOf(stream)?.rateBps ?? 0) - neededBps(order, now)
    return spareBps > 0 ? [{ stream, spareBps }] : []
  })
}

/** The one path that it has or is getting; a stream on its way from one to another is left alone. */
function pathOf(stream: Service | undefined): KeyPath | undefined {
  if (stream?.next === undefined) return stream?.path
  return stream.path === undefined ? stream.next : undefined
}

/** Infinity where it is late anyway. */
function neededBps(order: BulkOrder, now: number): number {
  if (order.bestEffort) return 0
  const leftS = (Date.parse(order.deadline) - now) / 1000
  if (order.late || leftS <= 0) return Number.POSITIVE_INFINITY
  return Math.ceil((SPARE * (order.volumeBits - deliveredBits(order))) / leftS)
}

/** Bits per second that streams of bulk orders hold, by link. */
export function heldByBulk(view: View): ReadonlyMap<string, number> {
  const held = new Map<string, number>()
  for (const id of view.members(groups.openOrders)) {
    const stream = view.service(view.order(id)?.serviceId ?? "")
    if (stream?.ordered?.orderId !== id) continue
    for (const [qkdlId, bps] of reservationsOf(stream))
      held.set(qkdlId, (held.get(qkdlId) ?? 0) + bps)
  }
  return held
}
