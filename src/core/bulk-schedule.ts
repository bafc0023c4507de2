// When open bulk orders are carried out, over which path and at which rate: the network as a question to the engine
// (`engine/bulk-streams.ts`), and its answer as periods. Counted with is what links have left beside services and what
// is kept for them; what streams of bulk orders hold now is theirs to share out anew. Changes nothing.

import { bitsBy, type StreamPeriod, StreamSchedule } from "../engine/bulk-streams.js"
import type { LinkPath } from "../engine/path-question.js"
import { type BulkOrder, type BulkPeriod, deliveredBits } from "../model/bulk-order.js"
import { type Maintenance, spanOf } from "../model/maintenance.js"
import type { NetworkLink } from "../model/network.js"
import type { Service } from "../model/service.js"
import type { Graph } from "./graph.js"
import { ratesOverTime } from "./bulk-capacity.js"
import { streamOf } from "./bulk-stream.js"
import { unmeasured } from "./explain.js"
import { maintenanceOf, targetName } from "./maintenance-windows.js"
import { groups } from "./memberships.js"
import { asPath } from "./path.js"
import type { Turn } from "./turn.js"

/** 015 carries rates as uint32. */
const MAX_BPS = 0xffffffff
/** A stream moves to another path for a fifth more of rate. */
const WORTH_MOVING = 0.2

export interface Scheduled {
  readonly order: BulkOrder
  readonly periods: readonly BulkPeriod[]
  /** Of its whole volume, with what has been delivered. */
  readonly byDeadlineBits: number
  /** Ms since the epoch; absent where what the network has now never suffices. */
  readonly doneAtMs?: number
  readonly inTime: boolean
  /** Why nothing is scheduled, or it is late, where that is known. */
  readonly reason?: string
}

/**
 * Orders that were promised first; then greater priority, then the earlier deadline. That is what carries most; where it
 * would break a promise, the places in which the promises were given are kept.
 *
 * @param orders open ones
 */
export function scheduleOrders(turn: Turn, orders: readonly BulkOrder[]): readonly Scheduled[] {
  const best = scheduleInTurn(turn, [...orders].sort(byDeadline))
  if (broken(best) === 0) return blamed(turn, best)
  const kept = scheduleInTurn(turn, [...orders].sort(byPlace))
  return blamed(turn, broken(kept) < broken(best) ? kept : best)
}

/** Those that are late say so where it is for maintenance: without it they would be in time. */
function blamed(turn: Turn, schedule: readonly Scheduled[]): readonly Scheduled[] {
  if (schedule.every(({ inTime }) => inTime) || maintenanceOf(turn.draft).length === 0)
    return schedule
  const inTurn = schedule.map(({ order }) => order)
  const without = scheduleInTurn(turn, inTurn, [])
  const free = new Set(without.flatMap(({ order, inTime }) => (inTime ? [order.orderId] : [])))
  return schedule.map((one) => {
    if (one.inTime || !free.has(one.order.orderId)) return one
    const reason = whyLate(turn, one.order)
    return reason === undefined ? one : { ...one, reason }
  })
}

/** Maintenance that lies before the deadline, in words. */
export function whyLate(turn: Turn, { deadline, notBefore }: BulkOrder): string | undefined {
  const { draft } = turn
  const due = Date.parse(deadline)
  const met = maintenanceOf(draft).filter(
    ({ begin, end }) => Date.parse(begin) < due && Date.parse(end) > Date.parse(notBefore),
  )
  if (met.length === 0) return undefined
  const shown = met.slice(0, SHOWN).map((one) => `${targetName(draft, one)} ${spanOf(one)}`)
  const more = met.length > SHOWN ? ` and ${met.length - SHOWN} more` : ""
  return `planned maintenance: ${shown.join(", ")}${more}`
}

const SHOWN = 3

/** The link that is up and was never measured, where that is what an order waits for. */
export function unmeasuredFor(
  { draft }: Turn,
  { from, to, terms }: BulkOrder,
): NetworkLink | undefined {
  const { avoidNodes, avoidLinks = [], maxHops, maxEpsilon } = terms
  return unmeasured(draft, {
    ...{ from: from.qkdnId, to: to.qkdnId, avoidNodes, avoidLinks },
    ...(maxHops === undefined ? {} : { maxHops }),
    ...(maxEpsilon === undefined ? {} : { maxEpsilon }),
  })
}

