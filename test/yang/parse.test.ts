// YANG text to statements: strings, comments, versions, the statement grammar.

import assert from "node:assert/strict"
import fc from "fast-check"
import { parseYang } from "../../src/yang/parse.js"
import { argOf } from "../../src/yang/statement.js"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { tagged } from "./fixture.js"

const module = (body: string, version = "1.1"): string =>
  `module m { yang-version ${version}; namespace "urn:m"; prefix m; ${body} }`

/** The description of a module whose description is written as given. */
function described(written: string, version?: string): string | undefined {
  return argOf(parseYang(module(`description ${written};`, version), "m.yang"), "description")
}

describe("YANG text", () => {
  it("joins quoted strings and knows the four escapes", () => {
    assert.equal(described(`"a" + 'b' /* c */ + "d"`), "abd")
    assert.equal(described(String.raw`"\n\t\"\\"`), '\n\t"\\')
    assert.equal(described(String.raw`'\n"'`), String.raw`\n"`)
  })

  it("takes from a double-quoted string the indentation and the blanks at line ends", () => {
    const text =
      'module m {\n  namespace "urn:m"; prefix m;\n  description\n    "first  \n     second\n       third\n   fourth";\n}'
    assert.equal(argOf(parseYang(text, "m.yang"), "description"), "first\nsecond\n  third\nfourth")
  })

  it("lets YANG 1 pass what 1.1 forbids", () => {
    assert.equal(described(String.raw`"\d+"`, "1"), String.raw`\d+`)
    assert.throws(() => described(String.raw`"\d+"`), tagged("malformed-message", /escape/))
    assert.equal(described("it's", "1"), "it's")
    assert.throws(() => described("it's"), tagged("malformed-message", /quote/))
  })

  it("keeps comment marks inside strings and ends unquoted ones at comments", () => {
    assert.equal(described(`"http://a/*b*/"`), "http://a/*b*/")
    assert.equal(described("word// comment\n"), "word")
  })

  it("tells file and line of what is wrong", () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ["module m {\n\n leaf {", /^m\.yang:3: /],
      ["module m {", /no closing brace/],
      [module("leaf a { type string; type string; }"), /more than one type/],
      [module("leaf a;"), /leaf has no type/],
      [module("leaf 1a { type string; }"), /not an argument of leaf/],
      [module("leaf a { type string; config maybe; }"), /not an argument of config/],
      [module("input { leaf a { type string; } }"), /input is not allowed in module/],
      [module("frobnicate x;"), /frobnicate is not allowed/],
      [module("anydata a;", "1"), /needs yang-version 1\.1/],
      [module("container a { action b; }", "1"), /needs yang-version 1\.1/],
      ["container a;", /expected module or submodule/],
      [`${module("")} x`, /after the module/],
      ["module m { /* ", /comment without end/],
      ['module m { description "', /string without end/],
      [module('description "a" "b";'), /expected ; or \{/],
      [module("revision 2026;"), /not an argument of revision/],
    ]
    for (const [text, message] of cases)
      assert.throws(() => parseYang(text, "m.yang"), tagged("malformed-message", message), text)
  })

  it("lets extension statements stand anywhere, whatever is in them", () => {
    const root = parseYang(module("x:y z { x:w; leaf { v; } }"), "m.yang")
    assert.equal(root.sub.at(-1)?.keyword, "x:y")
  })

  it("ends in a tree or a tagged error, whatever is cut out of a real module", () => {
    const texts = loadYangFiles().map((f) => f.text)
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat(40),
        fc.string(),
        (text, at, cut, put) => {
          const start = at % text.length
          const broken = text.slice(0, start) + put + text.slice(start + cut)
          try {
            parseYang(broken, "m.yang")
          } catch (error) {
            assert.ok(tagged("malformed-message")(error) || tagged("too-big")(error), String(error))
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  it("may be nested only so deep", () => {
    const deep = module("container a {".repeat(5_000) + "}".repeat(5_000))
    assert.throws(() => parseYang(deep, "m.yang"), tagged("too-big"))
  })
})
