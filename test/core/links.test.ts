// What the ends of a link report, brought together; how measurements become what admission counts with; flapping.

import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import { linkAlarms } from "../../src/core/alarms.js"
import { linkView } from "../../src/north/views.js"
import { Dice } from "./dice.js"
import { Lab } from "./lab.js"

describe("a link reported by both of its ends", () => {
  it("R4: is as bad as the worse of them", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.hear("a", {
      kind: "link-performance",
      qkdlId: "a-b",
      performance: { skrBps: 900, eskrBps: 850, qber: 0.02, stockBits: 5000 },
    })
    lab.now += 5000
    lab.hear("b", {
      kind: "link-performance",
      qkdlId: "a-b",
      performance: { skrBps: 700, eskrBps: 690, qber: 0.05, stockBits: 9000 },
    })
    assert.deepEqual(lab.link("a-b").performance, {
      skrBps: 700,
      eskrBps: 690,
      qber: 0.05,
      stockBits: 5000,
    })
  })

  const qber = (lab: Lab, qkdnId: string, ratio: number): void => {
    const performance = { skrBps: 900, qber: ratio, stockBits: 5000 }
    lab.hear(qkdnId, { kind: "link-performance", qkdlId: "a-b", performance })
  }
  /** A minute of reports from both ends. */
  const minute = (lab: Lab, qberA: number, qberB: number): void => {
    for (let s = 0; s < 60; s += 5) {
      qber(lab, "a", qberA)
      lab.now += 2500
      qber(lab, "b", qberB)
      lab.now += 2500
    }
  }
  const alarms = (lab: Lab): string[] =>
    linkAlarms(lab.link("a-b")).map(({ type, message }) => `${type}: ${message}`)

  it("R4: is doubted, in an alarm that names both words, when its ends go on telling different error rates", () => {
    for (const [qberA, qberB, told] of [
      [0.08, 0.02, "8.0 % at a and 2.0 % at b"],
      [0.02, 0.03, "2.0 % at a and 3.0 % at b"],
      [0, 0.0051, "0.0 % at a and 0.5 % at b"],
    ] as const) {
      const lab = new Lab({ links: ["a-b"] })
      minute(lab, 0.02, 0.021)
      assert.deepEqual(alarms(lab), [])
      const from = lab.now
      minute(lab, qberA, qberB)
      const what = `its ends tell different error rates, ${told}`
      assert.deepEqual(alarms(lab), [`link-doubted: link a-b: ${what}`])
      const [alarm] = linkAlarms(lab.link("a-b"))
      assert.equal(alarm?.severity, "MAJOR")
      assert.ok(Date.parse(alarm.since ?? "") - from <= 2500, alarm.since)
      assert.equal(lab.link("a-b").performance.qber, Math.max(qberA, qberB), "the worse counts")
      assert.equal(linkView(lab.link("a-b")).doubt?.qberB, qberB)
      minute(lab, qberA, qberA)
      assert.deepEqual(alarms(lab), [])
    }
  })

  it("R4: is doubted whichever end lies, in either direction, and not for what both tell alike", () => {
    const dice = new Dice(randomInt(2 ** 31))
    for (let round = 0; round < 300; round += 1) {
      const lab = new Lab({ links: ["a-b"] })
      const honest = dice.below(1000) / 10_000
      const other = dice.below(1000) / 10_000
      const apart = Math.abs(honest - other)
      minute(lab, honest, honest)
      minute(
        lab,
        ...(dice.below(2) === 0 ? ([honest, other] as const) : ([other, honest] as const)),
      )
      const doubted = alarms(lab).length > 0
      const bound = Math.max(
        lab.settings.doubtQber,
        lab.settings.doubtShare * Math.max(honest, other),
      )
      if (Math.abs(apart - bound) > 1e-9)
        assert.equal(doubted, apart > bound, `${honest} and ${other}`)
    }
  })

  it("R4: is not doubted for reports that cross, for an end that tells no error rate, or while it is down", () => {
    const lab = new Lab({ links: ["a-b"] })
    minute(lab, 0.02, 0.02)
    // The line is disturbed: one end tells it 20 s before the other.
    qber(lab, "a", 0.09)
    lab.now += 20_000
    qber(lab, "a", 0.09)
    qber(lab, "b", 0.09)
    lab.now += 60_000
    qber(lab, "a", 0.09)
    assert.deepEqual(alarms(lab), [])
    for (let s = 0; s < 60; s += 5) {
      lab.now += 5000
      lab.hear("b", { kind: "link-performance", qkdlId: "a-b", performance: { skrBps: 900 } })
      qber(lab, "a", 0.01)
    }
    assert.deepEqual(alarms(lab), [])
    minute(lab, 0.01, 0.09)
    assert.equal(alarms(lab).length, 1)
    lab.linkDown("a-b")
    assert.deepEqual(
      linkAlarms(lab.link("a-b")).map(({ type }) => type),
      ["link-down"],
    )
    assert.equal(lab.link("a-b").doubt, undefined)
  })

  it("R4: is doubted too when the lie is only what the nodes are read for, since the figures stand still", () => {
    const lab = new Lab({ links: ["a-b"] })
    qber(lab, "a", 0.06)
    qber(lab, "b", 0.01)
    lab.now += lab.settings.doubtMs
    qber(lab, "a", 0.06)
    assert.equal(alarms(lab).length, 1)
  })

  it("is up only when both ends say so", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.linkDown("a-b")
    const up = {
      kind: "event",
      resource: { kind: "link", qkdlId: "a-b", status: "ACTIVE" },
    } as const
    lab.hear("a", up)
    assert.equal(lab.link("a-b").status, "PASSIVE")
    lab.hear("b", up)
    assert.equal(lab.link("a-b").status, "ACTIVE")
    assert.equal(lab.link("a-b").reason, undefined)
  })

  it("is up by the word of one end when the other's node cannot be heard", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.linkDown("a-b")
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "timeout" })
    const up = {
      kind: "event",
      resource: { kind: "link", qkdlId: "a-b", status: "ACTIVE" },
    } as const
    lab.hear("a", up)
    assert.equal(lab.link("a-b").status, "ACTIVE")
  })

  it("that is down and empty is OFF, with keys in store PASSIVE", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    const report = (qkdlId: string, stockBits: number): void => {
      lab.hear("b", { kind: "link-performance", qkdlId, performance: { skrBps: 9, stockBits } })
    }
    report("a-b", 0)
    report("b-c", 100)
    lab.linkDown("a-b")
    lab.linkDown("b-c")
    assert.equal(lab.link("a-b").status, "OFF")
    assert.equal(lab.link("b-c").status, "PASSIVE")
  })

  it("of a plain 015 node, which never says up, is up again when keys are made for a while", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.linkDown("a-b")
    lab.now += 1000
    lab.rate("a-b", 800)
    assert.equal(lab.link("a-b").status, "PASSIVE")
    lab.now += lab.settings.upByRateMs
    lab.rate("a-b", 800)
    assert.equal(lab.link("a-b").status, "ACTIVE")
  })

  it("of which a stranger reports, or that nobody entered, changes nothing", () => {
    const lab = new Lab({ links: ["a-b", "b-c"] })
    lab.hear("c", { kind: "link-down", qkdlId: "a-b" })
    lab.hear("a", { kind: "link-down", qkdlId: "unheard-of" })
    assert.equal(lab.link("a-b").status, "ACTIVE")
    assert.deepEqual(lab.notices(), [])
  })
})

