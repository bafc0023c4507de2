// The key stream of a bulk order: a service at the scheduled rate over the scheduled path, made when the first period
// comes, altered as the schedule has it, and left to its pair without a promise when the order is over, so that keys which
// are ready stay. How a path is set up is in `phases.ts`.

import type { BulkOrder, BulkPeriod } from "../model/bulk-order.js"
import type { OrderedKeys, Service, ServiceTerms } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { isOnSeveral } from "./lanes.js"
import { groups } from "./memberships.js"
import { abandonNext, beginPath, put, remove, sameLinks } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import type { Turn } from "./turn.js"

/** A rate that differs by less is left as it is: every change is told to every node of the path. */
const WORTH_TELLING = 0.05

/**
 * The service of its pair that keeps its terms: one that an operator ordered is its customer's, and one on several paths is so
 * because an operator asked more of it than a stream over one path would keep.
 */
export function inTheWay(
  turn: Turn,
  { from, to }: Pick<BulkOrder, "from" | "to">,
): Service | undefined {
  const [id] = turn.draft.members(groups.serviceOfPair(from.saeId, to.saeId))
  const service = id === undefined ? undefined : turn.draft.service(id)
  if (service?.origin === "order") return service
  return service?.origin === "request" && isOnSeveral(service) ? service : undefined
}

export function streamOf(turn: Turn, { serviceId, orderId }: BulkOrder): Service | undefined {
  const service = serviceId === undefined ? undefined : turn.draft.service(serviceId)
  return service?.ordered?.orderId === orderId && service.state !== "removing" ? service : undefined
}

/** What it is scheduled to give up, before others take it. */
export function lower(turn: Turn, order: BulkOrder, period: BulkPeriod | undefined): void {
  const stream = streamOf(turn, order)
  if (stream?.path === undefined || stream.next !== undefined) return
  if (period === undefined) setRate(turn, stream, order, 0)
  else if (
    period.rateBps < stream.path.rateBps &&
    sameLinks(stream.path.hops, oriented(stream, period).hops)
  )
    setRate(turn, stream, order, period.rateBps)
}

/**
 * No faster than links have room now: what another order is to give up may still be on its way.
 *
 * @returns the order, with its stream on the way there
 */
export function run(turn: Turn, order: BulkOrder, scheduled: BulkPeriod): BulkOrder {
  const stream = streamOf(turn, order)
  const rateBps = Math.min(scheduled.rateBps, roomFor(turn, order, scheduled))
  if (rateBps < 1) return order
  const period = { ...scheduled, rateBps }
  if (stream !== undefined) {
    steer(turn, stream, order, period)
    return order
  }
  const [taken] = turn.draft.members(groups.serviceOfPair(order.from.saeId, order.to.saeId))
  const known = taken === undefined ? undefined : turn.draft.service(taken)
  if (known !== undefined) {
    // Another order's stream: its turn comes when that is over.
    if (known.origin !== "request") return order
    // It has counted before: its mark is known when its node is heard.
    const { surplus: _s, backup: _b, noBackup: _n, home: _h, ...bare } = known
    const marked: Service = {
      ...bare,
      origin: "bulk",
      // From now on the order's, also where path and rate stay: what its own terms wanted kept ready is not kept any more.
      terms: termsAt(order, known.terms.minRateBps),
      ordered: orderedFor(order, 0),
    }
    turn.sync(order.from.qkdnId)
    steer(turn, put(turn, marked), order, period)
    const { countedBits: _counted, beforeBits: _before, ...rest } = order
    return { ...rest, serviceId: known.serviceId }
  }
  const time = turn.time()
  const service: Service = {
    serviceId: turn.context.newId(),
    origin: "bulk",
    a: order.from,
    b: order.to,
    terms: termsAt(order, period.rateBps),
    ordered: orderedFor(order, order.volumeBits - order.takenBits),
    state: "pending",
    leaving: [],
    createdAt: time,
    changedAt: time,
  }
  turn.notify("service", "service.ordered", service.serviceId, `for bulk order ${order.orderId}`)
  beginPath(turn, put(turn, service), period)
  return { ...order, serviceId: service.serviceId, countedBits: 0, beforeBits: 0 }
}

