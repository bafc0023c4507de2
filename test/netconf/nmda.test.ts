// get-data and edit-data (RFC 8526): datastores, filters, depth, defaults, origins.

import assert from "node:assert/strict"
import type { ClientSession } from "../../src/netconf/client-session.js"
import type { GetDataOptions } from "../../src/netconf/client.js"
import { OWNER } from "../../src/netconf/datastore.js"
import { writeXml } from "../../src/yang/xml-tree.js"
import { candidateDepot, nameIn, two } from "./candidate-fixture.js"
import { NS, depotXml, faultOf } from "./fixture.js"

const NMDA = "urn:ietf:params:xml:ns:yang:ietf-netconf-nmda"
const DS = 'xmlns:ds="urn:ietf:params:xml:ns:yang:ietf-datastores"'
const ORIGIN = "urn:ietf:params:xml:ns:yang:ietf-origin"
const OR = `xmlns:or="${ORIGIN}"`
const TOP = `<depot xmlns="${NS}"/>`

/** A depot with state, and "west" in its candidate. */
async function ready() {
  const made = candidateDepot()
  made.backend.weights = { b: "5", c: "7" }
  const { client } = await made.connect()
  await client.editConfig("candidate", depotXml("<name>west</name>"))
  return { ...made, client }
}

/** The depot in what get-data gives, without namespace declarations. */
async function data(
  client: ClientSession,
  store: string,
  options: GetDataOptions = {},
): Promise<string> {
  const filterXml = options.xpath === undefined ? TOP : undefined
  const found = await client.getData(store, { ...(filterXml && { filterXml }), ...options })
  return found
    .map(writeXml)
    .join("")
    .replace(/ xmlns(:\w+)?="[^"]*"/g, "")
}

const rpc = (client: ClientSession, inner: string, store = "operational") =>
  client.rpc(
    `<get-data xmlns="${NMDA}"><datastore ${DS}>ds:${store}</datastore>${inner}</get-data>`,
  )

