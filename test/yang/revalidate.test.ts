// The next version of a valid configuration, judged by what changed: the verdict is that of the whole validator, on
// schemas and edits drawn at random; and what did not change is not looked at.

import assert from "node:assert/strict"
import { isDeepStrictEqual } from "node:util"
import fc from "fast-check"
import { applyEdit } from "../../src/yang/edit.js"
import type { JsonObject, JsonValue } from "../../src/yang/json.js"
import { isArray, isObject } from "../../src/yang/json-text.js"
import { compileRevalidator } from "../../src/yang/revalidate.js"
import type { Schema, SchemaNode } from "../../src/yang/schema.js"
import { compileValidator } from "../../src/yang/validate.js"
import { configOf, schemaOf } from "./fixture.js"

type Dice = (sides: number) => number

/** A small generator of its own, so that one number tells the whole story of a failure. */
function dice(seed: number): Dice {
  let state = seed | 0
  return (sides) => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    return ((state ^ (state >>> 13)) >>> 0) % sides
  }
}

function pick<T>(roll: Dice, from: readonly [T, ...T[]]): T {
  return from[roll(from.length)] ?? from[0]
}

/** What may be asked at a leaf of an entry of `link` or `app`. */
const AT_LEAF = [
  "../w > 0",
  "../w = 1 or ../opts/z = 1",
  "/t:sys/t:on = 'true'",
  "../../t:sys/t:mode = 'm'",
  "not(/t:link[t:id = 'a'])",
  "../../t:app[t:id = current()/../t:id]",
  "count(../../t:link) < 4",
  "count(/t:link/t:sub) < 3",
  "/t:sys/t:cy = 1",
  "/t:sys/t:cx or /t:sys/t:cz",
  "string(..) != 'aa'",
  "count(//t:tags) < 4",
  "../../t:link[1]/t:id = 'a'",
  "../../t:link[last()]/t:w = 1",
  "not(preceding-sibling::t:id = 'b')",
  "not(../preceding-sibling::t:link)",
  "deref(../t:peer)/../t:w = 1",
  "../sub/k = 'a' or not(../sub)",
  "../../t:sys[t:on = 'true']/t:mode",
  "current()/../../t:app/t:w = ../t:w",
  "ancestor::t:link/t:w = 1",
  "/t:sys/t:names = 'a'",
  "not(/t:extra) or /t:extra/t:e = 1",
  "count(/t:app/t:opts/t:z | /t:link/t:opts/t:z) < 3",
] as const satisfies readonly [string, ...string[]]
/** What may be asked at an entry. */
const AT_ENTRY = [
  "w = 1 or opts/z",
  "count(sub) < 2",
  "not(../t:app[t:w = current()/t:w][2])",
  "../t:sys/t:on = 'true'",
  "opts/d = 2",
  "count(../t:link) < 3",
  "position() = 1",
  "id != 'c' or /t:sys/t:names",
] as const satisfies readonly [string, ...string[]]
const REFERENCES = [
  "/t:link/t:id",
  "/t:link/t:w",
  "../../t:app/t:id",
  "../../t:link[t:id = current()/../t:id]/t:w",
  "../t:w",
  "/t:sys/t:names",
  "/t:sys/t:cy",
  "/t:link/t:sub/t:k",
] as const satisfies readonly [string, ...string[]]

