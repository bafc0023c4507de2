// Somebody changed a node behind the controller's back: it is told apart from a node that was only not told yet, its
// services say so, and it is healed, left or taken at its word.

import assert from "node:assert/strict"
import { differencesOf } from "../../src/core/drift.js"
import type { DriftPolicy } from "../../src/model/network.js"
import type { NodeConfig, NodeState } from "../../src/model/node.js"
import { Lab, nodeEntry } from "./lab.js"

/** A network of three in a row with a service from end to end. */
function standing(drift: DriftPolicy): { lab: Lab; serviceId: string } {
  const lab = new Lab({ links: ["a-b", "b-c"] }, { drift })
  lab.order("a", "c")
  lab.confirmAll()
  const service = lab.service("a", "c")
  assert.equal(service?.state, "active")
  lab.effects.length = 0
  return { lab, serviceId: service.serviceId }
}

/** The node is read and holds this, although it had confirmed what it should be. */
function found(
  lab: Lab,
  qkdnId: string,
  config: Partial<NodeConfig>,
  more: Partial<NodeState> = {},
): void {
  const confirmed = lab.desired(qkdnId)
  const held = { ...confirmed, ...config }
  lab.submit({
    kind: "node-read",
    qkdnId,
    confirmed,
    state: {
      ...lab.stateOf(qkdnId),
      links: held.links.map((link) => ({ ...link, appIds: [], performance: {} })),
      apps: held.apps.map((app) => ({ ...app, statistics: [] })),
      peers: held.peers,
      ...more,
    },
  })
}

const withoutRelay = ({ links }: NodeConfig): Partial<NodeConfig> => ({
  links: links.filter(({ type }) => type === "PHYS"),
})

describe("a node that somebody changed", () => {
  it("is told, its services say so at once, and it is made again what it should be", () => {
    const { lab } = standing("heal")
    found(lab, "b", withoutRelay(lab.desired("b")))
    assert.equal(lab.picture.node("b")?.drift?.differences[0]?.change, "missing")
    assert.equal(lab.service("a", "c")?.state, "degraded")
    assert.match(lab.service("a", "c")?.reason ?? "", /b no longer holds its part/)
    assert.deepEqual(lab.notices(), ["node.drifted", "service.degraded"])
    assert.deepEqual([...lab.told.keys()], ["b"])
    lab.confirmAll()
    assert.equal(lab.picture.node("b")?.drift, undefined)
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.deepEqual(lab.notices().slice(2), ["node.healed", "service.restored"])
  })

  it("is left as it is where the policy is to report, over a new session too, until it changes back", () => {
    const { lab } = standing("report")
    found(lab, "b", withoutRelay(lab.desired("b")))
    assert.equal(lab.told.size, 0)
    assert.equal(lab.service("a", "c")?.state, "degraded")
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "reset" })
    const { links } = withoutRelay(lab.desired("b"))
    lab.connect("b", { links: (links ?? []).map((l) => ({ ...l, appIds: [], performance: {} })) })
    assert.equal(lab.told.size, 0)
    assert.notEqual(lab.picture.node("b")?.drift, undefined)
    found(lab, "b", {})
    assert.equal(lab.picture.node("b")?.drift, undefined)
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("is told all the same when a path waits for it, so that what is to go can go", () => {
    const { lab, serviceId } = standing("report")
    found(lab, "b", withoutRelay(lab.desired("b")))
    lab.submit({ kind: "service-cancelled", serviceId })
    lab.confirm("a")
    lab.confirm("c")
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "reset" })
    lab.told.clear()
    const links = lab
      .stateOf("b")
      .links.map((link) => (link.type === "PHYS" ? { ...link, enabled: false } : link))
    lab.connect("b", { links })
    assert.deepEqual([...lab.told.keys()], ["b"])
    lab.confirmAll()
    assert.equal(lab.picture.service(serviceId), undefined)
  })

  it("is taken at its word for a link's loss and switch, at both ends, where the policy is to adopt", () => {
    const { lab } = standing("adopt")
    const { links } = lab.desired("a")
    const changed = links.map((link) =>
      link.type === "PHYS" ? { ...link, enabled: false, channelAttenuationDb: 7.25 } : link,
    )
    found(lab, "a", { links: changed })
    assert.deepEqual([lab.link("a-b").enabled, lab.link("a-b").lossDb], [false, 7.25])
    assert.ok(lab.told.has("b"), "the other end is told")
    assert.equal(lab.picture.node("a")?.drift, undefined)
    assert.ok(lab.notices().includes("link.adopted"))
    assert.equal(lab.service("a", "c")?.state, "degraded", "its link is switched off")
  })

  it("is only told for what the inventory has no place for, where the policy is to adopt", () => {
    const { lab } = standing("adopt")
    found(lab, "b", withoutRelay(lab.desired("b")))
    assert.equal(lab.told.size, 0)
    assert.equal(lab.picture.node("b")?.drift?.differences.length, 1)
  })

  it("has the policy of its own inventory entry before the network's", () => {
    const { lab } = standing("heal")
    lab.submit({ kind: "node-changed", node: nodeEntry("b", { driftPolicy: "report" }) })
    lab.told.clear()
    found(lab, "b", withoutRelay(lab.desired("b")))
    assert.equal(lab.told.size, 0)
    assert.notEqual(lab.picture.node("b")?.drift, undefined)
  })

  it("is not one that had not confirmed yet, or was asked for more since: it is told, and nothing is made of it", () => {
    const { lab } = standing("report")
    const held = lab.stateOf("b", { links: [] })
    lab.submit({ kind: "node-read", qkdnId: "b", state: held })
    assert.deepEqual([...lab.told.keys()], ["b"])
    const stale = { ...lab.desired("b"), links: [] }
    lab.told.clear()
    lab.submit({ kind: "node-read", qkdnId: "b", state: held, confirmed: stale })
    assert.deepEqual([...lab.told.keys()], ["b"])
    assert.equal(lab.picture.node("b")?.drift, undefined)
  })

  it("does not differ by leaves it does not take", () => {
    const { lab } = standing("report")
    const { links } = lab.desired("b")
    const bare = links.map((link) => {
      if (link.type === "PHYS") {
        const { role: _role, ...rest } = link
        return rest
      }
      const { prevQkdlId: _prev, nextQkdlId: _next, ...rest } = link
      return rest
    })
    const driven = { profile: "strict", leftOut: ["phys_qkd_role", "keyloom-node"] }
    found(lab, "b", { links: bare, peers: [] }, { driven })
    assert.equal(lab.picture.node("b")?.drift, undefined)
    assert.deepEqual(lab.picture.node("b")?.driven, driven)
    assert.equal(differencesOf({ ...lab.stateOf("b"), links: [] }, lab.desired("b")).length, 3)
  })
})

