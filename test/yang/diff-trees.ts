// A schema with every kind of configuration node, and random configurations of it, for the tests of differences and
// edits. The trees are valid in shape and type; `when` and `must` are not in play.

import fc from "fast-check"
import type { JsonObject } from "../../src/yang/json.js"
import type { Schema } from "../../src/yang/schema.js"
import { schemaOf } from "./fixture.js"

export const treeSchema: Schema = schemaOf({
  t: `
    identity base; identity one { base base; } identity two { base base; }
    grouping inside {
      leaf text { type string; }
      leaf flag { type empty; }
      leaf ident { type identityref { base base; } }
      leaf-list tags { type string; }
      leaf-list order { type string; ordered-by user; }
      container plain { leaf deep { type uint8; } container deeper { leaf-list far { type uint8; } } }
      container there { presence "it matters"; leaf in { type decimal64 { fraction-digits 2; } } }
      anydata any;
      choice pick {
        case a { leaf a1 { type string; } container a2 { leaf a3 { type string; } } }
        case b { container b1 { leaf b2 { type string; } } leaf-list b3 { type string; } }
        leaf c { type empty; }
      }
    }
    uses inside;
    container box {
      uses inside;
      list row { key id; leaf id { type uint8; } uses inside; }
      list rank { key "x y"; ordered-by user; leaf x { type string; } leaf y { type identityref { base base; } }
        uses inside; }
    }
    list loose { config false; leaf v { type string; } }
    leaf-list seen { config false; type string; }`,
})

const text = fc.string({ unit: fc.constantFrom("a", "b", "'", '"', "<", " ", "é"), maxLength: 3 })
const identity = fc.constantFrom("t:one", "t:two")
const texts = fc.uniqueArray(text, { minLength: 1, maxLength: 5 })

function some(members: Record<string, fc.Arbitrary<unknown>>, keys: string[] = []) {
  return fc.record(members, { requiredKeys: keys, noNullPrototype: true })
}

const cases = fc.oneof(
  some({ a1: text, a2: some({ a3: text }, ["a3"]) }),
  some({ b1: some({ b2: text }, ["b2"]), b3: texts }),
  some({ c: fc.constant([null]) }),
)

const members: Record<string, fc.Arbitrary<unknown>> = {
  text,
  flag: fc.constant([null]),
  ident: identity,
  tags: texts,
  order: texts,
  plain: fc.oneof(
    some({ deep: fc.nat(9) }, ["deep"]),
    some({ deep: fc.nat(9), deeper: some({ far: fc.constant([1, 2]) }, ["far"]) }, ["deeper"]),
  ),
  there: some({ in: fc.constantFrom("0.5", "1.25") }),
  any: fc.constantFrom({ "t:text": "x" }, { "t:plain": { deep: 1 } }),
}

function inside(keys: Record<string, fc.Arbitrary<unknown>> = {}) {
  return fc
    .tuple(some(keys, Object.keys(keys)), some(members), cases)
    .map(([key, most, one]) => ({ ...key, ...most, ...one }))
}

const rows = fc.uniqueArray(inside({ id: fc.nat(9) }), {
  minLength: 1,
  maxLength: 4,
  selector: (row) => (row as { readonly id?: unknown }).id,
})
const ranks = fc.uniqueArray(inside({ x: text, y: identity }), {
  minLength: 1,
  maxLength: 5,
  selector: (rank) => JSON.stringify([rank].map((r) => [Reflect.get(r, "x"), Reflect.get(r, "y")])),
})

const box = fc
  .tuple(inside(), some({ row: rows, rank: ranks }))
  .map(([own, lists]) => ({ ...own, ...lists }))
  .filter((made) => Object.keys(made).length > 0)

/** A configuration. */
export const anyTree: fc.Arbitrary<JsonObject> = fc
  .tuple(inside(), fc.option(box))
  .map(([own, inner]) => {
    const tree: Record<string, unknown> = {}
    for (const [name, value] of Object.entries(own)) tree[`t:${name}`] = value
    if (inner !== null) tree["t:box"] = inner
    return tree as JsonObject
  })

/** The same with what the server orders sorted, for comparing. */
export function sorted(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(sorted)
  if (typeof tree !== "object" || tree === null) return tree
  const entries = Object.entries(tree).map(([name, value]): [string, unknown] => {
    const inner = sorted(value)
    const free = /^(t:)?(row|tags|b3|far)$/.test(name) && Array.isArray(inner)
    return [name, free ? inner.map((v) => JSON.stringify(v)).sort() : inner]
  })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}
