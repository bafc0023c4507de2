// The services of a running network as a question to a planner of moves, in arrays, for it crosses to another thread; and
// the way back from its numbers to links and paths. Services whose terms say more than a rate come with the few places
// where they may be, worked out a few at a time so that the loop goes on deciding.

import { setImmediate as turn } from "node:timers/promises"
import { promisableBps } from "../core/allocate.js"
import { laneCount, nextsOf, standingPaths } from "../core/lanes.js"
import type { MoveChoice } from "../core/move-choices.js"
import type { Settings } from "../core/settings.js"
import { GENERATING, isPresent, mayRelay, useOf } from "../core/usable.js"
import type { ReoptimiseTerms, StandingService } from "../engine/reoptimise.js"
import type { Network } from "../model/network.js"
import type { Service } from "../model/service.js"
import type { ControllerPort, InsightPort } from "./ports.js"

/** A question in arrays. */
export interface MoveQuestion {
  readonly nodeCount: number
  readonly linkA: readonly number[]
  readonly linkB: readonly number[]
  readonly rateBps: Float64Array
  readonly passableNodes: Uint8Array
  readonly fixedBps: Float64Array
  readonly services: readonly StandingService[]
  readonly terms: ReoptimiseTerms
}

export interface AskedMoves {
  readonly question: MoveQuestion
  /** By their numbers in the question. */
  readonly services: readonly Service[]
  readonly leftAlone: number
  /** The links of each path of a service, from the numbers that a plan has it on. */
  waysOf(service: number, links: readonly number[]): MoveChoice
  /** How many nodes these links join. */
  nodesOn(ways: MoveChoice): number
}

export type MoveSource = Pick<ControllerPort, "network"> &
  Pick<InsightPort, "reservedBps" | "backupBps" | "moveChoices">

/** Services whose places are worked out before the loop has its turn. */
const AT_ONCE = 20

export async function askFor(
  source: MoveSource,
  settings: Settings,
  terms: ReoptimiseTerms,
): Promise<AskedMoves> {
  const choices = await choicesOf(source)
  // As it is now: what was worked out for a service that has changed since is left.
  const network = source.network()
  const nodeNumbers = new Map([...network.nodes.keys()].map((id, number) => [id, number]))
  const links = [...network.links.values()]
  const linkNumbers = new Map(links.map(({ qkdlId }, number) => [qkdlId, number]))
  const numbersOf = (ways: MoveChoice): number[] =>
    ways.flat().map((qkdlId) => linkNumbers.get(qkdlId) ?? -1)
  const fixedBps = Float64Array.from(
    links,
    ({ qkdlId }) => source.reservedBps(qkdlId) + source.backupBps(qkdlId),
  )
  const all = [...network.services.values()]
  const services = all.filter(
    (service) => isMovable(network, service) && (!hasOwnPlaces(service) || choices.has(service)),
  )
  const ways = services.map(() => new Map<string, MoveChoice>())
  const standing = services.map((service, number): StandingService => {
    const { a, b, terms: wanted } = service
    const known = (way: MoveChoice): readonly number[] => {
      const numbers = numbersOf(way)
      ways[number]?.set(numbers.join(" "), way)
      return numbers
    }
    const places = choices.get(service)?.filter((way) => !numbersOf(way).includes(-1))
    const one: StandingService = {
      from: nodeNumbers.get(a.qkdnId) ?? -1,
      to: nodeNumbers.get(b.qkdnId) ?? -1,
      rateBps: wanted.minRateBps,
      priority: wanted.priority,
      ...(places !== undefined && { choices: places.map(known) }),
      // Not back to where it failed for the sake of a shorter path.
      ...(wanted.revertive === false && { onlyForOthers: true }),
    }
    const paths = standingPaths(service)
    if (paths.length === 0) return one
    const path = known(paths.map(({ hops }) => hops.map(({ qkdlId }) => qkdlId)))
    for (const link of path) fixedBps[link] = (fixedBps[link] ?? 0) - wanted.minRateBps
    return { ...one, path }
  })
  return {
    question: {
      nodeCount: nodeNumbers.size,
      linkA: links.map(({ a }) => nodeNumbers.get(a.qkdnId) ?? -1),
      linkB: links.map(({ b }) => nodeNumbers.get(b.qkdnId) ?? -1),
      rateBps: Float64Array.from(links, (link) =>
        useOf(link, settings) === GENERATING && link.hold?.held !== true
          ? promisableBps(link, settings)
          : 0,
      ),
      passableNodes: Uint8Array.from(network.nodes.values(), (node) =>
        isPresent(node) && mayRelay(node) ? 1 : 0,
      ),
      fixedBps,
      services: standing,
      terms,
    },
    services,
    leftAlone: all.length - services.length,
    waysOf: (service, path) =>
      ways[service]?.get(path.join(" ")) ?? [path.map((link) => links[link]?.qkdlId ?? "")],
    nodesOn: (paths) =>
      new Set(
        paths.flat().flatMap((qkdlId) => {
          const link = network.links.get(qkdlId)
          return link === undefined ? [] : [link.a.qkdnId, link.b.qkdnId]
        }),
      ).size,
  }
}

async function choicesOf(source: MoveSource): Promise<ReadonlyMap<Service, readonly MoveChoice[]>> {
  const network = source.network()
  const found = new Map<Service, readonly MoveChoice[]>()
  for (const service of network.services.values()) {
    if (!hasOwnPlaces(service) || !isMovable(network, service)) continue
    if (found.size % AT_ONCE === AT_ONCE - 1) await turn()
    found.set(service, source.moveChoices(service.serviceId))
  }
  return found
}

/** It stands or waits, and is not about to go anywhere by itself. */
function isMovable(network: Network, service: Service): boolean {
  const { a, b, state, terms, home } = service
  if (terms.minRateBps <= 0 || home !== undefined) return false
  if (nextsOf(service).length > 0) return false
  const ends = [a.qkdnId, b.qkdnId].map((id) => network.nodes.get(id))
  if (a.qkdnId === b.qkdnId || ends.some((node) => node === undefined || !isPresent(node)))
    return false
  const paths = standingPaths(service)
  if (paths.length === 0) return state === "failed"
  if (state !== "active" || paths.length !== laneCount(terms)) return false
  return paths.every(({ phase, rateBps }) => phase === "up" && rateBps === terms.minRateBps)
}

/** Its terms say more of where it may be than a rate does, or a node refused it. */
function hasOwnPlaces({ terms, avoiding = [] }: Service): boolean {
  if (avoiding.length > 0) return true
  const { avoidNodes, avoidLinks = [], requireNodes = [], protection } = terms
  if (avoidNodes.length + avoidLinks.length + requireNodes.length > 0) return true
  if (protection !== undefined || laneCount(terms) > 1) return true
  return terms.maxHops !== undefined || terms.maxEpsilon !== undefined
}
