// Re-optimisation of a running controller: planned on another thread, shown before it is done, carried out move by move.

import assert from "node:assert/strict"
import { setImmediate as turn } from "node:timers/promises"
import {
  type MovePlanner,
  type Reoptimisation,
  Reoptimiser,
} from "../../src/controller/reoptimiser.js"
import { reoptimisationText } from "../../src/controller/reoptimiser-text.js"
import { WorkerPlanner } from "../../src/controller/worker-planner.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { REOPTIMISE_TERMS } from "../../src/engine/reoptimise.js"
import { QkdError } from "../../src/errors.js"
import type { Bench } from "./fakes.js"
import { crowded, linksOf, square } from "./square.js"

const PROGRAM = new URL("./move-worker.cjs", import.meta.url)

describe("re-optimisation of a running network", () => {
  let planner: MovePlanner
  before(() => {
    planner = new WorkerPlanner(PROGRAM)
  })
  after(() => planner.close())

  const reoptimiserOf = (bench: Bench, by = planner): Reoptimiser =>
    new Reoptimiser(bench.controller, by, DEFAULT_SETTINGS, REOPTIMISE_TERMS)

  it("shows what would be gained and changes nothing; then moves, old path beside new", async () => {
    const { bench, round, waits } = await crowded()
    assert.equal(linksOf(bench, waits), undefined)
    const reoptimiser = reoptimiserOf(bench)
    const plan = await reoptimiser.dryRun()
    assert.deepEqual(reoptimisationText(plan), [
      "1 move, 1 service comes in",
      "carried: 1500 bit/s now, 2000 then, at most 2000 whatever moved",
      "key rate of links in use: 2000 bit/s now, 2000 then",
      "1. lab-a - lab-b, 500 bit/s, moves from a-d, b-d to a-b: lets sae-b - sae-d in, 500 bit/s; 3 nodes told",
      "1. sae-b - sae-d, 500 bit/s, comes in over b-d: there is room for it after 1 move; 2 nodes told",
    ])
    assert.deepEqual(linksOf(bench, round), ["a-d", "b-d"])
    const told = bench.notices.length
    assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
    assert.deepEqual([linksOf(bench, round), linksOf(bench, waits)], [["a-b"], ["b-d"]])
    const types = bench.notices.slice(told).map(({ type }) => type)
    assert(
      types.indexOf("service.moving") < types.indexOf("service.moved") ||
        !types.includes("service.moved"),
    )
    assert(!types.includes("service.degraded") && !types.includes("service.failed"))
    await bench.controller.stop()
  })

  it("ends at the first step that no longer fits, and says why", async () => {
    const { bench, round } = await crowded()
    const reoptimiser = reoptimiserOf(bench)
    const plan = await reoptimiser.dryRun()
    await bench.status("a-b", "OFF")
    await bench.settle()
    const done = await reoptimiser.carryOut(plan)
    assert.equal(done.moved, 0)
    assert.match(done.ended ?? "", /^lab-a - lab-b: /)
    assert.deepEqual(linksOf(bench, round), ["a-d", "b-d"])
    await bench.controller.stop()
  })

  it("lets the loop decide while the thread plans", async () => {
    const { bench } = await crowded()
    const thread = new WorkerPlanner(PROGRAM)
    const state = { planned: false }
    const planned: Promise<Reoptimisation> = reoptimiserOf(bench, thread)
      .dryRun()
      .finally(() => {
        state.planned = true
      })
    let decided = 0
    while (!state.planned) {
      await bench.submit({ kind: "wake" })
      decided += 1
      await turn()
    }
    assert(decided > 10, `only ${decided} decisions while a thread was started and planned`)
    assert.equal((await planned).steps.length, 2)
    await thread.close()
    await bench.controller.stop()
  })

  it("tells of a thread that dies, and starts another for the next question", async () => {
    const bench = await square()
    const dying = new WorkerPlanner(new URL("data:text/javascript,process.exit(3)"))
    const asked = reoptimiserOf(bench, dying)
    for (let again = 0; again < 2; again += 1)
      await assert.rejects(
        asked.dryRun(),
        (error) => error instanceof QkdError && error.message.includes("exit code 3"),
      )
    await dying.close()
    await assert.rejects(asked.dryRun(), /is closed/)
    await bench.controller.stop()
  })
})