/** How many promises it breaks. */
export function broken(schedule: readonly Scheduled[]): number {
  return schedule.filter(({ order, inTime }) => !order.bestEffort && !inTime).length
}

export function byDeadline(x: BulkOrder, y: BulkOrder): number {
  return (
    Number(x.bestEffort) - Number(y.bestEffort) ||
    y.terms.priority - x.terms.priority ||
    Date.parse(x.deadline) - Date.parse(y.deadline) ||
    byPlace(x, y)
  )
}

export function byPlace(x: BulkOrder, y: BulkOrder): number {
  return (
    Number(x.bestEffort) - Number(y.bestEffort) ||
    x.place - y.place ||
    (x.orderId < y.orderId ? -1 : 1)
  )
}

/**
 * One after the other: what an order takes, those behind it do not have.
 *
 * @param maintenance what is scheduled round
 */
export function scheduleInTurn(
  turn: Turn,
  orders: readonly BulkOrder[],
  maintenance: readonly Maintenance[] = maintenanceOf(turn.draft),
): readonly Scheduled[] {
  const { draft, settings } = turn
  const { graph } = draft
  graph.refresh(draft, settings)
  const streams = orders.flatMap(({ serviceId }) => draft.service(serviceId ?? "") ?? [])
  const untilMs = Math.max(0, ...orders.map(({ deadline }) => Date.parse(deadline)))
  const { times, rates } = ratesOverTime(turn, streams, maintenance, untilMs)
  const schedule = new StreamSchedule(
    {
      graph: graph.shape,
      searches: graph.searches,
      setupS: settings.bulkSetupMs / 1000,
      maxRateBps: MAX_BPS,
      worthMoving: WORTH_MOVING,
    },
    times,
    rates,
  )
  const busy = new Map<string, number>()
  return withStreamsFirst(turn, orders).map((order) => {
    const pair = pairOf(order)
    const { scheduled, endS } = place(turn, schedule, order, busy.get(pair) ?? 0)
    busy.set(pair, Math.max(busy.get(pair) ?? 0, endS))
    return scheduled
  })
}

/** A pair has one stream, of one of its orders at a time: who has it goes before the others of the pair. */
function withStreamsFirst(turn: Turn, orders: readonly BulkOrder[]): readonly BulkOrder[] {
  const holders = new Map<string, BulkOrder>()
  for (const order of orders)
    if (streamOf(turn, order) !== undefined) holders.set(pairOf(order), order)
  const placed = new Set<BulkOrder>()
  for (const order of orders) {
    const holder = holders.get(pairOf(order))
    if (holder !== undefined) placed.add(holder)
    placed.add(order)
  }
  return [...placed]
}

function pairOf({ from, to }: BulkOrder): string {
  return groups.serviceOfPair(from.saeId, to.saeId)
}

interface Placed {
  readonly scheduled: Scheduled
  /** Seconds from now; infinity where it never ends. */
  readonly endS: number
}

