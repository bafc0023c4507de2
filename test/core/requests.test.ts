// What becomes of a request that a node raises for its SAE (015 `sdqkdn_application_new`).

import assert from "node:assert/strict"
import { Lab } from "./lab.js"

describe("a request for keys with a peer", () => {
  const chain = (): Lab => new Lab({ links: ["a-b", "b-c"] })

  it("tells the relay first, and the ends only when it has confirmed", () => {
    const lab = chain()
    lab.request("a", "c", 40)
    assert.deepEqual([...lab.told.keys()], ["b"])
    assert.equal(lab.desired("a").apps.length, 0)
    const virt = lab.desired("b").links.find((link) => link.type === "VIRT")
    assert(virt?.type === "VIRT")
    assert.deepEqual([virt.prevHop, virt.nextHops], ["a", ["c"]])
    assert.deepEqual([virt.prevQkdlId, virt.nextQkdlId], ["a-b", "b-c"])
    assert.equal(virt.bandwidthBps, 40)

    lab.confirm("b")
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    lab.confirm("a")
    assert.equal(lab.service("a", "c")?.state, "pending")
    lab.confirm("c")
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.deepEqual(lab.notices(), ["service.requested", "service.up"])
  })

  it("gives both ends the same application over the same virtual link, each seen from its side", () => {
    const lab = chain()
    lab.request("a", "c")
    lab.confirmAll()
    const [atA] = lab.desired("a").apps
    const [atC] = lab.desired("c").apps
    assert(atA !== undefined && atC !== undefined)
    assert.deepEqual({ ...atA, localQkdnId: "c", remoteQkdnId: "a" }, atC)
    assert.deepEqual([atA.serverAppId, atA.clientAppIds], ["sae-a", ["sae-c"]])
    const virtAt = (node: string): unknown =>
      lab.desired(node).links.find((link) => link.qkdlId === atA.backingQkdlIds[0])
    assert.deepEqual(virtAt("a"), {
      type: "VIRT",
      qkdlId: atA.backingQkdlIds[0],
      enabled: true,
      local: { qkdnId: "a" },
      remote: { qkdnId: "c" },
      nextHops: ["b"],
      nextQkdlId: "a-b",
    })
    assert.deepEqual(virtAt("c"), {
      type: "VIRT",
      qkdlId: atA.backingQkdlIds[0],
      enabled: true,
      local: { qkdnId: "c" },
      remote: { qkdnId: "a" },
      nextHops: [],
      prevHop: "b",
      prevQkdlId: "b-c",
    })
  })

  it("uses the physical link itself between neighbours, and tells both ends at once", () => {
    const lab = chain()
    lab.request("a", "b")
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "b"])
    assert.deepEqual(lab.desired("a").apps[0]?.backingQkdlIds, ["a-b"])
    assert.equal(
      lab.desired("a").links.every((link) => link.type === "PHYS"),
      true,
    )
  })

  it("is served by the service the pair has already, asked from either side", () => {
    const lab = chain()
    lab.request("a", "c")
    lab.confirmAll()
    const first = lab.service("a", "c")?.serviceId
    lab.request("c", "a")
    assert.equal(lab.service("a", "c")?.serviceId, first)
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    assert.equal([...lab.picture.serviceIds()].length, 1)
  })

  it("is refused for a peer that lives nowhere, and nothing is kept", () => {
    const lab = chain()
    lab.request("a", "nobody")
    assert.deepEqual(lab.refusals(), [
      {
        node: "a",
        appTag: "unknown-sae",
        reason: "peer SAE sae-nobody is not registered at any node",
      },
    ])
    assert.deepEqual([...lab.picture.serviceIds()], [])
  })

  it("C2: is refused when two nodes claim the peer: neither is believed", () => {
    const lab = chain()
    const node = lab.picture.node("b")
    assert(node !== undefined)
    lab.submit({ kind: "node-changed", node: { ...node, saeIds: ["sae-b", "sae-c"] } })
    lab.request("a", "c")
    assert.match(lab.refusals()[0]?.reason ?? "", /sae-c is claimed by (b and c|c and b)/)
  })

  it("is refused when the asking SAE belongs to another node", () => {
    const lab = chain()
    lab.hear("b", {
      kind: "app-new",
      serverAppId: "sae-a",
      clientAppIds: ["sae-c"],
      appType: "CLIENT",
      priority: 0,
      qos: {},
    })
    assert.equal(lab.refusals()[0]?.reason, "SAE sae-a is registered at a, not here")
  })

  it("is refused with the best rate there is when it asks for more", () => {
    const lab = new Lab({
      links: ["a-b", "b-c"],
      link: (name) => ({ skrBps: name === "b-c" ? 20 : 500 }),
    })
    lab.request("a", "c", 40)
    assert.deepEqual(lab.refusals(), [
      {
        node: "a",
        appTag: "no-capacity",
        reason: "no path with 40 bit/s: best is 18 bit/s over a - b - c",
      },
    ])
  })

  it("says which link's rate is not known yet", () => {
    const lab = new Lab({ links: ["a-b"] })
    const link = lab.link("a-b")
    const { capacityBps: _, ...unknown } = link
    lab.picture.apply([{ kind: "link", id: "a-b", value: unknown }], lab.picture.revision)
    lab.request("a", "b", 40)
    assert.equal(
      lab.refusals()[0]?.reason,
      "no path with 40 bit/s: the rate of a - b is not known yet",
    )
  })

  it("is refused when the peer's site is cut off, or its node not connected", () => {
    const lab = chain()
    lab.linkDown("b-c")
    lab.request("a", "c")
    assert.equal(lab.refusals()[0]?.reason, "no path: c is cut off: b - c is PASSIVE")
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "connection reset" })
    lab.request("a", "b")
    assert.equal(lab.refusals()[1]?.reason, "no path: b is unreachable: connection reset")
  })

  it("is refused when only a node that may not relay lies between", () => {
    const lab = new Lab({ links: ["a-b", "b-c"], noRelay: ["b"] })
    lab.request("a", "c")
    assert.equal(lab.refusals()[0]?.reason, "no path: b may not relay")
  })

  it("obeys a node that switched relaying off itself (015 key_relay_mode_enable)", () => {
    const lab = chain()
    lab.connect("b", {
      capabilities: { linkStats: true, applicationStats: true, keyRelay: false },
    })
    lab.request("a", "c")
    assert.equal(lab.refusals()[0]?.reason, "no path: b may not relay")
  })

  it("for a group of peers, or of the network's own applications, is refused in words", () => {
    const lab = chain()
    const event = {
      kind: "app-new",
      serverAppId: "sae-a",
      clientAppIds: ["sae-b", "sae-c"],
      appType: "CLIENT",
      priority: 0,
      qos: {},
    } as const
    lab.hear("a", event)
    lab.hear("a", { ...event, clientAppIds: ["sae-b"], appType: "INTERNAL" })
    assert.deepEqual(
      lab.refusals().map((refusal) => refusal.appTag),
      ["unsupported", "unsupported"],
    )
  })

  it("without a promised rate is served from stock while a link on the only way rests", () => {
    const lab = chain()
    lab.hear("b", {
      kind: "link-performance",
      qkdlId: "b-c",
      performance: { skrBps: 900, stockBits: 100_000 },
    })
    lab.linkDown("b-c")
    lab.request("a", "c")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    assert.equal(lab.service("a", "c")?.state, "degraded")
    lab.request("b", "c", 10)
    assert.equal(lab.refusals()[0]?.appTag, "no-path")
  })

  it("ends with its application, ends first, relay last, and frees what it held", () => {
    const lab = chain()
    lab.request("a", "c", 40)
    lab.confirmAll()
    const appId = lab.service("a", "c")?.serviceId ?? ""
    assert.equal(lab.picture.reservedBps("a-b"), 40)
    lab.hear("c", { kind: "app-disconnected", appId })
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    assert.equal(lab.picture.reservedBps("a-b"), 0)
    const relayHolds = (): boolean => lab.desired("b").links.some((link) => link.type === "VIRT")
    lab.confirm("a")
    assert(relayHolds())
    lab.confirm("c")
    assert(!relayHolds())
    lab.confirm("b")
    assert.deepEqual([...lab.picture.serviceIds()], [])
  })

  it("is not ended by a node that is not its end", () => {
    const lab = chain()
    lab.request("a", "c")
    lab.confirmAll()
    const appId = lab.service("a", "c")?.serviceId ?? ""
    lab.hear("b", { kind: "app-disconnected", appId })
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("may change its terms when they fit, and gets the old ones written back when not", () => {
    const lab = chain()
    lab.request("a", "c", 40)
    lab.confirmAll()
    const appId = lab.service("a", "c")?.serviceId ?? ""
    lab.hear("a", { kind: "app-qos-update", appId, priority: 7, qos: { minBps: 300 } })
    lab.confirmAll()
    assert.equal(lab.picture.reservedBps("b-c"), 300)
    assert.deepEqual(lab.desired("c").apps[0]?.qos, { minBps: 300 })
    assert.equal(lab.desired("c").apps[0]?.priority, 7)
    lab.hear("a", { kind: "app-qos-update", appId, qos: { minBps: 5000 } })
    assert.deepEqual([...lab.told.keys()], ["a"])
    assert.equal(lab.picture.reservedBps("b-c"), 300)
    assert(lab.notices().includes("qos.refused"))
  })
})
