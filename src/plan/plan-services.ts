// Plans which demands a network carries, and over which paths: in the order they come, or optimised. Greater priority
// first: a class is planned on what the classes above it leave.

import { admit } from "../engine/admit.js"
import { Columns } from "../engine/columns.js"
import type { Allocation, Capacity, Demand } from "../engine/demand.js"
import { FreeRate } from "../engine/free-rate.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import { ShortestPaths } from "../engine/shortest.js"
import { GAP, optimisedAllocation } from "../engine/optimised-allocation.js"
import type { ServiceDemand } from "./demand-file.js"
import { PathPlanner } from "./plan-paths.js"
import type { PlanNetwork } from "./plan-network.js"
import { type Progress, stageOf } from "./progress.js"

export interface ServicePlan {
  /** Of all demands together, bits per second. */
  readonly offeredBps: number
  readonly carriedBps: number
  /** No plan carries more (optimum of the linear program); absent above `BOUND_LIMITS`. */
  readonly boundBps?: number
  readonly admitted: readonly AdmittedService[]
  readonly refused: readonly { readonly id: string; readonly reason: string }[]
}

export interface AdmittedService {
  readonly id: string
  readonly paths: readonly { readonly nodes: readonly string[]; readonly rateBps: number }[]
}

/** Services in the order they were given. */
export interface PlacedServices {
  readonly demands: readonly Demand[]
  readonly allocation: Allocation
  /** What is left of the links. */
  readonly free: FreeRate
}

export interface ServicePlanOptions {
  /** In the order of the file, and nothing that was placed moves. */
  readonly online: boolean
  /** Several paths a demand. */
  readonly split: boolean
}

/** Beyond these the linear program is not solved: it would take minutes. */
export const BOUND_LIMITS = { demands: 5000, links: 2000 } as const

/** Part of a run that placing takes, roughly; the bound has the rest. */
const PLACING = 0.7

/** Whether the bound is computed, and plans are optimised by it. */
export function isBounded(network: PlanNetwork, demands: readonly unknown[]): boolean {
  return demands.length <= BOUND_LIMITS.demands && network.graph.linkCount <= BOUND_LIMITS.links
}

export class ServicePlanner {
  readonly #network: PlanNetwork
  readonly #searches: ShortestPaths
  readonly #make: MakeLinearProgram
  /** Answers what a service could have with nothing else on the network. */
  #alone: PathPlanner | undefined

  constructor(network: PlanNetwork, make: MakeLinearProgram) {
    this.#network = network
    this.#searches = new ShortestPaths(network.graph)
    this.#make = make
  }

  /** @param placed what `allocate` gave for the same, where the caller has it. */
  plan(
    services: readonly ServiceDemand[],
    options: ServicePlanOptions,
    placed: PlacedServices = this.allocate(services, options),
    progress: Progress = () => undefined,
  ): ServicePlan {
    const { demands, allocation, free } = placed
    const { rateBps, relays } = this.#network
    const carriedBps = carriedBy(allocation)
    const bound = isBounded(this.#network, services)
      ? this.#bound({ rateBps, passableNodes: relays }, demands, stageOf(progress, PLACING, 1))
      : undefined
    return {
      offeredBps: demands.reduce((sum, demand) => sum + demand.rateBps, 0),
      carriedBps,
      // A bound below what is carried could only be rounding.
      ...(bound === undefined ? {} : { boundBps: Math.max(carriedBps, bound) }),
      ...this.#told(services, demands, allocation, free),
    }
  }

  /** The same plan in numbers of the network, for tools that go on from it. */
  allocate(
    services: readonly ServiceDemand[],
    options: ServicePlanOptions,
    progress: Progress = () => undefined,
  ): PlacedServices {
    const { graph, rateBps, relays } = this.#network
    const capacity: Capacity = { rateBps, passableNodes: relays }
    const demands = services.map((service) => this.#demand(service))
    const free = new FreeRate(graph, capacity)
    const allocation =
      options.online || !isBounded(this.#network, services)
        ? this.#inOrder(free, services, demands, options, stageOf(progress, 0, PLACING))
        : this.#optimised(capacity, free, services, demands, options.split, progress)
    return { demands, allocation, free }
  }

  #demand({ from, to, rateBps, minRateBps }: ServiceDemand): Demand {
    const { nodeNumbers } = this.#network
    return {
      from: nodeNumbers.get(from) ?? -1,
      to: nodeNumbers.get(to) ?? -1,
      rateBps,
      minRateBps: minRateBps ?? rateBps,
    }
  }

  #inOrder(
    free: FreeRate,
    services: readonly ServiceDemand[],
    demands: readonly Demand[],
    { online, split }: ServicePlanOptions,
    told: (part: number) => void,
  ): Allocation {
    const order = demands.map((demand, number) => ({ demand, number }))
    const priority = (number: number): number => services[number]?.priority ?? 0
    if (!online)
      order.sort(
        (a, b) => priority(b.number) - priority(a.number) || b.demand.rateBps - a.demand.rateBps,
      )
    const allocation: Allocation[number][] = demands.map(() => [])
    for (const [done, { demand, number }] of order.entries()) {
      told(done / order.length)
      allocation[number] = admit(free, demand, { split, spare: online })
    }
    return allocation
  }

  #optimised(
    capacity: Capacity,
    free: FreeRate,
    services: readonly ServiceDemand[],
    demands: readonly Demand[],
    split: boolean,
    progress: Progress,
  ): Allocation {
    const classes = [...new Set(services.map(({ priority }) => priority ?? 0))]
    const allocation: Allocation[number][] = demands.map(() => [])
    let planned = 0
    for (const priority of classes.sort((a, b) => b - a)) {
      const numbers = [...demands.keys()].filter((n) => (services[n]?.priority ?? 0) === priority)
      const own = numbers.flatMap((number) => demands[number] ?? [])
      const left = { ...capacity, rateBps: free.free.slice() }
      const before = planned / demands.length
      planned += own.length
      const share = [before * PLACING, (planned / demands.length) * PLACING] as const
      const placed = this.#allocate(left, own, split, stageOf(progress, ...share))
      for (const [i, number] of numbers.entries()) allocation[number] = placed[i] ?? []
      for (const share of placed.flat()) free.take(share)
    }
    return allocation
  }

