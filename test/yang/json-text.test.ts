// JSON text: as JSON.parse, but for duplicates, depth and size.

import assert from "node:assert/strict"
import fc from "fast-check"
import { parseJson } from "../../src/yang/json.js"
import { tagged } from "./fixture.js"

describe("JSON text", () => {
  it("reads as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        if (text.includes("__proto__")) return
        assert.deepEqual(parseJson(text), JSON.parse(text))
      }),
    )
    assert.deepEqual(parseJson(' { "a" : [ 1 , -0.5e2 , null , true, "\\u00fc\\n" ] } '), {
      a: [1, -50, null, true, "ü\n"],
    })
  })

  it("is refused with line and column where JSON.parse refuses it", () => {
    const broken = [
      "",
      "{",
      "[1,]",
      '{"a":1,}',
      "01",
      "+1",
      "1.",
      "nul",
      '"a',
      "{'a':1}",
      "[1 2]",
      "1 1",
    ]
    for (const text of broken)
      assert.throws(() => parseJson(text), tagged("malformed-message"), text)
    assert.throws(() => parseJson('{\n "a": x}'), tagged("malformed-message", /line 2 column 7/))
    assert.throws(() => parseJson('"\u0001"'), tagged("malformed-message"))
    assert.throws(() => parseJson("1e999"), tagged("malformed-message"))
  })

  it("names a member once, and never the prototype", () => {
    assert.throws(() => parseJson('{"a":1,"a":2}'), tagged("malformed-message", /twice/))
    assert.throws(() => parseJson('{"a":1,"\\u0061":2}'), tagged("malformed-message", /twice/))
    assert.throws(() => parseJson('{"__proto__":{}}'), tagged("malformed-message"))
    assert.deepEqual(parseJson('{"constructor":1,"toString":2}'), { constructor: 1, toString: 2 })
  })

  it("is refused beyond the limits on depth and bytes", () => {
    assert.throws(() => parseJson("[".repeat(100_000)), tagged("too-big"))
    assert.throws(() => parseJson("[]", { maxBytes: 1, maxDepth: 9 }), tagged("too-big"))
  })

  it("is read or refused, whatever the bytes", () => {
    const token = fc.constantFrom("{", "}", "[", "]", ",", ":", '"', "1", "\\", "true", " ")
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (tokens) => {
        const text = tokens.join("")
        let expected: unknown
        try {
          expected = JSON.parse(text)
        } catch {
          assert.throws(() => parseJson(text), tagged("malformed-message"))
          return
        }
        try {
          assert.deepEqual(parseJson(text), expected)
        } catch (error) {
          assert.ok(tagged("malformed-message", /twice/)(error), text)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
