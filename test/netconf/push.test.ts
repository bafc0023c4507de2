// Subscriptions to datastores over NETCONF (RFC 8641): every so often, on change.

import assert from "node:assert/strict"
import { writeXml } from "../../src/yang/xml-tree.js"
import { NS, settle } from "./fixture.js"
import {
  RUNNING,
  OPERATIONAL,
  ON_CHANGE,
  subtree,
  xpath,
  SHELVES,
  look,
  edit,
  editsIn,
  refusal,
  SN_NS,
  YP_NS,
  establish,
  heard,
  subscribedDepot,
} from "./subscribed-fixture.js"

describe("a subscription on change", () => {
  it("begins with the whole selection, then tells each change as an edit with its address", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(client, RUNNING + subtree("<shelf/>") + ON_CHANGE)
    await settle()
    assert.match(
      got[0] ?? "",
      new RegExp(
        `^<push-update xmlns="${YP_NS}"><id>${id}</id><datastore-contents><depot xmlns="${NS}"><shelf><id>a</id>.*<id>b</id>`,
      ),
    )
    await edit(
      client,
      `<name>south</name><shelf><id>a</id><colour>green</colour></shelf><shelf xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" n:operation="delete"><id>b</id></shelf><shelf><id>c/1</id><place>7</place></shelf>`,
    )
    await look(depot)
    assert.equal(got.length, 2)
    assert.match(
      got[1] ?? "",
      /<datastore-changes><yang-patch><patch-id>0<\/patch-id><edit><edit-id>1</,
    )
    assert.deepEqual(editsIn(got[1] ?? "").sort(), [
      "create /depot:depot/shelf=c%2F1",
      "delete /depot:depot/shelf=b",
      "replace /depot:depot/shelf=a/colour",
    ])
    assert.match(got[1] ?? "", new RegExp(`<value><colour xmlns="${NS}">green</colour></value>`))
    assert.match(
      got[1] ?? "",
      new RegExp(`<value><shelf xmlns="${NS}"><id>c/1</id><place>7</place></shelf></value>`),
    )
  })

  it("is silent when nothing that it selects has changed", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(client, RUNNING + xpath("/d:depot/d:shelf[d:id='a']") + ON_CHANGE)
    await edit(client, "<name>south</name><shelf><id>b</id><colour>red</colour></shelf>")
    await look(depot)
    assert.equal(got.length, 1)
    await edit(client, "<shelf><id>a</id><colour>green</colour></shelf>")
    await look(depot)
    assert.deepEqual(editsIn(got[1] ?? ""), ["replace /depot:depot/shelf=a/colour"])
  })

  it("hears of operational state when its owner says that it may have changed", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(client, OPERATIONAL + subtree("<shelf><id/><weight/></shelf>") + ON_CHANGE)
    depot.backend.weights = { a: "18446744073709551615" }
    depot.server.publisher.stateChanged()
    await look(depot)
    depot.server.publisher.stateChanged()
    await look(depot)
    assert.equal(got.length, 2)
    assert.deepEqual(editsIn(got[1] ?? ""), ["create /depot:depot/shelf=a/weight"])
    assert.match(got[1] ?? "", />18446744073709551615</)
  })

  it("is told once in a dampening period, of all that came together, with the value it has then", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(
      client,
      RUNNING + "<yp:on-change><yp:dampening-period>100</yp:dampening-period></yp:on-change>",
    )
    for (const name of ["n1", "n2", "n3"]) {
      await edit(client, `<name>${name}</name>`)
      await look(depot)
    }
    assert.equal(got.length, 1, "the update at the start began the period")
    depot.clock.pass(1000)
    await settle()
    assert.equal(got.length, 2)
    assert.match(got[1] ?? "", />n3</)
    assert.doesNotMatch(got[1] ?? "", />n[12]</)
  })

  it("without sync-on-start, or with excluded changes, is sent no more than it wants", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(
      client,
      `${RUNNING}<yp:on-change><yp:sync-on-start>false</yp:sync-on-start><yp:excluded-change>replace</yp:excluded-change></yp:on-change>`,
    )
    await edit(client, "<name>x</name>")
    await look(depot)
    assert.equal(got.length, 0)
    await edit(client, "<name>y</name><shelf><id>c</id></shelf>")
    await look(depot)
    assert.deepEqual(editsIn(got[0] ?? ""), ["create /depot:depot/shelf=c"])
    const error = await refusal(
      client.rpc(`<resync-subscription xmlns="${YP_NS}"><id>${id}</id></resync-subscription>`),
    )
    assert.equal(error.appTag, "ietf-yang-push:on-change-sync-unsupported")
    assert.equal(error.structure?.name, "resync-subscription-error")
  })

  it("counts its patches from 0, and from 0 again after the whole was sent anew", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(client, RUNNING + ON_CHANGE)
    for (const name of ["n1", "n2"]) {
      await edit(client, `<name>${name}</name>`)
      await look(depot)
    }
    await client.rpc(`<resync-subscription xmlns="${YP_NS}"><id>${id}</id></resync-subscription>`)
    await edit(client, "<name>n3</name>")
    await look(depot)
    const marks = got.map((xml) => /<patch-id>(\d+)</.exec(xml)?.[1] ?? "whole")
    assert.deepEqual(marks, ["whole", "0", "1", "whole", "0"])
    const other = (await depot.connect()).client
    const error = await refusal(
      other.rpc(`<resync-subscription xmlns="${YP_NS}"><id>${id}</id></resync-subscription>`),
    )
    assert.equal(error.appTag, "ietf-yang-push:no-such-subscription-resync")
  })

  it("takes another selection, and begins with the whole of that", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(client, RUNNING + subtree("<name/>") + ON_CHANGE)
    await client.rpc(
      `<modify-subscription xmlns="${SN_NS}" xmlns:yp="${YP_NS}" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><id>${id}</id>${RUNNING}${subtree("<shelf/>")}</modify-subscription>`,
    )
    await edit(client, "<name>x</name>")
    await look(depot)
    await edit(client, "<shelf><id>c</id></shelf>")
    await look(depot)
    assert.equal(got.length, 3)
    assert.match(got[1] ?? "", /<push-update.*<shelf>/)
    assert.deepEqual(editsIn(got[2] ?? ""), ["create /depot:depot/shelf=c"])
  })

  it("keeps what cannot be modified, and shows so", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(
      client,
      `${RUNNING}<yp:on-change><yp:sync-on-start>false</yp:sync-on-start></yp:on-change>`,
    )
    await client.rpc(
      `<modify-subscription xmlns="${SN_NS}" xmlns:yp="${YP_NS}" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><id>${id}</id>${RUNNING}<yp:on-change><yp:dampening-period>10</yp:dampening-period></yp:on-change></modify-subscription>`,
    )
    await settle()
    assert.equal(got.length, 0, "nothing is sent that was not wanted")
    const shown = (await client.get(`<subscriptions xmlns="${SN_NS}"/>`)).map(writeXml).join("")
    assert.match(
      shown,
      /<on-change [^>]*><dampening-period>10<\/dampening-period><sync-on-start>false</,
    )
  })

  it("that has more to tell than one message may hold is sent the whole, or told what is missing", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(client, RUNNING + ON_CHANGE)
    await establish(
      client,
      `${RUNNING}<yp:on-change><yp:sync-on-start>false</yp:sync-on-start></yp:on-change>`,
    )
    const many = Array.from({ length: 1200 }, (_, i) => `<shelf><id>s${i}</id></shelf>`)
    await edit(client, many.join(""))
    await look(depot)
    const [, whole, part] = got
    assert.match(whole ?? "", /^<push-update/)
    assert.match(part ?? "", /<incomplete-update\/><\/push-change-update>$/)
    assert.equal(editsIn(part ?? "").length, 1000)
  })

  it("costs one look for all who want the same, however many changes come", async () => {
    const depot = subscribedDepot(SHELVES)
    const clients = await Promise.all([1, 2, 3].map(async () => (await depot.connect()).client))
    const got = clients.map(heard)
    for (const client of clients) await establish(client, OPERATIONAL + ON_CHANGE)
    await settle()
    let reads = 0
    const state = depot.backend.state.bind(depot.backend)
    depot.backend.state = () => {
      reads += 1
      return state()
    }
    depot.backend.weights = { a: "1" }
    for (let i = 0; i < 1000; i++) depot.server.publisher.stateChanged()
    await look(depot)
    assert.equal(reads, 1)
    assert.deepEqual(
      got.map((g) => g.length),
      [2, 2, 2],
    )
  })
})

