// The operations an orchestrator calls, and what it hears: candidates, a chosen path, moves; notifications with the
// WebSocket's numbers, alarms that rise and clear.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { NetconfNotification } from "../../src/netconf/client.js"
import { textOf, type XmlElement } from "../../src/yang/xml-tree.js"
import { all, appId, appsXml, appXml, linkId, nodeId, rpcXml, Site, text } from "./network-site.js"

async function ready(): Promise<{ site: Site; client: Awaited<ReturnType<Site["login"]>> }> {
  const site = await Site.open()
  const client = await site.login()
  await client.editConfig("running", appsXml(appXml(1, "a", "c")))
  await site.bench.settle()
  return { site, client }
}

const APP1 = `<app_id>${appId(1)}</app_id>`

function hopsOf(path: XmlElement): string[] {
  return all("phys_link_id", [path]).map((one) => textOf(one))
}

async function tagOf(
  work: Promise<unknown>,
): Promise<[string, string | undefined, string | undefined]> {
  const error = await work.then(
    () => assert.fail("it was not refused"),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof QkdError)) throw error
  const path = error.path?.replaceAll("keyloom-connectivity:", "")
  return [error.tag, error.appTag, path]
}

describe("the operations of the network", () => {
  it("register an application, once under a name", async () => {
    const site = await Site.open()
    const client = await site.login()
    const input = `${APP1}<server_app_id>sae-a</server_app_id><client_app_id>sae-b</client_app_id><app_qos><min_bandwidth>20</min_bandwidth></app_qos>`
    const reply = await client.rpc(rpcXml("register-application", input))
    assert.equal(text("app_id", [reply]), appId(1))
    assert.equal(text("service_state", [reply]), "pending")
    assert.equal(text("min_bandwidth", await client.getConfig("running")), "20")
    assert.deepEqual(await tagOf(client.rpc(rpcXml("register-application", input))), [
      "data-exists",
      undefined,
      "/register-application",
    ])
    const unknown = input.replace("sae-b", "sae-z")
    assert.deepEqual(await tagOf(client.rpc(rpcXml("register-application", unknown))), [
      "data-missing",
      "unknown-sae",
      "/register-application/client_app_id",
    ])
  })

  it("keep an order without a path, and say why there is none", async () => {
    const site = await Site.open()
    const client = await site.login()
    const input =
      "<server_app_id>sae-a</server_app_id><client_app_id>sae-b</client_app_id><app_qos><min_bandwidth>9999</min_bandwidth></app_qos>"
    const reply = await client.rpc(rpcXml("register-application", input))
    assert.equal(text("service_state", [reply]), "failed")
    assert.match(text("reason", [reply]) ?? "", /^no path with 9999 bit\/s/)
  })

  it("compute candidates over links with so much key in store, or say which link has less", async () => {
    const { site, client } = await ready()
    const short = `${APP1}<min_stock>5000</min_stock>`
    const none = await client.rpc(rpcXml("compute-candidate-paths", short))
    assert.equal(text("reason_tag", [none]), "no-capacity")
    assert.match(text("reason", [none]) ?? "", /^no path over links with 5000 bit in store: /)
    const reports = [...site.bench.controller.network().links.values()].flatMap(
      ({ qkdlId, a, b }) =>
        [a, b].map(({ qkdnId }) => ({
          qkdnId,
          qkdlId,
          performance: { skrBps: 1000, stockBits: 6000 },
        })),
    )
    await site.bench.submit({ kind: "performance", reports })
    const found = await client.rpc(rpcXml("compute-candidate-paths", short))
    const stocks = all("candidate_path", [found]).map((one) => text("stock", [one]))
    assert.deepEqual(stocks, ["6000", "6000"])
  })

  it("compute candidates, keep them with the application, and deploy the chosen one", async () => {
    const { site, client } = await ready()
    const reply = await client.rpc(
      rpcXml("compute-candidate-paths", `${APP1}<max_paths>5</max_paths>`),
    )
    const candidates = all("candidate_path", [reply])
    assert.equal(candidates.length, 2)
    assert.deepEqual(
      candidates.map((one) => [
        text("hop_count", [one]),
        text("length", [one]),
        text("free_bandwidth", [one]),
      ]),
      [
        ["2", "25.0", "900"],
        ["2", "25.0", "900"],
      ],
    )
    const [inUse] = candidates.filter((one) => text("deployed", [one]) === "true")
    const [other] = candidates.filter((one) => text("deployed", [one]) === "false")
    assert(inUse !== undefined && other !== undefined)
    const pathId = text("path_id", [other]) ?? assert.fail()
    await client.rpc(rpcXml("deploy-path", `${APP1}<path_id>${pathId}</path_id>`))
    await site.bench.settle()
    const data = await client.get()
    assert.deepEqual(hopsOf(all("deployed_path", data)[0] ?? assert.fail()), hopsOf(other))
    const kept = all("candidate_path", data)
    assert.deepEqual(
      kept.filter((one) => text("deployed", [one]) === "true").map((one) => text("path_id", [one])),
      [pathId],
    )
  })

  it("deploy a candidate that nobody has computed since the start", async () => {
    const { client } = await ready()
    const reply = await client.rpc(rpcXml("compute-candidate-paths", APP1))
    const [id] = all("path_id", [reply]).map((one) => textOf(one))
    const { client: later } = await ready()
    await later.rpc(rpcXml("deploy-path", `${APP1}<path_id>${id ?? ""}</path_id>`))
    assert.deepEqual(
      await tagOf(later.rpc(rpcXml("deploy-path", `${APP1}<path_id>${appId(9)}</path_id>`))),
      ["data-missing", undefined, "/deploy-path/path_id"],
    )
  })

  it("compute for an order that could be made, with what is to be kept clear of, or say why not", async () => {
    const site = await Site.open()
    const client = await site.login("vera")
    const order = (more: string): string =>
      rpcXml(
        "compute-candidate-paths",
        `<order><server_app_id>sae-a</server_app_id><client_app_id>sae-c</client_app_id></order>${more}`,
      )
    const clear = await client.rpc(order(`<exclude_qkdn_id>${nodeId("b")}</exclude_qkdn_id>`))
    assert.deepEqual(all("candidate_path", [clear]).map(hopsOf), [[linkId("ad"), linkId("dc")]])
    const none = await client.rpc(
      order(
        `<exclude_qkdn_id>${nodeId("b")}</exclude_qkdn_id><exclude_phys_link_id>${linkId("ad")}</exclude_phys_link_id>`,
      ),
    )
    assert.equal(text("reason_tag", [none]), "no-path")
    assert.match(text("reason", [none]) ?? "", /^no path/)
    assert.deepEqual(await tagOf(client.rpc(rpcXml("compute-candidate-paths", APP1))), [
      "data-missing",
      undefined,
      "/compute-candidate-paths/app_id",
    ])
  })

  it("deploy a path given link by link, or say which link is wrong", async () => {
    const { site, client } = await ready()
    const links = (...ends: string[]): string =>
      ends.map((one) => `<phys_link_id>${linkId(one)}</phys_link_id>`).join("")
    await client.rpc(rpcXml("deploy-path", `${APP1}${links("ad", "dc")}`))
    await site.bench.settle()
    const [path] = all("deployed_path", await client.get())
    assert.deepEqual(hopsOf(path ?? assert.fail()), [linkId("ad"), linkId("dc")])
    assert.deepEqual(
      await tagOf(client.rpc(rpcXml("deploy-path", `${APP1}${links("ab", "dc")}`))),
      ["invalid-value", undefined, "/deploy-path/phys_link_id[2]"],
    )
    await site.status("bc", "OFF")
    assert.deepEqual(
      await tagOf(client.rpc(rpcXml("deploy-path", `${APP1}${links("ab", "bc")}`))),
      ["resource-denied", "no-path", "/deploy-path/phys_link_id[2]"],
    )
    const neither = await tagOf(client.rpc(rpcXml("deploy-path", APP1)))
    assert.equal(neither[1], "missing-choice")
  })

  it("move a service, and remove it", async () => {
    const { site, client } = await ready()
    const path = async (): Promise<string[]> =>
      hopsOf(all("deployed_path", await client.get())[0] ?? assert.fail())
    const before = await path()
    await client.rpc(rpcXml("move-service", APP1))
    await site.bench.settle()
    const after = await path()
    assert.notDeepEqual(after, before)
    await client.rpc(
      rpcXml("move-service", `${APP1}<exclude_phys_link_id>${after[0]}</exclude_phys_link_id>`),
    )
    await site.bench.settle()
    assert.deepEqual(await path(), before)
    await site.status("ad", "OFF")
    const nowhere = await tagOf(client.rpc(rpcXml("move-service", APP1)))
    assert.deepEqual(nowhere.slice(0, 2), ["resource-denied", "no-path"])
    await client.rpc(rpcXml("remove-application", APP1))
    assert.equal(all("qkd_app", await client.getConfig("running")).length, 0)
    await site.bench.settle()
    assert.equal(all("qkd_app", await client.get()).length, 0)
    assert.deepEqual(await tagOf(client.rpc(rpcXml("remove-application", APP1))), [
      "data-missing",
      undefined,
      "/remove-application",
    ])
  })
})