describe("get-data", () => {
  it("reads running, candidate, intended, and operational with state and values in use", async () => {
    const { client } = await ready()
    assert.match(await data(client, "running"), /<name>north<(?!.*(total|quiet))/)
    assert.match(await data(client, "candidate"), /<name>west</)
    assert.equal(await data(client, "intended"), await data(client, "running"))
    const operational = await data(client, "operational")
    for (const part of ["<name>north<", "<total>7<", "<weight>7<", "<mode>quiet<", "<kind>open<"])
      assert.ok(operational.includes(part), part)
  })

  it("refuses datastores that are not there, however they are written", async () => {
    const { client } = await ready()
    for (const store of [
      "ds:startup",
      "ds:dynamic",
      "ds:nonsense",
      "operational",
      "x:running",
      "",
    ]) {
      const asked = `<get-data xmlns="${NMDA}"><datastore ${DS}>${store}</datastore></get-data>`
      assert.equal(await faultOf(client.rpc(asked)), "invalid-value", store)
    }
    assert.equal(await faultOf(client.rpc(`<get-data xmlns="${NMDA}"/>`)), "missing-element")
  })

  it("takes any prefix, and the default namespace, for a datastore's name", async () => {
    const { client } = await ready()
    const ns = "urn:ietf:params:xml:ns:yang:ietf-datastores"
    for (const datastore of [
      `<datastore xmlns:q="${ns}"> q:running </datastore>`,
      `<n:datastore xmlns:n="${NMDA}" xmlns="${ns}">running</n:datastore>`,
      `<datastore xmlns:q="${ns}"><![CDATA[q:running]]></datastore>`,
    ])
      await client.rpc(`<get-data xmlns="${NMDA}">${datastore}</get-data>`)
  })

  it("selects by subtree and by XPath, not by both", async () => {
    const { client } = await ready()
    const shelf = depotXml("<shelf><id>b</id><weight/></shelf>")
    const expected = "<depot><shelf><id>b</id><weight>5</weight></shelf></depot>"
    assert.equal(await data(client, "operational", { filterXml: shelf }), expected)
    const xpath = { select: "/d:depot/d:shelf[d:id='b']/d:weight", namespaces: { d: NS } }
    assert.equal(await data(client, "operational", { xpath }), expected)
    const both = "<subtree-filter/><xpath-filter>/*</xpath-filter>"
    assert.equal(await faultOf(rpc(client, both)), "bad-element")
    for (const bad of ["/d:depot[", "1 + 1", "/nope:depot"])
      assert.equal(
        await faultOf(rpc(client, `<xpath-filter>${bad}</xpath-filter>`)),
        "invalid-value",
      )
  })

  it("gives configuration alone, or state with what holds it", async () => {
    const { client } = await ready()
    const config = await data(client, "operational", { configFilter: true })
    assert.match(config, /<id>a</)
    assert.doesNotMatch(config, /total|weight/)
    assert.equal(
      await data(client, "operational", { configFilter: false }),
      "<depot><shelf><id>b</id><weight>5</weight></shelf><shelf><id>c</id><weight>7</weight></shelf><total>7</total></depot>",
    )
    assert.equal(await data(client, "running", { configFilter: false }), "")
    assert.equal(
      await faultOf(rpc(client, "<config-filter>maybe</config-filter>")),
      "invalid-value",
    )
  })

  it("counts max-depth from what the filter selects", async () => {
    const { client } = await ready()
    assert.equal(await data(client, "running", { maxDepth: 1 }), "<depot/>")
    const shelves = (maxDepth: number) =>
      data(client, "running", { filterXml: depotXml("<shelf/>"), maxDepth })
    const [one, all] = ["<shelf><id>a</id></shelf><shelf><id>b</id></shelf>", await shelves(9)]
    assert.equal(await shelves(1), `<depot>${one}</depot>`)
    assert.equal(await shelves(2), all)
    const xpath = { select: "/d:depot", namespaces: { d: NS } }
    assert.equal(await data(client, "running", { xpath, maxDepth: 1 }), "<depot/>")
    const whole = await client.getData("running", { maxDepth: 1 })
    assert.deepEqual(
      whole.map((e) => e.children),
      [[]],
    )
    for (const bad of ["0", "65536", "-1", "deep", ""])
      assert.equal(await faultOf(rpc(client, `<max-depth>${bad}</max-depth>`)), "invalid-value")
    await rpc(client, "<max-depth>unbounded</max-depth>")
  })

  it("reports defaults as asked", async () => {
    const { client } = await ready()
    assert.match(await data(client, "running", { withDefaults: "report-all" }), /<mode>quiet</)
    assert.match(
      await data(client, "running", { withDefaults: "report-all-tagged" }),
      /<mode wd:default="true">quiet</,
    )
    assert.doesNotMatch(await data(client, "operational", { withDefaults: "explicit" }), /quiet/)
    assert.equal(await faultOf(rpc(client, "<with-defaults>some</with-defaults>")), "invalid-value")
  })
})

