// Values of every YANG type: from XML and JSON to the canonical RFC 7951 form and back, and what is refused.

import assert from "node:assert/strict"
import { decodeJson } from "../../src/yang/json.js"
import type { JsonValue } from "../../src/yang/json.js"
import type { Schema } from "../../src/yang/schema.js"
import { decodeXml, encodeXml } from "../../src/yang/xml.js"
import { configOf, schemaOf, tagged } from "./fixture.js"

const M = "urn:m"

function leafSchema(type: string): Schema {
  return schemaOf({
    o: `import m { prefix m; } identity far { base m:base; }
      identity both { base m:base; base m:other; }`,
    m: `identity base; identity other; identity near { base base; }
      leaf name { type string; } list entry { key id; leaf id { type uint8; } } leaf-list tags { type string; }
      leaf l { ${type} }`,
  })
}

const fromXml = (schema: Schema, text: string): JsonValue | undefined =>
  decodeXml(schema, configOf(`<l xmlns:o="urn:o" xmlns:m="urn:m">${text}</l>`, M))["m:l"]
const fromJson = (schema: Schema, value: JsonValue): JsonValue | undefined =>
  decodeJson(schema, { "m:l": value })["m:l"]

interface Case {
  readonly type: string
  /** XML text to canonical value; the value is what JSON carries too. */
  readonly good: readonly (readonly [string, JsonValue])[]
  readonly badXml: readonly string[]
  readonly badJson: readonly JsonValue[]
}

const big = "9223372036854775807"

const CASES: readonly Case[] = [
  {
    type: "type int8;",
    good: [
      ["-128", -128],
      ["+7", 7],
      [" 7 ", 7],
      ["007", 7],
    ],
    badXml: ["128", "-129", "", "1.0", "0x10", "1e1", "a"],
    badJson: ["1", 1.5, 128, true, null, [1], 1e300],
  },
  {
    type: `type uint8 { range "1..5 | 9 | 20..max"; }`,
    good: [
      ["1", 1],
      ["9", 9],
      ["255", 255],
    ],
    badXml: ["0", "6", "19", "256"],
    badJson: [0, 6],
  },
  {
    type: "type uint64;",
    good: [
      ["18446744073709551615", "18446744073709551615"],
      ["9007199254740993", "9007199254740993"],
    ],
    badXml: ["18446744073709551616", "-1"],
    badJson: [1, "18446744073709551616", "1.0", ""],
  },
  {
    type: "type int64;",
    good: [
      ["-9223372036854775808", "-9223372036854775808"],
      [big, big],
    ],
    badXml: ["9223372036854775808"],
    badJson: [1],
  },
  {
    type: `type decimal64 { fraction-digits 3; range "-1.5..2.25"; }`,
    good: [
      ["1.50", "1.5"],
      ["2", "2.0"],
      ["-1.500", "-1.5"],
      ["0.000", "0.0"],
      ["-0.0", "0.0"],
      ["2.2500", "2.25"],
    ],
    badXml: ["2.251", "-1.501", "1.2345", ".5", "1.", "", "1e0", "NaN"],
    badJson: [1.5, 1],
  },
  {
    type: "type boolean;",
    good: [
      ["true", true],
      ["false", false],
    ],
    badXml: ["1", "TRUE", "", " true"],
    badJson: ["true", 1, null],
  },
  {
    type: "type empty;",
    good: [["", [null]]],
    badXml: ["x"],
    badJson: [null, "", [], [null, null]],
  },
  {
    type: `type string { length "2..3"; pattern "[a-z]*"; pattern "x.*" { modifier invert-match; } }`,
    good: [["ab", "ab"]],
    badXml: ["a", "abcd", "aB", "xa"],
    badJson: [1, true, ["ab"]],
  },
  {
    type: `type string { length 1; }`,
    good: [
      ["\u{1f600}", "\u{1f600}"],
      ["&lt;", "<"],
    ],
    badXml: ["\u{1f600}a"],
    badJson: ["\ud800", "\u0001"],
  },
  {
    type: `type binary { length "1..4"; }`,
    good: [
      ["AQID", "AQID"],
      ["AQ==", "AQ=="],
      ["AQ\n ID", "AQID"],
    ],
    badXml: ["", "AQIDBAU=", "AQI", "A===", "A-_="],
    badJson: [1],
  },
  {
    type: "type enumeration { enum a; enum 'b c'; }",
    good: [["b c", "b c"]],
    badXml: ["b", " a"],
    badJson: [0],
  },
  {
    type: "type bits { bit c { position 2; } bit a; bit b { position 1; } }",
    good: [
      ["a b c", "b c a"],
      ["", ""],
      [" c ", "c"],
    ],
    badXml: ["a a", "d"],
    badJson: [1],
  },
  {
    type: "type identityref { base base; }",
    good: [
      ["near", "m:near"],
      ["m:near", "m:near"],
      ["o:far", "o:far"],
    ],
    badXml: ["far", "o:near", "base", "x:near", "", "m:base"],
    badJson: [1, "o:near", "far"],
  },
  {
    type: "type identityref { base base; base other; }",
    good: [["o:both", "o:both"]],
    badXml: ["near", "o:far"],
    badJson: ["o:far"],
  },
  {
    type: "type union { type uint8; type boolean; type identityref { base base; } type string { length 2; } }",
    good: [
      ["7", 7],
      ["true", true],
      ["o:far", "o:far"],
      ["zz", "zz"],
    ],
    badXml: ["300", "zzz"],
    badJson: [300, "zzz", null],
  },
  {
    type: `type leafref { path "../entry/id"; }`,
    good: [["7", 7]],
    badXml: ["300", "x"],
    badJson: ["7"],
  },
  {
    type: "type instance-identifier { require-instance false; }",
    good: [
      ["/m:name", "/m:name"],
      ["/m:entry[m:id='7']/m:id", "/m:entry[id='7']/id"],
      [`/m:tags[.="it's"]`, `/m:tags[.="it's"]`],
      ["/m:entry[2]", "/m:entry[2]"],
    ],
    badXml: ["m:name", "/name/..", "/x:name", "/m:entry[", "/", ""],
    badJson: [1, "/name"],
  },
]

