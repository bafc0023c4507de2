// edit-config on a node's configuration: each operation, its errors with paths, and that the old tree stays as it was.

import assert from "node:assert/strict"
import fc from "fast-check"
import { applyEdit } from "../../src/yang/edit.js"
import type { DefaultOperation } from "../../src/yang/edit.js"
import { decodeJson, parseJson } from "../../src/yang/json.js"
import type { JsonObject, JsonValue } from "../../src/yang/json.js"
import { configOnly } from "../../src/yang/filter.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { childrenOf, parseXml } from "../../src/yang/xml-tree.js"
import { configOf, etsiSchema, schemaOf, tagged } from "./fixture.js"
import { anyNode } from "./oracle-instances.js"

const schema = etsiSchema()
const NODE = "/etsi-qkd-sdn-node:qkd_node"
const ID = "11111111-1111-4111-8111-111111111111"
const A = "aaaaaaaa-0000-4000-8000-000000000001"
const B = "bbbbbbbb-0000-4000-8000-000000000002"
const T = "etsi-qkd-node-types:"

function deepFreeze<V extends JsonValue>(value: V): V {
  if (typeof value === "object" && value !== null) {
    Object.freeze(value)
    Object.values(value).forEach(deepFreeze)
  }
  return value
}

const START = deepFreeze<JsonObject>({
  "etsi-qkd-sdn-node:qkd_node": {
    qkdn_id: ID,
    qkdn_version: "v1",
    qkd_interfaces: { qkd_interface: [{ qkdi_id: 1 }, { qkdi_id: 2, qkdi_model: "m" }] },
    qkd_links: {
      qkd_link: [
        { qkdl_id: A, qkdl_type: `${T}PHYS`, phys_wavelength: "1550" },
        { qkdl_id: B, qkdl_type: `${T}VIRT`, virt_next_hop: [ID, A] },
      ],
    },
  },
})

function edit(inner: string, operation: DefaultOperation = "merge", from = START): JsonObject {
  return applyEdit(schema, from, configOf(`<qkd_node>${inner}</qkd_node>`), operation)
}

/** The value at the members of qkd_node. */
function at(data: JsonObject, ...members: (string | number)[]): JsonValue | undefined {
  let value: JsonValue | undefined = data["etsi-qkd-sdn-node:qkd_node"]
  for (const member of members)
    value = (value as Readonly<Record<string | number, JsonValue>> | undefined)?.[member]
  return value
}

const link = (id: string, inner: string, attrs = ""): string =>
  `<qkd_links><qkd_link ${attrs}><qkdl_id>${id}</qkdl_id>${inner}</qkd_link></qkd_links>`
const op = (operation: string): string => `nc:operation="${operation}"`
const C = "cccccccc-0000-4000-8000-000000000003"

describe("an edit that merges", () => {
  it("changes the leaf, keeps the rest, and shares what it does not touch", () => {
    const after = edit(link(A, "<phys_wavelength>1310</phys_wavelength>"))
    assert.equal(at(after, "qkd_links", "qkd_link", 0, "phys_wavelength"), "1310")
    assert.equal(at(after, "qkd_links", "qkd_link", 0, "qkdl_type"), `${T}PHYS`)
    assert.equal(at(after, "qkd_links", "qkd_link", 1), at(START, "qkd_links", "qkd_link", 1))
    assert.equal(at(after, "qkd_interfaces"), at(START, "qkd_interfaces"))
    assert.equal(at(START, "qkd_links", "qkd_link", 0, "phys_wavelength"), "1550")
  })

  it("adds entries and leaf-list values at the end, once", () => {
    const after = edit(
      `<qkd_links><qkd_link><qkdl_id>${C}</qkdl_id></qkd_link>` +
        `<qkd_link><qkdl_id>${B}</qkdl_id><virt_next_hop>${A}</virt_next_hop><virt_next_hop>${C}</virt_next_hop></qkd_link></qkd_links>`,
    )
    assert.deepEqual(at(after, "qkd_links", "qkd_link", 2), { qkdl_id: C })
    assert.deepEqual(at(after, "qkd_links", "qkd_link", 1, "virt_next_hop"), [ID, A, C])
  })

  it("makes containers as needed and none that stay empty", () => {
    const after = edit(
      "<qkd_applications/><qkdn_capabilities><link_stats_support>false</link_stats_support></qkdn_capabilities>",
    )
    assert.deepEqual(at(after, "qkdn_capabilities"), { link_stats_support: false })
    assert.equal(at(after, "qkd_applications"), undefined)
  })
})