  #allocate(
    capacity: Capacity,
    demands: readonly Demand[],
    split: boolean,
    told: (part: number) => void,
  ): Allocation {
    const { graph } = this.#network
    const columns = new Columns(graph, this.#searches, capacity, demands, this.#make)
    const plan = (several: boolean): Allocation =>
      optimisedAllocation(new FreeRate(graph, capacity), columns, demands, several, told)
    try {
      const found = plan(split)
      // Where demands are few and great, the search over several paths may end below one over single ones.
      if (!split || carriedBy(found) >= columns.boundBps * (1 - GAP)) return found
      return bestOf([found, plan(false)])
    } finally {
      columns.close()
    }
  }

  /** Whatever the priorities: more than this the network cannot carry. */
  #bound(capacity: Capacity, demands: readonly Demand[], told: (part: number) => void): number {
    const { graph } = this.#network
    const columns = new Columns(graph, this.#searches, capacity, demands, this.#make)
    try {
      columns.solve(0, told)
      return columns.boundBps
    } finally {
      columns.close()
    }
  }

  #told(
    services: readonly ServiceDemand[],
    demands: readonly Demand[],
    allocation: Allocation,
    free: FreeRate,
  ): Pick<ServicePlan, "admitted" | "refused"> {
    const { graph, nodeNames } = this.#network
    const admitted: AdmittedService[] = []
    const refused: { id: string; reason: string }[] = []
    for (const [number, { id }] of services.entries()) {
      const demand = demands[number]
      const shares = allocation[number] ?? []
      if (demand === undefined) continue
      if (shares.length === 0) {
        refused.push({ id, reason: this.#reason(services[number], demand, free) })
        continue
      }
      const paths = shares.map(({ path, rateBps }) => ({
        nodes: graph.nodesOf(demand.from, path).map((node) => nodeNames[node] ?? ""),
        rateBps,
      }))
      admitted.push({ id, paths })
    }
    return { admitted, refused }
  }

  #reason(service: ServiceDemand | undefined, demand: Demand, free: FreeRate): string {
    if (service === undefined) return ""
    const { id, from, to } = service
    const minRateBps = demand.minRateBps
    this.#alone ??= new PathPlanner(this.#network)
    const empty = this.#alone.answer({ id, from, to, minRateBps })
    if (empty.reason !== undefined) return `${empty.reason}, with nothing else on the network`
    const best = free.widest(demand, demand.rateBps)
    const asked = Number(minRateBps.toPrecision(6))
    if (best === undefined) return `no path has any of the ${asked} bit/s free`
    if (best.rateBps >= minRateBps)
      return "its path would go over nearly full links and cost others more than it carries"
    const via = this.#network.graph
      .nodesOf(demand.from, best.path)
      .slice(1, -1)
      .map((node) => this.#network.nodeNames[node] ?? "")
    const way = via.length === 0 ? "directly" : `via ${via.join(", ")}`
    return `no path has ${asked} bit/s free: the most is ${Number(best.rateBps.toPrecision(6))} bit/s ${way}`
  }
}

function carriedBy(allocation: Allocation): number {
  return allocation.flat().reduce((sum, share) => sum + share.rateBps, 0)
}

function bestOf(allocations: readonly Allocation[]): Allocation {
  return allocations.reduce((best, one) => (carriedBy(one) > carriedBy(best) ? one : best))
}
