// Services that stand on several paths at once: 1+1, and keys in shares.

import assert from "node:assert/strict"
import { rehearseOrder } from "../../src/core/rehearse.js"
import { Lab, TERMS } from "./lab.js"

const LADDER = ["a-b", "b-d", "a-c", "c-d", "a-e", "e-f", "f-d"]

function relaysOf(lab: Lab): string[][] {
  const { path, beside = [] } = lab.service("a", "d") ?? {}
  return [path, ...beside.map((lane) => lane.path)].map((one) =>
    [...(one?.nodes ?? [])].slice(1, -1),
  )
}

describe("a service protected 1+1", () => {
  it("stands on two paths without a common relay, both reserved, both under the application", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "1+1" })
    assert.equal(lab.service("a", "d")?.state, "pending")
    lab.confirmAll()
    assert.deepEqual(relaysOf(lab).sort(), [["b"], ["c"]])
    assert.equal(lab.service("a", "d")?.state, "active")
    const { path, beside } = lab.service("a", "d") ?? {}
    const [app] = lab.desired("a").apps
    assert(app !== undefined)
    assert.deepEqual(app.backingQkdlIds, [path?.qkdlId, beside?.[0]?.path?.qkdlId])
    assert.equal(app.keyCombination, undefined, "a key comes over either")
    assert.deepEqual(
      ["a-b", "b-d", "a-c", "c-d", "a-e"].map((link) => lab.picture.reservedBps(link)),
      [40, 40, 40, 40, 0],
    )
  })

  it("keeps both links at the ends while one path is cut, and gets a third in its place", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { protection: "1+1" })
    lab.confirmAll()
    const kept = lab.service("a", "d")?.beside?.[0]?.path?.qkdlId
    lab.linkDown("b-d")
    assert(lab.desired("a").apps[0]?.backingQkdlIds.includes(kept ?? ""))
    lab.confirmAll()
    assert.deepEqual(relaysOf(lab).map(String).sort(), ["c", "e,f"])
    assert.equal(lab.service("a", "d")?.state, "active")
    assert.equal(lab.service("a", "d")?.leaving.length, 0)
  })

  it("is degraded on one path where there is no second, and whole when there is again", () => {
    const lab = new Lab({ links: ["a-b", "b-d", "a-c", "c-d"] })
    lab.order("a", "d", { protection: "1+1" })
    lab.confirmAll()
    lab.linkDown("b-d")
    lab.confirmAll()
    assert.equal(lab.service("a", "d")?.state, "degraded")
    assert.match(lab.service("a", "d")?.reason ?? "", /^b - d is PASSIVE/)
    lab.status("b-d", "ACTIVE")
    lab.wakeAfter(lab.settings.retryMs)
    lab.confirmAll()
    assert.equal(lab.service("a", "d")?.state, "active")
  })

  it("is left for one path when the terms no longer ask for two", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, protection: "1+1" })
    lab.confirmAll()
    const serviceId = lab.service("a", "d")?.serviceId ?? ""
    const terms = { minRateBps: 40, priority: 0, avoidNodes: [] }
    assert.equal(lab.submit({ kind: "service-changed", serviceId, terms }).ok, true)
    lab.confirmAll()
    assert.equal(lab.service("a", "d")?.beside, undefined)
    assert.equal(lab.picture.reservedBps("a-c"), 0)
    assert.equal(lab.desired("a").apps[0]?.backingQkdlIds.length, 1)
  })
})

describe("an order on several paths, tried without consequences", () => {
  it("shows what every node of every path would be", () => {
    const lab = new Lab({ links: LADDER })
    const order = {
      kind: "service-ordered",
      aSaeId: "sae-a",
      bSaeId: "sae-d",
      terms: { ...TERMS, trustTolerance: 1 },
    } as const
    const context = { now: lab.now, newId: () => crypto.randomUUID(), settings: lab.settings }
    const { desired, service } = rehearseOrder(lab.picture, order, context)
    assert.deepEqual(desired.map(({ qkdnId }) => qkdnId).sort(), ["a", "b", "c", "d"])
    assert.equal(desired.find(({ qkdnId }) => qkdnId === "a")?.apps[0]?.backingQkdlIds.length, 2)
    assert.equal(service?.beside?.length, 1)
    assert.equal(lab.service("a", "d"), undefined)
  })
})

describe("a service whose keys go in shares", () => {
  it("stands on one path more than the relays it does not trust, none of them on two", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { minRateBps: 40, trustTolerance: 2 })
    lab.confirmAll()
    assert.deepEqual(relaysOf(lab).map(String).sort(), ["b", "c", "e,f"])
    for (const end of ["a", "d"]) {
      const [app] = lab.desired(end).apps
      assert.equal(app?.backingQkdlIds.length, 3)
      assert.equal(app.keyCombination, "all", "every key needs all of them")
    }
    assert.deepEqual(
      ["a-b", "a-c", "a-e"].map((link) => lab.picture.reservedBps(link)),
      [40, 40, 40],
    )
  })

  it("is told to the ends only when every relay of every share has confirmed", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { trustTolerance: 1 })
    lab.confirm("b")
    assert.deepEqual(lab.desired("a").apps, [])
    assert.equal(lab.told.has("a"), false)
    lab.confirm("c")
    assert.equal(lab.desired("a").apps[0]?.backingQkdlIds.length, 2)
    lab.confirm("a")
    assert.equal(lab.service("a", "d")?.state, "pending")
    lab.confirm("d")
    assert.equal(lab.service("a", "d")?.state, "active")
  })

  it("never stands on fewer while a share moves", () => {
    const lab = new Lab({ links: LADDER })
    lab.order("a", "d", { trustTolerance: 1 })
    lab.confirmAll()
    lab.linkDown("b-d")
    for (let n = 0; n < 100 && lab.told.size > 0; n += 1) {
      for (const end of ["a", "d"]) assert.equal(lab.desired(end).apps[0]?.backingQkdlIds.length, 2)
      lab.confirm([...lab.told.keys()][0] ?? "")
    }
    assert.deepEqual(relaysOf(lab).map(String).sort(), ["c", "e,f"])
  })

  it("is refused a path, with the reason, where the nodes have too few", () => {
    const lab = new Lab({ links: ["a-b", "b-d", "a-c", "c-d"] })
    lab.order("a", "d", { trustTolerance: 2 })
    assert.equal(lab.service("a", "d")?.state, "failed")
    assert.equal(
      lab.service("a", "d")?.reason,
      "no path: 3 without a common relay node are wanted, a and d have 2",
    )
    const tight = new Lab({ links: ["a-b", "b-d", "a-c", "c-d"], skrBps: 100 })
    tight.order("a", "b", { minRateBps: 60 })
    tight.order("a", "d", { minRateBps: 60, trustTolerance: 1 })
    assert.equal(
      tight.service("a", "d")?.reason,
      "no path: 2 without a common relay node are wanted, a and d have 1 with 60 bit/s",
    )
  })
})