/** @param freeS seconds from now, from when its pair's stream is free */
function place(turn: Turn, schedule: StreamSchedule, order: BulkOrder, freeS: number): Placed {
  const { graph } = turn.draft
  const done = deliveredBits(order)
  const missing = order.volumeBits - done
  const dueS = (Date.parse(order.deadline) - turn.now) / 1000
  const from = graph.nodeNumber(order.from.qkdnId) ?? -1
  const to = graph.nodeNumber(order.to.qkdnId) ?? -1
  const service = turn.draft.service(order.serviceId ?? "")
  const standing = standingLinks(graph, order, service)
  const refusing = (service?.avoiding ?? []).find(
    ({ qkdnId, untilMs }) =>
      untilMs > turn.now && (qkdnId === order.from.qkdnId || qkdnId === order.to.qkdnId),
  )
  if (refusing !== undefined) {
    const { reason } = refusing
    const scheduled = { order, periods: [], byDeadlineBits: done, inTime: false, reason }
    return { scheduled, endS: 0 }
  }
  const rules = rulesOf(turn, order, service)
  if (graph.present[from] !== 1 || graph.present[to] !== 1) {
    if (standing === undefined) {
      const scheduled = { order, periods: [], byDeadlineBits: done, inTime: false }
      return { scheduled, endS: 0 }
    }
    // Keys flow on while an end is out of reach; but nothing new can be set up.
    rules.forbiddenLinks.fill(1)
    for (const link of standing) rules.forbiddenLinks[link] = 0
  }
  const found = schedule.place({
    from,
    to,
    volumeBits: missing,
    ...(order.terms.mostBps === undefined ? {} : { mostBps: order.terms.mostBps }),
    notBefore: Math.max(freeS, (Date.parse(order.notBefore) - turn.now) / 1000),
    ...rules,
    ...(standing === undefined ? {} : { standing }),
  })
  // Where a link makes nothing any more, some of it may be left.
  const isWhole = bitsBy(found, Number.POSITIVE_INFINITY) > missing - 1
  const end = (isWhole ? found.at(-1)?.end : undefined) ?? Number.POSITIVE_INFINITY
  const periods = found
    .map((period) => periodOf(turn, from, period))
    .filter(({ fromMs, toMs }) => fromMs < toMs)
  const byDeadlineBits = Math.min(order.volumeBits, done + Math.floor(bitsBy(found, dueS) + 0.5))
  const inTime = end <= dueS
  const doneAtMs = turn.now + Math.ceil(end * 1000)
  const scheduled = {
    ...{ order, periods, byDeadlineBits, inTime },
    ...(Number.isFinite(end) ? { doneAtMs } : {}),
  }
  // One for which there is no rate now does not keep others of its pair waiting.
  return { scheduled, endS: found.at(-1)?.end ?? 0 }
}

function rulesOf(
  turn: Turn,
  { terms }: BulkOrder,
  service: Service | undefined,
): {
  readonly forbiddenLinks: Uint8Array
  readonly passableNodes: Uint8Array
  readonly limits: { readonly weight: Float64Array; readonly max: number }[]
} {
  const { graph } = turn.draft
  const passableNodes = graph.passable.slice()
  const avoiding = (service?.avoiding ?? []).filter(({ untilMs }) => untilMs > turn.now)
  for (const id of [...terms.avoidNodes, ...avoiding.map(({ qkdnId }) => qkdnId)]) {
    const node = graph.nodeNumber(id)
    if (node !== undefined) passableNodes[node] = 0
  }
  const forbiddenLinks = new Uint8Array(graph.shape.linkCount)
  for (const id of terms.avoidLinks ?? []) {
    const link = graph.linkNumber(id)
    if (link !== undefined) forbiddenLinks[link] = 1
  }
  const { maxHops, maxEpsilon } = terms
  return {
    passableNodes,
    forbiddenLinks,
    limits: [
      ...(maxHops === undefined ? [] : [{ weight: graph.ones, max: maxHops }]),
      ...(maxEpsilon === undefined ? [] : [{ weight: graph.epsilon, max: maxEpsilon }]),
    ],
  }
}

/** The path its stream is on, or on its way to, from the order's beginning to its end. */
function standingLinks(
  graph: Graph,
  order: BulkOrder,
  service: Service | undefined,
): LinkPath | undefined {
  const path = service?.next ?? service?.path
  if (path === undefined) return undefined
  const { values, start, hops } = graph.numbersOf(path)
  const links = Array.from(values.subarray(start, start + hops))
  if (links.includes(-1)) return undefined
  return service?.a.qkdnId === order.from.qkdnId ? links : links.reverse()
}

function periodOf(turn: Turn, from: number, period: StreamPeriod): BulkPeriod {
  const { hops, nodes } = asPath(turn.draft.graph, from, period.path)
  const fromMs = turn.now + Math.ceil(period.begin * 1000)
  // A period without end is one of the network as it is now: the schedule is made anew long before.
  const toMs = Number.isFinite(period.end) ? turn.now + Math.ceil(period.end * 1000) : MAX_MS
  return { fromMs, toMs, rateBps: period.rateBps, hops, nodes }
}

/** The last time that can be written as a date. */
const MAX_MS = 8_640_000_000_000_000
