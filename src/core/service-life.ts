// What becomes of a service: it seeks a path when it is new, when a node refused it, when a link on its path went
// down and when the network changed; and it says so when there is none. How a path is set up is in `phases.ts`.

import type { AppTag } from "../errors.js"
import type { KeyPath, Service } from "../model/service.js"
import { withBackup } from "./backups.js"
import { routeBesideBulk } from "./bulk-room.js"
import type { NoPath } from "./explain.js"
import type { FoundPath } from "./path.js"
import { routeBeside, routeLanes } from "./lane-routing.js"
import { isOnSeveral, laneCount, needsAll, nextsOf, standingPaths, withLane } from "./lanes.js"
import { refusedInOverload, unlessTooDear } from "./load.js"
import { groups, lanesOf } from "./memberships.js"
import {
  abandonNext,
  beginLanes,
  beginPath,
  conditionOf,
  leaveLanes,
  put,
  remove,
  sameLinks,
  standing,
  usesLink,
} from "./phases.js"
import { makeRoom } from "./preemption.js"
import { inOrderOfPriority } from "./priority-order.js"
import { route } from "./routing.js"
import type { Turn } from "./turn.js"

/** Why a service seeks another path; told when there is none. */
export interface Cause {
  readonly appTag: AppTag
  readonly reason: string
}

interface SeekOptions {
  readonly cause?: Cause
  readonly avoidLinks?: readonly string[]
  /** `later`: when there is time. */
  readonly backup?: "now" | "later"
  /** False: not at the cost of lesser services, whatever the policy. */
  readonly displaces?: false
}

/**
 * Finds the service a (new) path and starts to set it up; without one, a standing path stays as it is, a request
 * is refused and an order waits as `failed`. The service must have no next path.
 */
export function seekPath(turn: Turn, service: Service, options: SeekOptions = {}): void {
  if (isOnSeveral(service)) {
    seekLanes(turn, service, "missing", options.cause)
    return
  }
  const { avoidLinks = [], backup = "now" } = options
  const find = service.origin === "bulk" ? route : routeBesideBulk
  let routed = find(turn, service, avoidLinks)
  let displaced: readonly string[] = []
  if (routed.found === undefined && mayDisplace(turn, service, routed.none, options)) {
    displaced = makeRoom(turn, service, avoidLinks)
    if (displaced.length > 0) routed = route(turn, service, avoidLinks)
  }
  // Room that was made at the cost of others is taken.
  if (displaced.length === 0) routed = unlessTooDear(turn, service, routed)
  if (routed.found !== undefined) {
    const moving = service.path !== undefined
    const begun = beginPath(turn, service, routed.found)
    if (backup === "now") withBackup(turn, begun)
    turn.notify("service", moving ? "service.moving" : "service.pending", service.serviceId)
  } else findNone(turn, service, routed.none, options.cause ?? routed.none)
  for (const id of displaced) {
    const other = turn.draft.service(id)
    if (other?.state !== "failed") continue
    const reason = other.reason ?? "pre-empted"
    seekPath(turn, other, { cause: { appTag: "no-capacity", reason }, displaces: false })
  }
}

/** Not for the sake of a better path than the one that stands. */
function mayDisplace(turn: Turn, service: Service, none: NoPath, options: SeekOptions): boolean {
  if (none.appTag !== "no-capacity" || options.displaces === false) return false
  return service.path === undefined || conditionOf(turn.draft, service).state !== "active"
}

function findNone(turn: Turn, service: Service, none: NoPath, cause: Cause): void {
  const { terms, origin } = service
  const standing = standingPaths(service).length
  // Fewer paths than shares give no key.
  const serves = needsAll(terms) ? standing === laneCount(terms) : standing > 0
  if (serves) {
    stay(turn, service, none.reason)
    return
  }
  const bare = standing === 0 ? service : put(turn, leaveLanes(turn, service, 0))
  if (origin === "request") giveUp(turn, bare, cause)
  else fail(turn, bare, cause)
}

