// The edits of a push-change-update lead from the one selection to the other: for any two trees, made one after the
// other by a slow and obvious reader of YANG patches.

import assert from "node:assert/strict"
import fc from "fast-check"
import { editsData, patchEdits } from "../../src/netconf/push-patch.js"
import { isArray, isObject, type JsonObject, type JsonValue } from "../../src/yang/json-text.js"
import { compileSchema, type SchemaNode } from "../../src/yang/schema.js"
import { lexicalOf } from "../../src/yang/values.js"

const schema = compileSchema([
  {
    name: "m",
    text: `module m {
      yang-version 1.1; namespace "urn:m"; prefix m;
      container c {
        leaf a { type string; }
        container inner { leaf x { type uint8; } }
        container seen { presence "it"; leaf y { type uint8; } }
        list pair { key "k l"; leaf k { type string; } leaf l { type uint8; } leaf v { type string; } }
        list row { key k; ordered-by user; leaf k { type string; } leaf v { type uint8; } }
        leaf-list tag { type string; }
        leaf-list rank { type string; ordered-by user; }
        list note { config false; leaf text { type string; } }
        leaf-list hits { config false; type uint8; }
        container box { config false; list item { leaf t { type uint8; } } leaf n { type uint8; } }
      }
    }`,
  },
])

const word = fc.constantFrom("a", "b/c", "d,e", "f=g", "ä", "h i", "'q'")
const byte = fc.integer({ min: 0, max: 255 })
const some = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(of, { nil: undefined })
const unique = <T>(of: fc.Arbitrary<T>, by: (t: T) => string): fc.Arbitrary<T[]> =>
  fc.uniqueArray(of, { maxLength: 4, selector: by })

const tree: fc.Arbitrary<JsonObject> = fc
  .record({
    a: some(word),
    inner: some(fc.record({ x: byte })),
    seen: some(fc.record({ y: byte }, { requiredKeys: [] })),
    pair: some(
      unique(
        fc.record({ k: word, l: byte, v: word }, { requiredKeys: ["k", "l"] }),
        (p) => `${p.k} ${p.l}`,
      ),
    ),
    row: some(unique(fc.record({ k: word, v: byte }, { requiredKeys: ["k"] }), (r) => r.k)),
    tag: some(unique(word, (w) => w)),
    rank: some(unique(word, (w) => w)),
    note: some(fc.array(fc.record({ text: word }), { maxLength: 3 })),
    hits: some(fc.array(byte, { maxLength: 3 })),
    box: some(fc.record({ item: fc.array(fc.record({ t: byte }), { maxLength: 3 }), n: byte })),
  })
  .map((c) => ({ "m:c": clean(c) }))

/** Without undefined members and empty lists, which no data has. */
function clean(value: Readonly<Record<string, unknown>>): JsonObject {
  return JSON.parse(
    JSON.stringify(value, (_, v: unknown) => (Array.isArray(v) && v.length === 0 ? undefined : v)),
  ) as JsonObject
}

interface Step {
  readonly node: SchemaNode
  readonly keys: readonly string[] | undefined
}

function stepsOf(target: string): Step[] {
  let node: SchemaNode = schema.root
  return target
    .slice(1)
    .split("/")
    .map((segment) => {
      const [name = "", keys] = segment.split("=")
      const child = node.members.get(name)
      assert.ok(child, target)
      node = child
      return { node, keys: keys?.split(",").map(decodeURIComponent) }
    })
}

type Mutable = Record<string, JsonValue>

function indexOf(items: readonly JsonValue[], { node, keys }: Step): number {
  return items.findIndex((item) =>
    isObject(item)
      ? (node.keys ?? []).every((key, i) => lexicalOf(item[key] ?? "") === keys?.[i])
      : lexicalOf(item) === keys?.[0],
  )
}

/** The object that holds the last step, made where it is missing: containers without presence are always there. */
function holder(root: Mutable, steps: readonly Step[]): Mutable {
  let at = root
  for (const step of steps.slice(0, -1)) {
    const name = step.node.member
    const value = (at[name] ??= {})
    const inside = isArray(value) ? value[indexOf(value, step)] : value
    assert.ok(isObject(inside))
    at = inside
  }
  return at
}

function apply(root: Mutable, edit: JsonObject): void {
  const steps = stepsOf(edit["target"] as string)
  const last = steps.at(-1)
  assert.ok(last)
  const at = holder(root, steps)
  const { member } = last.node
  const value = isObject(edit["value"]) ? Object.values(edit["value"])[0] : undefined
  const { operation, where, point } = edit
  if (last.keys === undefined) {
    if (operation === "delete") {
      assert.ok(member in at || last.node.kind === "container", "deletes what is there")
      Reflect.deleteProperty(at, member)
    } else at[member] = value ?? null
    return
  }
  const items = [...((at[member] as JsonValue[] | undefined) ?? [])]
  const position = indexOf(items, last)
  const [item] = isArray(value) ? value : [items[position]]
  assert.ok(
    operation === "create" || operation === "insert" ? position < 0 : position >= 0,
    JSON.stringify(operation),
  )
  if (position >= 0) items.splice(position, 1)
  if (operation !== "delete") {
    const anchor = typeof point === "string" ? stepsOf(point).at(-1) : undefined
    const place =
      operation === "replace"
        ? position
        : where === "first"
          ? 0
          : anchor === undefined
            ? items.length
            : indexOf(items, anchor) + 1
    items.splice(place, 0, item ?? null)
  }
  if (items.length === 0) Reflect.deleteProperty(at, member)
  else at[member] = items
}

/** Order counts only where the user makes it, and where values may repeat. */
function canonical(value: JsonValue | undefined, node: SchemaNode): unknown {
  if (isArray(value)) {
    const items = value.map((item) => (isObject(item) ? canonical(item, node) : item))
    const free = !node.orderedByUser && (node.config || (node.keys?.length ?? 0) > 0)
    return free ? items.map((i) => JSON.stringify(i)).sort() : items
  }
  if (!isObject(value)) return value
  const members = Object.entries(value).flatMap(([name, inside]): [string, unknown][] => {
    const child = node.members.get(name)
    assert.ok(child)
    const made = canonical(inside, child)
    const nothing =
      child.kind === "container" && !child.presence && Object.keys(made as object).length === 0
    return nothing || (isArray(inside) && inside.length === 0) ? [] : [[name, made]]
  })
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

describe("a patch of what has changed", () => {
  it("makes the one of any two trees from the other, edit by edit", () => {
    fc.assert(
      fc.property(tree, tree, (from, to) => {
        const edits = editsData(schema, patchEdits(schema, from, to), "json")
        const root = structuredClone<Mutable>(from)
        for (const edit of edits) apply(root, edit)
        assert.deepEqual(canonical(root, schema.root), canonical(to, schema.root))
      }),
      { numRuns: 500 },
    )
  })

  it("is empty where nothing has changed, and numbers its edits from 1", () => {
    fc.assert(
      fc.property(tree, tree, (from, to) => {
        assert.deepEqual(patchEdits(schema, from, structuredClone(from)), [])
        const ids = editsData(schema, patchEdits(schema, from, to), "xml").map((e) => e["edit-id"])
        assert.deepEqual(
          ids,
          ids.map((_, i) => String(i + 1)),
        )
      }),
      { numRuns: 100 },
    )
  })
})
