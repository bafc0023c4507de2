// What a server says of itself: modules in the hello, get-schema, YANG library, netconf-state, streams; all of it
// data of its schema like any other.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { childrenOf, textOf, writeXml, type XmlElement } from "../../src/yang/xml-tree.js"
import { compileSchema } from "../../src/yang/schema.js"
import { compileValidator } from "../../src/yang/validate.js"
import { decodeXml } from "../../src/yang/xml.js"
import { SERVER_MODULES } from "../support/server-modules.js"
import { needYanglint } from "../yang/fixture.js"
import { DurableDepot, candidateDepot, startupDepot, two } from "./candidate-fixture.js"
import { DepotBackend, MODULE, NS, depot, depotSchema, faultOf, settle } from "./fixture.js"

const MONITORING = "urn:ietf:params:xml:ns:yang:ietf-netconf-monitoring"
const LIBRARY = "urn:ietf:params:xml:ns:yang:ietf-yang-library"
const CAPABILITY = "urn:ietf:params:netconf:capability:"
const xmlOf = (elements: readonly XmlElement[]): string => elements.map(writeXml).join("")
const state = (inner: string): string =>
  `<netconf-state xmlns="${MONITORING}">${inner}</netconf-state>`
const getSchema = (inner: string): string =>
  `<get-schema xmlns="${MONITORING}">${inner}</get-schema>`

describe("the hello", () => {
  it("names what the server does, its modules with the features in force, and the library's state", async () => {
    const { client } = await candidateDepot().connect()
    const has = (text: string): boolean => client.capabilities.includes(text)
    for (const name of [
      "writable-running:1.0",
      "rollback-on-error:1.0",
      "validate:1.1",
      "xpath:1.0",
      "notification:1.0",
      "interleave:1.0",
      "with-defaults:1.0?basic-mode=explicit&also-supported=report-all,report-all-tagged,trim",
      "with-operational-defaults:1.0",
    ])
      assert.ok(has(CAPABILITY + name), name)
    assert.ok(!client.capabilities.some((c) => /startup|url:|partial-lock/.test(c)))
    assert.ok(has(`${NS}?module=depot&revision=2026-01-01`))
    assert.ok(has(`${MONITORING}?module=ietf-netconf-monitoring&revision=2010-10-04`))
    const features = "writable-running,candidate,confirmed-commit,rollback-on-error,validate,xpath"
    assert.ok(
      has(
        `urn:ietf:params:xml:ns:netconf:base:1.0?module=ietf-netconf&revision=2011-06-01&features=${features}`,
      ),
    )
    const library = xmlOf(
      await client.get(`<yang-library xmlns="${LIBRARY}"><content-id/></yang-library>`),
    )
    const id = /<content-id>(.*?)</.exec(library)?.[1] ?? "none"
    assert.ok(has(`${CAPABILITY}yang-library:1.1?revision=2019-01-04&content-id=${id}`))
    const set = xmlOf(
      await client.get(`<modules-state xmlns="${LIBRARY}"><module-set-id/></modules-state>`),
    )
    const setId = /<module-set-id>(.*?)</.exec(set)?.[1] ?? "none"
    assert.ok(has(`${CAPABILITY}yang-library:1.0?revision=2019-01-04&module-set-id=${setId}`))
  })

  it("of a server whose schema has only its own module claims nothing of the others", async () => {
    const backend = Object.assign(new DepotBackend(), {
      schema: compileSchema([{ name: "depot", text: MODULE }]),
    })
    const { client } = await depot(two, {}, backend).connect()
    assert.ok(!client.capabilities.some((c) => /monitoring|yang-library|defaults|nmda/.test(c)))
    assert.equal((await client.get()).length, 1)
    assert.equal(
      await faultOf(client.rpc(getSchema("<identifier>depot</identifier>"))),
      "unknown-namespace",
    )
  })
})

