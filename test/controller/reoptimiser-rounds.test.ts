// When a running network is re-optimised: on its beat, once it is quiet, never two at a time. The thread runs the program
// as it is built.

import assert from "node:assert/strict"
import { setTimeout as pause } from "node:timers/promises"
import { moveWorker } from "../../src/cli/controller-reoptimise.js"
import { type MovePlanner, Reoptimiser } from "../../src/controller/reoptimiser.js"
import { type Beat, ReoptimiserRounds } from "../../src/controller/reoptimiser-rounds.js"
import { WorkerPlanner } from "../../src/controller/worker-planner.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { REOPTIMISE_TERMS, type ReoptimiseTerms } from "../../src/engine/reoptimise.js"
import { QkdError } from "../../src/errors.js"
import type { Bench } from "./fakes.js"
import { linksOf, mended } from "./square.js"

const HOUR_MS = 3_600_000
const HOLD_OFF_MS = 300_000

/** Passes questions on, and counts them. */
class CountingPlanner implements MovePlanner {
  asked = 0
  answered = 0

  constructor(private readonly inner: MovePlanner) {}

  async plan(...[question]: Parameters<MovePlanner["plan"]>): ReturnType<MovePlanner["plan"]> {
    this.asked += 1
    try {
      return await this.inner.plan(question)
    } finally {
      this.answered += 1
    }
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}

describe("the rounds of re-optimisation", () => {
  let built: MovePlanner
  let planner: CountingPlanner
  const open: { stop(): unknown }[] = []
  before(() => {
    built = new WorkerPlanner(moveWorker())
  })
  beforeEach(() => {
    planner = new CountingPlanner(built)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.stop()))
  })
  after(() => built.close())

  interface Told {
    readonly rounds: ReoptimiserRounds
    readonly log: { message: string; facts: Readonly<Record<string, string | number>> }[]
  }

  function roundsOf(bench: Bench, beat?: Beat, terms: ReoptimiseTerms = REOPTIMISE_TERMS): Told {
    const log: Told["log"] = []
    const rounds = new ReoptimiserRounds({
      reoptimiser: new Reoptimiser(bench.controller, planner, DEFAULT_SETTINGS, terms),
      controller: bench.controller,
      now: () => bench.now,
      schedule: (delayMs, run) => bench.schedule(delayMs, run),
      ...(beat && { beat }),
      log: (_level, message, facts) => log.push({ message, facts }),
    })
    rounds.start()
    open.push(rounds, bench.controller)
    return { rounds, log }
  }

  async function until(holds: () => boolean): Promise<void> {
    const endMs = Date.now() + 60_000
    while (!holds()) {
      assert(Date.now() < endMs, "it did not come to that")
      await pause(5)
    }
  }

  it("put a network right after a link is mended, on the beat, old path beside new", async () => {
    const { bench, byB, waits } = await mended()
    const { log } = roundsOf(bench, { periodMs: HOUR_MS, holdOffMs: HOLD_OFF_MS })
    await bench.pass(HOUR_MS - 1)
    assert.equal(planner.asked, 0)
    const told = bench.notices.length
    await bench.pass(1)
    await until(() => log.length === 1)
    assert.deepEqual(log, [
      {
        message: "services re-optimised",
        facts: { steps: 2, done: 2, carriedBps: 1600, carriedBeforeBps: 1100 },
      },
    ])
    assert.deepEqual([linksOf(bench, byB), linksOf(bench, waits)], [["a-d", "c-d"], ["a-b"]])
    const types = bench.notices.slice(told).map(({ type }) => type)
    assert(types.includes("service.moving"))
    assert(!types.includes("service.degraded") && !types.includes("service.failed"))
    await bench.pass(HOUR_MS)
    await until(() => planner.answered === 2)
    await bench.settle()
    assert.equal(log.length, 1, "nothing is left to move, and nothing is said")
  })

