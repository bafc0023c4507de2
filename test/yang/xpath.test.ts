// XPath 1.0 on instance data: the language, YANG's functions, and expressions that try to run for ever.

import assert from "node:assert/strict"
import { Conditions } from "../../src/yang/conditions.js"
import type { JsonObject } from "../../src/yang/json.js"
import type { Schema } from "../../src/yang/schema.js"
import type { WhenProfile } from "../../src/yang/schema-types.js"
import { parseXPath } from "../../src/yang/xpath-parse.js"
import { isNodeSet, toText } from "../../src/yang/xpath-values.js"
import { lexicalOf } from "../../src/yang/values.js"
import { schemaOf, tagged } from "./fixture.js"

const MODULES = {
  t: `identity animal; identity bird { base animal; } identity owl { base bird; } identity cat { base animal; }`,
  m: `import t { prefix tt; }
    container zoo {
      leaf name { type string; }
      leaf open { type boolean; default true; }
      leaf rate { type decimal64 { fraction-digits 2; } }
      leaf size { type enumeration { enum small { value 3; } enum large { value 9; } } }
      leaf flags { type bits { bit wet; bit dry; } }
      leaf star { type leafref { path "../cage/id"; } }
      leaf pointer { type instance-identifier; }
      leaf mixed { type union { type uint8; type identityref { base tt:animal; } } }
      leaf-list tags { type string; }
      list cage { key id; leaf id { type uint16; } leaf kind { type identityref { base tt:animal; } }
        container food { leaf grams { type uint32; default 5; } } }
    }`,
}

const DATA: JsonObject = {
  "m:zoo": {
    name: "Zürich zoo",
    rate: "1.5",
    size: "large",
    flags: "dry",
    star: 2,
    pointer: "/m:zoo/cage[id='3']/kind",
    mixed: "t:cat",
    tags: ["a", "b", "a b"],
    cage: [
      { id: 1, kind: "t:owl", food: { grams: 10 } },
      { id: 2, kind: "t:cat" },
      { id: 3, kind: "t:bird", food: { grams: 30 } },
    ],
  },
}

const schema = schemaOf(MODULES)

/** Evaluate at /m:zoo. Node sets come back as the texts of their nodes. */
function evaluate(
  text: string,
  profile: WhenProfile = "lenient",
  data = DATA,
): string | number | boolean | string[] {
  const own: Schema = { ...schema, whenProfile: profile }
  const conditions = new Conditions(own, schema.root, data)
  const prefixes = new Map([
    ["m", "m"],
    ["tt", "t"],
  ])
  const expression = { text, ast: parseXPath(text), prefixes, module: "m" }
  const zoo = schema.root.members.get("m:zoo")
  assert.ok(zoo)
  const [node] = conditions.root.childrenOf(zoo)
  assert.ok(node)
  const value = conditions.evaluate(expression, node)
  if (!isNodeSet(value)) return value
  return value.map((n) => (n.isLeaf ? lexicalOf(n.value) : toText([n], expression)))
}

