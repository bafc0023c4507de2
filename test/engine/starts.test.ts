// Plans that are begun from several optima of one program (decision 0062), each of which could have been found first; and where such
// plans end far from the bound, by annealing instead (0083).

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { Columns } from "../../src/engine/columns.js"
import type { Demand } from "../../src/engine/demand.js"
import type { LinearSolution, MakeLinearProgram } from "../../src/engine/linear-program.js"
import { GAP } from "../../src/engine/optimised-allocation.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { type PlanQuestion, plannedAnew } from "./planned-anew.js"
import { drawnDemands, type RingNetwork, ringNetwork } from "./ring-network.js"

const SEEDS = [1, 2, 3, 4, 5, 6]
/** Demands of few pairs and great ones: no plan reaches the bound. */
const SHORT: PlanQuestion = { nodes: 30, seed: 1, demands: 100, leastBps: 300, split: false }
/** As many pairs, each a small part of a link: every one fits. */
const LIGHT: PlanQuestion = { ...SHORT, leastBps: 2 }

describe("another optimum of a plan's program", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  const eachProgram = (
    use: (columns: Columns, network: RingNetwork, demands: readonly Demand[]) => void,
  ): void => {
    for (const seed of SEEDS) {
      const network = ringNetwork(30, seed)
      const demands = drawnDemands(network, 120, 300)
      const { graph, capacity } = network
      const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make)
      use(columns, network, demands)
      columns.close()
    }
  }

  it("begun without guessed prices carries as much as one begun with them", () => {
    eachProgram((columns, _network, demands) => {
      const guessed = columns.columns.length
      const other = columns.unguessed()
      assert.deepEqual(other.pairs, columns.pairs)
      assert.equal(other.columns.length, columns.pairs.length, "it begins with a path for each")
      assert(guessed > columns.pairs.length, "which is not where the other begins")
      const carried = [columns, other].map((program) => program.solve()?.objective ?? 0)
      const [first = 0, second = 0] = carried
      assert(Math.abs(first - second) <= first * 1e-6, `${first}, ${second}`)
      assert(Math.abs(columns.boundBps - other.boundBps) <= first * 1e-6)
      assert(first < demands.reduce((sum, { rateBps }) => sum + rateBps, 0) * 0.95, "overloaded")
      other.close()
    })
  })

  it("over the same paths keeps every link's rate, and is near the best", () => {
    eachProgram((columns, { capacity }) => {
      const best = columns.solve()
      assert(best !== undefined)
      const paths = columns.columns.length
      for (const number of [1, 2, 3]) {
        const found = columns.elsewhere(number)
        assert(found !== undefined)
        assert.equal(columns.columns.length, paths)
        const load = new Float64Array(capacity.rateBps.length)
        for (const [place, { path }] of columns.columns.entries())
          for (const link of path) load[link] = (load[link] ?? 0) + (found.values[place] ?? 0)
        for (const [link, bps] of load.entries())
          assert(bps <= (capacity.rateBps[link] ?? 0) * (1 + 1e-9), `link ${link}`)
        const carriedBps = found.values.reduce((sum, bps) => sum + bps, 0)
        // Worths differ by 0.3 at most: so much may be lost to them, and no more.
        assert(carriedBps >= best.objective * 0.7, `${carriedBps / best.objective}`)
        assert(carriedBps <= best.objective * (1 + 1e-6))
      }
      const again = columns.solve()
      assert(again !== undefined)
      assert(Math.abs(again.objective - best.objective) <= best.objective * 1e-9, "as it was")
    })
  })

  it("is the same for the same number, and another for another one", () => {
    let differ = 0
    eachProgram((columns, { graph, capacity }, demands) => {
      const twin = new Columns(graph, new ShortestPaths(graph), capacity, demands, make)
      columns.solve()
      twin.solve()
      const found = [1, 2, 3].map((number) => {
        const one = columns.elsewhere(number)
        assert.deepEqual(one, twin.elsewhere(number))
        return valuesOf(one)
      })
      differ += new Set(found).size - 1
      twin.close()
    })
    assert(differ >= SEEDS.length, `${differ} others in ${SEEDS.length} programs`)
  })

  it("is tried while the plan is short of the bound, and not where all is carried", () => {
    for (const split of [false, true]) {
      const short = plannedAnew(make, { ...SHORT, split })
      assert(short.pairs <= 150)
      assert(short.carriedBps < short.boundBps * (1 - GAP), "there is something to look for")
      assert.equal(short.begun[0], "unguessed")
      assert(short.begun.includes("elsewhere 2"), short.begun.join())
      const light = plannedAnew(make, { ...LIGHT, split })
      assert.deepEqual([light.begun, light.carriedBps >= light.boundBps * (1 - GAP)], [[], true])
    }
  })

  it("of more than 150 pairs is one of the same program, of more than 1,000 none", () => {
    const some = plannedAnew(make, {
      ...SHORT,
      nodes: 40,
      demands: 300,
      leastBps: 150,
      leastPart: 0.999,
    })
    assert(some.pairs > 150 && some.pairs <= 1000)
    assert(some.begun.length > 0 && !some.begun.includes("unguessed"), some.begun.join())
    const many = plannedAnew(make, { ...SHORT, nodes: 60, demands: 2500, leastBps: 40 })
    assert(many.pairs > 1000)
    assert(many.carriedBps < many.boundBps * (1 - GAP), "there would be something to look for")
    assert.deepEqual(many.begun, [])
  })
})

describe("a plan on one path each", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  const far: PlanQuestion = { nodes: 60, seed: 1, demands: 300, leastBps: 200, split: false }

  it("is begun no more after a start that ends far below the best, where parts of a demand may do", () => {
    for (const seed of [1, 3, 4]) {
      const question = { ...far, seed, leastPart: 0.999 }
      const { begun, pairs, carriedBps, boundBps } = plannedAnew(make, question)
      assert(pairs > 150 && carriedBps < boundBps * 0.95, "four more would be allowed")
      assert.deepEqual(begun, ["elsewhere 1"])
    }
  })

  it("is begun on, however far, where pairs are few", () => {
    const { begun, pairs } = plannedAnew(make, SHORT)
    assert(pairs <= 150)
    assert.deepEqual(begun, ["unguessed", ...[2, 3, 4, 5, 6, 7].map((n) => `elsewhere ${n}`)])
  })
})

describe("a plan begun from several optima, or annealed", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  for (const [name, question, isBegunAgain] of [
    ["on one path each", SHORT, true],
    ["split", { ...SHORT, split: true }, true],
    ["annealed", { ...SHORT, nodes: 60, demands: 300, leastBps: 200 }, false],
  ] as const)
    it(`is the same each time, in any process, ${name}`, async () => {
      const { allocation, begun } = plannedAnew(make, question)
      assert.equal(begun.length > 0, isBegunAgain)
      assert.deepEqual(plannedAnew(make, question).allocation, allocation)
      const { nodes, seed, demands, leastBps, split } = question
      const { stdout } = await promisify(execFile)(
        process.execPath,
        [
          "--import",
          "tsx",
          fileURLToPath(new URL("print-plan.ts", import.meta.url)),
          ...[nodes, seed, demands, leastBps, split ? "split" : "whole"].map(String),
        ],
        { maxBuffer: 1 << 24, timeout: 110_000 },
      )
      assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(allocation)))
    })
})

function valuesOf(solution: LinearSolution | undefined): string {
  return solution === undefined ? "" : solution.values.map((bps) => Math.round(bps)).join()
}
