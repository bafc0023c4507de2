// Questions about paths, as planners ask them: answers in order of cost, and reasons that name the rule.

import assert from "node:assert/strict"
import { topologyFromJson } from "../../src/model/topology.js"
import { type PathRequest, readPathRequests } from "../../src/plan/path-request.js"
import { type PathAnswer, PathPlanner } from "../../src/plan/plan-paths.js"
import { type PlanNetwork, planNetwork } from "../../src/plan/plan-network.js"

/**
 * A ring with a short cut of two parallel links, and a site that may not relay.
 *
 *     Mersch ---- Ettelbruck
 *        |  \\        |
 *     Capellen - Kirchberg - Findel (no relay) - Ettelbruck
 */
const network: PlanNetwork = planNetwork(
  topologyFromJson({
    name: "north of Luxembourg city",
    nodes: [
      { name: "Mersch" },
      { name: "Ettelbruck" },
      { name: "Kirchberg" },
      { name: "Capellen" },
      { name: "Findel", relay: false },
    ],
    links: [
      { id: "me", a: "Mersch", b: "Ettelbruck", lengthKm: 13, skrBps: 4000, epsilon: 1e-9 },
      { id: "ek", a: "Ettelbruck", b: "Kirchberg", lengthKm: 30, skrBps: 1000, epsilon: 1e-9 },
      { id: "mk1", a: "Mersch", b: "Kirchberg", lengthKm: 18, skrBps: 3000, epsilon: 1e-9 },
      { id: "mk2", a: "Mersch", b: "Kirchberg", lengthKm: 20, skrBps: 2000, epsilon: 2e-10 },
      { id: "kc", a: "Kirchberg", b: "Capellen", lengthKm: 14, skrBps: 500, epsilon: 1e-9 },
      { id: "cm", a: "Capellen", b: "Mersch", lengthKm: 17, skrBps: 800, epsilon: 1e-9 },
      { id: "kf", a: "Kirchberg", b: "Findel", lengthKm: 7, skrBps: 9000, epsilon: 1e-9 },
      { id: "fe", a: "Findel", b: "Ettelbruck", lengthKm: 8, skrBps: 9000, epsilon: 1e-9 },
    ],
  }),
)
const planner = new PathPlanner(network)

function ask(rest: Omit<PathRequest, "id">): { paths: string[]; reason: string | undefined } {
  const [request] = readPathRequests([{ id: "q", ...rest }], network)
  assert(request !== undefined)
  const { paths, reason } = planner.answer(request)
  return { paths: paths.map(({ nodes, links }) => (links ?? nodes).join(" ")), reason }
}

const toCity = { from: "Ettelbruck", to: "Kirchberg" }

