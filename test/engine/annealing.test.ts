// Plans on one path each by annealing: what they carry, counted from their paths alone, and against all plans there are.

import assert from "node:assert/strict"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { annealed } from "../../src/engine/annealing.js"
import { type CandidatePaths, candidatePaths } from "../../src/engine/candidate-paths.js"
import { Columns } from "../../src/engine/columns.js"
import type { Demand } from "../../src/engine/demand.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { Placement } from "../../src/engine/placement.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { Dice } from "../core/dice.js"
import { plannedAnew } from "./planned-anew.js"
import { drawnDemands, type RingNetwork, type RingOptions, ringNetwork } from "./ring-network.js"

interface Case {
  readonly network: RingNetwork
  readonly demands: readonly Demand[]
  readonly columns: Columns
  readonly candidates: CandidatePaths
}

const ENDLESS = Number.POSITIVE_INFINITY

describe("a plan by annealing", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  const drawn = (
    nodes: number,
    seed: number,
    count: number,
    leastBps: number,
    options: RingOptions = {},
  ): Case => {
    const network = ringNetwork(nodes, seed, options)
    const { graph, capacity } = network
    const demands = drawnDemands(network, count, leastBps).map((demand) => {
      const rateBps = Math.round(demand.rateBps)
      return { ...demand, rateBps, minRateBps: rateBps }
    })
    const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make)
    const solution = columns.solve()
    assert(solution !== undefined)
    const candidates = candidatePaths(columns, columns.pricesOf(solution).link)
    columns.close()
    return { network, demands, columns, candidates }
  }

  const planOf = ({ network, demands, columns, candidates }: Case, moves: number): Int32Array =>
    annealed(candidates, columns.pairs, demands, network.capacity.rateBps, {
      moves,
      enoughBps: ENDLESS,
    })

  const carriedBy = ({ demands }: Case, plan: Int32Array): number =>
    demands.reduce((sum, { rateBps }, number) => sum + ((plan[number] ?? -1) < 0 ? 0 : rateBps), 0)

  it("fills no link beyond its rate, and joins the ends of each demand over nodes that may relay", () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const one = drawn(24, seed, 120, 200, { deadShare: 0.1 })
      const { graph, capacity } = one.network
      const plan = planOf(one, 20_000)
      const load = new Float64Array(graph.linkCount)
      for (const [pair, { from, to, demands: numbers }] of one.columns.pairs.entries())
        for (const number of numbers) {
          const at = plan[number] ?? -1
          if (at < 0) continue
          const { first, paths } = one.candidates
          assert(at >= (first[pair] ?? 0) && at < (first[pair + 1] ?? 0), "a path of its own pair")
          const path = paths[at] ?? []
          const nodes = graph.nodesOf(from, path)
          assert.equal(nodes.at(-1), to)
          assert.equal(new Set(nodes).size, nodes.length, "no node twice")
          assert(nodes.slice(1, -1).every((node) => capacity.passableNodes[node] === 1))
          for (const link of path)
            load[link] = (load[link] ?? 0) + (one.demands[number]?.rateBps ?? 0)
        }
      for (const [link, bps] of load.entries())
        assert(bps <= (capacity.rateBps[link] ?? 0), `seed ${seed}, link ${link}`)
      assert(carriedBy(one, plan) > 0)
    }
  })

  it("carries as much as the best of all plans over the same paths, where all can be tried", () => {
    let refusing = 0
    for (let seed = 1; seed <= 40; seed += 1) {
      const one = drawn(7, seed, 7, 700)
      const best = bestOfAll(one)
      const found = carriedBy(one, planOf(one, 20_000))
      assert.equal(found, best, `seed ${seed}`)
      if (best < one.demands.reduce((sum, { rateBps }) => sum + rateBps, 0)) refusing += 1
    }
    assert(refusing >= 20, `${refusing} networks cannot carry all`)
  })

  it("is the same for the same question", () => {
    const one = drawn(30, 3, 200, 200)
    assert.deepEqual(planOf(one, 30_000), planOf(one, 30_000))
  })

  it("ends when enough is carried, and at once where all is", () => {
    const one = drawn(30, 3, 200, 200)
    const most = carriedBy(one, planOf(one, 30_000))
    const enoughBps = most * 0.8
    const { candidates, columns, demands, network } = one
    const told: number[] = []
    const plan = annealed(candidates, columns.pairs, demands, network.capacity.rateBps, {
      moves: 3_000_000,
      enoughBps,
      told: (part) => told.push(part),
    })
    assert(carriedBy(one, plan) >= enoughBps)
    assert((told.at(-1) ?? 1) < 0.1, `${told.at(-1)}`)
    const light = drawn(30, 3, 50, 1)
    assert.equal(
      carriedBy(light, planOf(light, 30_000)),
      light.demands.reduce((sum, { rateBps }) => sum + rateBps, 0),
    )
  })

  it("leaves out demands that are greater than any link, and those of nodes that nothing joins", () => {
    const one = drawn(12, 2, 30, 20_000)
    assert(planOf(one, 1000).every((path) => path === -1))
    const dark = drawn(12, 2, 30, 100, { deadShare: 1 })
    assert(planOf(dark, 1000).every((path) => path === -1))
  })

  it("is what a plan far from the bound becomes: great demands in overload", () => {
    // By search alone these came to 0.897, 0.880 and 0.907 of the bound; now to 0.918, 0.933 and 0.931.
    for (const [seed, atLeast] of [
      [1, 0.91],
      [3, 0.92],
      [4, 0.92],
    ] as const) {
      const question = { nodes: 60, seed, demands: 300, leastBps: 200, split: false }
      const { begun, pairs, carriedBps, boundBps, allocation, demands } = plannedAnew(
        make,
        question,
      )
      assert(pairs > 150)
      assert.deepEqual(begun, [], "no other optimum is tried")
      assert(carriedBps >= boundBps * atLeast, `seed ${seed}: ${carriedBps / boundBps}`)
      for (const [number, shares] of allocation.entries()) {
        assert(shares.length <= 1)
        for (const { rateBps } of shares) assert.equal(rateBps, demands[number]?.rateBps)
      }
    }
  })

  it("keeps count of what is free and who is on a link, through any order of comings and goings", () => {
    const dice = new Dice(5)
    const { network, demands, columns, candidates } = drawn(20, 5, 100, 100)
    const { rateBps } = network.capacity
    const placement = new Placement(candidates, columns.pairs, demands, rateBps)
    const all = placement.out.slice(0, placement.outCount)
    for (let event = 0; event < 5000; event += 1) {
      const demand = all[dice.below(all.length)] ?? 0
      const first = placement.first[demand] ?? 0
      if ((placement.at[demand] ?? -1) >= 0) placement.take(demand)
      else placement.put(demand, first + dice.below((placement.end[demand] ?? 0) - first))
      if (event % 50 === 0) recount(placement, candidates, rateBps, all)
    }
  })
})

