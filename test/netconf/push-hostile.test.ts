// Subscriptions that ask for too much, for what is hidden, or at the same time: others are not harmed, nothing is told
// that may not be read.

import assert from "node:assert/strict"
import fc from "fast-check"
import { QkdError } from "../../src/errors.js"
import {
  NOTIFICATION_FEATURES,
  NOTIFICATION_MODULES,
  NOTIFICATION_SOURCES,
} from "../../src/netconf/notification-modules.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileSchema } from "../../src/yang/schema.js"
import {
  DepotBackend,
  MODULE,
  NS,
  depot,
  depotXml,
  faultOf,
  settle,
  type Depot,
} from "./fixture.js"
import { SN_NS, establish, establishXml, heard, subscribedDepot } from "./subscribed-fixture.js"

const RUNNING = "<yp:datastore>ds:running</yp:datastore>"
const OPERATIONAL = "<yp:datastore>ds:operational</yp:datastore>"
const ON_CHANGE = "<yp:on-change/>"
const SHELVES = { "depot:depot": { name: "secret", shelf: [{ id: "a" }] } }

async function look({ clock }: Pick<Depot, "clock">, ms = 50): Promise<void> {
  await settle()
  clock.pass(ms)
  await settle()
}

class GuardedBackend extends DepotBackend {
  override readonly schema = compileSchema(
    [{ name: "depot", text: MODULE }, ...loadYangFiles(NOTIFICATION_SOURCES)],
    {
      implement: ["depot", "ietf-netconf-acm", ...NOTIFICATION_MODULES],
      features: NOTIFICATION_FEATURES,
    },
  )
}

const rule = (name: string, more: JsonObject): JsonObject => ({ name, action: "deny", ...more })

function guarded(...rules: readonly JsonObject[]): Depot<GuardedBackend> {
  const nacm = {
    "write-default": "permit",
    groups: { group: [{ name: "limited", "user-name": ["mallory"] }] },
    "rule-list": [{ name: "r", group: ["limited"], rule: rules }],
  }
  return depot({ ...SHELVES, "ietf-netconf-acm:nacm": nacm }, {}, new GuardedBackend())
}

describe("a subscriber with few rights", () => {
  it("is pushed what it may read, and hears of no change of the rest", async () => {
    const network = guarded(rule("names", { path: "/depot:depot/name" }))
    const { client } = await network.connect({ username: "mallory" })
    const owner = (await network.connect()).client
    const got = heard(client)
    const all = heard(owner)
    for (const each of [client, owner]) await establish(each, RUNNING + ON_CHANGE)
    await owner.editConfig("running", depotXml("<name>deeper</name>"))
    await look(network)
    await owner.editConfig("running", depotXml("<shelf><id>b</id></shelf>"))
    await look(network)
    assert.equal(got.length, 2)
    assert.doesNotMatch(got.join(""), /secret|deeper|nacm/)
    assert.equal(all.length, 3)
    assert.match(all.join(""), /secret.*deeper/)
  })

  it("cannot kill, and is not sent what it may not hear", async () => {
    const network = guarded(
      rule("events", { "module-name": "depot", "notification-name": "shelf-empty" }),
      rule("pushes", { "module-name": "ietf-yang-push", "notification-name": "push-update" }),
    )
    const { client } = await network.connect({ username: "mallory" })
    const owner = (await network.connect()).client
    const got = heard(client)
    const id = await establish(owner, "<stream>NETCONF</stream>")
    const kill = `<kill-subscription xmlns="${SN_NS}"><id>${id}</id></kill-subscription>`
    assert.equal(await faultOf(client.rpc(kill)), "access-denied")
    await establish(
      client,
      `<stream>NETCONF</stream><stream-subtree-filter><shelf-empty xmlns="${NS}"/></stream-subtree-filter>`,
    )
    await establish(client, RUNNING + ON_CHANGE)
    network.server.notify({ "depot:shelf-empty": { id: "a" } })
    await settle()
    assert.equal(got.length, 0)
  })
})

