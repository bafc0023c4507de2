// What an auditor learns of a node's trail of deliveries, on a machine of his own.

import assert from "node:assert/strict"
import { spawnSync } from "node:child_process"
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { AuditTrail } from "../../src/node/audit.js"

const MAIN = path.join(import.meta.dirname, "..", "..", "src", "main.ts")

describe("keyloom audit verify", () => {
  let dir = ""
  let file = ""
  /** Of the trail after its first 40 lines, and after all. */
  let heads: readonly [string, string] = ["", ""]

  before(async () => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-audit-"))
    file = path.join(dir, "audit.log")
    const trail = await AuditTrail.open(file, () => 1_700_000_000_000)
    const write = async (from: number, to: number): Promise<string> => {
      for (let nth = from; nth < to; nth++)
        // Long ones, so that lines lie across what is read at once; names that editors would break lines at.
        await trail.append({ saeId: `a\u2028\rb${"x".repeat(4000)}`, keyIds: [`k${nth}`] })
      return trail.head
    }
    heads = [await write(0, 40), await write(40, 100)]
    await trail.close()
  })
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  function verify(...args: readonly string[]): { status: number | null; out: string; err: string } {
    const words = ["--import", "tsx", MAIN, "audit", "verify", ...args]
    const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" })
    return { status, out: stdout, err: stderr }
  }

  function changed(change: (lines: string[]) => void): string {
    const lines = readFileSync(file, "utf8").split("\n")
    change(lines)
    const other = path.join(dir, "changed.log")
    writeFileSync(other, lines.join("\n"))
    return other
  }

  it("tells how many lines there are, since when, and the head", () => {
    const { status, out } = verify(file)
    assert.equal(status, 0)
    assert.match(
      out,
      /whole, 100 lines from 2023-11-14T22:13:20\.000Z to 2023-11-14T22:13:20\.000Z/,
    )
    assert.ok(out.includes(`head ${heads[1]}`))
  })

  it("finds the line of a head that was noted earlier", () => {
    const { status, out } = verify("--head", heads[0], file)
    assert.equal(status, 0)
    assert.match(out, /line 40 has the head that was noted/)
  })

  it("names the first line that was changed, taken away or put in between, and the file", () => {
    for (const [change, line] of [
      [(lines: string[]) => (lines[6] = (lines[6] ?? "").replace("k6", "k9")), 8],
      [(lines: string[]) => lines.splice(10, 1), 11],
      [(lines: string[]) => lines.splice(20, 0, lines[20] ?? ""), 22],
      [(lines: string[]) => (lines[3] = "no JSON"), 4],
    ] as const) {
      const { status, err } = verify(changed(change))
      assert.equal(status, 1)
      assert.ok(err.includes(`changed.log: audit line ${line} does not follow the one before`), err)
    }
  })

  it("says so when the trail was cut off or written anew after the head was noted", () => {
    const { status, err } = verify(
      "--head",
      heads[1],
      changed((lines) => lines.splice(50)),
    )
    assert.equal(status, 1)
    assert.match(err, /no line has the head that was noted/)
  })

  it("takes a last line that a crash cut off for what it is", () => {
    const torn = changed(() => undefined)
    appendFileSync(torn, '{"seq":101,"ti')
    const { status, out } = verify(torn)
    assert.equal(status, 0)
    assert.match(out, /whole, 100 lines/)
    assert.match(out, /a last line that is cut off/)
  })

  it("refuses bytes that only read alike, files that are not there and heads that are none", () => {
    const bytes = Buffer.from(readFileSync(changed((lines) => (lines[0] = "\ufffd"))))
    const other = path.join(dir, "alike.log")
    writeFileSync(other, Buffer.concat([Buffer.from([0xff]), bytes.subarray(3)]))
    assert.match(verify(other).err, /alike\.log: a line is not UTF-8/)
    assert.match(verify(path.join(dir, "none.log")).err, /cannot read .*none\.log/)
    assert.match(verify("--head", "abc", file).err, /not 64 digits of hexadecimal/)
  })
})