describe("get-schema", () => {
  it("gives the text of a module by name, revision and format", async () => {
    const { client } = await depot(two).connect()
    for (const more of [
      "",
      "<version>2026-01-01</version>",
      "<format>yang</format>",
      `<x:format xmlns:x="${MONITORING}" xmlns:m="${MONITORING}">m:yang</x:format>`,
    ]) {
      const [data] = childrenOf(
        await client.rpc(getSchema(`<identifier>depot</identifier>${more}`)),
      )
      assert.ok(data !== undefined)
      assert.deepEqual([data.ns, textOf(data)], [MONITORING, MODULE])
    }
    const [lent] = childrenOf(
      await client.rpc(getSchema("<identifier>ietf-inet-types</identifier>")),
    )
    assert.match(lent === undefined ? "" : textOf(lent), /module ietf-inet-types/)
  })

  it("refuses modules, revisions and formats that are not there, and requests without a name", async () => {
    const { client } = await depot(two).connect()
    const fault = (inner: string) => faultOf(client.rpc(getSchema(inner)))
    assert.equal(await fault("<identifier>none</identifier>"), "invalid-value")
    const depotAnd = (more: string): string => `<identifier>depot</identifier>${more}`
    assert.equal(await fault(depotAnd("<version>1999-01-01</version>")), "invalid-value")
    assert.equal(await fault(depotAnd("<format>yin</format>")), "invalid-value")
    assert.equal(await fault(depotAnd('<format xmlns:o="urn:o">o:yang</format>')), "invalid-value")
    assert.equal(await fault(""), "missing-element")
    assert.equal(await fault("<identifier>depot</identifier><x/>"), "unknown-element")
  })

  it("wants a revision where there are several", async () => {
    const text = 'module lent { namespace "urn:lent"; prefix l; revision 2026-01-01; }'
    const backend = Object.assign(new DepotBackend(), {
      schema: compileSchema(
        [
          ...depotSchema().modules,
          { name: "lent@2026-01-01", text },
          { name: "lent@2025-01-01", text: text.replace("2026", "2025") },
        ],
        {
          implement: depotSchema()
            .modules.filter((m) => m.implemented)
            .map((m) => m.name),
        },
      ),
    })
    const { client } = await depot(two, {}, backend).connect()
    const lent = "<identifier>lent</identifier>"
    assert.equal(await faultOf(client.rpc(getSchema(lent))), "operation-failed data-not-unique")
    const reply = await client.rpc(getSchema(`${lent}<version>2025-01-01</version>`))
    assert.match(xmlOf(childrenOf(reply)), /revision 2025-01-01/)
  })
})

describe("the YANG library", () => {
  it("has every module in one set, and every datastore with its schema", async () => {
    const { client } = await startupDepot().connect()
    const xml = xmlOf(await client.get(`<yang-library xmlns="${LIBRARY}"/>`))
    for (const name of ["running", "candidate", "startup", "intended", "operational"])
      assert.match(xml, new RegExp(`<name xmlns:ds="[^"]*">ds:${name}</name><schema>complete<`))
    assert.match(xml, /<module><name>depot<\/name><revision>2026-01-01</)
    assert.match(xml, /<import-only-module><name>ietf-inet-types</)
    assert.match(xml, /<feature>startup<\/feature>/)
    const flat = await client.get(
      `<modules-state xmlns="${LIBRARY}"><module><name>depot</name></module></modules-state>`,
    )
    assert.match(xmlOf(flat), /<conformance-type>implement</)
  })

  it("is read whole by a wildcard of its module, as clients do that build their schema from it", async () => {
    const { client } = await depot(two).connect()
    const xpath = { select: "/ietf-yang-library:*", namespaces: { "ietf-yang-library": LIBRARY } }
    const found = await client.getData("operational", { xpath })
    assert.deepEqual(
      found.map((e) => e.name),
      ["yang-library", "modules-state"],
    )
  })

  it("is another when a server offers something else", () => {
    const idOf = (capabilities: readonly string[]): string =>
      capabilities.find((c) => c.includes("content-id=")) ?? ""
    const plain = depot(two).server.capabilities
    assert.notEqual(idOf(plain), idOf(candidateDepot().server.capabilities))
    assert.equal(idOf(plain), idOf(depot({}).server.capabilities))
  })
})

