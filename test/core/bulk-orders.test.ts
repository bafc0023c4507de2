// Bulk key orders in the core: taken on when they can be in time, carried out over streams, counted by what nodes
// report, scheduled anew when the network changes.

import assert from "node:assert/strict"
import type { Reply } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import { Picture } from "../../src/core/view.js"
import type { AppStatistics } from "../../src/model/app.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import { Lab, NOON } from "./lab.js"

const MINUTE = 60_000
const KEY = 256

interface Asked {
  readonly keys: number
  readonly minutes: number
  readonly fromMinutes?: number
  readonly priority?: number
  readonly bestEffort?: boolean
  readonly mostBps?: number
  readonly avoidNodes?: readonly string[]
}

/** 1,000 bit/s a link, of which 900 may be promised. */
class BulkLab extends Lab {
  bulk(a: string, b: string, asked: Asked): Reply {
    const { keys, minutes, fromMinutes, priority = 0, bestEffort = false } = asked
    return this.submit({
      kind: "bulk-ordered",
      fromSaeId: `sae-${a}`,
      toSaeId: `sae-${b}`,
      volumeBits: keys * KEY,
      keySizeBits: KEY,
      deadlineMs: this.now + minutes * MINUTE,
      ...(fromMinutes === undefined ? {} : { notBeforeMs: this.now + fromMinutes * MINUTE }),
      terms: {
        ...{ priority, avoidNodes: asked.avoidNodes ?? [] },
        ...(asked.mostBps === undefined ? {} : { mostBps: asked.mostBps }),
      },
      bestEffort,
    })
  }

  /** The last order of this pair. */
  orderOf(a: string, b: string): BulkOrder {
    const ids = [groups.openOrders, groups.closedOrders].flatMap((one) => this.picture.members(one))
    const found = ids
      .flatMap((id) => this.picture.order(id) ?? [])
      .filter(({ from, to }) => from.saeId === `sae-${a}` && to.saeId === `sae-${b}`)
    const [order] = found
    assert.ok(order, `no order from ${a} to ${b}`)
    return order
  }

  /** The node of its master reports what it gave out and has ready. */
  reports(order: BulkOrder, suppliedBits: number, readyBits: number): void {
    this.hear(order.from.qkdnId, {
      kind: "app-supply",
      appId: this.orderOf(order.from.qkdnId, order.to.qkdnId).serviceId ?? "",
      supply: { suppliedBits, readyBits },
    })
  }

  reserved(link: string): number {
    return this.picture.reservedBps(link)
  }
}

function refusalOf(reply: Reply): Extract<Reply, { ok: false }> {
  assert.ok(!reply.ok, "it was taken on")
  return reply
}