function moduleOf(roll: Dice): string {
  const must = (from: readonly [string, ...string[]]): string =>
    roll(3) === 0 ? `must "${pick(roll, from)}";` : ""
  const when = (): string => (roll(5) === 0 ? `when "${pick(roll, AT_LEAF)}";` : "")
  const maybe = (text: string): string => (roll(4) === 0 ? text : "")
  const entry = (name: string): string => `list ${name} {
    key id; ${must(AT_ENTRY)} ${maybe('unique "w";')} ${maybe('unique "opts/z";')}
    ${maybe("max-elements 4;")}
    leaf id { type string; }
    leaf w { ${when()} type int8; ${pick(roll, ["", "", "default 1;", "mandatory true;"])} ${must(AT_LEAF)} }
    container opts { ${maybe("presence p;")} ${when()}
      leaf z { type int8; ${must(AT_LEAF)} }
      leaf d { type int8; default 2; ${when()} } }
    leaf peer { ${when()} ${roll(6) === 0 ? "type instance-identifier;" : `type leafref { path "${pick(roll, REFERENCES)}"; }`} }
    leaf-list tags { type leafref { path "${pick(roll, REFERENCES)}"; } ${must(AT_LEAF)} }
    list sub { key k; ${maybe("min-elements 1;")} ${when()} leaf k { type string; } leaf v { type int8; ${must(AT_LEAF)} } }
    choice c { case one { leaf o { type int8; } } case two { leaf p { type int8; ${maybe("default 1;")} } } ${maybe("default two;")} }
  }`
  return `module t { yang-version 1.1; namespace "urn:t"; prefix t;
    container sys {
      leaf on { type boolean; default true; } leaf mode { type string; }
      leaf-list names { type string; ${maybe("max-elements 2;")} }
      choice c { default y;
        case x { leaf cx { type int8; } leaf cz { type int8; ${when()} } }
        case y { leaf cy { type int8; default 1; ${maybe("when \"../on = 'true'\";")} } } }
      leaf chief { type leafref { path "/t:link/t:id"; } }
      ${roll(5) === 0 ? 'must "count(/t:link) < 4";' : ""}
    }
    container extra { presence p; leaf e { type int8; default 1; } }
    ${entry("link")} ${entry("app")} }`
}

const NAMES: readonly [string, ...string[]] = ["a", "b", "c", "d"]

function leafOf(roll: Dice, node: SchemaNode): JsonValue {
  const base = node.type?.base
  if (base === "boolean") return roll(2) === 0
  if (base === "int8") return roll(3)
  if (base === "instance-identifier")
    return pick(roll, ["/t:sys/mode", "/t:link[id='a']", "/t:link[id='b']/w"])
  if (base === "leafref") {
    let type = node.type
    while (type?.base === "leafref") type = type.target?.type
    return type?.base === "int8" ? roll(3) : pick(roll, NAMES)
  }
  // Now and then a value of a wrong type.
  return roll(40) === 0 ? roll(3) : pick(roll, NAMES)
}

/** The object with one random thing changed; the rest is shared. */
function changed(roll: Dice, node: SchemaNode, object: JsonObject): JsonObject {
  const members = [...node.members.values()]
  const child = members[roll(members.length)]
  if (child === undefined) return object
  const { [child.member]: was, ...rest } = object
  if (node.keys?.includes(child.member) === true && roll(8) > 0) return object
  if (child.kind === "leaf")
    return roll(3) === 0 ? rest : { ...object, [child.member]: leafOf(roll, child) }
  if (child.kind === "leaf-list") {
    const items = isArray(was) ? was : []
    const more = roll(2) === 0 ? [...items, leafOf(roll, child)] : items.slice(1)
    return more.length === 0 ? rest : { ...object, [child.member]: more }
  }
  if (child.kind === "container") {
    if (roll(6) === 0) return rest
    return {
      ...object,
      [child.member]: changed(roll, child, isObject(was ?? null) ? (was as JsonObject) : {}),
    }
  }
  const items = changedList(roll, child, isArray(was ?? null) ? (was as JsonObject[]) : [])
  return items.length === 0 ? rest : { ...object, [child.member]: items }
}

function changedList(
  roll: Dice,
  list: SchemaNode,
  items: readonly JsonObject[],
): readonly JsonObject[] {
  const at = roll(items.length + 1)
  const entry = items[at]
  const key = list.keys?.[0] ?? ""
  const what = roll(8)
  if (entry === undefined || what === 0) {
    let fresh: JsonObject = { [key]: pick(roll, NAMES) }
    for (let i = roll(4); i > 0; i--) fresh = changed(roll, list, fresh)
    const isThere = items.some((item) => item[key] === fresh[key])
    // Twice the same key is for the validator to find, not for every second edit.
    return isThere && roll(6) > 0 ? items : [...items.slice(0, at), fresh, ...items.slice(at)]
  }
  if (what === 1) return items.filter((item) => item !== entry)
  if (what === 2) return [entry, ...items.filter((item) => item !== entry)]
  if (what === 3) return items.map((item) => (item === entry ? { ...entry } : item))
  return items.map((item) => (item === entry ? changed(roll, list, entry) : item))
}

