// Dynamic subscriptions to a stream over NETCONF (RFC 8639, RFC 8640): rpcs, refusals, notices, what is shown of them.

import assert from "node:assert/strict"
import type { QkdError } from "../../src/errors.js"
import { childrenOf, writeXml } from "../../src/yang/xml-tree.js"
import { NS, depotXml, faultOf, settle } from "./fixture.js"
import {
  SN_NS,
  YP_NS,
  establish,
  establishXml,
  heard,
  refusal,
  subscribedDepot,
} from "./subscribed-fixture.js"

const empty = (id: string, colour?: string) => ({
  "depot:shelf-empty": { id, ...(colour === undefined ? {} : { colour }) },
})
const STREAM = "<stream>NETCONF</stream>"
const redFilter = `<stream-subtree-filter><shelf-empty xmlns="${NS}"><colour>red</colour></shelf-empty></stream-subtree-filter>`
const byId = (name: string, id: number, inside = ""): string =>
  `<${name} xmlns="${SN_NS}"><id>${id}</id>${inside}</${name}>`
const ids = (got: readonly string[]): string[] =>
  got.map((xml) => /<id[^>]*>([a-z]+)</.exec(xml)?.[1] ?? /<([a-z-]+)/.exec(xml)?.[1] ?? "")

describe("a dynamic subscription", () => {
  it("is one of several in a session, each with its own id and filter, between replies", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    const got = heard(client)
    const all = await establish(client, STREAM)
    const red = await establish(client, STREAM + redFilter)
    assert.ok(all >= 2 ** 31 && red > all, "ids of the upper half")
    server.notify(empty("a", "red"))
    server.notify(empty("b", "green"))
    await client.get()
    await settle()
    assert.deepEqual(ids(got), ["a", "a", "b"])
  })

  it("is filtered by XPath with the prefixes in scope, or with module names", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    const got = heard(client)
    await establish(
      client,
      `${STREAM}<stream-xpath-filter xmlns:x="${NS}">/x:shelf-empty[x:colour='green']</stream-xpath-filter>`,
    )
    await establish(
      client,
      `${STREAM}<stream-xpath-filter>/depot:shelf-empty/depot:colour = 'red'</stream-xpath-filter>`,
    )
    server.notify(empty("a", "red"))
    server.notify(empty("b", "green"))
    server.notify(empty("c"))
    await settle()
    assert.deepEqual(ids(got), ["a", "b"])
  })

  it("replays, says when that is done, and says how far back the log goes", async () => {
    const { connect, server, backend, clock } = subscribedDepot()
    const started = clock.now()
    clock.pass(1000)
    backend.kept.push({ timeMs: clock.now(), event: empty("old") })
    clock.pass(1000)
    const { client } = await connect()
    const got = heard(client)
    const far = new Date(started - 60_000).toISOString()
    const reply = writeXml(
      await client.rpc(
        establishXml(
          `${STREAM}${redFilter.replace("<colour>red</colour>", "")}<replay-start-time>${far}</replay-start-time>`,
        ),
      ),
    )
    assert.match(
      reply,
      new RegExp(`<replay-start-time-revision[^>]*>${new Date(started).toISOString()}<`),
    )
    server.notify(empty("new"))
    await settle()
    assert.deepEqual(ids(got), ["old", "replay-completed", "new"])
  })

  it("ends at its stop time, and its receiver is told", async () => {
    const { connect, server, clock } = subscribedDepot()
    const { client } = await connect()
    const got = heard(client)
    const stop = new Date(clock.now() + 5000).toISOString()
    await establish(client, `${STREAM}<stop-time>${stop}</stop-time>`)
    clock.pass(5000)
    server.notify(empty("late"))
    await settle()
    assert.deepEqual(ids(got), ["subscription-terminated"])
    assert.match(got[0] ?? "", /no-such-subscription/)
    assert.equal(server.publisher.desk?.size, 0)
  })

  it("takes another filter and stop time, and other sessions cannot touch it", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    const other = (await connect()).client
    const got = heard(client)
    const id = await establish(client, STREAM)
    server.notify(empty("a", "green"))
    await client.rpc(byId("modify-subscription", id, redFilter))
    server.notify(empty("b", "green"))
    server.notify(empty("c", "red"))
    await settle()
    assert.deepEqual(ids(got), ["a", "c"])
    for (const rpc of ["modify-subscription", "delete-subscription"]) {
      const inside = rpc === "modify-subscription" ? redFilter : ""
      const error = await refusal(other.rpc(byId(rpc, id, inside)))
      assert.equal(error.tag, "invalid-value")
      assert.equal(error.appTag, "ietf-subscribed-notifications:no-such-subscription")
    }
  })

  it("deleted by its session is silent at once; killed by another, its receiver is told", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    const other = (await connect()).client
    const got = heard(client)
    const first = await establish(client, STREAM)
    const second = await establish(client, STREAM + redFilter)
    await client.rpc(byId("delete-subscription", first))
    server.notify(empty("a", "green"))
    await other.rpc(byId("kill-subscription", second))
    server.notify(empty("b", "red"))
    await settle()
    assert.deepEqual(ids(got), ["subscription-terminated"])
    const gone = await refusal(other.rpc(byId("kill-subscription", second)))
    assert.deepEqual(gone.structure?.leafs, { reason: "i:no-such-subscription" })
    assert.equal(gone.structure.name, "delete-subscription-error-info")
  })

  it("is refused with the identity of what was wrong, and a hint", async () => {
    const { connect, clock } = subscribedDepot()
    const { client } = await connect()
    const wrong = async (inside: string): Promise<QkdError> =>
      refusal(client.rpc(establishXml(inside)))
    const json = await wrong(`${STREAM}<encoding>encode-json</encoding>`)
    assert.equal(json.appTag, "ietf-subscribed-notifications:encoding-unsupported")
    assert.equal((await wrong("<stream>snmp</stream>")).tag, "invalid-value")
    const xpath = await wrong(`${STREAM}<stream-xpath-filter>/depot:[</stream-xpath-filter>`)
    assert.equal(xpath.appTag, "ietf-subscribed-notifications:filter-unsupported")
    assert.equal(xpath.structure?.name, "establish-subscription-stream-error-info")
    assert.ok(String(xpath.structure.leafs["filter-failure-hint"]).length > 0)
    const named = await wrong(`${STREAM}<stream-filter-name>none</stream-filter-name>`)
    assert.equal(named.appTag, "ietf-subscribed-notifications:filter-unsupported")
    const later = new Date(clock.now() + 1000).toISOString()
    assert.equal(
      (await wrong(`${STREAM}<replay-start-time>${later}</replay-start-time>`)).tag,
      "invalid-value",
    )
    const past = new Date(clock.now() - 1000).toISOString()
    assert.equal((await wrong(`${STREAM}<stop-time>${past}</stop-time>`)).tag, "invalid-value")
    assert.equal((await wrong(`${STREAM}<dscp>10</dscp>`)).tag, "unknown-element")
    assert.equal((await wrong("")).appTag, "missing-choice")
  })

  it("and one of RFC 5277 are not both in one session", async () => {
    const { connect } = subscribedDepot()
    const first = (await connect()).client
    await establish(first, STREAM)
    assert.equal(await faultOf(first.createSubscription()), "operation-not-supported")
    const second = (await connect()).client
    await second.createSubscription()
    assert.equal(await faultOf(second.rpc(establishXml(STREAM))), "operation-not-supported")
  })

  it("goes with its session", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    await establish(client, STREAM)
    assert.equal(server.publisher.netconf.listeners, 1)
    await client.close()
    await settle()
    assert.equal(server.publisher.desk?.size, 0)
    assert.equal(server.publisher.netconf.listeners, 0)
  })

  it("is limited in number, for one session", async () => {
    const { connect } = subscribedDepot()
    const { client } = await connect()
    for (let i = 0; i < 32; i++) await establish(client, STREAM)
    const error = await refusal(client.rpc(establishXml(STREAM)))
    assert.equal(error.tag, "resource-denied")
    assert.equal(error.appTag, "ietf-subscribed-notifications:insufficient-resources")
  })

  it("with a filter of that name goes on with what the filter becomes, and ends when it goes", async () => {
    const { connect, server } = subscribedDepot()
    const { client } = await connect()
    const editor = (await connect()).client
    const filters = (colour: string): string =>
      `<filters xmlns="${SN_NS}"><stream-filter><name>f</name><stream-subtree-filter><shelf-empty xmlns="${NS}"><colour>${colour}</colour></shelf-empty></stream-subtree-filter></stream-filter></filters>`
    await editor.editConfig("running", filters("red"))
    const got = heard(client)
    await establish(client, `${STREAM}<stream-filter-name>f</stream-filter-name>`)
    server.notify(empty("a", "green"))
    server.notify(empty("b", "red"))
    await editor.editConfig("running", filters("green"))
    server.notify(empty("c", "red"))
    server.notify(empty("d", "green"))
    await editor.editConfig("running", `<filters xmlns="${SN_NS}"/>`, {
      defaultOperation: "replace",
    })
    server.notify(empty("e", "green"))
    await settle()
    assert.deepEqual(ids(got), ["b", "subscription-modified", "d", "subscription-terminated"])
    assert.match(got[1] ?? "", /<stream-filter-name>f<.*<stream>NETCONF</)
    assert.match(got[3] ?? "", /filter-unavailable/)
  })

  it("rests while its session does not read, and is told when it goes on", async () => {
    const { connect, server } = subscribedDepot({}, { maxNotificationBacklogBytes: 20_000 })
    const { client, toClient } = await connect()
    const got = heard(client)
    const busy = heard((await connect()).client)
    await establish(client, STREAM)
    toClient.stalled = true
    for (let i = 0; i < 400; i++) server.notify(empty("a"))
    assert.equal(client.capabilities.length > 0, true)
    toClient.stalled = false
    toClient.flow()
    await settle()
    server.notify(empty("z"))
    await settle()
    const seen = ids(got)
    const rest = seen.indexOf("subscription-suspended")
    assert.ok(rest > 0 && rest < 400, String(rest))
    assert.deepEqual(seen.slice(rest), ["subscription-suspended", "subscription-resumed", "z"])
    assert.match(got[rest] ?? "", /unsupportable-volume/)
    assert.deepEqual(busy, [])
  })

  it("that rests too long is over", async () => {
    const { connect, server, clock } = subscribedDepot({}, { maxNotificationBacklogBytes: 20_000 })
    const { client, toClient } = await connect()
    await establish(client, STREAM)
    toClient.stalled = true
    for (let i = 0; i < 400; i++) server.notify(empty("a"))
    assert.equal(server.publisher.desk?.size, 1)
    clock.pass(60_000)
    assert.equal(server.publisher.desk.size, 0)
  })
})

