// The several paths of one service: how many its terms want, and one of them taken out, changed and put back. A service
// on one path has one lane. Decides nothing.

import type { KeyPath, Lane, Service, ServiceTerms } from "../model/service.js"
import { lanesOf } from "./memberships.js"

/** Paths that the service is to stand on at once. */
export function laneCount({ protection, trustTolerance = 0 }: ServiceTerms): number {
  return protection === "1+1" ? 2 : trustTolerance + 1
}

/** Whether every key needs a share over each path (else one path is enough for a key). */
export function needsAll({ trustTolerance = 0 }: ServiceTerms): boolean {
  return trustTolerance > 0
}

export function isOnSeveral(service: Pick<Service, "terms" | "beside">): boolean {
  return service.beside !== undefined || laneCount(service.terms) > 1
}

/** The service with this lane in place of the one it has. */
export function withLane(service: Service, place: number, lane: Lane): Service {
  if (place === 0) {
    const { path: _path, next: _next, ...rest } = service
    return { ...rest, ...clean(lane) }
  }
  const { beside = [], ...rest } = service
  const lanes = Array.from({ length: Math.max(beside.length, place) }, (_, n) =>
    n === place - 1 ? clean(lane) : (beside[n] ?? {}),
  )
  const used = lanes.some(({ path, next }) => path !== undefined || next !== undefined)
  return used ? { ...rest, beside: lanes } : rest
}

function clean({ path, next }: Lane): Lane {
  return { ...(path === undefined ? {} : { path }), ...(next === undefined ? {} : { next }) }
}

/** Paths being set up. */
export function nextsOf(service: Service | undefined): KeyPath[] {
  if (service === undefined) return []
  return lanesOf(service).flatMap(({ next }) => next ?? [])
}

/** Paths that the ends use. */
export function standingPaths(service: Service): KeyPath[] {
  return lanesOf(service).flatMap(({ path }) => path ?? [])
}

/** The first lane is one that stands, if any does. */
export function inOrder(service: Service): Service {
  if (service.path !== undefined) return service
  const place = lanesOf(service).findIndex(({ path }) => path !== undefined)
  const lane = place < 0 ? undefined : lanesOf(service)[place]
  if (lane === undefined) return service
  const { next } = service
  return withLane(withLane(service, 0, lane), place, next === undefined ? {} : { next })
}
