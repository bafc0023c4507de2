// Rates of links that are known beforehand, in simulated time: bulk orders are scheduled with them.

import assert from "node:assert/strict"
import { linkAlarms } from "../../src/core/alarms.js"
import type { Reply } from "../../src/core/event.js"
import { groups } from "../../src/core/memberships.js"
import type { BulkOrder } from "../../src/model/bulk-order.js"
import { changesBetween, meanRate, rateAt, type RateProfile } from "../../src/model/rate-profile.js"
import { KEY, MINUTE, orderBulk } from "./bulk-lab.js"
import { Lab, NOON } from "./lab.js"

function at(minutes: number): string {
  return new Date(NOON + minutes * MINUTE).toISOString()
}

/** Rates by minutes after noon. */
function profileOf(rates: readonly (readonly [number, number])[], repeatS?: number): RateProfile {
  return {
    profile: rates.map(([minutes, skrBps]) => ({ at: at(minutes), skrBps })),
    ...(repeatS === undefined ? {} : { repeatS }),
  }
}

/** 1,000 bit/s a link, of which 900 may be promised. */
class ProfileLab extends Lab {
  profile(qkdlId: string, profile: RateProfile | null): Reply {
    return this.submit({ kind: "rate-profile-set", qkdlId, profile })
  }

  bulk(bits: number, minutes: number): Reply {
    return orderBulk(this, "a", "b", { keys: Math.floor(bits / KEY), minutes })
  }

  bulkOrder(): BulkOrder {
    const [id = ""] = this.picture.members(groups.openOrders)
    return this.picture.order(id) ?? assert.fail("no open order")
  }

  /** Begin in minutes after noon, and rate. */
  periods(): number[][] {
    return this.bulkOrder().periods.map(({ fromMs, rateBps }) => [
      (fromMs - NOON) / MINUTE,
      rateBps,
    ])
  }
}

