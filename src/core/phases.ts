// The life of a key path: relay nodes are told first, all at once; the ends only when every relay has confirmed.
// Where a node offers it, its part is provisional until every node has its own: then all that hold one are told to keep
// it, and only then the path stands (decision 0028). Taking down goes the other way: the ends let go, then the relays. (015 V1 clause 5.4 sets relays before ends;
// deletion and re-routing are left open by the standard.)
//
//   relays --all have it--> ends --both have it--> (confirming --all keep it-->) up
//   leaving: ends --both let go--> relays --all let go--> gone
//
// While a next path is in `ends`, the ends hold both, so that no key on the way is lost; when both ends have
// confirmed, the old one leaves. Which path to take is decided in `service-life.ts`.

import type { NetworkNode } from "../model/network.js"
import type { KeyPath, Service } from "../model/service.js"
import { linkName, nodeName } from "./names.js"
import type { FoundPath } from "./path.js"
import { brokenTerm } from "./term-check.js"
import type { Turn } from "./turn.js"
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

/** Starts to set up `found` as the next path of a service that has no next one. */
export function beginPath(turn: Turn, service: Service, found: FoundPath): Service {
  const virtual = found.hops.length > 1
  const nodes = found.nodes
  const told = virtual ? nodes.slice(1, -1) : [...nodes]
  const next: KeyPath = {
    qkdlId: virtual ? turn.context.newId() : (found.hops[0]?.qkdlId ?? ""),
    hops: found.hops,
    nodes,
    rateBps: service.terms.minRateBps,
    phase: virtual ? "relays" : "ends",
    awaiting: told,
    sinceRevision: turn.draft.revision,
  }
  turn.sync(...told)
  if (service.path !== undefined) return put(turn, { ...service, next })
  const { reason: _, ...rest } = service
  return put(turn, { ...rest, state: "pending", next })
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
  const { next } = service
  // A reading shows what is there, not whether it was told to stay; only in a new session nothing is provisional.
  const said = next?.confirming !== true || by === "answer" || by === "first-reading"
  if (next === undefined || !awaited(next) || !said) {
    if (changed) settle(turn, { ...service, leaving })
    return
  }
  const awaiting = next.awaiting.filter((id) => id !== qkdnId)
  const now: KeyPath = { ...withHolding(next, qkdnId, by === "provisional-answer"), awaiting }
  const confirmed = { ...service, leaving, next: now }
  if (awaiting.length > 0) put(turn, confirmed)
  else if (now.phase === "relays") tellEnds(turn, confirmed, now)
  else if (now.confirming !== true && now.holding !== undefined) tellToKeep(turn, confirmed, now)
  else stand(turn, confirmed, now)
}

function withHolding(path: KeyPath, qkdnId: string, holds: boolean): KeyPath {
  const { holding = [], ...rest } = path
  const others = holding.filter((id) => id !== qkdnId)
  const all = holds ? [...others, qkdnId] : others
  return all.length === 0 ? rest : { ...rest, holding: all }
}

/** Every node has its part: those where it is provisional are told to keep it. */
function tellToKeep(turn: Turn, service: Service, next: KeyPath): void {
  const awaiting = next.holding ?? []
  turn.sync(...awaiting)
  put(turn, {
    ...service,
    next: { ...next, confirming: true, awaiting, sinceRevision: turn.draft.revision },
  })
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

function tellEnds(turn: Turn, service: Service, next: KeyPath): void {
  const ends = endsOf(next)
  turn.sync(...ends)
  put(turn, {
    ...service,
    next: { ...next, phase: "ends", awaiting: ends, sinceRevision: turn.draft.revision },
  })
}

/** Both ends use the next path: it stands, and the old one leaves. */
function stand(turn: Turn, service: Service, next: KeyPath): void {
  const { next: _next, avoiding: _avoiding, reason: _reason, path: old, ...rest } = service
  const path: KeyPath = { ...settled(next), phase: "up", awaiting: [] }
  const leaving = old === undefined ? rest.leaving : [...rest.leaving, leaveFromEnds(turn, old)]
  const now = put(turn, { ...rest, ...standing(turn.draft, service, path), path, leaving })
  turn.notify(
    "service",
    old === undefined ? "service.up" : "service.moved",
    now.serviceId,
    now.reason,
  )
  if (old !== undefined) turn.retrySoon()
}

function leaveFromEnds(turn: Turn, path: KeyPath): KeyPath {
  const ends = endsOf(path)
  turn.sync(...ends)
  return { ...path, phase: "leaving", awaiting: ends, sinceRevision: turn.draft.revision }
}

/** Gives up the path that is being set up. */
export function abandonNext(turn: Turn, service: Service): Service {
  const { next, ...rest } = service
  if (next === undefined) return service
  if (next.phase === "ends") {
    return put(turn, { ...rest, leaving: [...rest.leaving, leaveFromEnds(turn, settled(next))] })
  }
  const relays = relaysOf(next)
  turn.sync(...relays)
  const path: KeyPath = {
    ...settled(next),
    phase: "leaving",
    awaiting: relays,
    sinceRevision: turn.draft.revision,
  }
  return put(turn, { ...rest, leaving: [...rest.leaving, path] })
}

/** Takes everything of the service down; it is gone when every node has let go. */
export function remove(turn: Turn, service: Service, reason?: string): void {
  const { next: _next, path, reason: _reason, ...rest } = abandonNext(turn, service)
  const leaving = path === undefined ? rest.leaving : [...rest.leaving, leaveFromEnds(turn, path)]
  turn.notify("service", "service.removing", service.serviceId, reason)
  settle(turn, {
    ...rest,
    state: "removing",
    leaving,
    ...(reason === undefined ? {} : { reason }),
  })
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
    if (link?.enabled === true && link.status === "ACTIVE") continue
    if (link === undefined) return { state: "degraded", reason: `link ${hop.qkdlId} is gone` }
    const because = link.reason === undefined ? "" : `: ${link.reason}`
    const state = link.enabled ? link.status : "disabled"
    return { state: "degraded", reason: `${linkName(view, link)} is ${state}${because}` }
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
  const written = { ...service, changedAt: turn.time() }
  turn.draft.putService(written)
  return written
}
