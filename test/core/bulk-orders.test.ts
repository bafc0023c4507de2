// Bulk key orders in the core: taken on when they can be in time, carried out over streams, counted by what nodes
// report, scheduled anew when the network changes.

import assert from "node:assert/strict"
import { NOON } from "./lab.js"
import { BulkLab, KEY, MINUTE, refusalOf } from "./bulk-lab.js"

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
})
