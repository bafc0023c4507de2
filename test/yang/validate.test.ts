// Validation beyond names and types: keys, mandatory nodes, choices, conditions, references, counts.

import assert from "node:assert/strict"
import type { JsonObject } from "../../src/yang/json.js"
import type { Schema } from "../../src/yang/schema.js"
import { compileValidator, jsonSchemaOf } from "../../src/yang/validate.js"
import type { ValidationKind } from "../../src/yang/validate.js"
import { etsiSchema, schemaOf } from "./fixture.js"

/** Faults as `tag path`, with the app-tag where there is one. */
function faults(
  schema: Schema,
  data: JsonObject,
  kind: ValidationKind = "data",
  datastore?: JsonObject,
): string[] {
  return compileValidator(schema, kind)(data, datastore).map((f) =>
    [f.tag, f.appTag, f.path].filter((part) => part !== undefined).join(" "),
  )
}

const NODE = "/etsi-qkd-sdn-node:qkd_node"
const ID = "11111111-1111-4111-8111-111111111111"
const LINK = "aaaaaaaa-0000-4000-8000-000000000001"
const node = (inner: JsonObject): JsonObject => ({
  "etsi-qkd-sdn-node:qkd_node": { qkdn_id: ID, ...inner },
})
const T = "etsi-qkd-node-types:"

describe("a node's data", () => {
  const etsi = etsiSchema()

  it("must name the node, even where there is no data at all", () => {
    assert.deepEqual(faults(etsi, {}), [`data-missing ${NODE}/qkdn_id`])
    assert.deepEqual(faults(etsi, {}, "config"), [`data-missing ${NODE}/qkdn_id`])
    assert.deepEqual(faults(etsi, {}, "get"), [])
  })

  it("has no state where configuration is wanted", () => {
    const data = node({ qkdn_status: `${T}OPERATING` })
    assert.deepEqual(faults(etsi, data), [])
    assert.deepEqual(faults(etsi, data, "config"), [`unknown-element ${NODE}/qkdn_status`])
  })

  it("has phys_* on PHYS links and virt_* on VIRT links only", () => {
    const link = (inner: JsonObject): JsonObject =>
      node({ qkd_links: { qkd_link: [{ qkdl_id: LINK, ...inner }] } })
    const at = `${NODE}/qkd_links/qkd_link[qkdl_id='${LINK}']`
    const phys = { phys_channel_att: "1.5", phys_wavelength: "1550", phys_qkd_role: `${T}RECEIVER` }
    const virt = { virt_prev_hop: ID, virt_next_hop: [ID], virt_bandwidth: 1 }
    const perf = { qkdl_performance: { phys_perf: [{ perf_type: `${T}QBER`, value: "0.02" }] } }
    assert.deepEqual(faults(etsi, link({ qkdl_type: `${T}PHYS`, ...phys, ...perf })), [])
    assert.deepEqual(faults(etsi, link({ qkdl_type: `${T}VIRT`, ...virt })), [])
    assert.deepEqual(
      faults(etsi, link({ qkdl_type: `${T}VIRT`, ...phys, ...perf })),
      [...Object.keys(phys), "qkdl_performance/phys_perf"].map((n) => `unknown-element ${at}/${n}`),
    )
    assert.deepEqual(
      faults(etsi, link({ qkdl_type: `${T}PHYS`, ...virt })),
      Object.keys(virt).map((n) => `unknown-element ${at}/${n}`),
    )
    assert.deepEqual(faults(etsi, link(phys)).length, 3, "no type, no phys_*")
  })

  it("has each key and each leaf-list value once", () => {
    const data = node({
      qkd_links: { qkd_link: [{ qkdl_id: LINK }, { qkdl_id: LINK }] },
      qkd_applications: { qkd_app: [{ app_id: ID, client_app_id: ["a", "b", "a"] }] },
    })
    assert.deepEqual(faults(etsi, data), [
      `bad-element ${NODE}/qkd_applications/qkd_app[app_id='${ID}']/client_app_id[.="a"]`,
      `bad-element ${NODE}/qkd_links/qkd_link[qkdl_id='${LINK}']`,
    ])
  })

  it("with wrong names, types or keys is told all of it, with paths", () => {
    const data: JsonObject = {
      "etsi-qkd-sdn-node:qkd_node": {
        qkdn_id: "no",
        qkdn_nix: 1,
        qkd_interfaces: { qkd_interface: [{ qkdi_id: -1 }, { qkdi_model: "x" }] },
        qkd_links: [],
      },
    }
    assert.deepEqual(faults(etsi, data).sort(), [
      `invalid-value ${NODE}/qkd_interfaces/qkd_interface[qkdi_id='-1']/qkdi_id`,
      `invalid-value ${NODE}/qkd_links`,
      `invalid-value ${NODE}/qkdn_id`,
      `missing-element ${NODE}/qkd_interfaces/qkd_interface[2]/qkdi_id`,
      `unknown-element ${NODE}/qkdn_nix`,
    ])
  })

  it("broken in ten thousand places gives a hundred faults, not ten thousand", () => {
    const qkd_app = Array.from({ length: 10_000 }, () => ({ app_id: "no" }))
    assert.equal(faults(etsi, node({ qkd_applications: { qkd_app } })).length, 100)
  })

  it("of a notification is one known event", () => {
    const name = "etsi-qkd-sdn-node:sdqkdn_link_down"
    const check = (data: JsonObject): string[] => faults(etsi, data, "notification")
    assert.deepEqual(check({ [name]: { qkd_link: { qkdl_id: LINK, reason: "cut" } } }), [])
    assert.deepEqual(check({ [name]: { qkd_link: { qkdl_id: "x" } } }), [
      `invalid-value /${name}/qkd_link/qkdl_id`,
    ])
    assert.deepEqual(check({ "etsi-qkd-sdn-node:nix": {} }), [
      "unknown-element /etsi-qkd-sdn-node:nix",
    ])
    assert.deepEqual(check({ [name]: {}, "etsi-qkd-sdn-node:alarm": {} }), ["bad-element /"])
  })

  it("is described by a JSON Schema with every leaf of the model", () => {
    const text = JSON.stringify(jsonSchemaOf(etsi, "data"))
    for (const name of ["phys_channel_att", "virt_next_hop", "phys_perf", "eskr", "app_statistics"])
      assert.ok(text.includes(`"${name}"`), name)
    assert.ok(!JSON.stringify(jsonSchemaOf(etsi, "config")).includes("eskr"))
  })
})

