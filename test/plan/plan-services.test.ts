// Which demands a network carries: no link beyond its rate, no service below its minimum, close to what can be proven.

import assert from "node:assert/strict"
import fc from "fast-check"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { topologyFromJson } from "../../src/model/topology.js"
import { readServiceDemands, type ServiceDemand } from "../../src/plan/demand-file.js"
import { type PlanNetwork, planNetwork } from "../../src/plan/plan-network.js"
import { type ServicePlan, ServicePlanner } from "../../src/plan/plan-services.js"

const names = ["Ettelbruck", "Mersch", "Kirchberg", "Findel", "Bissen", "Windhof"]

const networks = fc
  .uniqueArray(
    fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)).filter(([a, b]) => a < b),
    { minLength: 3, maxLength: 10, selector: (pair) => pair.join() },
  )
  .chain((pairs) =>
    fc
      .record({
        rates: fc.array(fc.integer({ min: 0, max: 100 }), {
          minLength: pairs.length,
          maxLength: pairs.length,
        }),
        idle: fc.option(fc.constantFrom(...names)),
      })
      .map(({ rates, idle }) =>
        planNetwork(
          topologyFromJson({
            name: "n",
            nodes: names.map((name) => ({ name, relay: name !== idle })),
            links: pairs.map(([a, b], i) => ({ a, b, lengthKm: 10, skrBps: rates[i] ?? 0 })),
          }),
        ),
      ),
  )

const demandLists = fc.array(
  fc
    .record({
      ends: fc
        .tuple(fc.constantFrom(...names), fc.constantFrom(...names))
        .filter(([a, b]) => a !== b),
      rateBps: fc.integer({ min: 1, max: 90 }),
      part: fc.constantFrom(undefined, 0, 0.3, 1),
      priority: fc.constantFrom(undefined, 0, 1),
    })
    .map(({ ends: [from, to], rateBps, part, priority }) => ({
      from,
      to,
      rateBps,
      ...(part === undefined ? {} : { minRateBps: rateBps * part }),
      ...(priority === undefined ? {} : { priority }),
    })),
  { maxLength: 12 },
)

/** Every demand is told of once, within its rates, over links that have the rate. */
function assertSound(
  network: PlanNetwork,
  demands: readonly ServiceDemand[],
  plan: ServicePlan,
): void {
  const load = new Float64Array(network.graph.linkCount)
  const told = [...plan.admitted, ...plan.refused].map(({ id }) => id)
  assert.deepEqual(told.sort(), demands.map(({ id }) => id).sort())
  for (const { id, paths } of plan.admitted) {
    const demand = demands.find((one) => one.id === id)
    assert(demand !== undefined)
    const rateBps = paths.reduce((sum, path) => sum + path.rateBps, 0)
    assert(rateBps <= demand.rateBps * (1 + 1e-9))
    assert(
      rateBps >= (demand.minRateBps ?? demand.rateBps) * (1 - 1e-6),
      `${id} is below its minimum`,
    )
    for (const { nodes, rateBps: part } of paths) {
      assert.equal(nodes[0], demand.from)
      assert.equal(nodes.at(-1), demand.to)
      assert.equal(new Set(nodes).size, nodes.length)
      for (const [i, name] of nodes.slice(1).entries()) {
        const link = linkOf(network, nodes[i] ?? "", name)
        load[link] = (load[link] ?? 0) + part
      }
      for (const name of nodes.slice(1, -1))
        assert.equal(network.relays[network.nodeNumbers.get(name) ?? -1], 1)
    }
  }
  for (const [link, rateBps] of load.entries())
    assert(rateBps <= (network.rateBps[link] ?? 0) * (1 + 1e-9), "a link carries more than it has")
  assert(plan.carriedBps <= (plan.boundBps ?? Number.NaN) * (1 + 1e-9))
  for (const { reason } of plan.refused) assert(reason.length > 10)
}

function linkOf({ graph, nodeNumbers }: PlanNetwork, a: string, b: string): number {
  const ends = [nodeNumbers.get(a), nodeNumbers.get(b)]
  for (let link = 0; link < graph.linkCount; link += 1)
    if (ends.includes(graph.linkA[link]) && ends.includes(graph.linkB[link])) return link
  return assert.fail(`no link joins ${a} and ${b}`)
}

/** What the best of all choices of one path or none carries; demands are all or nothing. */
function bestByHand(network: PlanNetwork, demands: readonly ServiceDemand[]): number {
  const free = [...network.rateBps]
  const paths = demands.map((demand) => simplePaths(network, demand.from, demand.to))
  const best = (number: number): number => {
    const demand = demands[number]
    if (demand === undefined) return 0
    let most = best(number + 1)
    for (const path of paths[number] ?? []) {
      if (path.some((link) => (free[link] ?? 0) < demand.rateBps)) continue
      for (const link of path) free[link] = (free[link] ?? 0) - demand.rateBps
      most = Math.max(most, demand.rateBps + best(number + 1))
      for (const link of path) free[link] = (free[link] ?? 0) + demand.rateBps
    }
    return most
  }
  return best(0)
}

