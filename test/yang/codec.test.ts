// XML and JSON of the 015 model to instance data and back, and the errors of those who send something else.

import assert from "node:assert/strict"
import fc from "fast-check"
import { decodeJson, parseJson } from "../../src/yang/json.js"
import type { JsonObject } from "../../src/yang/json.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { childrenOf, parseXml } from "../../src/yang/xml-tree.js"
import { configOf, etsiSchema, schemaOf, tagged } from "./fixture.js"
import { anyNode } from "./oracle-instances.js"

const schema = etsiSchema()
const NODE = "/etsi-qkd-sdn-node:qkd_node"
const ID = "11111111-1111-4111-8111-111111111111"
const LINK = "aaaaaaaa-0000-4000-8000-000000000001"

const node = (inner: string): string => `<qkd_node><qkdn_id>${ID}</qkdn_id>${inner}</qkd_node>`
const link = (inner: string): string =>
  node(`<qkd_links><qkd_link><qkdl_id>${LINK}</qkdl_id>${inner}</qkd_link></qkd_links>`)
const decode = (xml: string): JsonObject => decodeXml(schema, configOf(xml))

describe("a node's data", () => {
  it("goes from JSON to XML and back unchanged", () => {
    fc.assert(
      fc.property(anyNode, (drawn) => {
        const data = decodeJson(schema, parseJson(JSON.stringify(drawn)))
        const xml = encodeXml(schema, data)
        assert.deepEqual(decodeXml(schema, childrenOf(parseXml(`<data>${xml}</data>`))), data)
        assert.deepEqual(decodeJson(schema, data), data)
      }),
      { numRuns: 100 },
    )
  })

  it("goes from XML to data and back to the same XML", () => {
    fc.assert(
      fc.property(anyNode, (drawn) => {
        const xml = encodeXml(schema, decodeJson(schema, parseJson(JSON.stringify(drawn))))
        const again = encodeXml(
          schema,
          decodeXml(schema, childrenOf(parseXml(`<data>${xml}</data>`))),
        )
        assert.equal(again, xml)
      }),
      { numRuns: 100 },
    )
  })

  it("takes identities by whatever prefix is in scope", () => {
    for (const written of [
      "<qkdl_type>t:PHYS</qkdl_type>",
      '<qkdl_type xmlns:zz="urn:etsi:qkd:yang:etsi-qkd-node-types">zz:PHYS</qkdl_type>',
    ]) {
      const data = decode(link(written))
      assert.match(JSON.stringify(data), /"qkdl_type":"etsi-qkd-node-types:PHYS"/)
    }
  })

  it("writes keys first, whatever the order of the data", () => {
    const xml = encodeXml(schema, {
      "etsi-qkd-sdn-node:qkd_node": {
        qkd_links: { qkd_link: [{ qkdl_enable: true, qkdl_id: LINK }] },
      },
    })
    assert.match(xml, /<qkd_link><qkdl_id>/)
  })

  it("reads and writes notifications under their root", () => {
    const [event] = configOf(
      `<sdqkdn_link_down><qkd_link><qkdl_id>${LINK}</qkdl_id><reason>cut &amp; gone</reason></qkd_link></sdqkdn_link_down>`,
    )
    assert.ok(event)
    const data = decodeXml(schema, [event], schema.notificationRoot)
    assert.deepEqual(data, {
      "etsi-qkd-sdn-node:sdqkdn_link_down": { qkd_link: { qkdl_id: LINK, reason: "cut & gone" } },
    })
    const xml = encodeXml(schema, data, schema.notificationRoot)
    assert.deepEqual(decodeXml(schema, [parseXml(xml)], schema.notificationRoot), data)
  })

  it("keeps what has no schema of its own", () => {
    const any = schemaOf({ m: "anydata d; anyxml x; container c { leaf l { type uint8; } }" })
    const elements = configOf(
      '<d><c xmlns="urn:m"><l>7</l></c></d><x><free xmlns="urn:free" a="1">text</free></x>',
      "urn:m",
    )
    const data = decodeXml(any, elements)
    assert.deepEqual(data["m:d"], { "m:c": { l: 7 } })
    const again = decodeXml(any, childrenOf(parseXml(`<data>${encodeXml(any, data)}</data>`)))
    assert.deepEqual(again, data)
    assert.match(encodeXml(any, data), /<free xmlns="urn:free"[^>]* a="1">text<\/free>/)
  })
})