describe("a bulk order", () => {
  it("runs at once at all the rate that services leave, and its node is told how many keys to have ready", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    lab.order("a", "b", { minRateBps: 300 })
    lab.confirmAll()
    assert.deepEqual(lab.bulk("a", "c", { keys: 100, minutes: 5 }).ok, true)
    lab.confirmAll()
    const order = lab.orderOf("a", "c")
    assert.equal(order.state, "inProgress")
    // 25,600 bits at 600 bit/s after two seconds in which the path is set up.
    assert.equal(order.forecast, new Date(NOON + 2000 + Math.ceil(25_600_000 / 600)).toISOString())
    assert.deepEqual(
      order.periods.map(({ rateBps, nodes }) => [rateBps, nodes]),
      [[600, ["a", "b", "c"]]],
    )
    const stream = lab.service("a", "c")
    assert.deepEqual([stream?.origin, stream?.state, lab.reserved("b-c")], ["bulk", "active", 600])
    const app = (node: string): unknown =>
      lab.desired(node).apps.find(({ appId }) => appId === stream?.serviceId)?.ordered
    assert.deepEqual(app("a"), { keySizeBits: KEY, untilBits: 25_600 })
    assert.equal(app("c"), undefined, "only the node that makes them")
  })

  it("gives the association it takes over its own terms, also where path and rate stay: no backup is kept for it", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c", "c-a"] })
    lab.request("a", "b", 60)
    lab.confirmAll()
    const known = lab.service("a", "b")
    assert(known !== undefined)
    const { serviceId } = known
    const terms = { ...known.terms, protection: "restore" } as const
    assert.equal(lab.submit({ kind: "service-changed", serviceId, terms }).ok, true)
    lab.confirmAll()
    assert.notEqual(lab.service("a", "b")?.backup, undefined)
    assert.equal(lab.bulk("a", "b", { keys: 10, minutes: 5, mostBps: 60 }).ok, true)
    lab.confirmAll()
    lab.submit({ kind: "wake" })
    const stream = lab.service("a", "b")
    assert.deepEqual([stream?.serviceId, stream?.origin], [serviceId, "bulk"])
    assert.deepEqual([stream?.terms.protection, stream?.terms.minRateBps], [undefined, 60])
    assert.equal(stream?.backup, undefined)
    assert.deepEqual([lab.reserved("a-b"), lab.picture.backupBps("b-c")], [60, 0])
  })

  it("is refused when it cannot be in time, with what could be done", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    const reply = refusalOf(lab.bulk("a", "b", { keys: 1000, minutes: 1 }))
    assert.deepEqual(
      [reply.tag, reply.appTag, reply.path],
      ["resource-denied", "no-capacity", "/deadline"],
    )
    assert.equal(reply.info?.["bits-by-deadline"], String(58 * 900))
    const doneAt = NOON + 2000 + Math.ceil(256_000_000 / 900)
    assert.equal(reply.info["earliest-completion"], new Date(doneAt).toISOString())
    assert.equal(lab.picture.snapshot().orders.size, 0)
    assert.equal(lab.bulk("a", "b", { keys: 1000, minutes: 1, bestEffort: true }).ok, true)
    const order = lab.orderOf("a", "b")
    assert.deepEqual([order.late, order.forecast], [true, new Date(doneAt).toISOString()])
  })

  it("is refused when as many are open as may be", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c", "c-a"] }, { bulkMostOpen: 2 })
    assert.equal(lab.bulk("a", "b", { keys: 10, minutes: 60 }).ok, true)
    assert.equal(lab.bulk("b", "c", { keys: 10, minutes: 60 }).ok, true)
    const reply = refusalOf(lab.bulk("c", "a", { keys: 10, minutes: 60 }))
    assert.equal(reply.message, "2 bulk orders are open, as many as may be at once")
  })

  it("taken on at its earliest completion is in time", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    const reply = refusalOf(lab.bulk("a", "b", { keys: 1000, minutes: 1 }))
    const earliest = Date.parse(reply.info?.["earliest-completion"] ?? "")
    assert.equal(lab.bulk("a", "b", { keys: 1000, minutes: (earliest - NOON) / MINUTE }).ok, true)
    assert.equal(lab.orderOf("a", "b").late, false)
  })

  it("is refused for faults, each with its place, and nothing changes", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    const good = {
      kind: "bulk-ordered",
      fromSaeId: "sae-a",
      toSaeId: "sae-b",
      volumeBits: 2560,
      keySizeBits: 256,
      deadlineMs: NOON + MINUTE,
      terms: { priority: 0, avoidNodes: [] },
      bestEffort: false,
    } as const
    const faults: readonly [object, string, string][] = [
      [{ toSaeId: "sae-a" }, "invalid-value", "/to"],
      [{ fromSaeId: "sae-x" }, "data-missing", "/from"],
      [{ toSaeId: "sae-x" }, "data-missing", "/to"],
      [{ volumeBits: 0 }, "invalid-value", "/volumeBits"],
      [{ volumeBits: 2561 }, "invalid-value", "/volumeBits"],
      [{ keySizeBits: 60 }, "invalid-value", "/keySizeBits"],
      [{ deadlineMs: NOON }, "invalid-value", "/deadline"],
      [{ deadlineMs: Number.NaN }, "invalid-value", "/deadline"],
      [{ notBeforeMs: NOON + MINUTE }, "invalid-value", "/notBefore"],
      [{ terms: { priority: 0, avoidNodes: ["x"] } }, "invalid-value", "/terms/avoidNodes/0"],
      [{ terms: { priority: 0, avoidNodes: ["a"] } }, "invalid-value", "/terms/avoidNodes/0"],
    ]
    const before = lab.picture.revision
    for (const [fault, tag, path] of faults) {
      const reply = refusalOf(lab.submit({ ...good, ...fault }))
      assert.deepEqual([reply.tag, reply.path], [tag, path], JSON.stringify(fault))
      assert.deepEqual(lab.last.changes, [])
    }
    assert.ok(lab.picture.revision > before)
    lab.order("a", "b")
    assert.equal(refusalOf(lab.submit(good)).tag, "data-exists", "the pair has a service")
  })

  it("runs no faster than it may, and is promised by that", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    const refused = refusalOf(lab.bulk("a", "b", { keys: 100, minutes: 1, mostBps: 100 }))
    assert.equal(refused.info?.["bits-by-deadline"], String(58 * 100))
    assert.equal(lab.bulk("a", "b", { keys: 100, minutes: 5, mostBps: 100 }).ok, true)
    assert.equal(lab.service("a", "b")?.terms.minRateBps, 100)
    assert.equal(
      refusalOf(lab.bulk("b", "a", { keys: 1, minutes: 5, mostBps: 0 })).path,
      "/terms/mostBps",
    )
  })

  it("waits for its time, and then runs", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 60, fromMinutes: 30 })
    assert.deepEqual([lab.orderOf("a", "b").state, lab.service("a", "b")], ["pending", undefined])
    lab.wakeAfter(30 * MINUTE)
    assert.equal(lab.orderOf("a", "b").state, "inProgress")
    assert.equal(lab.service("a", "b")?.terms.minRateBps, 900)
  })

  it("counts what is handed out and what is ready, once each, and is completed when that is its volume", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 5 })
    lab.confirmAll()
    const order = lab.orderOf("a", "b")
    lab.reports(order, 0, 1024)
    lab.reports(order, 512, 768)
    assert.deepEqual([lab.orderOf("a", "b").takenBits, lab.orderOf("a", "b").readyBits], [512, 768])
    // The node was told anew, and counts from 0 again: what was ready before is lost.
    lab.reports(order, 0, 0)
    assert.deepEqual([lab.orderOf("a", "b").takenBits, lab.orderOf("a", "b").readyBits], [512, 0])
    const mark = lab.service("a", "b")?.ordered?.untilBits
    assert.equal(mark, 2560 - 512, "what is missing, on the new count")
    lab.reports(order, 1024, 768)
    lab.reports(order, 1024, 1024)
    const done = lab.orderOf("a", "b")
    assert.deepEqual(
      [done.state, done.takenBits, done.readyBits, done.late],
      ["completed", 1536, 1024, false],
    )
    assert.deepEqual(done.periods, [])
    const left = lab.service("a", "b")
    assert.deepEqual([left?.origin, left?.terms.minRateBps, lab.reserved("a-b")], ["request", 0, 0])
    assert.deepEqual(
      lab.notices().filter((type) => type.startsWith("order.")),
      ["order.accepted", "order.started", "order.completed"],
    )
  })

  it("believes no node but its own about its keys", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 5 })
    lab.confirmAll()
    const appId = lab.orderOf("a", "b").serviceId ?? ""
    lab.hear("b", { kind: "app-supply", appId, supply: { suppliedBits: 9999, readyBits: 9999 } })
    assert.equal(lab.orderOf("a", "b").state, "inProgress")
  })

  it("goes round a cut, says when it is done now, and tells of a deadline it will miss", () => {
    const lab = new BulkLab({
      links: ["a-b", "a-c", "c-b"],
      link: (name) => (name === "a-b" ? {} : { skrBps: 100 }),
    })
    lab.bulk("a", "b", { keys: 100, minutes: 1 })
    lab.confirmAll()
    lab.linkDown("a-b")
    lab.wakeAfter(300)
    lab.confirmAll()
    const order = lab.orderOf("a", "b")
    assert.deepEqual(
      order.periods.map(({ nodes, rateBps }) => [nodes, rateBps]),
      [[["a", "c", "b"], 90]],
    )
    assert.deepEqual(lab.pathOf("a", "b"), ["a-c", "c-b"])
    assert.equal(lab.service("a", "b")?.terms.minRateBps, 90)
    assert.equal(order.late, true)
    assert.ok(lab.notices().includes("order.late"))
  })

  it("is held while one of its own nodes refuses its stream, with that node's reason, and tried again", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 100, minutes: 60 })
    lab.fail("b", "900 bit/s is above the ceiling of 100 bit/s")
    lab.wakeAfter(300)
    const held = lab.orderOf("a", "b")
    assert.equal(held.state, "held")
    assert.match(held.reason ?? "", /above the ceiling of 100 bit/)
    lab.wakeAfter(31_000)
    lab.confirmAll()
    assert.equal(lab.orderOf("a", "b").state, "inProgress")
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("is held while no rate is free, and goes on when one is", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 100, minutes: 1 })
    lab.confirmAll()
    lab.linkDown("a-b")
    lab.wakeAfter(300)
    const held = lab.orderOf("a", "b")
    assert.deepEqual([held.state, held.late, held.forecast], ["held", true, undefined])
    lab.status("a-b", "ACTIVE")
    lab.wakeAfter(6000)
    lab.confirmAll()
    const again = lab.orderOf("a", "b")
    assert.deepEqual([again.state, again.late], ["inProgress", false])
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("takes over what the pair has asked for itself, and counts from then on", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.request("b", "a")
    lab.confirmAll()
    const asked = lab.service("a", "b")?.serviceId
    lab.bulk("a", "b", { keys: 10, minutes: 5 })
    lab.confirmAll()
    const order = lab.orderOf("a", "b")
    assert.equal(order.serviceId, asked)
    lab.reports(order, 51_200, 0)
    assert.equal(lab.orderOf("a", "b").takenBits, 0)
    assert.equal(lab.service("a", "b")?.ordered?.untilBits, 51_200 + 2560)
    lab.reports(order, 51_200 + 2560, 0)
    assert.equal(lab.orderOf("a", "b").state, "completed")
  })

  for (const asked of [{ protection: "1+1" }, { trustTolerance: 1 }] as const)
    it(`leaves a pair to its several paths where an operator asked for them: ${JSON.stringify(asked)}`, () => {
      const lab = new BulkLab({ links: ["a-b", "b-c", "a-c"] })
      lab.request("a", "b", 20)
      lab.confirmAll()
      lab.bulk("a", "b", { keys: 10, minutes: 60, fromMinutes: 1 })
      const { serviceId = "" } = lab.service("a", "b") ?? {}
      const terms = { minRateBps: 20, priority: 0, avoidNodes: [], ...asked }
      assert.equal(lab.submit({ kind: "service-changed", serviceId, terms }).ok, true)
      lab.confirmAll()
      lab.wakeAfter(2 * MINUTE)
      lab.confirmAll()
      const { state, reason } = lab.orderOf("a", "b")
      assert.deepEqual([state, reason], ["held", `service ${serviceId} joins its SAEs`])
      const service = lab.service("a", "b")
      assert.deepEqual(
        [service?.origin, service?.state, service?.terms],
        ["request", "active", terms],
      )
      assert.equal(service?.beside?.length, 1)
      const other = lab.bulk("b", "a", { keys: 10, minutes: 60 })
      assert.equal(refusalOf(other).tag, "data-exists")
    })

  it("waits for another of its pair to end, whichever way, and counts only what is its own", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 5 })
    lab.confirmAll()
    assert.equal(lab.bulk("b", "a", { keys: 20, minutes: 5 }).ok, true)
    const [first, second] = [lab.orderOf("a", "b"), lab.orderOf("b", "a")]
    assert.deepEqual([second.state, second.serviceId], ["pending", undefined])
    assert.ok((second.periods[0]?.fromMs ?? 0) >= (first.periods.at(-1)?.toMs ?? 0))
    lab.reports(first, 0, 2560)
    lab.confirmAll()
    const now = lab.orderOf("b", "a")
    assert.deepEqual([now.state, now.serviceId], ["inProgress", first.serviceId])
    lab.reports(now, 0, 512)
    assert.equal(lab.service("a", "b")?.ordered?.untilBits, 20 * KEY + 512)
    lab.reports(now, 512, 20 * KEY - 256)
    assert.equal(lab.orderOf("b", "a").state, "inProgress", "what was ready before is not of it")
    lab.reports(now, 512, 20 * KEY)
    assert.equal(lab.orderOf("b", "a").state, "completed")
  })

  it("gives its rate back when it is cancelled", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    lab.bulk("a", "c", { keys: 100, minutes: 5 })
    lab.confirmAll()
    const { orderId } = lab.orderOf("a", "c")
    assert.equal(
      lab.submit({ kind: "service-cancelled", serviceId: lab.orderOf("a", "c").serviceId ?? "" })
        .ok,
      false,
    )
    assert.equal(lab.submit({ kind: "bulk-cancelled", orderId }).ok, true)
    lab.confirmAll()
    assert.deepEqual([lab.reserved("a-b"), lab.service("a", "c")], [0, undefined])
    assert.equal(lab.orderOf("a", "c").state, "cancelled")
    assert.equal(lab.submit({ kind: "bulk-cancelled", orderId }).ok, true, "now it is forgotten")
    assert.equal(refusalOf(lab.submit({ kind: "bulk-cancelled", orderId })).tag, "data-missing")
  })

  it("gives services what it does not need to be in time, and keeps what it needs", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    // 76,800 bits in 256 s: 300 bit/s, and a tenth to spare.
    lab.bulk("a", "c", { keys: 300, minutes: 256 / 60 })
    lab.confirmAll()
    assert.equal(lab.reserved("a-b"), 900)
    assert.equal(lab.order("a", "b", { minRateBps: 500 }).ok, true)
    lab.confirmAll()
    assert.deepEqual([lab.service("a", "b")?.state, lab.reserved("a-b")], ["active", 900])
    assert.equal(lab.service("a", "c")?.terms.minRateBps, 400)
    lab.order("b", "c", { minRateBps: 600 })
    lab.confirmAll()
    const refused = lab.service("b", "c")
    assert.deepEqual([refused?.state, lab.service("a", "c")?.terms.minRateBps], ["failed", 400])
    lab.wakeAfter(6000)
    const order = lab.orderOf("a", "c")
    assert.deepEqual([order.late, order.periods[0]?.rateBps], [false, 400])
  })

  it("gives services what it does not need while its stream is being set up, too", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    lab.bulk("a", "c", { keys: 300, minutes: 256 / 60 })
    assert.equal(lab.reserved("a-b"), 900)
    lab.order("a", "b", { minRateBps: 500 })
    assert.deepEqual([lab.service("a", "b")?.state, lab.reserved("a-b")], ["pending", 900])
    lab.confirmAll()
    const stream = lab.service("a", "c")
    assert.deepEqual([stream?.state, stream?.path?.rateBps], ["active", 400])
    assert.equal(
      lab.desired("a").apps.find(({ appId }) => appId === stream?.serviceId)?.qos.minBps,
      400,
    )
  })

  it("of best effort gives services all it has", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    lab.bulk("a", "b", { keys: 300, minutes: 60, bestEffort: true })
    lab.confirmAll()
    lab.order("a", "c", { minRateBps: 900 })
    lab.confirmAll()
    assert.equal(lab.service("a", "c")?.state, "active")
    assert.equal(lab.service("a", "b")?.terms.minRateBps, 0)
    lab.wakeAfter(6000)
    assert.equal(lab.orderOf("a", "b").state, "held")
  })

  it("says when its stream brings less than it was promised, and forecasts by what really comes", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 1000, minutes: 6 })
    lab.confirmAll()
    const report = (bits: number): void => {
      lab.reports(lab.orderOf("a", "b"), 0, bits)
      lab.wakeAfter(6000)
      lab.confirmAll()
    }
    for (const bits of [0, 5376, 10_752]) report(bits)
    assert.deepEqual([lab.orderOf("a", "b").late, lab.orderOf("a", "b").reason], [false, undefined])
    // Its site's store is full.
    for (let n = 0; n < 7; n += 1) report(16_384)
    const slow = lab.orderOf("a", "b")
    assert.equal(slow.reason, "its stream brings 0 of 900 bit/s; 64 keys wait for sae-a")
    assert.deepEqual([slow.late, slow.forecast, slow.state], [true, undefined, "inProgress"])
    for (let n = 1; n < 5; n += 1) report(16_384 + n * 1536)
    const some = lab.orderOf("a", "b")
    assert.match(some.reason ?? "", /^its stream brings 2\d\d of 900 bit\/s$/)
    const expected = lab.now + (256_000 - 16_384 - 4 * 1536) * (1000 / 256)
    assert.ok(Math.abs(Date.parse(some.forecast ?? "") - expected) < 60_000)
  })

  it("is never counted twice, whatever count a killed node comes back with", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 5 })
    lab.confirmAll()
    const order = lab.orderOf("a", "b")
    lab.reports(order, 1024, 512)
    lab.reports(order, 768, 0)
    assert.equal(lab.orderOf("a", "b").takenBits, 1024)
    lab.reports(order, 1024, 0)
    assert.equal(lab.orderOf("a", "b").takenBits, 1280)
  })

  it("at a node that only keeps statistics is counted by them, each period once", () => {
    const lab = new BulkLab({ links: ["a-b"] })
    lab.bulk("a", "b", { keys: 10, minutes: 50 })
    lab.confirmAll()
    const { serviceId } = lab.orderOf("a", "b")
    const row = (minute: number, consumedBits: number): AppStatistics => ({
      startTime: new Date(NOON + minute * MINUTE).toISOString(),
      endTime: new Date(NOON + (minute + 1) * MINUTE).toISOString(),
      consumedBits,
    })
    const read = (...statistics: AppStatistics[]): void => {
      const state = lab.stateOf("a")
      const apps = state.apps.map((app) => (app.appId === serviceId ? { ...app, statistics } : app))
      lab.submit({ kind: "node-read", qkdnId: "a", state: { ...state, apps } })
    }
    read(row(-1, 9999), row(0, 512))
    read(row(-1, 9999), row(0, 512))
    assert.equal(lab.orderOf("a", "b").takenBits, 512)
    read(row(0, 512), row(1, 2048))
    assert.deepEqual(
      [lab.orderOf("a", "b").state, lab.orderOf("a", "b").takenBits],
      ["completed", 2560],
    )
  })

  it("goes on where it was after a restart of the controller", () => {
    const lab = new BulkLab({ links: ["a-b", "b-c"] })
    lab.bulk("a", "c", { keys: 100, minutes: 5 })
    lab.confirmAll()
    lab.reports(lab.orderOf("a", "c"), 256, 512)
    const { nodes, links, services, orders, revision } = lab.picture.snapshot()
    const after = new BulkLab({ links: ["a-b", "b-c"] })
    Object.assign(after, {
      picture: new Picture(revision, [
        ...[...nodes].map(
          ([id, value]) =>
            ({ kind: "node", id, value: { ...value, reach: "connecting" } }) as const,
        ),
        ...[...links].map(([id, value]) => ({ kind: "link", id, value }) as const),
        ...[...services].map(([id, value]) => ({ kind: "service", id, value }) as const),
        ...[...orders].map(([id, value]) => ({ kind: "order", id, value }) as const),
      ]),
    })
    after.now = lab.now + MINUTE
    after.submit({ kind: "wake" })
    assert.equal(after.orderOf("a", "c").state, "inProgress", "nothing is known of the nodes yet")
    for (const name of ["a", "b", "c"]) after.connect(name)
    after.wakeAfter(500)
    after.reports(after.orderOf("a", "c"), 1024, 0)
    const order = after.orderOf("a", "c")
    assert.deepEqual(
      [order.takenBits, order.readyBits, order.serviceId],
      [1024, 0, lab.orderOf("a", "c").serviceId],
    )
  })
})
