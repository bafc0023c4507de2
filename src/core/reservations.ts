// Which key rate a service reserves on which links, and what of it changes when the service is written anew.

import type { Hop, KeyPath, Service } from "../model/service.js"
import { lanesOf } from "./memberships.js"

/**
 * What a service reserves, bits per second by link. A link that both the standing and the next path use is
 * reserved once, at the greater rate: the ends use one path of a lane at a time, and lanes have no link in common.
 */
export function reservationsOf(
  service: Partial<Pick<Service, "path" | "next" | "beside">>,
): Map<string, number> {
  const reserved = new Map<string, number>()
  for (const { path, next } of lanesOf(service)) {
    for (const one of [path, next]) {
      if (one === undefined) continue
      for (const hop of one.hops) {
        reserved.set(hop.qkdlId, Math.max(reserved.get(hop.qkdlId) ?? 0, one.rateBps))
      }
    }
  }
  return reserved
}

const NOTHING: ReadonlyMap<string, number> = new Map()

/** Calls `add` with what a service reserves more (or, negative, less) than before, by link. */
export function compareReservations(
  before: Service | undefined,
  after: Service | undefined,
  add: (qkdlId: string, bps: number) => void,
): void {
  const change = changedPath(before, after)
  if (change !== undefined) {
    if (change !== NO_CHANGE) addPath(change, add)
    return
  }
  const old = before === undefined ? NOTHING : reservationsOf(before)
  const now = after === undefined ? NOTHING : reservationsOf(after)
  for (const [qkdlId, bps] of old) if (bps > 0 && !now.has(qkdlId)) add(qkdlId, -bps)
  for (const [qkdlId, bps] of now) {
    const more = bps - (old.get(qkdlId) ?? 0)
    if (more !== 0) add(qkdlId, more)
  }
}

/** One path more or less of a service on one lane: what most changes come down to. */
interface PathChange {
  readonly path: Reserving
  readonly sign: 1 | -1
  /** The other path of the lane, which reserves as before. */
  readonly beside: Reserving | undefined
}

type Reserving = Pick<KeyPath, "hops" | "rateBps">

const NO_CHANGE: PathChange = { path: { hops: [], rateBps: 0 }, sign: 1, beside: undefined }

/** @returns undefined where more than one path changes, or there are more lanes. */
function changedPath(
  before: Service | undefined,
  after: Service | undefined,
): PathChange | undefined {
  if (before?.beside !== undefined || after?.beside !== undefined) return undefined
  const was = [before?.path, before?.next].filter((path) => path !== undefined)
  const is = [after?.path, after?.next].filter((path) => path !== undefined)
  const left = was.filter((path) => !is.some((other) => reservesTheSame(path, other)))
  const come = is.filter((path) => !was.some((other) => reservesTheSame(path, other)))
  if (left.length + come.length > 1) return undefined
  const [path] = left.length > 0 ? left : come
  if (path === undefined) return NO_CHANGE
  const all = left.length > 0 ? was : is
  return { path, sign: left.length > 0 ? -1 : 1, beside: all.find((other) => other !== path) }
}

/** The very same links, as copies of a service share them. */
function reservesTheSame(one: Reserving, other: Reserving): boolean {
  return one.hops === other.hops && one.rateBps === other.rateBps
}

function addPath(
  { path, sign, beside }: PathChange,
  add: (qkdlId: string, bps: number) => void,
): void {
  const { rateBps } = path
  const alone = beside === undefined || beside.rateBps === 0
  const shared = alone ? undefined : linksOf(beside.hops)
  for (const { qkdlId } of path.hops) {
    const more = shared?.has(qkdlId) === true ? rateBps - (beside?.rateBps ?? 0) : rateBps
    if (more > 0) add(qkdlId, sign * more)
  }
}

function linksOf(hops: readonly Hop[]): ReadonlySet<string> {
  return new Set(hops.map(({ qkdlId }) => qkdlId))
}
