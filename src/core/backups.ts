// Backups of services with protection `restore`: found beside the path in use, kept while they are good for something,
// sought anew when the network has changed. When a service moves to its backup is decided in `restoration.ts`.

import type { BackupPath, KeyPath, PlannedPath, Service } from "../model/service.js"
import { groups } from "./memberships.js"
import { findPath, type FoundPath } from "./path.js"
import type { PathQuery } from "./path-query.js"
import { put } from "./phases.js"
import { byPriority } from "./priority-order.js"
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

const APART: readonly BackupPath["disjoint"][] = ["part", "link", "node"]

/** Whether a backup is there and no nearer to its path than another is to its own. */
export function isAsFarApart(
  backup: Pick<BackupPath, "disjoint"> | undefined,
  other: Pick<BackupPath, "disjoint">,
): boolean {
  return backup !== undefined && APART.indexOf(backup.disjoint) >= APART.indexOf(other.disjoint)
}

/** Prices far above those of links, each above the sum of all below it. */
const SAME_LINK = 1e9
const SAME_RISK = 1e7
const SAME_RELAY = 1e5

/** As far apart from the path in use as the network allows; of what is equally far, the cheapest; or why there is none. */
export function findBackup(
  turn: Turn,
  service: Service,
  path: Pick<KeyPath, "hops" | "nodes" | "rateBps">,
): BackupPath | string {
  const { draft, settings } = turn
  draft.graph.refresh(draft, settings)
  const links = new Set(path.hops.map(({ qkdlId }) => qkdlId))
  const relays = path.nodes.slice(1, -1)
  const risks = risksOf(turn, path)
  const against = failuresOf(turn, [...links, ...relays, ...risks])
  const avoiding = (service.avoiding ?? []).filter((node) => node.untilMs > turn.now)
  const query: PathQuery = {
    ...queryOf(service, avoiding, []),
    surcharge: surchargesOf(turn, links, relays, risks),
    // Where no rate is kept, what others keep is as good as free: nothing is promised.
    ...(settings.backupRate === "none" ? { overBackups: true } : {}),
    ...(settings.backupRate === "shared"
      ? { slackBps: (qkdlId) => draft.backups.slackBps(qkdlId, against) }
      : {}),
  }
  const other = (found: FoundPath | undefined): found is FoundPath =>
    found?.hops.some(({ qkdlId }) => !links.has(qkdlId)) === true
  const found = findPath(draft.graph, query)
  if (!other(found)) {
    const anyRate = findPath(draft.graph, { ...query, rateBps: 0 })
    return other(anyRate)
      ? `no path beside the one in use has ${path.rateBps} bit/s left`
      : "no path beside the one in use"
  }
  const { hops, nodes } = found
  const keptOn = hops.flatMap(({ qkdlId }) => (links.has(qkdlId) ? [] : [qkdlId]))
  const sharesRelay = nodes.slice(1, -1).some((id) => relays.includes(id))
  const disjoint = keptOn.length < hops.length ? "part" : sharesRelay ? "link" : "node"
  const backup = { hops, nodes, rateBps: path.rateBps, disjoint, keptOn, against } as const
  // Looked up now, so that a cut need not.
  draft.graph.numbersOf(backup)
  return backup
}

function surchargesOf(
  { draft }: Turn,
  links: ReadonlySet<string>,
  relays: readonly string[],
  risks: readonly string[],
): Map<string, number> {
  const surcharges = new Map<string, number>()
  for (const relay of relays)
    for (const id of draft.members(groups.linksAt(relay))) surcharges.set(id, SAME_RELAY)
  for (const risk of risks)
    for (const id of draft.members(groups.linksAtRisk(risk))) surcharges.set(id, SAME_RISK)
  for (const id of links) surcharges.set(id, SAME_LINK)
  return surcharges
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
function risksOf({ draft }: Turn, path: PlannedPath): string[] {
  const found = new Set<string>()
  for (const { qkdlId } of path.hops)
    for (const risk of draft.link(qkdlId)?.srlg ?? []) found.add(risk)
  return [...found]
}

/**
 * Backups that can no longer be used are replaced, and missing ones sought: a few at a time, greater priority first;
 * comes back for the rest.
 */
export function prepareBackups(turn: Turn): void {
  const { draft, settings } = turn
  for (const qkdlId of overbookedLinks(turn)) thinBackups(turn, qkdlId)
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

/** Links that keep more than they have left: paths have taken rate that others kept. */
function overbookedLinks({ draft, settings }: Turn): string[] {
  const { graph } = draft
  graph.refresh(draft, settings)
  return graph.linkIds.filter((_, link) => {
    const residual = graph.residual[link] ?? 0
    return residual < 0 && residual < (graph.free[link] ?? 0)
  })
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