describe("an edit that replaces, creates, deletes or removes", () => {
  it("replaces an entry whole, in its place", () => {
    const after = edit(link(A, "<qkdl_enable>false</qkdl_enable>", op("replace")))
    assert.deepEqual(at(after, "qkd_links", "qkd_link", 0), { qkdl_id: A, qkdl_enable: false })
  })

  it("replaces a container, a leaf, and by default everything", () => {
    const inner = `<qkd_link><qkdl_id>${C}</qkdl_id></qkd_link>`
    const after = edit(`<qkd_links ${op("replace")}>${inner}</qkd_links>`)
    assert.deepEqual(at(after, "qkd_links"), { qkd_link: [{ qkdl_id: C }] })
    assert.equal(at(edit(`<qkdn_version ${op("replace")}>v2</qkdn_version>`), "qkdn_version"), "v2")
    assert.deepEqual(edit(`<qkdn_id>${ID}</qkdn_id>`, "replace"), {
      "etsi-qkd-sdn-node:qkd_node": { qkdn_id: ID },
    })
  })

  it("creates what is not there, and refuses what is", () => {
    const path = `${NODE}/qkd_links/qkd_link[qkdl_id='${A}']`
    assert.deepEqual(at(edit(link(C, "", op("create"))), "qkd_links", "qkd_link", 2), {
      qkdl_id: C,
    })
    assert.throws(() => edit(link(A, "", op("create"))), tagged("data-exists", path))
    assert.throws(
      () => edit(`<qkdn_version ${op("create")}>v</qkdn_version>`),
      tagged("data-exists", `${NODE}/qkdn_version`),
    )
    assert.throws(
      () => edit(`<qkd_links ${op("create")}/>`),
      tagged("data-exists", `${NODE}/qkd_links`),
    )
  })

  it("deletes what is there, and refuses what is not", () => {
    const after = edit(link(A, "", op("delete")))
    assert.equal((at(after, "qkd_links", "qkd_link") as JsonValue[]).length, 1)
    assert.throws(
      () => edit(link(C, "", op("delete"))),
      tagged("data-missing", `${NODE}/qkd_links/qkd_link[qkdl_id='${C}']`),
    )
    assert.throws(
      () => edit(`<qkd_applications ${op("delete")}/>`),
      tagged("data-missing", `${NODE}/qkd_applications`),
    )
    assert.throws(
      () => edit(link(B, `<virt_next_hop ${op("delete")}>${C}</virt_next_hop>`)),
      tagged("data-missing"),
    )
    assert.equal(at(edit(`<qkdn_version ${op("delete")}/>`), "qkdn_version"), undefined)
    const hops = edit(link(B, `<virt_next_hop ${op("delete")}>${ID}</virt_next_hop>`))
    assert.deepEqual(at(hops, "qkd_links", "qkd_link", 1, "virt_next_hop"), [A])
  })

  it("removes without asking, down to nothing", () => {
    const gone = edit(
      `<qkd_links>${[A, B, C].map((id) => `<qkd_link ${op("remove")}><qkdl_id>${id}</qkdl_id></qkd_link>`).join("")}</qkd_links>`,
    )
    assert.equal(at(gone, "qkd_links"), undefined)
  })

  it("with default none only walks through what is there", () => {
    const after = edit(link(A, `<qkdl_enable ${op("create")}>false</qkdl_enable>`), "none")
    assert.equal(at(after, "qkd_links", "qkd_link", 0, "qkdl_enable"), false)
    assert.throws(
      () => edit(link(C, `<qkdl_enable ${op("create")}>false</qkdl_enable>`), "none"),
      tagged("data-missing", `${NODE}/qkd_links/qkd_link[qkdl_id='${C}']`),
    )
    assert.deepEqual(edit(link(A, "<qkdl_type>t:PHYS</qkdl_type>"), "none"), START)
    const empty: JsonObject = { "etsi-qkd-sdn-node:qkd_node": { qkdn_id: ID } }
    const first = edit(link(C, "", op("create")), "none", empty)
    assert.deepEqual(at(first, "qkd_links", "qkd_link"), [{ qkdl_id: C }])
  })
})

