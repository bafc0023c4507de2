// Defaults reported in the four modes of RFC 6243, whole and for one place, in JSON and in XML.

import assert from "node:assert/strict"
import fc from "fast-check"
import { parseDataPath } from "../../src/yang/data-path.js"
import { reportDefaults, reportDefaultsAt, withoutDefaults } from "../../src/yang/defaults.js"
import type { DefaultsMode, DefaultsOptions } from "../../src/yang/defaults.js"
import { applyEdit } from "../../src/yang/edit.js"
import { compileXPathFilter, filterXPath } from "../../src/yang/filter-xpath.js"
import { filterSubtree } from "../../src/yang/filter.js"
import { decodeJson } from "../../src/yang/json.js"
import type { JsonObject } from "../../src/yang/json.js"
import { selectContent } from "../../src/yang/select.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { childrenOf, parseXml } from "../../src/yang/xml-tree.js"
import { configOf, schemaOf, tagged } from "./fixture.js"

const schema = schemaOf({
  m: `container top { leaf a { type uint8; default 1; } leaf b { type string; }
      leaf st { config false; type string; default "s"; }
      leaf-list ll { type uint8; default 1; default 2; }
      leaf w { when "../b = 'w'"; type string; default "only with w"; }
      container in { leaf d { type boolean; default true; } }
      container p { presence p; leaf q { type int8; default -1; } }
      choice c { default x; leaf x { type string; default "x"; } leaf y { type string; default "y"; } }
      list l { key k; leaf k { type string; default "no default for keys"; } leaf v { type uint8; default 7; } } }`,
})
const NS = "urn:m"
const WD = "urn:ietf:params:xml:ns:netconf:default:1.0"
const TAG = { "ietf-netconf-with-defaults:default": true }
const data: JsonObject = { "m:top": { a: 1, b: "w", l: [{ k: "n", v: 7 }, { k: "o" }] } }

const report = (mode: DefaultsMode, options?: DefaultsOptions): unknown =>
  reportDefaults(schema, data, mode, options)["m:top"]
const at = (path: string, mode: DefaultsMode, options?: DefaultsOptions): JsonObject =>
  reportDefaultsAt(schema, data, parseDataPath(schema, path), mode, options)

