// The life of a key path: relay nodes are told first, all at once; the ends only when every relay has confirmed.
// Where a node offers it, its part is provisional until every node has its own: then all that hold one are told to keep
// it, and only then the path stands (decision 0028). Taking down goes the other way: the ends let go, then the relays. (015 V1 clause 5.4 sets relays before ends;
// deletion and re-routing are left open by the standard.)
//
//   relays --all have it--> ends --both have it--> (confirming --all keep it-->) up
//   leaving: ends --both let go--> relays --all let go--> gone
//
// While a next path is in `ends`, the ends hold both, so that no key on the way is lost; when both ends have
// confirmed, the old one leaves. The paths of one service that are set up together reach the ends together: a key
// that needs a share over each must not go over fewer. Which path to take is decided in `service-life.ts`.

import type { NetworkNode } from "../model/network.js"
import type { Hop, KeyPath, PlannedPath, Service } from "../model/service.js"
import {
  inOrder,
  isOnSeveral,
  laneCount,
  needsAll,
  nextsOf,
  standingPaths,
  withLane,
} from "./lanes.js"
import { lanesOf } from "./memberships.js"
import { linkName, nodeName } from "./names.js"
import { inShape, withNext } from "./service-shape.js"
import { lendAtOnce } from "./surplus-grants.js"
import { brokenTerm } from "./term-check.js"
import type { Turn } from "./turn.js"
import { conditionOfLink, serves } from "./usable.js"
import type { View } from "./view.js"

export function endsOf(path: KeyPath): string[] {
  return [path.nodes[0] ?? "", path.nodes.at(-1) ?? ""]
}

export function relaysOf(path: KeyPath): readonly string[] {
  return path.nodes.slice(1, -1)
}

/** Whether the path is a VIRT link; a path of one hop is the PHYS link itself. */
export function isVirtual(path: KeyPath): boolean {
  return path.hops.length > 1
}

export function usesLink(path: KeyPath | undefined, qkdlId: string): boolean {
  return path?.hops.some((hop) => hop.qkdlId === qkdlId) ?? false
}

/**
 * Starts to set up `found` as the next path of a service that has no next one.
 *
 * @param told the nodes that it begins with, where the caller tells them; of a service on one path.
 */
export function beginPath(
  turn: Turn,
  service: Service,
  found: PlannedPath,
  told?: readonly string[],
): Service {
  if (isOnSeveral(service)) return beginLanes(turn, service, new Map([[0, found]]))
  const next = nextPath(turn, service, found, told)
  if (told === undefined) turn.sync(...next.awaiting)
  const begun = withNext(service, next, turn.time())
  turn.draft.putService(begun)
  return next.phase === "ends" ? lendAtOnce(turn, begun) : begun
}

/** Starts to set up next paths in lanes that have none, all at once. */
export function beginLanes(
  turn: Turn,
  service: Service,
  found: ReadonlyMap<number, PlannedPath>,
): Service {
  // A backup is one for a certain path.
  const { backup: _backup, noBackup: _no, ...bare } = service
  let now: Service = bare
  for (const [place, path] of found) {
    const { path: old } = lanesOf(now)[place] ?? {}
    const next = nextPath(turn, service, path)
    turn.sync(...next.awaiting)
    now = withLane(now, place, { ...(old === undefined ? {} : { path: old }), next })
  }
  if (service.path === undefined) {
    const { reason: _, ...rest } = now
    now = { ...rest, state: "pending" }
  }
  return advance(turn, now)
}

function nextPath(
  turn: Turn,
  service: Service,
  found: PlannedPath,
  areTold?: readonly string[],
): KeyPath {
  const { hops, nodes } = found
  const virtual = hops.length > 1
  // A path without relays has nobody to tell before the ends: one of several waits for the others.
  const waits = !virtual && isOnSeveral(service)
  const told = areTold ?? (virtual ? nodes.slice(1, -1) : waits ? [] : nodes.slice())
  return {
    qkdlId: virtual ? turn.context.newId() : (hops[0]?.qkdlId ?? ""),
    hops,
    nodes,
    rateBps: service.terms.minRateBps,
    phase: virtual || waits ? "relays" : "ends",
    awaiting: told,
    sinceRevision: turn.draft.revision,
  }
}

/** How it is known that a node has what it was told. */
export interface Confirmation {
  /** What it was told in this revision, or later. */
  readonly revision: number
  readonly by: "answer" | "provisional-answer" | "reading" | "first-reading"
}

