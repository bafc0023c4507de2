// `keyloom maintenance`, as typed, on a real deciding loop behind REST.

import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, startHttp } from "../../src/north/http.js"
import { OrderGate } from "../../src/north/order-gate.js"
import { Bench } from "../controller/fakes.js"
import { NOON } from "../core/lab.js"
import { OPERATOR } from "./harness.js"

const root = fileURLToPath(new URL("../..", import.meta.url))

interface Ended {
  readonly status: unknown
  readonly stdout: string
  readonly stderr: string
}

describe("keyloom maintenance", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-maintenance-"))
  let bench: Bench
  let http: RunningHttp

  before(async () => {
    bench = await Bench.open()
    await bench.chain()
    http = await startHttp({
      host: "127.0.0.1",
      port: 0,
      controller: new OrderGate(bench.controller, (work) => work()),
      access: new Access([{ name: "ops", role: "operator", sha256: hashToken(OPERATOR) }]),
      now: () => bench.now,
    })
    writeFileSync(path.join(dir, "operator"), OPERATOR)
  })
  after(async () => {
    await http.close()
    await bench.controller.stop()
    rmSync(dir, { recursive: true })
  })

  const typed = (verb: string, ...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const where = ["--controller", http.url, "--token-file", path.join(dir, "operator")]
      execFile(
        process.execPath,
        ["bin/keyloom.js", "maintenance", verb, ...where, ...args],
        { cwd: root },
        (error, stdout, stderr) => {
          resolve({ status: error === null ? 0 : error.code, stdout, stderr })
        },
      )
    })

  it("plans a node out, lists it and calls it off", async () => {
    const begin = new Date(NOON + 3_600_000).toISOString()
    const end = new Date(NOON + 7_200_000).toISOString()
    assert.equal((await typed("list")).stdout, "none is planned\n")
    const times = ["--begin", begin, "--end", end]
    const planned = await typed("plan", "--node", "b", ...times, "--reason", "power", "--json")
    assert.deepEqual([planned.status, planned.stderr], [0, ""])
    const { maintenanceId, by } = JSON.parse(planned.stdout) as Record<string, string>
    assert.equal(by, "ops")
    const listed = await typed("list")
    assert.deepEqual(listed.stdout.split("\n")[1]?.trim().split(/ {2,}/), [
      maintenanceId,
      "node b",
      begin,
      end,
      "planned",
      "0",
      "ops",
      "power",
    ])
    const cancelled = await typed("cancel", maintenanceId ?? "")
    assert.deepEqual([cancelled.status, cancelled.stdout, cancelled.stderr], [0, "", ""])
    assert.deepEqual((await typed("list", "--json")).stdout, "[]\n")
  })

  it("makes a window longer, and leaves what is not said", async () => {
    const end = new Date(NOON + 3_600_000).toISOString()
    const later = new Date(NOON + 7_200_000).toISOString()
    const planned = await typed("plan", "--node", "b", "--end", end, "--reason", "power", "--json")
    const window = JSON.parse(planned.stdout) as Record<string, string>
    const id = window["maintenanceId"] ?? assert.fail()
    const changed = await typed("change", id, "--end", later, "--json")
    assert.deepEqual([changed.status, changed.stderr], [0, ""])
    assert.deepEqual(JSON.parse(changed.stdout), { ...window, end: later })
    const refused = await typed("change", id, "--begin", later)
    assert.match(refused.stderr, /answers 400 .*: it ends after it begins/)
    assert.equal((await typed("cancel", id)).status, 0)
  })

  it("calls what goes out by its name", async () => {
    const ends = { a: { qkdnId: "a", qkdiId: 1 }, b: { qkdnId: "b", qkdiId: 1 } }
    const link = { qkdlId: "a-b", ...ends, skrBps: 1000, name: "east span" }
    const reply = await bench.submit({ kind: "link-changed", link })
    assert.equal(reply.ok, true)
    const end = new Date(NOON + 7_200_000).toISOString()
    const planned = await typed("plan", "--link", "east span", "--end", end, "--reason", "splice")
    const [id = "", target] = planned.stdout.split("\n")[1]?.trim().split(/ {2,}/) ?? []
    assert.equal(target, "link east span")
    assert.equal((await typed("cancel", id)).status, 0)
  })

  it("says in the controller's words what cannot be", async () => {
    const end = new Date(NOON + 7_200_000).toISOString()
    const unknown = await typed("plan", "--link", "a-x", "--end", end, "--reason", "splice")
    assert.notEqual(unknown.status, 0)
    assert.match(unknown.stderr, /answers 400 to \/api\/v1\/maintenance: no link a-x/)
    const gone = await typed("cancel", "m-7")
    assert.match(gone.stderr, /answers 404 .*: no maintenance m-7/)
  })
})
