// A controller that starts: an inventory file orders only what changed in it, and what nobody confirmed before it
// stopped is undone.

import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { type Inventory, inventoryEvents } from "../../src/cli/inventory.js"
import { QkdError } from "../../src/errors.js"
import { NetworkFace } from "../../src/north/network-face.js"
import { unconfirmedFile } from "../../src/north/unconfirmed-file.js"
import type { Store } from "../../src/controller/ports.js"
import { Bench } from "../controller/fakes.js"
import { ManualClock } from "../netconf/fixture.js"
import {
  all,
  appId,
  appsXml,
  appXml,
  link,
  linkId,
  linksXml,
  node,
  nodeId,
  schema,
  Site,
} from "./network-site.js"

describe("an inventory file", () => {
  const file = (nodes: string, links: readonly string[]): Inventory => ({
    nodes: [...nodes.split("")].map((name) => node(name)),
    links: links.map((ends) => link(ends, { enabled: true })),
  })
  const kinds = (events: ReturnType<typeof inventoryEvents>): string[] =>
    events.map((event) => event.kind)

  it("makes the network agree with it at its first start", async () => {
    const site = await Site.open()
    const network = site.bench.controller.network()
    const events = inventoryEvents(network, file("abc", ["ab", "ac"]))
    assert.deepEqual(kinds(events).sort(), [
      "link-added",
      "link-removed",
      "link-removed",
      "link-removed",
      "node-removed",
    ])
  })

  it("leaves alone, from then on, what it does not say differently", async () => {
    const site = await Site.open()
    const client = await site.login()
    const wanted = file("abcd", ["ab", "bc", "ad", "dc"])
    // Ordered otherwise meanwhile: one link out of use, one gone, a node of our own.
    await client.editConfig(
      "running",
      linksXml(
        `<phys_link><phys_link_id>${linkId("ab")}</phys_link_id><phys_enable>false</phys_enable></phys_link>`,
        `<phys_link xmlns:nc="urn:ietf:params:xml:ns:netconf:base:1.0" nc:operation="delete"><phys_link_id>${linkId("dc")}</phys_link_id></phys_link>`,
      ),
    )
    await site.bench.submit({ kind: "node-added", node: node("e") })
    const network = site.bench.controller.network()
    assert.deepEqual(inventoryEvents(network, wanted, wanted), [])
    const without = inventoryEvents(network, wanted)
    assert.deepEqual(kinds(without).sort(), ["link-added", "link-changed", "node-removed"])
  })

  it("orders what it says differently than when it was last applied", async () => {
    const site = await Site.open()
    const network = site.bench.controller.network()
    const old = file("abcd", ["ab", "bc", "ad", "dc"])
    const moved: Inventory = {
      nodes: [...file("abc", []).nodes, node("e")].map((one) =>
        one.name === "a" ? { ...one, place: "elsewhere" } : one,
      ),
      links: old.links.filter((one) => !["ad", "dc"].includes(one.name ?? "")),
    }
    assert.deepEqual(kinds(inventoryEvents(network, moved, old)), [
      "link-removed",
      "link-removed",
      "node-removed",
      "node-changed",
      "node-added",
    ])
  })

  it("leaves a node out of service, and a link with the rate expected of it, where it cannot say so", async () => {
    const site = await Site.open()
    const { bench } = site
    await bench.submit({ kind: "node-changed", node: node("d", { enabled: false }) })
    const silent = ({ skrBps: _, ...rest }: ReturnType<typeof link>): typeof rest => rest
    const old = { nodes: [node("d")], links: [silent(link("ab"))] }
    const wanted: Inventory = {
      nodes: [node("d", { place: "elsewhere" })],
      links: [silent(link("ab", { lossDb: 4 }))],
    }
    const network = site.bench.controller.network()
    for (const event of inventoryEvents(network, wanted, old)) await bench.submit(event)
    const now = site.bench.controller.network()
    const [held, joined] = [now.nodes.get(nodeId("d")), now.links.get(linkId("ab"))]
    assert.deepEqual([held?.place, held?.outOfService], ["elsewhere", true])
    assert.deepEqual([joined?.lossDb, joined?.expectedBps], [4, 1000])
  })
})

