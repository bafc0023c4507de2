// The services that stand on a network, and what becomes of them when it changes: one rule for every tool that asks.

import type { Allocation } from "../engine/demand.js"
import { FreeRate } from "../engine/free-rate.js"
import { keepStanding, type RankedDemand } from "../engine/keep-standing.js"
import type { ServiceDemand } from "./demand-file.js"
import type { PlanNetwork } from "./plan-network.js"
import { reasonForLoss } from "./loss-reason.js"

/** Services, and by service what carries it; nothing where it is refused. */
export interface Standing {
  readonly services: readonly ServiceDemand[]
  readonly allocation: Allocation
}

export interface LostService {
  readonly id: string
  /** What it had, bits per second. */
  readonly rateBps: number
  readonly reason: string
}

export interface ReducedService {
  readonly id: string
  readonly beforeBps: number
  readonly afterBps: number
}

/** What a change does to services, by their ids. */
export interface Effects {
  readonly lost: readonly LostService[]
  /** On other paths at a lower rate than before, or on what is left of several paths. */
  readonly reduced: readonly ReducedService[]
  /** On other paths at the same rate. */
  readonly moved: readonly string[]
  readonly gained: readonly { readonly id: string; readonly rateBps: number }[]
  /** Of all services together afterwards. */
  readonly carriedBps: number
  readonly allocation: Allocation
}

export interface ChangeOptions {
  readonly split: boolean
  /** Whether services that were refused before are tried again. */
  readonly admitNew: boolean
}

/** @param changed numbers links and nodes as the standing does; a link that is gone has no rate. */
export function afterChange(
  changed: PlanNetwork,
  { services, allocation }: Standing,
  { split, admitNew }: ChangeOptions,
): Effects {
  const capacity = { rateBps: changed.rateBps, passableNodes: changed.relays }
  const free = new FreeRate(changed.graph, capacity)
  const demands = services.map((service) => rankedDemand(changed, service))
  const after = keepStanding(free, demands, allocation, { split, admitNew })
  const lost: LostService[] = []
  const reduced: ReducedService[] = []
  const moved: string[] = []
  const gained: { id: string; rateBps: number }[] = []
  for (const [number, service] of services.entries()) {
    const { id } = service
    const demand = demands[number]
    const beforeBps = rateOf(allocation, number)
    const afterBps = rateOf(after, number)
    if (demand === undefined || (beforeBps === 0 && afterBps === 0)) continue
    if (beforeBps === 0) gained.push({ id, rateBps: afterBps })
    else if (afterBps === 0)
      lost.push({ id, rateBps: beforeBps, reason: reasonForLoss(changed, free, service, demand) })
    else if (afterBps < beforeBps * (1 - 1e-9)) reduced.push({ id, beforeBps, afterBps })
    else if (wordsOf(allocation, number) !== wordsOf(after, number)) moved.push(id)
  }
  return { lost, reduced, moved, gained, carriedBps: carriedBy(after), allocation: after }
}

export function rankedDemand(network: PlanNetwork, service: ServiceDemand): RankedDemand {
  const { from, to, rateBps, minRateBps = rateBps, priority = 0 } = service
  const numberOf = (name: string): number => network.nodeNumbers.get(name) ?? -1
  return { from: numberOf(from), to: numberOf(to), rateBps, minRateBps, priority }
}

/** What a service has, bits per second. */
export function rateOf(allocation: Allocation, number: number): number {
  return (allocation[number] ?? []).reduce((sum, { rateBps }) => sum + rateBps, 0)
}

export function carriedBy(allocation: Allocation): number {
  return allocation.flat().reduce((sum, { rateBps }) => sum + rateBps, 0)
}

/** By link, what services take of it, bits per second. */
export function loadOf(network: PlanNetwork, allocation: Allocation): Float64Array {
  const load = new Float64Array(network.graph.linkCount)
  for (const { path, rateBps } of allocation.flat())
    for (const link of path) load[link] = (load[link] ?? 0) + rateBps
  return load
}

/** Where a service runs, as one text. */
function wordsOf(allocation: Allocation, number: number): string {
  const ways = (allocation[number] ?? []).map(({ path }) => path.join())
  return ways.sort().join(" ")
}
