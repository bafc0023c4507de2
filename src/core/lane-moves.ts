// A service on several paths moves to others, all of them given: those that differ are set up beside the standing ones and
// reach the ends together. In no state on the way has it less than it had: a new path keeps clear of every standing one
// but the one whose place it takes.

import type { KeyPath, Service } from "../model/service.js"
import type { Reply } from "./event.js"
import { givenPath, type Refusal, refused, unfit } from "./given-path.js"
import { isOnSeveral, laneCount, needsAll, nextsOf } from "./lanes.js"
import { lanesOf } from "./memberships.js"
import type { FoundPath } from "./path.js"
import { beginLanes, relaysOf, sameLinks } from "./phases.js"
import type { Turn } from "./turn.js"

export function lanesDeployed(
  turn: Turn,
  serviceId: string,
  ways: readonly (readonly string[])[],
): Reply {
  const service = turn.draft.service(serviceId)
  if (service === undefined) return refused("data-missing", `there is no service ${serviceId}`)
  const count = isOnSeveral(service) ? laneCount(service.terms) : 1
  if (ways.length !== count) {
    const message = `service ${serviceId} is to stand on ${count} paths, not on ${ways.length}`
    return refused("invalid-value", message, "/besideQkdlIds")
  }
  if (service.state === "removing" || nextsOf(service).length > 0)
    return refused("in-use", `service ${serviceId} is on the move`)
  const found: FoundPath[] = []
  for (const [place, way] of ways.entries()) {
    const member = place === 0 ? "/qkdlIds" : `/besideQkdlIds/${place - 1}`
    const path = givenPath(turn, service, way, member)
    if ("tag" in path) return path
    const fault = unfit(turn, service, path, member)
    if (fault !== undefined) return fault
    found.push(path)
  }
  const begun = laneMoves(service, found)
  if (typeof begun === "string") return crossing(begun)
  if (begun.size > 0) {
    beginLanes(turn, service, begun)
    const type = service.path === undefined ? "service.pending" : "service.moving"
    turn.notify("service", type, serviceId, "to a better place")
  }
  return { ok: true, id: serviceId }
}

function crossing(message: string): Refusal {
  return { ...refused("resource-denied", message, "/qkdlIds"), appTag: "no-path" }
}

/** What it must not have in common with other paths of the service: links, and relay nodes where it has none now. */
type Places = Pick<KeyPath, "hops" | "nodes">

function meet(one: Places, other: Places, relays: boolean): boolean {
  const links = new Set(other.hops.map(({ qkdlId }) => qkdlId))
  if (one.hops.some(({ qkdlId }) => links.has(qkdlId))) return true
  const inside = other.nodes.slice(1, -1)
  return relays && one.nodes.slice(1, -1).some((qkdnId) => inside.includes(qkdnId))
}

/** Whether the paths that the service stands on, or is to, must have no relay node in common. */
export function keepsRelaysApart(service: Service): boolean {
  if (needsAll(service.terms)) return true
  const relays = lanesOf(service).flatMap(({ path }) => (path === undefined ? [] : relaysOf(path)))
  return relays.length > 0 && new Set(relays).size === relays.length
}

/** Which path goes to which lane, those left out that stand where they are to be; or why it cannot be so. */
export function laneMoves(
  service: Service,
  found: readonly FoundPath[],
): ReadonlyMap<number, FoundPath> | string {
  const relays = keepsRelaysApart(service)
  for (const [n, one] of found.entries())
    if (found.slice(n + 1).some((other) => meet(one, other, relays)))
      return "its paths would have a place in common"
  const lanes = lanesOf(service)
  const places = Array.from({ length: Math.max(found.length, lanes.length) }, (_, place) => place)
  const open = new Set(
    places.filter((place) => {
      const path = lanes[place]?.path
      return path === undefined || !found.some(({ hops }) => sameLinks(hops, path.hops))
    }),
  )
  const moves = new Map<number, FoundPath>()
  const anywhere: FoundPath[] = []
  for (const one of found) {
    if (lanes.some(({ path }) => path !== undefined && sameLinks(path.hops, one.hops))) continue
    const met = places.filter((place) => {
      const path = lanes[place]?.path
      return path !== undefined && meet(one, path, relays)
    })
    const [place] = met
    if (place === undefined) {
      anywhere.push(one)
      continue
    }
    if (met.length > 1 || !open.has(place) || moves.has(place))
      return "a new path would meet a standing one whose place it does not take"
    moves.set(place, one)
  }
  for (const place of [...open].filter((one) => !moves.has(one))) {
    const one = anywhere.shift()
    if (one !== undefined) moves.set(place, one)
  }
  return moves
}