describe("a path whose nodes hold it provisionally", () => {
  const begun = (): Lab => {
    const lab = new Lab({ links: ["a-b", "b-c", "a-d", "d-c"], noRelay: ["d"] })
    lab.order("a", "c")
    return lab
  }

  it("stands only when every node has been told to keep it, those alone being told that hold it so", () => {
    const lab = begun()
    assert.equal(lab.holdS("b"), 60)
    lab.confirm("b", true)
    lab.confirm("a", true)
    lab.confirm("c")
    const { next, state } = lab.service("a", "c") ?? {}
    assert.deepEqual([state, next?.confirming, next?.awaiting], ["pending", true, ["b", "a"]])
    assert.deepEqual([lab.holdS("a"), lab.holdS("b")], [undefined, undefined])
    lab.submit({ kind: "node-read", qkdnId: "a", state: lab.stateOf("a") })
    assert.deepEqual(lab.service("a", "c")?.next?.awaiting, ["b", "a"], "a reading says nothing")
    lab.confirm("a")
    lab.confirm("b")
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.deepEqual(Object.keys(lab.service("a", "c")?.path ?? {}).includes("holding"), false)
  })

  it("is none where an SAE is waiting for its first key, unless that is wanted too", () => {
    const links = ["a-b", "b-c"]
    const hurried = new Lab({ links })
    hurried.request("a", "c")
    assert.equal(hurried.holdS("b"), undefined)
    const always = new Lab({ links }, { transaction: "always-confirmed" })
    always.request("a", "c")
    assert.equal(always.holdS("b"), 60)
  })

  it("is given up when a node that holds it so is lost before it was told to keep it", () => {
    const lab = begun()
    lab.confirm("b", true)
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "reset" })
    assert.notEqual(lab.service("a", "c")?.state, "active")
    assert.equal(lab.service("a", "c")?.next, undefined)
    assert.equal(lab.desired("a").apps.length, 0)
  })

  it("stands at once where no node holds it provisionally, and all is for good where that is wanted", () => {
    const lab = begun()
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
    const firm = new Lab({ links: ["a-b", "b-c"] }, { transaction: "desired-state" })
    firm.order("a", "c")
    assert.equal(firm.holdS("b"), undefined)
  })
})