describe("an edit nobody may make", () => {
  it("touches state", () => {
    const status = "<qkdn_status>t:DOWN</qkdn_status>"
    assert.throws(() => edit(status), tagged("unknown-element", `${NODE}/qkdn_status`))
    assert.throws(
      () => edit(link(A, "<qkdl_performance><skr>9</skr></qkdl_performance>")),
      tagged("unknown-element", `${NODE}/qkd_links/qkd_link[qkdl_id='${A}']/qkdl_performance/skr`),
    )
  })

  it("has wrong values, names, keys or attributes", () => {
    const cases: readonly (readonly [string, Parameters<typeof tagged>])[] = [
      ["<qkdn_id>x</qkdn_id>", ["invalid-value", `${NODE}/qkdn_id`]],
      ["<nix/>", ["unknown-element", `${NODE}/nix`]],
      ['<a xmlns="urn:nix"/>', ["unknown-namespace", `${NODE}/a`]],
      [
        "<qkd_links><qkd_link/></qkd_links>",
        ["missing-element", `${NODE}/qkd_links/qkd_link/qkdl_id`],
      ],
      ['<qkdn_version operation="delete"/>', ["unknown-attribute", `${NODE}/qkdn_version`]],
      ['<qkdn_version nc:operation="destroy"/>', ["bad-attribute", `${NODE}/qkdn_version`]],
      [link(A, "", 'y:insert="first"'), ["unknown-attribute"]],
      [
        "<qkdn_version>1</qkdn_version><qkdn_version>2</qkdn_version>",
        ["bad-element", `${NODE}/qkdn_version`],
      ],
      ["text", ["bad-element", NODE]],
      [
        `<qkd_links><qkd_link><qkdl_id ${op("delete")}>${A}</qkdl_id></qkd_link></qkd_links>`,
        ["bad-attribute"],
      ],
    ]
    for (const [inner, expected] of cases)
      assert.throws(() => edit(inner), tagged(...expected), inner)
  })

  it("may say that it merges or creates the key of an entry, as some clients do", () => {
    const key = (o: string): string =>
      `<qkd_links><qkd_link><qkdl_id ${op(o)}>${C}</qkdl_id></qkd_link></qkd_links>`
    for (const o of ["merge", "create"])
      assert.deepEqual(at(edit(key(o)), "qkd_links", "qkd_link", 2), { qkdl_id: C })
  })

  it("leaves the configuration as it was", () => {
    const before = JSON.stringify(START)
    assert.throws(() => edit(`${link(A, "", op("delete"))}<nix/>`), tagged("unknown-element"))
    assert.equal(JSON.stringify(START), before)
  })
})

describe("conditions in an edit", () => {
  it("take out phys_* when a link turns VIRT, and refuse phys_* written to a VIRT link", () => {
    const after = edit(link(A, "<qkdl_type>t:VIRT</qkdl_type><virt_bandwidth>8</virt_bandwidth>"))
    assert.deepEqual(at(after, "qkd_links", "qkd_link", 0), {
      qkdl_id: A,
      qkdl_type: `${T}VIRT`,
      virt_bandwidth: 8,
    })
    assert.throws(
      () => edit(link(B, "<phys_wavelength>1</phys_wavelength>")),
      tagged("unknown-element", `${NODE}/qkd_links/qkd_link[qkdl_id='${B}']/phys_wavelength`),
    )
  })

  it("cascade", () => {
    const own = schemaOf({
      m: `leaf a { type int8; } container c { leaf b { when "/a = 1"; type int8; } leaf d { when "../b"; type int8; } leaf e { type int8; } }`,
    })
    const from: JsonObject = { "m:a": 1, "m:c": { b: 1, d: 1, e: 1 } }
    const change = configOf(`<a>2</a><c><e>2</e></c>`, "urn:m")
    assert.deepEqual(applyEdit(own, from, change, "merge"), { "m:a": 2, "m:c": { e: 2 } })
  })
})

describe("edits in general", () => {
  it("replacing everything with what a node's configuration encodes to gives that configuration", () => {
    fc.assert(
      fc.property(anyNode, anyNode, (one, other) => {
        const read = (drawn: unknown): JsonObject =>
          configOnly(schema, decodeJson(schema, parseJson(JSON.stringify(drawn))))
        const [from, to] = [deepFreeze(read(one)), read(other)]
        const elements = childrenOf(parseXml(`<config>${encodeXml(schema, to)}</config>`))
        const after = applyEdit(schema, from, elements, "replace")
        assert.equal(encodeXml(schema, after), encodeXml(schema, to))
        // Merging what is there already changes nothing.
        assert.deepEqual(applyEdit(schema, after, elements, "merge"), after)
        assert.deepEqual(decodeXml(schema, elements), to)
      }),
      { numRuns: 100 },
    )
  })
})
