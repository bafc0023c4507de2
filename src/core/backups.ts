// Backups of services with protection `restore`: found beside the path in use, kept while they are good for something,
// sought anew when the network has changed. When a service moves to its backup is decided in `restoration.ts`.

import type { BackupPath, KeyPath, Service } from "../model/service.js"
import { groups } from "./memberships.js"
import { findPath, type FoundPath } from "./path.js"
import type { PathQuery } from "./path-query.js"
import { put } from "./phases.js"
import { queryOf } from "./routing.js"
import type { Turn } from "./turn.js"

/** The service with a backup for the path it has or is to have, or the reason for none; as it was if it wants none. */
export function withBackup(turn: Turn, service: Service): Service {
  const path = service.next ?? service.path
  if (service.terms.protection !== "restore" || path === undefined) return service
  const { backup: _backup, noBackup: _no, ...rest } = service
  // What its last backup kept is free for the next one.
  const bare = service.backup === undefined ? service : put(turn, rest)
  const found = findBackup(turn, bare, path)
  if (typeof found !== "string") return put(turn, { ...rest, backup: found })
  return service.noBackup === found ? bare : put(turn, { ...rest, noBackup: found })
}

function findBackup(turn: Turn, service: Service, path: KeyPath): BackupPath | string {
  const { draft, settings } = turn
  draft.graph.refresh(draft, settings)
  const links = path.hops.map(({ qkdlId }) => qkdlId)
  const relays = path.nodes.slice(1, -1)
  const risks = risksOf(turn, path)
  const against = failuresOf(turn, [...links, ...relays, ...risks])
  const shared = settings.backupRate === "shared"
  const query: PathQuery = {
    ...queryOf(service, [], links),
    // Where no rate is kept, what others keep is as good as free: nothing is promised.
    ...(settings.backupRate === "none" ? { overBackups: true } : {}),
    ...(shared ? { slackBps: (qkdlId) => draft.backups.slackBps(qkdlId, against) } : {}),
  }
  const make = ({ hops, nodes }: FoundPath, disjoint: BackupPath["disjoint"]): BackupPath => ({
    hops,
    nodes,
    rateBps: path.rateBps,
    disjoint,
    against,
  })
  const apart = { ...query, avoidNodes: [...(query.avoidNodes ?? []), ...relays] }
  const sharing = linksAtRisk(turn, risks)
  if (sharing.length > 0) {
    const avoidLinks = [...(query.avoidLinks ?? []), ...sharing]
    const safe = findPath(draft.graph, { ...apart, avoidLinks })
    if (safe !== undefined) return make(safe, "node")
  }
  const byNode = findPath(draft.graph, apart)
  if (byNode !== undefined) return make(byNode, "node")
  const byLink = findPath(draft.graph, query)
  if (byLink !== undefined) return make(byLink, "link")
  const anyRate = findPath(draft.graph, { ...query, rateBps: 0 })
  return anyRate === undefined
    ? "no path without a link of the one in use"
    : `no path without a link of the one in use has ${path.rateBps} bit/s left`
}

/** What a backup's rate is kept for, by policy. */
function failuresOf({ settings }: Turn, failures: readonly string[]): readonly string[] {
  switch (settings.backupRate) {
    case "shared":
      return failures
    case "dedicated":
      return ["*"]
    case "none":
      return []
  }
}

/** Shared risks of a path's links, as failures. */
function risksOf({ draft }: Turn, path: KeyPath): string[] {
  const found = new Set<string>()
  for (const { qkdlId } of path.hops)
    for (const risk of draft.link(qkdlId)?.srlg ?? []) found.add(risk)
  return [...found]
}

function linksAtRisk({ draft }: Turn, risks: readonly string[]): string[] {
  return risks.flatMap((risk) => draft.members(groups.linksAtRisk(risk)))
}

/**
 * Backups that can no longer be used are replaced, and missing ones sought: a few at a time, greater priority first;
 * comes back for the rest.
 */
export function prepareBackups(turn: Turn): void {
  const { draft, settings } = turn
  const wanting = new Set(draft.members(groups.unprepared))
  for (const qkdlId of draft.members(groups.downLinks))
    for (const id of draft.members(groups.backupsOn(qkdlId))) wanting.add(id)
  for (const qkdnId of draft.members(groups.absentNodes))
    for (const id of draft.members(groups.backupsAt(qkdnId))) wanting.add(id)
  if (wanting.size === 0) {
    retryUnbacked(turn)
    return
  }
  const services = [...wanting].flatMap((id) => draft.service(id) ?? [])
  services.sort(byPriority)
  for (const service of services.slice(0, settings.backupsAtOnce)) withBackup(turn, service)
  if (services.length > settings.backupsAtOnce) turn.wakeAt(turn.now + settings.retryMs)
}

/** The network may have changed for the better; not the same ones every time. */
function retryUnbacked(turn: Turn): void {
  const { draft, settings } = turn
  const ids = draft.members(groups.unbacked)
  if (ids.length === 0) return
  const start = ids.length <= settings.backupsAtOnce ? 0 : draft.revision % ids.length
  const chosen = [...ids, ...ids].slice(start, start + Math.min(ids.length, settings.backupsAtOnce))
  for (const id of chosen) {
    const service = draft.service(id)
    if (service !== undefined) withBackup(turn, service)
  }
}

/** A link's rate fell: backups that it can no longer keep room for go elsewhere, smallest priority first. */
export function thinBackups(turn: Turn, qkdlId: string): void {
  const { draft, settings } = turn
  if (draft.backupBps(qkdlId) === 0) return
  const services = draft
    .members(groups.backupsOn(qkdlId))
    .flatMap((id) => draft.service(id) ?? [])
    .sort(byPriority)
    .reverse()
  for (const service of services.slice(0, settings.backupsAtOnce)) {
    draft.graph.refresh(draft, settings)
    const number = draft.graph.linkNumber(qkdlId)
    if (number === undefined || (draft.graph.residual[number] ?? 0) >= 0) return
    withBackup(turn, service)
  }
}

/** Greater priority first (`ServiceTerms.priority`); equal ones in a fixed order. */
export function byPriority(x: Service, y: Service): number {
  return y.terms.priority - x.terms.priority || (x.serviceId < y.serviceId ? -1 : 1)
}
