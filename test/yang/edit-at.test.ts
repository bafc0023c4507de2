// Edits of one place: what RESTCONF's methods come down to, held against edit-config where both can say the same.

import assert from "node:assert/strict"
import fc from "fast-check"
import { dataPathText, parseDataPath, valueAt } from "../../src/yang/data-path.js"
import { diff } from "../../src/yang/diff.js"
import { editAt } from "../../src/yang/edit-at.js"
import type { EditAt } from "../../src/yang/edit-at.js"
import { applyEdit } from "../../src/yang/edit.js"
import { isObject } from "../../src/yang/json-text.js"
import type { JsonObject, JsonValue } from "../../src/yang/json-text.js"
import { keyOf } from "../../src/yang/list-index.js"
import type { SchemaNode } from "../../src/yang/schema-types.js"
import { elementsOf } from "../../src/yang/xml-elements.js"
import { anyTree, sorted, treeSchema } from "./diff-trees.js"
import { schemaOf, tagged } from "./fixture.js"

const schema = schemaOf({
  m: `container top { leaf a { type string; } leaf st { config false; type string; }
      container there { presence p; leaf x { type string; } }
      list l { key k; leaf k { type string; } leaf v { type uint8; } container in { leaf d { type string; } } }
      list u { key k; ordered-by user; leaf k { type string; } leaf v { type uint8; } }
      leaf-list ll { type string; ordered-by user; }
      choice c { leaf c1 { type string; } container c2 { leaf d { type string; } } }
      leaf w { when "../a = 'yes'"; type string; } }`,
})

function at(config: JsonObject, path: string, edit: EditAt): JsonObject {
  return editAt(schema, config, parseDataPath(schema, path), edit)
}

/** Of an entry that moves only what names it. */
function namesOf(node: SchemaNode, entry: JsonValue | undefined): JsonValue | undefined {
  if (!isObject(entry)) return entry
  return Object.fromEntries(
    Object.entries(entry).filter(([member]) => node.keys?.includes(member) === true),
  )
}

const base: JsonObject = { "m:top": { a: "1", l: [{ k: "x", v: 1 }], u: [{ k: "p" }, { k: "q" }] } }

describe("a path to data", () => {
  it("is read, written and followed", () => {
    for (const text of ["/m:top/a", "/m:top/l[k='x']/in/d", "/m:top/ll[.='v']", "/m:top/l", "/"])
      assert.equal(dataPathText(parseDataPath(schema, text)), text)
    const value = (text: string): unknown => valueAt(base, parseDataPath(schema, text))
    assert.deepEqual(value("/m:top/l[k='x']"), { k: "x", v: 1 })
    assert.equal(value("/m:top/l[k='x']/v"), 1)
    assert.equal(value("/m:top/l[k='y']/v"), undefined)
    assert.equal(value("/"), base)
  })

  it("is refused when it leads nowhere", () => {
    const wrong = (text: string) => () => parseDataPath(schema, text)
    assert.throws(wrong("top"), tagged("invalid-value"))
    assert.throws(wrong("/m:top/b"), tagged("unknown-element"))
    assert.throws(wrong("/n:top"), tagged("unknown-namespace"))
    assert.throws(wrong("/m:top/l[v='1']"), tagged("invalid-value"))
    assert.throws(wrong("/m:top/l[1]"), tagged("invalid-value"))
    assert.throws(wrong("/m:top/a[.='1']"), tagged("invalid-value"))
  })
})

