// Differences of two trees, as changes and as edits that make them.

import assert from "node:assert/strict"
import fc from "fast-check"
import { diff } from "../../src/yang/diff.js"
import { diffXml } from "../../src/yang/diff-xml.js"
import { applyEdit } from "../../src/yang/edit.js"
import type { JsonObject, JsonValue } from "../../src/yang/json.js"
import { childrenOf, parseXml, writeXml, xmlElement } from "../../src/yang/xml-tree.js"
import type { XmlElement } from "../../src/yang/xml-tree.js"
import { anyTree, sorted, treeSchema as schema } from "./diff-trees.js"
import { schemaOf } from "./fixture.js"

function told(from: JsonObject, to: JsonObject): string[] {
  return diff(schema, from, to).map(({ kind, path, place }) =>
    [kind, path, ...(place === undefined ? [] : [place.where])].join(" "),
  )
}

/** As it crosses the wire. */
function throughText(elements: readonly XmlElement[]): XmlElement[] {
  return childrenOf(parseXml(writeXml(xmlElement("config", "urn:x", elements))))
}

describe("the difference of two trees", () => {
  it("names leaves, containers with presence, entries and values, each once", () => {
    const from = { "t:text": "a", "t:tags": ["x", "y"], "t:box": { there: {}, row: [{ id: 1 }] } }
    const to = {
      "t:text": "b",
      "t:tags": ["y", "z"],
      "t:box": { row: [{ id: 1, text: "n" }, { id: 2 }] },
    }
    assert.deepEqual(told(from, to), [
      "replace /t:text",
      "delete /t:tags[.='x']",
      "create /t:tags[.='z']",
      "delete /t:box/there",
      "create /t:box/row[id='1']/text",
      "create /t:box/row[id='2']",
    ])
  })

  it("looks into containers without presence, there or not", () => {
    assert.deepEqual(told({}, { "t:plain": { deeper: { far: [1] } } }), [
      "create /t:plain/deeper/far[.='1']",
    ])
    assert.deepEqual(told({ "t:plain": {} }, {}), [])
  })

  it("takes what goes before what comes, so that cases do not meet", () => {
    const a = { "t:a2": { a3: "x" } }
    const b = { "t:b1": { b2: "y" } }
    assert.deepEqual(told(a, b), ["delete /t:a2/a3", "create /t:b1/b2"])
    assert.deepEqual(told(b, { ...a, "t:b1": {} }), ["delete /t:b1/b2", "create /t:a2/a3"])
  })

  it("moves as few entries as can be", () => {
    const order = (...names: string[]): JsonObject => ({ "t:order": names })
    assert.deepEqual(told(order("a", "b", "c", "d"), order("d", "a", "b", "c")), [
      "move /t:order[.='d'] first",
    ])
    assert.deepEqual(told(order("a", "b", "c", "d"), order("b", "c", "d", "a")), [
      "move /t:order[.='a'] last",
    ])
    assert.deepEqual(told(order("a", "b", "c"), order("a", "n", "b", "c")), [
      "create /t:order[.='n'] after",
    ])
  })

  it("says of a moved entry what changed inside it, too", () => {
    const rank = (x: string, text: string): JsonValue => ({ x, y: "t:one", text })
    const from = { "t:box": { rank: [rank("p", "1"), rank("q", "2"), rank("r", "3")] } }
    const to = { "t:box": { rank: [rank("r", "4"), rank("p", "1"), rank("q", "2")] } }
    assert.deepEqual(told(from, to), [
      "move /t:box/rank[x='r'][y='t:one'] first",
      "replace /t:box/rank[x='r'][y='t:one']/text",
    ])
  })

  it("takes lists without keys, and state values that repeat, as one", () => {
    const from = { "t:loose": [{ v: "a" }], "t:seen": ["a", "a"] }
    assert.deepEqual(told(from, { "t:loose": [{ v: "b" }], "t:seen": ["a"] }), [
      "replace /t:loose",
      "replace /t:seen",
    ])
    assert.deepEqual(diffXml(schema, from, {}), [])
  })

  it("is nothing between a tree and its like", () => {
    fc.assert(
      fc.property(anyTree, (tree) => {
        const copy = JSON.parse(JSON.stringify(tree)) as JsonObject
        assert.deepEqual(diff(schema, tree, copy), [])
      }),
    )
  })
})

