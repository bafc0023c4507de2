// What changes for the groups of services when one service is written anew. A service is in some hundred groups, most of
// them by the nodes and links of its paths, and most of these stay what they are: lists that both have in common are gone
// through only where others of their kind have changed, and no set is made. Groups are marked instead.

import type { Hop, KeyPath, Service } from "../model/service.js"
import { type GroupMark, groups } from "./memberships.js"

type List = readonly string[] | readonly Hop[]

/** The groups of one kind that lists of a service put it into; lists of the comparison in hand. */
class Kind {
  readonly #groupOf: { mark(id: string): GroupMark }
  readonly was: List[] = []
  readonly is: List[] = []
  readonly #marked: GroupMark[] = []

  constructor(groupOf: { mark(id: string): GroupMark }) {
    this.#groupOf = groupOf
  }

  compare(add: (group: string) => void, remove: (group: string) => void): void {
    const { was, is } = this
    if (!isSame(was, is)) {
      comparison += 1
      for (const list of was) this.#mark(list, true, is.includes(list))
      for (const list of is) if (!was.includes(list)) this.#mark(list, false, true)
      for (const group of this.#marked) {
        if (group.was && !group.is) remove(group.name)
        else if (group.is && !group.was) add(group.name)
      }
      this.#marked.length = 0
    }
    was.length = 0
    is.length = 0
  }

  #mark(list: List, was: boolean, is: boolean): void {
    for (const entry of list) {
      const group = this.#groupOf.mark(typeof entry === "string" ? entry : entry.qkdlId)
      if (group.seenIn !== comparison) {
        group.seenIn = comparison
        group.was = false
        group.is = false
        this.#marked.push(group)
      }
      group.was ||= was
      group.is ||= is
    }
  }
}

let comparison = 0

const on = new Kind(groups.servicesOn)
const at = new Kind(groups.servicesAt)
const awaiting = new Kind(groups.servicesAwaiting)
const heldAt = new Kind(groups.servicesHeldAt)
const backupsOn = new Kind(groups.backupsOn)
const backupsAt = new Kind(groups.backupsAt)
const KINDS = [on, at, awaiting, heldAt, backupsOn, backupsAt] as const

/**
 * Calls `add` and `remove` once for each group that the service has come into or has left, by its name. They must not
 * compare services themselves.
 */
export function compareServiceGroups(
  before: Service | undefined,
  after: Service | undefined,
  add: (group: string) => void,
  remove: (group: string) => void,
): void {
  const ends = endsOf(before)
  const endsNow = endsOf(after)
  const sameEnds = ends?.every((end, place) => end === endsNow?.[place]) === true
  if (before !== undefined) list(before, ends, "was")
  if (after !== undefined) list(after, sameEnds ? ends : endsNow, "is")
  for (const kind of KINDS) kind.compare(add, remove)
  const was = singleGroups(before, after)
  const is = singleGroups(after, before)
  for (const group of was) if (!is.includes(group)) remove(group)
  for (const group of is) if (!was.includes(group)) add(group)
}

/** The very same lists, as copies of a service share them. */
function isSame(some: readonly List[], others: readonly List[]): boolean {
  return some.length === others.length && some.every((one, place) => one === others[place])
}

function endsOf(service: Service | undefined): readonly string[] | undefined {
  return service === undefined ? undefined : [service.a.qkdnId, service.b.qkdnId]
}

type Side = "was" | "is"

function list(service: Service, ends: readonly string[] | undefined, side: Side): void {
  put(at[side], ends)
  for (const path of service.leaving) listPath(path, side)
  listPath(service.path, side)
  listPath(service.next, side)
  for (const { path, next } of service.beside ?? []) {
    listPath(path, side)
    listPath(next, side)
  }
  put(backupsOn[side], service.backup?.hops)
  put(backupsAt[side], service.backup?.nodes)
}

function listPath(path: KeyPath | undefined, side: Side): void {
  if (path === undefined) return
  put(at[side], path.nodes)
  put(awaiting[side], path.awaiting)
  put(heldAt[side], path.holding)
  if (path.phase !== "leaving") put(on[side], path.hops)
}

function put(lists: List[], one: List | undefined): void {
  if (one !== undefined && one.length > 0) lists.push(one)
}

/** Groups that it is in for something else than a list; without that of its pair where the other version is in it too. */
function singleGroups(service: Service | undefined, other: Service | undefined): string[] {
  if (service === undefined) return []
  const { state, terms, surplus } = service
  const found = [groups.servicesInState(state)]
  if (state !== "removing" && !isSamePair(service, other))
    found.push(groups.serviceOfPair(service.a.saeId, service.b.saeId))
  if (lacksBackup(service))
    found.push(service.noBackup === undefined ? groups.unprepared : groups.unbacked)
  const { maxRateBps = 0, minRateBps } = terms
  if (maxRateBps > minRateBps || surplus !== undefined) found.push(groups.elastic)
  for (const qkdnId of new Set(surplus?.awaiting)) found.push(groups.servicesLentAt(qkdnId))
  if (service.home !== undefined && service.next === undefined) found.push(groups.awayFromHome)
  return found
}

function isSamePair({ a, b }: Service, other: Service | undefined): boolean {
  if (other === undefined || other.state === "removing") return false
  return a.saeId === other.a.saeId && b.saeId === other.b.saeId
}

function lacksBackup({ terms, state, path, next, backup }: Service): boolean {
  if (terms.protection !== "restore" || backup !== undefined || state === "removing") return false
  return path !== undefined || next !== undefined
}