describe("constraints", () => {
  it("of choices: one case, and a mandatory one must be there", () => {
    const schema = schemaOf({
      m: `container c { choice x { mandatory true; case a { leaf a1 { type int8; } leaf a2 { type int8; mandatory true; } } leaf b { type int8; } } }
        container p { presence "p"; choice y { leaf d { type int8; mandatory true; } leaf e { type int8; } } }`,
    })
    const ok = { a1: 1, a2: 2 }
    assert.deepEqual(faults(schema, { "m:c": ok }), [])
    assert.deepEqual(faults(schema, {}), ["data-missing missing-choice /m:c/x"])
    assert.deepEqual(faults(schema, { "m:c": { a1: 1 } }), ["data-missing /m:c/a2"])
    assert.deepEqual(faults(schema, { "m:c": { ...ok, b: 1 } }), ["bad-element /m:c"])
    assert.deepEqual(faults(schema, { "m:c": ok, "m:p": {} }), [])
    assert.deepEqual(faults(schema, { "m:c": ok, "m:p": { e: 1 } }), [])
  })

  it("of mandatory nodes hold only while their conditions do", () => {
    const schema = schemaOf({
      m: `leaf on { type boolean; default false; }
        container c { when "../on = 'true'"; leaf must { type int8; mandatory true; } }
        container p { presence "p"; leaf must { type int8; mandatory true; } }
        leaf-list few { when "../on = 'true'"; type int8; min-elements 1; }`,
    })
    assert.deepEqual(faults(schema, {}), [])
    assert.deepEqual(faults(schema, { "m:on": true }), [
      "data-missing /m:c/must",
      "operation-failed too-few-elements /m:few",
    ])
    assert.deepEqual(faults(schema, { "m:p": {} }), ["data-missing /m:p/must"])
    assert.deepEqual(faults(schema, { "m:c": { must: 1 } }), ["unknown-element /m:c"])
    assert.deepEqual(faults(schema, { "m:on": true, "m:c": { must: 1 }, "m:few": [1] }), [])
  })

  it("of must carry the module's words", () => {
    const schema = schemaOf({
      m: `container c { must "a <= b" { error-message "a above b"; } leaf a { type int8; default 5; } leaf b { type int8; } }`,
    })
    assert.deepEqual(faults(schema, { "m:c": { b: 5 } }), [])
    assert.deepEqual(faults(schema, { "m:c": { b: 4 } }), ["operation-failed must-violation /m:c"])
    assert.equal(compileValidator(schema, "data")({ "m:c": { b: 4 } })[0]?.message, "a above b")
    assert.deepEqual(faults(schema, { "m:c": { b: 4 } }, "get"), [])
  })

  it("of references: the instance must be there", () => {
    const schema = schemaOf({
      m: `list node { key id; leaf id { type string; } list port { key n; leaf n { type uint8; } } }
        leaf to { type leafref { path "/node/id"; } }
        list link { key l; leaf l { type string; } leaf a { type leafref { path "../../node/id"; } }
          leaf p { type leafref { path "/node[id = current()/../a]/port/n"; } } }
        leaf loose { type leafref { path "/node/id"; require-instance false; } }
        leaf at { type instance-identifier; }
        leaf either { type union { type leafref { path "/node/id"; } type uint8; } }
        notification n { leaf of { type leafref { path "/m:node/m:id"; } } }`,
    })
    const nodes = {
      "m:node": [
        { id: "a", port: [{ n: 1 }] },
        { id: "b", port: [{ n: 2 }] },
      ],
    }
    const gone = (path: string): string => `data-missing instance-required ${path}`
    const check = (more: JsonObject): string[] => faults(schema, { ...nodes, ...more })
    assert.deepEqual(check({ "m:to": "a", "m:loose": "zz", "m:either": 7 }), [])
    assert.deepEqual(check({ "m:to": "zz" }), [gone("/m:to")])
    assert.deepEqual(check({ "m:either": "a" }), [])
    assert.deepEqual(check({ "m:link": [{ l: "x", a: "a", p: 1 }] }), [])
    assert.deepEqual(check({ "m:link": [{ l: "x", a: "a", p: 2 }] }), [gone("/m:link[l='x']/p")])
    assert.deepEqual(check({ "m:link": [{ l: "x", a: "c" }] }), [gone("/m:link[l='x']/a")])
    assert.deepEqual(check({ "m:at": "/m:node[id='b']/port[n='2']" }), [])
    assert.deepEqual(check({ "m:at": "/m:node[id='b']/port[n='1']" }), [gone("/m:at")])
    const event = { "m:n": { of: "zz" } }
    assert.deepEqual(faults(schema, event, "notification"), [], "no datastore, no looking")
    assert.deepEqual(faults(schema, event, "notification", nodes), [gone("/m:n/of")])
    assert.deepEqual(faults(schema, { "m:n": { of: "b" } }, "notification", nodes), [])
  })

  it("of many references stay fast: ten thousand into ten thousand", function () {
    this.timeout(180_000)
    const schema = schemaOf({
      m: `list node { key id; leaf id { type string; } leaf v { type uint32; } }
        list link { key l; leaf l { type string; } leaf a { type leafref { path "/node/id"; } }
          leaf v { type leafref { path "/node[id = current()/../a]/v"; } } }`,
    })
    const ids = Array.from({ length: 10_000 }, (_, i) => i)
    const data = {
      "m:node": ids.map((i) => ({ id: `n${i}`, v: i })),
      "m:link": ids.map((i) => ({ l: `l${i}`, a: `n${i}`, v: i })),
    }
    assert.deepEqual(faults(schema, data), [])
  })

  it("of unique: no two entries with all values the same, defaults counting", () => {
    const schema = schemaOf({
      m: `list s { key k; unique "ip o/port"; leaf k { type string; } leaf ip { type string; } container o { leaf port { type uint16; default 25; } } }`,
    })
    const s = (k: string, ip?: string, port?: number): JsonObject => ({
      k,
      ...(ip === undefined ? {} : { ip }),
      ...(port === undefined ? {} : { o: { port } }),
    })
    assert.deepEqual(
      faults(schema, { "m:s": [s("a", "1", 1), s("b", "1", 2), s("c"), s("d")] }),
      [],
    )
    assert.deepEqual(faults(schema, { "m:s": [s("a", "1"), s("b", "1", 25)] }), [
      "operation-failed data-not-unique /m:s[k='b']",
    ])
  })

  it("of counts, in state lists without keys too", () => {
    const schema = schemaOf({
      m: `list l { config false; max-elements 2; leaf x { type int8; } } leaf-list s { config false; type int8; }
        leaf-list f { type int8; min-elements 2; }`,
    })
    const f = { "m:f": [1, 2] }
    assert.deepEqual(faults(schema, { ...f, "m:l": [{ x: 1 }, { x: 1 }], "m:s": [1, 1] }), [])
    assert.deepEqual(faults(schema, { ...f, "m:l": [{}, {}, {}] }), [
      "operation-failed too-many-elements /m:l",
    ])
    assert.deepEqual(faults(schema, {}), ["operation-failed too-few-elements /m:f"])
    assert.deepEqual(faults(schema, { "m:f": [1] }, "config"), [
      "operation-failed too-few-elements /m:f",
    ])
  })

  it("of operations: input and output each on their own", () => {
    const schema = schemaOf({
      m: `rpc r { input { leaf a { type int8; mandatory true; } leaf b { when "../a = 1"; type int8; } } output { leaf c { type int8; } } }`,
    })
    assert.deepEqual(faults(schema, { "m:r": { a: 1, b: 2 } }, "rpc-input"), [])
    assert.deepEqual(faults(schema, { "m:r": {} }, "rpc-input"), ["data-missing /m:r/a"])
    assert.deepEqual(faults(schema, { "m:r": { a: 2, b: 2 } }, "rpc-input"), [
      "unknown-element /m:r/b",
    ])
    assert.deepEqual(faults(schema, { "m:r": { c: 2 } }, "rpc-output"), [])
    assert.deepEqual(faults(schema, { "m:r": { a: 2 } }, "rpc-output"), ["unknown-element /m:r/a"])
  })
})
