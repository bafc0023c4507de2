// Services that operators order, change and cancel.

import assert from "node:assert/strict"
import { Lab, TERMS } from "./lab.js"

describe("an order", () => {
  const ring = (): Lab => new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })

  it("is answered at once with its id and set up on its own", () => {
    const lab = ring()
    const reply = lab.order("a", "c", { minRateBps: 50 })
    assert(reply.ok)
    assert.equal(lab.service("a", "c")?.serviceId, reply.id)
    assert.equal(lab.service("a", "c")?.state, "pending")
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("keeps clear of nodes that must not see the key", () => {
    const lab = ring()
    lab.order("a", "c", { avoidNodes: ["b"] })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    const other = new Lab({ links: ["a-b", "b-c"] })
    other.order("a", "c", { avoidNodes: ["b"] })
    assert.equal(
      other.service("a", "c")?.reason,
      "no path that avoids b: the best one left needs it",
    )
  })

  it("keeps its bounds on hops and epsilon, or says which cannot be kept", () => {
    const lab = new Lab({
      links: ["a-b", "b-c", "a-c"],
      link: (n) => ({ epsilon: n === "a-c" ? 0.5 : 0.1 }),
    })
    lab.order("a", "c", { maxEpsilon: 0.3 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    const chain = new Lab({ links: ["a-b", "b-c", "c-d"] })
    chain.order("a", "d", { maxHops: 2 })
    assert.equal(
      chain.service("a", "d")?.reason,
      "no path within 2 hops: the shortest has 3, over a - b - c - d",
    )
    chain.order("a", "c", { maxEpsilon: 0.3 })
    assert.equal(
      chain.service("a", "c")?.reason,
      "no path within epsilon 0.3: the epsilon of a - b is not known",
    )
  })

  it("that breaks several limits at once is told them all", () => {
    const lab = ring()
    lab.order("a", "c", { avoidNodes: ["b", "d"], minRateBps: 5000 })
    assert.equal(
      lab.service("a", "c")?.reason,
      "no path keeps all of 5000 bit/s, not over b, d: the best without limits is a - b - c",
    )
  })

  it("without capacity is kept, and gets its path when another service ends", () => {
    const lab = new Lab({ links: ["a-b", "b-c"], skrBps: 100 })
    lab.request("a", "c", 60)
    lab.confirmAll()
    lab.order("b", "c", { minRateBps: 60 })
    assert.equal(lab.service("b", "c")?.state, "failed")
    assert.match(lab.service("b", "c")?.reason ?? "", /best is 30 bit\/s over b - c/)
    const first = lab.service("a", "c")?.serviceId ?? ""
    lab.hear("a", { kind: "app-disconnected", appId: first })
    lab.confirmAll()
    lab.wakeAfter(lab.settings.retryMs)
    lab.confirmAll()
    assert.equal(lab.service("b", "c")?.state, "active")
  })

  it("for a pair that has a service by request takes it over and keeps its id", () => {
    const lab = ring()
    lab.request("a", "c")
    lab.confirmAll()
    const id = lab.service("a", "c")?.serviceId
    const reply = lab.order("c", "a", { minRateBps: 90 })
    assert.deepEqual(reply, { ok: true, id })
    assert.equal(lab.service("a", "c")?.origin, "order")
    assert.equal(lab.picture.reservedBps("a-b"), 90)
    const again = lab.order("a", "c")
    assert(!again.ok && again.tag === "data-exists")
  })

  it("is refused with the place of what makes no sense in it", () => {
    const lab = ring()
    const refused = (reply: ReturnType<Lab["order"]>): (string | undefined)[] =>
      reply.ok ? ["accepted"] : [reply.tag, reply.path]
    assert.deepEqual(refused(lab.order("a", "a")), ["invalid-value", "/bSaeId"])
    assert.deepEqual(refused(lab.order("a", "nobody")), ["data-missing", "/bSaeId"])
    for (const [member, terms] of [
      ["minRateBps", { minRateBps: 1.5 }],
      ["minRateBps", { minRateBps: 2 ** 32 }],
      ["maxRateBps", { minRateBps: 5, maxRateBps: 4 }],
      ["priority", { priority: -1 }],
      ["ttlS", { ttlS: 0 }],
      ["maxHops", { maxHops: 0 }],
      ["maxEpsilon", { maxEpsilon: Number.NaN }],
      ["avoidNodes/0", { avoidNodes: ["a"] }],
      ["avoidNodes/1", { avoidNodes: ["b", "nowhere"] }],
    ] as const) {
      assert.deepEqual(refused(lab.order("a", "c", terms)), ["invalid-value", `/terms/${member}`])
    }
    assert.deepEqual([...lab.picture.serviceIds()], [])
  })

  it("is cancelled from the ends inwards, and its id is then unknown", () => {
    const lab = ring()
    const reply = lab.order("a", "c")
    const serviceId = (reply.ok && reply.id) || ""
    lab.confirmAll()
    lab.submit({ kind: "service-cancelled", serviceId })
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    lab.confirmAll()
    assert.equal(lab.picture.service(serviceId), undefined)
    const again = lab.submit({ kind: "service-cancelled", serviceId })
    assert(!again.ok && again.tag === "data-missing")
  })

  it("cancelled before any node was told is gone at once", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.linkDown("b-c")
    const reply = lab.order("a", "c")
    lab.submit({ kind: "service-cancelled", serviceId: (reply.ok && reply.id) || "" })
    assert.deepEqual([...lab.picture.serviceIds()], [])
  })
})

describe("new terms for a service", () => {
  const standing = (): { lab: Lab; serviceId: string } => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })
    lab.order("a", "c", { minRateBps: 50 })
    lab.confirmAll()
    return { lab, serviceId: lab.service("a", "c")?.serviceId ?? "" }
  }

  it("that its path keeps are taken where it stands", () => {
    const { lab, serviceId } = standing()
    const path = lab.service("a", "c")?.path?.qkdlId
    lab.submit({ kind: "service-changed", serviceId, terms: { ...TERMS, minRateBps: 80 } })
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.path?.qkdlId, path)
    assert.equal(lab.picture.reservedBps("a-b"), 80)
    const virt = lab.desired("b").links.find((link) => link.qkdlId === path)
    assert(virt?.type === "VIRT" && virt.bandwidthBps === 80)
  })

  it("that its path breaks move it, made before broken", () => {
    const { lab, serviceId } = standing()
    const terms = { ...TERMS, minRateBps: 50, avoidNodes: ["b"] }
    lab.submit({ kind: "service-changed", serviceId, terms })
    assert.notEqual(lab.service("a", "c")?.path, undefined)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
  })

  it("that no path keeps are refused, and change nothing", () => {
    const { lab, serviceId } = standing()
    const before = lab.picture.service(serviceId)
    const terms = { ...TERMS, minRateBps: 5000 }
    const reply = lab.submit({ kind: "service-changed", serviceId, terms })
    assert(!reply.ok && reply.tag === "resource-denied" && reply.appTag === "no-capacity")
    assert.equal(lab.picture.service(serviceId), before)
  })

  it("whose move a node then refuses leave the service degraded, with what is broken", () => {
    const { lab, serviceId } = standing()
    const terms = { ...TERMS, minRateBps: 50, avoidNodes: ["b"] }
    lab.submit({ kind: "service-changed", serviceId, terms })
    lab.fail("d", "no")
    assert.equal(lab.service("a", "c")?.state, "degraded")
    assert.match(lab.service("a", "c")?.reason ?? "", /^its path still passes b; /)
  })
})
