// `keyloom reoptimise`, as typed, on a real deciding loop behind REST.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { moveWorker } from "../../src/cli/controller-reoptimise.js"
import { WorkerPlanner } from "../../src/controller/worker-planner.js"
import type { RunningHttp } from "../../src/north/http.js"
import type { Bench } from "../controller/fakes.js"
import { linksOf, mended } from "../controller/square.js"
import { OBSERVER, OPERATOR } from "./harness.js"
import { serveReoptimising } from "./reoptimising.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

describe("keyloom reoptimise", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-move-"))
  const planner = new WorkerPlanner(moveWorker())
  let bench: Bench
  let byB: string
  let waits: string
  let http: RunningHttp

  before(async () => {
    ;({ bench, byB, waits } = await mended())
    http = await serveReoptimising(bench, planner)
    writeFileSync(path.join(dir, "operator"), OPERATOR)
    writeFileSync(path.join(dir, "observer"), OBSERVER)
  })
  after(async () => {
    await http.close()
    await bench.controller.stop()
    await planner.close()
    rmSync(dir, { recursive: true })
  })

  interface Ended {
    readonly status: unknown
    readonly stdout: string
    readonly stderr: string
  }
  const typed = (token: string, ...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const where = ["--controller", http.url, "--token-file", path.join(dir, token)]
      execFile(
        process.execPath,
        ["bin/keyloom.js", "reoptimise", ...where, ...args],
        { cwd: root },
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : error.code, stdout, stderr })
        },
      )
    })

  it("shows an observer what would be moved, in words and as JSON, and moves nothing", async () => {
    const shown = await typed("observer", "--dry-run")
    assert.deepEqual([shown.status, shown.stderr], [0, ""])
    assert.equal(
      shown.stdout,
      `1 move, 1 service comes in
carried: 1100 bit/s now, 1600 then, at most 1600 whatever moved
key rate of links in use: 1700 bit/s now, 2200 then
  group  service        bit/s  leaves    takes     worth                              nodes told
      1  sae-a - sae-c    600  a-b, b-c  a-d, c-d  lets lab-a - lab-b in, 500 bit/s            4
      1  lab-a - lab-b    500  waits     a-b       there is room for it after 1 move           2
nothing was moved: this was a dry run
`,
    )
    const { stdout } = await typed("observer", "--dry-run", "--json")
    const { moves } = JSON.parse(stdout) as { moves: { serviceId: string }[] }
    assert.deepEqual(
      moves.map(({ serviceId }) => serviceId),
      [byB, waits],
    )
    assert.deepEqual([linksOf(bench, byB), linksOf(bench, waits)], [["a-b", "b-c"], undefined])
  })

  it("says who refused what, and where it cannot ask", async () => {
    const observer = await typed("observer")
    assert.equal(observer.status, 1)
    assert.match(observer.stderr, /^keyloom: http:\/\/127.* answers 403 to .*reoptimisation: .*\n$/)
    const nobody = await typed("missing")
    assert.equal(nobody.status, 2)
    assert.match(nobody.stderr, /--token-file .*missing: cannot be read/)
    assert.match((await typed("operator", "--wait", "soon")).stderr, /not a number of seconds/)
  })

  it("moves, waits for the end and says that it is done; then there is nothing left", async () => {
    const done = await typed("operator")
    assert.deepEqual([done.status, done.stderr], [0, ""])
    assert.match(done.stdout, /all of it is done\n$/)
    assert.deepEqual([linksOf(bench, byB), linksOf(bench, waits)], [["a-d", "c-d"], ["a-b"]])
    assert.match(
      (await typed("operator")).stdout,
      /^0 moves, 0 services come in\n.*nothing to move\n$/s,
    )
  })
})
