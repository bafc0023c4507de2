// Links that go down and come back, and what the services on them do.

import assert from "node:assert/strict"
import { moveChoices } from "../../src/core/move-choices.js"
import { Lab } from "./lab.js"

describe("a service whose link goes down", () => {
  const ring = (): Lab => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })
    lab.request("a", "c", 40)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    lab.effects.length = 0
    return lab
  }

  it("moves to the other way, the new path made before the old is broken", () => {
    const lab = ring()
    const old = lab.service("a", "c")?.path?.qkdlId ?? ""
    lab.linkDown("b-c")
    const next = lab.service("a", "c")?.next
    assert.deepEqual([...lab.told.keys()], ["d"])
    assert.deepEqual(lab.desired("a").apps[0]?.backingQkdlIds, [old])

    lab.confirm("d")
    assert.deepEqual(lab.desired("a").apps[0]?.backingQkdlIds, [next?.qkdlId, old])
    const held = (node: string): string[] =>
      lab.desired(node).links.flatMap((link) => (link.type === "VIRT" ? [link.qkdlId] : []))
    assert.deepEqual(held("c").sort(), [old, next?.qkdlId].sort())

    lab.confirm("a")
    lab.confirm("c")
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.deepEqual(lab.desired("a").apps[0]?.backingQkdlIds, [next?.qkdlId])
    assert.deepEqual(held("b"), [old])
    lab.confirmAll()
    assert.deepEqual(held("b"), [])
    assert.deepEqual(lab.service("a", "c")?.leaving, [])
    assert.deepEqual(
      ["a-b", "b-c", "a-d", "d-c"].map((link) => lab.picture.reservedBps(link)),
      [0, 0, 40, 40],
    )
  })

  it("is told of in order: the link, the service moving, the service moved", () => {
    const lab = ring()
    lab.linkDown("b-c")
    lab.confirmAll()
    assert.deepEqual(lab.notices(), ["link.down", "service.moving", "service.moved"])
  })

  it("is not disturbed by the second end's report of the same loss", () => {
    const lab = ring()
    lab.hear("b", { kind: "link-down", qkdlId: "b-c" })
    const moving = lab.service("a", "c")
    lab.hear("c", { kind: "link-down", qkdlId: "b-c" })
    assert.equal(lab.service("a", "c"), moving)
    assert.deepEqual(lab.last.effects, [])
    assert.deepEqual(
      lab.last.changes.map((change) => change.kind),
      ["link"],
    )
  })

  it("is degraded with the reason when there is no other way, and whole again when the link is", () => {
    const lab = ring()
    lab.linkDown("a-d")
    lab.linkDown("b-c", "fibre cut")
    lab.confirmAll()
    const service = lab.service("a", "c")
    assert.equal(service?.state, "degraded")
    assert.match(service.reason ?? "", /^b - c is PASSIVE: fibre cut; no path: /)
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    assert.equal(lab.picture.reservedBps("a-b"), 40)

    lab.status("b-c", "ACTIVE")
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.equal(lab.service("a", "c")?.reason, undefined)
    assert.deepEqual(lab.notices(), [
      "link.down",
      "link.down",
      "service.degraded",
      "link.up",
      "service.restored",
    ])
  })

  it("moves, once degraded, when another way opens", () => {
    const lab = ring()
    lab.linkDown("a-d")
    lab.linkDown("b-c")
    lab.status("a-d", "ACTIVE")
    lab.wakeAfter(lab.settings.retryMs)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("returns to the shorter way, past fewer relays, when the link has stayed up for its hold-off", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "c-d", "d-a"] })
    for (const link of ["a-b", "b-c", "c-d", "d-a"]) lab.rate(link, 1000)
    lab.request("a", "b")
    lab.confirmAll()
    lab.linkDown("a-b")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["d-a", "c-d", "b-c"])
    lab.status("a-b", "ACTIVE")
    lab.wakeAfter(lab.settings.holdOffMs - 1)
    lab.confirmAll()
    assert.equal(lab.pathOf("a", "b")?.length, 3)
    lab.wakeAfter(1)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"])
    assert.equal(lab.service("a", "b")?.leaving.length, 0)
  })

  it("stays on its way round when the link that came back spares it no relay", () => {
    const lab = ring()
    for (const link of ["a-b", "b-c", "a-d", "d-c"]) lab.rate(link, 1000)
    lab.linkDown("b-c")
    lab.confirmAll()
    lab.status("b-c", "ACTIVE")
    lab.wakeAfter(lab.settings.holdOffMs)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
  })

  it("with the greater priority moves first when there is room for one", () => {
    const lab = new Lab({
      links: ["a-b", "a-d", "d-b", "x-a", "y-b"],
      link: (name) => ({ skrBps: name === "a-b" ? 1000 : 100 }),
    })
    lab.request("a", "b", 60, 1)
    lab.request("x", "y", 60, 9)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"])
    assert.deepEqual(lab.pathOf("x", "y"), ["x-a", "a-b", "y-b"])
    lab.linkDown("a-b")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("x", "y"), ["x-a", "a-d", "d-b", "y-b"])
    assert.equal(lab.service("a", "b")?.state, "degraded")
    assert.match(lab.service("a", "b")?.reason ?? "", /no path with 60 bit\/s: best is 30 bit\/s/)
  })

  it("gives up a path that is being set up over the link, and takes another", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })
    lab.request("a", "c")
    assert.deepEqual([...lab.told.keys()], ["b"])
    lab.linkDown("b-c")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.equal(
      lab.desired("b").links.some((link) => link.type === "VIRT"),
      false,
    )
    assert.deepEqual(lab.refusals(), [])
  })

  it("stays where it is when only the session to a node is lost", () => {
    const lab = ring()
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "connection reset" })
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    assert.equal(lab.picture.node("b")?.reach, "unreachable")
    assert.deepEqual(lab.notices(), ["node.unreachable"])
  })

  it("moves off a module that fails, and off one that is taken out", () => {
    const lab = ring()
    const interfaces = [1, 2].map((qkdiId) => ({ qkdiId }))
    lab.connect("c", { interfaces })
    const { qkdiId } = lab.link("b-c").b
    lab.hear("c", { kind: "interface-down", qkdiId, reason: "detector too warm" })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.equal(lab.link("b-c").reason, `interface ${qkdiId} of c is down: detector too warm`)
    lab.hear("c", { kind: "interface-out", qkdiId })
    assert.equal(lab.link("b-c").status, "OFF")
    assert.equal(
      lab.desired("c").links.some((link) => link.qkdlId === "b-c"),
      false,
    )
    lab.hear("c", { kind: "interface-new", qkdInterface: { qkdiId } })
    assert.equal(
      lab.desired("c").links.some((link) => link.qkdlId === "b-c"),
      true,
    )
  })

  it("moves off a link that an operator disables", () => {
    const lab = ring()
    const { qkdlId, a, b } = lab.link("a-b")
    lab.submit({ kind: "link-changed", link: { qkdlId, a, b, enabled: false } })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    const physical = lab.desired("a").links.find((link) => link.qkdlId === "a-b")
    assert.equal(physical?.enabled, false)
  })

  it("moves off an overloaded link while another has room, the smallest priority first", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c", "e-a"] })
    lab.request("a", "c", 300, 5)
    lab.request("e", "c", 400, 1)
    lab.confirmAll()
    const sharing = lab.pathOf("e", "c")?.includes("d-c")
    assert.equal(sharing, true)
    const hot = lab.pathOf("e", "c")?.[1] ?? ""
    lab.hear("a", {
      kind: "link-overloaded",
      qkdlId: hot,
      performance: { skrBps: 350, expectedConsumptionBps: 400 },
    })
    lab.confirmAll()
    assert.equal(lab.pathOf("e", "c")?.includes(hot), false)
    assert(lab.notices().includes("link.overloaded"))
  })
})