describe("a measurement", () => {
  const changed = (lab: Lab): string[] => lab.last.changes.map((change) => change.kind)

  it("that moved by less than a hundredth is no news", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.rate("a-b", 1000)
    lab.now += 60_000
    lab.submit({ kind: "performance", reports: reportsOf(995) })
    assert.equal(changed(lab).includes("link"), false)
    lab.submit({ kind: "performance", reports: reportsOf(980) })
    assert.equal(changed(lab).includes("link"), true)
  })

  it("is told once a second at most, unless it moved far", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.rate("a-b", 1000)
    lab.now += 100
    lab.submit({ kind: "performance", reports: reportsOf(950) })
    assert.equal(changed(lab).includes("link"), false)
    lab.submit({ kind: "performance", reports: reportsOf(500) })
    assert.equal(changed(lab).includes("link"), true)
  })

  it("takes the place of the inventory's estimate, then moves the counted rate by and by", () => {
    const lab = new Lab({ links: ["a-b"], skrBps: 5000 })
    assert.equal(lab.link("a-b").capacityBps, 5000)
    lab.now += 60_000
    lab.rate("a-b", 1000)
    assert.equal(lab.link("a-b").capacityBps, 1000)
    lab.now += 2000
    lab.rate("a-b", 2000)
    const soon = lab.link("a-b").capacityBps ?? 0
    assert(soon > 1000 && soon < 1400, `${soon}`)
    lab.now += 60_000
    lab.rate("a-b", 1900)
    assert(Math.abs((lab.link("a-b").capacityBps ?? 0) - 1900) < 10)
  })

  it("of nothing, told while the link was down, keeps no order waiting once it generates", () => {
    const lab = new Lab({ links: ["a-b"], skrBps: 5000 })
    lab.linkDown("a-b")
    lab.rate("a-b", 0)
    lab.status("a-b", "ACTIVE")
    assert.equal(lab.link("a-b").capacityBps, 5000)
    lab.order("a", "b", { minRateBps: 100 })
    assert.notEqual(lab.service("a", "b")?.state, "failed")
  })

  it("that grows in the first moments of a link is counted with in full at once, later by and by", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.linkDown("a-b")
    lab.now += 60_000
    lab.status("a-b", "ACTIVE")
    for (const rate of [500, 3000, 4000]) {
      lab.now += 1500
      lab.rate("a-b", rate)
      assert.equal(lab.link("a-b").capacityBps, rate)
      assert.equal(lab.link("a-b").steady?.bps, rate)
    }
    lab.now += 30_000
    lab.rate("a-b", 4100)
    lab.now += 1000
    lab.rate("a-b", 8000)
    assert((lab.link("a-b").capacityBps ?? 0) < 5000)
  })

  it("that stands still is counted with in full after a while, and is no news from then on", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.rate("a-b", 1000)
    for (let report = 0; report < 8; report++) {
      lab.now += 15_000
      lab.submit({ kind: "performance", reports: reportsOf(600_000) })
    }
    const counted = lab.link("a-b").capacityBps ?? 0
    assert(counted > 590_000, `${counted}`)
    assert.equal(changed(lab).includes("link"), false)
  })

  it("that fell counts at once: nothing is promised that is not made", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.rate("a-b", 1000)
    lab.now += 1500
    lab.rate("a-b", 100)
    lab.request("a", "b", 200)
    assert.match(lab.refusals()[0]?.reason ?? "", /best is 90 bit\/s/)
  })

  it("of what remains after the link's own use is what admission counts with", () => {
    const lab = new Lab({ links: ["a-b"] })
    for (const node of ["a", "b"]) {
      lab.hear(node, {
        kind: "link-performance",
        qkdlId: "a-b",
        performance: { skrBps: 1000, eskrBps: 600 },
      })
    }
    lab.request("a", "b", 600)
    assert.match(lab.refusals()[0]?.reason ?? "", /best is 540 bit\/s/)
  })

  it("that rises lets an order in that was waiting for it", () => {
    const lab = new Lab({ links: ["a-b"], skrBps: 10 })
    lab.order("a", "b", { minRateBps: 50 })
    assert.equal(lab.service("a", "b")?.state, "failed")
    lab.rate("a-b", 100)
    assert(lab.effects.some((effect) => effect.kind === "wake"))
    lab.wakeAfter(lab.settings.retryMs)
    lab.confirmAll()
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  function reportsOf(
    skrBps: number,
  ): { qkdnId: string; qkdlId: string; performance: { skrBps: number } }[] {
    return ["a", "b"].map((qkdnId) => ({ qkdnId, qkdlId: "a-b", performance: { skrBps } }))
  }
})

