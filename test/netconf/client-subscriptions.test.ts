// Our own client's subscriptions, against our own server in memory.

import assert from "node:assert/strict"
import { QkdError } from "../../src/errors.js"
import {
  SubscriptionClient,
  subscriptionOffer,
  type SubscriptionNote,
} from "../../src/netconf/client-subscriptions.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { NS, depot, depotXml, settle } from "./fixture.js"
import { subscribedDepot } from "./subscribed-fixture.js"

const SHELVES = { "depot:depot": { name: "north", shelf: [{ id: "a" }] } }

function kept(): {
  readonly notes: SubscriptionNote[]
  readonly listen: (n: SubscriptionNote) => void
} {
  const notes: SubscriptionNote[] = []
  return { notes, listen: (note) => notes.push(note) }
}

describe("the client's subscriptions", () => {
  it("get each what is theirs, the first update and the end included; events of streams stay apart", async () => {
    const { connect, server, clock } = subscribedDepot(SHELVES)
    const { client } = await connect()
    const failures: QkdError[] = []
    const subscriptions = new SubscriptionClient(client, (error) => failures.push(error))
    const names = await subscriptions.establishPush({
      datastore: "running",
      filter: { xpath: "/d:depot/d:name", namespaces: { d: NS } },
      trigger: { dampeningCs: 0 },
    })
    const shelves = await subscriptions.establishPush({
      datastore: "running",
      filter: { subtreeXml: depotXml("<shelf/>") },
      trigger: { syncOnStart: false },
    })
    const stream = await subscriptions.establishStream({
      stream: "NETCONF",
      filter: { subtreeXml: `<shelf-empty xmlns="${NS}"/>` },
    })
    const [ofNames, ofShelves, ofStream] = [kept(), kept(), kept()]
    shelves.listen(ofShelves.listen)
    stream.listen(ofStream.listen)
    const editor = (await connect()).client
    await editor.editConfig("running", depotXml("<name>south</name><shelf><id>b</id></shelf>"))
    server.notify({ "depot:shelf-empty": { id: "x" } })
    await settle()
    clock.pass(50)
    await settle()
    names.listen(ofNames.listen)
    assert.deepEqual(
      ofNames.notes.map((n) => n.kind),
      ["update", "changes"],
    )
    const [first, second] = ofNames.notes
    assert.equal(
      first?.kind === "update" && first.contents.map(writeXml).join("").includes("north"),
      true,
    )
    assert.deepEqual(
      second?.kind === "changes" &&
        second.edits.map((e) => [e.operation, e.target, e.value?.children[0]]),
      [["replace", "/depot:depot/name", "south"]],
    )
    assert.deepEqual(
      ofShelves.notes.flatMap((n) =>
        n.kind === "changes" ? n.edits.map((e) => e.target) : [n.kind],
      ),
      ["/depot:depot/shelf=b"],
    )
    for await (const { event } of subscriptions.events) {
      assert.equal(event.name, "shelf-empty")
      break
    }
    await editor.rpc(
      `<kill-subscription xmlns="urn:ietf:params:xml:ns:yang:ietf-subscribed-notifications"><id>${stream.id}</id></kill-subscription>`,
    )
    await names.resync()
    await settle()
    assert.deepEqual(
      ofStream.notes.map((n) => (n.kind === "notice" ? [n.name, n.reason] : [])),
      [["subscription-terminated", "no-such-subscription"]],
    )
    assert.equal(ofNames.notes.at(-1)?.kind, "update")
    await shelves.delete()
    assert.deepEqual(failures, [])
  })

  it("are refused with what would do", async () => {
    const { client } = await subscribedDepot(SHELVES).connect()
    const subscriptions = new SubscriptionClient(client, () => undefined)
    await assert.rejects(
      subscriptions.establishPush({ datastore: "running", trigger: { periodCs: 1 } }),
      (error) =>
        error instanceof QkdError &&
        error.appTag === "ietf-yang-push:period-unsupported" &&
        error.structure?.leafs["period-hint"] === "10",
    )
  })

  it("are known to be offered, or not, from the hello", async () => {
    const { client } = await subscribedDepot().connect()
    assert.deepEqual(subscriptionOffer(client.capabilities), {
      streams: true,
      push: true,
      onChange: true,
    })
    const plain = (await depot().connect()).client
    assert.deepEqual(subscriptionOffer(plain.capabilities), {
      streams: false,
      push: false,
      onChange: false,
    })
  })
})