describe("the next version of a valid configuration", () => {
  it("is judged as the whole validator judges it, whatever the schema, whatever the edit", function () {
    this.timeout(180_000)
    let valid = 0
    let invalid = 0
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const roll = dice(seed)
        const text = moduleOf(roll)
        const schema = schemaOf({ t: text })
        const validate = compileValidator(schema, "config")
        const revalidate = compileRevalidator(schema)
        let previous: JsonObject = {}
        if (validate(previous).length > 0) return
        for (let step = 0; step < 80; step++) {
          let next = previous
          for (let i = roll(3); i >= 0; i--) next = changed(roll, schema.root, next)
          const whole = validate(next)
          const told = revalidate(next, previous)
          assert.deepEqual(
            told === "same" ? [] : told,
            whole,
            `${text}\n${JSON.stringify(previous)}\n${JSON.stringify(next)}`,
          )
          assert.equal(told === "same", isDeepStrictEqual(next, previous))
          if (whole.length > 0) invalid += 1
          else {
            valid += 1
            previous = next
          }
        }
      }),
      { numRuns: 150 },
    )
    // Neither answer may be a rarity, else the comparison says little.
    assert.ok(valid > 500 && invalid > 500, `${valid} valid, ${invalid} invalid`)
  })

  const schema: Schema = schemaOf({
    t: `list link { key id; leaf id { type string; } leaf rate { type int8; } leaf note { type string; } }
        list app { key id; leaf id { type string; } leaf on { type leafref { path "/t:link/t:id"; } } }`,
  })
  const many = (count: number): JsonObject => ({
    "t:link": Array.from({ length: count }, (_, n) => ({ id: `l${n}`, rate: n % 100 })),
    "t:app": Array.from({ length: count }, (_, n) => ({ id: `a${n}`, on: `l${n}` })),
  })
  const edited = (config: JsonObject, xml: string): JsonObject =>
    applyEdit(schema, config, configOf(xml, "urn:t"))

  it("is not looked at where it is the same object", () => {
    const before = many(3)
    // A lie: these entries are not valid. What shares them was said to be.
    const broken: JsonObject = {
      "t:link": [
        { id: "x", rate: 1 },
        { id: "y", rate: "no" },
      ],
      "t:app": [],
    }
    const next = edited(broken, "<link><id>x</id><rate>7</rate></link>")
    assert.deepEqual(compileRevalidator(schema)(next, broken), [])
    const faulty = edited(before, "<app><id>a1</id><on>nowhere</on></app>")
    assert.equal(compileRevalidator(schema)(faulty, before).length, 1)
  })

  it("loses nothing others refer to: taking out a link that an application is on is found", () => {
    const before = many(3)
    const next = edited(before, `<link nc:operation="delete"><id>l1</id></link>`)
    const faults = compileRevalidator(schema)(next, before)
    assert.ok(faults !== "same")
    assert.deepEqual(
      faults.map((fault) => fault.path),
      ["/t:app[id='a1']/on"],
    )
  })

  it("says the same where only objects are new, and not where the order is another", () => {
    const before = many(2)
    const copy = JSON.parse(JSON.stringify(before)) as JsonObject
    const told = (next: JsonObject): unknown => compileRevalidator(schema)(next, before)
    assert.equal(told(before), "same")
    assert.equal(told(copy), "same")
    const links = before["t:link"]
    assert.ok(links !== undefined && isArray(links))
    assert.deepEqual(told({ ...before, "t:link": [...links].reverse() }), [])
    assert.deepEqual(told(edited(before, "<link><id>l0</id><rate>9</rate></link>")), [])
  })
})
