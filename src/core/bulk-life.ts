// The life of bulk orders after they were taken on: scheduled anew on a beat and when something happens to their
// streams, carried out period by period, and completed when what the nodes report makes up the volume.

import type { AppStatistics, AppSupply } from "../model/app.js"
import { type BulkOrder, type BulkPeriod, deliveredBits, isOpen } from "../model/bulk-order.js"
import { type Scheduled, scheduleOrders, unmeasuredFor } from "./bulk-schedule.js"
import { inTheWay, letGo, lower, run, setMark, streamOf } from "./bulk-stream.js"
import { paceOf, slowness } from "./bulk-pace.js"
import { notKnown } from "./explain.js"
import { groups } from "./memberships.js"
import { sameLinks } from "./phases.js"
import type { Turn } from "./turn.js"

/** A forecast that moved by less of the time left is not news. */
const NEWS_SHARE = 0.02

/** An order that waits for a link is looked at with every wake, but not more often. */
const HELD_MS = 1000

/** At every wake: orders whose time has come, and those whose schedule no longer holds. */
export function tendOrders(turn: Turn): void {
  const open = openOrders(turn)
  if (open.length === 0) return
  if (isStarting(turn)) turn.wakeAt(turn.now + STARTING_MS)
  else if (open.some((order) => isStale(turn, order))) reschedule(turn)
  else wakeFor(turn, open)
}

/** A link has come or gone: looked at once what follows has been decided. */
export function tendSoon(turn: Turn): void {
  const { draft, now, settings } = turn
  if (draft.members(groups.openOrders).length > 0) turn.wakeAt(now + settings.retryMs)
}

/** After a start nothing is known of the nodes for a moment: that is no reason to think again about what runs. */
function isStarting({ draft }: Turn): boolean {
  return draft.members(groups.absentNodes).some((id) => {
    const node = draft.node(id)
    return node?.reach === "connecting" && node.reachReason === undefined
  })
}

const STARTING_MS = 500

export function openOrders({ draft }: Turn): BulkOrder[] {
  return draft.members(groups.openOrders).flatMap((id) => draft.order(id) ?? [])
}

/** All open orders, as the network is now. */
export function reschedule(turn: Turn): void {
  const open = openOrders(turn)
  if (open.length > 0) follow(turn, scheduleOrders(turn, open))
}

/** Makes a schedule the one that is carried out. */
export function follow(turn: Turn, schedule: readonly Scheduled[]): void {
  for (const { order, periods } of schedule)
    lower(turn, order, periodAt({ ...order, periods }, turn.now))
  for (const scheduled of schedule) carryOut(turn, scheduled)
  wakeFor(turn, openOrders(turn))
}

/** What a node has given its SAE of an order's stream, and holds ready for it. */
export function supplied(turn: Turn, qkdnId: string, appId: string, supply: AppSupply): void {
  const orderId = turn.draft.service(appId)?.ordered?.orderId
  const order = orderId === undefined ? undefined : turn.draft.order(orderId)
  if (order === undefined || !isOpen(order) || order.from.qkdnId !== qkdnId) return
  const { suppliedBits, readyBits } = supply
  const { countedBits = suppliedBits, beforeBits = readyBits } = order
  // A count that fell: configured anew, or what a killed node had not saved yet. Neither is counted twice.
  const takenBits = order.takenBits + Math.max(0, suppliedBits - countedBits)
  const unmoved =
    order.countedBits === suppliedBits &&
    order.readyBits === readyBits &&
    takenBits === order.takenBits
  const now: BulkOrder = { ...order, takenBits, readyBits, beforeBits, countedBits: suppliedBits }
  if (!unmoved) write(turn, now)
  if (deliveredBits(now) >= order.volumeBits) complete(turn, now)
  else setMark(turn, now, suppliedBits + order.volumeBits - takenBits + beforeBits)
}

/**
 * Of a node that makes nothing ahead and counts no masters: what its statistics say was consumed (015 `app_statistics`),
 * each period once.
 */
export function tallied(
  turn: Turn,
  qkdnId: string,
  appId: string,
  statistics: readonly AppStatistics[],
): void {
  const orderId = turn.draft.service(appId)?.ordered?.orderId
  const order = orderId === undefined ? undefined : turn.draft.order(orderId)
  if (order === undefined || !isOpen(order) || order.from.qkdnId !== qkdnId) return
  const { talliedTo = order.createdAt } = order
  const from = Date.parse(talliedTo)
  // A period that began before the order may hold what is not of it.
  const fresh = statistics.filter(
    ({ startTime, endTime }) =>
      Date.parse(endTime) > from && Date.parse(startTime) >= Date.parse(order.createdAt),
  )
  const last = Math.max(...fresh.map(({ endTime }) => Date.parse(endTime)))
  if (!Number.isFinite(last)) return
  const bits = fresh.reduce((sum, { consumedBits }) => sum + consumedBits, 0)
  const now: BulkOrder = {
    ...order,
    takenBits: order.takenBits + bits,
    talliedTo: new Date(last).toISOString(),
  }
  write(turn, now)
  if (deliveredBits(now) >= order.volumeBits) complete(turn, now)
}

function complete(turn: Turn, order: BulkOrder): void {
  letGo(turn, order)
  const { forecast: _forecast, reason: _reason, ...left } = order
  const late = turn.now > Date.parse(order.deadline)
  write(turn, { ...left, state: "completed", late, periods: [], completedAt: turn.time() })
  turn.notify("order", "order.completed", order.orderId)
  forgetOldest(turn)
  // What it held is free for the others.
  reschedule(turn)
}

