// A controller that was asleep while another one took its place (THREATS C3): two processes, one store on the disk.

import assert from "node:assert/strict"
import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { QkdError } from "../../src/errors.js"
import { openEmbeddedStore } from "../../src/store/embedded.js"
import { nodeEntry } from "../core/lab.js"
import { Bench } from "./fakes.js"

const WRITER = fileURLToPath(new URL("../store/writer.ts", import.meta.url))

/** Another process becomes the leader and decides something; it is killed afterwards, and its word stands. */
async function takeOver(dir: string): Promise<number> {
  const child = fork(WRITER, [dir], {
    execArgv: ["--import", "tsx"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  })
  return new Promise((resolve, reject) => {
    let last = 0
    child.once("error", reject)
    child.on("message", (revision: number) => {
      last = revision
      child.kill("SIGKILL")
    })
    child.once("exit", () => {
      resolve(last)
    })
  })
}

describe("a controller in whose place another one has come", function () {
  this.timeout(180_000)
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-leaders-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })

  it("C3: tells nodes nothing more and writes nothing over what the other one decided", async () => {
    const store = openEmbeddedStore(dir)
    const stale = await Bench.open(store)
    await stale.chain()
    await stale.request("a", "c")
    await stale.settle()
    const told = stale.south.synced.length
    assert.ok(told > 0, "it led")
    const revision = await takeOver(dir)
    assert.ok(revision > 0)

    // All that it may hear when it wakes up: a request, a node that comes back, a change of its operator.
    const events = [
      stale.submit({ kind: "node-added", node: nodeEntry("d") }),
      stale.request("a", "b"),
      stale.connect("b"),
      stale.status("a-b", "OFF"),
    ]
    const outcomes = await Promise.allSettled(events)
    for (const outcome of outcomes)
      assert.ok(
        outcome.status === "rejected" &&
          outcome.reason instanceof QkdError &&
          outcome.reason.tag === "in-use",
        JSON.stringify(outcome),
      )
    assert.equal((await stale.controller.stopped)?.tag, "in-use")
    await stale.pass(3_600_000)
    assert.equal(stale.south.synced.length, told)
    assert.equal(stale.south.managed.has("d"), false)

    // What the other one wrote is there whole, beside what the first one had decided while it led.
    const after = openEmbeddedStore(dir)
    const { revision: found, changes } = await after.load()
    await after.close()
    assert.ok(found >= revision)
    const ids = changes.flatMap((change) => (change.kind === "service" ? [change.id] : []))
    for (const id of ["a", "b", "c"]) assert.ok(ids.includes(id))
    assert.ok(changes.every((change) => change.kind !== "node" || change.id !== "d"))
    await store.close()
  })

  it("C3: decides nothing more as soon as another one has taken office, before that one has written", async () => {
    const store = openEmbeddedStore(dir)
    const stale = await Bench.open(store)
    const other = openEmbeddedStore(dir)
    const next = await Bench.open(other)
    assert.equal(next.controller.term, stale.controller.term + 1)
    const told = stale.south.synced.length
    await assert.rejects(
      stale.submit({ kind: "node-added", node: nodeEntry("e") }),
      (error: unknown) => error instanceof QkdError && error.tag === "in-use",
    )
    assert.equal((await stale.controller.stopped)?.tag, "in-use")
    assert.equal(stale.south.synced.length, told)
    assert.equal((await next.submit({ kind: "node-added", node: nodeEntry("e") })).ok, true)
    await next.controller.stop()
    await Promise.all([store.close(), other.close()])
  })
})
