// The shipped ietf-netconf-acm has exactly the schema of RFC 8341, in our own words.

import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"
import { loadYangFiles } from "../../src/transport/yang-files.js"
import { parseYang } from "../../src/yang/parse.js"
import { type Statement } from "../../src/yang/statement.js"

const STANDARD = "/usr/share/yuma/modules/ietf/ietf-netconf-acm@2018-02-14.yang"
const PROSE = new Set(["description", "reference", "contact", "organization"])

function bones(statement: Statement): unknown {
  return [
    statement.keyword,
    statement.argument,
    ...statement.sub.filter((s) => !PROSE.has(s.keyword)).map(bones),
  ]
}

function* proseOf(statement: Statement): Iterable<string> {
  for (const sub of statement.sub) {
    if (PROSE.has(sub.keyword)) yield sub.argument ?? ""
    yield* proseOf(sub)
  }
}

describe("the module of access control", () => {
  const ours = parseYang(loadYangFiles(["ietf-netconf-acm"])[0]?.text ?? "", "ietf-netconf-acm")
  let standard: Statement

  before(function () {
    if (!existsSync(STANDARD)) {
      console.log("      Debian's copy of ietf-netconf-acm is not installed: comparison skipped")
      this.skip()
    }
    standard = parseYang(readFileSync(STANDARD, "utf8"), STANDARD)
  })

  it("states the schema of RFC 8341, statement by statement", () => {
    assert.deepEqual(bones(ours), bones(standard))
  })

  it("repeats none of its sentences", () => {
    const words = (text: string): string => text.replace(/\s+/g, " ").trim()
    const theirs = [...proseOf(standard)].map(words).filter((text) => text.length > 30)
    for (const text of [...proseOf(ours)].map(words))
      assert(!theirs.includes(text), `copied: ${text}`)
  })
})