describe("XPath on instance data", () => {
  const cases: readonly (readonly [string, string | number | boolean | string[]])[] = [
    ["1 + 2 * 3 - 4 div 2 - 7 mod 4", 2],
    ["-(3) - -2", -1],
    ["1 = 1 and not(2 = 3) or false()", true],
    ["2 > 1 = true()", true],
    ["'a' != 'b'", true],
    ["1 div 0", Infinity],
    ["string(0 div 0)", "NaN"],
    ["string(1 div 3 > 0)", "true"],
    ["string(100000000000000000000000)", "99999999999999991611392"],
    ["name", ["Zürich zoo"]],
    ["m:name", ["Zürich zoo"]],
    ["tt:name", []],
    ["/m:zoo/name", ["Zürich zoo"]],
    ["/zoo/name = 'Zürich zoo'", true],
    ["./name/../name/.", ["Zürich zoo"]],
    ["cage/id", ["1", "2", "3"]],
    ["cage[2]/id", ["2"]],
    ["cage[last()]/id", ["3"]],
    ["cage[position() < 3]/id", ["1", "2"]],
    ["cage[id = '2']/id", ["2"]],
    ["cage[id = current()/star]/id", ["2"]],
    ["cage[id = current()/star]/kind = 'tt:cat'", true],
    ["cage[food/grams > 9][2]/id", ["3"]],
    ["(cage/id | cage/id | star)[4]", ["2"]],
    ["count(cage | cage)", 3],
    ["count(//id)", 3],
    ["count(//*)", 27],
    ["count(descendant::grams)", 3],
    ["sum(cage/food/grams)", 45],
    ["cage[2]/food/grams", ["5"]],
    ["open", ["true"]],
    ["open = 'true'", true],
    ["cage[3]/preceding-sibling::cage/id", ["1", "2"]],
    ["cage[1]/following-sibling::cage[1]/id", ["2"]],
    ["cage[2]/id/ancestor::zoo/name", ["Zürich zoo"]],
    ["count(cage[1]/id/ancestor-or-self::node())", 4],
    ["cage[1]/food/grams/ancestor::*[1]/grams", ["10"]],
    ["cage[1]/id/following::id", ["2", "3"]],
    ["count(cage[3]/id/preceding::grams)", 2],
    ["@x", []],
    ["rate * 2", 3],
    ["rate = 1.50", true],
    ["tags = 'b'", true],
    ["tags != 'b'", true],
    ["not(tags = 'c')", true],
    ["cage/id = star", true],
    ["cage/id > 2", true],
    ["cage/id > 3", false],
    ["nothing = nothing", false],
    ["nothing != 'x'", false],
    ["boolean(nothing)", false],
    ["concat(name, '-', 1)", "Zürich zoo-1"],
    ["contains(name, 'rich')", true],
    ["starts-with(name, 'Zü')", true],
    ["substring('12345', 1.5, 2.6)", "234"],
    ["substring('12345', 0, 3)", "12"],
    ["substring('12345', 0 div 0, 3)", ""],
    ["substring('12345', -42, 1 div 0)", "12345"],
    ["substring-before(name, ' ')", "Zürich"],
    ["substring-after(name, ' ')", "zoo"],
    ["string-length('a\u{1f600}')", 2],
    ["normalize-space('  a  b ')", "a b"],
    ["translate('bar', 'abc', 'AB')", "BAr"],
    ["number('1e3')", NaN],
    ["number(' 12.5 ')", 12.5],
    ["floor(-1.5)", -2],
    ["ceiling(-1.5)", -1],
    ["round(-1.5)", -1],
    ["local-name(cage)", "cage"],
    ["namespace-uri(cage)", "urn:m"],
    ["re-match(name, '.*zoo')", true],
    ["re-match('zoo!', 'zoo')", false],
    ["deref(star)/../kind", ["t:cat"]],
    ["deref(pointer)", ["t:bird"]],
    ["derived-from(cage[1]/kind, 'tt:bird')", true],
    ["derived-from(cage[3]/kind, 'tt:bird')", false],
    ["derived-from-or-self(cage[3]/kind, 'tt:bird')", true],
    ["derived-from-or-self(cage[2]/kind, 'tt:bird')", false],
    ["derived-from(mixed, 'tt:animal')", true],
    ["derived-from(name, 'tt:animal')", false],
    ["enum-value(size)", 9],
    ["enum-value(name)", NaN],
    ["bit-is-set(flags, 'dry')", true],
    ["bit-is-set(flags, 'wet')", false],
    ["string(cage[1]/kind)", "tt:owl"],
  ]
  for (const [text, expected] of cases)
    it(text, () => {
      assert.deepEqual(evaluate(text), expected)
    })

  it("finds entries of long lists by key as it finds them by looking", () => {
    const cage = Array.from({ length: 200 }, (_, i) => ({ id: i, kind: "t:cat" }))
    const data: JsonObject = { "m:zoo": { star: 150, cage } }
    assert.deepEqual(evaluate("cage[id = current()/star]/id", "lenient", data), ["150"])
    assert.deepEqual(evaluate("cage[id = 199]/id", "lenient", data), ["199"])
    assert.deepEqual(evaluate("cage[id = '0199']/id", "lenient", data), [])
    assert.deepEqual(evaluate("cage[id = 200]/id", "lenient", data), [])
    assert.deepEqual(evaluate("cage[number(id) = 7]/id", "lenient", data), ["7"])
    assert.deepEqual(evaluate("cage[id = ../star]/id", "lenient", data), ["150"])
  })

  it("compares an identity by its qualified name when strict, and by any of its names when lenient", () => {
    const both = ["cage[1]/kind = 'tt:owl'", "cage[1]/kind = 't:owl'"]
    const lenientOnly = ["cage[1]/kind = 'owl'", "mixed = 'cat'"]
    const never = ["cage[1]/kind = 'cat'", "cage[1]/kind = 'm:owl'", "cage[1]/kind = 'x:owl'"]
    for (const text of both) {
      assert.equal(evaluate(text, "strict"), true, text)
      assert.equal(evaluate(text, "lenient"), true, text)
    }
    for (const text of lenientOnly) {
      assert.equal(evaluate(text, "strict"), false, text)
      assert.equal(evaluate(text, "lenient"), true, text)
    }
    for (const text of never) {
      assert.equal(evaluate(text, "strict"), false, text)
      assert.equal(evaluate(text, "lenient"), false, text)
    }
  })

  it("ends an expression that would run for ever", () => {
    const cage = Array.from({ length: 400 }, (_, id) => ({ id }))
    assert.throws(
      () =>
        evaluate("count(//*[count(//*[count(//*) > 0]) > 0])", "lenient", { "m:zoo": { cage } }),
      tagged("resource-denied"),
    )
  })

  it("refuses what is no expression", () => {
    for (const text of [
      "",
      "1 +",
      "a b",
      "a[",
      "f(",
      "a::b",
      "'x",
      "$",
      "a/",
      "((",
      "!",
      "a//",
      "[1]",
    ])
      assert.throws(() => parseXPath(text), tagged("malformed-message"), text)
    assert.throws(() => parseXPath("(".repeat(1_500)), tagged("malformed-message"))
    assert.throws(() => parseXPath("1".repeat(20_000)), tagged("too-big"))
    assert.throws(() => parseXPath("1+".repeat(5_000)), tagged("too-big"))
    assert.throws(() => evaluate("count(1)"), tagged("operation-failed"))
    assert.throws(() => evaluate("1 | 2"), tagged("operation-failed"))
    assert.throws(() => evaluate("$x"), tagged("operation-failed"))
    assert.throws(() => evaluate("concat('a')"), tagged("operation-failed"))
  })

  it("reads operator names as names where no operator can stand", () => {
    assert.deepEqual(evaluate("and = or"), false)
    assert.deepEqual(evaluate("div div mod"), NaN)
    assert.deepEqual(evaluate("2*3"), 6)
    assert.deepEqual(evaluate("count(*) > 1"), true)
  })
})