describe("a service on the way to a better place", () => {
  it("stays where it stands, whole, when a node does not take its part; and may be moved again later", () => {
    // Three ways, so that there is one round the node too.
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c", "a-e", "e-c"] })
    lab.order("a", "c", { minRateBps: 40, protection: "restore" })
    lab.confirmAll()
    const { serviceId = "", path } = lab.service("a", "c") ?? {}
    const order = { kind: "path-deployed", serviceId, qkdlIds: ["a-d", "d-c"] } as const
    assert(lab.submit(order).ok)
    assert.deepEqual(lab.service("a", "c")?.backup?.nodes.includes("d"), false)
    lab.fail("d", "no session", "node-unreachable")
    lab.confirmAll()
    const now = lab.service("a", "c")
    assert.deepEqual(
      [now?.state, now?.path, now?.next, now?.leaving],
      ["active", path, undefined, []],
    )
    assert.equal(now?.backup?.disjoint, "node", "its backup is found anew")
    assert.deepEqual(
      ["a-b", "b-c", "a-d", "d-c"].map((link) => lab.picture.reservedBps(link)),
      [40, 40, 0, 0],
    )
    const context = { now: lab.now, newId: () => "", settings: lab.settings }
    const places = (later: number): string[] =>
      moveChoices(lab.picture, serviceId, { ...context, now: lab.now + later }).map(String)
    assert(!places(0).includes("a-d,d-c"), "not over that node for a while")
    assert(places(lab.settings.avoidMs + 1).includes("a-d,d-c"))
  })
})
