// Whole nodes: agent, key manager, modules and 014 together, driven over NETCONF as a controller would.

import assert from "node:assert/strict"
import { createPrivateKey } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import path from "node:path"
import { QkdError } from "../../src/errors.js"
import { signPolicy, type SignedPolicy } from "../../src/keys/policy-signature.js"
import type { LinkConfig } from "../../src/model/link.js"
import { nodeConfigToData } from "../../src/model/etsi015.js"
import type { NodeConfig } from "../../src/model/node.js"
import { verifyAuditTrail } from "../../src/node/audit-check.js"
import { SILENT } from "../../src/node/log.js"
import type { Log } from "../../src/node/log.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { encodeXml } from "../../src/yang/xml.js"
import { eventsUntil, schema } from "./agent-site.js"
import { type Answer, appAt, Line, linksOf } from "./node-line.js"

const RELAY = "aaaaaaaa-0000-4000-8000-000000000010"
const APP = "bbbbbbbb-0000-4000-8000-000000000001"
const NEIGHBOURS = "bbbbbbbb-0000-4000-8000-000000000002"

interface Keys {
  readonly keys: readonly { readonly key_ID: string; readonly key: string }[]
}

function relayVia(line: Line, name: string, prev?: string, next?: string): LinkConfig {
  return {
    type: "VIRT",
    qkdlId: RELAY,
    enabled: true,
    local: { qkdnId: line.id("a") },
    remote: { qkdnId: line.id("c") },
    ...(prev !== undefined && { prevHop: line.id(prev) }),
    nextHops: next === undefined ? [] : [line.id(next)],
    bandwidthBps: 1000,
  }
}

async function allActive(line: Line): Promise<void> {
  for (const name of line.nodes.keys()) {
    await line.until(`${name}'s links are active with stock`, async () =>
      (await line.state(name)).links.every(
        ({ type, status, performance }) =>
          type === "VIRT" || (status === "ACTIVE" && (performance.stockBits ?? 0) > 20_000),
      ),
    )
  }
}