function simplePaths(network: PlanNetwork, from: string, to: string): number[][] {
  const { graph, nodeNumbers, relays } = network
  const goal = nodeNumbers.get(to)
  const found: number[][] = []
  const walk = (nodes: readonly number[], links: readonly number[]): void => {
    const node = nodes.at(-1) ?? -1
    if (node === goal) {
      found.push([...links])
      return
    }
    if (links.length > 0 && relays[node] === 0) return
    for (let link = 0; link < graph.linkCount; link += 1) {
      if (graph.linkA[link] !== node && graph.linkB[link] !== node) continue
      const next = graph.otherEnd(link, node)
      if (!nodes.includes(next)) walk([...nodes, next], [...links, link])
    }
  }
  walk([nodeNumbers.get(from) ?? -1], [])
  return found
}

describe("plan services", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  for (const options of [
    { online: true, split: false },
    { online: true, split: true },
    { online: false, split: false },
    { online: false, split: true },
  ])
    it(`overloads no link and starves no service, ${JSON.stringify(options)}`, () => {
      fc.assert(
        fc.property(networks, demandLists, (network, list) => {
          const demands = list.map((demand, i) => ({ id: `d${i}`, ...demand }))
          assertSound(network, demands, new ServicePlanner(network, make).plan(demands, options))
        }),
        { numRuns: 150 },
      )
    })

  it("bounds what any choice of paths can carry, and comes near it; splitting never carries less", () => {
    let reached = 0
    let possible = 0
    fc.assert(
      fc.property(networks, demandLists, (network, list) => {
        const demands = list
          .slice(0, 5)
          .map(({ from, to, rateBps }, i) => ({ id: `d${i}`, from, to, rateBps }))
        const planner = new ServicePlanner(network, make)
        const whole = planner.plan(demands, { online: false, split: false })
        const split = planner.plan(demands, { online: false, split: true })
        const best = bestByHand(network, demands)
        assert(best <= (whole.boundBps ?? 0) * (1 + 1e-9))
        assert(whole.carriedBps <= best * (1 + 1e-9))
        assert(split.carriedBps >= whole.carriedBps * (1 - 1e-9))
        reached += whole.carriedBps
        possible += best
      }),
      { numRuns: 150 },
    )
    assert(reached > 0.97 * possible, `${reached} of ${possible}`)
  })

  it("lets greater priority go first, and says what the others lacked", () => {
    const network = planNetwork(
      topologyFromJson({
        name: "two sites",
        nodes: [{ name: "Windhof" }, { name: "Findel" }],
        links: [{ a: "Windhof", b: "Findel", lengthKm: 20, skrBps: 1000 }],
      }),
    )
    const plan = new ServicePlanner(network, make).plan(
      [
        { id: "bank", from: "Windhof", to: "Findel", rateBps: 800 },
        { id: "ministry", from: "Findel", to: "Windhof", rateBps: 600, priority: 7 },
        { id: "archive", from: "Windhof", to: "Findel", rateBps: 1500 },
      ],
      { online: false, split: false },
    )
    assert.deepEqual(plan.admitted, [
      { id: "ministry", paths: [{ nodes: ["Findel", "Windhof"], rateBps: 600 }] },
    ])
    assert.deepEqual(plan.refused, [
      { id: "bank", reason: "no path has 800 bit/s free: the most is 400 bit/s directly" },
      {
        id: "archive",
        reason:
          "no path with rate >= 1500 bit/s: best is 1000 directly, with nothing else on the network",
      },
    ])
    assert.deepEqual([plan.offeredBps, plan.carriedBps], [2900, 600])
    assert(Math.abs((plan.boundBps ?? 0) - 1000) < 1e-4)
  })

  for (const [value, message] of [
    [
      [{ id: "1", from: "Mersch", to: "Bissen" }],
      "demands /0: must have required property 'rateBps'",
    ],
    [[{ id: "1", from: "Mersch", to: "Bissen", rateBps: 0 }], "/0/rateBps: must be > 0"],
    [
      [{ id: "1", from: "Mersch", to: "Atlantis", rateBps: 1 }],
      '/0/to: no node is called "Atlantis"',
    ],
    [
      [{ id: "1", from: "Mersch", to: "Bissen", rateBps: 1, minRateBps: 2 }],
      "/0/minRateBps: is more than",
    ],
    [
      [{ id: "1", from: "Mersch", to: "Bissen", rateBps: 1, sla: "gold" }],
      '/0: unknown field "sla"',
    ],
  ] as const)
    it(`refuses with the place of the fault: ${message}`, () => {
      const nodes = names.map((name) => ({ name }))
      const network = planNetwork(topologyFromJson({ name: "n", nodes, links: [] }))
      assert.throws(
        () => readServiceDemands(value, network),
        (error: Error) => error.message.includes(message),
      )
    })
})
