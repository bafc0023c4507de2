// What a server tells of itself (RFC 6470): edits, sessions, confirmed commits, in the stream NETCONF and in its replay.

import assert from "node:assert/strict"
import { configChange } from "../../src/netconf/base-notifications.js"
import { OWNER } from "../../src/netconf/datastore.js"
import { NS, depotXml, settle } from "./fixture.js"
import {
  SubscribedBackend,
  establish,
  heard,
  subscribedDepot,
  subscribedSchema,
} from "./subscribed-fixture.js"
import { depot } from "./fixture.js"

const NCN = "urn:ietf:params:xml:ns:yang:ietf-netconf-notifications"
const SHELVES = { "depot:depot": { shelf: [{ id: "a" }, { id: "b" }] } }

describe("the base notifications", () => {
  it("tell who changed what, node by node, with the paths of the nodes", async () => {
    const { connect } = subscribedDepot(SHELVES)
    const listener = (await connect()).client
    const editor = (await connect({ username: "bob" })).client
    await listener.createSubscription()
    const got = heard(listener)
    await editor.editConfig(
      "running",
      depotXml(
        `<name>n</name><shelf><id>a</id><colour>red</colour></shelf><shelf xmlns:x="urn:ietf:params:xml:ns:netconf:base:1.0" x:operation="remove"><id>b</id></shelf>`,
      ),
    )
    await settle()
    const [note] = got
    assert.match(
      note ?? "",
      new RegExp(
        `^<netconf-config-change xmlns="${NCN}"><changed-by><username>bob</username><session-id>${editor.sessionId}</session-id><source-host>192.0.2.1</source-host></changed-by><datastore>running</datastore>`,
      ),
    )
    const edits = [
      ...(note ?? "").matchAll(
        /<edit><target xmlns:(\w+)="urn:keyloom:test:depot">([^<]+)<\/target><operation>(\w+)</g,
      ),
    ].map(
      ([, prefix, target, operation]) =>
        `${operation ?? ""} ${(target ?? "").replaceAll(`${prefix ?? ""}:`, "")}`,
    )
    assert.deepEqual(edits.sort(), [
      "create /depot/name",
      "create /depot/shelf[id='a']/colour",
      "delete /depot/shelf[id='b']",
    ])
  })

  it("name the server where its owner changed something, and are silent where nothing changed", async () => {
    const { connect, server } = subscribedDepot(SHELVES)
    const { client } = await connect()
    await client.createSubscription()
    const got = heard(client)
    await client.editConfig("running", depotXml("<shelf><id>a</id></shelf>"))
    await server.datastore.update(() => ({ "depot:depot": { name: "own" } }))
    await settle()
    assert.equal(got.length, 1)
    assert.match(got[0] ?? "", /<changed-by><server\/><\/changed-by>/)
  })

  it("tell a great change as the nodes at the top that it is in", () => {
    const many = Array.from({ length: 500 }, (_, i) => ({ id: `s${i}` }))
    const event = configChange(subscribedSchema(), { "depot:depot": { shelf: many } }, {}, OWNER)
    assert.deepEqual(event?.["ietf-netconf-notifications:netconf-config-change"], {
      "changed-by": { server: [null] },
      datastore: "running",
      edit: [{ target: "/depot:depot", operation: "merge" }],
    })
  })

  it("tell of sessions, and how each of them ended", async () => {
    const { connect, raw, clock } = subscribedDepot()
    const listener = (await connect()).client
    await listener.createSubscription()
    const got = heard(listener)
    const closing = (await connect({ username: "closing" })).client
    await closing.close()
    const killed = (await connect({ username: "killed" })).client
    await listener.rpc(`<kill-session><session-id>${killed.sessionId}</session-id></kill-session>`)
    const dropped = (await connect({ username: "dropped" })).client
    const { toServer } = await connect({ username: "gone" })
    toServer.close()
    raw("bad").write("<hullo/>]]>]]>")
    raw("mute")
    await settle()
    clock.pass(20_000)
    await settle()
    const ends = got
      .filter((xml) => xml.startsWith("<netconf-session-end"))
      .map(
        (xml) =>
          `${/<username>(\w+)/.exec(xml)?.[1] ?? ""} ${/reason>([a-z-]+)/.exec(xml)?.[1] ?? ""}`,
      )
    assert.deepEqual(ends.sort(), [
      "bad bad-hello",
      "closing closed",
      "gone dropped",
      "killed killed",
      "mute timeout",
    ])
    const by = got.find((xml) => xml.includes("killed-by"))
    assert.match(by ?? "", new RegExp(`<killed-by>${listener.sessionId}</killed-by>`))
    const starts = got.filter((xml) => xml.startsWith("<netconf-session-start"))
    assert.equal(starts.length, 4, "only what said a good hello has begun")
    assert.equal(dropped.capabilities.length > 0, true)
  })

  it("tell each stage of a confirmed commit", async () => {
    const backend = new SubscribedBackend()
    Object.assign(backend, {
      unconfirmed: { keep: () => Promise.resolve(), forget: () => Promise.resolve() },
    })
    const { connect, clock } = depot(SHELVES, {}, backend, { candidate: true })
    const { client } = await connect()
    await client.createSubscription()
    const got = heard(client)
    const commit = async (name: string, timeout: number): Promise<void> => {
      await client.editConfig("candidate", depotXml(`<name>${name}</name>`))
      await client.rpc(`<commit><confirmed/><confirm-timeout>${timeout}</confirm-timeout></commit>`)
    }
    await commit("n1", 10)
    await commit("n2", 20)
    await client.rpc("<commit/>")
    await commit("n3", 30)
    clock.pass(30_000)
    await settle()
    const stages = got
      .filter((xml) => xml.startsWith("<netconf-confirmed-commit"))
      .map(
        (xml) => `${/event>(\w+)/.exec(xml)?.[1] ?? ""} ${/<timeout>(\d+)/.exec(xml)?.[1] ?? ""}`,
      )
    assert.deepEqual(stages, ["start 10", "extend 20", "complete ", "start 30", "timeout "])
  })

  it("are replayed among the events of the owner, in the order of time", async () => {
    const { connect, server, backend, clock } = subscribedDepot(SHELVES)
    const start = new Date(clock.now()).toISOString()
    const { client } = await connect()
    clock.pass(1000)
    const event = { "depot:shelf-empty": { id: "x" } }
    server.notify(event)
    backend.kept.push({ timeMs: clock.now(), event })
    clock.pass(1000)
    await client.editConfig("running", depotXml("<name>n</name>"))
    clock.pass(1000)
    const got = heard(client)
    await establish(
      client,
      `<stream>NETCONF</stream><replay-start-time>${start}</replay-start-time>`,
    )
    await settle()
    assert.deepEqual(
      got.map((xml) => /^<([a-z-]+)/.exec(xml)?.[1]),
      ["netconf-session-start", "shelf-empty", "netconf-config-change", "replay-completed"],
    )
    assert.ok(got.every((xml) => xml.includes("xmlns")))
    assert.equal(depotXml("").includes(NS), true)
  })
})
