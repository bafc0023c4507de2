// Subscriptions: who gets which event, in what order, and what happens to those who do not read.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import type { NetconfClientSession } from "../../src/netconf/client.js"
import { childrenOf, textOf } from "../../src/yang/xml-tree.js"
import { DepotBackend, NS, depot, faultOf, settle } from "./fixture.js"

const empty = (id: string, colour?: string) => ({
  "depot:shelf-empty": { id, ...(colour === undefined ? {} : { colour }) },
})

/** Ids, or names of events without id, as they come; ends with the session. */
function collect(client: NetconfClientSession): string[] {
  const got: string[] = []
  void (async () => {
    for await (const { event } of client.notifications)
      got.push(childrenOf(event).map(textOf)[0] ?? event.name)
  })()
  return got
}

describe("a subscription", () => {
  it("brings every event after it, in order, with its time, between replies", async () => {
    const { connect, server, clock } = depot()
    const { client } = await connect()
    server.notify(empty("before"))
    await client.createSubscription()
    const times: string[] = []
    const reader = (async () => {
      for await (const { eventTime, event } of client.notifications) {
        assert.equal(event.ns, NS)
        times.push(eventTime)
        if (times.length === 2) return
      }
    })()
    server.notify(empty("a"))
    clock.pass(1500)
    server.notify(empty("b"))
    assert.equal((await client.getConfig("running")).length, 0) // interleave
    await reader
    assert.deepEqual(times, ["2026-01-01T00:00:00.000Z", "2026-01-01T00:00:01.500Z"])
  })

  it("is had by those who asked, and filtered for each", async () => {
    const { connect, server } = depot()
    const all = (await connect()).client
    const red = (await connect()).client
    const none = (await connect()).client
    await all.createSubscription({ stream: "NETCONF" })
    await red.createSubscription({
      filterXml: `<shelf-empty xmlns="${NS}"><colour>red</colour></shelf-empty>`,
    })
    const [gotAll, gotRed, gotNone] = [collect(all), collect(red), collect(none)]
    server.notify(empty("a", "red"))
    server.notify(empty("b", "green"))
    server.notify(empty("c"))
    await settle()
    assert.deepEqual(gotAll, ["a", "b", "c"])
    assert.deepEqual(gotRed, ["a"])
    assert.deepEqual(gotNone, [])
  })

  it("is filtered by XPath, and refused one that cannot be read", async () => {
    const { connect, server } = depot()
    const { client } = await connect()
    const create = (filter: string): Promise<unknown> =>
      client.rpc(
        `<create-subscription xmlns="urn:ietf:params:xml:ns:netconf:notification:1.0">${filter}</create-subscription>`,
      )
    assert.equal(await faultOf(create('<filter type="xpath" select="/d:x["/>')), "invalid-value")
    assert.equal(await faultOf(create('<filter type="xpath"/>')), "missing-attribute")
    await create(`<filter type="xpath" xmlns:d="${NS}" select="//d:colour[.='red']"/>`)
    const got = collect(client)
    server.notify(empty("a", "red"))
    server.notify(empty("b", "green"))
    await settle()
    assert.deepEqual(got, ["a"])
  })

  it("is one a session, on the one stream, with sound times", async () => {
    const { client } = await depot().connect()
    const sub = (options: object) => faultOf(client.createSubscription(options))
    assert.equal(await sub({ stream: "snmp" }), "invalid-value")
    assert.equal(await sub({ stopTime: "2026-02-01T00:00:00Z" }), "missing-element")
    assert.equal(await sub({ startTime: "2027-01-01T00:00:00Z" }), "bad-element")
    assert.equal(await sub({ startTime: "yesterday" }), "bad-element")
    // This backend keeps no past events.
    assert.equal(await sub({ startTime: "2025-01-01T00:00:00Z" }), "operation-failed")
    assert.equal(await sub({}), "none")
    assert.equal(await sub({}), "operation-failed")
  })

  it("replays what the backend kept, says when that is over, and stops when told", async () => {
    const backend = new DepotBackend()
    const asked: number[][] = []
    backend.replay = (from, to) => {
      asked.push([from, to])
      return [{ timeMs: from, event: empty("old") }]
    }
    const { connect, server, clock } = depot({}, {}, backend)
    const { client } = await connect()
    const got = collect(client)
    await client.createSubscription({
      startTime: "2025-12-31T23:00:00Z",
      stopTime: "2026-01-01T01:00:00Z",
    })
    server.notify(empty("new"))
    await settle()
    assert.deepEqual(got, ["old", "replayComplete", "new"])
    assert.deepEqual(asked, [[Date.UTC(2025, 11, 31, 23), Date.UTC(2026, 0, 1)]])
    clock.pass(3_600_000)
    server.notify(empty("late"))
    await settle()
    assert.deepEqual(got.slice(3), ["notificationComplete"])
    await client.createSubscription() // the first is over
  })

  it("has its marks in the namespace of RFC 5277 section 3.4", async () => {
    const backend = new DepotBackend()
    backend.replay = () => []
    const { connect, clock } = depot({}, {}, backend)
    const { client } = await connect()
    const marks: string[] = []
    void (async () => {
      for await (const { event } of client.notifications) marks.push(`${event.ns} ${event.name}`)
    })()
    await client.createSubscription({
      startTime: "2025-12-31T23:00:00Z",
      stopTime: "2026-01-01T01:00:00Z",
    })
    clock.pass(3_600_000)
    await settle()
    assert.deepEqual(marks, [
      "urn:ietf:params:xml:ns:netmod:notification replayComplete",
      "urn:ietf:params:xml:ns:netmod:notification notificationComplete",
    ])
  })

  it("whose replay fails ends its session, and the server lives", async () => {
    const backend = new DepotBackend()
    backend.replay = () => {
      throw new TypeError("the log is broken")
    }
    const { connect, server, reports } = depot({}, {}, backend)
    const { client } = await connect()
    await client.createSubscription({ startTime: "2025-12-31T23:00:00Z" })
    assert.equal((await client.closedReason).appTag, "closed")
    assert.ok(reports.some((r) => r.kind === "bug"))
    assert.deepEqual(server.sessions, [])
    assert.equal(await faultOf((await connect()).client.get()), "none")
  })

  it("gets nothing that the schema does not know", async () => {
    const { connect, server } = depot()
    const { client } = await connect()
    await client.createSubscription()
    const got = collect(client)
    const wrong = [{ "depot:shelf-empty": { id: 7 } }, { "depot:nothing": {} }, { "x:y": {} }]
    for (const event of wrong)
      assert.throws(() => {
        server.notify(event)
      }, QkdError)
    await settle()
    assert.deepEqual(got, [])
  })
})