describe("XML that is not of the model", () => {
  it("is told apart: unknown element, unknown namespace, wrong place, unknown attribute", () => {
    assert.throws(() => decode(node("<nix/>")), tagged("unknown-element", `${NODE}/nix`))
    assert.throws(
      () => decode(node('<a xmlns="urn:no"/>')),
      tagged("unknown-namespace", `${NODE}/a`),
    )
    assert.throws(() => decode('<qkd_node xmlns=""/>'), tagged("unknown-namespace", "/qkd_node"))
    assert.throws(
      () => decode("<sdqkdn_link_down/>"),
      tagged("unknown-element", "/sdqkdn_link_down"),
    )
    assert.throws(
      () => decode(node('<qkdn_version a="1">v</qkdn_version>')),
      tagged("unknown-attribute", `${NODE}/qkdn_version`),
    )
    assert.throws(
      () => decode(node('<qkd_links a="1"/>')),
      tagged("unknown-attribute", `${NODE}/qkd_links`),
    )
  })

  it("names the list entry by its keys, wherever they stand", () => {
    const path = `${NODE}/qkd_links/qkd_link[qkdl_id='${LINK}']`
    assert.throws(
      () => decode(link("<qkdl_performance><skr>fast</skr></qkdl_performance>")),
      tagged("invalid-value", `${path}/qkdl_performance/skr`),
    )
    const late = `<qkd_links><qkd_link><qkdl_enable>no</qkdl_enable><qkdl_id>${LINK}</qkdl_id></qkd_link></qkd_links>`
    assert.throws(() => decode(node(late)), tagged("invalid-value", `${path}/qkdl_enable`))
  })

  it("wants every key, once", () => {
    assert.throws(
      () => decode(node("<qkd_links><qkd_link/></qkd_links>")),
      tagged("missing-element", `${NODE}/qkd_links/qkd_link[1]/qkdl_id`),
    )
    assert.throws(() => decode(link(`<qkdl_id>${LINK}</qkdl_id>`)), tagged("bad-element"))
  })

  it("has each leaf and container once", () => {
    assert.throws(
      () => decode(node("<qkdn_version>1</qkdn_version><qkdn_version>2</qkdn_version>")),
      tagged("bad-element", `${NODE}/qkdn_version`),
    )
    assert.throws(() => decode(node("<qkd_links/><qkd_links/>")), tagged("bad-element"))
    assert.throws(() => decode(`${node("")}${node("")}`), tagged("bad-element", NODE))
  })

  it("has no text between elements and no elements in leaves", () => {
    assert.throws(() => decode(node("stray")), tagged("bad-element", NODE))
    assert.throws(() => decode(node("<qkdn_version><b/></qkdn_version>")), tagged("invalid-value"))
  })

  it("keeps a hostile key out of the path's syntax", () => {
    const own = schemaOf({ m: "list l { key k; leaf k { type string; } leaf v { type uint8; } }" })
    const xml = `<l><k>a'] | /x['"</k><v>no</v></l>`
    assert.throws(
      () => decodeXml(own, configOf(xml, "urn:m")),
      tagged("invalid-value", `/m:l[k="a'] | /x['&quot;"]/v`),
    )
  })
})

describe("JSON that is not of the model", () => {
  const at = (inner: JsonObject): JsonObject => ({ "etsi-qkd-sdn-node:qkd_node": inner })

  it("is refused with the path", () => {
    const cases: readonly (readonly [JsonObject, string])[] = [
      [{ qkd_node: {} }, "/qkd_node"],
      [at({ nix: 1 }), `${NODE}/nix`],
      [at({ toString: 1 }), `${NODE}/toString`],
    ]
    for (const [data, path] of cases)
      assert.throws(() => decodeJson(schema, data), tagged("unknown-element", path), path)
    assert.throws(() => decodeJson(schema, at({ "x:a": 1 })), tagged("unknown-namespace"))
    assert.throws(
      () => decodeJson(schema, at({ qkd_links: [] })),
      tagged("invalid-value", `${NODE}/qkd_links`),
    )
    assert.throws(
      () => decodeJson(schema, at({ qkd_links: { qkd_link: {} } })),
      tagged("invalid-value", `${NODE}/qkd_links/qkd_link`),
    )
    assert.throws(
      () => decodeJson(schema, at({ qkd_links: { qkd_link: [1] } })),
      tagged("invalid-value", `${NODE}/qkd_links/qkd_link[1]`),
    )
    assert.throws(() => decodeJson(schema, []), tagged("invalid-value", "/"))
  })

  it("may qualify names more than needed, but not name a member twice", () => {
    const twice = at({ "etsi-qkd-sdn-node:qkdn_version": "a", qkdn_version: "b" })
    assert.deepEqual(
      decodeJson(schema, at({ "etsi-qkd-sdn-node:qkdn_version": "a" })),
      at({ qkdn_version: "a" }),
    )
    assert.throws(() => decodeJson(schema, twice), tagged("invalid-value", `${NODE}/qkdn_version`))
  })
})
