// Planned maintenance that is changed in the core, in simulated time: what it means for links and services follows at once.

import assert from "node:assert/strict"
import type { Reply } from "../../src/core/event.js"
import { NOON } from "./lab.js"
import { MaintenanceLab, MINUTE, TRIANGLE, type Window } from "./maintenance-lab.js"

const time = (minutes: number): string => new Date(NOON + minutes * MINUTE).toISOString()

/** Times are minutes after noon. */
function change(lab: MaintenanceLab, { link, node = "", from, until }: Window): Reply {
  return lab.submit({
    kind: "maintenance-changed",
    maintenanceId: lab.window()?.maintenanceId ?? "",
    target: link === undefined ? { qkdnId: node } : { qkdlId: link },
    ...(from === undefined ? {} : { beginMs: NOON + from * MINUTE }),
    endMs: NOON + until * MINUTE,
    reason: "splice",
  })
}

describe("planned maintenance that is changed", () => {
  it("keeps its name and who planned it, and begins as before where nothing is said", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", from: 20, until: 30 })
    const before = lab.window() ?? assert.fail()
    lab.effects.length = 0
    assert.deepEqual(change(lab, { link: "a-b", until: 40 }), {
      ok: true,
      id: before.maintenanceId,
    })
    assert.deepEqual(lab.window(), { ...before, end: time(40) })
    assert.deepEqual(lab.notices(), ["maintenance.changed"])
    lab.effects.length = 0
    assert.equal(change(lab, { link: "a-b", until: 40 }).ok, true)
    assert.deepEqual(lab.notices(), [], "nothing is different")
  })

  it("is made longer while it lasts: the link stays out until then, and comes back once", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.order("a", "b", { minRateBps: 300 })
    lab.confirmAll()
    lab.plan({ node: "b", until: 10 })
    lab.plan({ link: "a-b", from: 60, until: 90 })
    lab.at(5)
    lab.effects.length = 0
    change(lab, { node: "b", until: 20 })
    assert.deepEqual(lab.link("a-b").maintenance?.end, time(20))
    assert.deepEqual(lab.picture.node("b")?.maintenance?.end, time(20))
    assert.ok(!lab.notices().includes("link.up"))
    lab.at(10)
    assert.equal(lab.stage("a-b"), "out")
    lab.at(20)
    assert.deepEqual([lab.stage("a-b"), lab.picture.node("b")?.maintenance], [undefined, undefined])
  })

  it("is put off while it lasts: the link is in use until it begins again", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", until: 10 })
    change(lab, { link: "a-b", from: 30, until: 40 })
    assert.deepEqual([lab.window()?.state, lab.stage("a-b")], ["planned", undefined])
    lab.order("a", "b", { minRateBps: 300 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"])
    lab.at(25)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["c-a", "b-c"])
  })

  it("begins sooner: services move at once, and who cannot is named anew", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c"] })
    lab.order("a", "b", { minRateBps: 300 })
    lab.confirmAll()
    lab.plan({ link: "a-b", from: 60, until: 90 })
    change(lab, { link: "a-b", from: 3, until: 10 })
    const id = lab.service("a", "b")?.serviceId
    assert.deepEqual([lab.window()?.state, lab.window()?.staying], ["draining", [id]])
    lab.effects.length = 0
    change(lab, { link: "a-b", from: 0, until: 10 })
    assert.deepEqual([lab.window()?.state, lab.stage("a-b")], ["inProgress", "out"])
    assert.ok(lab.notices().includes("maintenance.begun"))
    assert.equal(lab.stateOfService("a", "b"), "degraded")
  })

  it("of another link gives the first one back", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", until: 10 })
    change(lab, { link: "b-c", until: 10 })
    assert.deepEqual([lab.stage("a-b"), lab.stage("b-c")], [undefined, "out"])
    change(lab, { node: "a", until: 10 })
    assert.deepEqual(
      [lab.stage("a-b"), lab.stage("b-c"), lab.stage("c-a")],
      ["out", undefined, "out"],
    )
    assert.deepEqual([lab.window()?.qkdlId, lab.window()?.qkdnId], [undefined, "a"])
  })

  it("has bulk orders scheduled anew: late across it, in time when it is over before", () => {
    const lab = new MaintenanceLab({ links: ["a-b"] })
    lab.bulk("a", "b", 1000, 10)
    lab.plan({ link: "a-b", from: 60, until: 90 })
    assert.equal(lab.bulkOrder().late, false)
    change(lab, { link: "a-b", from: 1, until: 20 })
    assert.equal(lab.bulkOrder().late, true)
    change(lab, { link: "a-b", from: 1, until: 2 })
    assert.equal(lab.bulkOrder().late, false)
  })

  it("is refused as one that is planned, with the place of the fault, and stays as it was", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", from: 20, until: 30 })
    const before = lab.window()
    for (const [wanted, tag, path] of [
      [{ link: "a-x", until: 40 }, "data-missing", "/link"],
      [{ node: "x", until: 40 }, "data-missing", "/node"],
      [{ link: "a-b", until: 20 }, "invalid-value", "/end"],
      [{ link: "a-b", from: -9, until: -1 }, "invalid-value", "/end"],
      [{ link: "a-b", from: 367 * 1440, until: 368 * 1440 }, "invalid-value", "/begin"],
    ] as const) {
      const reply = change(lab, wanted)
      assert.deepEqual([reply.ok, !reply.ok && [reply.tag, reply.path]], [false, [tag, path]])
    }
    assert.equal(lab.window(), before)
    const gone = lab.submit({
      kind: "maintenance-changed",
      maintenanceId: "nobody",
      target: { qkdlId: "a-b" },
      endMs: NOON + MINUTE,
      reason: "splice",
    })
    assert.deepEqual([gone.ok, !gone.ok && gone.tag], [false, "data-missing"])
  })
})
