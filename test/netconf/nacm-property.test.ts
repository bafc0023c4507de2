// Access control against its slow and obvious reference: random rules, random data, random changes.

import assert from "node:assert/strict"
import fc from "fast-check"
import { QkdError } from "../../src/errors.js"
import type { JsonObject } from "../../src/yang/json-text.js"
import { acmeSchema, caller, nacmWith, type ShortList } from "./nacm-fixture.js"
import {
  instancesOf,
  mayChange,
  seenIds,
  type PlainRule,
  type PlainStep,
} from "./nacm-reference.js"

const name = fc.constantFrom("a", "b", "c")
const optional = <T>(part: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(part, { nil: undefined })

/** Without the members that are undefined: such data no codec makes. */
function defined(object: Readonly<Record<string, unknown>>): JsonObject {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as JsonObject
}

const record = (parts: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<JsonObject> =>
  fc.record({ ...parts }).map(defined)
const list = (
  key: fc.Arbitrary<unknown>,
  keyName: string,
  parts: Readonly<Record<string, fc.Arbitrary<unknown>>>,
) =>
  fc.uniqueArray(record({ [keyName]: key, ...parts }), {
    minLength: 1,
    maxLength: 3,
    selector: (e) => e[keyName],
  })
const small = fc.integer({ min: 0, max: 2 })

const tree: fc.Arbitrary<JsonObject> = record({
  "acme:acme-netconf": optional(
    record({
      "config-parameters": optional(record({ speed: optional(small), mode: optional(name) })),
      other: optional(name),
    }),
  ),
  "acme:interfaces": optional(
    record({
      interface: optional(
        list(name, "name", {
          mtu: optional(small),
          inner: optional(record({ deep: optional(name) })),
          "other:colour": optional(name),
        }),
      ),
      order: optional(list(small, "id", { note: optional(name) })),
      tag: optional(fc.uniqueArray(name, { minLength: 1, maxLength: 3 })),
    }),
  ),
  "acme:secrets": optional(
    record({ word: optional(name), box: optional(list(name, "id", { content: optional(name) })) }),
  ),
  "acme:guarded": optional(record({ level: optional(small) })),
  "other:thing": optional(record({ size: optional(small) })),
})

const step = (
  module: string,
  node: string,
  keys: Readonly<Record<string, string>> = {},
): PlainStep => ({
  module,
  name: node,
  keys,
})
const keyed = (module: string, node: string, key: string, value: fc.Arbitrary<string>) =>
  fc.oneof(
    fc.constant(step(module, node)),
    value.map((v) => step(module, node, { [key]: v })),
  )
const below = (first: fc.Arbitrary<PlainStep>, ...rest: readonly fc.Arbitrary<PlainStep>[]) =>
  fc
    .tuple(first, fc.tuple(...rest), fc.nat({ max: rest.length }))
    .map(([top, more, depth]) => [top, ...more.slice(0, depth)])
const at = (node: string): fc.Arbitrary<PlainStep> => fc.constant(step("acme", node))

const path: fc.Arbitrary<readonly PlainStep[]> = fc.oneof(
  fc.constant([]),
  below(at("acme-netconf"), at("config-parameters"), at("speed")),
  below(at("interfaces"), keyed("acme", "interface", "name", name), at("inner"), at("deep")),
  below(at("interfaces"), keyed("acme", "interface", "name", name), at("mtu")),
  below(at("interfaces"), keyed("acme", "interface", "name", name), at("name")),
  below(
    at("interfaces"),
    keyed("acme", "interface", "name", name),
    fc.constant(step("other", "colour")),
  ),
  below(at("interfaces"), keyed("acme", "order", "id", fc.constantFrom("0", "1", "2")), at("note")),
  below(at("interfaces"), keyed("acme", "tag", ".", name)),
  below(at("secrets"), keyed("acme", "box", "id", name), at("content")),
  below(at("guarded"), at("level")),
  below(fc.constant(step("other", "thing")), fc.constant(step("other", "size"))),
)

const OPS = ["create", "read", "update", "delete"]
const rule: fc.Arbitrary<PlainRule> = fc.record({
  module: fc.constantFrom("*", "*", "acme", "other"),
  path: fc.option(path, { nil: undefined, freq: 8 }),
  ops: fc.oneof(fc.constant(OPS), fc.subarray(OPS, { minLength: 1 })),
  permit: fc.boolean(),
})
const rules = fc.array(rule, { maxLength: 6 })
const defaults = fc.record({ read: fc.boolean(), write: fc.boolean() })

function written(steps: readonly PlainStep[]): string {
  if (steps.length === 0) return "/"
  return steps
    .map(({ module, name: node, keys }) => {
      const tests = Object.entries(keys).map(([key, value]) => `[${key}='${value}']`)
      return `/${module}:${node}${tests.join("")}`
    })
    .join("")
}

function nacmOf(all: readonly PlainRule[], by: { read: boolean; write: boolean }) {
  const short: ShortList = [
    "all",
    ...all.map((r) => ({
      module: r.module,
      ...(r.path !== undefined && { path: written(r.path) }),
      ops: r.ops.length === OPS.length ? "*" : r.ops.join(" "),
      action: r.permit ? ("permit" as const) : ("deny" as const),
    })),
  ]
  return nacmWith({ all: ["eve"] }, [short], {
    "read-default": by.read ? "permit" : "deny",
    "write-default": by.write ? "permit" : "deny",
  })
}

describe("access control, held against its reference", function () {
  this.timeout(180_000)
  const { root } = acmeSchema()
  const eve = caller("eve")

  it("shows exactly what may be seen, whatever the rules and the data", () => {
    fc.assert(
      fc.property(rules, defaults, tree, (all, by, data) => {
        const nacm = nacmOf(all, by)
        const shown = instancesOf(root, nacm.readable(eve, data))
        const seen = seenIds(all, by, instancesOf(root, data))
        // A container emptied by hiding is hidden itself; one that was empty before stays.
        const wanted = [...seen].filter((id) => !isEmptied(id, data, seen))
        assert.deepEqual(new Set(shown.map((i) => i.ids.at(-1) ?? "")), new Set(wanted))
      }),
      { numRuns: 3000 },
    )
  })

  it("lets through exactly the changes of which every part is permitted", () => {
    let refused = 0
    fc.assert(
      fc.property(rules, defaults, tree, tree, (all, by, before, after) => {
        const expected = mayChange(all, by, root, before, after)
        if (!expected) refused += 1
        let verdict = true
        try {
          nacmOf(all, by).checkWrite(eve, before, after)
        } catch (error) {
          assert(error instanceof QkdError && error.tag === "access-denied")
          verdict = false
        }
        assert.equal(verdict, expected)
      }),
      { numRuns: 3000 },
    )
    assert(refused > 300 && refused < 2900, `${refused} of 3000 refused: the draws are lopsided`)
  })

  it("asks the reading of one user only for his own rules", () => {
    fc.assert(
      fc.property(rules, defaults, tree, (all, by, data) => {
        const nacm = nacmOf(all, by)
        nacm.readable(eve, data)
        const alone = nacmOf([], by).readable(caller("zoe"), data)
        assert.deepEqual(nacm.readable(caller("zoe"), data), alone)
      }),
      { numRuns: 300 },
    )
  })

  /** A container without presence of which nothing is seen, though it holds something. */
  function isEmptied(id: string, data: JsonObject, seen: ReadonlySet<string>): boolean {
    const all = instancesOf(root, data)
    const own = all.find((i) => i.ids.at(-1) === id)
    if (own === undefined || own.schema.kind !== "container" || own.schema.presence) return false
    const inside = all.filter((i) => i.ids.includes(id) && i !== own)
    return (
      inside.length > 0 &&
      inside.every((i) => {
        const inner = i.ids.at(-1) ?? ""
        return !seen.has(inner) || (i.schema.kind === "container" && isEmptied(inner, data, seen))
      })
    )
  }
})
