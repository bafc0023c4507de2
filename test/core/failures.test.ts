// Nodes that refuse, fail or vanish while a path is set up or taken down.

import assert from "node:assert/strict"
import { Lab } from "./lab.js"

const virtuals = (lab: Lab, node: string): number =>
  lab.desired(node).links.filter((link) => link.type === "VIRT").length

describe("a node that does not take its part of a path", () => {
  const ring = (): Lab => new Lab({ links: ["a-b", "b-c", "a-d", "d-c"] })

  it("is gone round, and what was set up is taken back", () => {
    const lab = ring()
    lab.request("a", "c")
    lab.fail("b", "tenant red may not pass")
    assert.deepEqual([...lab.told.keys()].sort(), ["b", "d"])
    assert.equal(virtuals(lab, "b"), 0)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    assert.deepEqual(lab.refusals(), [])
    assert.equal(lab.service("a", "c")?.avoiding, undefined)
  })

  it("without a way round, has its reason told at both ends, and no request is kept", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.request("a", "c")
    lab.fail("b", "tenant red may not pass")
    const reason = "b refused: tenant red may not pass"
    assert.deepEqual(lab.refusals(), [
      { node: "a", appTag: "policy", reason },
      { node: "c", appTag: "policy", reason },
    ])
    lab.confirmAll()
    assert.deepEqual([...lab.picture.serviceIds()], [])
    assert.equal(lab.picture.reservedBps("a-b"), 0)
  })

  it("as an end, refuses for good: the relays are cleaned up", () => {
    const lab = ring()
    lab.request("a", "c")
    lab.confirm("b")
    lab.confirm("a")
    lab.fail("c", "sae-a may not talk to sae-c")
    assert.equal(lab.refusals()[0]?.reason, "c refused: sae-a may not talk to sae-c")
    lab.confirmAll()
    for (const node of ["a", "b", "c", "d"]) assert.equal(virtuals(lab, node), 0)
    assert.deepEqual(lab.desired("a").apps, [])
  })

  it("leaves an order waiting with its reason, which is tried again later", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.order("a", "c")
    lab.fail("b", "not today")
    assert.equal(lab.service("a", "c")?.state, "failed")
    assert.equal(lab.service("a", "c")?.reason, "b refused: not today")
    lab.wakeAfter(1000)
    assert.equal(lab.service("a", "c")?.state, "failed")
    lab.wakeAfter(lab.settings.avoidMs)
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("that vanishes while it is told counts as failed at once", () => {
    const lab = ring()
    lab.request("a", "c")
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "connection reset" })
    assert.equal(lab.service("a", "c")?.next?.nodes[1], "d")
    lab.confirmAll(["b"])
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-c"])
    const left = lab.service("a", "c")?.leaving.map((path) => path.awaiting)
    assert.deepEqual(left, [["b"]])
    lab.connect("b")
    assert.deepEqual(lab.service("a", "c")?.leaving, [])
  })

  it("blames the service that its error names, and leaves the others alone", () => {
    const lab = new Lab({ links: ["a-b", "b-c", "b-d"] })
    lab.request("a", "c")
    lab.request("a", "d")
    const guilty = lab.service("a", "d")?.next?.qkdlId ?? ""
    lab.told.delete("b")
    lab.submit({
      kind: "node-sync-failed",
      qkdnId: "b",
      revision: lab.picture.revision,
      error: {
        tag: "access-denied",
        appTag: "policy",
        message: "hop not allowed",
        path: `/qkd_node/qkd_links/qkd_link[qkdl_id='${guilty}']`,
      },
    })
    assert.equal(lab.service("a", "d"), undefined)
    assert.equal(lab.service("a", "c")?.state, "pending")
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("is at fault itself when no path was being set up, says so, and is told again", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.fail("a", "peer not in policy")
    assert.equal(lab.picture.node("a")?.syncFault, "peer not in policy")
    assert.deepEqual(lab.notices(), ["node.sync-failed"])
    lab.wakeAfter(lab.settings.avoidMs)
    assert.deepEqual([...lab.told.keys()], ["a"])
    lab.confirm("a")
    assert.equal(lab.picture.node("a")?.syncFault, undefined)
  })

  it("does not count as having confirmed by an answer to an older configuration", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    const older = lab.picture.revision
    lab.request("a", "c")
    lab.submit({ kind: "node-synced", qkdnId: "b", revision: older })
    assert.equal(lab.service("a", "c")?.next?.phase, "relays")
    lab.submit({ kind: "node-synced", qkdnId: "b", revision: lab.picture.revision })
    assert.equal(lab.service("a", "c")?.next?.phase, "ends")
  })

  it("cannot fail a path by a refusal of an older configuration", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    const revision = lab.picture.revision
    lab.request("a", "c")
    lab.submit({
      kind: "node-sync-failed",
      qkdnId: "b",
      revision,
      error: { tag: "operation-failed", message: "busy" },
    })
    assert.equal(lab.service("a", "c")?.state, "pending")
  })
})

describe("a node that comes back", () => {
  it("holding less than it should is told again, and the path goes on from there", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.request("a", "c")
    const before = lab.told.get("b")
    lab.told.delete("b")
    lab.connect("b", { links: [] })
    assert.notEqual(lab.told.get("b"), undefined)
    assert.notEqual(lab.told.get("b"), before)
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
  })

  it("holding just what it should counts as having confirmed", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.request("a", "c")
    lab.told.clear()
    lab.connect("b")
    assert.equal(lab.service("a", "c")?.next?.phase, "ends")
  })

  it("holding more than it should is told to let go", () => {
    const lab = new Lab({ links: ["a-b"] })
    const links = lab.stateOf("a").links.flatMap((link) => [link, { ...link, qkdlId: "stray" }])
    lab.connect("a", { links })
    assert.deepEqual([...lab.told.keys()], ["a"])
  })

  it("under another name is not believed", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.connect("a", { qkdnId: "b" })
    assert.equal(lab.picture.node("a")?.reach, "unmanaged")
    assert.equal(lab.picture.node("a")?.reachReason, "it calls itself b")
  })

  it("with its key manager elsewhere has its neighbours told where", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    const keyManager = {
      etsi014Url: "https://b:1",
      relayHost: "b.example",
      relayPort: 7000,
      saeIds: ["sae-b"],
      policyVersion: 1,
    }
    lab.connect("b", { keyManager })
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    assert.deepEqual(lab.desired("a").peers, [{ qkdnId: "b", host: "b.example", port: 7000 }])
  })

  it("tells which SAEs live there, and the inventory's word no longer counts", () => {
    const lab = new Lab({ links: ["a-b"] })
    const keyManager = {
      etsi014Url: "https://b:1",
      relayHost: "b",
      relayPort: 1,
      saeIds: ["sae-new"],
      policyVersion: 2,
    }
    lab.connect("b", { keyManager })
    lab.request("a", "b")
    assert.equal(lab.refusals()[0]?.appTag, "unknown-sae")
    lab.request("a", "new")
    assert.notEqual(lab.service("a", "new"), undefined)
  })
})