describe("a subscriber that does not read", () => {
  it("at the network loses its session, and no other does", async () => {
    const { connect, server, reports } = depot({}, { maxNotificationBacklogBytes: 10_000 })
    const stuck = await connect()
    const good = await connect()
    await stuck.client.createSubscription()
    await good.client.createSubscription()
    const got = collect(good.client)
    stuck.toClient.stalled = true
    for (let i = 0; i < 500; i++) {
      server.notify(empty(String(i)))
      if (i % 20 === 0) await settle()
    }
    await settle()
    assert.equal(got.length, 500)
    assert.ok(stuck.toClient.queuedBytes() < 11_000)
    assert.deepEqual(
      server.sessions.map((s) => s.sessionId),
      [good.client.sessionId],
    )
    const end = reports.find((r) => r.kind === "ended")
    assert.equal(end?.reason.tag, "resource-denied")
  })

  it("in the client's own program ends the session rather than losing one", async () => {
    const { connect, server } = depot()
    const { client } = await connect({ maxNotifications: 10 })
    await client.createSubscription()
    for (let i = 0; i < 11; i++) server.notify(empty(String(i)))
    assert.equal((await client.closedReason).tag, "resource-denied")
    const got: unknown[] = []
    for await (const n of client.notifications) got.push(n)
    assert.equal(got.length, 10)
  })
})