/** Sets up the paths that a service on several lacks; `anew`: all of them, but for those that stay where they are. */
export function seekLanes(
  turn: Turn,
  service: Service,
  which: "missing" | "anew",
  cause?: Cause,
): void {
  const count = laneCount(service.terms)
  const lanes = lanesOf(service)
  const good = (path: KeyPath | undefined): path is KeyPath =>
    path !== undefined && standing(turn.draft, service, path).reason === undefined
  if (which === "missing") {
    const places = Array.from({ length: count }, (_, place) => place)
    const lacking = places.filter((place) => !good(lanes[place]?.path))
    if (lacking.length === 0) {
      stay(turn, service)
      return
    }
    const [place] = lacking
    if (lacking.length === 1 && place !== undefined && count > 1) {
      const beside = places.flatMap((other) => (other === place ? [] : (lanes[other]?.path ?? [])))
      const found = routeBeside(turn, service, beside)
      if (found !== undefined) {
        beginLanes(turn, service, new Map([[place, found]]))
        turn.notify("service", "service.moving", service.serviceId)
        return
      }
    }
  }
  const routed = routeLanes(turn, service)
  if (routed.found === undefined) {
    findNone(turn, service, routed.none, cause ?? routed.none)
    return
  }
  const dear = refusedInOverload(turn, service, routed.found)
  if (dear !== undefined) {
    findNone(turn, service, dear, dear)
    return
  }
  const few = routed.found.length < count
  // One that works is not left for another one that is alone too.
  if (few && lanes.some(({ path }) => good(path))) {
    stay(turn, service, NO_SECOND)
    return
  }
  const kept = withRate(turn, service, routed.found)
  const begun = inLanes(kept, routed.found)
  if (begun.size === 0) {
    stay(turn, kept, few ? NO_SECOND : undefined)
    return
  }
  beginLanes(turn, kept, begun)
  const moving = service.path !== undefined
  turn.notify("service", moving ? "service.moving" : "service.pending", service.serviceId)
}

const NO_SECOND = "no second path without a link of the first"

/** The lanes that stay where they are promise what the terms say now. */
function withRate(turn: Turn, service: Service, found: readonly FoundPath[]): Service {
  const rateBps = service.terms.minRateBps
  let now = service
  for (const [place, lane] of lanesOf(service).entries()) {
    const { path } = lane
    if (path === undefined || path.rateBps === rateBps) continue
    if (!found.some(({ hops }) => sameLinks(hops, path.hops))) continue
    now = withLane(now, place, { ...lane, path: { ...path, rateBps } })
    turn.sync(...path.nodes)
  }
  return now === service ? service : put(turn, now)
}

/** Which lane each path goes to: a lane that stands on it keeps it, and needs no next. */
function inLanes(service: Service, found: readonly FoundPath[]): Map<number, FoundPath> {
  const lanes = lanesOf(service)
  const count = Math.max(laneCount(service.terms), found.length)
  const places = Array.from({ length: count }, (_, place) => place)
  const left = found.filter(
    ({ hops }) => !lanes.some(({ path }) => path !== undefined && sameLinks(path.hops, hops)),
  )
  const open = places.filter((place) => {
    const path = lanes[place]?.path
    return path === undefined || !found.some(({ hops }) => sameLinks(hops, path.hops))
  })
  return new Map(left.slice(0, open.length).map((path, n) => [open[n] ?? 0, path]))
}

