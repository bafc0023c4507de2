// What becomes of services when a link or a node on their path fails, and when what they left is whole again. A failure
// is one decision: all that it hits move, greater priority first, to the backup that is ready or to a path found anew.

import type { KeyPath, PlannedPath, Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { BackupRoom } from "./backup-room.js"
import { withBackup } from "./backups.js"
import { isOnSeveral, standingPaths } from "./lanes.js"
import { groups, lanesOf } from "./memberships.js"
import { abandonNext, beginPath, relaysOf, usesLink } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import { inPriority, listedByPriority, seekLanes, seekPath, stay } from "./service-life.js"
import { withNext } from "./service-shape.js"
import type { Turn } from "./turn.js"
import { isPresent, mayRelay, serves } from "./usable.js"

/** Links on their paths no longer serve: every service on them goes another way, greater priority first. */
export function moveOff(turn: Turn, ...qkdlIds: readonly string[]): void {
  const { draft } = turn
  const lacking = membersOf(turn, qkdlIds, groups.backupsOn).length > 0
  const uses = usesAny(qkdlIds)
  const exodus = new Exodus(turn, {
    stops: uses,
    // Without a next path it is the standing one that made it a member.
    hits: (path, { next }) => next === undefined || uses(path),
  })
  const numbers = numbersOn(turn, qkdlIds)
  const inTurn = numbers && draft.ready.inOrderOfPriority(numbers)
  if (inTurn !== undefined) exodus.moveNumbered(inTurn)
  else exodus.move(listedByPriority(turn, membersOf(turn, qkdlIds, groups.servicesOn)))
  // New backups are sought when all have moved.
  if (lacking || exodus.usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
}

/** Services on any of these links, by their numbers, where none is written yet. */
function numbersOn({ draft }: Turn, qkdlIds: readonly string[]): readonly number[] | undefined {
  const [only] = qkdlIds
  if (only !== undefined && qkdlIds.length === 1) return draft.numbersIn(groups.servicesOn(only))
  const all = new Set<number>()
  for (const qkdlId of qkdlIds) {
    const numbers = draft.numbersIn(groups.servicesOn(qkdlId))
    if (numbers === undefined) return undefined
    for (const number of numbers) all.add(number)
  }
  return [...all]
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
  const exodus = new Exodus(turn, { stops: uses, hits: uses, ahead: true })
  exodus.move(listedByPriority(turn, onIt))
  if (exodus.usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
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
  const exodus = new Exodus(turn, {
    stops: (path) => path.nodes.includes(qkdnId),
    hits: (path) => relaysOf(path).includes(qkdnId),
  })
  exodus.move(listedByPriority(turn, turn.draft.members(groups.servicesAt(qkdnId))))
  if (exodus.usedBackups) turn.wakeAt(turn.now + turn.settings.retryMs)
}

interface Failure {
  /** Whether a path being set up suffers. */
  readonly stops: (path: KeyPath) => boolean
  /** Whether the standing path of a service does. */
  readonly hits: (path: KeyPath, service: Pick<Service, "next">) => boolean
  /** It has not happened yet: what stands is whole until then. */
  readonly ahead?: true
}

/** All that a failure hits, in the order of their turns. */
class Exodus {
  readonly #turn: Turn
  readonly #failure: Failure
  readonly #room: BackupRoom
  /** Whoever takes a backup writes nobody but itself. */
  #mayBeWritten = false
  usedBackups = false

  constructor(turn: Turn, failure: Failure) {
    this.#turn = turn
    this.#failure = failure
    this.#room = new BackupRoom(turn)
  }

  /** Each as it is before any has its turn. */
  move(services: readonly Service[]): void {
    for (const service of services) this.#moveNow(service)
  }

  /** By their numbers, where none is written yet and each stands on the link that failed or is setting up a path over it. */
  moveNumbered(numbers: Int32Array): void {
    const { ready } = this.#turn.draft
    for (const number of numbers) {
      const service = ready.service(number)
      if (service === undefined) continue
      if (!ready.isReady(number) || !this.#isAsRead(service)) this.#moveNow(service)
      else if (this.#room.takeReady(number)) {
        beginReady(this.#turn, service, number)
        this.#toBackup(service)
      } else {
        this.usedBackups = true
        this.#seek(service)
      }
    }
  }

  #isAsRead(service: Service): boolean {
    return !this.#mayBeWritten || this.#turn.draft.asOfNow(service) === service
  }

  #moveNow(listed: Service): void {
    const turn = this.#turn
    const room = this.#room
    const { stops, hits } = this.#failure
    const service = this.#mayBeWritten ? turn.draft.asOfNow(listed) : listed
    if (service === undefined) return
    // Failed: pre-empted just now by one that moved before it, and has sought another path.
    if (service.state === "removing" || service.state === "failed") return
    const { path, next } = service
    if (isOnSeveral(service)) {
      moveLanes(turn, service, this.#failure)
      room.changed()
      this.#mayBeWritten = true
      return
    }
    if (next !== undefined && !stops(next)) return
    const hit = path !== undefined && hits(path, service)
    // Where it was on its way to another path, its backup is one for that path, and as ready.
    const { backup } = service
    const free = next === undefined ? service : abandonNext(turn, service)
    if (free !== service) room.changed()
    if (!hit && free.path !== undefined) {
      this.usedBackups ||= backup !== undefined
      stay(turn, free)
      return
    }
    const from = hit ? leavingHome(free) : free
    const told = backup === undefined ? undefined : room.take(free, backup, next)
    if (backup !== undefined && told !== undefined) {
      beginPath(turn, from, backup, told)
      this.#toBackup(service)
      return
    }
    // It may have had one that could not be used.
    this.usedBackups ||= backup !== undefined
    this.#seek(from)
  }

  #toBackup({ serviceId, path }: Service): void {
    const type = path === undefined ? "service.pending" : "service.moving"
    this.#turn.notify("service", type, serviceId, "to its backup")
    this.usedBackups = true
  }

  #seek(service: Service): void {
    seekPath(this.#turn, service, { backup: "later" })
    this.#room.changed()
    this.#mayBeWritten = true
  }
}

/** Starts to set up the backup of a service that is ready to move, by its number; the nodes that it begins with are told. */
function beginReady(turn: Turn, service: Service, number: number): void {
  const { draft, context } = turn
  const { ready } = draft
  const next: KeyPath = {
    qkdlId: context.newId(),
    hops: ready.hopsOf(number),
    nodes: ready.nodesOf(number),
    rateBps: ready.rateBps(number),
    phase: "relays",
    awaiting: ready.relaysOf(number),
    sinceRevision: draft.revision,
  }
  draft.putFirst(service, withNext(service, next, turn.time()))
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