describe("an edit of one place", () => {
  it("creates what is not there", () => {
    const made = at(base, "/m:top/l[k='y']", { operation: "create", value: { k: "y" } })
    assert.deepEqual(valueAt(made, parseDataPath(schema, "/m:top/l")), [
      { k: "x", v: 1 },
      { k: "y" },
    ])
    assert.throws(
      () => at(base, "/m:top/l[k='x']", { operation: "create", value: { k: "x" } }),
      tagged("data-exists", "/m:top/l[k='x']"),
    )
  })

  it("makes containers without presence on the way, and nothing else", () => {
    const made = at(base, "/m:top/l[k='x']/in/d", { operation: "merge", value: "v" })
    assert.equal(valueAt(made, parseDataPath(schema, "/m:top/l[k='x']/in/d")), "v")
    assert.deepEqual(at({}, "/m:top/a", { operation: "replace", value: "v" }), {
      "m:top": { a: "v" },
    })
    assert.throws(
      () => at(base, "/m:top/l[k='z']/in/d", { operation: "merge", value: "v" }),
      tagged("data-missing", "/m:top/l[k='z']"),
    )
    assert.throws(
      () => at(base, "/m:top/there/x", { operation: "merge", value: "v" }),
      tagged("data-missing", "/m:top/there"),
    )
  })

  it("merges into what is there, replaces it, deletes it", () => {
    const entry = "/m:top/l[k='x']"
    const value = { k: "x", in: { d: "n" } }
    const get = (tree: JsonObject): unknown => valueAt(tree, parseDataPath(schema, entry))
    assert.deepEqual(get(at(base, entry, { operation: "merge", value })), { ...value, v: 1 })
    assert.deepEqual(get(at(base, entry, { operation: "replace", value })), value)
    assert.equal(get(at(base, entry, { operation: "delete" })), undefined)
    assert.throws(() => at({}, entry, { operation: "delete" }), tagged("data-missing", entry))
    assert.deepEqual(at({}, entry, { operation: "remove" }), {})
    assert.deepEqual(at(base, "/", { operation: "replace", value: { "m:top": { a: "2" } } }), {
      "m:top": { a: "2" },
    })
  })

  it("puts entries where it is told", () => {
    const names = (tree: JsonObject): unknown =>
      (valueAt(tree, parseDataPath(schema, "/m:top/u")) as { k: string }[]).map((e) => e.k).join("")
    const put = (k: string, place: EditAt["place"], operation: EditAt["operation"] = "merge") =>
      names(at(base, `/m:top/u[k='${k}']`, { operation, value: { k }, ...(place && { place }) }))
    const p = keyOf(parseDataPath(schema, "/m:top/u")[1]?.node ?? schema.root, { k: "p" })
    assert.equal(put("n", { where: "first" }, "create"), "npq")
    assert.equal(put("n", { where: "after", key: p }, "create"), "pnq")
    assert.equal(put("q", { where: "before", key: p }), "qp")
    assert.equal(put("q", undefined), "pq")
    assert.throws(() => put("n", { where: "after", key: "zz" }), tagged("bad-attribute"))
    assert.throws(
      () =>
        at(base, "/m:top/l[k='x']", {
          operation: "merge",
          value: { k: "x" },
          place: { where: "first" },
        }),
      tagged("bad-attribute", "/m:top/l[k='x']"),
    )
  })

  it("keeps keys as they are", () => {
    const entry = "/m:top/l[k='x']"
    assert.throws(
      () => at(base, entry, { operation: "replace", value: { k: "y" } }),
      tagged("invalid-value", entry),
    )
    assert.throws(
      () => at(base, entry, { operation: "replace", value: {} }),
      tagged("missing-element"),
    )
    assert.throws(
      () => at(base, `${entry}/k`, { operation: "replace", value: "y" }),
      tagged("invalid-value"),
    )
    assert.throws(() => at(base, `${entry}/k`, { operation: "delete" }), tagged("invalid-value"))
    assert.deepEqual(at(base, `${entry}/k`, { operation: "replace", value: "x" }), base)
  })

  it("refuses state, entries twice, two cases at once and conditions that do not hold", () => {
    assert.throws(
      () => at(base, "/m:top/st", { operation: "merge", value: "v" }),
      tagged("unknown-element", "/m:top/st"),
    )
    const top = (value: JsonObject) => () => at(base, "/m:top", { operation: "merge", value })
    assert.throws(top({ st: "v" }), tagged("unknown-element", "/m:top/st"))
    assert.throws(top({ l: [{ k: "z" }, { k: "z" }] }), tagged("bad-element", "/m:top/l[k='z']"))
    assert.throws(top({ c1: "v", c2: { d: "v" } }), tagged("bad-element", "/m:top/c1"))
    assert.throws(top({ w: "v" }), tagged("unknown-element", "/m:top/w"))
  })

  it("takes away other cases and what a condition no longer allows", () => {
    const one = at({}, "/m:top/c1", { operation: "merge", value: "v" })
    assert.deepEqual(at(one, "/m:top/c2/d", { operation: "merge", value: "v" }), {
      "m:top": { c2: { d: "v" } },
    })
    const yes = at({}, "/m:top", { operation: "merge", value: { a: "yes", w: "v" } })
    assert.deepEqual(at(yes, "/m:top/a", { operation: "replace", value: "no" }), {
      "m:top": { a: "no" },
    })
  })

  it("does at the top what edit-config does", () => {
    fc.assert(
      fc.property(
        anyTree,
        anyTree,
        fc.constantFrom("merge", "replace"),
        (from, value, operation) => {
          const elements = elementsOf(treeSchema, treeSchema.root, value)
          assert.deepEqual(
            sorted(editAt(treeSchema, from, [], { operation, value })),
            sorted(applyEdit(treeSchema, from, elements, operation)),
          )
        },
      ),
    )
  })

  it("follows the paths a difference names", () => {
    fc.assert(
      fc.property(anyTree, anyTree, (from, to) => {
        let tree = from
        for (const { kind, path, after, place } of diff(treeSchema, from, to)) {
          // Quotes of both kinds have no path.
          if (path.includes("&quot;")) return
          const where = parseDataPath(treeSchema, path)
          const node = where.at(-1)?.node ?? treeSchema.root
          const next: EditAt["place"] =
            place?.where === "after" ? { where: "after", key: keyOf(node, place.anchor) } : place
          // What is new inside an entry that moves is told by changes of its own.
          const value = kind === "move" ? namesOf(node, after) : after
          tree = editAt(treeSchema, tree, where, {
            operation: kind === "move" ? "merge" : kind,
            ...(value === undefined ? {} : { value }),
            ...(next === undefined ? {} : { place: next }),
          })
        }
        assert.deepEqual(sorted(tree), sorted(to))
      }),
    )
  })
})
