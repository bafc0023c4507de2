// Which link lets a network carry the most: held against trying every candidate with a plain linear program.

import assert from "node:assert/strict"
import fc from "fast-check"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { Columns } from "../../src/engine/columns.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { gainBounds } from "../../src/engine/link-worth.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { topologyFromJson } from "../../src/model/topology.js"
import { candidatesByRule, readCandidates } from "../../src/plan/candidates.js"
import { grow } from "../../src/plan/grow.js"
import { planNetwork } from "../../src/plan/plan-network.js"
import { nodeArcOptimum, type PlainDemand, type PlainLink } from "../engine/node-arc.js"

const NODES = 6

const link = fc
  .record({
    a: fc.nat(NODES - 1),
    step: fc.integer({ min: 1, max: NODES - 1 }),
    rateBps: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ a, step, rateBps }): PlainLink => ({ a, b: (a + step) % NODES, rateBps }))

const demand = fc
  .record({
    from: fc.nat(NODES - 1),
    step: fc.integer({ min: 1, max: NODES - 1 }),
    rateBps: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ from, step, rateBps }): PlainDemand => ({ from, to: (from + step) % NODES, rateBps }))

const cases = fc.record({
  links: fc.array(link, { minLength: 3, maxLength: 8 }),
  demands: fc.array(demand, { minLength: 1, maxLength: 6 }),
  proposals: fc.array(link, { minLength: 1, maxLength: 5 }),
  idle: fc.option(fc.nat(NODES - 1)),
})

const noProgress = (): void => undefined

describe("plan grow", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  it("never bounds the gain of a link below what it gains", () => {
    let tight = 0
    fc.assert(
      fc.property(cases, ({ links, demands, proposals, idle }) => {
        const passes = Array.from({ length: NODES }, (_, node) => node !== idle)
        const graph = new PathGraph(
          NODES,
          links.map(({ a }) => a),
          links.map(({ b }) => b),
        )
        const capacity = {
          rateBps: Float64Array.from(links, ({ rateBps }) => rateBps),
          passableNodes: Uint8Array.from(passes, (passing) => (passing ? 1 : 0)),
        }
        const searches = new ShortestPaths(graph)
        const asked = demands.map((one) => ({ ...one, minRateBps: 0 }))
        const columns = new Columns(graph, searches, capacity, asked, make)
        const solution = columns.solve()
        assert(solution !== undefined)
        const price = columns.pricesOf(solution).link
        columns.close()
        const before = nodeArcOptimum(links, passes, demands, make)
        assert(Math.abs(columns.boundBps - before) < 1e-4 * Math.max(1, before))
        const bounds = gainBounds(graph, searches, capacity, asked, price, proposals)
        for (const [number, proposal] of proposals.entries()) {
          const gain = nodeArcOptimum([...links, proposal], passes, demands, make) - before
          const bound = bounds[number] ?? 0
          assert(gain <= bound + 1e-4, `gains ${gain}, bounded by ${bound}`)
          if (gain > 0.5 && bound < gain * 1.01) tight += 1
        }
      }),
      { numRuns: 150 },
    )
    assert(tight > 20, `only ${tight} bounds were tight`)
  })

  it("finds the best of all candidates, and proves it", () => {
    fc.assert(
      fc.property(cases, ({ links, demands, proposals }) => {
        const names = Array.from({ length: NODES }, (_, node) => `n${node}`)
        const topology = topologyFromJson({
          name: "n",
          nodes: names.map((name) => ({ name })),
          links: links.map(({ a, b, rateBps }) => ({ a: names[a], b: names[b], skrBps: rateBps })),
        })
        const services = demands.map(({ from, to, rateBps }, i) => ({
          id: `d${i}`,
          from: names[from] ?? "",
          to: names[to] ?? "",
          rateBps,
        }))
        const candidates = readCandidates(
          proposals.map(({ a, b, rateBps }) => ({ from: names[a], to: names[b], skrBps: rateBps })),
          topology,
          planNetwork(topology),
        )
        const options = { online: false, split: true, budget: 1, tries: 99 }
        const { plan } = grow(topology, services, candidates, make, options, noProgress)
        const passes = names.map(() => true)
        const before = nodeArcOptimum(links, passes, demands, make)
        const gains = proposals.map(
          (one) => nodeArcOptimum([...links, one], passes, demands, make) - before,
        )
        const best = Math.max(...gains)
        const [step] = plan.steps
        assert(Math.abs((step?.gainBps ?? 0) - best) < 1e-3, `${step?.gainBps ?? 0}, not ${best}`)
        if (step !== undefined) assert(step.proven)
      }),
      { numRuns: 120 },
    )
  })

  it("proposes pairs within reach of each other and stronger links, and builds one after the other", () => {
    const topology = topologyFromJson({
      name: "line",
      nodes: [
        { name: "Arlon", lat: 49.6833, lon: 5.8167 },
        { name: "Windhof", lat: 49.6475, lon: 5.96 },
        { name: "Kirchberg", lat: 49.6265, lon: 6.16 },
        { name: "Warszawa", lat: 52.23, lon: 21.01 },
        { name: "somewhere" },
      ],
      links: [
        { id: "aw", a: "Arlon", b: "Windhof", skrBps: 1000 },
        { id: "wk", a: "Windhof", b: "Kirchberg", skrBps: 400 },
      ],
    })
    const network = planNetwork(topology)
    const candidates = candidatesByRule(topology, network, undefined)
    assert.deepEqual(
      candidates.map(({ link: { a, b }, upgrades }) => `${a} ${b} ${upgrades ?? "new"}`),
      ["Arlon Kirchberg new", "Arlon Windhof 0", "Windhof Kirchberg 1"],
    )
    const services = [{ id: "1", from: "Arlon", to: "Kirchberg", rateBps: 1300, minRateBps: 1 }]
    const upgrades = candidates.filter((one) => one.upgrades !== undefined)
    const options = { online: false, split: false, budget: 9, tries: 9 }
    const { plan, grown } = grow(topology, services, upgrades, make, options, noProgress)
    assert.deepEqual(
      plan.steps.map(({ kind, id, gainBps }) => [kind, id, Math.round(gainBps)]),
      [["upgrade", "wk", 400]],
    )
    assert.equal(grown.links.length, 3)
    assert.deepEqual([plan.offeredBps, Math.round(plan.boundBps)], [1300, 400])
  })

  for (const [value, message] of [
    [{}, "candidates /: must be array"],
    [[{ from: "A" }], "/0: must have required property 'to'"],
    [[{ from: "A", to: "Z", skrBps: 1 }], '/0/to: no node is called "Z"'],
    [[{ from: "A", to: "A", skrBps: 1 }], "/0/to: is the node it begins at"],
    [[{ from: "A", to: "B" }], "/0: gives neither length, loss, rate"],
    [[{ upgrade: "zz" }], '/0/upgrade: no link is called "zz"'],
    [[{ upgrade: "a-b", skrBps: 3 }], '/0: unknown field "skrBps"'],
    [[{ from: "A", to: "B", skrBps: -1 }], "/0/skrBps: must be >= 0"],
  ] as const)
    it(`refuses with the place of the fault: ${message}`, () => {
      const topology = topologyFromJson({
        name: "two",
        nodes: [{ name: "A" }, { name: "B" }],
        links: [{ a: "A", b: "B", skrBps: 1 }],
      })
      assert.throws(
        () => readCandidates(value, topology, planNetwork(topology)),
        (error: Error) => error.message.includes(message),
      )
    })
})