/** Ends an open order. */
export function cancel(turn: Turn, order: BulkOrder, reason: string): void {
  letGo(turn, order)
  const { forecast: _forecast, ...left } = order
  write(turn, { ...left, state: "cancelled", reason, late: false, periods: [] })
  turn.notify("order", "order.cancelled", order.orderId, reason)
  forgetOldest(turn)
  reschedule(turn)
}

function forgetOldest({ draft, settings }: Turn): void {
  const closed = draft.members(groups.closedOrders).flatMap((id) => draft.order(id) ?? [])
  const over = closed.length - settings.bulkMostClosed
  if (over <= 0) return
  closed.sort((x, y) => (x.changedAt < y.changedAt ? -1 : 1))
  for (const { orderId } of closed.slice(0, over)) draft.removeOrder(orderId)
}

function isStale(turn: Turn, order: BulkOrder): boolean {
  const { now, settings } = turn
  const waitMs = order.state === "held" ? HELD_MS : settings.bulkBeatMs
  if (now >= order.scheduledMs + waitMs) return true
  const period = periodAt(order, now)
  const stream = streamOf(turn, order)
  const towards = stream?.next ?? stream?.path
  if (period === undefined) return towards !== undefined && towards.rateBps > 0
  if (towards === undefined || stream?.state === "failed" || stream?.state === "degraded")
    return true
  const links = towards.hops
  const back = period.hops.toReversed()
  return !sameLinks(links, period.hops) && !sameLinks(links, back)
}

function periodAt({ periods }: BulkOrder, now: number): BulkPeriod | undefined {
  return periods.find(({ fromMs, toMs }) => fromMs <= now && now < toMs)
}

function wakeFor(turn: Turn, open: readonly BulkOrder[]): void {
  const { now, settings } = turn
  const times = open.flatMap((order) => [
    order.scheduledMs + settings.bulkBeatMs,
    ...order.periods.flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
  ])
  const next = Math.min(...times.filter((ms) => ms > now))
  if (Number.isFinite(next)) turn.wakeAt(next)
}

function carryOut(turn: Turn, scheduled: Scheduled): void {
  const { order } = scheduled
  const blocked = streamOf(turn, order) === undefined ? inTheWay(turn, order) : undefined
  const periods = blocked === undefined ? scheduled.periods : []
  const period = periodAt({ ...order, periods }, turn.now)
  const carried = period === undefined ? order : run(turn, order, period)
  const { pace: _pace, ...unpaced } = carried
  const pace = paceOf(carried, streamOf(turn, carried), turn.now)
  const now: BulkOrder = { ...unpaced, ...(pace === undefined ? {} : { pace }) }
  const slow = slowness(now, turn.now)
  const { forecast: _forecast, reason: _reason, ...left } = now
  const begun = order.state === "inProgress" || period !== undefined
  const state = periods.length === 0 ? "held" : begun ? "inProgress" : "pending"
  const reason =
    blocked !== undefined
      ? `service ${blocked.serviceId} joins its SAEs`
      : periods.length === 0
        ? (scheduled.reason ?? whyNone(turn, order))
        : (slow?.reason ?? scheduled.reason)
  const doneAtMs = slow === undefined ? scheduled.doneAtMs : slow.doneAtMs
  const forecast =
    doneAtMs === undefined || periods.length === 0 || doneAtMs > LAST_MS
      ? undefined
      : new Date(doneAtMs).toISOString()
  const due = Date.parse(order.deadline)
  const inTime = slow === undefined ? scheduled.inTime : (doneAtMs ?? LAST_MS) <= due
  const late = !inTime || blocked !== undefined
  write(turn, {
    ...left,
    periods,
    state,
    late,
    scheduledMs: turn.now,
    ...(reason === undefined ? {} : { reason }),
    ...(forecast === undefined ? {} : { forecast }),
  })
  tell(turn, order, late, state, forecast)
}

function whyNone(turn: Turn, order: BulkOrder): string {
  const unknown = unmeasuredFor(turn, order)
  if (unknown !== undefined) return notKnown(turn.draft, unknown)
  return `no key rate is free between ${order.from.saeId} and ${order.to.saeId}`
}

const LAST_MS = Date.parse("9999-12-31T23:59:59Z")

function tell(
  turn: Turn,
  before: BulkOrder,
  late: boolean,
  state: BulkOrder["state"],
  forecast: string | undefined,
): void {
  const { orderId } = before
  const when = forecast === undefined ? "nobody can say when it is done" : `done ${forecast}`
  if (late && !before.late) turn.notify("order", "order.late", orderId, when)
  else if (!late && before.late) turn.notify("order", "order.in-time", orderId, when)
  else if (state !== before.state) turn.notify("order", `order.${NAMES[state]}`, orderId, when)
  else if (moved(turn, before.forecast, forecast))
    turn.notify("order", "order.rescheduled", orderId, when)
}

const NAMES: Readonly<Record<BulkOrder["state"], string>> = {
  pending: "rescheduled",
  inProgress: "started",
  held: "held",
  completed: "completed",
  cancelled: "cancelled",
}

function moved(turn: Turn, before: string | undefined, now: string | undefined): boolean {
  if (before === undefined || now === undefined) return before !== now
  const left = Math.max(1000, Date.parse(before) - turn.now)
  return Math.abs(Date.parse(now) - Date.parse(before)) > NEWS_SHARE * left
}

function write(turn: Turn, order: BulkOrder): void {
  turn.draft.putOrder({ ...order, changedAt: turn.time() })
}