describe("a periodic subscription", () => {
  it("is sent the selection at once and every period", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    await establish(
      client,
      OPERATIONAL + subtree("<total/>") + "<yp:periodic><yp:period>500</yp:period></yp:periodic>",
    )
    await settle()
    assert.equal(got.length, 1)
    for (let i = 0; i < 3; i++) depot.clock.pass(5000)
    await settle()
    assert.equal(got.length, 4)
    assert.match(got[3] ?? "", /<total>7<\/total>/)
  })

  it("keeps to its anchor, and leaves out periods that were slept through", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const anchor = new Date(depot.clock.now() - 7000).toISOString()
    await establish(
      client,
      `${RUNNING}<yp:periodic><yp:period>500</yp:period><yp:anchor-time>${anchor}</yp:anchor-time></yp:periodic>`,
    )
    await settle()
    assert.equal(got.length, 0)
    depot.clock.pass(2999)
    await settle()
    assert.equal(got.length, 0)
    depot.clock.pass(1)
    await settle()
    assert.equal(got.length, 1)
    depot.clock.pass(60_000)
    await settle()
    assert.equal(got.length, 2)
  })

  it("can be made slower", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const id = await establish(
      client,
      `${RUNNING}<yp:periodic><yp:period>100</yp:period></yp:periodic>`,
    )
    await client.rpc(
      `<modify-subscription xmlns="${SN_NS}" xmlns:yp="${YP_NS}" xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"><id>${id}</id>${RUNNING}<yp:periodic><yp:period>1000</yp:period></yp:periodic></modify-subscription>`,
    )
    await settle()
    const before = got.length
    for (let i = 0; i < 10; i++) depot.clock.pass(1000)
    await settle()
    assert.equal(got.length - before, 1)
  })

  it("ends at its stop time", async () => {
    const depot = subscribedDepot(SHELVES)
    const { client } = await depot.connect()
    const got = heard(client)
    const stop = new Date(depot.clock.now() + 1500).toISOString()
    await establish(
      client,
      `${RUNNING}<stop-time>${stop}</stop-time><yp:periodic><yp:period>100</yp:period></yp:periodic>`,
    )
    for (let i = 0; i < 5; i++) depot.clock.pass(1000)
    await settle()
    assert.equal(got.length, 3)
    assert.match(got[2] ?? "", /^<subscription-terminated/)
    assert.equal(depot.clock.pending, 0)
  })
})
