// Several orders as one: all of them or none, each on what the ones before it leave.

import assert from "node:assert/strict"
import type { OperatorEvent, Reply } from "../../src/core/event.js"
import { Lab, nodeEntry, TERMS } from "./lab.js"

const ring = (): Lab => new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })

function together(lab: Lab, ...parts: OperatorEvent[]): Reply {
  return lab.submit({ kind: "transaction", parts })
}

const order = (a: string, b: string, serviceId: string, minRateBps = 0): OperatorEvent => ({
  kind: "service-ordered",
  serviceId,
  keepsId: true,
  aSaeId: `sae-${a}`,
  bSaeId: `sae-${b}`,
  terms: { ...TERMS, minRateBps },
})

describe("a transaction", () => {
  it("lets each order see what the ones before it made", () => {
    const lab = ring()
    const reply = together(
      lab,
      { kind: "node-added", node: nodeEntry("e") },
      {
        kind: "link-added",
        link: { qkdlId: "c-e", a: { qkdnId: "c", qkdiId: 9 }, b: { qkdnId: "e", qkdiId: 1 } },
      },
      order("a", "c", "s1"),
    )
    assert.deepEqual(reply, { ok: true })
    assert.equal(lab.link("c-e").b.qkdnId, "e")
    assert.equal(lab.picture.service("s1")?.state, "pending")
  })

  it("leaves nothing, tells nobody and reserves nothing when one order is refused, and says which", () => {
    const lab = ring()
    const reply = together(lab, order("a", "c", "s1", 100), order("b", "d", "s2", -1))
    assert(!reply.ok)
    assert.equal(reply.part, 1)
    assert.equal(reply.path, "/terms/minRateBps")
    assert.deepEqual(lab.last.changes, [])
    assert.deepEqual(lab.effects, [])
    assert.equal(lab.picture.reservedBps("a-b") + lab.picture.reservedBps("a-d"), 0)
    assert(lab.order("a", "c", { minRateBps: 800 }).ok)
    assert.equal(lab.service("a", "c")?.state, "pending", "the whole rate is still there")
  })

  it("cannot promise the same rate twice", () => {
    const lab = new Lab({ links: ["a-b"], skrBps: 1000 })
    lab.picture.apply([], lab.picture.revision)
    const reply = together(lab, order("a", "b", "s1", 600), {
      kind: "service-changed",
      serviceId: "s1",
      terms: { ...TERMS, minRateBps: 2000 },
    })
    assert(!reply.ok)
    assert.equal(reply.tag, "resource-denied")
    assert.equal(reply.appTag, "no-capacity")
    assert.equal(lab.picture.service("s1"), undefined)
  })
})

describe("an order that names its service", () => {
  it("does not take over a request under another name", () => {
    const lab = ring()
    lab.request("a", "c")
    const reply = lab.submit(order("a", "c", "s1"))
    assert(!reply.ok)
    assert.equal(reply.tag, "data-exists")
    assert.equal(lab.service("a", "c")?.origin, "request")
  })

  it("takes over the request whose name it gives, the same way round only", () => {
    const lab = ring()
    lab.request("a", "c")
    const id = lab.service("a", "c")?.serviceId ?? assert.fail()
    assert(!lab.submit(order("c", "a", id)).ok)
    assert.deepEqual(lab.submit(order("a", "c", id)), { ok: true, id })
    assert.equal(lab.service("a", "c")?.origin, "order")
  })

  it("waits until a service of that name is gone", () => {
    const lab = ring()
    lab.submit(order("a", "c", "s1"))
    lab.confirmAll()
    lab.submit({ kind: "service-cancelled", serviceId: "s1" })
    const early = lab.submit(order("b", "c", "s1"))
    assert(!early.ok)
    assert.equal(early.tag, "in-use")
    lab.confirmAll()
    assert(lab.submit(order("b", "c", "s1")).ok)
  })

  it("brings back the service it names while that is being taken down", () => {
    const lab = ring()
    lab.submit(order("a", "c", "s1"))
    lab.confirmAll()
    lab.submit({ kind: "service-cancelled", serviceId: "s1" })
    assert(lab.submit(order("a", "c", "s1", 50)).ok)
    assert.equal(lab.picture.service("s1")?.state, "pending")
    lab.confirmAll()
    const service = lab.picture.service("s1") ?? assert.fail()
    assert.deepEqual([service.state, service.leaving, service.path?.rateBps], ["active", [], 50])
  })
})

describe("a node out of service", () => {
  const out = (lab: Lab, name: string, enabled: boolean): Reply =>
    lab.submit({ kind: "node-changed", node: nodeEntry(name, { enabled }) })

  it("is left by the services it relays for, and is on no new path", () => {
    const lab = ring()
    lab.order("a", "c", { avoidNodes: [] })
    lab.confirmAll()
    const relay = lab.service("a", "c")?.path?.nodes[1] ?? assert.fail()
    assert(out(lab, relay, false).ok)
    lab.confirmAll()
    const service = lab.service("a", "c") ?? assert.fail()
    assert.equal(service.state, "active")
    assert(!service.path?.nodes.includes(relay))
    lab.order("b", "d")
    lab.confirmAll()
    assert.match(lab.service("b", "d")?.reason ?? "", /is out of service$/)
  })

  it("keeps carrying what has no other way, which says so, until it is back", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.order("a", "c")
    lab.confirmAll()
    out(lab, "b", false)
    assert.equal(lab.service("a", "c")?.state, "degraded")
    assert.match(lab.service("a", "c")?.reason ?? "", /^b is out of service/)
    out(lab, "b", true)
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.equal(lab.picture.node("b")?.outOfService, undefined)
  })
})
