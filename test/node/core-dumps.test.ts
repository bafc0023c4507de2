// A core dump of a node holds no key (THREATS D3): a real process aborts, and its dump is searched.

import assert from "node:assert/strict"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

const child = fileURLToPath(new URL("./core-dumps-child.ts", import.meta.url))
const tsx = pathToFileURL(fileURLToPath(import.meta.resolve("tsx"))).href
const CANARY = Buffer.concat([
  Buffer.from("canary-of-a-core").reverse(),
  Buffer.from("canary-of-a-core"),
])

describe("the core dump of a process that has a key in memory", function () {
  this.timeout(180_000)
  let dir: string
  before(function () {
    const pattern =
      process.platform === "linux" ? readFileSync("/proc/sys/kernel/core_pattern", "utf8") : "|"
    if (/[|/]/.test(pattern)) {
      console.log("      dumps of this machine go elsewhere than to the process's folder: skipped")
      this.skip()
    }
    dir = mkdtempSync(path.join(tmpdir(), "keyloom-core-"))
  })
  after(() => {
    if (dir) rmSync(dir, { recursive: true, force: true })
  })

  /** Whether the dump holds the key; undefined when there is none. */
  function dumped(how: "guarded" | "bare"): boolean | undefined {
    const line = `ulimit -c unlimited; exec ${process.execPath} --import ${tsx} ${child} ${how}`
    const { status } = spawnSync("bash", ["-c", line], { cwd: dir, stdio: "ignore" })
    assert.notEqual(status, 3, "the filter could not be set")
    const [core] = readdirSync(dir).filter((name) => name.startsWith("core"))
    if (core === undefined) return undefined
    const file = path.join(dir, core)
    // A dump is sparse and may be larger than a buffer: grep reads it piece by piece.
    const { status: found } = spawnSync("grep", ["-aqF", CANARY.toString("latin1"), file])
    execFileSync("rm", ["-f", file])
    return found === 0
  }

  it("would hold it if nothing were done: the control", function () {
    const found = dumped("bare")
    if (found === undefined) {
      console.log("      skipped: no core file is written into the working folder here")
      this.skip()
    }
    assert.equal(found, true)
  })

  it("D3: does not hold it once memory is left out", function () {
    const found = dumped("guarded")
    // No dump at all is as good.
    assert.notEqual(found, true)
  })
})
