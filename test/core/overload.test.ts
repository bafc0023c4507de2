// Admission in overload: from a load of some 80 % on, new services are refused paths over several nearly full links.

import assert from "node:assert/strict"
import { loadOf } from "../../src/core/load.js"
import { Lab } from "./lab.js"

/** A chain of four links, each of which its neighbours fill. */
function loaded(minRateBps: number): Lab {
  const lab = new Lab({ links: ["a-b", "b-c", "c-d", "d-e"] })
  for (const [from, to] of [
    ["a", "b"],
    ["b", "c"],
    ["c", "d"],
    ["d", "e"],
  ] as const)
    lab.order(from, to, { minRateBps })
  lab.confirmAll()
  lab.share()
  return lab
}

const types = (lab: Lab): string[] => lab.notices().filter((type) => type.startsWith("network."))

describe("admission in overload", () => {
  it("begins above 80 % of what links can promise, and ends below 70 %", () => {
    const lab = loaded(730)
    assert.equal(loadOf(lab.picture, lab.settings).toFixed(3), "0.811")
    assert.equal(lab.overloaded, true)
    const serviceId = lab.service("a", "b")?.serviceId ?? ""
    const change = (minRateBps: number): void => {
      lab.submit({
        kind: "service-changed",
        serviceId,
        terms: { minRateBps, priority: 0, avoidNodes: [] },
      })
      lab.confirmAll()
      lab.share()
    }
    change(500)
    assert.equal(lab.overloaded, true, "at 75 % it goes on")
    change(200)
    assert.equal(lab.overloaded, false)
    change(500)
    assert.equal(lab.overloaded, false, "at 75 % it does not begin")
    assert.deepEqual(types(lab), ["network.overloaded", "network.relieved"])
    const [begin] = lab.effects.filter(
      (one) => one.kind === "notify" && one.type === "network.overloaded",
    )
    assert.match(JSON.stringify(begin), /the network is overloaded: 81 % of what its links can/)
  })

  it("refuses a long path over nearly full links, and says so", () => {
    const lab = loaded(860)
    lab.request("a", "e", 20)
    assert.deepEqual(
      lab.refusals().map(({ appTag, reason }) => [appTag, reason]),
      [
        [
          "no-capacity",
          "no path with 20 bit/s that spares others: the network is overloaded (96 % promised), and a - b - c - d - e has 4 nearly full links",
        ],
      ],
    )
  })

  it("takes a short one, and one that asks for no rate", () => {
    const lab = loaded(860)
    lab.order("a", "c", { minRateBps: 20 })
    lab.order("a", "e")
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.equal(lab.service("a", "e")?.state, "active")
  })

  it("keeps an order that it refuses until there is room again", () => {
    const lab = loaded(860)
    lab.order("a", "e", { minRateBps: 20 })
    assert.match(lab.service("a", "e")?.reason ?? "", /overloaded/)
    for (const [from, to] of [
      ["b", "c"],
      ["c", "d"],
    ] as const) {
      const serviceId = lab.service(from, to)?.serviceId ?? ""
      lab.submit({ kind: "service-cancelled", serviceId })
    }
    lab.confirmAll()
    lab.share()
    lab.wakeAfter(1000)
    lab.confirmAll()
    assert.equal(lab.service("a", "e")?.state, "active")
  })

  for (const when of ["now", "before that was written down"])
    it(`never refuses a service another path that has stood: let in ${when}`, () => {
      const lab = new Lab({ links: ["a-e", "a-b", "b-c", "c-d", "d-e"] }, { overloadAbove: 0.75 })
      lab.order("a", "e", { minRateBps: 20 })
      lab.confirmAll()
      for (const [from, to] of [
        ["a", "b"],
        ["b", "c"],
        ["c", "d"],
        ["d", "e"],
      ] as const)
        lab.order(from, to, { minRateBps: 860 })
      lab.confirmAll()
      if (when === "before that was written down") {
        const { admittedAt: _at, ...older } = lab.service("a", "e") ?? assert.fail()
        const change = { kind: "service", id: older.serviceId, value: older } as const
        lab.picture.apply([change], lab.picture.revision + 1)
      }
      lab.share()
      lab.linkDown("a-e")
      assert.equal(lab.overloaded, true)
      lab.confirmAll()
      lab.wakeAfter(1000)
      lab.confirmAll()
      assert.equal(lab.pathOf("a", "e")?.length, 4)
    })
})
