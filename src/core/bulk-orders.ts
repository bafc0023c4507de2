// What customers order in bulk, and take back. An order is taken on when it can be in time beside all that is promised,
// as the network is now; else it is refused with what could be done. Best-effort orders are taken on whatever comes of them.

import { type BulkOrder, isOpen } from "../model/bulk-order.js"
import type { ServiceEnd } from "../model/service.js"
import { cancel, follow, openOrders } from "./bulk-life.js"
import {
  broken,
  byDeadline,
  byPlace,
  type Scheduled,
  scheduleInTurn,
  scheduleOrders,
  unmeasuredFor,
  whyLate,
} from "./bulk-schedule.js"
import { inTheWay } from "./bulk-stream.js"
import type { OperatorEvent, Reply } from "./event.js"
import { notKnown } from "./explain.js"
import { locate } from "./registry.js"
import { faultOfTerms } from "./service-terms.js"
import type { Turn } from "./turn.js"

type Asked = Extract<OperatorEvent, { readonly kind: "bulk-ordered" }>
type Refusal = Extract<Reply, { ok: false }>

/** Sizes of keys in ETSI GS QKD 014 as Keyloom's nodes hand them out. */
const MIN_KEY_BITS = 64
const MAX_KEY_BITS = 16_384
/** 125 gigabytes: sums stay exact. */
const MAX_VOLUME_BITS = 1e12
const MAX_AHEAD_MS = 366 * 86_400_000

export function bulkOrdered(turn: Turn, asked: Asked): Reply {
  const { draft, settings } = turn
  const fault = faultOfFigures(turn, asked)
  if (fault !== undefined) return fault
  const ends = endsOf(turn, asked)
  if ("tag" in ends) return ends
  const { from, to } = ends
  const { orderId = turn.context.newId(), terms } = asked
  const broke = faultOfTerms(draft, { ...terms, minRateBps: 0 }, from, to)
  if (broke !== undefined) return broke
  if (draft.order(orderId) !== undefined)
    return refused("data-exists", `bulk order ${orderId} exists`)
  const open = openOrders(turn)
  if (open.length >= settings.bulkMostOpen)
    return refused(
      "resource-denied",
      `${open.length} bulk orders are open, as many as may be at once`,
    )
  const blocking = alreadyThere(turn, ends)
  if (blocking !== undefined) return blocking

  const time = turn.time()
  const order: BulkOrder = {
    orderId,
    from,
    to,
    volumeBits: asked.volumeBits,
    keySizeBits: asked.keySizeBits,
    notBefore: new Date(asked.notBeforeMs ?? turn.now).toISOString(),
    deadline: new Date(asked.deadlineMs).toISOString(),
    terms,
    bestEffort: asked.bestEffort,
    place: Math.max(0, ...open.map(({ place }) => place)) + 1,
    state: "pending",
    periods: [],
    scheduledMs: turn.now,
    takenBits: 0,
    readyBits: 0,
    late: false,
    createdAt: time,
    changedAt: time,
  }
  const schedule = admit(turn, open, order)
  if ("tag" in schedule) return schedule
  draft.putOrder(order)
  turn.notify("order", "order.accepted", orderId, wordsOf(schedule, orderId))
  follow(turn, schedule)
  return { ok: true, id: orderId }
}

/** Takes an open order back; one that is over is no longer shown. */
export function bulkCancelled(turn: Turn, orderId: string): Reply {
  const order = turn.draft.order(orderId)
  if (order === undefined) return refused("data-missing", `there is no bulk order ${orderId}`)
  if (isOpen(order)) cancel(turn, order, "cancelled by order")
  else turn.draft.removeOrder(orderId)
  return { ok: true, id: orderId }
}

/** A schedule that has the new order in time and breaks no promise that is kept without it; or why there is none. */
function admit(
  turn: Turn,
  open: readonly BulkOrder[],
  order: BulkOrder,
): readonly Scheduled[] | Refusal {
  const before = broken(scheduleOrders(turn, open))
  const all = [...open, order]
  if (order.bestEffort) return scheduleOrders(turn, all)
  const early = [...all].sort(byDeadline)
  const byDue = scheduleInTurn(turn, early)
  if (broken(byDue) <= before && isInTime(byDue, order)) {
    // From now on this is the order in which the promises are kept.
    return byDue.map((one, place) => ({ ...one, order: { ...one.order, place: place + 1 } }))
  }
  const behind = scheduleInTurn(turn, [...all].sort(byPlace))
  if (isInTime(behind, order)) return behind
  const free = scheduleInTurn(turn, [...all].sort(byPlace), [])
  return tooMuch(turn, behind, order, isInTime(free, order) ? whyLate(turn, order) : undefined)
}

function isInTime(schedule: readonly Scheduled[], { orderId }: BulkOrder): boolean {
  return schedule.some(({ order, inTime }) => order.orderId === orderId && inTime)
}