/** Bits per second that its path could have now, with what its stream has already. */
function roomFor(turn: Turn, order: BulkOrder, { hops }: BulkPeriod): number {
  const { draft, settings } = turn
  const [id] = draft.members(groups.serviceOfPair(order.from.saeId, order.to.saeId))
  const own = reservationsOf(draft.service(id ?? "") ?? {})
  const room = hops.map(({ qkdlId }) => {
    const link = draft.link(qkdlId)
    return link === undefined ? 0 : residualBps(draft, link, settings) + (own.get(qkdlId) ?? 0)
  })
  return Math.min(...room)
}

/** Its node is to have so many more keys ready. */
export function setMark(turn: Turn, order: BulkOrder, untilBits: number): void {
  const stream = streamOf(turn, order)
  if (stream === undefined || stream.ordered?.untilBits === untilBits) return
  put(turn, { ...stream, ordered: orderedFor(order, untilBits) })
  turn.sync(order.from.qkdnId)
}

/** The order is over. What is ready stays with the pair, as if it had asked for its association itself. */
export function letGo(turn: Turn, order: BulkOrder): void {
  const stream = streamOf(turn, order)
  if (stream === undefined) return
  const isNowhere = stream.path === undefined && stream.next === undefined
  if (isNowhere || order.takenBits + order.readyBits === 0) {
    remove(turn, stream, `bulk order ${order.orderId} is over`)
    return
  }
  const { ordered: _ordered, ...bare } = stream
  const terms = { ...stream.terms, minRateBps: 0 }
  const path = bare.path === undefined ? {} : { path: { ...bare.path, rateBps: 0 } }
  const next = bare.next === undefined ? {} : { next: { ...bare.next, rateBps: 0 } }
  put(turn, { ...bare, ...path, ...next, terms, origin: "request" })
  turn.sync(order.from.qkdnId, ...(bare.path?.nodes ?? []), ...(bare.next?.nodes ?? []))
  turn.notify("service", "service.changed", stream.serviceId, `bulk order ${order.orderId} is over`)
}

function steer(turn: Turn, stream: Service, order: BulkOrder, period: BulkPeriod): void {
  const { rateBps } = period
  const towards = stream.next ?? stream.path
  const planned = oriented(stream, period)
  if (towards !== undefined && sameLinks(towards.hops, planned.hops)) {
    // What is being set up is not told anew: the next schedule finds it standing.
    if (stream.next === undefined) setRate(turn, stream, order, rateBps)
    return
  }
  const free = abandonNext(turn, { ...stream, terms: termsAt(order, rateBps) })
  turn.notify("service", "service.moving", stream.serviceId, "as its bulk order is scheduled")
  beginPath(turn, free, planned)
}

function setRate(turn: Turn, stream: Service, order: BulkOrder, rateBps: number): void {
  const { path } = stream
  if (path === undefined) return
  const same =
    rateBps === path.rateBps ||
    (rateBps > 0 && Math.abs(rateBps - path.rateBps) < WORTH_TELLING * path.rateBps)
  if (same && path.rateBps === stream.terms.minRateBps) return
  const rate = same ? path.rateBps : rateBps
  put(turn, { ...stream, terms: termsAt(order, rate), path: { ...path, rateBps: rate } })
  turn.sync(...path.nodes)
  turn.notify("service", "service.changed", stream.serviceId)
}

/** From end a of the service to its end b. */
function oriented({ a }: Service, { hops, nodes }: BulkPeriod): Pick<BulkPeriod, "hops" | "nodes"> {
  if (nodes[0] === a.qkdnId) return { hops, nodes }
  return {
    hops: hops.map(({ qkdlId, from, to }) => ({ qkdlId, from: to, to: from })).reverse(),
    nodes: [...nodes].reverse(),
  }
}

function termsAt({ terms }: BulkOrder, minRateBps: number): ServiceTerms {
  const { mostBps: _most, ...rest } = terms
  return { ...rest, minRateBps }
}

function orderedFor({ orderId, from, keySizeBits }: BulkOrder, untilBits: number): OrderedKeys {
  return { orderId, qkdnId: from.qkdnId, keySizeBits, untilBits }
}
