// A network of which something fails or grows, as planners ask about it: who is lost, who moves, who comes in.

import assert from "node:assert/strict"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { topologyFromJson } from "../../src/model/topology.js"
import type { ServiceDemand } from "../../src/plan/demand-file.js"
import { singleFailures } from "../../src/plan/failure.js"
import { changeNetwork } from "../../src/plan/network-change.js"
import { planNetwork } from "../../src/plan/plan-network.js"
import { ServicePlanner } from "../../src/plan/plan-services.js"
import { survive } from "../../src/plan/survive.js"
import { whatIf, type WhatIf } from "../../src/plan/what-if.js"

/**
 * A ring with a spur; two fibres of the ring share a duct.
 *
 *     Mersch ---- Ettelbruck
 *       |   (duct)    |
 *     Windhof -- Kirchberg --- Findel
 */
const topology = topologyFromJson({
  name: "ring and spur",
  nodes: [
    { name: "Mersch" },
    { name: "Ettelbruck" },
    { name: "Kirchberg" },
    { name: "Windhof" },
    { name: "Findel" },
  ],
  links: [
    { id: "me", a: "Mersch", b: "Ettelbruck", lengthKm: 13, skrBps: 1000, srlg: ["duct"] },
    { id: "ek", a: "Ettelbruck", b: "Kirchberg", lengthKm: 30, skrBps: 1000, srlg: ["duct"] },
    { id: "kw", a: "Kirchberg", b: "Windhof", lengthKm: 18, skrBps: 1000 },
    { id: "wm", a: "Windhof", b: "Mersch", lengthKm: 20, skrBps: 1000 },
    { id: "kf", a: "Kirchberg", b: "Findel", lengthKm: 7, skrBps: 500 },
  ],
})

const services: readonly ServiceDemand[] = [
  { id: "bank", from: "Mersch", to: "Ettelbruck", rateBps: 600, priority: 5 },
  { id: "school", from: "Windhof", to: "Kirchberg", rateBps: 600 },
  { id: "airport", from: "Kirchberg", to: "Findel", rateBps: 400 },
  { id: "archive", from: "Windhof", to: "Findel", rateBps: 300 },
]