describe("defaults", () => {
  it("are all reported by report-all, where their conditions and cases allow", () => {
    assert.deepEqual(report("report-all"), {
      a: 1,
      b: "w",
      st: "s",
      ll: [1, 2],
      w: "only with w",
      in: { d: true },
      x: "x",
      l: [
        { k: "n", v: 7 },
        { k: "o", v: 7 },
      ],
    })
    const other = reportDefaults(schema, { "m:top": { b: "v", y: "z" } }, "report-all")["m:top"]
    assert.deepEqual(other, { b: "v", y: "z", a: 1, st: "s", ll: [1, 2], in: { d: true } })
  })

  it("are there even where there is no data at all", () => {
    assert.deepEqual(reportDefaults(schema, {}, "report-all", { configOnly: true }), {
      "m:top": { a: 1, ll: [1, 2], in: { d: true }, x: "x" },
    })
  })

  it("are left out by trim, set or not, but never keys", () => {
    assert.deepEqual(report("trim"), { b: "w", l: [{ k: "n" }, { k: "o" }] })
    const key = { "m:top": { l: [{ k: "no default for keys" }] } }
    assert.deepEqual(reportDefaults(schema, key, "trim"), key)
  })

  it("are as they were set by explicit, state filled in", () => {
    assert.deepEqual(report("explicit", { configOnly: true }), data["m:top"])
    const top = data["m:top"] as JsonObject
    assert.deepEqual(report("explicit"), { ...top, st: "s" })
  })

  it("are tagged by report-all-tagged: what is unset, or all that has the value", () => {
    assert.deepEqual(at("/m:top/a", "report-all-tagged"), { a: 1 })
    assert.deepEqual(at("/m:top/a", "report-all-tagged", { basicMode: "trim" }), {
      a: 1,
      "@a": TAG,
    })
    assert.deepEqual(at("/m:top/ll", "report-all-tagged"), { ll: [1, 2], "@ll": [TAG, TAG] })
    assert.deepEqual(at("/m:top/in", "report-all-tagged"), { in: { d: true, "@d": TAG } })
    assert.deepEqual(at("/m:top/l", "report-all-tagged"), {
      l: [
        { k: "n", v: 7 },
        { k: "o", v: 7, "@v": TAG },
      ],
    })
  })

  it("are reported of one place as they are of the whole", () => {
    assert.deepEqual(at("/m:top/l[k='o']", "report-all"), { l: [{ k: "o", v: 7 }] })
    assert.deepEqual(at("/m:top/l[k='n']", "trim"), { l: [{ k: "n" }] })
    assert.deepEqual(at("/m:top/l[k='o']/v", "report-all"), { v: 7 })
    assert.deepEqual(at("/m:top/l[k='o']/v", "explicit"), {})
    assert.deepEqual(at("/m:top/l[k='n']/v", "trim"), {})
    assert.deepEqual(at("/m:top/l[k='z']/v", "report-all"), {})
    assert.deepEqual(at("/m:top/in", "explicit"), {})
    assert.deepEqual(at("/m:top/w", "report-all"), { w: "only with w" })
    assert.deepEqual(at("/m:top/y", "report-all"), {})
    assert.deepEqual(at("/m:top/p", "report-all"), {})
    assert.deepEqual(at("/m:top/p/q", "report-all"), {})
    for (const mode of ["report-all", "report-all-tagged", "trim", "explicit"] as const) {
      assert.deepEqual(at("/", mode), reportDefaults(schema, data, mode))
      assert.deepEqual(at("/m:top", mode), reportDefaults(schema, data, mode))
    }
  })

  it("keep their tags through filters", () => {
    const all = reportDefaults(schema, data, "report-all-tagged")
    const wanted = { "m:top": { l: [{ k: "o", v: 7, "@v": TAG }] } }
    assert.deepEqual(
      filterSubtree(schema, all, configOf("<top><l><k>o</k><v/></l></top>", NS)),
      wanted,
    )
    const xpath = compileXPathFilter(schema, { text: "/top/l[k='o']/v", prefixes: new Map() })
    assert.deepEqual(filterXPath(schema, all, xpath), wanted)
    const state = selectContent(schema.root, all, "nonconfig")
    assert.deepEqual(state, { "m:top": { st: "s", "@st": TAG } })
  })

  it("cross the wire with their tags, which who reads them may ignore", () => {
    const all = reportDefaults(schema, { "m:top": { b: "v" } }, "report-all-tagged", {
      configOnly: true,
    })
    const xml = encodeXml(schema, all)
    const top = parseXml(xml)
    const found = childrenOf(top).map((e) => [
      e.name,
      ...e.attrs.map((a) => `${a.ns} ${a.name}=${a.value}`),
    ])
    const tag = `${WD} default=true`
    assert.deepEqual(found, [["a", tag], ["b"], ["ll", tag], ["ll", tag], ["in"], ["x", tag]])
    const plain = reportDefaults(schema, { "m:top": { b: "v" } }, "report-all", {
      configOnly: true,
    })
    assert.deepEqual(decodeXml(schema, [top]), plain)
    assert.deepEqual(decodeJson(schema, all), plain)
  })

  it("are unset by an edit that tags them, and by nothing that tags something else", () => {
    const edit = (inner: string): JsonObject =>
      applyEdit(schema, data, configOf(`<top xmlns:wd="${WD}">${inner}</top>`, NS))
    assert.deepEqual(edit('<a wd:default="true">1</a>')["m:top"], {
      b: "w",
      l: [{ k: "n", v: 7 }, { k: "o" }],
    })
    assert.deepEqual(edit('<a wd:default="false">1</a>'), data)
    assert.throws(() => edit('<a wd:default="true">2</a>'), tagged("invalid-value", "/m:top/a"))
    assert.throws(() => edit('<a wd:default="maybe">1</a>'), tagged("bad-attribute", "/m:top/a"))
  })

  it("come back when they are trimmed and filled in", () => {
    const small = fc.record(
      {
        a: fc.nat(2),
        b: fc.constantFrom("v", "w"),
        ll: fc.constantFrom([1], [1, 2], [2, 1]),
        in: fc.record({ d: fc.boolean() }),
        p: fc.record({ q: fc.constantFrom(-1, 1) }, { requiredKeys: [] }),
      },
      { requiredKeys: [], noNullPrototype: true },
    )
    fc.assert(
      fc.property(small, (top) => {
        const whole = { "m:top": top }
        const all = reportDefaults(schema, whole, "report-all")
        assert.deepEqual(reportDefaults(schema, withoutDefaults(schema, all), "report-all"), all)
        assert.deepEqual(withoutDefaults(schema, all), withoutDefaults(schema, whole))
      }),
    )
  })
})

describe("metadata", () => {
  it("that is not known is refused", () => {
    for (const bad of [
      { "@a": { "x:y": 1 } },
      { "@a": 1 },
      { "@zz": TAG },
      { "@in": TAG },
      { "@": TAG },
    ])
      assert.throws(
        () => decodeJson(schema, { "m:top": bad }),
        tagged("unknown-attribute"),
        JSON.stringify(bad),
      )
  })

  it("of origin becomes an attribute, on containers and entries too", () => {
    const origin = { "ietf-origin:origin": "ietf-origin:learned" }
    const xml = encodeXml(schema, {
      "m:top": { "@": origin, l: [{ k: "n", "@": origin, v: 1, "@v": origin }] },
    })
    const all = (e: ReturnType<typeof parseXml>): string[] => [
      ...e.attrs.map(
        (a) => `${e.name} ${a.ns} ${a.name} ${e.prefixes.get(a.value.split(":")[0] ?? "") ?? ""}`,
      ),
      ...childrenOf(e).flatMap(all),
    ]
    const ns = "urn:ietf:params:xml:ns:yang:ietf-origin"
    assert.deepEqual(
      all(parseXml(xml)),
      ["top", "l", "v"].map((name) => `${name} ${ns} origin ${ns}`),
    )
  })
})
