// Subtree filters on a node's data, configuration without state, defaults.

import assert from "node:assert/strict"
import fc from "fast-check"
import { withDefaults, withoutDefaults } from "../../src/yang/defaults.js"
import { configOnly, filterSubtree } from "../../src/yang/filter.js"
import { decodeJson, parseJson } from "../../src/yang/json.js"
import type { JsonObject } from "../../src/yang/json.js"
import { compileValidator } from "../../src/yang/validate.js"
import { configOf, etsiSchema, schemaOf } from "./fixture.js"
import { anyNode } from "./oracle-instances.js"

const schema = etsiSchema()
const A = "aaaaaaaa-0000-4000-8000-000000000001"
const B = "bbbbbbbb-0000-4000-8000-000000000002"
const T = "etsi-qkd-node-types:"
const ID = "11111111-1111-4111-8111-111111111111"

const linkA = {
  qkdl_id: A,
  qkdl_type: `${T}PHYS`,
  qkdl_enable: true,
  qkdl_performance: { skr: 1000, phys_perf: [{ perf_type: `${T}QBER`, value: "0.02" }] },
}
const linkB = { qkdl_id: B, qkdl_type: `${T}VIRT`, virt_next_hop: [ID, A] }
const DATA: JsonObject = {
  "etsi-qkd-sdn-node:qkd_node": {
    qkdn_id: ID,
    qkdn_status: `${T}OPERATING`,
    qkd_links: { qkd_link: [linkA, linkB] },
    qkd_interfaces: { qkd_interface: [{ qkdi_id: 1, qkdi_status: `${T}ENABLED` }] },
  },
}

const select = (inner: string): JsonObject => filterSubtree(schema, DATA, configOf(inner))
const node = (inner: JsonObject): JsonObject => ({ "etsi-qkd-sdn-node:qkd_node": inner })
const links = (...entries: JsonObject[]): JsonObject => node({ qkd_links: { qkd_link: entries } })
const inLinks = (inner: string): string => `<qkd_node><qkd_links>${inner}</qkd_links></qkd_node>`

describe("a subtree filter", () => {
  it("that is empty selects nothing, one that names the top selects all", () => {
    assert.deepEqual(select(""), {})
    assert.deepEqual(select("<qkd_node/>"), DATA)
  })

  it("selects subtrees, leaves and list entries with their keys", () => {
    assert.deepEqual(select("<qkd_node><qkdn_id/></qkd_node>"), node({ qkdn_id: ID }))
    assert.deepEqual(
      select(inLinks("<qkd_link><qkdl_type/></qkd_link>")),
      links({ qkdl_id: A, qkdl_type: `${T}PHYS` }, { qkdl_id: B, qkdl_type: `${T}VIRT` }),
    )
    assert.deepEqual(
      select(inLinks("<qkd_link><qkdl_performance><skr/></qkdl_performance></qkd_link>")),
      links({ qkdl_id: A, qkdl_performance: { skr: 1000 } }),
    )
  })

  it("matches content: keys, other leaves, identities by prefix, leaf-list values", () => {
    assert.deepEqual(
      select(inLinks(`<qkd_link><qkdl_id> ${A} </qkdl_id></qkd_link>`)),
      links(linkA),
    )
    assert.deepEqual(
      select(inLinks("<qkd_link><qkdl_type>t:VIRT</qkdl_type></qkd_link>")),
      links(linkB),
    )
    assert.deepEqual(
      select(inLinks(`<qkd_link><qkdl_id>${A}</qkdl_id><qkdl_enable/></qkd_link>`)),
      links({ qkdl_id: A, qkdl_enable: true }),
    )
    assert.deepEqual(
      select(inLinks(`<qkd_link><virt_next_hop>${ID}</virt_next_hop><qkdl_type/></qkd_link>`)),
      links({ qkdl_id: B, virt_next_hop: [ID], qkdl_type: `${T}VIRT` }),
    )
    assert.deepEqual(select(inLinks(`<qkd_link><qkdl_id>${ID}</qkdl_id></qkd_link>`)), {})
    assert.deepEqual(select(inLinks("<qkd_link><qkdl_id>x</qkdl_id></qkd_link>")), {})
  })

  it("joins what several elements of one name select", () => {
    assert.deepEqual(
      select(
        inLinks(
          `<qkd_link><qkdl_id>${B}</qkdl_id></qkd_link><qkd_link><qkdl_id>${A}</qkdl_id></qkd_link>`,
        ),
      ),
      links(linkA, linkB),
    )
    assert.deepEqual(
      select(
        inLinks(`<qkd_link><qkdl_id>${B}</qkdl_id></qkd_link><qkd_link><qkdl_type/></qkd_link>`),
      ),
      links({ qkdl_id: A, qkdl_type: `${T}PHYS` }, linkB),
    )
    assert.deepEqual(
      select("<qkd_node><qkdn_id/></qkd_node><qkd_node><qkdn_status/></qkd_node>"),
      node({ qkdn_id: ID, qkdn_status: `${T}OPERATING` }),
    )
  })

  it("selects nothing by names and namespaces nobody knows, or by attributes", () => {
    assert.deepEqual(select("<nix/>"), {})
    assert.deepEqual(select('<qkd_node xmlns="urn:nix"/>'), {})
    assert.deepEqual(select("<qkd_node><nix/></qkd_node>"), {})
    assert.deepEqual(select('<qkd_node a="1"/>'), {})
    assert.deepEqual(select("<qkd_node>text</qkd_node>"), {})
  })

  it("without namespace fits any", () => {
    assert.deepEqual(select('<qkd_node xmlns=""><qkdn_id/></qkd_node>'), node({ qkdn_id: ID }))
  })

  it("never selects anything the data does not have", () => {
    fc.assert(
      fc.property(anyNode, (drawn) => {
        const data = decodeJson(schema, parseJson(JSON.stringify(drawn)))
        const filter = configOf(
          inLinks("<qkd_link><qkdl_type>t:PHYS</qkdl_type><qkdl_local/></qkd_link>"),
        )
        const found = filterSubtree(schema, data, filter)
        assert.deepEqual(compileValidator(schema, "get")(found), [])
        assert.deepEqual(filterSubtree(schema, found, filter), found)
      }),
      { numRuns: 50 },
    )
  })
})