describe("plan paths", () => {
  it("gives paths in order of the weight asked for, and tells parallel links apart", () => {
    assert.deepEqual(ask({ ...toCity, k: 3 }).paths, ["Ettelbruck Kirchberg", "me mk1", "me mk2"])
    assert.deepEqual(ask({ ...toCity, k: 2, weight: "inverseRate" }).paths, ["me mk1", "me mk2"])
    const all = ask({ ...toCity, k: 99, weight: "lengthKm" })
    assert.deepEqual(all.paths.slice(0, 2), ["Ettelbruck Kirchberg", "me mk1"])
    assert.equal(all.paths.length, 4)
    assert.equal(all.reason, undefined)
  })

  it("adds up length, hops and epsilon, and takes the rate of the weakest link", () => {
    const [request] = readPathRequests([{ id: "q", ...toCity, k: 2 }], network)
    assert(request !== undefined)
    assert.deepEqual(planner.answer(request).paths[1], {
      nodes: ["Ettelbruck", "Mersch", "Kirchberg"],
      cost: 2,
      lengthKm: 31,
      hops: 2,
      rateBps: 3000,
      epsilon: 2e-9,
      links: ["me", "mk1"],
    })
  })

  it("keeps every limit, and passes what it must", () => {
    assert.deepEqual(ask({ ...toCity, maxEpsilon: 1.2e-9, k: 9 }).paths, [
      "Ettelbruck Kirchberg",
      "me mk2",
    ])
    assert.deepEqual(ask({ ...toCity, requireNodes: ["Capellen"] }).paths, [
      "Ettelbruck Mersch Capellen Kirchberg",
    ])
    assert.deepEqual(ask({ ...toCity, minRateBps: 2500, k: 9 }).paths, ["me mk1"])
    assert.deepEqual(ask({ ...toCity, avoidLinks: [["Kirchberg", "Mersch"]], k: 9 }).paths, [
      "Ettelbruck Kirchberg",
      "Ettelbruck Mersch Capellen Kirchberg",
    ])
  })

  it("passes links, and one node of each set, with limits and in disjoint sets", () => {
    const over = (requireLinks: PathRequest["requireLinks"], rest = {}): string[] =>
      ask({ ...toCity, ...rest, requireLinks: requireLinks ?? [] }).paths
    assert.deepEqual(over([["Kirchberg", "Mersch"]], { k: 9 }), ["me mk1", "me mk2"])
    assert.deepEqual(over(["mk2"]), ["me mk2"])
    assert.deepEqual(over(["mk2"], { maxLengthKm: 32 }), [])
    assert.deepEqual(over(["cm", ["Mersch", "Ettelbruck"]]), [
      "Ettelbruck Mersch Capellen Kirchberg",
    ])
    assert.deepEqual(over([["Ettelbruck", "Mersch"]], { disjoint: "node" }), ["me mk1"])
    const someOf = (...requireOneOf: (readonly string[])[]): string[] =>
      ask({ ...toCity, requireOneOf, weight: "lengthKm" }).paths
    assert.deepEqual(someOf(["Findel", "Capellen"]), ["Ettelbruck Mersch Capellen Kirchberg"])
    assert.deepEqual(someOf(["Findel", "Capellen"], ["Mersch"]), [
      "Ettelbruck Mersch Capellen Kirchberg",
    ])
    assert.deepEqual(someOf(["Capellen", "Kirchberg"]), ["Ettelbruck Kirchberg"])
    assert.deepEqual(ask({ ...toCity, avoidLinks: ["ek", "mk1"], k: 9 }).paths, [
      "me mk2",
      "Ettelbruck Mersch Capellen Kirchberg",
    ])
  })

  it("keeps to links with enough key in stock, and to operators and sites that must be passed", () => {
    const stocked = planNetwork(
      topologyFromJson({
        name: "two ways, one stocked",
        nodes: [
          { name: "A", operator: "East" },
          { name: "B", operator: "North", place: "Bridge Street" },
          { name: "C", operator: "South" },
          { name: "Z", operator: "East" },
        ],
        links: [
          { a: "A", b: "B", lengthKm: 10, stockBits: 5000 },
          { a: "B", b: "Z", lengthKm: 10, stockBits: 3000 },
          { a: "A", b: "C", lengthKm: 20, stockBits: 80_000 },
          { id: "unknown", a: "C", b: "Z", lengthKm: 20 },
        ],
      }),
    )
    const answer = (rest: Omit<PathRequest, "id" | "from" | "to">): PathAnswer => {
      const [request] = readPathRequests(
        [{ id: "q", from: "A", to: "Z", weight: "lengthKm", ...rest }],
        stocked,
      )
      assert(request !== undefined)
      return new PathPlanner(stocked).answer(request)
    }
    const [north, south] = answer({ k: 2 }).paths
    assert.equal(north?.stockBits, 3000)
    assert.equal(south !== undefined && "stockBits" in south, false)
    assert.equal(answer({ minStockBits: 3000, k: 9 }).paths.length, 1)
    assert.equal(
      answer({ minStockBits: 3001 }).reason,
      "no path with stock >= 3001 bit: best is 3000 via B",
    )
    const through = (rest: Omit<PathRequest, "id" | "from" | "to">): string =>
      answer(rest)
        .paths.map(({ nodes }) => nodes.join(""))
        .join() + (answer(rest).reason ?? "")
    assert.equal(through({ requireOneOf: [{ operator: "South" }] }), "ACZ")
    assert.equal(through({ requireOneOf: [{ operator: "East" }] }), "ABZ")
    assert.equal(
      through({ requireOneOf: [{ site: "Bridge Street" }], maxLengthKm: 20, k: 9 }),
      "ABZ",
    )
    assert.equal(
      through({ requireOneOf: [{ operator: "South" }], minStockBits: 1 }),
      "no path with stock >= 1 bit: best is 0 via C; no path that passes a node of South",
    )
  })

  it("gives the disjoint set of the least cost together, and says when it is smaller than asked", () => {
    const pair = ask({ ...toCity, disjoint: "node", weight: "lengthKm" })
    assert.deepEqual(pair, { paths: ["Ettelbruck Kirchberg", "me mk1"], reason: undefined })
    assert.deepEqual(ask({ ...toCity, disjoint: "link", k: 3 }), {
      paths: ["Ettelbruck Kirchberg", "me mk1"],
      reason: "only 2 link-disjoint paths exist",
    })
    const limited = ask({
      from: "Mersch",
      to: "Kirchberg",
      disjoint: "link",
      k: 3,
      maxLengthKm: 31,
    })
    assert.deepEqual(limited.paths, ["mk1", "mk2", "Mersch Capellen Kirchberg"])
  })

  it("keeps sets apart by what fails together, not by links alone", () => {
    const ducts = planNetwork(
      topologyFromJson({
        name: "two fibres under one bridge",
        nodes: [
          { name: "A" },
          { name: "B", operator: "North", place: "Bridge Street" },
          { name: "C", operator: "South" },
          { name: "D", operator: "South" },
          { name: "Z" },
        ],
        links: [
          { a: "A", b: "B", lengthKm: 10, srlg: ["bridge"], module: "Acme-Q1" },
          { a: "B", b: "Z", lengthKm: 10, module: "Acme-Q1" },
          { a: "A", b: "C", lengthKm: 11, srlg: ["bridge"], module: "Borealis Q2" },
          { a: "C", b: "Z", lengthKm: 11, module: "Borealis Q2" },
          { a: "A", b: "D", lengthKm: 20, latencyMs: 9, module: "Borealis Q2" },
          { a: "D", b: "Z", lengthKm: 20, module: "Borealis Q2" },
        ],
      }),
    )
    const paths = (rest: Omit<PathRequest, "id" | "from" | "to">): string[] => {
      const [request] = readPathRequests(
        [{ id: "q", from: "A", to: "Z", weight: "lengthKm", ...rest }],
        ducts,
      )
      assert(request !== undefined)
      const answer = new PathPlanner(ducts).answer(request)
      return answer.paths.map(({ nodes }) => nodes.join("")).concat(answer.reason ?? [])
    }
    assert.deepEqual(paths({ disjoint: "link" }), ["ABZ", "ACZ"])
    assert.deepEqual(paths({ disjoint: "risk" }), ["ABZ", "ADZ"])
    assert.deepEqual(paths({ disjoint: "risk", maxLatencyMs: 1 }), [
      "ABZ",
      "only 1 risk-disjoint path exists",
    ])
    assert.deepEqual(paths({ disjoint: "risk", k: 3 }), [
      "ABZ",
      "ADZ",
      "only 2 risk-disjoint paths exist",
    ])
    assert.deepEqual(paths({ avoidOperators: ["North"], k: 9 }), ["ACZ", "ADZ"])
    assert.deepEqual(paths({ onlyOperators: ["North"], k: 9 }), ["ABZ"])
    assert.deepEqual(paths({ onlyMakers: ["Acme"], k: 9 }), ["ABZ"])
    assert.deepEqual(paths({ avoidSites: ["Bridge Street"], avoidMakers: ["Borealis"] }), [
      "no path round Bridge Street: the best without that goes via B; no path without modules of Borealis: the best without that goes via C",
    ])
    assert.deepEqual(paths({ maxLatencyMs: 0.05 }), [
      "no path with latency <= 0.05 ms: best is 0.098 via B",
    ])
    assert.throws(
      () => paths({ avoidMakers: ["Acm"] }),
      /avoidMakers\/0: nothing in the topology has "Acm"/,
    )
  })

  for (const [rest, reason] of [
    [{ maxEpsilon: 1e-10 }, "no path with epsilon <= 1e-10: best is 1e-9 directly"],
    [
      { maxLengthKm: 29.5 },
      /^no path with length <= 29.5 km: best is 30 directly; no path without Findel/,
    ],
    [
      { minRateBps: 5000 },
      /^no path with rate >= 5000 bit\/s: best is 3000 via Mersch; no path without Findel/,
    ],
    [
      { avoidNodes: ["Mersch"], avoidLinks: [["Ettelbruck", "Kirchberg"]] },
      /avoids Mersch; .*directly; .*Findel/,
    ],
    [
      { requireNodes: ["Findel"] },
      "no path that passes Findel; no path without Findel, which may not relay",
    ],
    [
      { maxHops: 1, requireNodes: ["Mersch"] },
      /hops <= 1: best is 2 via Mersch; no path that passes Mersch/,
    ],
    [
      { maxEpsilon: 1e-10, minRateBps: 1e6 },
      /keeps all of: epsilon <= 1e-10, rate >= 1000000 bit\/s/,
    ],
    [{ avoidNodes: ["Kirchberg"] }, "no path that avoids Kirchberg"],
    [
      { requireLinks: [["Kirchberg", "Findel"]] },
      "no path that passes Kirchberg-Findel; no path without Findel, which may not relay",
    ],
    [
      { requireOneOf: [["Findel"], ["Mersch", "Capellen"]] },
      "no path that passes Findel, and one of Mersch, Capellen",
    ],
    [
      { requireOneOf: [["Mersch", "Capellen"]], maxHops: 1 },
      "no path with hops <= 1: best is 2 via Mersch; no path that passes one of Mersch, Capellen",
    ],
  ] as const) {
    it(`names the rule that leaves no path: ${JSON.stringify(rest)}`, () => {
      const answer = ask({ ...toCity, ...rest })
      assert.deepEqual(answer.paths, [])
      if (typeof reason === "string") assert.equal(answer.reason, reason)
      else assert.match(answer.reason ?? "", reason)
    })
  }

  for (const [value, message] of [
    [{}, "requests /: must be array"],
    [[{ id: "1", from: "Mersch" }], "requests /0: must have required property 'to'"],
    [[{ id: "1", from: "Mersch", to: "Atlantis" }], '/0/to: no node is called "Atlantis"'],
    [[{ id: "1", ...toCity, hops: 2 }], '/0: unknown field "hops"'],
    [[{ id: "1", ...toCity, k: 0 }], "/0/k: must be >= 1"],
    [[{ id: "1", ...toCity, weight: "cost" }], "/0/weight: must be one of hops, lengthKm"],
    [[{ id: "1", ...toCity, avoidLinks: [["Mersch"]] }], "/0/avoidLinks/0: must NOT have fewer"],
    [[{ id: "1", ...toCity, requireLinks: ["xy"] }], '/0/requireLinks/0: no link is called "xy"'],
    [
      [{ id: "1", ...toCity, requireLinks: [["Capellen", "Findel"]] }],
      "/0/requireLinks/0: no link joins Capellen and Findel",
    ],
    [
      [{ id: "1", ...toCity, requireLinks: [["Capellen", "Rome"]] }],
      '/0/requireLinks/0/1: no node is called "Rome"',
    ],
    [[{ id: "1", ...toCity, requireOneOf: [[]] }], "/0/requireOneOf/0: must NOT have fewer"],
    [
      [{ id: "1", ...toCity, requireOneOf: [["Rome"]] }],
      '/0/requireOneOf/0/0: no node is called "Rome"',
    ],
    [
      [{ id: "1", ...toCity, requireOneOf: [{ operator: "Nobody" }] }],
      '/0/requireOneOf/0: nothing in the topology has "Nobody"',
    ],
    [
      [{ id: "1", ...toCity, requireOneOf: [{ maker: "Acme" }] }],
      '/0/requireOneOf/0: unknown field "maker"',
    ],
    [[{ id: "1", ...toCity, minStockBits: -1 }], "/0/minStockBits: must be >= 0"],
    [[{ id: "1", from: "Mersch", to: "Mersch" }], "/0/to: is the node it begins at"],
    [
      [
        { id: "1", ...toCity },
        { id: "1", ...toCity },
      ],
      '/1/id: a second request is called "1"',
    ],
  ] as const) {
    it(`refuses with the place of the fault: ${message}`, () => {
      assert.throws(
        () => readPathRequests(value, network),
        (error: Error) => error.message.includes(message),
      )
    })
  }
})
