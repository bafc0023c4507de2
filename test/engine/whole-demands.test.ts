// Which demands are carried whole, over several paths: by dives of the linear program.

import assert from "node:assert/strict"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { Columns } from "../../src/engine/columns.js"
import type { Allocation, Demand } from "../../src/engine/demand.js"
import { FreeRate } from "../../src/engine/free-rate.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { optimisedAllocation } from "../../src/engine/optimised-allocation.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { wholeDemands } from "../../src/engine/whole-demands.js"
import { drawnDemands, type RingNetwork, ringNetwork } from "./ring-network.js"

describe("demands that are carried whole over several paths", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  const columnsOf = ({ graph, capacity }: RingNetwork, demands: readonly Demand[]): Columns =>
    new Columns(graph, new ShortestPaths(graph), capacity, demands, make)

  it("are together what the program carries of their pair, which it can carry", () => {
    const network = ringNetwork(40, 5)
    const demands = drawnDemands(network, 250, 150)
    const columns = columnsOf(network, demands)
    const solution = columns.solve()
    assert(solution !== undefined)
    const whole = wholeDemands(columns, demands, solution)
    const carried = columns.carriedOf(whole.solution)
    let chosenBps = 0
    for (const [pair, numbers] of whole.chosen.entries()) {
      const sum = numbers.reduce((all, number) => all + (demands[number]?.rateBps ?? 0), 0)
      assert(sum <= (carried[pair] ?? 0) * (1 + 1e-5) + 1e-3, `pair ${pair}`)
      assert(numbers.every((number) => columns.pairs[pair]?.demands.includes(number)))
      chosenBps += sum
    }
    assert(chosenBps >= solution.objective * 0.95, `${chosenBps / solution.objective}`)
    const after = columns.solve()
    assert(after !== undefined)
    assert(after.objective >= solution.objective * (1 - 1e-9), "its bounds are as they were")
    columns.close()
  })

  it("are none, and the search for them ends, where no link has any rate or nobody asks for any", () => {
    const { graph, capacity } = ringNetwork(12, 1)
    const dark = { ...capacity, rateBps: new Float64Array(graph.linkCount) }
    const demand = { from: 0, to: 5, minRateBps: 0, rateBps: 100 }
    for (const [rates, rateBps] of [
      [dark, 100],
      [capacity, 0],
    ] as const) {
      const demands = [{ ...demand, rateBps }]
      const columns = new Columns(graph, new ShortestPaths(graph), rates, demands, make)
      const found = optimisedAllocation(new FreeRate(graph, rates), columns, demands, true)
      columns.close()
      assert.deepEqual([columns.boundBps, found], [0, [[]]])
    }
  })

  for (const seed of [1, 2, 3])
    it(`are whole or not at all, fill no link beyond its rate, and come near the bound in overload (seed ${seed})`, () => {
      const network = ringNetwork(40, seed)
      const demands = drawnDemands(network, 600, 60)
      const columns = columnsOf(network, demands)
      const free = new FreeRate(network.graph, network.capacity)
      const allocation: Allocation = optimisedAllocation(free, columns, demands, true)
      const load = new Float64Array(network.graph.linkCount)
      let carriedBps = 0
      for (const [number, shares] of allocation.entries()) {
        const rateBps = shares.reduce((sum, share) => sum + share.rateBps, 0)
        const { rateBps: asked = 0 } = demands[number] ?? {}
        assert(shares.length === 0 || Math.abs(rateBps - asked) <= asked * 1e-9)
        carriedBps += rateBps
        for (const { path, rateBps: part } of shares)
          for (const link of path) load[link] = (load[link] ?? 0) + part
      }
      for (const [link, bps] of load.entries())
        assert(bps <= (network.capacity.rateBps[link] ?? 0) * (1 + 1e-9), `link ${link}`)
      const offeredBps = demands.reduce((sum, { rateBps }) => sum + rateBps, 0)
      assert(columns.boundBps < offeredBps * 0.9, `${columns.boundBps / offeredBps}`)
      assert(carriedBps >= columns.boundBps * 0.985, `${carriedBps / columns.boundBps}`)
      columns.close()
    })
})
