import assert from "node:assert/strict"
import type { Store } from "../../src/controller/ports.js"
import { QkdError } from "../../src/errors.js"
import { MemoryStore } from "../../src/store/memory.js"
import { nodeEntry } from "../core/lab.js"
import { Bench } from "./fakes.js"

const withTag = (tag: string) => (error: unknown) => error instanceof QkdError && error.tag === tag

/** A memory store whose commits are counted and can be held up or made to fail. */
class TrackedStore implements Store {
  readonly inner = new MemoryStore()
  commits = 0
  failure: Error | undefined
  gate: Promise<void> | undefined
  lead(atLeast?: number): Promise<number> {
    return this.inner.lead(atLeast)
  }
  load(): ReturnType<Store["load"]> {
    return this.inner.load()
  }
  async commit(...args: Parameters<Store["commit"]>): Promise<number> {
    await this.gate
    if (this.failure !== undefined) throw this.failure
    this.commits += 1
    return this.inner.commit(...args)
  }
  close(): Promise<void> {
    return this.inner.close()
  }
}

describe("the controller", () => {
  it("sets a path up from a node's request to the last confirmation", async () => {
    const bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    await bench.request("a", "c")
    await bench.settle()
    const [service] = bench.controller.network().services.values()
    assert.equal(service?.state, "active")
    assert.equal(bench.south.lastFor("a")?.apps.length, 1)
    assert.equal(bench.south.lastFor("c")?.apps.length, 1)
    const told = bench.notices.filter((notice) => notice.topic === "service")
    assert.deepEqual(
      told.map((notice) => notice.type),
      ["service.requested", "service.changed", "service.up"],
    )
    await bench.controller.stop()
  })

  it("makes a decision durable before it tells anyone", async () => {
    const store = new TrackedStore()
    const bench = await Bench.open(store)
    await bench.chain()
    const before = { told: bench.south.synced.length, notices: bench.notices.length }
    let open: () => void = () => undefined
    store.gate = new Promise((resolve) => {
      open = resolve
    })
    const done = bench.request("a", "c")
    await bench.settle()
    assert.deepEqual({ told: bench.south.synced.length, notices: bench.notices.length }, before)
    assert.equal(bench.controller.network().services.size, 0)
    open()
    await done
    assert.equal(bench.south.synced.length, before.told + 1)
    assert.equal(bench.controller.network().services.size, 1)
    await bench.controller.stop()
  })

  it("decides events that wait together in one commit", async () => {
    const store = new TrackedStore()
    const bench = await Bench.open(store)
    const replies = await Promise.all(
      ["x", "y", "z"].map((name) => bench.submit({ kind: "node-added", node: nodeEntry(name) })),
    )
    assert.deepEqual(replies, [
      { ok: true, id: "x" },
      { ok: true, id: "y" },
      { ok: true, id: "z" },
    ])
    assert.equal(store.commits, 1)
    assert.equal(bench.controller.network().revision, 1)
    await bench.controller.stop()
  })

  it("does not write what is only measured", async () => {
    const store = new TrackedStore()
    const bench = await Bench.open(store)
    await bench.chain()
    const { commits } = store
    const { revision } = bench.controller.network()
    for (let n = 1; n <= 5; n += 1) {
      bench.now += 1500
      await bench.submit({
        kind: "performance",
        reports: [{ qkdnId: "a", qkdlId: "a-b", performance: { skrBps: n * 1000 } }],
      })
    }
    assert.equal(store.commits, commits)
    assert.equal(bench.controller.network().revision, revision)
    assert.equal(bench.controller.network().links.get("a-b")?.performance.skrBps, 5000)
    const told = bench.notices.filter((notice) => notice.type === "link.performance")
    assert.equal(told.length, 5)
    await bench.controller.stop()
  })

  it("answers a refusal as a reply and keeps nothing of it", async () => {
    const bench = await Bench.open()
    const reply = await bench.submit({ kind: "service-cancelled", serviceId: "none" })
    assert.deepEqual(reply, {
      ok: false,
      tag: "data-missing",
      message: "there is no service none",
    })
    assert.equal(bench.controller.network().revision, 0)
    await bench.controller.stop()
  })

  it("drops the draft of a decision that failed, and goes on", async () => {
    let broken = false
    const bench = await Bench.open(new MemoryStore(), {
      newId: () => {
        if (broken) throw new TypeError("no randomness")
        return "00000000-0000-4000-8000-000000000001"
      },
    })
    await bench.chain()
    broken = true
    const [failed, other] = await Promise.allSettled([
      bench.request("a", "c"),
      bench.submit({ kind: "node-added", node: nodeEntry("d") }),
    ])
    assert(failed.status === "rejected" && withTag("operation-failed")(failed.reason))
    assert.equal(other.status, "fulfilled")
    assert.equal(bench.controller.network().services.size, 0)
    assert.equal(bench.controller.network().nodes.has("d"), true)
    assert.deepEqual(bench.logged, ["a decision failed"])
    broken = false
    await bench.request("a", "c")
    assert.equal(bench.controller.network().services.size, 1)
    await bench.controller.stop()
  })

  it("C3: stops deciding when another controller has written", async () => {
    const store = new MemoryStore()
    const bench = await Bench.open(store)
    await store.commit(0, [])
    const waiting = bench.submit({ kind: "node-added", node: nodeEntry("a") })
    await assert.rejects(waiting, withTag("in-use"))
    assert.equal((await bench.controller.stopped)?.tag, "in-use")
    await assert.rejects(bench.submit({ kind: "wake" }), withTag("in-use"))
    assert.equal(bench.south.managed.size, 0)
    assert.equal(bench.controller.network().nodes.size, 0)
  })

  it("C3: stops deciding when nodes obey another controller, and says in which term", async () => {
    const bench = await Bench.open(new MemoryStore())
    const info = { term: "7" }
    const waiting = bench.submit({ kind: "node-added", node: nodeEntry("a") })
    const refusal = new QkdError("access-denied", "term 6 is over", {
      appTag: "stale-leader",
      info,
    })
    bench.controller.stepDown(refusal)
    await assert.rejects(waiting, withTag("in-use"))
    await assert.rejects(bench.submit({ kind: "wake" }), withTag("in-use"))
    const reason = await bench.controller.stopped
    assert.deepEqual([reason?.tag, reason?.appTag, reason?.info], ["in-use", "stale-leader", info])
    assert.equal(reason?.message, "another controller leads: term 6 is over")
    assert.equal(bench.controller.network().nodes.size, 0)
    assert.deepEqual(bench.logged, ["deciding ends: another controller leads"])
  })

  it("stops deciding when it cannot store", async () => {
    const store = new TrackedStore()
    const bench = await Bench.open(store)
    store.failure = new Error("no space left on device")
    const waiting = bench.submit({ kind: "node-added", node: nodeEntry("a") })
    await assert.rejects(waiting, withTag("operation-failed"))
    assert.equal((await bench.controller.stopped)?.message, "the network could not be stored")
  })

  it("refuses events beyond its queue instead of growing", async () => {
    const bench = await Bench.open(new MemoryStore(), { queueLimit: 2 })
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map(() => bench.submit({ kind: "wake" })),
    )
    const refused = outcomes.filter((one) => one.status === "rejected")
    assert(refused.length >= 1)
    for (const { reason } of refused) assert(withTag("resource-denied")(reason))
    await bench.settle()
    assert.deepEqual(await bench.submit({ kind: "wake" }), { ok: true })
    await bench.controller.stop()
  })

  it("begins, moves and ends the session to a node as the inventory says", async () => {
    const bench = await Bench.open()
    const node = nodeEntry("a")
    await bench.submit({ kind: "node-added", node })
    assert.deepEqual([...bench.south.managed], [["a", "etsi015"]])
    bench.south.managed.clear()
    await bench.submit({ kind: "node-changed", node: { ...node, name: "Alpha" } })
    assert.deepEqual([...bench.south.managed], [])
    await bench.submit({ kind: "node-changed", node: { ...node, driver: "other" } })
    assert.deepEqual([...bench.south.managed], [["a", "other"]])
    await bench.submit({ kind: "node-removed", qkdnId: "a" })
    assert.deepEqual(bench.south.forgotten, ["a"])
    await bench.controller.stop()
  })

  it("comes back after a restart with everything promised, and finishes what was half made", async () => {
    const store = new MemoryStore()
    const first = await Bench.open(store)
    await first.chain()
    await first.request("a", "c", 40)
    await first.controller.stop()

    const again = await Bench.open(store)
    const [service] = again.controller.network().services.values()
    assert.equal(service?.next?.phase, "relays")
    assert.deepEqual([...again.south.managed.keys()], ["a", "b", "c"])
    assert.equal(again.controller.network().links.get("a-b")?.status, "ACTIVE")
    assert.equal(again.controller.network().nodes.get("a")?.reach, "connecting")
    again.south.submit = (event) => again.submit(event)
    for (const name of ["c", "b", "a"]) await again.connect(name)
    await again.settle()
    const [healed] = again.controller.network().services.values()
    assert.equal(healed?.state, "active")
    assert.equal(healed.path?.rateBps, 40)
    await again.controller.stop()
  })

  it("tries what failed again when the network has changed, without being asked", async () => {
    const bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    await bench.status("b-c", "OFF")
    const terms = { minRateBps: 0, priority: 0, avoidNodes: [] }
    const order = { kind: "service-ordered", aSaeId: "sae-a", bSaeId: "sae-c", terms } as const
    const reply = await bench.submit(order)
    assert(reply.ok)
    const state = (): string | undefined =>
      bench.controller.network().services.get(reply.id ?? "")?.state
    assert.equal(state(), "failed")
    await bench.status("b-c", "ACTIVE")
    await bench.pass(10_000)
    assert.equal(state(), "active")
    await bench.controller.stop()
  })

  it("gives readers a picture that later decisions do not change", async () => {
    const bench = await Bench.open()
    await bench.submit({ kind: "node-added", node: nodeEntry("a") })
    const before = bench.controller.network()
    await bench.submit({ kind: "node-added", node: nodeEntry("b") })
    assert.deepEqual([...before.nodes.keys()], ["a"])
    assert.deepEqual([...bench.controller.network().nodes.keys()], ["a", "b"])
    await bench.controller.stop()
  })
})

