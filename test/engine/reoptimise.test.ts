// Plans of moves: every state on the way fits, nobody loses, each move is worth it, and there are not too many.

import assert from "node:assert/strict"
import fc from "fast-check"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import type { LinkPath } from "../../src/engine/path-question.js"
import {
  type MovePlan,
  planMoves,
  type ReoptimiseQuestion,
  type StandingService,
} from "../../src/engine/reoptimise.js"
import { ShortestPaths } from "../../src/engine/shortest.js"

const NODES = 7

/** Services that came one after the other, each by a path that had room then, some of whose links carry fixed load. */
const questions = fc
  .record({
    chords: fc.array(
      fc.record({ a: fc.nat(NODES - 1), step: fc.integer({ min: 1, max: NODES - 1 }) }),
      { minLength: 1, maxLength: 7 },
    ),
    rates: fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 14, maxLength: 14 }),
    fixed: fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 14, maxLength: 14 }),
    services: fc.array(
      fc.record({
        from: fc.nat(NODES - 1),
        step: fc.integer({ min: 1, max: NODES - 1 }),
        rateBps: fc.integer({ min: 1, max: 60 }),
        priority: fc.nat(2),
        cost: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 14, maxLength: 14 }),
      }),
      { maxLength: 16 },
    ),
  })
  .map(({ chords, rates, fixed, services }): ReoptimiseQuestion => {
    const ringA = Array.from({ length: NODES }, (_, node) => node)
    const graph = new PathGraph(
      NODES,
      [...ringA, ...chords.map(({ a }) => a)],
      [...ringA.map((a) => (a + 1) % NODES), ...chords.map(({ a, step }) => (a + step) % NODES)],
    )
    const rateBps = Float64Array.from(
      ringA.concat(chords.map(({ a }) => a)),
      (_, link) => rates[link] ?? 0,
    )
    const fixedBps = rateBps.map((bps, link) => Math.min(bps, fixed[link] ?? 0))
    const passableNodes = new Uint8Array(NODES).fill(1)
    const free = rateBps.map((bps, link) => bps - (fixedBps[link] ?? 0))
    const searches = new ShortestPaths(graph)
    const standing = services.map(
      ({ from, step, rateBps: asked, priority, cost }): StandingService => {
        const to = (from + step) % NODES
        const path = searches.find({
          from,
          to,
          // Some like ways that are good for nobody.
          cost: Float64Array.from(cost),
          usableLinks: Uint8Array.from(free, (bps) => (bps >= asked ? 1 : 0)),
          passableNodes,
        })
        for (const link of path ?? []) free[link] = (free[link] ?? 0) - asked
        const service = { from, to, rateBps: asked, priority }
        return path === undefined ? service : { ...service, path }
      },
    )
    return { graph, capacity: { rateBps, passableNodes }, fixedBps, services: standing }
  })

/** Takes the steps one by one. @returns where everybody is in the end. */
function walk(
  { graph, capacity, fixedBps, services }: ReoptimiseQuestion,
  plan: MovePlan,
): (LinkPath | undefined)[] {
  const paths = services.map(({ path }) => path)
  const load = fixedBps.slice()
  const add = (links: readonly number[], bps: number): void => {
    for (const link of links) load[link] = (load[link] ?? 0) + bps
  }
  for (const [number, path] of paths.entries()) add(path ?? [], services[number]?.rateBps ?? 0)
  for (const { service, from, to } of plan.steps) {
    const { rateBps = 0, from: a = -1, to: b = -1 } = services[service] ?? {}
    assert.deepEqual(from, paths[service], "it moves from where it is not")
    const nodes = graph.nodesOf(a, to)
    assert.equal(nodes.at(-1), b)
    assert.equal(new Set(nodes).size, nodes.length)
    add(
      to.filter((link) => from?.includes(link) !== true),
      rateBps,
    )
    for (const [link, bps] of load.entries())
      assert(bps <= (capacity.rateBps[link] ?? 0), "old and new path do not fit together")
    add(
      (from ?? []).filter((link) => !to.includes(link)),
      -rateBps,
    )
    paths[service] = to
  }
  return paths
}

