// Many requests over one network: the layout of the graph is kept and closed anew for each, and landmarks come in on the way.

import assert from "node:assert/strict"
import { topologyFromJson } from "../../src/model/topology.js"
import { type PathRequest, readPathRequests } from "../../src/plan/path-request.js"
import { planNetwork } from "../../src/plan/plan-network.js"
import { PathPlanner } from "../../src/plan/plan-paths.js"

const SIDE = 18

/** Streets of a town: a fibre to the right and one down from each corner, of lengths that do not repeat soon. */
const network = planNetwork(
  topologyFromJson({
    name: "town",
    nodes: Array.from({ length: SIDE * SIDE }, (_, n) => ({ name: `c${n}` })),
    links: Array.from({ length: SIDE * SIDE }, (_, n) => [
      ...(n % SIDE < SIDE - 1
        ? [{ a: `c${n}`, b: `c${n + 1}`, lengthKm: 5 + ((n * 37) % 41) }]
        : []),
      ...(n + SIDE < SIDE * SIDE
        ? [{ a: `c${n}`, b: `c${n + SIDE}`, lengthKm: 5 + ((n * 53) % 43) }]
        : []),
    ]).flat(),
  }),
)

describe("many path requests over one network", () => {
  it("are each answered as if they were the only one", () => {
    const corner = (n: number): string => `c${n % (SIDE * SIDE)}`
    const requests = Array.from({ length: 120 }, (_, i): PathRequest => {
      const from = corner(i * 71)
      const to = corner(i * 71 + 1 + ((i * 131) % (SIDE * SIDE - 1)))
      const others = [1, 2, 3, 4].map((n) => corner(i * 17 + n * 29))
      const avoidNodes = i % 3 === 0 ? [] : others.filter((name) => name !== from && name !== to)
      const disjoint = (["none", "link", "node"] as const)[i % 4] ?? "none"
      const limited = i % 4 === 3 || i % 8 === 0
      const k = disjoint !== "none" ? 2 : limited ? 1 : 5
      // Some limits bind, some leave nothing: in this town no corner is more than 34 hops from another.
      const limits = limited ? { maxHops: 4 + (i % 30), maxLengthKm: 200 + 20 * (i % 20) } : {}
      return { id: String(i), from, to, k, weight: "lengthKm", avoidNodes, disjoint, ...limits }
    })
    const together = new PathPlanner(network)
    const limitedOnes = { some: 0, none: 0 }
    for (const request of readPathRequests(requests, network)) {
      const alone = new PathPlanner(network).answer(request)
      const costs = (answer: typeof alone): number[] => answer.paths.map(({ cost }) => cost)
      const found = together.answer(request)
      const sum = (list: readonly number[]): number => list.reduce((all, one) => all + one, 0)
      if (request.disjoint === "none") assert.deepEqual(costs(found), costs(alone))
      else assert.equal(sum(costs(found)), sum(costs(alone)))
      assert.equal(found.reason, alone.reason)
      if (request.maxHops !== undefined) limitedOnes[found.paths.length > 0 ? "some" : "none"] += 1
      for (const { nodes } of found.paths)
        assert(nodes.every((name) => request.avoidNodes?.includes(name) !== true))
    }
    assert(limitedOnes.some > 10 && limitedOnes.none > 10)
  })
})