describe("an unconfirmed commit", () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
  })
  const folder = (): string => {
    const made = mkdtempSync(path.join(tmpdir(), "keyloom-unconfirmed-"))
    folders.push(made)
    return made
  }

  /** The controller stops and another opens what it left. */
  async function startAgain(store: Store, dir: string): Promise<Bench> {
    const bench = await Bench.open(store)
    await NetworkFace.open({
      controller: bench.controller,
      schema: schema(),
      unconfirmed: unconfirmedFile(path.join(dir, "unconfirmed.json")),
      clock: new ManualClock(),
      log: () => undefined,
    })
    await bench.settle()
    return bench
  }

  it("is undone when the controller starts again, and stands when it had been confirmed", async () => {
    for (const confirmed of [false, true]) {
      const dir = folder()
      const unconfirmed = unconfirmedFile(path.join(dir, "unconfirmed.json"))
      const site = await Site.open({ unconfirmed })
      const client = await site.login()
      await client.editConfig("running", appsXml(appXml(1, "a", "b")))
      await client.editConfig("candidate", appsXml(appXml(2, "a", "c")))
      await client.commit({ confirmed: { timeoutS: 600 } })
      if (confirmed) await client.commit()
      assert.equal(readdirSync(dir).includes("unconfirmed.json"), !confirmed)
      const bench = await startAgain(site.bench.store, dir)
      const states = [1, 2].map((n) => bench.controller.network().services.get(appId(n))?.state)
      assert.notEqual(states[0], undefined)
      assert.notEqual(states[0], "removing")
      if (confirmed) assert.notEqual(states[1], undefined)
      else assert(states[1] === undefined || states[1] === "removing", states[1])
      assert.deepEqual(readdirSync(dir), [])
    }
  })

  it("that cannot be read stops the start, with the file named", async () => {
    const dir = folder()
    const file = path.join(dir, "unconfirmed.json")
    const site = await Site.open()
    for (const content of ["[]", "{", ""]) {
      writeFileSync(file, content)
      await assert.rejects(startAgain(site.bench.store, dir), (error: unknown) => {
        assert(error instanceof QkdError)
        assert.equal(error.tag, "malformed-message")
        return true
      })
    }
  })
})

describe("somebody without a role", () => {
  it("may do nothing but leave", async () => {
    const site = await Site.open()
    const { client } = await site.netconf.connect({ username: "nobody", groups: [] })
    for (const work of [
      client.get(),
      client.editConfig("running", appsXml(appXml(1, "a", "b"))),
      client.createSubscription(),
    ]) {
      await assert.rejects(work, (error: unknown) => {
        assert(error instanceof QkdError)
        assert.equal(error.tag, "access-denied")
        return true
      })
    }
    await client.close()
    assert.equal(all("qkd_app", await (await site.login()).getConfig("running")).length, 0)
  })
})

describe("orders by REST", () => {
  it("that come together are decided together, and refused ones reach whoever sent them", async () => {
    const site = await Site.open()
    const order = (a: string, b: string) =>
      site.gate.submit({
        kind: "service-ordered",
        aSaeId: `sae-${a}`,
        bSaeId: `sae-${b}`,
        terms: { minRateBps: 0, priority: 0, avoidNodes: [] },
      })
    site.bench.south.submit = undefined
    const revision = site.bench.controller.network().revision
    const [one, two, bad] = await Promise.all([order("a", "b"), order("b", "c"), order("a", "z")])
    assert.deepEqual([one.ok, two.ok, bad.ok], [true, true, false])
    assert.equal(site.bench.controller.network().revision, revision + 1)
    assert.equal(site.bench.controller.network().nodes.has(nodeId("a")), true)
    const client = await site.login()
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 2)
  })
})
