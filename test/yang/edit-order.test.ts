// Lists under edits: user order, choices, and long lists whose index is handed from version to version.

import assert from "node:assert/strict"
import fc from "fast-check"
import { applyEdit } from "../../src/yang/edit.js"
import type { JsonObject, JsonValue } from "../../src/yang/json.js"
import { findEntry, keyOf } from "../../src/yang/list-index.js"
import { configOf, schemaOf, tagged } from "./fixture.js"

const schema = schemaOf({
  m: `list u { key "a b"; ordered-by user; leaf a { type string; } leaf b { type uint8; } leaf v { type string; } }
    leaf-list ul { ordered-by user; type string; }
    list s { key k; leaf k { type string; } leaf v { type uint32; } }
    container c { choice x { case one { leaf o1 { type string; } leaf-list o2 { type string; } }
      case two { container t { presence "t"; } choice deep { leaf d1 { type string; } leaf d2 { type string; } } } } }`,
})
const NS = "urn:m"

function edit(from: JsonObject, inner: string): JsonObject {
  return applyEdit(schema, from, configOf(inner, NS), "merge")
}

const entry = (a: string, b: number, attrs = ""): string => `<u ${attrs}><a>${a}</a><b>${b}</b></u>`
const order = (data: JsonObject): string[] =>
  ((data["m:u"] ?? []) as { readonly a: string; readonly b: number }[]).map((e) => `${e.a}${e.b}`)

describe("a list its user orders", () => {
  const from = edit({}, entry("x", 1) + entry("x", 2) + entry("y", 1))

  it("takes new entries last, first, before and after others", () => {
    assert.deepEqual(order(edit(from, entry("z", 1))), ["x1", "x2", "y1", "z1"])
    assert.deepEqual(order(edit(from, entry("z", 1, 'y:insert="first"'))), ["z1", "x1", "x2", "y1"])
    const key = (name: string, b: number): string => `y:key="[a='${name}'][b='${b}']"`
    assert.deepEqual(order(edit(from, entry("z", 1, `y:insert="before" ${key("x", 2)}`))), [
      "x1",
      "z1",
      "x2",
      "y1",
    ])
    assert.deepEqual(order(edit(from, entry("z", 1, `y:insert="after" ${key("x", 2)}`))), [
      "x1",
      "x2",
      "z1",
      "y1",
    ])
  })

  it("moves entries that are there, and leaves them where nothing is said", () => {
    assert.deepEqual(order(edit(from, entry("y", 1, 'y:insert="first"'))), ["y1", "x1", "x2"])
    assert.deepEqual(order(edit(from, entry("x", 1))), ["x1", "x2", "y1"])
  })

  it("orders the values of a leaf-list the same way", () => {
    const values = edit({}, "<ul>a</ul><ul>b</ul>")
    const after = edit(values, '<ul y:insert="before" y:value="b">c</ul><ul y:insert="last">a</ul>')
    assert.deepEqual(after["m:ul"], ["c", "b", "a"])
  })

  it("refuses places that make no sense", () => {
    const missing = entry("z", 1, `y:insert="after" y:key="[a='q'][b='1']"`)
    assert.throws(() => edit(from, missing), tagged("bad-attribute", "/m:u[a='z'][b='1']"))
    assert.throws(() => edit(from, entry("z", 1, 'y:insert="after"')), tagged("missing-attribute"))
    assert.throws(() => edit(from, entry("z", 1, 'y:insert="middle"')), tagged("bad-attribute"))
    assert.throws(
      () => edit(from, entry("z", 1, `y:insert="after" y:key="a='x'"`)),
      tagged("bad-attribute"),
    )
    assert.throws(
      () => edit(from, entry("z", 1, 'y:insert="after" y:value="x"')),
      tagged("unknown-attribute"),
    )
    assert.throws(() => edit({}, '<s y:insert="first"><k>a</k></s>'), tagged("unknown-attribute"))
  })
})

describe("a choice", () => {
  it("keeps the case written last", () => {
    const one = edit({}, "<c><o1>a</o1><o2>b</o2><o2>c</o2></c>")
    assert.deepEqual(edit(one, "<c><t/></c>"), { "m:c": { t: {} } })
    const two = edit({}, "<c><t/><d1>x</d1></c>")
    assert.deepEqual(edit(two, "<c><d2>y</d2></c>"), { "m:c": { t: {}, d2: "y" } })
    assert.deepEqual(edit(two, "<c><o2>z</o2></c>"), { "m:c": { o2: ["z"] } })
  })
})

describe("long lists", () => {
  const s = (k: string, v: number): string => `<s><k>${k}</k><v>${v}</v></s>`
  const remove = (k: string): string => `<s nc:operation="remove"><k>${k}</k></s>`

  it("behave as a map of their keys, on every version of the tree at once", () => {
    // Each step edits some earlier version, so that versions share and part again.
    const step = fc.record({
      base: fc.nat(100),
      changes: fc.array(fc.record({ key: fc.nat(9).map(String), value: fc.option(fc.nat(99)) }), {
        minLength: 1,
        maxLength: 4,
      }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const versions: { readonly tree: JsonObject; readonly map: Map<string, number> }[] = [
          { tree: {}, map: new Map() },
        ]
        for (const { base, changes } of steps) {
          const from = versions[base % versions.length]
          assert.ok(from)
          const map = new Map(from.map)
          const xml = changes.map(({ key, value }) => {
            if (value === null) map.delete(key)
            else map.set(key, value)
            return value === null ? remove(key) : s(key, value)
          })
          versions.push({ tree: edit(from.tree, xml.join("")), map })
        }
        for (const { tree, map } of versions) {
          const items = (tree["m:s"] ?? []) as { readonly k: string; readonly v: number }[]
          assert.deepEqual(
            items.map((i) => [i.k, i.v]),
            [...map],
          )
          const list = schema.root.members.get("m:s")
          assert.ok(list)
          for (const key of Array.from({ length: 10 }, (_, i) => String(i))) {
            const found: JsonValue | undefined = items[findEntry(list, items, key)]
            assert.equal(
              found === undefined ? undefined : keyOf(list, found),
              map.has(key) ? key : undefined,
            )
          }
        }
      }),
      { numRuns: 200 },
    )
  })

  it("lose ten thousand entries in one edit as one would expect", function () {
    this.timeout(180_000)
    const keys = Array.from({ length: 10_000 }, (_, i) => `k${i}`)
    const full = edit({}, keys.map((k, i) => s(k, i)).join(""))
    const odd = edit(
      full,
      keys
        .filter((_, i) => i % 2 === 0)
        .map(remove)
        .join(""),
    )
    assert.equal((odd["m:s"] as unknown[]).length, 5_000)
    assert.equal((full["m:s"] as unknown[]).length, 10_000)
    assert.deepEqual(edit(odd, keys.map(remove).join("")), {})
  })
})
