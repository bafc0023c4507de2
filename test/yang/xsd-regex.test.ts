// YANG patterns: XSD regular expressions, and that none of them can stall the process.

import assert from "node:assert/strict"
import fc from "fast-check"
import { compileXsdPattern } from "../../src/yang/xsd-regex.js"
import { tagged } from "./fixture.js"

describe("a YANG pattern", () => {
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ["[1-9][0-9]{0,3}", ["1", "1234"], ["0", "12345", "", " 1"]],
    ["a|b*", ["a", "", "bbb"], ["ab", "c"]],
    ["^a$", ["^a$"], ["a"]],
    ["[a-z-[aeiou]]+", ["xyz"], ["abc", ""]],
    ["[^a-c]", ["d", "ü"], ["a", "dd"]],
    ["\\d+", ["12", "\u0663"], ["a"]],
    ["\\w\\W", ["a ", "1-"], ["ab", "- "]],
    ["\\i\\c*", ["_a-1", "a:b"], ["-a", "1"]],
    ["[^\\S]", [" ", "\t"], ["a"]],
    ["\\p{L}\\P{L}", ["ä1"], ["11", "ää"]],
    ["\\p{IsBasicLatin}*", ["abc"], ["ä"]],
    ["a.c", ["abc", "a\u{1f600}c"], ["a\nc", "ac"]],
    ["(ab){2,3}", ["abab", "ababab"], ["ab", "abababab"]],
    ["[0-9a-f\\-.]+", ["0-f.a"], ["g"]],
    ["\\{\\}\\[\\]\\(\\)", ["{}[]()"], ["{}"]],
    ["a{3}", ["aaa"], ["aa", "aaaa"]],
    ["a{2,}", ["aa", "aaaaa"], ["a"]],
  ]
  for (const [source, good, bad] of cases)
    it(`${source} takes whole texts only`, () => {
      const { matches, js } = compileXsdPattern(source)
      for (const text of good) {
        assert.ok(matches(text), `${JSON.stringify(text)} should match`)
        assert.match(text, new RegExp(js, "u"))
      }
      for (const text of bad) assert.ok(!matches(text), `${JSON.stringify(text)} should not match`)
    })

  it("that is none is refused with the place", () => {
    for (const source of [
      "(",
      ")",
      "[a",
      "a{2,1}",
      "*a",
      "a**",
      "\\y",
      "\\p{Foo}",
      "[z-a]",
      "a{",
      "]",
    ])
      assert.throws(() => compileXsdPattern(source), tagged("malformed-message"), source)
  })

  it("that makes backtracking explode still answers", () => {
    const evil = ["(a+)+b", "(a|a)*b", "(a*)*b", "((a?){30}a{30})+b", "(.*a){20}b", "([a-z]+)*\\d"]
    for (const source of evil) assert.ok(!compileXsdPattern(source).matches("a".repeat(20_000)))
    assert.ok(compileXsdPattern("(a+)+b").matches(`${"a".repeat(20_000)}b`))
    // Too much work for one text is no match; too large a pattern sees short texts only.
    assert.ok(compileXsdPattern("((a?){40}b?){40}").matches("a".repeat(1_000)))
    assert.ok(!compileXsdPattern("((a?){40}b?){40}").matches("a".repeat(60_000)))
    assert.ok(!compileXsdPattern("((a?){900}b?){900}").matches("a".repeat(100)))
  })

  it("never sees a text longer than 64 Ki characters", () => {
    assert.ok(!compileXsdPattern("a*").matches("a".repeat(65_537)))
    assert.ok(compileXsdPattern("a*").matches("a".repeat(65_536)))
  })

  it("means the same to the linear matcher as to the engine of the language", () => {
    const atom = fc.constantFrom("a", "b", "[ab]", ".", "(ab|b)", "(a*b)", "(a|)")
    const piece = fc.tuple(atom, fc.constantFrom("", "?", "*", "+", "{1,2}")).map((p) => p.join(""))
    const inner = fc.array(piece, { minLength: 1, maxLength: 3 }).map((p) => p.join(""))
    // Nested repetitions: these run on the linear matcher; their JS form says what is right.
    const source = inner.map((p) => `(${p})*(${p}|a)+`)
    fc.assert(
      fc.property(
        source,
        fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 8 }),
        (s, t) => {
          const { matches, js } = compileXsdPattern(s)
          assert.equal(matches(t), new RegExp(js, "u").test(t), `${s} on ${t}`)
        },
      ),
      { numRuns: 500 },
    )
  })
})