describe("a link that flaps", () => {
  it("is the last choice for a while after it came back, longer each time", () => {
    const lab = new Lab({ links: ["a-b", "a-c", "c-b"] })
    lab.rate("a-b", 9000)
    lab.linkDown("a-b")
    lab.status("a-b", "ACTIVE")
    lab.request("a", "b")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-c", "c-b"])
    const first = (lab.link("a-b").hold?.untilMs ?? 0) - lab.now
    lab.linkDown("a-b")
    lab.status("a-b", "ACTIVE")
    const second = (lab.link("a-b").hold?.untilMs ?? 0) - lab.now
    assert.equal(second, 2 * first)
    lab.wakeAfter(second)
    assert.equal(lab.link("a-b").hold?.held, false)
    lab.now += lab.settings.flapWindowMs
    lab.linkDown("a-b")
    lab.status("a-b", "ACTIVE")
    assert.equal((lab.link("a-b").hold?.untilMs ?? 0) - lab.now, first)
  })

  it("is used at once all the same where there is no other", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.rate("a-b", 900)
    lab.linkDown("a-b")
    lab.status("a-b", "ACTIVE")
    assert.equal(lab.link("a-b").hold?.held, true)
    lab.request("a", "b", 10)
    lab.confirmAll()
    assert.equal(lab.service("a", "b")?.state, "active")
  })

  it("is held off also when the controller has no measurement of it yet, as after a restart", () => {
    const lab = new Lab({ links: ["a-b"] })
    lab.linkDown("a-b")
    lab.status("a-b", "ACTIVE")
    assert.equal(lab.link("a-b").measuredAtMs, undefined)
    assert.equal(lab.link("a-b").hold?.held, true)
  })

  it("does not count its first coming up as a flap", () => {
    const lab = new Lab({ links: ["a-b"] })
    assert.equal(lab.link("a-b").hold, undefined)
  })
})
