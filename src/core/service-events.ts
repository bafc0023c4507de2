// What operators and orchestrators order: a service, a change of its terms, its end. An order that finds no path is
// kept and tried again when the network changes.

import type { Service, ServiceTerms } from "../model/service.js"
import type { Reply } from "./event.js"
import { groups } from "./memberships.js"
import { put, remove } from "./phases.js"
import { locate } from "./registry.js"
import { seekPath } from "./service-life.js"
import { changeTerms, faultOfTerms } from "./service-terms.js"
import type { Turn } from "./turn.js"

export interface Order {
  readonly serviceId?: string
  readonly keepsId?: true
  readonly aSaeId: string
  readonly bSaeId: string
  readonly terms: ServiceTerms
}

export function serviceOrdered(turn: Turn, order: Order): Reply {
  const { draft } = turn
  const { aSaeId, bSaeId, terms } = order
  if (aSaeId === bSaeId) {
    return { ok: false, tag: "invalid-value", message: "a service joins two SAEs", path: "/bSaeId" }
  }
  const a = locate(draft, aSaeId, "SAE")
  if (a.reason !== undefined) return unknownSae(a.reason, "/aSaeId")
  const b = locate(draft, bSaeId, "peer SAE")
  if (b.reason !== undefined) return unknownSae(b.reason, "/bSaeId")
  const [existing] = draft.members(groups.serviceOfPair(aSaeId, bSaeId))
  const named = order.serviceId === undefined ? undefined : draft.service(order.serviceId)
  if (named?.state === "removing" && existing === undefined && sameEnds(named, order)) {
    return revive(turn, named, order)
  }
  if (named !== undefined && named.serviceId !== existing) return taken(named)
  const ends = { a: { saeId: aSaeId, qkdnId: a.qkdnId }, b: { saeId: bSaeId, qkdnId: b.qkdnId } }
  const fault = faultOfTerms(draft, terms, ends.a, ends.b)
  if (fault !== undefined) return fault
  if (existing !== undefined) return takeOver(turn, existing, order)
  const time = turn.time()
  const service: Service = {
    serviceId: order.serviceId ?? turn.context.newId(),
    origin: "order",
    ...ends,
    terms,
    state: "pending",
    leaving: [],
    createdAt: time,
    changedAt: time,
  }
  turn.notify("service", "service.ordered", service.serviceId)
  seekPath(turn, put(turn, service))
  return { ok: true, id: service.serviceId }
}

function taken({ serviceId, state }: Service): Reply {
  return state === "removing"
    ? { ok: false, tag: "in-use", message: `service ${serviceId} is still being taken down` }
    : { ok: false, tag: "data-exists", message: `service ${serviceId} exists` }
}

function sameEnds({ a, b }: Service, order: Order): boolean {
  return a.saeId === order.aSaeId && b.saeId === order.bSaeId
}

/** Ordered again before it was gone: what leaves goes on leaving, and it seeks a path as a new one would. */
function revive(turn: Turn, service: Service, order: Order): Reply {
  const fault = faultOfTerms(turn.draft, order.terms, service.a, service.b)
  if (fault !== undefined) return fault
  const { reason: _r, ordered: _o, avoiding: _v, admittedAt: _a, surplus: _s, ...rest } = service
  const { terms } = order
  turn.notify("service", "service.ordered", service.serviceId)
  seekPath(turn, put(turn, { ...rest, origin: "order", terms, state: "pending" }))
  return { ok: true, id: service.serviceId }
}

/** A pair has one service: an SAE's own request becomes the order, and keeps its id; an order stands as it is. */
function takeOver(turn: Turn, serviceId: string, order: Order): Reply {
  const service = turn.draft.service(serviceId)
  const renames = order.keepsId === true && order.serviceId !== serviceId
  const turns = order.keepsId === true && service?.a.saeId !== order.aSaeId
  if (service?.origin !== "request" || renames || turns) {
    const message = `service ${serviceId} joins ${order.aSaeId} and ${order.bSaeId} already`
    return { ok: false, tag: "data-exists", message }
  }
  const reply = changeTerms(turn, service, order.terms)
  const now = turn.draft.service(serviceId)
  if (reply.ok && now !== undefined) put(turn, { ...now, origin: "order" })
  return reply
}

function unknownSae(message: string, path: string): Reply {
  return { ok: false, tag: "data-missing", appTag: "unknown-sae", message, path }
}

export function serviceChanged(turn: Turn, serviceId: string, terms: ServiceTerms): Reply {
  const service = turn.draft.service(serviceId)
  if (service === undefined) return noService(serviceId)
  if (service.state === "removing") {
    return { ok: false, tag: "in-use", message: `service ${serviceId} is being removed` }
  }
  if (service.origin === "bulk") return ofBulkOrder(service)
  return changeTerms(turn, service, terms)
}

export function serviceCancelled(turn: Turn, serviceId: string): Reply {
  const service = turn.draft.service(serviceId)
  if (service === undefined) return noService(serviceId)
  if (service.origin === "bulk") return ofBulkOrder(service)
  if (service.state !== "removing") remove(turn, service, "cancelled")
  return { ok: true, id: serviceId }
}

function ofBulkOrder({ serviceId, ordered }: Service): Reply {
  const message = `service ${serviceId} carries out bulk order ${ordered?.orderId ?? ""}: cancel that`
  return { ok: false, tag: "in-use", message }
}

function noService(serviceId: string): Reply {
  return { ok: false, tag: "data-missing", message: `there is no service ${serviceId}` }
}