/** A node has what it was told. */
export function confirm(
  turn: Turn,
  serviceId: string,
  qkdnId: string,
  { revision, by }: Confirmation,
): void {
  const service = turn.draft.service(serviceId)
  if (service === undefined) return
  const awaited = (path: KeyPath): boolean =>
    path.sinceRevision <= revision && path.awaiting.includes(qkdnId)
  const leaving: KeyPath[] = []
  let changed = false
  for (const path of service.leaving) {
    if (!awaited(path)) {
      leaving.push(path)
      continue
    }
    changed = true
    const left = withdraw(turn, path, qkdnId)
    if (left !== undefined) leaving.push(left)
  }
  let now: Service = { ...service, leaving }
  let confirmed = false
  for (const [place, lane] of lanesOf(service).entries()) {
    const { next } = lane
    // A reading shows what is there, not whether it was told to stay; only in a new session nothing is provisional.
    const said = next?.confirming !== true || by === "answer" || by === "first-reading"
    if (next === undefined || !awaited(next) || !said) continue
    confirmed = true
    const awaiting = next.awaiting.filter((id) => id !== qkdnId)
    const held = { ...withHolding(next, qkdnId, by === "provisional-answer"), awaiting }
    now = withLane(now, place, { ...lane, next: held })
  }
  if (confirmed) advance(turn, now)
  else if (changed) settle(turn, now)
}

/** Takes every next path that waits for nobody as far as it goes. */
function advance(turn: Turn, service: Service): Service {
  let now = put(turn, service)
  const together = lanesOf(now).every(
    ({ path, next }) =>
      (next === undefined && (path !== undefined || !needsAll(now.terms))) ||
      (next !== undefined && (next.phase !== "relays" || next.awaiting.length === 0)),
  )
  for (const [place, { next }] of lanesOf(now).entries()) {
    if (next === undefined || next.awaiting.length > 0) continue
    if (next.phase === "relays") {
      if (together) now = tellEnds(turn, now, place, next)
    } else if (next.confirming !== true && next.holding !== undefined)
      now = tellToKeep(turn, now, place, next)
    else now = stand(turn, now, place, next)
  }
  return now
}

function putNext(turn: Turn, service: Service, place: number, next: KeyPath): Service {
  const { path } = lanesOf(service)[place] ?? {}
  return put(turn, withLane(service, place, { ...(path === undefined ? {} : { path }), next }))
}

function withHolding(path: KeyPath, qkdnId: string, holds: boolean): KeyPath {
  const { holding = [], ...rest } = path
  const others = holding.filter((id) => id !== qkdnId)
  const all = holds ? [...others, qkdnId] : others
  return all.length === 0 ? rest : { ...rest, holding: all }
}

/** Every node has its part: those where it is provisional are told to keep it. */
function tellToKeep(turn: Turn, service: Service, place: number, next: KeyPath): Service {
  const awaiting = next.holding ?? []
  turn.sync(...awaiting)
  const sinceRevision = turn.draft.revision
  return putNext(turn, service, place, { ...next, confirming: true, awaiting, sinceRevision })
}

/** A path without what only matters while it is being set up. */
function settled(path: KeyPath): KeyPath {
  const { holding: _h, confirming: _c, ...rest } = path
  return rest
}

/** One node less to wait for on a path that leaves; undefined when the path is gone. */
function withdraw(turn: Turn, path: KeyPath, qkdnId: string): KeyPath | undefined {
  const awaiting = path.awaiting.filter((id) => id !== qkdnId)
  if (awaiting.length > 0) return { ...path, awaiting }
  const relays = relaysOf(path)
  if (relays.includes(qkdnId) || relays.length === 0) return undefined
  turn.sync(...relays)
  return { ...path, awaiting: relays, sinceRevision: turn.draft.revision }
}

function tellEnds(turn: Turn, service: Service, place: number, next: KeyPath): Service {
  const ends = endsOf(next)
  turn.sync(...ends)
  const sinceRevision = turn.draft.revision
  const told: KeyPath = { ...next, phase: "ends", awaiting: ends, sinceRevision }
  return lendAtOnce(turn, putNext(turn, service, place, told))
}

/** Both ends use the next path: it stands, and the old one leaves. */
function stand(turn: Turn, service: Service, place: number, next: KeyPath): Service {
  const { path: old } = lanesOf(service)[place] ?? {}
  const path: KeyPath = { ...settled(next), phase: "up", awaiting: [] }
  const leaving =
    old === undefined ? service.leaving : [...service.leaving, leaveFromEnds(turn, old)]
  const { avoiding, reason: _reason, ...rest } = inOrder(withLane(service, place, { path }))
  const open = nextsOf(rest).length > 0
  const kept: Service = {
    ...rest,
    ...(open && avoiding !== undefined ? { avoiding } : {}),
    leaving,
    admittedAt: service.admittedAt ?? turn.time(),
    ...conditionOf(turn.draft, rest),
  }
  const now = put(turn, atHome(kept, path))
  if (now.state === "pending") return now
  const type = service.path === undefined ? "service.up" : "service.moved"
  turn.notify("service", type, now.serviceId, now.reason)
  if (old !== undefined) turn.retrySoon()
  return now
}

/** A path that is the one it had left: it is back. */
function atHome(service: Service, path: KeyPath): Service {
  const { home, ...rest } = service
  return home !== undefined && sameLinks(home.hops, path.hops) ? rest : service
}

export function sameLinks(one: readonly Hop[], other: readonly Hop[]): boolean {
  return one.length === other.length && one.every((hop, n) => hop.qkdlId === other[n]?.qkdlId)
}

function leaveFromEnds(turn: Turn, path: KeyPath): KeyPath {
  const ends = endsOf(path)
  turn.sync(...ends)
  return { ...path, phase: "leaving", awaiting: ends, sinceRevision: turn.draft.revision }
}

