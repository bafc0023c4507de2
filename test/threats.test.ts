// The table of threats (docs/THREATS.md) is as good as its tests: every row of nodes, keys, relay and delivery names some
// that carry its own id, and whatever test a row names is there.

import assert from "node:assert/strict"
import { existsSync, readFileSync } from "node:fs"

const here = new URL(".", import.meta.url)
const ROWS =
  "N2 N3 N5 N6 N7 N8 T1 T2 T3 T4 T5 R1 R2 R3 R4 R5 C1 C2 C3 C4 P2 I1 I2 I5 D1 D2 D3".split(" ")

interface Named {
  readonly row: string
  /** Below test/, without `.test.ts`. */
  readonly file: string
  readonly name: string
}

/** `folder/file: "one", "two"; folder/other: "three"` in the last column of each row. */
function testsNamed(document: string): Named[] {
  return document.split("\n").flatMap((line) => {
    const [, head = "", ...cells] = line.split("|")
    const row = /^ ([A-Z]\d) /.exec(head)?.[1]
    const last = cells.at(-2)
    if (row === undefined || last === undefined) return []
    const named: Named[] = []
    let file: string | undefined
    for (const [, place, name] of last.matchAll(/([a-z0-9]+\/[a-z0-9-]+): (?=")|"([^"]+)"/g)) {
      if (place !== undefined) file = place
      else if (file !== undefined && name !== undefined) named.push({ row, file, name })
    }
    return named
  })
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")

/** Titles of tests and of their groups, as patterns: what is put into one stands in the file, or is a number. */
function titlesIn(source: string): { readonly kind: string; readonly pattern: RegExp }[] {
  const calls = source.matchAll(/\b(it|describe)\(\s*(?:"((?:[^"\\]|\\.)*)"|`((?:[^`\\]|\\.)*)`)/g)
  return Array.from(calls, ([, kind = "", plain, template]) => {
    const parts = plain === undefined ? (template ?? "").split(/\$\{[^}]*\}/) : [plain]
    const text = parts.map((part) => escaped(part.replaceAll('\\"', '"'))).join("(.+)")
    return { kind, pattern: new RegExp(`^${text}$`) }
  })
}

function isTest(source: string, name: string): boolean {
  return titlesIn(source).some(({ kind, pattern }) => {
    const match = kind === "it" ? pattern.exec(name) : null
    return (
      match?.slice(1).every((put) => /^-?\d+$/.test(put) || source.includes(`"${put}"`)) === true
    )
  })
}

/** A file of tests with the clauses that it runs, which stand in files beside it. */
const read = (file: string): string | undefined => {
  const place = new URL(`${file}.test.ts`, here)
  if (!existsSync(place)) return undefined
  const source = readFileSync(place, "utf8")
  const clauses = source.matchAll(/^import \{ \w+Clauses \} from "\.\/([a-z0-9-]+)\.js"$/gm)
  return [
    source,
    ...Array.from(clauses, ([, name = ""]) => readFileSync(new URL(`${name}.ts`, place), "utf8")),
  ].join("\n")
}

describe("the table of threats", () => {
  const document = readFileSync(new URL("../docs/THREATS.md", here), "utf8")
  const named = testsNamed(document)

  for (const row of ROWS)
    it(`${row}: names a test that carries its id and is there`, () => {
      const own = named.filter(
        (one) => one.row === row && new RegExp(`\\b${row}\\b`).test(one.name),
      )
      assert.ok(own.length > 0, "no test carries its id")
      for (const { file, name } of own)
        assert.ok(isTest(read(file) ?? "", name), `${file} has no test "${name}"`)
    })

  it("names no test that is not there", () => {
    assert.ok(named.length > 150, `${named.length} tests are named`)
    const missing = named.filter(({ file, name }) => {
      const source = read(file)
      // Some rows name the group, or the words that all tests of one begin with.
      return (
        source === undefined ||
        !(
          isTest(source, name) ||
          source.includes(name) ||
          source.includes(name.replaceAll('"', '\\"'))
        )
      )
    })
    assert.deepEqual(missing, [])
  })

  it("would notice a row whose test has another name, or none (control)", () => {
    const line =
      '| T9 something | yes | how | folder/file: "T9: is held", "is held too"; other/file: "x" |'
    assert.deepEqual(testsNamed(line), [
      { row: "T9", file: "folder/file", name: "T9: is held" },
      { row: "T9", file: "folder/file", name: "is held too" },
      { row: "T9", file: "other/file", name: "x" },
    ])
    const source =
      'it("T9: is held", () => {})\nfor (const w of ["a b"]) it(`T9: is ${w} h`, () => {})'
    assert.ok(isTest(source, "T9: is held"))
    assert.ok(isTest(source, "T9: is a b h") && isTest(source, "T9: is 7 h"))
    assert.ok(!isTest(source, "T9: is held too") && !isTest(source, "T9: is c h"))
  })
})