describe("netconf-state", () => {
  it("shows sessions, and the locks of each datastore", async () => {
    const { connect } = startupDepot()
    const { client } = await connect()
    const bob = (await connect({ username: "bob" })).client
    await client.lock("running")
    await bob.lock("candidate")
    const xml = xmlOf(await client.get(state("<sessions/><datastores/>")))
    assert.match(xml, /<username>alice<\/username><source-host>192.0.2.1<.*<username>bob</)
    assert.match(xml, /<transport[^>]*>ncm:netconf-ssh</)
    assert.match(xml, /<name>running<\/name><locks><global-lock><locked-by-session>1</)
    assert.match(xml, /<name>candidate<\/name><locks><global-lock><locked-by-session>2</)
    assert.match(xml, /<datastore><name>startup<\/name><\/datastore>/)
  })

  it("is filtered by content and by XPath like any data", async () => {
    const { connect } = depot(two)
    const { client } = await connect()
    await connect({ username: "bob" })
    const one = await client.get(
      state("<sessions><session><username>bob</username><session-id/></session></sessions>"),
    )
    assert.equal(
      xmlOf(one).replace(/ xmlns="[^"]*"/g, ""),
      "<netconf-state><sessions><session><session-id>2</session-id><username>bob</username></session></sessions></netconf-state>",
    )
    const found = await client.get(undefined, {
      xpath: {
        select: "/m:netconf-state/m:schemas/m:schema[m:identifier='depot']/m:version",
        namespaces: { m: MONITORING },
      },
    })
    assert.match(xmlOf(found), /<identifier>depot<.*<version>2026-01-01</)
    assert.doesNotMatch(xmlOf(found), /ietf-netconf-nmda|<sessions>/)
  })

  it("counts requests, bad ones, replies with errors, and sessions by how they ended", async () => {
    const { connect, raw, clock } = depot(two)
    const { client } = await connect()
    const gone = await connect({ username: "bob" })
    await faultOf(gone.client.rpc("<burn/>"))
    gone.toServer.close()
    const killed = await connect({ username: "carol" })
    const closed = await connect({ username: "dora" })
    await closed.client.close()
    await client.rpc(
      `<kill-session><session-id>${killed.client.sessionId}</session-id></kill-session>`,
    )
    raw().write("<hello/>]]>]]>")
    raw()
    clock.pass(10_000)
    await settle()
    const xml = xmlOf(await client.get(state("<statistics/>")))
    const count = (name: string): number => Number(new RegExp(`<${name}>(\\d+)<`).exec(xml)?.[1])
    assert.equal(count("in-sessions"), 6)
    assert.equal(count("in-bad-hellos"), 1)
    assert.equal(count("dropped-sessions"), 2)
    assert.equal(count("out-rpc-errors"), 1)
    assert.equal(count("in-bad-rpcs"), 0)
    assert.equal(count("in-rpcs"), 4)
    assert.match(xml, /<netconf-start-time>2026-01-01T00:00:00.000Z</)
  })

  it("tells a message that is no rpc from a request", async () => {
    const { client } = await depot(two).connect()
    const { connect } = depot(two)
    const bad = await connect()
    await faultOf(bad.client.rpc("<get/><get/>"))
    const xml = xmlOf(await bad.client.get(state("<sessions/>")))
    assert.match(xml, /<in-rpcs>1<.*<in-bad-rpcs>1<.*<out-rpc-errors>1</)
    await client.close()
  })
})

describe("all that an unfiltered get returns", () => {
  const made = () =>
    depot(two, {}, Object.assign(new DurableDepot(), { replay: () => [] }), { candidate: true })

  it("is valid data of the server's own schema, streams included", async () => {
    const { connect } = made()
    const { client } = await connect()
    const elements = await client.get()
    assert.match(xmlOf(elements), /<name>NETCONF<.*<replaySupport>true<.*replayLogCreationTime/)
    const schema = depotSchema()
    assert.deepEqual(compileValidator(schema, "data")(decodeXml(schema, elements)), [])
  })

  it("is data for yanglint", async function () {
    needYanglint(this)
    const { connect } = made()
    const { client } = await connect()
    await client.lock("running")
    const dir = mkdtempSync(path.join(tmpdir(), "keyloom-monitoring-"))
    try {
      const [data, module] = [path.join(dir, "get.xml"), path.join(dir, "depot.yang")]
      writeFileSync(module, MODULE)
      writeFileSync(data, xmlOf(await client.get()))
      const judge = () => spawnSync("yanglint", ["-t", "data", ...SERVER_MODULES, module, data])
      const good = judge()
      assert.equal(good.status, 0, good.stderr.toString())
      writeFileSync(data, readFileSync(data, "utf8").replace("ncm:netconf-ssh", "ncm:pigeon"))
      assert.notEqual(judge().status, 0, "yanglint accepts anything")
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