describe("a rate profile of a link", () => {
  it("is what bulk orders are scheduled with from its next change on; until then it is what is measured", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    lab.profile(
      "a-b",
      profileOf([
        [-60, 5000],
        [10, 2000],
        [20, 400],
      ]),
    )
    assert.equal(lab.bulk(900 * 598 + 1800 * 600 + 360 * 60, 60).ok, true)
    assert.deepEqual(lab.periods(), [
      [0, 900],
      [10, 1800],
      [20, 360],
    ])
    assert.equal(lab.bulkOrder().late, false)
  })

  it("leaves to services what they are promised", () => {
    const lab = new ProfileLab({ links: ["a-b", "b-c"] })
    lab.order("c", "b", { minRateBps: 100 })
    lab.order("c", "a", { minRateBps: 300 })
    lab.confirmAll()
    lab.profile("a-b", profileOf([[10, 2000]]))
    lab.bulk(600 * 598 + 1500 * 60, 60)
    assert.deepEqual(lab.periods(), [
      [0, 600],
      [10, 1500],
    ])
  })

  it("of passes of a satellite lets an order be promised while the link is down, and not when it should be up", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    // Ten minutes of every hour, from half past on.
    const passes = profileOf(
      [
        [-60 + 30, 1000],
        [-60 + 40, 0],
      ],
      3600,
    )
    lab.status("a-b", "OFF")
    assert.equal(lab.bulk(900 * 500, 600).ok, false, "nothing is known of a link that is down")
    assert.equal(lab.profile("a-b", passes).ok, true)
    assert.equal(lab.bulk(900 * 1100, 600).ok, true)
    assert.deepEqual(lab.periods(), [
      [30, 900],
      [90, 900],
    ])
    assert.deepEqual([lab.bulkOrder().state, lab.bulkOrder().late], ["pending", false])
    lab.now = NOON + 30 * MINUTE
    lab.wakeAfter(100)
    assert.equal(lab.bulkOrder().late, false, "it may not have said so yet")
    lab.status("a-b", "ACTIVE")
    lab.wakeAfter(5000)
    lab.confirmAll()
    assert.equal(lab.service("a", "b")?.path?.rateBps, 900)

    const broken = new ProfileLab({ links: ["a-b"] })
    broken.profile("a-b", passes)
    broken.now = NOON + 35 * MINUTE
    broken.status("a-b", "OFF")
    assert.equal(broken.bulk(900 * 500, 600).ok, false, "it should be up, and is not")
  })

  it("of passes makes no alarm of a link that is down between them; in a pass that is a minute old it is one", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    const alarms = (): string[] => linkAlarms(lab.link("a-b")).map(({ type }) => type)
    const goTo = (minutes: number): void => {
      lab.now = NOON + minutes * MINUTE
      lab.submit({ kind: "wake" })
    }
    lab.status("a-b", "OFF")
    assert.deepEqual(alarms(), ["link-down"], "nothing is known of its passes")
    // Ten minutes of every hour, from half past on.
    lab.profile(
      "a-b",
      profileOf(
        [
          [30, 1000],
          [40, 0],
        ],
        3600,
      ),
    )
    assert.deepEqual([alarms(), lab.link("a-b").rests?.until], [[], at(30)])
    goTo(30)
    assert.deepEqual([alarms(), lab.link("a-b").rests?.until], [[], at(30)])
    lab.effects.length = 0
    goTo(31)
    assert.deepEqual(alarms(), ["link-down"], "it should be up by now")
    assert.ok(lab.notices().includes("link.down"))
    lab.status("a-b", "ACTIVE")
    assert.deepEqual(alarms(), [])
    goTo(39)
    lab.status("a-b", "OFF")
    assert.deepEqual(alarms(), ["link-down"], "it is lost within the pass")
    goTo(40)
    assert.deepEqual([alarms(), lab.link("a-b").rests?.until], [[], at(90)])
    const { a, b } = lab.link("a-b")
    lab.submit({ kind: "link-changed", link: { qkdlId: "a-b", a, b, lengthKm: 7 } })
    assert.deepEqual(alarms(), [], "a new entry in the inventory changes nothing of that")
    lab.profile("a-b", null)
    assert.deepEqual([alarms(), lab.link("a-b").rests], [["link-down"], undefined])
  })

  it("wakes the controller when a link need not be up any more, or should be", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    lab.profile(
      "a-b",
      profileOf([
        [10, 0],
        [20, 1000],
        [30, 0],
      ]),
    )
    const next = (): number[] =>
      lab.last.effects.flatMap((one) => (one.kind === "wake" ? [(one.atMs - NOON) / MINUTE] : []))
    const seen: number[] = []
    for (let round = 0; round < 20 && next().length > 0; round += 1) {
      const minutes = Math.min(...next())
      seen.push(minutes)
      lab.now = NOON + minutes * MINUTE
      lab.submit({ kind: "wake" })
    }
    for (const minutes of [10, 20, 21, 30]) assert.ok(seen.includes(minutes), seen.join())
    assert.deepEqual(lab.link("a-b").rests, {}, "and then it rests for good")
  })

  it("taken away, leaves what is measured", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    lab.profile("a-b", profileOf([[10, 0]]))
    assert.equal(lab.bulk(900 * 1200, 60).ok, false)
    lab.profile("a-b", null)
    assert.equal(lab.link("a-b").rateProfile, undefined)
    assert.equal(lab.bulk(900 * 1200, 60).ok, true)
  })

  it("stays when the link's inventory entry changes", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    lab.profile("a-b", profileOf([[10, 0]]))
    const { a, b } = lab.link("a-b")
    lab.submit({ kind: "link-changed", link: { qkdlId: "a-b", a, b, lengthKm: 7 } })
    assert.notEqual(lab.link("a-b").rateProfile, undefined)
  })

  it("is refused for faults, each with its place", () => {
    const lab = new ProfileLab({ links: ["a-b"] })
    const fault = (profile: RateProfile, link = "a-b"): unknown => {
      const reply = lab.profile(link, profile)
      assert.ok(!reply.ok)
      return [reply.tag, reply.path]
    }
    assert.deepEqual(fault(profileOf([[0, 1]]), "a-x"), ["data-missing", undefined])
    assert.deepEqual(fault(profileOf([])), ["invalid-value", "/profile"])
    assert.deepEqual(
      fault(
        profileOf([
          [5, 1],
          [5, 2],
        ]),
      ),
      ["invalid-value", "/profile/1/at"],
    )
    assert.deepEqual(fault(profileOf([[5, 1.5]])), ["invalid-value", "/profile/0/skrBps"])
    assert.deepEqual(
      fault(
        profileOf(
          [
            [0, 1],
            [5, 2],
          ],
          300,
        ),
      ),
      ["invalid-value", "/repeatS"],
    )
    assert.deepEqual(fault(profileOf([[0, 1]], 59)), ["invalid-value", "/repeatS"])
    assert.equal(lab.link("a-b").rateProfile, undefined)
  })

  it("that repeats has the same rate a period later and earlier, and says when it changes", () => {
    const day = profileOf(
      [
        [0, 100],
        [360, 400],
      ],
      86_400,
    )
    for (const days of [-3, 0, 5]) {
      const ms = NOON + days * 86_400_000
      assert.deepEqual(
        [rateAt(day, ms - 1), rateAt(day, ms), rateAt(day, ms + 360 * MINUTE)],
        [400, 100, 400],
      )
    }
    const hours = changesBetween(day, NOON, NOON + 2 * 86_400_000, 9).map(
      (ms) => (ms - NOON) / 3_600_000,
    )
    assert.deepEqual(hours, [6, 24, 30])
    assert.equal(meanRate(day), (100 * 6 + 400 * 18) / 24)
  })
})