describe("what a publisher shows of itself", () => {
  it("are its streams and subscriptions, valid by the model", async () => {
    const { connect } = subscribedDepot()
    const { client } = await connect()
    const id = await establish(client, STREAM + redFilter)
    const data = await client.get(`<streams xmlns="${SN_NS}"/><subscriptions xmlns="${SN_NS}"/>`)
    const text = data.map(writeXml).join("")
    assert.match(text, /<stream><name>NETCONF<.*<replay-support\/><replay-log-creation-time>2026-/)
    assert.match(text, new RegExp(`<subscription><id>${id}<.*<shelf-empty.*<stream>NETCONF<`))
    assert.match(text, /encode-xml<.*<sent-event-records>0<.*<state>active</)
    assert.equal(data.flatMap(childrenOf).length, 2)
  })

  it("cannot be configured: subscriptions are had by rpc alone", async () => {
    const { connect } = subscribedDepot()
    const { client } = await connect()
    const xml = `<subscriptions xmlns="${SN_NS}"><subscription><id>1</id><stream>NETCONF</stream><encoding>encode-xml</encoding><receivers><receiver><name>r</name></receiver></receivers></subscription></subscriptions>`
    assert.equal(await faultOf(client.editConfig("running", xml)), "operation-not-supported")
  })

  it("is in its hello", async () => {
    const { client } = await subscribedDepot().connect()
    for (const ns of [SN_NS, YP_NS])
      assert.ok(
        client.capabilities.some((c) => c.startsWith(`${ns}?module=`)),
        ns,
      )
    assert.equal(depotXml("").includes(NS), true)
  })
})