describe("plan what-if and survive", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  function ask(without: readonly string[], add: readonly string[]): WhatIf {
    const change = changeNetwork(topology, without, add)
    const options = { online: false, split: false }
    const planner = new ServicePlanner(change.before, make)
    const { allocation } = planner.allocate(services, options)
    return whatIf(change, { services, allocation }, make, options).answer
  }

  it("moves what lost its path, and pushes lesser services aside for greater", () => {
    const { lost, moved, before, after, plannedAnew, removed } = ask(["me"], [])
    assert.deepEqual(removed, [{ kind: "link", id: "me" }])
    assert.deepEqual(
      moved.map(({ id }) => id),
      ["bank"],
    )
    assert.deepEqual(moved[0]?.to[0]?.nodes, ["Mersch", "Windhof", "Kirchberg", "Ettelbruck"])
    assert.deepEqual(
      lost.map(({ id, rateBps, reason }) => ({ id, rateBps, reason })),
      [
        {
          id: "school",
          rateBps: 600,
          reason: "no path has 600 bit/s free: the most is 400 bit/s directly",
        },
      ],
    )
    assert.deepEqual(
      [before.carriedBps, after.carriedBps, plannedAnew.carriedBps],
      [1600, 1000, 1000],
    )
  })

  it("says that an end is gone, or that nothing else joins the two", () => {
    assert.deepEqual(
      ask(["Findel"], []).lost.map(({ id, reason }) => `${id}: ${reason}`),
      ["airport: no link of Findel has any rate"],
    )
    assert.deepEqual(
      ask(["me", "kw"], []).lost.map(({ id, reason }) => `${id}: ${reason}`),
      [
        "bank: nothing else joins Mersch and Ettelbruck",
        "school: nothing else joins Windhof and Kirchberg",
      ],
    )
  })

  it("lets in what found no place before, over the new link", () => {
    const { gained, added, lost, moved, after } = ask([], ["Windhof,Findel,skrBps=350,id=new"])
    assert.deepEqual(added, [
      { id: "new", from: "Windhof", to: "Findel", lengthKm: added[0]?.lengthKm, skrBps: 350 },
    ])
    assert.deepEqual(gained, [
      { id: "archive", rateBps: 300, paths: [{ nodes: ["Windhof", "Findel"], rateBps: 300 }] },
    ])
    assert.deepEqual([lost, moved, after.carriedBps], [[], [], 1900])
  })

  it("takes groups, pairs of names and several changes at once", () => {
    assert.deepEqual(ask(["duct"], []).removed, [{ kind: "srlg", id: "duct" }])
    assert.deepEqual(ask(["Windhof,Mersch"], []).removed, [{ kind: "link", id: "wm" }])
    const both = ask(["kf"], ["Windhof,Findel,skrBps=350"])
    assert.deepEqual(
      [both.lost.map(({ id }) => id), both.gained.map(({ id }) => id)],
      [["airport"], ["archive"]],
    )
  })

  for (const [without, add, message] of [
    [["Atlantis"], [], '--without "Atlantis": no link, node or shared-risk group is called so'],
    [["Mersch,Findel"], [], '--without "Mersch,Findel": no link joins Mersch and Findel'],
    [[], ["Mersch"], '--add "Mersch": reads FROM,TO'],
    [[], ["Mersch,Atlantis"], 'no node is called "Atlantis"'],
    [[], ["Mersch,Mersch"], "joins a node to itself"],
    [[], ["Mersch,Findel,skrBps=fast"], 'skrBps is "fast", not a number of zero or more'],
    [[], ["Mersch,Findel,skrBps="], 'skrBps is "", not a number'],
    [[], ["Mersch,Findel,speed=1"], 'unknown field "speed"'],
    [[], ["Mersch,Findel,id=me"], 'a link is called "me" already'],
  ] as const) {
    it(`refuses with the place of the fault: ${message}`, () => {
      assert.throws(
        () => changeNetwork(topology, without, add),
        (error: Error) => error.message.includes(message),
      )
    })
  }

  it("looks at every single failure, worst first, and names the services that one breaks", () => {
    const network = planNetwork(topology)
    const { allocation } = new ServicePlanner(network, make).allocate(services, {
      online: false,
      split: false,
    })
    const steps: number[] = []
    const survival = survive(
      network,
      { services, allocation },
      singleFailures(topology, network),
      { split: false },
      (done) => steps.push(done),
    )
    assert.deepEqual(
      steps,
      Array.from({ length: 11 }, (_, i) => i + 1),
    )
    assert.deepEqual(
      survival.failures.map(({ kind, id, lostBps, endingThereBps, broken }) => [
        `${kind} ${id}`,
        lostBps,
        endingThereBps,
        broken.map((one) => one.id).join(),
      ]),
      [
        ["node Kirchberg", 1000, 1000, "school,airport"],
        ["node Ettelbruck", 600, 600, "bank"],
        ["node Mersch", 600, 600, "bank"],
        ["node Windhof", 600, 600, "school"],
        ["srlg duct", 600, 0, "bank"],
        ["link kw", 600, 0, "school"],
        ["link me", 600, 0, "school"],
        ["node Findel", 400, 400, "airport"],
        ["link kf", 400, 0, "airport"],
        ["link ek", 0, 0, ""],
        ["link wm", 0, 0, ""],
      ],
    )
    assert.deepEqual(survival.fragile, [
      { id: "school", by: ["link me", "link kw"] },
      { id: "airport", by: ["link kf"] },
      { id: "bank", by: ["srlg duct"] },
    ])
  })
})