describe("moves of services that stand", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  const planned = (question: ReoptimiseQuestion, maxMoves: number, moveCost = 0.25): MovePlan =>
    planMoves(question, new ShortestPaths(question.graph), make, { maxMoves, moveCost })

  it("fit in every state on the way, take nothing from anybody, and are as few as ordered", () => {
    let moved = 0
    let cameIn = 0
    fc.assert(
      fc.property(questions, fc.nat(6), (question, maxMoves) => {
        const plan = planned(question, maxMoves)
        const paths = walk(question, plan)
        for (const [number, { path }] of question.services.entries())
          assert(path === undefined || paths[number] !== undefined, "one who stood is out")
        const carried = question.services.reduce(
          (sum, { rateBps }, number) => sum + (paths[number] === undefined ? 0 : rateBps),
          0,
        )
        assert.equal(plan.carriedBps.after, carried)
        assert(carried >= plan.carriedBps.before && carried <= plan.boundBps * (1 + 1e-9))
        const moves = plan.steps.filter(({ from }) => from !== undefined)
        assert(moves.length <= maxMoves)
        moved += moves.length
        cameIn += plan.steps.length - moves.length
      }),
      { numRuns: 400 },
    )
    assert(moved > 15 && cameIn > 3, `${moved} moved, ${cameIn} came in: nothing was tried`)
  })

  it("pay: what comes in is worth what moves for it, and else links are spared", () => {
    fc.assert(
      fc.property(questions, fc.constantFrom(0.25, 1, 2), (question, moveCost) => {
        const plan = planned(question, 10, moveCost)
        const groups = new Map<number, typeof plan.steps>()
        for (const step of plan.steps)
          groups.set(step.group, [...(groups.get(step.group) ?? []), step])
        for (const steps of groups.values()) {
          const rate = ({ service }: { service: number }): number =>
            question.services[service]?.rateBps ?? 0
          const last = steps.at(-1)
          const moves = steps.filter(({ from }) => from !== undefined)
          const movedBps = moves.reduce((sum, step) => sum + rate(step), 0)
          if (last?.from === undefined)
            assert((last === undefined ? 0 : rate(last)) >= moveCost * movedBps)
          else {
            assert.equal(steps.length, 1)
            assert(last.from.length - last.to.length >= Math.max(1, moveCost))
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  it("make room for one that waits, by a service that can go another way", () => {
    // A square 0-1-2-3, where 0-1 has room for one: who goes round over 3 and 2 lets in who cannot.
    const graph = new PathGraph(4, [0, 1, 2, 3, 1], [1, 2, 3, 0, 3])
    const capacity = {
      rateBps: Float64Array.from([50, 50, 50, 50, 50]),
      passableNodes: Uint8Array.from([1, 1, 0, 1]),
    }
    const plan = planMoves(
      {
        graph,
        capacity,
        fixedBps: Float64Array.from([0, 0, 50, 0, 0]),
        services: [
          { from: 0, to: 1, rateBps: 30, priority: 0, path: [0] },
          { from: 0, to: 1, rateBps: 30, priority: 0, path: [3, 4] },
          { from: 3, to: 1, rateBps: 30, priority: 0 },
        ],
      },
      new ShortestPaths(graph),
      make,
    )
    // 0-1 has 20 left: nobody can come to it, and nothing is gained by moving.
    assert.deepEqual(plan.steps, [])
    const wider = planMoves(
      {
        graph,
        capacity: { ...capacity, rateBps: Float64Array.from([60, 50, 50, 50, 50]) },
        fixedBps: Float64Array.from([0, 0, 50, 0, 0]),
        services: [
          { from: 0, to: 1, rateBps: 30, priority: 0, path: [0] },
          { from: 0, to: 1, rateBps: 30, priority: 0, path: [3, 4] },
          { from: 3, to: 1, rateBps: 30, priority: 0 },
        ],
      },
      new ShortestPaths(graph),
      make,
    )
    assert.deepEqual(wider.steps, [
      { service: 1, from: [3, 4], to: [0], group: 1 },
      { service: 2, to: [4], group: 1 },
    ])
    assert.deepEqual(wider.carriedBps, { before: 60, after: 90 })
  })

  it("come to rest: done again and again, there is soon nothing left to move", () => {
    fc.assert(
      fc.property(questions, (first) => {
        let question = first
        for (let round = 0; round < 10; round += 1) {
          const plan = planned(question, 5)
          if (plan.steps.length === 0) return
          const paths = walk(question, plan)
          const services = question.services.map(({ path: _, ...service }, number) => {
            const path = paths[number]
            return path === undefined ? service : { ...service, path }
          })
          question = { ...question, services }
        }
        assert.fail("it still moves after ten rounds")
      }),
      { numRuns: 100 },
    )
  })

  it("take services with choices to those alone, several paths of one together", () => {
    // Between 0 and 2: over 1, over 3, over 4, one that waits between 0 and 1.
    const graph = new PathGraph(5, [0, 1, 0, 3, 0, 4], [1, 2, 3, 2, 4, 2])
    const question = (choices: LinkPath[], more: Partial<StandingService> = {}): MovePlan =>
      planned(
        {
          graph,
          capacity: {
            rateBps: new Float64Array(6).fill(50),
            passableNodes: new Uint8Array(5).fill(1),
          },
          fixedBps: new Float64Array(6),
          services: [
            { from: 0, to: 2, rateBps: 30, priority: 0, path: [0, 1, 2, 3], choices, ...more },
            { from: 0, to: 1, rateBps: 30, priority: 0, choices: [[0]] },
          ],
        },
        20,
      )
    assert.deepEqual(question([]).steps, [], "nowhere else to be")
    assert.deepEqual(question([[0, 1, 4, 5]]).steps, [], "still on 0-1")
    const pair = [2, 3, 4, 5]
    const both = [
      { service: 0, from: [0, 1, 2, 3], to: pair, group: 1 },
      { service: 1, to: [0], group: 1 },
    ]
    assert.deepEqual(question([[0, 1, 4, 5], pair]).steps, both)
    assert.deepEqual(question([pair], { onlyForOthers: true }).steps, both)
  })

  it("spare links only for those that mind no move", () => {
    const graph = new PathGraph(3, [0, 1, 0], [1, 2, 2])
    const plan = (more: Partial<StandingService>): MovePlan =>
      planned(
        {
          graph,
          capacity: {
            rateBps: new Float64Array(3).fill(50),
            passableNodes: new Uint8Array(3).fill(1),
          },
          fixedBps: new Float64Array(3),
          services: [{ from: 0, to: 2, rateBps: 30, priority: 0, path: [0, 1], ...more }],
        },
        20,
      )
    const step = { service: 0, from: [0, 1], to: [2], group: 1 }
    assert.deepEqual(plan({}).steps, [step])
    assert.deepEqual(plan({ choices: [[0, 1], [2]] }).steps, [step])
    assert.deepEqual(plan({ choices: [[0, 1]] }).steps, [])
    assert.deepEqual(plan({ onlyForOthers: true }).steps, [])
  })
})