describe("the notices of the controller", () => {
  it("are numbered without gaps, and a subscriber that kept up can rebuild the network from them", async () => {
    const bench = await Bench.open()
    await bench.chain()
    bench.south.submit = (event) => bench.submit(event)
    await bench.request("a", "c")
    await bench.settle()
    assert.deepEqual(
      bench.notices.map((notice) => notice.seq),
      bench.notices.map((_, n) => n + 1),
    )
    assert.equal(bench.controller.lastSeq(), bench.notices.length)
    const rebuilt = {
      node: new Map(),
      link: new Map(),
      service: new Map(),
      order: new Map(),
      maintenance: new Map(),
    }
    for (const { topic, id, value } of bench.notices) {
      if (topic === "log") continue
      if (value === null) rebuilt[topic].delete(id)
      else rebuilt[topic].set(id, value)
    }
    const network = bench.controller.network()
    assert.deepEqual(rebuilt.node, network.nodes)
    assert.deepEqual(rebuilt.link, network.links)
    assert.deepEqual(rebuilt.service, network.services)
    await bench.controller.stop()
  })

  it("are held for those who come back, and no longer than promised", async () => {
    const bench = await Bench.open(new MemoryStore(), { journalLimit: 4 })
    for (const name of ["a", "b", "c", "d", "e", "f"]) {
      await bench.submit({ kind: "node-added", node: nodeEntry(name) })
    }
    const ids = (seq: number): string[] | undefined =>
      bench.controller.noticesSince(seq)?.map((notice) => notice.id)
    assert.deepEqual(ids(2), ["c", "d", "e", "f"])
    assert.deepEqual(ids(6), [])
    assert.equal(bench.controller.noticesSince(1), null)
    assert.equal(bench.controller.noticesSince(7), null)
    await bench.controller.stop()
  })

  it("reach every subscriber, also when one of them throws", async () => {
    const bench = await Bench.open()
    const heard: number[] = []
    bench.controller.onNotice(() => {
      throw new Error("gone")
    })
    const stop = bench.controller.onNotice((notice) => heard.push(notice.seq))
    await bench.submit({ kind: "node-added", node: nodeEntry("a") })
    stop()
    await bench.submit({ kind: "node-added", node: nodeEntry("b") })
    assert.deepEqual(heard, [1])
    await bench.controller.stop()
  })
})
