// What becomes of a service: it seeks a path when it is new, when a node refused it, when a link on its path went
// down and when the network changed; and it says so when there is none. How a path is set up is in `phases.ts`.

import type { AppTag } from "../errors.js"
import type { Service } from "../model/service.js"
import { groups } from "./memberships.js"
import { abandonNext, beginPath, put, relaysOf, remove, standing, usesLink } from "./phases.js"
import { route } from "./routing.js"
import type { Turn } from "./turn.js"

/** Why a service seeks another path; told when there is none. */
export interface Cause {
  readonly appTag: AppTag
  readonly reason: string
}

/**
 * Finds the service a (new) path and starts to set it up; without one, a standing path stays as it is, a request
 * is refused and an order waits as `failed`. The service must have no next path.
 */
export function seekPath(
  turn: Turn,
  service: Service,
  options: { readonly cause?: Cause; readonly avoidLinks?: readonly string[] } = {},
): void {
  const routed = route(turn, service, options.avoidLinks)
  if (routed.found !== undefined) {
    const moving = service.path !== undefined
    beginPath(turn, service, routed.found)
    turn.notify("service", moving ? "service.moving" : "service.pending", service.serviceId)
    return
  }
  const cause: Cause = options.cause ?? routed.none
  if (service.path !== undefined) stay(turn, service, routed.none.reason)
  else if (service.origin === "request") giveUp(turn, service, cause)
  else fail(turn, service, cause)
}

/** No better path: the standing one is kept, in the state its links give it. */
export function stay(turn: Turn, service: Service, noPath?: string): void {
  if (service.path === undefined) return
  const now = standing(turn.draft, service, service.path)
  const reason =
    now.reason === undefined || noPath === undefined ? now.reason : `${now.reason}; ${noPath}`
  if (now.state === service.state && reason === service.reason) return
  const { reason: _, ...rest } = service
  put(turn, { ...rest, state: now.state, ...(reason === undefined ? {} : { reason }) })
  if (now.state === service.state) return
  const type = now.state === "active" ? "service.restored" : "service.degraded"
  turn.notify("service", type, service.serviceId, reason)
}

function fail(turn: Turn, service: Service, { reason }: Cause): void {
  if (service.state === "failed" && service.reason === reason) return
  put(turn, { ...service, state: "failed", reason })
  turn.notify("service", "service.failed", service.serviceId, reason)
}

/** Whoever waits at either end gets the answer; what was set up is taken down. */
function giveUp(turn: Turn, service: Service, { appTag, reason }: Cause): void {
  const { a, b } = service
  for (const [own, peer] of [
    [a, b],
    [b, a],
  ] as const) {
    turn.refuse({
      qkdnId: own.qkdnId,
      serverAppId: own.saeId,
      clientAppIds: [peer.saeId],
      appTag,
      reason,
    })
  }
  remove(turn, service, reason)
}

/** A node did not take its part of the next path: leave it out for a while and try round it. */
export function hopFailed(turn: Turn, service: Service, qkdnId: string, cause: Cause): void {
  const untilMs = turn.now + turn.settings.avoidMs
  const avoiding = [
    ...(service.avoiding ?? []).filter((node) => node.untilMs > turn.now && node.qkdnId !== qkdnId),
    { qkdnId, untilMs, reason: cause.reason },
  ]
  turn.wakeAt(untilMs)
  turn.notify("log", "service.hop-failed", service.serviceId, cause.reason)
  seekPath(turn, abandonNext(turn, { ...service, avoiding }), { cause })
}

/** A link on their path no longer serves: every service on it seeks another, greater priority first. */
export function moveOff(turn: Turn, qkdlId: string): void {
  for (const service of byPriority(turn, turn.draft.members(groups.servicesOn(qkdlId)))) {
    const hit = usesLink(service.path, qkdlId)
    if (service.next !== undefined && !usesLink(service.next, qkdlId)) continue
    const free = abandonNext(turn, service)
    if (hit || free.path === undefined) seekPath(turn, free)
    else stay(turn, free)
  }
}