describe("a subscription that asks for too much", () => {
  it("by its XPath is refused, and the server goes on", async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({ id: `s${i}` }))
    const network = subscribedDepot({ "depot:depot": { shelf: many } })
    const { client } = await network.connect()
    const dear = `<yp:datastore-xpath-filter>//*[count(//*[. = 'x']) &gt; 0]</yp:datastore-xpath-filter>`
    await assert.rejects(client.rpc(establishXml(RUNNING + dear + ON_CHANGE)), (error) => {
      assert.ok(error instanceof QkdError)
      return error.appTag === "ietf-subscribed-notifications:filter-unsupported"
    })
    assert.equal((await client.get(depotXml("<name/>"))).length, 0)
  }).timeout(60_000)

  it("later on rests, and goes on when it has become less again", async () => {
    const network = subscribedDepot({ "depot:depot": { shelf: [{ id: "a" }] } })
    const { client } = await network.connect()
    const got = heard(client)
    const dear = `<yp:datastore-xpath-filter>//*[count(//*[. = 'x']) &gt; 0]</yp:datastore-xpath-filter>`
    await establish(
      client,
      `${RUNNING}${dear}<yp:periodic><yp:period>100</yp:period></yp:periodic>`,
    )
    const many = Array.from({ length: 3000 }, (_, i) => `<shelf><id>s${i}</id></shelf>`)
    await client.editConfig("running", depotXml(many.join("")))
    await look(network, 1000)
    assert.match(got.at(-1) ?? "", /subscription-suspended.*insufficient-resources/)
    await client.editConfig("running", depotXml("<name>n</name>"), { defaultOperation: "replace" })
    await look(network, 1000)
    assert.match(got.at(-2) ?? "", /subscription-resumed/)
    assert.match(got.at(-1) ?? "", /<push-update/)
    assert.deepEqual(
      network.reports.filter((r) => r.kind === "untold"),
      [],
    )
  }).timeout(60_000)

  it("for its size is told the period that would do", async () => {
    const many = Array.from({ length: 4000 }, (_, i) => ({ id: `shelf-${i}`, colour: "red" }))
    const network = subscribedDepot(
      { "depot:depot": { shelf: many } },
      {},
      { maxBytesPerSecond: 100_000 },
    )
    const { client } = await network.connect()
    const period = (cs: number): string =>
      `${RUNNING}<yp:periodic><yp:period>${cs}</yp:period></yp:periodic>`
    let hint = 0
    await assert.rejects(client.rpc(establishXml(period(10))), (error) => {
      assert.ok(error instanceof QkdError)
      hint = Number(error.structure?.leafs["period-hint"])
      return error.appTag === "ietf-yang-push:period-unsupported"
    })
    assert.ok(hint > 100, String(hint))
    await establish(client, period(hint))
  })
})

describe("requests of any shape", () => {
  const names = ["stream", "stop-time", "encoding", "stream-filter-name", "stream-subtree-filter"]
    .concat(["stream-xpath-filter", "replay-start-time", "id", "yp:datastore", "yp:periodic"])
    .concat(["yp:period", "yp:on-change", "yp:sync-on-start", "yp:excluded-change", "d:depot"])
    .concat([
      "yp:datastore-subtree-filter",
      "yp:datastore-xpath-filter",
      "yp:anchor-time",
      "d:shelf",
    ])
  const text = fc
    .constantFrom("NETCONF", "ds:running", "ds:operational", "100", "0", "true", "create")
    .chain((plain) =>
      fc.constantFrom(
        plain,
        "4294967295",
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "/d:depot/*",
        "//*[",
        "encode-json",
        "x:y",
        "",
      ),
    )
  const { element } = fc.letrec<{ element: string }>((tie) => ({
    element: fc
      .tuple(
        fc.constantFrom(...names),
        fc.oneof(
          { depthSize: "small" },
          text,
          fc.array(tie("element"), { maxLength: 4 }).map((all) => all.join("")),
        ),
      )
      .map(([name, inside]) => `<${name}>${inside}</${name}>`),
  }))

  it("are answered, and break nothing", async () => {
    const network = subscribedDepot(SHELVES)
    const { client } = await network.connect()
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("establish-subscription", "modify-subscription", "delete-subscription"),
        fc.array(element, { maxLength: 5 }),
        async (rpc, inside) => {
          const xml = `<${rpc} xmlns="${SN_NS}" xmlns:yp="urn:ietf:params:xml:ns:yang:ietf-yang-push" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores" xmlns:d="${NS}">${inside.join("")}</${rpc}>`
          await client.rpc(xml).catch((error: unknown) => {
            assert.ok(error instanceof QkdError)
            assert.notEqual(error.appTag, "closed")
          })
          network.clock.pass(500)
        },
      ),
      { numRuns: 500 },
    )
    assert.deepEqual(
      network.reports.filter((r) => r.kind === "bug" || r.kind === "untold"),
      [],
    )
  }).timeout(60_000)
})

describe("subscriptions of several sessions", () => {
  it("begun at the same time for the same selection all hear of it", async () => {
    const network = subscribedDepot(SHELVES)
    const clients = await Promise.all(
      Array.from({ length: 8 }, async () => (await network.connect()).client),
    )
    const got = clients.map(heard)
    await Promise.all(
      clients.flatMap((c) => [
        establish(c, RUNNING + ON_CHANGE),
        establish(c, RUNNING + ON_CHANGE),
      ]),
    )
    const editor = (await network.connect()).client
    await editor.editConfig("running", depotXml("<name>x</name>"))
    await look(network)
    assert.deepEqual(
      got.map((g) => g.length),
      clients.map(() => 4),
    )
    await Promise.all(clients.slice(1).map((c) => c.close()))
    await editor.editConfig("running", depotXml("<name>y</name>"))
    await look(network)
    assert.equal(got[0]?.length, 6)
  })

  it("do not suffer from one that does not read", async () => {
    const network = subscribedDepot(SHELVES, { maxNotificationBacklogBytes: 20_000 })
    const good = (await network.connect()).client
    const { client: bad, toClient } = await network.connect()
    const got = heard(good)
    for (const each of [good, bad])
      for (let i = 0; i < 20; i++) await establish(each, OPERATIONAL + ON_CHANGE)
    await settle()
    toClient.stalled = true
    const before = got.length
    for (let i = 0; i < 20; i++) {
      network.backend.weights = { a: String(i) }
      network.server.publisher.stateChanged()
      await look(network)
    }
    assert.equal(got.length - before, 400)
    const { desk } = network.server.publisher
    assert.equal(desk?.size, 40, "the other rests")
    network.clock.pass(60_000)
    await settle()
    assert.equal(desk.size, 20, "and is let go")
  })
})