/** Gives up what is being set up. */
export function abandonNext(turn: Turn, service: Service): Service {
  let now = service
  const leaving = [...service.leaving]
  for (const [place, { path, next }] of lanesOf(service).entries()) {
    if (next === undefined) continue
    const left = leaveUnfinished(turn, next)
    if (left !== undefined) leaving.push(left)
    now = withLane(now, place, path === undefined ? {} : { path })
  }
  if (now === service) return service
  const { backup: _backup, noBackup: _no, ...bare } = now
  return put(turn, { ...bare, leaving })
}

/** @returns undefined when no node has been told of it. */
function leaveUnfinished(turn: Turn, next: KeyPath): KeyPath | undefined {
  if (next.phase === "ends") return leaveFromEnds(turn, settled(next))
  const relays = relaysOf(next)
  if (relays.length === 0) return undefined
  turn.sync(...relays)
  const sinceRevision = turn.draft.revision
  return { ...settled(next), phase: "leaving", awaiting: relays, sinceRevision }
}

/** Takes down the standing paths from this lane on, and what is being set up there. */
export function leaveLanes(turn: Turn, service: Service, from: number): Service {
  let now = service
  const leaving = [...service.leaving]
  for (const [place, { path, next }] of lanesOf(service).entries()) {
    if (place < from) continue
    const unfinished = next === undefined ? undefined : leaveUnfinished(turn, next)
    if (unfinished !== undefined) leaving.push(unfinished)
    if (path !== undefined) leaving.push(leaveFromEnds(turn, path))
    now = withLane(now, place, {})
  }
  return now === service ? service : { ...now, leaving }
}

/** Takes everything of the service down; it is gone when every node has let go. */
export function remove(turn: Turn, service: Service, reason?: string): void {
  const {
    reason: _reason,
    backup: _backup,
    noBackup: _no,
    home: _home,
    ...rest
  } = leaveLanes(turn, service, 0)
  turn.notify("service", "service.removing", service.serviceId, reason)
  settle(turn, { ...rest, state: "removing", ...(reason === undefined ? {} : { reason }) })
  turn.retrySoon()
}

/** Writes the service, or removes it when nothing of it is left anywhere. */
function settle(turn: Turn, service: Service): void {
  if (service.state === "removing" && service.leaving.length === 0) {
    turn.draft.removeService(service.serviceId)
    turn.notify("service", "service.removed", service.serviceId)
    return
  }
  put(turn, service)
}

type Condition = Pick<Service, "state" | "reason">

/** State of a service: what its standing paths say, one of which there is unless all are still being set up. */
export function conditionOf(view: View, service: Service): Condition {
  const paths = standingPaths(service)
  const count = laneCount(service.terms)
  if (paths.length === 0 || (needsAll(service.terms) && paths.length < count))
    return { state: "pending" }
  const found = paths.map((path) => standing(view, service, path))
  const fault = found.find(({ reason }) => reason !== undefined)
  if (paths.length < count) {
    const whole = found.length - found.filter(({ reason }) => reason !== undefined).length
    return { state: "degraded", reason: fault?.reason ?? `it stands on ${whole} of ${count} paths` }
  }
  return fault ?? { state: "active" }
}

/** State of a service whose path stands: what its links say, and whether it keeps terms given since. */
export function standing(
  view: View,
  { serviceId, terms }: Pick<Service, "serviceId" | "terms">,
  path: KeyPath,
): { readonly state: "active" | "degraded"; readonly reason?: string } {
  // Said before any fault of a link: keys that pass a node the customer now avoids are worse than few keys.
  const broken = brokenTerm(view, terms, path)
  if (broken !== undefined) return { state: "degraded", reason: broken }
  const half = path.nodes
    .flatMap((id) => view.node(id) ?? [])
    .find((node) => lacks(node, path, serviceId))
  if (half !== undefined)
    return { state: "degraded", reason: `${half.name} no longer holds its part of the path` }
  for (const qkdnId of relaysOf(path)) {
    if (view.node(qkdnId)?.outOfService !== true) continue
    return { state: "degraded", reason: `${nodeName(view, qkdnId)} is out of service` }
  }
  for (const hop of path.hops) {
    const link = view.link(hop.qkdlId)
    if (link === undefined) return { state: "degraded", reason: `link ${hop.qkdlId} is gone` }
    if (serves(link)) continue
    const because = link.reason === undefined ? "" : `: ${link.reason}`
    const how = conditionOfLink(link)
    return { state: "degraded", reason: `${linkName(view, link)} is ${how}${because}` }
  }
  return { state: "active" }
}

/** Somebody has taken this node's part of the path away. */
function lacks({ drift }: NetworkNode, path: KeyPath, serviceId: string): boolean {
  return (
    drift?.differences.some(
      ({ kind, id, change }) =>
        change !== "unexpected" &&
        ((kind === "link" && id === path.qkdlId) || (kind === "app" && id === serviceId)),
    ) ?? false
  )
}

export function put(turn: Turn, service: Service): Service {
  const written = inShape(service, turn.time())
  turn.draft.putService(written)
  return written
}
