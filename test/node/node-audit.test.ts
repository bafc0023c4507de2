// The audit trail: durable, chained, honest after a crash.

import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { QkdError } from "../../src/errors.js"
import { isQkdError } from "../errors-helper.js"
import { AuditTrail } from "../../src/node/audit.js"
import { verifyAuditTrail } from "../../src/node/audit-check.js"

describe("the audit trail", () => {
  let dir = ""
  let file = ""
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-audit-"))
    file = path.join(dir, "audit.log")
  })
  afterEach(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  async function write(count: number): Promise<string> {
    const trail = await AuditTrail.open(file, () => 0)
    await Promise.all(
      Array.from({ length: count }, (_, i) =>
        trail.append({ method: "enc_keys", keyIds: [`k${i}`] }),
      ),
    )
    const { head } = trail
    await trail.close()
    return head
  }

  it("holds every record in order when append has resolved, and goes on after a restart", async () => {
    await write(50)
    const head = await write(3)
    const text = readFileSync(file, "utf8")
    assert.deepEqual(verifyAuditTrail(text), { head, lines: 53 })
    assert.match(text.split("\n")[52] ?? "", /"keyIds":\["k2"\]/)
  })

  for (const [disk, slowFlushMs] of [
    ["fast", Infinity],
    ["slow", 0],
  ] as const) {
    it(`holds what is appended at once, and one after the other, on a ${disk} disk`, async () => {
      const trail = await AuditTrail.open(file, () => 0, slowFlushMs)
      const appended = async (id: string): Promise<void> => {
        for (let i = 0; i < 5; i++) {
          await trail.append({ method: "enc_keys", keyIds: [`${id}-${i}`] })
          assert.ok(readFileSync(file, "utf8").includes(`"${id}-${i}"`))
        }
      }
      await appended("alone")
      await Promise.all(Array.from({ length: 20 }, (_, i) => appended(`k${i}`)))
      const { head } = trail
      await trail.close()
      assert.deepEqual(verifyAuditTrail(readFileSync(file, "utf8")), { head, lines: 105 })
    })
  }

  it("is closed only when all that was appended is durable", async () => {
    for (const slowFlushMs of [Infinity, 0]) {
      rmSync(file, { force: true })
      const trail = await AuditTrail.open(file, () => 0, slowFlushMs)
      await trail.append({ keyIds: ["first"] })
      const written = trail.append({ keyIds: ["second"] })
      // While the second is being written, on a slow disk.
      await new Promise((resolve) => setImmediate(resolve))
      const last = trail.append({ keyIds: ["third"] })
      await trail.close()
      await Promise.all([written, last])
      assert.equal(verifyAuditTrail(readFileSync(file, "utf8")).lines, 3)
      await assert.rejects(trail.append({ keyIds: ["late"] }), { appTag: "closed" })
    }
  })

  it("flushes once what comes in one turn of the event loop, from however many callers", async () => {
    const trail = await AuditTrail.open(file, () => 0)
    const appended: Promise<void>[] = []
    const append = (id: string): Promise<string> =>
      new Promise((resolve) => {
        setImmediate(() => {
          resolve(readFileSync(file, "utf8"))
          appended.push(trail.append({ method: "enc_keys", keyIds: [id] }))
        })
      })
    // Callbacks of one turn; what the first has waiting runs before the second is called.
    const before = await Promise.all([append("one"), append("two")])
    assert.deepEqual(before, ["", ""])
    await Promise.all(appended)
    assert.equal(verifyAuditTrail(readFileSync(file, "utf8")).lines, 2)
    await trail.close()
  })

  it("shows an edited, a removed and an added line", async () => {
    await write(5)
    const lines = readFileSync(file, "utf8").split("\n")
    const broken = (changed: readonly string[]): RegExp | undefined => {
      try {
        verifyAuditTrail(changed.join("\n"))
        return undefined
      } catch (error) {
        assert.ok(error instanceof QkdError)
        return new RegExp(error.message)
      }
    }
    assert.equal(broken(lines), undefined)
    assert.match(
      "audit line 4 does not follow the one before",
      broken(lines.map((l) => l.replace("k2", "kX"))) ?? /-/,
    )
    assert.ok(broken(lines.toSpliced(2, 1)))
    assert.ok(broken(lines.toSpliced(2, 0, lines[1] ?? "")))
  })

  it("takes away a line that a crash cut off, and nothing else", async () => {
    await write(4)
    const whole = readFileSync(file, "utf8")
    appendFileSync(file, '{"seq":5,"time":"19')
    await write(1)
    const text = readFileSync(file, "utf8")
    assert.ok(text.startsWith(whole))
    assert.equal(verifyAuditTrail(text).lines, 5)
  })

  it("is not begun over something else", async () => {
    writeFileSync(file, "hello\n")
    await assert.rejects(
      AuditTrail.open(file, () => 0),
      QkdError,
    )
    assert.equal(readFileSync(file, "utf8"), "hello\n")
  })

  it("still tells of the keys that were on their way when the disk became full, and admits no more until there is room", async function () {
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", dir], { stdio: "pipe" })
    } catch {
      console.log("      skipped: a small disk cannot be mounted here")
      this.skip()
    }
    try {
      const trail = await AuditTrail.open(file, () => 0)
      const filler = path.join(dir, "filler")
      fillUp(filler)
      trail.admit()
      // Some of these fit into the last page of the file; far more than that are on their way.
      const records = Array.from({ length: 200 }, (_, i) => ({
        method: "dec_keys",
        keyIds: [`k${i}`],
      }))
      await Promise.all(records.map((record) => trail.append(record)))
      assert.equal(verifyAuditTrail(readFileSync(file, "utf8")).lines, 200)
      fillUp(filler)
      assert.throws(() => {
        trail.admit()
      }, isQkdError("resource-denied"))
      rmSync(filler)
      trail.admit()
      await trail.append({ method: "enc_keys", keyIds: ["after"] })
      assert.equal(verifyAuditTrail(readFileSync(file, "utf8")).lines, 201)
      await trail.close()
    } finally {
      execFileSync("umount", [dir])
    }
  })
})

/** Every byte that the disk has left. */
function fillUp(file: string): void {
  const chunk = Buffer.alloc(4096)
  const into = openSync(file, "a")
  try {
    for (;;) writeSync(into, chunk)
  } catch {
    // Full.
  } finally {
    closeSync(into)
  }
}