describe("the notifications of the network", () => {
  async function take(
    from: AsyncIterator<NetconfNotification>,
    count: number,
  ): Promise<XmlElement[]> {
    const heard: XmlElement[] = []
    while (heard.length < count) {
      const next = await from.next()
      if (next.done === true) break
      heard.push(next.value.event)
    }
    return heard
  }

  async function until(
    from: AsyncIterator<NetconfNotification>,
    name: string,
  ): Promise<XmlElement> {
    for (;;) {
      const [event] = await take(from, 1)
      if (event === undefined) return assert.fail(`the session ended before ${name}`)
      if (event.name === name) return event
    }
  }

  it("tell every change with the WebSocket's number, and alarms with their cause", async () => {
    const { site } = await ready()
    const client = await site.login("vera")
    await client.createSubscription()
    const heard = client.notifications[Symbol.asyncIterator]()
    const from = site.bench.controller.lastSeq()
    await site.status("ab", "OFF")
    await site.bench.settle()
    const notices = site.bench.controller.noticesSince(from) ?? []
    const changes = notices.filter((notice) => notice.topic !== "log")
    const events = await take(heard, notices.length + 1)
    const told = events.filter((event) => !event.name.startsWith("alarm"))
    assert.deepEqual(
      told.map((event) => [text("seq", [event]), text("change", [event])]),
      notices.map(({ seq, type }) => [String(seq), type]),
    )
    assert(changes.length > 1)
    const [alarm] = events.filter((event) => event.name === "alarm-raised")
    assert(alarm !== undefined)
    assert.equal(text("alarm_type", [alarm]), "link-down")
    assert.equal(text("resource_id", [alarm]), linkId("ab"))
    const data = await client.get()
    assert.deepEqual(
      all("alarm_id", data).map((one) => textOf(one)),
      [`link-down:${linkId("ab")}`],
    )
    await site.status("ab", "ACTIVE")
    const cleared = await until(heard, "alarm-cleared")
    assert.equal(text("alarm_id", [cleared]), `link-down:${linkId("ab")}`)
    assert.deepEqual(all("alarm", await client.get()), [])
  })

  it("tell of a bulk order that will be late as an alarm, and show its key stream as state", async () => {
    const site = await Site.open()
    const client = await site.login("vera")
    await client.createSubscription()
    const heard = client.notifications[Symbol.asyncIterator]()
    const reply = await site.bench.submit({
      kind: "bulk-ordered",
      orderId: appId(7),
      fromSaeId: "sae-a",
      toSaeId: "sae-b",
      volumeBits: 25_600,
      keySizeBits: 256,
      deadlineMs: site.bench.now + 3_600_000,
      terms: { priority: 0, avoidNodes: [] },
      bestEffort: false,
    })
    assert.deepEqual(reply, { ok: true, id: appId(7) })
    await site.bench.settle()
    assert.equal(text("origin", await client.get()), "bulk")
    assert.deepEqual(
      all("qkd_app", await client.getConfig("running")),
      [],
      "it is no configuration",
    )
    for (const [qkdnId] of site.bench.controller.network().nodes)
      await site.bench.submit({ kind: "node-lost", qkdnId, reason: "connection reset" })
    for (const ends of ["ab", "bc", "cd", "da"]) await site.status(ends, "OFF")
    await site.bench.pass(300)
    let raised = await until(heard, "alarm-raised")
    while (text("alarm_type", [raised]) !== "order-late")
      raised = await until(heard, "alarm-raised")
    assert.deepEqual(
      [text("resource", [raised]), text("resource_id", [raised])],
      ["order", appId(7)],
    )
    assert.match(text("message", [raised]) ?? "", /^sae-a to sae-b: 0 of 25600 bits, due /)
    await site.bench.submit({ kind: "bulk-cancelled", orderId: appId(7) })
    let cleared = await until(heard, "alarm-cleared")
    while (text("alarm_id", [cleared]) !== `order-late:${appId(7)}`)
      cleared = await until(heard, "alarm-cleared")
  })

  it("come again on request, from the time that is asked for", async () => {
    const { site } = await ready()
    const client = await site.login()
    site.netconf.clock.pass(365 * 24 * 3_600_000)
    await client.createSubscription({ startTime: "2026-01-01T00:00:00Z" })
    const heard = client.notifications[Symbol.asyncIterator]()
    const seen: string[] = []
    while (seen.at(-1) !== "replayComplete") {
      const [event] = await take(heard, 1)
      seen.push(event?.name ?? "over")
    }
    assert(seen.includes("app-changed"))
    assert(seen.includes("phys-link-changed"))
  })
})
