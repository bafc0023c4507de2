// A network drawn by its seed, overloaded by drawn demands, and planned; with how often the plan was begun.

import { Columns } from "../../src/engine/columns.js"
import type { Allocation, Demand } from "../../src/engine/demand.js"
import { FreeRate } from "../../src/engine/free-rate.js"
import type { LinearSolution, MakeLinearProgram } from "../../src/engine/linear-program.js"
import { optimisedAllocation } from "../../src/engine/optimised-allocation.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { drawnDemands, ringNetwork } from "./ring-network.js"

export interface PlanQuestion {
  readonly nodes: number
  readonly seed: number
  readonly demands: number
  readonly leastBps: number
  readonly split: boolean
  /** Of its rate, what each must get at least; all of it where absent. */
  readonly leastPart?: number
}

export interface Planned {
  readonly allocation: Allocation
  readonly demands: readonly Demand[]
  readonly boundBps: number
  readonly carriedBps: number
  readonly pairs: number
  /** By name and number, in order, the optima that it was begun from beside the first. */
  readonly begun: readonly string[]
}

export function plannedAnew(make: MakeLinearProgram, question: PlanQuestion): Planned {
  const network = ringNetwork(question.nodes, question.seed)
  const { graph, capacity } = network
  const { leastPart = 1 } = question
  const demands = drawnDemands(network, question.demands, question.leastBps).map((demand) => ({
    ...demand,
    minRateBps: demand.rateBps * leastPart,
  }))
  const begun: string[] = []
  class Counted extends Columns {
    override readonly unguessed = (): Columns => {
      begun.push("unguessed")
      return new Counted(graph, new ShortestPaths(graph), capacity, demands, make, 0)
    }

    override elsewhere(number: number): LinearSolution | undefined {
      begun.push(`elsewhere ${number}`)
      return super.elsewhere(number)
    }
  }
  const columns = new Counted(graph, new ShortestPaths(graph), capacity, demands, make)
  const free = new FreeRate(graph, capacity)
  try {
    const allocation = optimisedAllocation(free, columns, demands, question.split)
    const shares = allocation.flat()
    const carriedBps = shares.reduce((sum, { rateBps }) => sum + rateBps, 0)
    const { boundBps, pairs } = columns
    return { allocation, demands, boundBps, carriedBps, pairs: pairs.length, begun }
  } finally {
    columns.close()
  }
}
