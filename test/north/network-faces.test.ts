// One datastore behind all faces: what is decided elsewhere shows at once, a lock holds for everybody, roles bound
// everybody, candidates are taken whole.

import assert from "node:assert/strict"
import { reoptimiseRounds } from "../../src/cli/controller-reoptimise.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { REOPTIMISE_TERMS } from "../../src/engine/reoptimise.js"
import { textOf } from "../../src/yang/xml-tree.js"
import { refused } from "../errors-helper.js"
import { all, appId, appsXml, appXml, linkId, nodeId, Site, text } from "./network-site.js"

describe("one datastore behind all faces", () => {
  it("shows at once what was ordered by REST, and REST what was edited", async () => {
    const site = await Site.open()
    const client = await site.login()
    const reply = await site.gate.submit({
      kind: "service-ordered",
      serviceId: appId(7),
      aSaeId: "sae-a",
      bSaeId: "sae-b",
      terms: { minRateBps: 5, priority: 2, avoidNodes: [] },
    })
    assert(reply.ok)
    assert.equal(text("app_id", await client.getConfig("running")), appId(7))
    await site.gate.submit({ kind: "service-cancelled", serviceId: appId(7) })
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
  })

  it("shows what a node changed while an edit of the very same entry was being decided", async () => {
    const site = await Site.open()
    const client = await site.login()
    await client.editConfig("running", appsXml(appXml(1, "a", "c")))
    await site.bench.settle()
    const { controller } = site.bench
    const submit = controller.submit.bind(controller)
    controller.submit = (event) => {
      const reply = submit(event)
      if (event.kind === "transaction") {
        const qos = { kind: "app-qos-update", appId: appId(1), priority: 9, qos: {} } as const
        void submit({ kind: "node-event", qkdnId: nodeId("a"), atMs: site.bench.now, event: qos })
      }
      return reply
    }
    const edit = appXml(1, "a", "c", "<app_priority>5</app_priority>")
    await client.editConfig("running", appsXml(edit))
    await site.bench.settle()
    assert.equal(controller.network().services.get(appId(1))?.terms.priority, 9)
    assert.equal(text("app_priority", await client.getConfig("running")), "9")
  })

  it("bears a node gone that a service avoids, also over a restart", async () => {
    const site = await Site.open()
    const client = await site.login()
    const avoid = `<avoid_qkdn_id>${nodeId("d")}</avoid_qkdn_id>`
    await client.editConfig("running", appsXml(appXml(1, "a", "c", avoid)))
    await site.bench.settle()
    for (const ends of ["ad", "dc"]) {
      assert((await site.gate.submit({ kind: "link-removed", qkdlId: linkId(ends) })).ok)
    }
    assert((await site.gate.submit({ kind: "node-removed", qkdnId: nodeId("d") })).ok)
    const config = await client.getConfig("running")
    assert.equal(all("qkd_node", config).length, 3)
    assert.equal(all("phys_link", config).length, 2)
    const again = await Site.open({ store: site.bench.store })
    const later = await (await again.login()).getConfig("running")
    assert.equal(text("avoid_qkdn_id", later), nodeId("d"))
    const unknown = await refused(client.editConfig("running", appsXml(appXml(2, "a", "b", avoid))))
    assert.equal(unknown.tag, "invalid-value")
    assert.match(unknown.path ?? "", /avoid_qkdn_id\[1\]$/)
  })

  it("refuses an id that is not in its canonical form: one thing has one entry", async () => {
    const site = await Site.open()
    const client = await site.login()
    const shouted = appsXml(appXml(1, "a", "c").replace(appId(1), appId(1).toUpperCase()))
    const error = await refused(client.editConfig("running", shouted))
    assert.equal(error.tag, "invalid-value")
    assert.match(error.path ?? "", /app_id$/)
  })

  it("shows what SAEs asked for as state, until it is ordered under its own name", async () => {
    const site = await Site.open()
    const client = await site.login()
    await site.bench.submit({
      kind: "node-event",
      qkdnId: nodeId("a"),
      atMs: site.bench.now,
      event: {
        kind: "app-new",
        serverAppId: "sae-a",
        clientAppIds: ["sae-b"],
        appType: "CLIENT",
        priority: 0,
        qos: {},
      },
    })
    await site.bench.settle()
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
    const data = await client.get()
    assert.equal(text("origin", data), "request")
    const id = text("app_id", all("qkd_app", data)) ?? assert.fail()
    const other = await refused(client.editConfig("running", appsXml(appXml(1, "a", "b"))))
    assert.equal(other.tag, "data-exists")
    await client.editConfig("running", appsXml(appXml(1, "a", "b").replace(appId(1), id)))
    assert.equal(text("app_id", await client.getConfig("running")), id)
    assert.equal(text("origin", await client.get()), "order")
  })

  it("is locked for everybody but the holder, nodes aside", async () => {
    const site = await Site.open()
    const [holder, other] = [await site.login("olga"), await site.login("otto")]
    await holder.lock("running")
    const order = {
      kind: "service-ordered",
      aSaeId: "sae-a",
      bSaeId: "sae-b",
      terms: { minRateBps: 0, priority: 0, avoidNodes: [] },
    } as const
    for (const work of [
      site.gate.submit(order),
      other.editConfig("running", appsXml(appXml(1, "a", "b"))),
      other.rpc(
        `<register-application xmlns="urn:keyloom:yang:keyloom-connectivity"><server_app_id>sae-a</server_app_id><client_app_id>sae-b</client_app_id></register-application>`,
      ),
    ]) {
      const error = await refused(work)
      assert.equal(error.tag, "in-use", error.message)
    }
    await site.status("ab", "OFF")
    assert.equal(site.bench.controller.network().links.get(linkId("ab"))?.status, "OFF")
    await holder.editConfig("running", appsXml(appXml(1, "a", "b")))
    await holder.unlock("running")
    assert((await site.gate.submit({ ...order, aSaeId: "sae-c" })).ok)
    assert.equal(all("qkd_app", await other.getConfig("running")).length, 2)
  })

  it("is locked for moves of a re-optimisation, which afterwards show in it", async () => {
    const site = await Site.open()
    const { controller } = site.bench
    const client = await site.login()
    const order = async (bSaeId: string, minRateBps: number): Promise<string> => {
      const terms = { minRateBps, priority: 0, avoidNodes: [] }
      const reply = await site.gate.submit({
        ...{ kind: "service-ordered", aSaeId: "sae-a", bSaeId, terms },
      })
      return reply.ok ? (reply.id ?? "") : assert.fail(reply.message)
    }
    // By b, since a-d is cut; what then waits for room on a-b comes in once that one has gone by d.
    await site.status("ad", "OFF")
    await order("sae-c", 600)
    const waits = await order("sae-b", 500)
    await site.status("ad", "ACTIVE")
    await site.bench.pass(60_000)
    const state = (): string | undefined => controller.network().services.get(waits)?.state
    assert.equal(state(), "failed")
    const reoptimise = reoptimiseRounds({
      ...{ controller, gate: site.gate, settings: DEFAULT_SETTINGS, log: () => undefined },
      schedule: (delayMs, run) => site.bench.schedule(delayMs, run),
      setting: { enabled: false, periodS: 3600, holdOffS: 300, terms: REOPTIMISE_TERMS },
    })
    try {
      await client.lock("running")
      const locked = await (await reoptimise.rounds.carryOut()).done
      assert.equal(locked.moved, 0)
      assert.match(locked.ended ?? "", /^sae-a - sae-c: .*lock/)
      assert.equal(state(), "failed")
      await client.unlock("running")
      const { done } = await reoptimise.rounds.carryOut()
      assert.deepEqual(await done, { moved: 2 })
      assert.deepEqual(
        [state(), all("service_state", await client.get()).map(textOf)],
        ["active", ["active", "active"]],
      )
    } finally {
      await reoptimise.close()
      await controller.stop()
    }
  })

  it("keeps observers from changing, locking and reading credentials", async () => {
    const site = await Site.open()
    const client = await site.login("vera")
    const config = await client.getConfig("running")
    assert.equal(all("qkd_node", config).length, 4)
    assert.equal(all("host", config).length, 4)
    assert.deepEqual([...all("private_key_file", config), ...all("username", config)], [])
    for (const work of [
      client.editConfig("running", appsXml(appXml(1, "a", "b"))),
      client.lock("running"),
      client.rpc(
        `<remove-application xmlns="urn:keyloom:yang:keyloom-connectivity"><app_id>${appId(1)}</app_id></remove-application>`,
      ),
    ]) {
      const error = await refused(work)
      assert.equal(error.tag, "access-denied", error.message)
    }
    assert.equal(site.bench.controller.network().services.size, 0)
  })

  it("takes a candidate whole, and goes back when nobody confirms", async () => {
    const kept: unknown[] = []
    const site = await Site.open({
      unconfirmed: {
        keep: (before) => Promise.resolve(void kept.push(before)),
        forget: () => Promise.resolve(void kept.push("forgotten")),
      },
    })
    const client = await site.login()
    await client.editConfig("candidate", appsXml(appXml(1, "a", "c")))
    assert.equal(site.bench.controller.network().services.size, 0)
    await client.commit({ confirmed: { timeoutS: 60 } })
    await site.bench.settle()
    assert.equal(site.bench.controller.network().services.get(appId(1))?.state, "active")
    site.netconf.clock.pass(61_000)
    await site.bench.settle()
    assert.equal(site.bench.controller.network().services.size, 0)
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
    assert.deepEqual(kept.at(-1), "forgotten")
  })

  it("does not let anybody edit the access rules", async () => {
    const site = await Site.open()
    const client = await site.login()
    const error = await refused(
      client.editConfig(
        "running",
        `<nacm xmlns="urn:ietf:params:xml:ns:yang:ietf-netconf-acm"><enable-nacm>false</enable-nacm></nacm>`,
      ),
    )
    assert.equal(error.tag, "operation-not-supported")
  })
})
