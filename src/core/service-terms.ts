// Terms of a service: whether they make sense, whether a path keeps them, and how a standing service takes new ones.

import type { KeyPath, Service, ServiceEnd, ServiceTerms } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { routeBesideBulk } from "./bulk-room.js"
import type { Reply } from "./event.js"
import { nodeName } from "./names.js"
import { withBackup } from "./backups.js"
import { isOnSeveral, laneCount, standingPaths } from "./lanes.js"
import { routeLanes } from "./lane-routing.js"
import { abandonNext, beginPath, conditionOf, leaveLanes, put, sameLinks } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import { seekLanes, seekPath } from "./service-life.js"
import { lendAtOnce, withTerms } from "./surplus-grants.js"
import { brokenTerm } from "./term-check.js"
import type { Turn } from "./turn.js"
import type { View } from "./view.js"

/** 015 carries rates as uint32. */
const MAX_BPS = 0xffffffff

type Refusal = Extract<Reply, { ok: false }>

/** What is wrong with the terms, or undefined. */
export function faultOfTerms(
  view: View,
  terms: ServiceTerms,
  a: ServiceEnd,
  b: ServiceEnd,
): Refusal | undefined {
  const invalid = (member: string, message: string): Refusal => ({
    ok: false,
    tag: "invalid-value",
    message,
    path: `/terms/${member}`,
  })
  const isRate = (bps: number): boolean => Number.isInteger(bps) && bps >= 0 && bps <= MAX_BPS
  if (!isRate(terms.minRateBps)) {
    return invalid("minRateBps", `a rate is a whole number of bit/s, 0 to ${MAX_BPS}`)
  }
  if (terms.maxRateBps !== undefined) {
    if (!isRate(terms.maxRateBps) || terms.maxRateBps < terms.minRateBps) {
      return invalid("maxRateBps", "the greatest rate is a whole number not below the least")
    }
  }
  if (!Number.isInteger(terms.priority) || terms.priority < 0 || terms.priority > MAX_BPS) {
    return invalid("priority", `a priority is a whole number, 0 to ${MAX_BPS}`)
  }
  if (terms.ttlS !== undefined && (!isRate(terms.ttlS) || terms.ttlS === 0)) {
    return invalid("ttlS", "a time to live is a whole number of seconds above 0")
  }
  if (terms.maxHops !== undefined && (!Number.isInteger(terms.maxHops) || terms.maxHops < 1)) {
    return invalid("maxHops", "a bound on hops is a whole number above 0")
  }
  if (terms.maxEpsilon !== undefined && !(terms.maxEpsilon > 0)) {
    return invalid("maxEpsilon", "a bound on epsilon is above 0")
  }
  return faultOfPlaces(view, terms, a, b, invalid) ?? faultOfProtection(terms, invalid)
}

type Invalid = (member: string, message: string) => Refusal

/** Nodes and links that are named: known, and not against each other. */
function faultOfPlaces(
  view: View,
  terms: ServiceTerms,
  a: ServiceEnd,
  b: ServiceEnd,
  invalid: Invalid,
): Refusal | undefined {
  const { avoidNodes, avoidLinks = [], requireNodes = [], maxHops } = terms
  for (const [index, qkdnId] of avoidNodes.entries()) {
    const member = `avoidNodes/${index}`
    if (view.node(qkdnId) === undefined) return invalid(member, `node ${qkdnId} is not known`)
    if (qkdnId === a.qkdnId || qkdnId === b.qkdnId) {
      return invalid(member, `${nodeName(view, qkdnId)} is an end of the service`)
    }
  }
  for (const [index, qkdlId] of avoidLinks.entries()) {
    if (view.link(qkdlId) === undefined)
      return invalid(`avoidLinks/${index}`, `link ${qkdlId} is not known`)
  }
  for (const [index, qkdnId] of requireNodes.entries()) {
    const member = `requireNodes/${index}`
    const node = view.node(qkdnId)
    if (node === undefined) return invalid(member, `node ${qkdnId} is not known`)
    if (qkdnId === a.qkdnId || qkdnId === b.qkdnId) continue
    if (avoidNodes.includes(qkdnId)) return invalid(member, `${node.name} is to be avoided too`)
    if (!node.relay) return invalid(member, `${node.name} may not relay`)
    if (laneCount(terms) > 1)
      return invalid(member, `paths without a relay node in common cannot all pass ${node.name}`)
  }
  const inside = new Set(requireNodes.filter((id) => id !== a.qkdnId && id !== b.qkdnId))
  if (maxHops !== undefined && inside.size >= maxHops)
    return invalid("maxHops", `${inside.size} nodes to pass take more than ${maxHops} hops`)
  return undefined
}

