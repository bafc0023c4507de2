// Terms of services: what is refused, with the place of the fault, and what pre-emption does.

import assert from "node:assert/strict"
import type { ServiceTerms } from "../../src/model/service.js"
import { Lab } from "./lab.js"

const LADDER = ["a-b", "b-d", "a-c", "c-d"]

describe("terms that make no sense", () => {
  const cases: readonly [string, Partial<ServiceTerms>, string, RegExp][] = [
    ["an unknown link", { avoidLinks: ["a-b", "x"] }, "avoidLinks/1", /^link x is not known$/],
    ["an unknown node to pass", { requireNodes: ["x"] }, "requireNodes/0", /^node x is not known$/],
    [
      "a node both to pass and to avoid",
      { requireNodes: ["b"], avoidNodes: ["b"] },
      "requireNodes/0",
      /^b is to be avoided too$/,
    ],
    [
      "more nodes to pass than hops",
      { requireNodes: ["b", "c"], maxHops: 2 },
      "maxHops",
      /^2 nodes to pass take more than 2 hops$/,
    ],
    [
      "one node that all shares pass",
      { requireNodes: ["b"], trustTolerance: 1 },
      "requireNodes/0",
      /^paths without a relay node in common cannot all pass b$/,
    ],
    [
      "shares and a second path",
      { protection: "1+1", trustTolerance: 1 },
      "protection",
      /^keys in shares need all their paths/,
    ],
    ["tolerance beyond measure", { trustTolerance: 8 }, "trustTolerance", /0 to 7$/],
    ["a hold-off of one that never returns", { holdOffS: 5 }, "holdOffS", /^only a revertive/],
    [
      "return with two paths",
      { protection: "1+1", revertive: true },
      "revertive",
      /^a service on several paths/,
    ],
  ]
  for (const [what, terms, member, message] of cases) {
    it(`are refused with their place: ${what}`, () => {
      const lab = new Lab({ links: LADDER })
      const reply = lab.order("a", "d", terms)
      assert(!reply.ok)
      assert.equal(reply.path, `/terms/${member}`)
      assert.match(reply.message, message)
      assert.equal(lab.service("a", "d"), undefined)
      assert.deepEqual(lab.last.changes, [])
    })
  }

  it("are refused where a node to pass may not relay", () => {
    const lab = new Lab({ links: LADDER, noRelay: ["c"] })
    const reply = lab.order("a", "d", { requireNodes: ["c"] })
    assert(!reply.ok)
    assert.equal(reply.message, "c may not relay")
  })
})

describe("nodes to pass and links to avoid", () => {
  it("are kept by the path, by what it moves to, and by its backup", () => {
    const lab = new Lab({ links: ["a-b", "b-d", "a-c", "c-d", "b-c"] })
    lab.order("a", "d", { requireNodes: ["c"], avoidLinks: ["c-d"] })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "b-c", "b-d"])
    lab.linkDown("a-c")
    lab.confirmAll()
    assert.equal(lab.service("a", "d")?.state, "degraded")
    assert.deepEqual(lab.pathOf("a", "d"), ["a-c", "b-c", "b-d"])
  })
})

describe("pre-emption", () => {
  const full = (preemption: "never" | "lower-priority"): Lab => {
    const lab = new Lab({ links: ["a-b", "b-c"], skrBps: 100 }, { preemption })
    lab.order("a", "b", { minRateBps: 60, priority: 1 })
    lab.order("b", "c", { minRateBps: 30, priority: 2 })
    lab.confirmAll()
    lab.effects.length = 0
    lab.order("a", "c", { minRateBps: 60, priority: 5 })
    return lab
  }

  it("does not happen unless policy has it", () => {
    const lab = full("never")
    assert.equal(lab.service("a", "c")?.state, "failed")
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("takes the room of the smallest priority that is enough, tells why, and leaves the others", () => {
    const lab = full("lower-priority")
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.equal(lab.service("b", "c")?.state, "active")
    const lost = lab.service("a", "b")
    assert.equal(lost?.state, "failed")
    const winner = lab.service("a", "c")?.serviceId ?? ""
    assert.equal(lost.reason, `pre-empted by service ${winner}: priority 5 goes before 1`)
    assert(lab.notices().includes("service.preempted"))
    assert.equal(lab.picture.reservedBps("a-b"), 60)
  })

  it("never takes from the same or a greater priority", () => {
    const lab = new Lab({ links: ["a-b", "b-c"], skrBps: 100 }, { preemption: "lower-priority" })
    lab.order("a", "b", { minRateBps: 60, priority: 5 })
    lab.confirmAll()
    lab.order("a", "c", { minRateBps: 60, priority: 5 })
    assert.equal(lab.service("a", "c")?.state, "failed")
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("admits again who lost when there is room", () => {
    const lab = full("lower-priority")
    lab.confirmAll()
    const serviceId = lab.service("a", "c")?.serviceId ?? ""
    lab.submit({ kind: "service-cancelled", serviceId })
    lab.confirmAll()
    lab.wakeAfter(lab.settings.retryMs)
    lab.confirmAll()
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("lets who lost take another way at once where there is one", () => {
    const lab = new Lab(
      { links: ["a-b", "b-c", "a-d", "d-b"], skrBps: 100, link: wide },
      { preemption: "lower-priority" },
    )
    lab.order("a", "b", { minRateBps: 60, priority: 1 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"])
    lab.order("a", "c", { minRateBps: 60, priority: 5, avoidNodes: ["d"] })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    assert.deepEqual(lab.pathOf("a", "b"), ["a-d", "d-b"])
  })

  it("takes who lost at its word in the same cut: it has left, and its rate is promised once", () => {
    const lab = new Lab(
      { links: ["a-d", "a-b", "b-d"], skrBps: 200 },
      { preemption: "lower-priority" },
    )
    lab.order("b", "d", { minRateBps: 60, priority: 0, requireNodes: ["a"] })
    lab.order("a", "b", { minRateBps: 60, priority: 1 })
    lab.order("a", "d", { minRateBps: 120, priority: 2 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("b", "d"), ["a-b", "a-d"])
    assert.deepEqual(lab.pathOf("a", "d"), ["a-d"])
    lab.linkDown("a-d")
    assert.equal(lab.picture.reservedBps("a-b"), 180)
    assert.equal(lab.service("b", "d")?.state, "failed")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "d"), ["a-b", "b-d"])
    assert.equal(lab.service("a", "b")?.state, "active")
  })
})

/** The direct link is preferred by its price. */
function wide(name: string): { skrBps: number } {
  return { skrBps: name === "a-b" ? 110 : 80 }
}
