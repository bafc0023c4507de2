// What bulk orders have brought: counted once each, by whoever has it, whatever goes down meanwhile.

import assert from "node:assert/strict"
import { Picture } from "../../src/core/view.js"
import type { AppStatistics } from "../../src/model/app.js"
import { BulkLab, MINUTE } from "./bulk-lab.js"
import { NOON } from "./lab.js"

describe("a bulk order that runs", () => {
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