describe("three nodes in a row", function () {
  this.timeout(180_000)
  let line: Line
  let links: Map<string, NodeConfig>

  before(async () => {
    line = await Line.open(["a", "b", "c"])
    for (const name of ["a", "b", "c"]) await line.start(name)
    links = new Map(["a", "b", "c"].map((name) => [name, linksOf(line, name)]))
  })
  after(() => line.close())

  /** The controller's whole wish for a node. */
  const wish = (name: string, more: Partial<NodeConfig>): NodeConfig => {
    const base = links.get(name) ?? linksOf(line, name)
    return { ...base, ...more, links: [...base.links, ...(more.links ?? [])] }
  }

  it("do not leave an SAE waiting that asks for a peer while no controller is connected", async () => {
    const answer = await line.call("a", "sae-c/enc_keys")
    assert.equal(answer.status, 503)
    assert.match(JSON.stringify(answer.body), /controller/)
    assert.equal((await line.state("a")).apps.length, 0)
  })

  it("generate on both links once they are configured, the same stock at both ends", async () => {
    for (const name of ["a", "b", "c"]) await line.configure(name, wish(name, {}))
    await allActive(line)
    const state = await line.state("b")
    assert.equal(state.status, "OPERATING")
    assert.deepEqual(
      state.interfaces.map(({ status }) => status),
      ["ENABLED", "ENABLED"],
    )
    assert.equal(state.keyManager?.relayPort, line.node("b").addresses().relay.port)
    assert.deepEqual(state.keyManager.saeIds, ["sae-b"])
    const [first] = state.links
    assert.ok((first?.performance.skrBps ?? 0) > 10_000)
    assert.ok((first?.performance.qber ?? 1) < 0.11)
  })

  it("deliver the same key to both ends over a relay", async () => {
    await line.configure("b", wish("b", { links: [relayVia(line, "b", "a", "c")] }))
    await line.configure(
      "c",
      wish("c", {
        links: [relayVia(line, "c", "b", undefined)],
        apps: [appAt(line, "c", "a", APP, RELAY)],
      }),
    )
    await line.configure(
      "a",
      wish("a", {
        links: [relayVia(line, "a", undefined, "b")],
        apps: [appAt(line, "a", "c", APP, RELAY)],
      }),
    )
    const made = await line.call("a", "sae-c/enc_keys", { number: 3, size: 256 })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const { keys } = made.body as Keys
    assert.equal(keys.length, 3)
    const taken = await line.call("c", "sae-a/dec_keys", {
      key_IDs: keys.map(({ key_ID }) => ({ key_ID })),
    })
    assert.equal(taken.status, 200, JSON.stringify(taken.body))
    assert.deepEqual((taken.body as Keys).keys, keys)
    const again = await line.call("c", "sae-a/dec_keys", { key_IDs: [{ key_ID: keys[0]?.key_ID }] })
    assert.equal(again.status, 400)
    const [app] = (await line.state("a")).apps
    assert.equal(app?.status, "ON")
  })

  it("ask the controller for a pair never seen, and the same call answers with a key", async () => {
    const controller = await line.controller("a")
    await controller.createSubscription()
    const asked = line.call("a", "sae-b/enc_keys")
    const events = await eventsUntil(controller, (seen) =>
      seen.some(({ kind }) => kind === "app-new"),
    )
    assert.deepEqual(
      events.flatMap((event) =>
        event.kind === "app-new" ? [[event.serverAppId, ...event.clientAppIds]] : [],
      ),
      [["sae-a", "sae-b"]],
    )
    const direct = line.plan.links[0]?.qkdlId ?? ""
    await line.configure("b", wish("b", { apps: [appAt(line, "b", "a", NEIGHBOURS, direct)] }))
    await line.configure("a", wish("a", { apps: [appAt(line, "a", "b", NEIGHBOURS, direct)] }))
    const answer = await asked
    assert.equal(answer.status, 200, JSON.stringify(answer.body))
    const [key] = (answer.body as Keys).keys
    const taken = await line.call("b", `sae-a/dec_keys?key_ID=${key?.key_ID ?? ""}`)
    assert.deepEqual((taken.body as Keys).keys, [key])
  })

  it("refuse a controller that lies, and nothing changes", async () => {
    const session = await line.controller("a")
    const before = (await session.getConfig("running")).map(writeXml).join("")
    const direct = line.plan.links[0]?.qkdlId ?? ""
    const good = appAt(line, "a", "b", "bbbbbbbb-0000-4000-8000-000000000009", direct)
    for (const lie of [
      { ...good, serverAppId: "sae-x" },
      { ...good, clientAppIds: ["sae-b", "sae-x"] },
      { ...good, clientAppIds: ["sae-c"] },
    ]) {
      const edit = encodeXml(
        schema(),
        nodeConfigToData({ qkdnId: line.id("a"), links: [], apps: [lie], peers: [] }),
      )
      await assert.rejects(
        session.editConfig("running", edit),
        (error) =>
          error instanceof QkdError && error.tag === "access-denied" && error.appTag === "policy",
      )
    }
    assert.equal((await session.getConfig("running")).map(writeXml).join(""), before)
  })

  it("see a cut fibre by themselves, tell it, and heal when it is mended", async () => {
    const controller = await line.controller("c")
    await controller.createSubscription()
    const cut = line.plan.links[1]
    line.fibres.set("b-c", "cut")
    const down = await eventsUntil(controller, (seen) =>
      seen.some(({ kind }) => kind === "link-down"),
    )
    assert.ok(down.some((event) => event.kind === "link-down" && event.qkdlId === cut?.qkdlId))
    const [link] = (await line.state("c")).links
    assert.equal(link?.status, "PASSIVE")
    assert.equal(link.performance.skrBps, 0)
    line.fibres.set("b-c", "whole")
    await eventsUntil(controller, (seen) =>
      seen.some(
        ({ kind, ...event }) => kind === "event" && JSON.stringify(event).includes('"ACTIVE"'),
      ),
    )
  })

  it("come back after a restart with configuration, stock and keys not yet fetched", async () => {
    const made = await line.call("a", "sae-c/enc_keys", { number: 2 })
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const { keys } = made.body as Keys
    const before = await line.state("c")
    const relayPort = line.node("c").addresses().relay.port
    await line.node("c").stop()
    const node = await line.start("c")
    assert.equal(node.addresses().relay.port, relayPort)
    const after = await line.state("c")
    assert.deepEqual(
      after.links.map(({ qkdlId }) => qkdlId),
      before.links.map(({ qkdlId }) => qkdlId),
    )
    assert.deepEqual(after.apps[0]?.createdAt, before.apps[0]?.createdAt)
    assert.deepEqual(after.interfaces[0]?.model, before.interfaces[0]?.model)
    // Until a neighbour has confirmed that the store is no restored copy, keys are held back, not spent.
    let taken: Answer = { status: 0, body: undefined }
    await line.until("the keys are fetched", async () => {
      taken = await line.call("c", "sae-a/dec_keys", {
        key_IDs: keys.map(({ key_ID }) => ({ key_ID })),
      })
      return taken.status === 200
    })
    assert.deepEqual((taken.body as Keys).keys, keys)
    await line.until(
      "keys are made again",
      async () => (await line.call("a", "sae-c/enc_keys")).status === 200,
    )
  })

  it("obey a new signed policy at once, and never an older one again", async () => {
    const file = path.join(line.dir, "nodes", "a", "policy.json")
    const old = readFileSync(file, "utf8")
    const { policy } = JSON.parse(old) as SignedPolicy
    const stricter = {
      ...policy,
      version: policy.version + 1,
      peers: policy.peers.map((peer) =>
        peer.qkdnId === line.id("c") ? { ...peer, roles: ["relay" as const] } : peer,
      ),
    }
    writeFileSync(file, JSON.stringify({ policy: stricter, signatures: [] }))
    await assert.rejects(line.node("a").reloadPolicy(), QkdError)
    assert.equal((await line.call("a", "sae-c/enc_keys")).status, 200)
    const officers = readdirSync(path.join(line.dir, "officers")).map((name) =>
      createPrivateKey(readFileSync(path.join(line.dir, "officers", name), "utf8")),
    )
    writeFileSync(
      file,
      JSON.stringify({
        policy: stricter,
        signatures: officers.map((key) => signPolicy(stricter, key)),
      }),
    )
    assert.equal(await line.node("a").reloadPolicy(), true)
    await line.dropControllers()
    assert.notEqual((await line.call("a", "sae-c/enc_keys")).status, 200)
    assert.equal((await line.call("a", "sae-b/enc_keys")).status, 200)
    assert.equal((await line.state("a")).keyManager?.policyVersion, stricter.version)
    writeFileSync(file, old)
    await assert.rejects(line.node("a").reloadPolicy(), QkdError)
    assert.equal((await line.state("a")).keyManager?.policyVersion, stricter.version)
  })

  it("keep a chained trail of every delivery, written before the key left", () => {
    const trail = readFileSync(path.join(line.dir, "nodes", "a", "state", "audit.log"), "utf8")
    const { lines } = verifyAuditTrail(trail)
    assert.ok(lines >= 5, `${lines} deliveries`)
  })

  it("do not run twice in one folder: the second start is refused, the first goes on", async () => {
    await assert.rejects(
      line.start("b"),
      (error) => error instanceof QkdError && error.tag === "in-use",
    )
    assert.equal((await line.call("a", "sae-b/enc_keys")).status, 200)
  })

  it("tell the head of their trail in the log, where it is known when the trail is changed", async () => {
    const told: unknown[] = []
    const log: Log = {
      ...SILENT,
      info: (facts, message) => {
        if (message === "audit trail") told.push(facts)
      },
    }
    const made = await line.call("a", "sae-b/enc_keys")
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const [key] = (made.body as Keys).keys
    await line.node("b").stop()
    const file = path.join(line.dir, "nodes", "b", "state", "audit.log")
    const before = verifyAuditTrail(readFileSync(file, "utf8"))
    await line.start("b", undefined, log)
    assert.deepEqual(told, [before])
    await line.until("the key is fetched", async () => {
      const taken = await line.call("b", `sae-a/dec_keys?key_ID=${key?.key_ID ?? ""}`)
      return taken.status === 200
    })
    await line.node("b").stop()
    const after = verifyAuditTrail(readFileSync(file, "utf8"))
    assert.equal(after.lines, before.lines + 1)
    assert.deepEqual(told, [before, after])
  })
})