/** A node that somebody changed, or that was put right again: services over it say so. */
export function reviewAt(turn: Turn, qkdnId: string): void {
  for (const serviceId of turn.draft.members(groups.servicesAt(qkdnId))) {
    const service = turn.draft.service(serviceId)
    if (service?.path?.nodes.includes(qkdnId) === true && service.state !== "removing")
      stay(turn, service)
  }
}

/** A link generates again: what stands on it may be whole again; others may find a path. */
export function returnTo(turn: Turn, qkdlId: string): void {
  for (const serviceId of turn.draft.members(groups.servicesOn(qkdlId))) {
    const service = turn.draft.service(serviceId)
    if (service?.state === "degraded" && service.path !== undefined) {
      if (standing(turn.draft, service, service.path).state === "active") stay(turn, service)
    }
  }
  turn.retrySoon()
}

/** A node is taken out of service: services that it relays for go round it where they can. */
export function moveOffNode(turn: Turn, qkdnId: string): void {
  for (const service of byPriority(turn, turn.draft.members(groups.servicesAt(qkdnId)))) {
    if (service.state === "removing") continue
    const next = service.next?.nodes.includes(qkdnId) === true
    const path = service.path !== undefined && relaysOf(service.path).includes(qkdnId)
    if (service.next !== undefined && !next) continue
    const free = abandonNext(turn, service)
    if (path || free.path === undefined) seekPath(turn, free)
    else stay(turn, free)
  }
}

/** A node is back in service: what stands over it is whole again. */
export function returnToNode(turn: Turn, qkdnId: string): void {
  for (const serviceId of turn.draft.members(groups.servicesAt(qkdnId))) {
    const service = turn.draft.service(serviceId)
    if (service?.state === "degraded" && service.path !== undefined) {
      if (standing(turn.draft, service, service.path).state === "active") stay(turn, service)
    }
  }
}

/** Failed and degraded services seek a path again, greater priority first. */
export function retry(turn: Turn): void {
  const waiting = [
    ...turn.draft.members(groups.servicesInState("failed")),
    ...turn.draft.members(groups.servicesInState("degraded")),
  ]
  for (const service of byPriority(turn, waiting)) {
    if (service.next === undefined) seekPath(turn, service)
  }
}

/**
 * A link is back for good: services that went round it return to a path over it when that spares relay nodes, each
 * of which would see their keys. Fewer hops only: a cheaper price alone is not worth a move.
 */
export function shorten(turn: Turn, qkdlId: string): void {
  let looked = 0
  for (const service of byPriority(turn, turn.draft.members(groups.servicesInState("active")))) {
    const hops = service.path?.hops.length ?? 0
    if (hops < 2 || service.next !== undefined || usesLink(service.path, qkdlId)) continue
    looked += 1
    if (looked > MOST_SHORTENED) return
    const { found } = route(turn, service)
    if (found === undefined || found.hops.length >= hops) continue
    if (!found.hops.some((hop) => hop.qkdlId === qkdlId)) continue
    beginPath(turn, service, found)
    turn.notify("service", "service.moving", service.serviceId, "a shorter path is back")
  }
}

/** Looking for shorter paths is a luxury: it must not hold up the loop. */
const MOST_SHORTENED = 1000

/**
 * A link is asked for more than it makes: services move off it, smallest priority first, until what stays fits.
 */
export function rebalance(turn: Turn, qkdlId: string, excessBps: number): void {
  let left = excessBps
  const services = byPriority(turn, turn.draft.members(groups.servicesOn(qkdlId))).reverse()
  for (const service of services) {
    if (left <= 0) return
    if (service.next !== undefined || !usesLink(service.path, qkdlId)) continue
    const routed = route(turn, service, [qkdlId])
    if (routed.found === undefined) continue
    beginPath(turn, service, routed.found)
    turn.notify("service", "service.moving", service.serviceId, "its link is overloaded")
    left -= Math.max(service.terms.minRateBps, 1)
  }
}

/** Greater priority first (`ServiceTerms.priority`); equal ones in a fixed order. */
function byPriority(turn: Turn, serviceIds: readonly string[]): Service[] {
  return serviceIds
    .flatMap((id) => turn.draft.service(id) ?? [])
    .sort((x, y) => y.terms.priority - x.terms.priority || (x.serviceId < y.serviceId ? -1 : 1))
}