/** No better path: the standing one is kept, in the state its links give it. */
export function stay(turn: Turn, service: Service, noPath?: string): void {
  if (standingPaths(service).length === 0) return
  const now = conditionOf(turn.draft, service)
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

/**
 * A node did not take its part of the next path: leave it out for a while and try round it. A service that is whole where
 * it stands was on the way to a better place only: it stays.
 */
export function hopFailed(turn: Turn, service: Service, qkdnId: string, cause: Cause): void {
  const untilMs = turn.now + turn.settings.avoidMs
  const avoiding = [
    ...(service.avoiding ?? []).filter((node) => node.untilMs > turn.now && node.qkdnId !== qkdnId),
    { qkdnId, untilMs, reason: cause.reason },
  ]
  turn.wakeAt(untilMs)
  turn.notify("log", "service.hop-failed", service.serviceId, cause.reason)
  const free = abandonNext(turn, { ...service, avoiding })
  if (free.path !== undefined && conditionOf(turn.draft, free).state === "active") {
    stay(turn, withBackup(turn, free))
    return
  }
  seekPath(turn, free, { cause })
}

/** A node that somebody changed, or that was put right again: services over it say so. */
export function reviewAt(turn: Turn, qkdnId: string): void {
  for (const serviceId of turn.draft.members(groups.servicesAt(qkdnId))) {
    const service = turn.draft.service(serviceId)
    if (service === undefined || service.state === "removing") continue
    if (standingPaths(service).some(({ nodes }) => nodes.includes(qkdnId))) stay(turn, service)
  }
}

/** A link generates again: what stands on it may be whole again; others may find a path. */
export function returnTo(turn: Turn, qkdlId: string): void {
  wholeAgain(turn, turn.draft.members(groups.servicesOn(qkdlId)))
  turn.retrySoon()
}

/** A node is back in service: what stands over it is whole again. */
export function returnToNode(turn: Turn, qkdnId: string): void {
  wholeAgain(turn, turn.draft.members(groups.servicesAt(qkdnId)))
}

function wholeAgain(turn: Turn, serviceIds: readonly string[]): void {
  for (const serviceId of serviceIds) {
    const service = turn.draft.service(serviceId)
    if (service?.state !== "degraded") continue
    if (conditionOf(turn.draft, service).state === "active") stay(turn, service)
  }
}

/** Failed and degraded services seek a path again, greater priority first. */
export function retry(turn: Turn): void {
  const waiting = [
    ...turn.draft.members(groups.servicesInState("failed")),
    ...turn.draft.members(groups.servicesInState("degraded")),
  ]
  for (const service of inPriority(turn, waiting)) {
    const waits = service.state === "failed" || service.state === "degraded"
    if (waits && nextsOf(service).length === 0) seekPath(turn, service)
  }
}

/**
 * A link is back for good: services that went round it return to a path over it when that spares relay nodes, each
 * of which would see their keys. Fewer hops only: a cheaper price alone is not worth a move.
 */
export function shorten(turn: Turn, qkdlId: string): void {
  let looked = 0
  for (const service of inPriority(turn, turn.draft.members(groups.servicesInState("active")))) {
    // Those on several paths stay; those that return to a path of their own, or never, do so by other rules.
    if (isOnSeveral(service) || service.terms.revertive !== undefined) continue
    const hops = service.path?.hops.length ?? 0
    if (hops < 2 || service.next !== undefined || usesLink(service.path, qkdlId)) continue
    looked += 1
    if (looked > MOST_SHORTENED) return
    const { found } = route(turn, service)
    if (found === undefined || found.hops.length >= hops) continue
    if (!found.hops.some((hop) => hop.qkdlId === qkdlId)) continue
    withBackup(turn, beginPath(turn, service, found))
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
  const services = [...inPriority(turn, turn.draft.members(groups.servicesOn(qkdlId)))].reverse()
  for (const service of services) {
    if (left <= 0) return
    if (isOnSeveral(service) || service.next !== undefined) continue
    if (!usesLink(service.path, qkdlId)) continue
    const routed = route(turn, service, [qkdlId])
    if (routed.found === undefined) continue
    withBackup(turn, beginPath(turn, service, routed.found))
    turn.notify("service", "service.moving", service.serviceId, "its link is overloaded")
    left -= Math.max(service.terms.minRateBps, 1)
  }
}

/**
 * Greater priority first (`ServiceTerms.priority`), equal ones in a fixed order; each as it is when its turn comes: a greater
 * one may have taken its rate meanwhile.
 */
export function* inPriority(turn: Turn, serviceIds: readonly string[]): Generator<Service> {
  for (const service of listedByPriority(turn, serviceIds)) {
    const now = turn.draft.asOfNow(service)
    if (now !== undefined) yield now
  }
}

/** The same, each as it is before any has its turn. */
export function listedByPriority({ draft }: Turn, serviceIds: readonly string[]): Service[] {
  const services: Service[] = []
  for (const id of serviceIds) {
    const service = draft.service(id)
    if (service !== undefined) services.push(service)
  }
  return inOrderOfPriority(services)
}
