// What becomes of services when a link or a node on their path fails, and when what they left is whole again. A failure
// is one decision: all that it hits move, greater priority first, to the backup that is ready or to a path found anew.

import type { AvoidedNode, BackupPath, KeyPath, PlannedPath, Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { withBackup } from "./backups.js"
import { isOnSeveral, standingPaths } from "./lanes.js"
import { groups, lanesOf } from "./memberships.js"
import type { PathNumbers } from "./path-numbers.js"
import { abandonNext, beginPath, relaysOf, usesLink } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import { inPriority, listedByPriority, seekLanes, seekPath, stay } from "./service-life.js"
import type { Turn } from "./turn.js"
import { GENERATING, isPresent, mayRelay, serves } from "./usable.js"

/** Links on their paths no longer serve: every service on them goes another way, greater priority first. */
export function moveOff(turn: Turn, ...qkdlIds: readonly string[]): void {
  const onIt = membersOf(turn, qkdlIds, groups.servicesOn)
  const lacking = membersOf(turn, qkdlIds, groups.backupsOn).length > 0
  const uses = usesAny(qkdlIds)
  const { usedBackups } = moveAll(turn, onIt, {
    stops: uses,
    // Without a next path it is the standing one that made it a member.
    hits: (path, { next }) => next === undefined || uses(path),
  })
  // New backups are sought when all have moved.
  if (lacking || usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
}

/**
 * Links go out by plan: every service on them goes another way beforehand, greater priority first, and leaves its path when the
 * other one stands. Streams of bulk orders are left to their schedule.
 *
 * @returns the services for which there is no other path, greatest priority first; they stay as they are
 */
export function moveAside(turn: Turn, qkdlIds: readonly string[]): readonly string[] {
  const { draft } = turn
  const uses = usesAny(qkdlIds)
  const onIt = membersOf(turn, qkdlIds, groups.servicesOn).filter(
    (id) => draft.service(id)?.origin !== "bulk",
  )
  const { usedBackups } = moveAll(turn, onIt, { stops: uses, hits: uses, ahead: true })
  if (usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
  return listedByPriority(turn, onIt)
    .filter((service) =>
      lanesOf(service).some(
        ({ path, next }) => path !== undefined && next === undefined && uses(path),
      ),
    )
    .filter(({ state }) => state !== "removing")
    .map(({ serviceId }) => serviceId)
}

function membersOf(
  { draft }: Turn,
  qkdlIds: readonly string[],
  group: (id: string) => string,
): readonly string[] {
  const [only] = qkdlIds
  if (only !== undefined && qkdlIds.length === 1) return draft.members(group(only))
  return [...new Set(qkdlIds.flatMap((id) => draft.members(group(id))))]
}

function usesAny(qkdlIds: readonly string[]): (path: KeyPath) => boolean {
  const [only] = qkdlIds
  if (only !== undefined && qkdlIds.length === 1) return (path) => usesLink(path, only)
  return (path) => qkdlIds.some((id) => usesLink(path, id))
}

/** A node is taken out of service: services that it relays for go round it where they can. */
export function moveOffNode(turn: Turn, qkdnId: string): void {
  const { usedBackups } = moveAll(turn, turn.draft.members(groups.servicesAt(qkdnId)), {
    stops: (path) => path.nodes.includes(qkdnId),
    hits: (path) => relaysOf(path).includes(qkdnId),
  })
  if (usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
}

interface Failure {
  /** Whether a path being set up suffers. */
  readonly stops: (path: KeyPath) => boolean
  /** Whether the standing path of a service does. */
  readonly hits: (path: KeyPath, service: Pick<Service, "next">) => boolean
  /** It has not happened yet: what stands is whole until then. */
  readonly ahead?: true
}

function moveAll(
  turn: Turn,
  serviceIds: readonly string[],
  { stops, hits, ahead }: Failure,
): { readonly usedBackups: boolean } {
  let usedBackups = false
  // Whoever takes a backup writes nobody but itself.
  let mayBeWritten = false
  const room = new BackupRoom(turn)
  for (const listed of listedByPriority(turn, serviceIds)) {
    const service = mayBeWritten ? turn.draft.asOfNow(listed) : listed
    if (service === undefined) continue
    // Failed: pre-empted just now by one that moved before it, and has sought another path.
    if (service.state === "removing" || service.state === "failed") continue
    const { path, next } = service
    if (isOnSeveral(service)) {
      moveLanes(turn, service, { stops, hits, ...(ahead && { ahead }) })
      room.changed()
      mayBeWritten = true
      continue
    }
    if (next !== undefined && !stops(next)) continue
    const hit = path !== undefined && hits(path, service)
    // Where it was on its way to another path, its backup is one for that path, and as ready.
    const { backup } = service
    const free = next === undefined ? service : abandonNext(turn, service)
    if (free !== service) room.changed()
    if (!hit && free.path !== undefined) {
      usedBackups ||= backup !== undefined
      stay(turn, free)
      continue
    }
    const from = hit ? leavingHome(free) : free
    const told = backup === undefined ? undefined : room.take(free, backup, next)
    if (backup !== undefined && told !== undefined) {
      beginPath(turn, from, backup, told)
      const type = path === undefined ? "service.pending" : "service.moving"
      turn.notify("service", type, service.serviceId, "to its backup")
      usedBackups = true
      continue
    }
    // It may have had one that could not be used.
    usedBackups ||= backup !== undefined
    seekPath(turn, from, { backup: "later" })
    room.changed()
    mayBeWritten = true
  }
  return { usedBackups }
}

function moveLanes(turn: Turn, service: Service, { stops, hits, ahead }: Failure): void {
  const stopped = lanesOf(service).some(({ next }) => next !== undefined && stops(next))
  const setting = lanesOf(service).some(({ next }) => next !== undefined)
  if (setting && !stopped) {
    if (standingPaths(service).some((path) => hits(path, service))) stay(turn, service)
    return
  }
  const free = abandonNext(turn, service)
  if (ahead === true) seekLanes(turn, free, "anew")
  else seekPath(turn, free)
}

/** A revertive service remembers the path that it leaves because it failed. */
function leavingHome(service: Service): Service {
  const { path, home, terms } = service
  if (terms.revertive !== true || home !== undefined || path === undefined) return service
  return { ...service, home: { hops: path.hops, nodes: path.nodes } }
}

/** Whether backups can be used as they were prepared: rate is counted as they are taken, in numbers of the graph. */
class BackupRoom {
  readonly #turn: Turn
  /** By link, what is left; `UNFIT` where the link is of no use. */
  #left = new Float64Array(0)
  /** By node: 1 when it was told of a path that begins. */
  #told = new Uint8Array(0)
  #current = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Others have taken or given rate meanwhile. */
  changed(): void {
    this.#current = false
  }

  /**
   * Takes the backup if it can be used; the nodes that a path over it begins with are told.
   *
   * @param left the path that it was for, where the service has just given that up
   * @returns these nodes; undefined when it cannot be used
   */
  take(
    { path, terms, avoiding }: Pick<Service, "path" | "terms" | "avoiding">,
    backup: BackupPath,
    left: KeyPath | undefined,
  ): readonly string[] | undefined {
    if (backup.rateBps < terms.minRateBps) return undefined
    const { graph } = this.#turn.draft
    if (!this.#current) this.#look()
    const free = this.#left
    const rateBps = terms.minRateBps
    // What it has in common with the path in use is the service's already.
    const mayShare = backup.disjoint === "part" || left !== undefined
    const own = mayShare && path !== undefined ? linksOf(graph.numbersOf(path)) : undefined
    const { start, hops, relays } = graph.known(backup)
    const values = graph.pathValues
    const end = start + hops
    for (let place = start; place < end; place += 1) {
      const link = values[place] ?? -1
      const bps = free[link] ?? UNFIT
      if (bps === UNFIT) return undefined
      if (bps < rateBps && rateBps > 0 && own?.includes(link) !== true) return undefined
    }
    const { present, passable } = graph
    const last = end + hops
    if (present[values[end] ?? -1] !== 1 || present[values[last] ?? -1] !== 1) return undefined
    for (let place = end + 1; place < last; place += 1)
      if (passable[values[place] ?? -1] !== 1) return undefined
    if (avoiding !== undefined && this.#avoids(avoiding, backup)) return undefined
    for (let place = start; place < end; place += 1) {
      const link = values[place] ?? -1
      if (own?.includes(link) !== true) free[link] = (free[link] ?? 0) - rateBps
    }
    this.#tell(backup, values, end, hops)
    // A path without relays begins with its ends (phases.ts).
    return hops > 1 ? relays : backup.nodes
  }

  /** Each node once a cut. */
  #tell(backup: PlannedPath, values: Int32Array, first: number, hops: number): void {
    // A path without relays begins with its ends (phases.ts).
    const [from, to] = hops > 1 ? [1, hops - 1] : [0, hops]
    for (let place = from; place <= to; place += 1) {
      const node = values[first + place] ?? -1
      if (this.#told[node] === 1) continue
      this.#told[node] = 1
      this.#turn.sync(backup.nodes[place] ?? "")
    }
  }

  #look(): void {
    const { draft, settings } = this.#turn
    const { graph } = draft
    graph.refresh(draft, settings)
    this.#left = graph.free.map((bps, link) => (graph.linkUse(link) < GENERATING ? UNFIT : bps))
    if (this.#told.length !== graph.nodeIds.length)
      this.#told = new Uint8Array(graph.nodeIds.length)
    this.#current = true
  }

  #avoids(avoiding: readonly AvoidedNode[], { nodes }: PlannedPath): boolean {
    return avoiding.some(
      ({ qkdnId, untilMs }) => untilMs > this.#turn.now && nodes.includes(qkdnId),
    )
  }
}

function linksOf({ values, start, hops }: PathNumbers): Int32Array {
  return values.subarray(start, start + hops)
}

/** Below anything that could be left. */
const UNFIT = Number.NEGATIVE_INFINITY

/** Revertive services return to the path they left, once it has been whole for as long as they want. */
export function revert(turn: Turn): void {
  const { draft, settings } = turn
  for (const service of inPriority(turn, draft.members(groups.awayFromHome))) {
    const { home, terms, path } = service
    if (home === undefined || path === undefined) continue
    const wholeMs = wholeSinceMs(turn, home)
    if (wholeMs === undefined) continue
    const holdOffMs = terms.holdOffS === undefined ? settings.revertMs : terms.holdOffS * 1000
    if (turn.now - wholeMs < holdOffMs) {
      turn.wakeAt(wholeMs + holdOffMs)
      continue
    }
    if (!hasRoom(turn, service, home) || avoidsNow(turn, service, home)) continue
    withBackup(turn, beginPath(turn, service, home))
    turn.notify("service", "service.moving", service.serviceId, "back to the path it had left")
  }
}

/** A node of it refused this service a short while ago. */
function avoidsNow({ now }: Turn, { avoiding = [] }: Service, path: PlannedPath): boolean {
  return avoiding.some((node) => node.untilMs > now && path.nodes.includes(node.qkdnId))
}

/** Since when all of a path could be used, ms since the epoch; undefined while something of it cannot. */
function wholeSinceMs({ draft, now }: Turn, path: PlannedPath): number | undefined {
  for (const [place, qkdnId] of path.nodes.entries()) {
    const node = draft.node(qkdnId)
    const isEnd = place === 0 || place === path.nodes.length - 1
    if (node === undefined || !isPresent(node) || (!isEnd && !mayRelay(node))) return undefined
  }
  let since = 0
  for (const { qkdlId } of path.hops) {
    const link = draft.link(qkdlId)
    if (link === undefined || !serves(link) || link.maintenance !== undefined) return undefined
    if (link.hold?.held === true && link.hold.untilMs > now) return undefined
    if (link.changedAt !== undefined) since = Math.max(since, Date.parse(link.changedAt))
  }
  return since
}

function hasRoom(turn: Turn, service: Service, path: PlannedPath): boolean {
  const { minRateBps } = service.terms
  if (minRateBps === 0) return true
  const own = reservationsOf(service)
  return path.hops.every(({ qkdlId }) => {
    const link = turn.draft.link(qkdlId)
    if (link === undefined) return false
    return residualBps(turn.draft, link, turn.settings) + (own.get(qkdlId) ?? 0) >= minRateBps
  })
}