  it("wait until the network has been quiet, and keep to the beat afterwards", async () => {
    const { bench } = await mended()
    roundsOf(bench, { periodMs: HOUR_MS, holdOffMs: HOLD_OFF_MS })
    await bench.pass(HOUR_MS - 1000)
    await bench.status("c-d", "OFF")
    await bench.pass(1000)
    assert.equal(planner.asked, 0, "a link was cut a second ago")
    await bench.pass(HOLD_OFF_MS - 2000)
    await bench.status("c-d", "ACTIVE")
    // New paths avoid it for a moment; that this is over is a change too.
    await bench.pass(5000)
    await bench.pass(HOLD_OFF_MS - 1000)
    assert.equal(planner.asked, 0, "it was mended since")
    await bench.pass(1000)
    await until(() => planner.answered === 1)
    await bench.settle()
    const sinceBeatMs = 1000 + HOLD_OFF_MS - 2000 + 5000 + HOLD_OFF_MS - 1000 + 1000
    await bench.pass(HOUR_MS - sinceBeatMs)
    assert.equal(planner.asked, 1)
    await bench.pass(1000)
    await until(() => planner.answered === 2)
  })

  it("move no more services than they may, nor for less than it is worth", async () => {
    const { bench, byB } = await mended()
    const dear = roundsOf(bench, undefined, { maxMoves: 20, moveCost: 100 })
    assert.deepEqual((await dear.rounds.dryRun()).steps, [])
    const none = roundsOf(bench, undefined, { maxMoves: 0, moveCost: 0.25 })
    const { plan, done } = await none.rounds.carryOut()
    assert.deepEqual([plan.steps, await done], [[], { moved: 0 }])
    assert.deepEqual(linksOf(bench, byB), ["a-b", "b-c"])
  })

  it("are never two at a time; those who only look get one plan", async () => {
    const { bench } = await mended()
    const { rounds } = roundsOf(bench)
    const first = rounds.carryOut()
    await assert.rejects(
      rounds.carryOut(),
      (error) => error instanceof QkdError && error.tag === "in-use",
    )
    const { done } = await first
    assert.deepEqual(await done, { moved: 2 })
    planner.asked = 0
    const shown = await Promise.all([rounds.dryRun(), rounds.dryRun(), rounds.dryRun()])
    assert.deepEqual([planner.asked, new Set(shown).size], [1, 1])
    const again = await rounds.carryOut()
    assert.deepEqual(await again.done, { moved: 0 }, "the first is over, and so another may begin")
  })

  it("begin nothing without being configured, nor when they have been stopped", async () => {
    const { bench } = await mended()
    roundsOf(bench)
    const { rounds } = roundsOf(bench, { periodMs: HOUR_MS, holdOffMs: 0 })
    rounds.stop()
    await bench.pass(10 * HOUR_MS)
    assert.equal(planner.asked, 0)
  })

  it("end at a refusal without a word lost: a lock that somebody holds", async () => {
    const { bench, byB } = await mended()
    const locked = new QkdError("in-use", "running is locked")
    const side = {
      network: () => bench.controller.network(),
      onNotice: bench.controller.onNotice.bind(bench.controller),
      reservedBps: (id: string) => bench.controller.reservedBps(id),
      backupBps: (id: string) => bench.controller.backupBps(id),
      moveChoices: (id: string) => bench.controller.moveChoices(id),
      submit: () => Promise.reject(locked),
    }
    const reoptimiser = new Reoptimiser(side, planner, DEFAULT_SETTINGS, REOPTIMISE_TERMS)
    const done = await reoptimiser.carryOut(await reoptimiser.dryRun())
    assert.deepEqual(done, { moved: 0, ended: "sae-a - sae-c: running is locked" })
    assert.deepEqual(linksOf(bench, byB), ["a-b", "b-c"])
    await bench.controller.stop()
  })

  it("take no rate that is kept for backups, and move nobody with one for nothing", async () => {
    const { bench, byB } = await mended()
    const reply = await bench.submit({
      kind: "service-ordered",
      aSaeId: "lab-c",
      bSaeId: "lab-d",
      terms: { minRateBps: 200, priority: 0, avoidNodes: [], protection: "restore" },
    })
    assert(reply.ok)
    await bench.pass(1000)
    const kept = [...bench.controller.network().links.keys()].filter(
      (id) => bench.controller.backupBps(id) > 0,
    )
    assert.notDeepEqual(kept, [], "it has a backup")
    const { plan, done } = await roundsOf(bench).rounds.carryOut()
    assert(plan.steps.every(({ serviceId }) => serviceId !== reply.id))
    assert.equal((await done).ended, undefined, "the core refused nothing of what was planned")
    for (const qkdlId of kept) {
      const { controller } = bench
      assert(controller.reservedBps(qkdlId) + controller.backupBps(qkdlId) <= 900, qkdlId)
    }
    assert.notEqual(linksOf(bench, byB), undefined)
  })
})