/** More paths than any two nodes will have. */
const MAX_TOLERANCE = 7
const MAX_HOLD_OFF_S = 604_800

function faultOfProtection(terms: ServiceTerms, invalid: Invalid): Refusal | undefined {
  const { protection, trustTolerance = 0, revertive, holdOffS } = terms
  if (!Number.isInteger(trustTolerance) || trustTolerance < 0 || trustTolerance > MAX_TOLERANCE)
    return invalid("trustTolerance", `a trust tolerance is a whole number, 0 to ${MAX_TOLERANCE}`)
  if (protection !== undefined && trustTolerance > 0)
    return invalid(
      "protection",
      `keys in shares need all their paths: protection ${protection} is for services on one`,
    )
  if (revertive === true && laneCount(terms) > 1)
    return invalid("revertive", "a service on several paths at once has none to return to")
  if (holdOffS === undefined) return undefined
  if (revertive !== true) return invalid("holdOffS", "only a revertive service holds off")
  return Number.isInteger(holdOffS) && holdOffS >= 0 && holdOffS <= MAX_HOLD_OFF_S
    ? undefined
    : invalid("holdOffS", `a hold-off is a whole number of seconds, 0 to ${MAX_HOLD_OFF_S}`)
}

/** New terms for a service that is not being removed. What cannot be kept changes nothing. */
export function changeTerms(turn: Turn, service: Service, terms: ServiceTerms): Reply {
  const fault = faultOfTerms(turn.draft, terms, service.a, service.b)
  if (fault !== undefined) return fault
  const done: Reply = { ok: true, id: service.serviceId }
  // What was kept ready was kept for the old terms.
  const { backup: _backup, noBackup: _no, home: _home, ...rest } = service
  const wanted = withTerms(turn, rest, terms)
  const { path, next } = service
  if (isOnSeveral(service) || isOnSeveral(wanted)) return changeLanes(turn, wanted)
  if (path === undefined && next === undefined) {
    seekPath(turn, put(turn, wanted))
    return done
  }
  const stays = path !== undefined && next === undefined
  if (stays && keeps(turn, wanted, path)) {
    keepOn(turn, wanted, path)
    return done
  }
  const routed = routeBesideBulk(turn, wanted)
  if (routed.found === undefined) {
    const { appTag, reason } = routed.none
    return { ok: false, tag: "resource-denied", appTag, message: reason }
  }
  if (stays && sameLinks(routed.found.hops, path.hops)) {
    keepOn(turn, wanted, path)
    return done
  }
  const free = abandonNext(turn, wanted)
  turn.notify("service", "service.changed", service.serviceId)
  withBackup(turn, beginPath(turn, free, routed.found))
  return done
}

function keepOn(turn: Turn, wanted: Service, path: KeyPath): void {
  const kept = put(turn, { ...wanted, path: { ...path, rateBps: wanted.terms.minRateBps } })
  withBackup(turn, lendAtOnce(turn, kept))
  turn.sync(...path.nodes)
  turn.notify("service", "service.changed", wanted.serviceId)
}

/** From several paths, to several, or to another number of them. */
function changeLanes(turn: Turn, wanted: Service): Reply {
  const { serviceId, terms } = wanted
  const routed = routeLanes(turn, wanted)
  if (routed.found === undefined) {
    const { appTag, reason } = routed.none
    return { ok: false, tag: "resource-denied", appTag, message: reason }
  }
  turn.notify("service", "service.changed", serviceId)
  const free = leaveLanes(turn, abandonNext(turn, wanted), laneCount(terms))
  const { reason: _reason, ...rest } = free
  const stands = standingPaths(free).length > 0
  const now = stands ? { ...rest, ...conditionOf(turn.draft, free) } : free
  seekLanes(turn, put(turn, now), "anew")
  return { ok: true, id: serviceId }
}

/** Whether a standing path keeps the terms, its rate raised to theirs beside what others hold. */
function keeps(turn: Turn, service: Service, path: KeyPath): boolean {
  const { terms } = service
  const raised = { ...path, rateBps: Math.max(path.rateBps, terms.minRateBps) }
  if (brokenTerm(turn.draft, terms, raised) !== undefined) return false
  if (terms.minRateBps <= path.rateBps) return true
  const own = reservationsOf(service)
  return path.hops.every(({ qkdlId }) => {
    const link = turn.draft.link(qkdlId)
    if (link === undefined) return false
    const free = residualBps(turn.draft, link, turn.settings) + (own.get(qkdlId) ?? 0)
    return free >= terms.minRateBps
  })
}