function tooMuch(
  turn: Turn,
  schedule: readonly Scheduled[],
  order: BulkOrder,
  why?: string,
): Refusal {
  const { deadline, volumeBits, from, to } = order
  const own = schedule.find((one) => one.order.orderId === order.orderId)
  const bits = own?.byDeadlineBits ?? 0
  const doneAt = own?.doneAtMs === undefined ? undefined : new Date(own.doneAtMs).toISOString()
  const unknown = doneAt === undefined && bits === 0 ? unmeasuredFor(turn, order) : undefined
  const later =
    doneAt !== undefined
      ? `all of it by ${doneAt}`
      : unknown !== undefined
        ? `${notKnown(turn.draft, unknown)}: order again when it is measured, or with bestEffort`
        : `as the network is, no key rate is free between ${from.saeId} and ${to.saeId}`
  return {
    ...refused(
      "resource-denied",
      `of ${volumeBits} bits ${bits} can be delivered by ${deadline}; ${later}${why === undefined ? "" : `: ${why}`}`,
      "/deadline",
    ),
    appTag: doneAt === undefined && bits === 0 && unknown === undefined ? "no-path" : "no-capacity",
    info: {
      "bits-by-deadline": String(bits),
      ...(doneAt === undefined ? {} : { "earliest-completion": doneAt }),
      ...(unknown === undefined ? {} : { "unmeasured-link": unknown.qkdlId }),
    },
  }
}

function wordsOf(schedule: readonly Scheduled[], orderId: string): string {
  const own = schedule.find(({ order }) => order.orderId === orderId)
  if (own?.doneAtMs === undefined) return "nobody can say when it is done"
  return `done ${new Date(own.doneAtMs).toISOString()}`
}

function faultOfFigures(turn: Turn, asked: Asked): Refusal | undefined {
  const { volumeBits, keySizeBits, notBeforeMs = turn.now, deadlineMs } = asked
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most
  if (!whole(keySizeBits, MIN_KEY_BITS, MAX_KEY_BITS) || keySizeBits % 8 !== 0) {
    const message = `a key has a whole number of bytes, ${MIN_KEY_BITS} to ${MAX_KEY_BITS} bits`
    return refused("invalid-value", message, "/keySizeBits")
  }
  if (!whole(volumeBits, 1, MAX_VOLUME_BITS)) {
    const message = `a volume is a whole number of bits, 1 to ${MAX_VOLUME_BITS}`
    return refused("invalid-value", message, "/volumeBits")
  }
  if (volumeBits % keySizeBits !== 0) {
    const message = `${volumeBits} bits are no whole number of keys of ${keySizeBits} bits`
    return refused("invalid-value", message, "/volumeBits")
  }
  const { mostBps } = asked.terms
  if (mostBps !== undefined && !whole(mostBps, 1, 0xffffffff))
    return refused("invalid-value", "a rate is a whole number of bit/s", "/terms/mostBps")
  if (!Number.isFinite(deadlineMs) || deadlineMs <= turn.now)
    return refused("invalid-value", "the deadline is over", "/deadline")
  if (deadlineMs > turn.now + MAX_AHEAD_MS)
    return refused("invalid-value", "the deadline is more than a year away", "/deadline")
  if (!(notBeforeMs < deadlineMs))
    return refused("invalid-value", "an order begins before its deadline", "/notBefore")
  return undefined
}

function endsOf(
  turn: Turn,
  { fromSaeId, toSaeId }: Asked,
): { readonly from: ServiceEnd; readonly to: ServiceEnd } | Refusal {
  if (fromSaeId === toSaeId)
    return refused("invalid-value", "an order is for keys between two SAEs", "/to")
  const from = locate(turn.draft, fromSaeId, "SAE")
  if (from.reason !== undefined) return unknownSae(from.reason, "/from")
  const to = locate(turn.draft, toSaeId, "peer SAE")
  if (to.reason !== undefined) return unknownSae(to.reason, "/to")
  if (from.qkdnId === to.qkdnId)
    return refused("invalid-value", "both SAEs are at one node: no key has to cross", "/to")
  return {
    from: { saeId: fromSaeId, qkdnId: from.qkdnId },
    to: { saeId: toSaeId, qkdnId: to.qkdnId },
  }
}

/** No stream stands beside a service of its pair. */
function alreadyThere(
  turn: Turn,
  { from, to }: Pick<BulkOrder, "from" | "to">,
): Refusal | undefined {
  const service = inTheWay(turn, { from, to })
  if (service === undefined) return undefined
  const message = `service ${service.serviceId} joins ${from.saeId} and ${to.saeId} already: raise its rate, or order for other SAEs`
  return refused("data-exists", message)
}

function unknownSae(message: string, path: string): Refusal {
  return { ...refused("data-missing", message, path), appTag: "unknown-sae" }
}

function refused(
  tag: "data-exists" | "data-missing" | "invalid-value" | "resource-denied",
  message: string,
  path?: string,
): Refusal {
  return { ok: false, tag, message, ...(path === undefined ? {} : { path }) }
}