/** From paths alone. */
function recount(
  placement: Placement,
  { paths }: CandidatePaths,
  linkRateBps: Float64Array,
  all: Int32Array,
): void {
  const users = Array.from(linkRateBps, (): number[] => [])
  const load = new Float64Array(linkRateBps.length)
  const out: number[] = []
  let carriedBps = 0
  for (const demand of all) {
    const path = paths[placement.at[demand] ?? -1]
    const bps = placement.rateBps[demand] ?? 0
    if (path === undefined) out.push(demand)
    else carriedBps += bps
    for (const link of path ?? []) {
      users[link]?.push(demand)
      load[link] = (load[link] ?? 0) + bps
    }
  }
  assert.deepEqual(
    [...placement.out.slice(0, placement.outCount)].sort(byNumber),
    out.sort(byNumber),
  )
  assert(Math.abs(placement.carriedBps - carriedBps) < 1e-3)
  for (const [link, numbers] of users.entries()) {
    const found = numbers.map((_, place) => placement.user(link, place))
    assert.equal(placement.usersOf(link), numbers.length)
    assert.deepEqual(found.sort(byNumber), numbers.sort(byNumber))
    const free = (linkRateBps[link] ?? 0) - (load[link] ?? 0)
    assert(Math.abs((placement.freeBps[link] ?? 0) - free) < 1e-6)
  }
}

function byNumber(a: number, b: number): number {
  return a - b
}

/** Every demand on each of its paths, or out: the most that fits. */
function bestOfAll({ network, demands, columns, candidates }: Case): number {
  const free = network.capacity.rateBps.slice()
  const { first, paths } = candidates
  const pairOf = new Map(
    columns.pairs.flatMap(({ demands: numbers }, pair) =>
      numbers.map((number) => [number, pair] as const),
    ),
  )
  const rest = demands.map((_, number) =>
    demands.slice(number).reduce((sum, { rateBps }) => sum + rateBps, 0),
  )
  let best = 0
  const place = (number: number, carriedBps: number): void => {
    best = Math.max(best, carriedBps)
    const demand = demands[number]
    if (demand === undefined || carriedBps + (rest[number] ?? 0) <= best) return
    const pair = pairOf.get(number) ?? 0
    for (const path of paths.slice(first[pair], first[pair + 1])) {
      if (path.some((link) => (free[link] ?? 0) < demand.rateBps)) continue
      for (const link of path) free[link] = (free[link] ?? 0) - demand.rateBps
      place(number + 1, carriedBps + demand.rateBps)
      for (const link of path) free[link] = (free[link] ?? 0) + demand.rateBps
    }
    place(number + 1, carriedBps)
  }
  place(0, 0)
  return best
}