describe("an edit made of a difference", () => {
  it("turns one tree into the other under none and merge, and back, over the wire", () => {
    fc.assert(
      fc.property(anyTree, anyTree, fc.constantFrom("none", "merge"), (from, to, operation) => {
        const there = applyEdit(schema, from, throughText(diffXml(schema, from, to)), operation)
        assert.deepEqual(sorted(there), sorted(to))
        const back = applyEdit(schema, to, throughText(diffXml(schema, to, from)), operation)
        assert.deepEqual(sorted(back), sorted(from))
      }),
      { numRuns: 400 },
    )
  })

  it("touches nothing else: what else changed meanwhile survives", () => {
    const from = { "t:text": "a", "t:box": { row: [{ id: 1, text: "x" }] } }
    const to = { "t:text": "a", "t:box": { row: [{ id: 1, text: "y" }] } }
    const meanwhile = {
      "t:text": "b",
      "t:box": { text: "new", row: [{ id: 1, text: "x" }, { id: 2 }] },
    }
    assert.deepEqual(applyEdit(schema, meanwhile, diffXml(schema, from, to), "none"), {
      "t:text": "b",
      "t:box": { text: "new", row: [{ id: 1, text: "y" }, { id: 2 }] },
    })
  })

  it("carries an operation on what differs and nowhere else", () => {
    const from = { "t:box": { row: [{ id: 1, text: "x", flag: [null] }] } }
    const to = { "t:box": { row: [{ id: 1, text: "y" }], plain: { deep: 1 } } }
    const xml = diffXml(schema, from, to).map(writeXml).join("")
    const plain = xml.replace(/ xmlns(:\w+)?="[^"]*"/g, "").replace(/ns\d:operation/g, "operation")
    assert.equal(
      plain,
      '<box operation="merge"><row><id>1</id><flag operation="delete"/><text operation="replace">y</text></row>' +
        '<plain operation="merge"><deep operation="create">1</deep></plain></box>',
    )
  })

  it("orders even entries whose keys no XPath literal can hold", () => {
    const from = { "t:order": ["a'\"", "b", "c'\"", "d"] }
    const to = { "t:order": ["d", "c'\"", "b", "a'\""] }
    assert.deepEqual(applyEdit(schema, from, diffXml(schema, from, to), "none"), to)
    const ranks = (...names: string[]): JsonObject => ({
      "t:box": { rank: names.map((x) => ({ x, y: "t:two" })) },
    })
    const old = ranks("p'\"", "q", "r'\"")
    const wanted = ranks("r'\"", "n", "q", "p'\"")
    assert.deepEqual(
      applyEdit(schema, old, throughText(diffXml(schema, old, wanted)), "none"),
      wanted,
    )
  })

  it("writes identities of keys with prefixes that are declared", () => {
    const other = schemaOf({
      ids: "identity base; identity x { base base; } identity y { base base; }",
      l: `import ids { prefix i; } list l { key k; ordered-by user;
          leaf k { type identityref { base i:base; } } }`,
    })
    const of = (...keys: string[]): JsonObject => ({ "l:l": keys.map((k) => ({ k: `ids:${k}` })) })
    const edit = throughText(diffXml(other, of("x"), of("x", "y")))
    assert.deepEqual(applyEdit(other, of("x"), edit, "none"), of("x", "y"))
    const move = throughText(diffXml(other, of("x", "y"), of("y", "x")))
    assert.deepEqual(applyEdit(other, of("x", "y"), move, "none"), of("y", "x"))
  })
})