describe("configuration only", () => {
  it("has no state, and shares what had none", () => {
    const config = configOnly(schema, DATA)
    assert.deepEqual(
      config,
      node({
        qkdn_id: ID,
        qkd_links: { qkd_link: [{ qkdl_id: A, qkdl_type: `${T}PHYS`, qkdl_enable: true }, linkB] },
        qkd_interfaces: { qkd_interface: [{ qkdi_id: 1 }] },
      }),
    )
    assert.deepEqual(compileValidator(schema, "config")(config), [])
  })
})

describe("defaults", () => {
  it("are filled in where they are in use, and taken out again", () => {
    const full = withDefaults(schema, links(linkB))
    const text = JSON.stringify(full)
    for (const piece of [
      '"qkdn_location_id":""',
      '"link_stats_support":true',
      '"qkdl_enable":true',
    ])
      assert.ok(text.includes(piece), piece)
    assert.deepEqual(withoutDefaults(schema, full), links(linkB))
    assert.deepEqual(withDefaults(schema, {}), {})
  })

  it("depend on cases and conditions", () => {
    const own = schemaOf({
      m: `container c { leaf on { type boolean; }
        leaf w { when "../on = 'true'"; type int8; default 1; }
        choice x { default a; case a { leaf a1 { type int8; default 2; } leaf a2 { type int8; } } case b { leaf b1 { type int8; default 3; } leaf b2 { type int8; } } }
        container p { presence "p"; leaf z { type int8; default 4; } } }`,
    })
    const fill = (inner: JsonObject): unknown => withDefaults(own, { "m:c": inner })["m:c"]
    assert.deepEqual(fill({}), { a1: 2 })
    assert.deepEqual(fill({ on: true }), { on: true, w: 1, a1: 2 })
    assert.deepEqual(fill({ on: false }), { on: false, a1: 2 })
    assert.deepEqual(fill({ b2: 9 }), { b2: 9, b1: 3 })
    assert.deepEqual(fill({ p: {} }), { p: { z: 4 }, a1: 2 })
  })

  it("keep valid data valid", () => {
    const validate = compileValidator(schema, "data")
    fc.assert(
      fc.property(anyNode, (drawn) => {
        const data = decodeJson(schema, parseJson(JSON.stringify(drawn)))
        const full = withDefaults(schema, data)
        assert.deepEqual(validate(full), [])
        assert.deepEqual(withDefaults(schema, full), full)
        assert.deepEqual(validate(withoutDefaults(schema, full)), [])
      }),
      { numRuns: 50 },
    )
  })
})
