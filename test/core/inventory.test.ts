import assert from "node:assert/strict"
import type { Reply } from "../../src/core/event.js"
import { Lab, nodeEntry, target } from "./lab.js"

const tagOf = (reply: Reply): string => (reply.ok ? "ok" : reply.tag)
const messageOf = (reply: Reply): string => (reply.ok ? "" : reply.message)

describe("the inventory", () => {
  const chain = (): Lab => new Lab({ links: ["a-b", "b-c"] })

  it("takes no node or link twice, and no link to nowhere or onto a taken module", () => {
    const lab = chain()
    const link = { qkdlId: "new", a: { qkdnId: "a", qkdiId: 7 }, b: { qkdnId: "c", qkdiId: 7 } }
    const add = (more: object): string =>
      tagOf(lab.submit({ kind: "link-added", link: { ...link, ...more } }))
    assert.equal(tagOf(lab.submit({ kind: "node-added", node: nodeEntry("a") })), "data-exists")
    assert.equal(add({ qkdlId: "a-b" }), "data-exists")
    assert.equal(add({ b: { qkdnId: "nowhere", qkdiId: 1 } }), "data-missing")
    assert.equal(add({ b: { qkdnId: "a", qkdiId: 8 } }), "invalid-value")
    assert.equal(add({ a: { qkdnId: "a", qkdiId: 1 } }), "in-use")
    assert.equal(add({}), "ok")
  })

  it("tells both nodes of a new link, transmitter at end a, receiver at end b", () => {
    const lab = chain()
    const link = {
      qkdlId: "new",
      a: { qkdnId: "a", qkdiId: 7 },
      b: { qkdnId: "c", qkdiId: 8 },
      lossDb: 5.40004,
    }
    lab.submit({ kind: "link-added", link })
    assert.deepEqual([...lab.told.keys()].sort(), ["a", "c"])
    const common = { type: "PHYS", qkdlId: "new", enabled: true, channelAttenuationDb: 5.4 }
    assert.deepEqual(lab.desired("a").links.at(-1), {
      ...common,
      local: link.a,
      remote: link.b,
      role: "TRANSMITTER",
    })
    assert.deepEqual(lab.desired("c").links.at(-1), {
      ...common,
      local: link.b,
      remote: link.a,
      role: "RECEIVER",
    })
  })

  it("lets nothing go that is in use, and says by what", () => {
    const lab = chain()
    lab.request("a", "c")
    lab.confirmAll()
    const node = lab.submit({ kind: "node-removed", qkdnId: "b" })
    assert.equal(tagOf(node), "in-use")
    assert.equal(messageOf(node), "b still has link a - b")
    const link = lab.submit({ kind: "link-removed", qkdlId: "a-b" })
    assert.equal(tagOf(link), "in-use")
    assert.match(messageOf(link), /still carries service 0000.*: disable it first$/)
  })

  it("lets links go, then their nodes", () => {
    const lab = chain()
    assert.equal(tagOf(lab.submit({ kind: "link-removed", qkdlId: "a-b" })), "ok")
    assert.deepEqual(lab.desired("a").links, [])
    assert.equal(tagOf(lab.submit({ kind: "node-removed", qkdnId: "a" })), "ok")
    assert.equal(lab.picture.node("a"), undefined)
    assert.equal(tagOf(lab.submit({ kind: "node-removed", qkdnId: "a" })), "data-missing")
  })

  it("keeps what is known of a node whose entry changes, and of its session unless that moves", () => {
    const lab = chain()
    const entry = nodeEntry("b", { name: "Betzdorf", lat: 49.7 })
    lab.submit({ kind: "node-changed", node: entry })
    assert.equal(lab.picture.node("b")?.name, "Betzdorf")
    assert.equal(lab.picture.node("b")?.reach, "connected")
    lab.submit({
      kind: "node-changed",
      node: { ...entry, target: { ...target("b"), port: 831 } },
    })
    assert.equal(lab.picture.node("b")?.reach, "connecting")
    assert.notEqual(lab.picture.node("b")?.capabilities, undefined)
  })

  it("changes nothing when an entry is entered as it is", () => {
    const lab = chain()
    lab.submit({ kind: "node-changed", node: nodeEntry("b") })
    assert.deepEqual(lab.last.changes, [])
  })

  it("does not let a link be moved to other modules", () => {
    const lab = chain()
    const { qkdlId, a } = lab.link("a-b")
    const link = { qkdlId, a, b: { qkdnId: "c", qkdiId: 5 } }
    assert.equal(tagOf(lab.submit({ kind: "link-changed", link })), "invalid-value")
  })

  it("shrugs at reports of nodes it does not hold", () => {
    const lab = chain()
    lab.submit({ kind: "node-lost", qkdnId: "gone", reason: "late" })
    lab.submit({ kind: "node-synced", qkdnId: "gone", revision: 1 })
    assert.deepEqual(lab.last.changes, [])
  })
})
