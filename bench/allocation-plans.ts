// Demands at a load that the bound is a given part of, and plans of them, checked against the links. For the benches of allocation.

import { Columns } from "../src/engine/columns.js"
import type { Allocation, Demand } from "../src/engine/demand.js"
import { FreeRate } from "../src/engine/free-rate.js"
import type { MakeLinearProgram } from "../src/engine/linear-program.js"
import { optimisedAllocation } from "../src/engine/optimised-allocation.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { drawDemands, type TestNetwork } from "./allocation-cases.js"

/** Loads by what the bound is of the offer. */
export const LOADS = { light: 0.99, full: 0.92, over: 0.8 } as const
export type Load = keyof typeof LOADS

export function boundOf(
  make: MakeLinearProgram,
  network: TestNetwork,
  demands: readonly Demand[],
): number {
  const { graph, capacity } = network
  const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make)
  columns.solve()
  const { boundBps } = columns
  columns.close()
  return boundBps
}

/** Demands scaled until the bound is this part of the offer. */
export function atLoad(
  make: MakeLinearProgram,
  network: TestNetwork,
  count: number,
  part: number,
  seed: number,
): Demand[] {
  let low = 0.02
  let high = 4
  for (let i = 0; i < 9; i += 1) {
    const middle = Math.sqrt(low * high)
    const demands = drawDemands(network, count, middle, seed)
    if (boundOf(make, network, demands) >= part * offerOf(demands)) low = middle
    else high = middle
  }
  return drawDemands(network, count, low, seed)
}

export function offerOf(demands: readonly Demand[]): number {
  return demands.reduce((sum, { rateBps }) => sum + rateBps, 0)
}

/** Bits per second carried. @throws Error where a link carries more than it has, or a demand less than its minimum. */
export function checked(
  { graph, capacity }: TestNetwork,
  demands: readonly Demand[],
  allocation: Allocation,
): number {
  const load = new Float64Array(graph.linkCount)
  let carriedBps = 0
  for (const [number, shares] of allocation.entries()) {
    const sum = shares.reduce((total, { rateBps }) => total + rateBps, 0)
    const { minRateBps = 0, rateBps: most = 0 } = demands[number] ?? {}
    if (shares.length > 0 && sum < minRateBps * (1 - 1e-6)) throw new Error("below the minimum")
    if (sum > most * (1 + 1e-6)) throw new Error("above what is wanted")
    carriedBps += sum
    for (const { path, rateBps } of shares)
      for (const link of path) load[link] = (load[link] ?? 0) + rateBps
  }
  for (const [link, rateBps] of load.entries())
    if (rateBps > (capacity.rateBps[link] ?? 0) * (1 + 1e-9)) throw new Error("a link is over")
  return carriedBps
}

export function optimised(
  make: MakeLinearProgram,
  { graph, capacity }: TestNetwork,
  demands: readonly Demand[],
  split: boolean,
): Allocation {
  const searches = new ShortestPaths(graph)
  const columns = new Columns(graph, searches, capacity, demands, make)
  const found = optimisedAllocation(new FreeRate(graph, capacity), columns, demands, split)
  columns.close()
  return found
}
