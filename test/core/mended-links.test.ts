// What is promised on a link that has just come up, before it is measured: what was measured last, what one end told already, or
// nothing, in words. In simulated time.

import assert from "node:assert/strict"
import type { Reply } from "../../src/core/event.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import type { LinkStatus } from "../../src/model/link.js"
import { BulkLab, MINUTE, refusalOf } from "./bulk-lab.js"
import { type Plan, NOON } from "./lab.js"

/** Links of which the inventory expects no rate, and that have not come up yet. */
class New extends BulkLab {
  constructor(plan: Plan) {
    super({ ...plan, link: (name) => ({ ...plan.link?.(name), skrBps: undefined as never }) })
    for (const link of plan.links) this.status(link, "OFF")
  }

  end(link: string, side: 0 | 1, status: LinkStatus): void {
    const qkdnId = link.split("-")[side] ?? ""
    this.hear(qkdnId, { kind: "event", resource: { kind: "link", qkdlId: link, status } })
  }

  tells(link: string, side: 0 | 1, skrBps: number): void {
    const qkdnId = link.split("-")[side] ?? ""
    this.hear(qkdnId, { kind: "link-performance", qkdlId: link, performance: { skrBps } })
  }

  small(bestEffort = false): Reply {
    return this.bulk("a", "b", { keys: 100, minutes: 60, bestEffort })
  }

  open(): BulkOrder {
    return this.orderOf("a", "b")
  }
}

describe("a link that comes up", () => {
  it("is counted with at once by the rate that its first end told before the other was up", () => {
    const lab = new New({ links: ["a-b"] })
    lab.end("a-b", 0, "ACTIVE")
    lab.tells("a-b", 0, 1000)
    assert.equal(lab.link("a-b").capacityBps, undefined, "it is not up as a whole")
    lab.end("a-b", 1, "ACTIVE")
    assert.equal(lab.link("a-b").capacityBps, 1000)
    // The same again is no news, and need not be.
    lab.tells("a-b", 1, 1000)
    assert.equal(lab.small().ok, true)
  })

  it("does not count with nothing, told by its first end before the other was up", () => {
    const lab = new New({ links: ["a-b"] })
    lab.status("a-b", "ACTIVE")
    lab.rate("a-b", 1000)
    lab.linkDown("a-b")
    lab.now += MINUTE
    lab.end("a-b", 0, "ACTIVE")
    lab.tells("a-b", 0, 0)
    lab.end("a-b", 1, "ACTIVE")
    assert.equal(lab.small().ok, true, "what was measured last counts")
    lab.tells("a-b", 0, 0)
    assert.equal(refusalOf(lab.bulk("b", "a", { keys: 100, minutes: 60 })).appTag, "no-path")
  })

  it("mended, is counted with as it was measured last: a bulk order is taken on at once", () => {
    const lab = new New({ links: ["a-b"] })
    lab.status("a-b", "ACTIVE")
    lab.rate("a-b", 1000)
    lab.linkDown("a-b")
    lab.rate("a-b", 0)
    assert.equal(refusalOf(lab.small()).appTag, "no-path")
    lab.now += MINUTE
    lab.status("a-b", "ACTIVE")
    assert.equal(lab.link("a-b").performance.skrBps, undefined)
    assert.equal(lab.small().ok, true)
    lab.confirmAll()
    assert.equal(lab.reserved("a-b"), 900)
  })

  it("and was never measured has no rate to promise: a bulk order is refused with that, and what to do", () => {
    const lab = new New({ links: ["a-b", "b-c"] })
    lab.status("b-c", "ACTIVE")
    lab.rate("b-c", 1000)
    lab.status("a-b", "ACTIVE")
    const refused = refusalOf(lab.bulk("a", "c", { keys: 100, minutes: 60 }))
    assert.match(
      refused.message,
      /; the rate of a - b is not known yet: order again when it is measured, or with bestEffort$/,
    )
    assert.deepEqual([refused.tag, refused.appTag], ["resource-denied", "no-capacity"])
    assert.equal(refused.info?.["unmeasured-link"], "a-b")
    lab.rate("a-b", 1000)
    assert.equal(lab.bulk("a", "c", { keys: 100, minutes: 60 }).ok, true)
  })

  it("and was never measured lets a bulk order of best effort wait for that, which says so and goes on", () => {
    const lab = new New({ links: ["a-b"] })
    lab.status("a-b", "ACTIVE")
    assert.equal(lab.small(true).ok, true)
    assert.deepEqual(
      [lab.open().state, lab.open().reason],
      ["held", "the rate of a - b is not known yet"],
    )
    lab.rate("a-b", 1000)
    lab.now += 2000
    lab.submit({ kind: "wake" })
    lab.confirmAll()
    assert.deepEqual([lab.open().state, lab.reserved("a-b")], ["inProgress", 900])
  })

  it("and was never measured is counted with soon by the rate that is known of it beforehand", () => {
    const lab = new New({ links: ["a-b"] })
    lab.status("a-b", "ACTIVE")
    const profile = [{ at: new Date(NOON - MINUTE).toISOString(), skrBps: 2000 }]
    lab.submit({ kind: "rate-profile-set", qkdlId: "a-b", profile: { profile } })
    assert.equal(lab.small().ok, true)
    lab.rate("a-b", 1000)
    lab.now += 11_000
    lab.submit({ kind: "wake" })
    lab.confirmAll()
    assert.deepEqual([lab.open().state, lab.reserved("a-b")], ["inProgress", 900])
  })
})
