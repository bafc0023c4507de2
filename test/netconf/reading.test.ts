// What a client asks to see: XPath filters (RFC 6241 section 8.9), modes of defaults (RFC 6243), in get, get-config and
// copy-config; and defaults as they are set.

import assert from "node:assert/strict"
import type { ClientSession } from "../../src/netconf/client-session.js"
import { writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { candidateDepot, two } from "./candidate-fixture.js"
import { NS, RawPeer, HELLO_1_1, depot, depotXml, faultOf } from "./fixture.js"

const WITH_DEFAULTS = "urn:ietf:params:xml:ns:yang:ietf-netconf-with-defaults"
const WD = 'xmlns:wd="urn:ietf:params:xml:ns:netconf:default:1.0" wd:default'
const xmlOf = (elements: readonly XmlElement[]): string =>
  elements
    .map(writeXml)
    .join("")
    .replace(/ xmlns(:\w+)?="[^"]*"/g, "")
const read = async (
  client: ClientSession,
  select: string,
  namespaces: Readonly<Record<string, string>> = { d: NS },
): Promise<string> =>
  xmlOf(await client.getConfig("running", undefined, { xpath: { select, namespaces } }))

describe("an XPath filter", () => {
  it("selects nodes with their ancestors and keys, by prefixes of its own", async () => {
    const { client } = await depot(two).connect()
    const place = "<depot><shelf><id>b</id><place>2</place></shelf></depot>"
    assert.equal(await read(client, "/d:depot/d:shelf[d:colour='green']/d:place"), place)
    assert.equal(await read(client, "//q:place[. > 1]", { q: NS }), place)
    assert.equal(await read(client, "/d:depot/d:shelf[d:id='z']"), "")
    assert.equal(await read(client, "/o:depot", { o: "urn:other" }), "")
    const all = "/d:depot/d:name | /d:depot/d:shelf[1]/d:id"
    assert.equal(
      await read(client, all),
      "<depot><name>north</name><shelf><id>a</id></shelf></depot>",
    )
  })

  it("of get sees state as well", async () => {
    const { connect, backend } = depot(two)
    backend.weights = { b: "5" }
    const { client } = await connect()
    const xpath = { select: "/d:depot/d:shelf[d:weight]/d:weight", namespaces: { d: NS } }
    assert.equal(
      xmlOf(await client.get(undefined, { xpath })),
      "<depot><shelf><id>b</id><weight>5</weight></shelf></depot>",
    )
    assert.equal(await read(client, xpath.select), "")
  })

  it("is refused when it is no expression, selects no nodes, or is not there", async () => {
    const { client } = await depot(two).connect()
    const fault = (filter: string) => faultOf(client.rpc(`<get>${filter}</get>`))
    for (const select of ["/d:depot", "count(/*)", "1", "/*[", "burn()", "$x", ""])
      assert.equal(
        await fault(`<filter type="xpath" select="${select}"/>`),
        "invalid-value",
        select,
      )
    assert.equal(await fault('<filter type="xpath"/>'), "missing-attribute")
    assert.equal(await fault('<filter type="jsonpath" select="/"/>'), "bad-attribute")
  })

  it("cannot make us work without end", async () => {
    const many = Array.from({ length: 400 }, (_, i) => ({ id: `s${i}` }))
    const { client } = await depot({ "depot:depot": { shelf: many } }).connect()
    const nested = "//*[//*[//*[//*[//*[//*]]]]]"
    const xpath = { select: `count(${nested}) > 0 or ${nested}`, namespaces: {} }
    const found = await faultOf(client.get(undefined, { xpath }))
    assert.ok(["resource-denied", "invalid-value"].includes(found), found)
    assert.equal((await client.getConfig("running")).length, 1)
  })
})

describe("with-defaults", () => {
  it("reports none, those that were set, all, or all with a mark", async () => {
    const set = {
      "depot:depot": { mode: "quiet", shelf: [{ id: "a" }, { id: "b", kind: "open" }] },
    }
    const { client } = await depot(set).connect()
    const config = async (
      withDefaults?: "trim" | "explicit" | "report-all" | "report-all-tagged",
    ) => xmlOf(await client.getConfig("running", undefined, withDefaults && { withDefaults }))
    const explicit =
      "<depot><shelf><id>a</id></shelf><shelf><id>b</id><kind>open</kind></shelf><mode>quiet</mode></depot>"
    assert.equal((await config()).length, explicit.length)
    assert.equal(await config("explicit"), await config())
    assert.doesNotMatch(await config("trim"), /kind|mode/)
    assert.equal((await config("report-all")).split("<kind>open").length - 1, 2)
    const tagged = await config("report-all-tagged")
    assert.match(tagged, /<id>a<\/id><kind wd:default="true">open</)
    assert.match(tagged, /<id>b<\/id><kind>open</)
    const got = await client.get(undefined, { withDefaults: "report-all" })
    assert.match(xmlOf(got), /<kind>open<.*<total>7</)
  })

  it("lets filters see the defaults that are reported", async () => {
    const { client } = await depot(two).connect()
    const filter = depotXml("<shelf><kind>open</kind><id/></shelf>")
    assert.equal(xmlOf(await client.getConfig("running", filter)), "")
    const all = await client.getConfig("running", filter, { withDefaults: "report-all" })
    assert.match(xmlOf(all), /<id>a<.*<id>b</)
  })

  it("is refused in a wrong place, with a wrong value, or where nothing is read", async () => {
    const { client } = await depot(two).connect()
    const element = (mode: string): string =>
      `<with-defaults xmlns="${WITH_DEFAULTS}">${mode}</with-defaults>`
    const fault = (xml: string) => faultOf(client.rpc(xml))
    assert.equal(await fault(`<get>${element("all")}</get>`), "invalid-value")
    assert.equal(await fault("<get><with-defaults>trim</with-defaults></get>"), "unknown-namespace")
    assert.equal(
      await fault(`<lock><target><running/></target>${element("trim")}</lock>`),
      "unknown-element",
    )
  })

  it("of copy-config says what is copied as set", async () => {
    const { connect, server } = candidateDepot()
    const { client } = await connect()
    const copy = (mode: string) =>
      client.rpc(
        `<copy-config><target><candidate/></target><source><running/></source><with-defaults xmlns="${WITH_DEFAULTS}">${mode}</with-defaults></copy-config>`,
      )
    await copy("report-all")
    await client.commit()
    assert.match(JSON.stringify(server.datastore.running), /"mode":"quiet"/)
    await copy("report-all-tagged")
    assert.equal(server.datastores.candidate?.modified, false)
    await copy("trim")
    await client.commit()
    assert.doesNotMatch(JSON.stringify(server.datastore.running), /mode|kind/)
  })

  it("takes what is marked as a default for not set, and no wrong mark", async () => {
    const { connect, server } = depot(two)
    const { client } = await connect()
    const edit = (children: string) => client.editConfig("running", depotXml(children))
    await edit("<mode>quiet</mode>")
    assert.match(JSON.stringify(server.datastore.running), /"mode":"quiet"/)
    await edit(`<mode ${WD}="true">quiet</mode>`)
    assert.doesNotMatch(JSON.stringify(server.datastore.running), /mode/)
    await edit(`<mode ${WD}="false">loud</mode>`)
    assert.match(JSON.stringify(server.datastore.running), /"mode":"loud"/)
    assert.equal(await faultOf(edit(`<mode ${WD}="true">loud</mode>`)), "invalid-value")
    assert.equal(await faultOf(edit(`<mode ${WD}="yes">quiet</mode>`)), "bad-attribute")
  })

  it("creates and deletes by what was set: a default in use is not there (section 2.3.2)", async () => {
    const { connect } = depot(two)
    const { client } = await connect()
    const op = (operation: string, value: string) =>
      client.editConfig(
        "running",
        depotXml(
          `<mode xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" n:operation="${operation}">${value}</mode>`,
        ),
      )
    assert.equal(await faultOf(op("delete", "quiet")), "data-missing")
    await op("create", "quiet")
    assert.equal(await faultOf(op("create", "quiet")), "data-exists")
    await op("delete", "quiet")
  })
})

describe("a request written in another style", () => {
  /** The answer to one rpc, written by hand. */
  async function answer(rpc: string): Promise<string> {
    const { server } = candidateDepot()
    const peer = new RawPeer(server, "alice")
    peer.write(HELLO_1_1)
    await peer.heard()
    peer.chunk(rpc)
    return peer.heard()
  }

  it("is the same request: prefixes, CDATA, comments, white space, order of attributes, numbers as references", async () => {
    const NC = "urn:ietf:params:xml:ns:netconf:base:1.0"
    for (const rpc of [
      `<?xml version="1.0"?><!-- hi --><n:rpc n:x="y" message-id="101" xmlns:n="${NC}">
         <n:get-config>\\n <n:source> <n:running/> </n:source>
           <n:filter select="/a:depot/a:name" xmlns:a="${NS}" type="xpath"/>
         </n:get-config>
       </n:rpc>`,
      `<rpc xmlns="${NC}" message-id=""><get-config><source><running></running></source><filter><![CDATA[ ]]><x:depot xmlns:x="${NS}"><!-- c --><x:name/></x:depot></filter></get-config></rpc>`,
      `<rpc message-id="&#49;&lt;" xmlns="${NC}"><get-config><filter type="subtree"><depot xmlns="${NS}"><name> &#110;orth </name></depot></filter><source><running/></source></get-config></rpc>`,
    ])
      assert.match(await answer(rpc.replace(/\\n/g, "\n")), /<name>north<\/name>/)
  })

  it("gets its message-id back as it was, whatever it is", async () => {
    for (const id of ["", " 7 ", "&lt;&amp;&quot;", "ü", "a".repeat(4000)]) {
      const said = await answer(
        `<rpc xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="${id}"><discard-changes/></rpc>`,
      )
      assert.ok(said.includes(`message-id="${id}"`), id)
      assert.match(said, /<ok\/>/)
    }
  })
})
