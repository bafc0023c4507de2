// When the surplus of links is shared: on a beat, after something has changed, and never else.

import assert from "node:assert/strict"
import type { Service } from "../../src/model/service.js"
import { MemoryStore } from "../../src/store/memory.js"
import { serviceView } from "../../src/north/views.js"
import { Bench } from "./fakes.js"

const ORDER = {
  kind: "service-ordered",
  aSaeId: "sae-a",
  bSaeId: "sae-c",
  terms: { minRateBps: 100, maxRateBps: 800, priority: 0, avoidNodes: [] },
} as const

async function stocked(store = new MemoryStore()): Promise<Bench> {
  const bench = await Bench.open(store)
  bench.south.submit = (event) => bench.submit(event)
  await bench.chain()
  return bench
}

function service(bench: Bench): Service {
  const [only] = bench.controller.network().services.values()
  return only ?? assert.fail("there is no service")
}

const most = (bench: Bench, node: string): number | undefined =>
  bench.south.lastFor(node)?.apps[0]?.qos.maxBps

/** Both ends of both links report this rate. */
async function rates(bench: Bench, skrBps: number): Promise<void> {
  const reports = ["a-b", "b-c"].flatMap((qkdlId) =>
    qkdlId.split("-").map((qkdnId) => ({ qkdnId, qkdlId, performance: { skrBps } })),
  )
  await bench.submit({ kind: "performance", reports })
}

describe("the surplus of links", () => {
  it("is shared with the next beat after links have changed, and told to both ends", async () => {
    const bench = await stocked()
    await rates(bench, 1000)
    await bench.submit(ORDER)
    await bench.settle()
    assert.equal(service(bench).state, "active")
    assert.deepEqual([most(bench, "a"), most(bench, "c")], [800, 800])
    await bench.pass(1000)
    await rates(bench, 400)
    const told = bench.south.synced.length
    await bench.pass(8_000)
    assert.equal(bench.south.synced.length, told, "not before the beat")
    await bench.pass(2_000)
    const now = serviceView(service(bench)).grantedBps ?? assert.fail("nothing is granted")
    assert(now > 100 && now <= 360, `${now}`)
    assert.deepEqual([most(bench, "a"), most(bench, "c")], [now, now])
    assert(bench.notices.some(({ type }) => type === "service.granted"))
    await bench.controller.stop()
  })

  it("is left alone while nothing changes", async () => {
    const bench = await stocked()
    await bench.submit(ORDER)
    await bench.settle()
    for (let beats = 0; beats < 5; beats += 1) await bench.pass(10_000)
    const { synced } = bench.south
    const before = [synced.length, bench.notices.length]
    for (let beats = 0; beats < 5; beats += 1) await bench.pass(10_000)
    assert.deepEqual([synced.length, bench.notices.length], before)
    await bench.controller.stop()
  })

  it("is what it was after a restart of the controller", async () => {
    const store = new MemoryStore()
    const bench = await stocked(store)
    await rates(bench, 500)
    await bench.submit(ORDER)
    await bench.settle()
    const before = serviceView(service(bench)).grantedBps
    assert.equal(before, 100 + Math.floor((450 - 100) * 0.95))
    await bench.controller.stop()
    const again = await Bench.open(store)
    assert.equal(serviceView(service(again)).grantedBps, before)
    await again.controller.stop()
  })
})