describe("values", () => {
  for (const { type, good, badXml, badJson } of CASES)
    it(`of ${type.replace(/\s+/g, " ")}`, () => {
      const schema = leafSchema(type)
      for (const [text, value] of good) {
        assert.deepEqual(fromXml(schema, text), value, `XML ${text}`)
        assert.deepEqual(fromJson(schema, value), value, `JSON ${JSON.stringify(value)}`)
        const again = decodeXml(schema, configOf(encodeXml(schema, { "m:l": value }), M))
        assert.deepEqual(again, { "m:l": value }, "there and back")
      }
      for (const text of badXml)
        assert.throws(() => fromXml(schema, text), tagged("invalid-value", "/m:l"), `XML ${text}`)
      for (const value of badJson)
        assert.throws(
          () => fromJson(schema, value),
          tagged("invalid-value", "/m:l"),
          `JSON ${JSON.stringify(value)}`,
        )
    })

  it("carry the module's own error message where it gives one", () => {
    const schema = leafSchema('type int8 { range 1..2 { error-message "one or two"; } }')
    assert.throws(() => fromXml(schema, "3"), tagged("invalid-value", /^one or two$/))
  })

  it("of a JSON identity may leave out the leaf's own module", () => {
    assert.equal(fromJson(leafSchema("type identityref { base base; }"), "near"), "m:near")
  })

  it("too long to be shown are cut in messages", () => {
    const schema = leafSchema("type boolean;")
    assert.throws(
      () => fromXml(schema, "x".repeat(100_000)),
      (error) => error instanceof Error && error.message.length < 200,
    )
  })
})
