// What stands after a change of the network: nothing moves that need not, nobody waits beside room that is free, and greater
// priority goes first.

import assert from "node:assert/strict"
import fc from "fast-check"
import { admit } from "../../src/engine/admit.js"
import type { Allocation } from "../../src/engine/demand.js"
import { FreeRate } from "../../src/engine/free-rate.js"
import { keepStanding, type RankedDemand } from "../../src/engine/keep-standing.js"
import { PathGraph } from "../../src/engine/path-graph.js"

interface Case {
  readonly graph: PathGraph
  readonly before: Float64Array
  readonly after: Float64Array
  readonly demands: readonly RankedDemand[]
  readonly split: boolean
}

const NODES = 6

const cases = fc
  .array(
    fc.record({
      a: fc.nat(NODES - 1),
      step: fc.integer({ min: 1, max: NODES - 1 }),
      rate: fc.integer({ min: 0, max: 100 }),
      /** Fails, loses half, or stays. */
      left: fc.constantFrom(0, 0.5, 1, 1),
    }),
    { minLength: 4, maxLength: 14 },
  )
  .chain((links) =>
    fc.record({
      links: fc.constant(links),
      split: fc.boolean(),
      demands: fc.array(
        fc.record({
          from: fc.nat(NODES - 1),
          step: fc.integer({ min: 1, max: NODES - 1 }),
          rateBps: fc.integer({ min: 1, max: 80 }),
          part: fc.constantFrom(0, 0.4, 1),
          priority: fc.nat(2),
        }),
        { maxLength: 14 },
      ),
    }),
  )
  .map(({ links, demands, split }): Case => {
    const other = (node: number, step: number): number => (node + step) % NODES
    return {
      graph: new PathGraph(
        NODES,
        links.map(({ a }) => a),
        links.map(({ a, step }) => other(a, step)),
      ),
      before: Float64Array.from(links, ({ rate }) => rate),
      after: Float64Array.from(links, ({ rate, left }) => rate * left),
      demands: demands.map(({ from, step, rateBps, part, priority }) => ({
        from,
        to: other(from, step),
        rateBps,
        minRateBps: rateBps * part,
        priority,
      })),
      split,
    }
  })

function freeOf({ graph }: Case, rateBps: Float64Array): FreeRate {
  const capacity = { rateBps, passableNodes: new Uint8Array(NODES).fill(1) }
  return new FreeRate(graph, capacity)
}

function standing(one: Case): Allocation {
  const free = freeOf(one, one.before)
  return one.demands.map((demand) => admit(free, demand, { split: one.split, spare: false }))
}

function rateOf(allocation: Allocation, number: number): number {
  return (allocation[number] ?? []).reduce((sum, { rateBps }) => sum + rateBps, 0)
}

function loadOf(one: Case, allocation: Allocation): Float64Array {
  const load = new Float64Array(one.graph.linkCount)
  for (const { path, rateBps } of allocation.flat())
    for (const link of path) load[link] = (load[link] ?? 0) + rateBps
  return load
}

describe("services after a change of the network", () => {
  it("overload no link, keep their minimum and their ends", () => {
    fc.assert(
      fc.property(cases, fc.boolean(), (one, admitNew) => {
        const free = freeOf(one, one.after)
        const after = keepStanding(free, one.demands, standing(one), {
          split: one.split,
          admitNew,
        })
        for (const [link, load] of loadOf(one, after).entries()) {
          assert(load <= (one.after[link] ?? 0) + 1e-6, "a link carries more than it has")
          assert(Math.abs((one.after[link] ?? 0) - load - (free.free[link] ?? 0)) < 1e-6)
        }
        for (const [number, { from, to, rateBps, minRateBps }] of one.demands.entries()) {
          const held = rateOf(after, number)
          assert(held <= rateBps * (1 + 1e-9))
          if (held > 0) assert(held >= minRateBps * (1 - 1e-9), "below its minimum")
          if (!one.split) assert((after[number]?.length ?? 0) <= 1)
          for (const { path } of after[number] ?? [])
            assert.equal(one.graph.nodesOf(from, path).at(-1), to)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it("stay where they are when nothing failed", () => {
    fc.assert(
      fc.property(cases, (one) => {
        const before = standing(one)
        const after = keepStanding(freeOf(one, one.before), one.demands, before, {
          split: one.split,
          admitNew: false,
        })
        assert.deepEqual(after, before)
      }),
      { numRuns: 500 },
    )
  })

  it("are lost only when no path is left beside those of their priority and above", () => {
    let lost = 0
    fc.assert(
      fc.property(cases, (one) => {
        const before = standing(one)
        const after = keepStanding(freeOf(one, one.after), one.demands, before, {
          split: one.split,
          admitNew: false,
        })
        for (const [number, demand] of one.demands.entries()) {
          if (rateOf(before, number) === 0 || rateOf(after, number) > 0) continue
          lost += 1
          const free = freeOf(one, one.after)
          for (const [other, shares] of after.entries())
            if ((one.demands[other]?.priority ?? 0) >= demand.priority)
              for (const share of shares) free.take(share)
          const best = free.widest(demand, demand.rateBps)?.rateBps ?? 0
          assert(
            best === 0 || best < demand.minRateBps * (1 + 1e-9),
            "it is left out beside a path that would do",
          )
        }
      }),
      { numRuns: 2000 },
    )
    assert(lost > 100, `only ${lost} were lost: nothing was tried`)
  })

  it("of those on whole links only the lesser move, and only to make room", () => {
    let stayed = 0
    fc.assert(
      fc.property(cases, (one) => {
        const before = standing(one)
        const options = { split: one.split, admitNew: false }
        const after = keepStanding(freeOf(one, one.after), one.demands, before, options)
        const whole = (number: number): boolean =>
          (before[number] ?? []).every(({ path }) =>
            path.every((link) => one.after[link] === one.before[link]),
          )
        const greatest = Math.max(
          ...one.demands
            .filter((_, number) => rateOf(before, number) > 0 && !whole(number))
            .map(({ priority }) => priority),
        )
        for (const [number, { priority }] of one.demands.entries()) {
          if (!whole(number) || priority < greatest) continue
          stayed += 1
          assert.deepEqual(after[number], before[number])
        }
      }),
      { numRuns: 1000 },
    )
    assert(stayed > 100)
  })
})
