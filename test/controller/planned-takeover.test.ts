// A controller that takes over while maintenance lasts, or between the passes of a satellite, from the store on the disk: what
// is planned holds on, nothing is an alarm that was none before, and what is not back in time is one.

import assert from "node:assert/strict"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { linkAlarms, nodeAlarms } from "../../src/core/alarms.js"
import { openEmbeddedStore } from "../../src/store/embedded.js"
import { Bench } from "./fakes.js"

const MINUTE = 60_000

describe("a controller that takes over in the middle of what was planned", () => {
  const dir = mkdtempSync(path.join(tmpdir(), "keyloom-planned-"))
  after(() => {
    rmSync(dir, { recursive: true, force: true })
  })
  let folder = 0
  let open: string
  beforeEach(() => {
    folder += 1
    open = path.join(dir, String(folder))
  })

  const alarms = ({ controller }: Bench): string[] => {
    const { nodes, links } = controller.network()
    const found = [...nodes.values()].flatMap(nodeAlarms)
    return [...found, ...[...links.values()].flatMap(linkAlarms)].map(({ alarmId }) => alarmId)
  }

  /** A fibre is taken out, and a module with it. */
  const takeOut = async (bench: Bench): Promise<void> => {
    await bench.status("a-b", "OFF")
    for (const event of [
      { kind: "interface-new", qkdInterface: { qkdiId: 1 } },
      { kind: "interface-down", qkdiId: 1 },
    ] as const)
      await bench.submit({ kind: "node-event", qkdnId: "a", atMs: bench.now, event })
  }

  /** Over the same store, at the same time of the clock; its nodes are reached and say how their links are. */
  const takeOver = async (before: Bench): Promise<Bench> => {
    const next = await Bench.open(openEmbeddedStore(open))
    assert.equal(next.controller.term, before.controller.term + 1)
    next.now = before.now
    await next.submit({ kind: "wake" })
    for (const name of ["a", "b", "c"]) await next.connect(name)
    return next
  }

  it("keeps a window, is silent about what it takes out, and tells what is still down at its end", async () => {
    const first = await Bench.open(openEmbeddedStore(open))
    await first.chain()
    const planned = await first.submit({
      ...{ kind: "maintenance-planned", target: { qkdlId: "a-b" }, reason: "splice", by: "ops" },
      endMs: first.now + 10 * MINUTE,
    })
    assert.equal(planned.ok, true)
    await takeOut(first)
    assert.deepEqual(alarms(first), [])
    await first.pass(5 * MINUTE)

    const next = await takeOver(first)
    assert.deepEqual(
      [...next.controller.network().maintenance.values()].map(({ state }) => state),
      ["inProgress"],
    )
    await takeOut(next)
    assert.deepEqual(alarms(next), [])
    await next.pass(5 * MINUTE)
    assert.equal(next.controller.network().maintenance.size, 0)
    assert.deepEqual(alarms(next), ["interface-failed:a/1", "link-down:a-b"])
    await next.controller.stop()
    await Promise.all([first.store.close(), next.store.close()])
  })

  it("keeps the passes of a satellite, and tells of the link that is not up in its pass", async () => {
    const first = await Bench.open(openEmbeddedStore(open))
    await first.chain()
    const at = (minutes: number): string => new Date(first.now + minutes * MINUTE).toISOString()
    const profile = [
      { at: at(20), skrBps: 1000 },
      { at: at(30), skrBps: 0 },
    ]
    await first.submit({
      ...{ kind: "rate-profile-set", qkdlId: "a-b" },
      profile: { profile, repeatS: 3600 },
    })
    await first.status("a-b", "OFF")
    assert.deepEqual(alarms(first), [])

    const next = await takeOver(first)
    await next.status("a-b", "OFF")
    assert.deepEqual(alarms(next), [])
    await next.pass(20 * MINUTE)
    assert.deepEqual(alarms(next), [])
    await next.pass(MINUTE)
    assert.deepEqual(alarms(next), ["link-down:a-b"])
    await next.controller.stop()
    await Promise.all([first.store.close(), next.store.close()])
  })
})