describe("origins", () => {
  it("are told where they differ from what is above, and never of state", async () => {
    const { client } = await ready()
    const xml = await data(client, "operational", { withOrigin: true })
    assert.match(xml, /^<depot or:origin="or:intended"><name>north<\/name>/)
    assert.match(xml, /<mode or:origin="or:default">quiet<\/mode>/)
    assert.match(xml, /<kind or:origin="or:default">open</)
    assert.match(xml, /<shelf><id>a<\/id><colour>red</)
    assert.match(xml, /<shelf or:origin="or:system"><id>c<\/id><weight>7</)
    assert.match(xml, /<total>7</)
  })

  it("are the backend's to say where it knows better", async () => {
    const { client, backend } = await ready()
    Object.assign(backend, {
      originOf: (path: string, guess: string) =>
        path === "/depot:depot/shelf/colour" ? "learned" : guess,
    })
    const xml = await data(client, "operational", { withOrigin: true })
    assert.match(xml, /<colour or:origin="or:learned">red</)
    const learned = await rpc(
      client,
      `${filter("origin-filter", "learned")}<config-filter>true</config-filter>`,
    )
    const text = writeXml(learned)
    assert.match(text, /<shelf><id>a<\/id><colour>red<\/colour><\/shelf>/)
    assert.doesNotMatch(text, /north|place|quiet/)
  })

  const filter = (name: string, ...origins: string[]): string =>
    origins.map((o) => `<${name} ${OR}>or:${o}</${name}>`).join("")

  it("select configuration, and leave state as it is", async () => {
    const { client } = await ready()
    const top = `<subtree-filter>${TOP}</subtree-filter>`
    const ask = async (inner: string) => writeXml(await rpc(client, top + inner))
    const defaults = await ask(filter("origin-filter", "default"))
    assert.match(defaults, /<mode>quiet</)
    assert.match(defaults, /<id>a<\/id><kind>open</)
    assert.match(defaults, /<total>7</)
    assert.doesNotMatch(defaults, /north|colour|place/)
    const others = await ask(filter("negated-origin-filter", "default", "system"))
    assert.match(others, /north.*<id>a<.*<weight>7</)
    assert.doesNotMatch(others, /quiet|open/)
    const both = filter("origin-filter", "intended") + filter("negated-origin-filter", "default")
    assert.equal(await faultOf(rpc(client, both)), "bad-element")
    for (const bad of ["origin", "nonsense"])
      assert.equal(await faultOf(rpc(client, filter("origin-filter", bad))), "invalid-value")
  })

  it("are asked for of operational only", async () => {
    const { client } = await ready()
    for (const inner of ["<with-origin/>", filter("origin-filter", "system")])
      assert.equal(await faultOf(rpc(client, inner, "running")), "invalid-value")
  })
})

describe("edit-data", () => {
  const edit = (store: string, inner: string) =>
    `<edit-data xmlns="${NMDA}"><datastore ${DS}>ds:${store}</datastore>${inner}</edit-data>`
  const config = (children: string): string => `<config>${depotXml(children)}</config>`

  it("edits running and candidate, wholly or not at all", async () => {
    const { client, server } = await ready()
    await client.rpc(edit("running", config("<limit>5</limit>")))
    assert.match(JSON.stringify(server.datastore.running), /"limit":5/)
    await client.rpc(
      edit(
        "candidate",
        `<default-operation>replace</default-operation>${config("<name>new</name>")}`,
      ),
    )
    assert.equal(nameIn(server.datastores.config("candidate", OWNER)), "new")
    const gone = '<shelf xmlns:n="urn:ietf:params:xml:ns:netconf:base:1.0" n:operation="delete">'
    const half = config(`<name>half</name>${gone}<id>zz</id></shelf>`)
    assert.equal(await faultOf(client.rpc(edit("running", half))), "data-missing")
    assert.equal(nameIn(server.datastore.running), nameIn(two))
  })

  it("refuses what cannot be written, and parameters it does not have", async () => {
    const { client } = await ready()
    for (const store of ["operational", "intended", "startup"])
      assert.equal(await faultOf(client.rpc(edit(store, config("")))), "invalid-value", store)
    assert.equal(await faultOf(client.rpc(edit("running", ""))), "missing-element")
    assert.equal(
      await faultOf(client.rpc(edit("running", "<url>file:///x</url>"))),
      "unknown-element",
    )
    const odd = `<default-operation>burn</default-operation>${config("")}`
    assert.equal(await faultOf(client.rpc(edit("running", odd))), "invalid-value")
  })
})

describe("lock, unlock and validate", () => {
  const BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
  it("take a datastore by its identity too", async () => {
    const { client, server } = await ready()
    const by = (name: string, inside: string, store: string) =>
      client.rpc(
        `<${name} xmlns="${BASE}"><${inside}><datastore xmlns="${NMDA}" ${DS}>ds:${store}</datastore></${inside}></${name}>`,
      )
    await by("lock", "target", "running")
    assert.equal(server.datastores.lockHeld("running")?.sessionId, client.sessionId)
    await by("unlock", "target", "running")
    await by("validate", "source", "candidate")
    for (const [name, inside, store] of [
      ["lock", "target", "operational"],
      ["lock", "target", "startup"],
      ["validate", "source", "operational"],
      ["validate", "source", "intended"],
    ] as const)
      assert.equal(await faultOf(by(name, inside, store)), "invalid-value")
  })
})
