// Services whose terms say more than a rate are moved too, to where their terms are kept and they are as safe as before.

import assert from "node:assert/strict"
import {
  type MovePlanner,
  type Reoptimisation,
  Reoptimiser,
} from "../../src/controller/reoptimiser.js"
import { reoptimisationText } from "../../src/controller/reoptimiser-text.js"
import { WorkerPlanner } from "../../src/controller/worker-planner.js"
import { standingPaths } from "../../src/core/lanes.js"
import { DEFAULT_SETTINGS } from "../../src/core/settings.js"
import { REOPTIMISE_TERMS } from "../../src/engine/reoptimise.js"
import type { Service, ServiceTerms } from "../../src/model/service.js"
import type { Bench } from "./fakes.js"
import { linksOf, network, order } from "./square.js"

const PROGRAM = new URL("./move-worker.cjs", import.meta.url)

/** Three ways from a to d, over b, over c and over e and f; 900 bit/s may be promised on each link. */
const WAYS = ["a-b", "b-d", "a-c", "c-d", "a-e", "e-f", "d-f"]

describe("re-optimisation of services with terms of their own", () => {
  let planner: MovePlanner
  let bench: Bench
  let reoptimiser: Reoptimiser
  let stop = (): Promise<void> => Promise.resolve()
  before(() => {
    planner = new WorkerPlanner(PROGRAM)
  })
  after(() => planner.close())
  const use = async (other: Bench): Promise<void> => {
    await stop()
    bench = other
    stop = () => other.controller.stop()
    reoptimiser = new Reoptimiser(bench.controller, planner, DEFAULT_SETTINGS, REOPTIMISE_TERMS)
  }
  beforeEach(async () => use(await network(WAYS)))
  afterEach(() => stop())

  const service = (id: string): Service =>
    bench.controller.network().services.get(id) ?? assert.fail(`no ${id}`)
  const pathsOf = (id: string): string[] =>
    standingPaths(service(id))
      .map(({ hops }) => hops.map(({ qkdlId }) => qkdlId).join(" "))
      .sort()
  const place = (id: string, ...ways: string[]): Promise<unknown> => {
    const [qkdlIds = [], ...beside] = ways.map((way) => way.split(" "))
    return bench
      .submit({
        kind: "path-deployed",
        serviceId: id,
        qkdlIds,
        ...(beside.length > 0 && { besideQkdlIds: beside }),
      })
      .then(async (reply) => {
        assert.equal(reply.ok, true, JSON.stringify(reply))
        await bench.settle()
        assert.deepEqual(pathsOf(id), [...ways].sort())
      })
  }
  /** One from a to d stands on the links that another, from a to b, waits for. */
  const blocked = async (
    terms: Partial<ServiceTerms>,
    ...ways: string[]
  ): Promise<{ id: string; waits: string; plan: Reoptimisation }> => {
    const id = await order(bench, "sae-a", "sae-d", 500, terms)
    await place(id, ...ways)
    const waits = await order(bench, "lab-a", "lab-b", 500, { maxHops: 1 })
    assert.equal(linksOf(bench, waits), undefined)
    return { id, waits, plan: await reoptimiser.dryRun() }
  }

  it("keeps nodes and links that are avoided, bounds on hops, and nodes to pass", async () => {
    for (const [terms, way] of [
      [{ avoidNodes: ["c"] }, "a-e e-f d-f"],
      [{ avoidLinks: ["c-d"] }, "a-e e-f d-f"],
      [{ maxHops: 2 }, "a-c c-d"],
    ] as const) {
      const { id, waits, plan } = await blocked(terms, "a-b b-d")
      assert.deepEqual(
        plan.steps.map(({ serviceId, to }) => [serviceId, to]),
        [
          [id, [way.split(" ")]],
          [waits, [["a-b"]]],
        ],
      )
      assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
      assert.deepEqual([pathsOf(id), linksOf(bench, waits)], [[way], ["a-b"]])
      for (const one of [id, waits])
        await bench.submit({ kind: "service-cancelled", serviceId: one })
      await bench.settle()
    }
    const { plan } = await blocked({ requireNodes: ["b"] }, "a-b b-d")
    assert.deepEqual([plan.steps, plan.leftAlone], [[], 0], "it must pass b")
  })

  it("keeps a bound on the failure probability of all links together", async () => {
    await use(await network(WAYS, (qkdlId) => ({ epsilon: qkdlId === "a-c" ? 5e-10 : 1e-10 })))
    const { id, plan } = await blocked({ maxEpsilon: 4e-10 }, "a-b b-d")
    assert.deepEqual(plan.steps[0]?.to, [["a-e", "e-f", "d-f"]], "over c it is 6e-10")
    assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
    assert.deepEqual(pathsOf(id), ["a-e e-f d-f"])
  })

  it("moves two paths together or one of them, never onto each other", async () => {
    for (const terms of [{ protection: "1+1" }, { trustTolerance: 1 }] as const) {
      const { id, waits, plan } = await blocked(terms, "a-b b-d", "a-c c-d")
      const told = bench.notices.length
      assert.match(
        reoptimisationText(plan).at(-2) ?? "",
        /moves from a-[bc].* and a-[bc].* to a-[ce].* and a-[ce].*: lets lab-a - lab-b in/,
      )
      assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
      assert.deepEqual(pathsOf(id), ["a-c c-d", "a-e e-f d-f"])
      assert.deepEqual(linksOf(bench, waits), ["a-b"])
      const types = bench.notices.slice(told).map(({ type }) => type)
      assert(!types.includes("service.degraded"))
      for (const one of [id, waits])
        await bench.submit({ kind: "service-cancelled", serviceId: one })
      await bench.settle()
    }
  })

  it("lets stay on two paths who has no other pair", async () => {
    await bench.status("e-f", "OFF")
    const { plan } = await blocked({ protection: "1+1" }, "a-b b-d", "a-c c-d")
    assert.deepEqual([plan.steps, plan.leftAlone], [[], 0])
  })

  it("moves who has a backup to where another is as far apart, with the backup anew", async () => {
    const { id, plan } = await blocked({ protection: "restore" }, "a-b b-d")
    assert.equal(service(id).backup?.disjoint, "node")
    assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
    const { path, backup } = service(id)
    assert(!pathsOf(id).includes("a-b b-d"))
    assert.equal(backup?.disjoint, "node")
    assert.equal(
      backup.nodes.slice(1, -1).some((node) => path?.nodes.includes(node)),
      false,
    )
  })

  it("takes nobody to where less would be kept ready for it", async () => {
    await use(await network(["a-b", "b-d", "a-c", "c-d", "b-c"]))
    const serviceId = await order(bench, "sae-a", "sae-d", 500, { protection: "restore" })
    await place(serviceId, "a-b b-d")
    const before = service(serviceId)
    assert.equal(before.backup?.disjoint, "node")
    const zigzag = ["a-b", "b-c", "c-d"]
    assert.deepEqual(bench.controller.moveChoices(serviceId), [[["a-c", "c-d"]]])
    const reply = await bench.submit({
      kind: "path-deployed",
      serviceId,
      qkdlIds: zigzag,
      keepsProtection: true,
    })
    assert(!reply.ok)
    assert.match(reply.message, /^less would be kept ready for it: its backup would be nearer/)
    await bench.settle()
    assert.deepEqual(service(serviceId), before)
  })

  it("takes no path of several onto the place of another, nor any number of them", async () => {
    const serviceId = await order(bench, "sae-a", "sae-d", 500, { protection: "1+1" })
    await place(serviceId, "a-b b-d", "a-c c-d")
    const before = service(serviceId)
    for (const [ways, why] of [
      [["a-b b-d"], /is to stand on 2 paths, not on 1|stands on several paths/],
      [["a-b b-d", "a-b b-d"], /a place in common/],
      [["a-b b-d", "a-c c-d", "a-e e-f d-f"], /on 2 paths, not on 3/],
    ] as const) {
      const [qkdlIds = [], ...besideQkdlIds] = ways.map((way) => way.split(" "))
      const reply = await bench.submit({
        kind: "path-deployed",
        serviceId,
        qkdlIds,
        besideQkdlIds,
      })
      assert(!reply.ok)
      assert.match(reply.message, why)
    }
    await bench.settle()
    assert.deepEqual(service(serviceId), before)
  })

  it("moves who is never to return only where that lets another in", async () => {
    const id = await order(bench, "sae-a", "sae-d", 500, { revertive: false })
    await place(id, "a-e e-f d-f")
    assert.deepEqual((await reoptimiser.dryRun()).steps, [], "two hops would be shorter")
    await place(id, "a-b b-d")
    const waits = await order(bench, "lab-a", "lab-b", 500, { maxHops: 1 })
    const plan = await reoptimiser.dryRun()
    assert.deepEqual(await reoptimiser.carryOut(plan), { moved: 2 })
    assert.deepEqual([pathsOf(id), linksOf(bench, waits)], [["a-c c-d"], ["a-b"]])
  })

  it("says in good words who is left alone", async () => {
    await order(bench, "sae-a", "sae-d", 0)
    assert.equal(reoptimisationText(await reoptimiser.dryRun()).at(-1), "1 service is left alone")
    await order(bench, "sae-a", "sae-b", 0)
    assert.equal(reoptimisationText(await reoptimiser.dryRun()).at(-1), "2 services are left alone")
  })
})
