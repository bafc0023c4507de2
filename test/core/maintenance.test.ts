// Planned maintenance in the core, in simulated time: services move off beforehand, and what is out as planned is no alarm.

import assert from "node:assert/strict"
import { nodeAlarms } from "../../src/core/alarms.js"
import { Picture } from "../../src/core/view.js"
import { nodeEntry } from "./lab.js"
import { MaintenanceLab, TRIANGLE } from "./maintenance-lab.js"
import type { Window } from "./maintenance-lab.js"

describe("planned maintenance", () => {
  it("moves services to another path before it begins, make before break, and takes the link again afterwards", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.order("a", "b", { minRateBps: 300 })
    lab.confirmAll()
    assert.deepEqual(lab.plan({ link: "a-b", from: 20, until: 30 }), {
      ok: true,
      id: lab.window()?.maintenanceId,
    })
    assert.deepEqual([lab.window()?.state, lab.stage("a-b")], ["planned", undefined])
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"], "nothing moves while it is far")
    lab.at(15)
    assert.deepEqual([lab.window()?.state, lab.stage("a-b")], ["draining", "leaving"])
    const moving = lab.service("a", "b")
    assert.equal(moving?.state, "active", "its old path serves until the new one stands")
    assert.deepEqual(
      [moving.path?.hops.length, moving.next?.hops.map(({ qkdlId }) => qkdlId)],
      [1, ["c-a", "b-c"]],
    )
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["c-a", "b-c"])
    assert.deepEqual(lab.window()?.staying, [])
    lab.at(20)
    assert.deepEqual([lab.window()?.state, lab.stage("a-b")], ["inProgress", "out"])
    lab.linkDown("a-b")
    assert.deepEqual([lab.stateOfService("a", "b"), lab.alarms("a-b")], ["active", []])
    lab.status("a-b", "ACTIVE")
    lab.at(30)
    assert.deepEqual([lab.window(), lab.stage("a-b")], [undefined, undefined])
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"], "the shorter path is back")
  })

  it("moves greater priority first: who cannot move stays until it begins, and is told", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a", "d-a", "e-a"] })
    lab.order("d", "b", { minRateBps: 400, priority: 1 })
    lab.order("e", "b", { minRateBps: 400, priority: 9 })
    lab.order("c", "b", { minRateBps: 400, priority: 5 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("d", "b")?.at(-1), "a-b")
    lab.effects.length = 0
    lab.plan({ link: "a-b", from: 3, until: 10 })
    lab.confirmAll()
    const low = lab.service("d", "b")
    assert.deepEqual(lab.window()?.staying, [low?.serviceId])
    assert.deepEqual(
      [lab.pathOf("e", "b"), lab.pathOf("d", "b"), low?.state],
      [["e-a", "c-a", "b-c"], ["d-a", "a-b"], "active"],
    )
    assert.equal(lab.notices().filter((type) => type === "service.staying").length, 1)
    lab.at(3)
    const cut = lab.service("d", "b")
    assert.equal(cut?.state, "degraded")
    assert.match(cut.reason ?? "", /^a - b is in maintenance until 2026-06-01T12:10:00.000Z/)
    lab.at(10)
    assert.equal(lab.stateOfService("d", "b"), "active")
  })

  it("tries again for those that stay: room that comes free before it begins is used", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a", "d-a"] })
    lab.order("c", "b", { minRateBps: 800 })
    lab.order("d", "b", { minRateBps: 400 })
    lab.confirmAll()
    lab.plan({ link: "a-b", from: 4, until: 10 })
    assert.equal(lab.window()?.staying.length, 1)
    lab.submit({
      kind: "service-cancelled",
      serviceId: lab.service("c", "b")?.serviceId ?? "",
    })
    lab.confirmAll()
    lab.wakeAfter(10_000)
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("d", "b"), ["d-a", "c-a", "b-c"])
    assert.deepEqual(lab.window()?.staying, [])
  })

  it("names who has to come back because the way round was taken out too, and tries again", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.order("a", "b", { minRateBps: 400 })
    lab.confirmAll()
    lab.plan({ link: "a-b", from: 4, until: 10 })
    const id = lab.service("a", "b")?.serviceId
    const windowId = lab.window()?.maintenanceId ?? ""
    const staying = (): readonly string[] => lab.picture.maintenance(windowId)?.staying ?? []
    assert.deepEqual(staying(), [], "it is on its way")
    lab.linkDown("b-c")
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["a-b"])
    lab.wakeAfter(10_000)
    lab.confirmAll()
    assert.deepEqual(staying(), [id])
    assert.equal(lab.notices().filter((type) => type === "service.staying").length, 1)
    lab.status("b-c", "ACTIVE")
    lab.wakeAfter(11_000)
    lab.confirmAll()
    assert.deepEqual([lab.pathOf("a", "b"), staying()], [["c-a", "b-c"], []])
  })

  it("moves the paths of 1+1 too, the one that is concerned", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a", "a-d", "d-b"] })
    lab.order("a", "b", { minRateBps: 100, protection: "1+1" })
    lab.confirmAll()
    const paths = (): string[][] => {
      const service = lab.service("a", "b")
      return [service?.path, ...(service?.beside ?? []).map(({ path }) => path)].map(
        (path) => path?.hops.map(({ qkdlId }) => qkdlId) ?? [],
      )
    }
    assert.ok(paths().some((path) => path.includes("a-b")))
    lab.plan({ link: "a-b", from: 2, until: 10 })
    assert.equal(lab.stateOfService("a", "b"), "active")
    lab.confirmAll()
    assert.deepEqual(paths().flat().sort(), ["a-d", "b-c", "c-a", "d-b"])
    lab.at(2)
    assert.equal(lab.stateOfService("a", "b"), "active")
  })

  it("lets a service return to the path it left only as its terms say", () => {
    for (const [revertive, path] of [
      [true, ["a-b"]],
      [false, ["c-a", "b-c"]],
    ] as const) {
      const lab = new MaintenanceLab(TRIANGLE)
      lab.order("a", "b", { minRateBps: 100, revertive, ...(revertive ? { holdOffS: 60 } : {}) })
      lab.confirmAll()
      lab.plan({ link: "a-b", from: 2, until: 10 })
      lab.confirmAll()
      lab.at(2)
      lab.at(10)
      lab.confirmAll()
      assert.deepEqual(lab.pathOf("a", "b"), ["c-a", "b-c"], "not before the hold-off is over")
      lab.at(11.1)
      lab.confirmAll()
      assert.deepEqual(lab.pathOf("a", "b"), path)
    }
  })

  it("puts no new path where it is near, and says so where there is no other", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a", "d-a"] })
    lab.plan({ link: "a-b", from: 4, until: 10 })
    lab.plan({ link: "d-a", from: 4, until: 10 })
    lab.order("a", "b", { minRateBps: 100 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "b"), ["c-a", "b-c"])
    lab.order("a", "d", { minRateBps: 100 })
    const failed = lab.service("a", "d")
    assert.equal(failed?.state, "failed")
    assert.match(
      failed.reason ?? "",
      /d is cut off: d - a is about to be in maintenance, from 2026-06-01T12:04:00.000Z until/,
    )
    lab.at(10)
    lab.confirmAll()
    assert.equal(lab.stateOfService("a", "d"), "active", "it is set up when maintenance is over")
  })

  it("keeps no backup on a link that goes out", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a", "a-d", "d-b"] })
    lab.order("a", "b", { minRateBps: 100, protection: "restore" })
    lab.confirmAll()
    lab.wakeAfter(1000)
    const backup = (): string[] =>
      lab.service("a", "b")?.backup?.hops.map(({ qkdlId }) => qkdlId) ?? []
    const [first = ""] = backup()
    lab.plan({ link: first, from: 4, until: 10 })
    lab.wakeAfter(1000)
    assert.equal(backup().length, 2)
    assert.ok(!backup().includes(first))
  })

  it("of a node takes out all its links: what passes goes round, what ends there is told", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "a-d", "d-e", "e-c"] })
    lab.order("a", "c", { minRateBps: 100 })
    lab.order("a", "b", { minRateBps: 100 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-b", "b-c"])
    lab.plan({ node: "b", from: 1, until: 10 })
    lab.confirmAll()
    assert.deepEqual(lab.pathOf("a", "c"), ["a-d", "d-e", "e-c"])
    assert.deepEqual(lab.window()?.staying, [lab.service("a", "b")?.serviceId])
    lab.at(1)
    lab.submit({ kind: "node-lost", qkdnId: "b", reason: "connection reset" })
    const node = lab.picture.node("b")
    assert.ok(node)
    assert.deepEqual([nodeAlarms(node), lab.alarms("a-b"), lab.alarms("b-c")], [[], [], []])
    lab.at(10)
    const after = lab.picture.node("b")
    assert.ok(after)
    assert.deepEqual(
      nodeAlarms(after).map(({ type }) => type),
      ["node-unreachable"],
      "it is still gone",
    )
  })

  it("is no alarm while it lasts; a link that is still down afterwards is one", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", from: 1, until: 10 })
    lab.linkDown("a-b")
    assert.deepEqual(lab.alarms("a-b"), ["link-down"], "too early is a fault")
    lab.at(1)
    assert.deepEqual(lab.alarms("a-b"), [])
    lab.effects.length = 0
    lab.at(10)
    assert.deepEqual(lab.alarms("a-b"), ["link-down"])
    assert.ok(lab.notices().includes("link.down"))
  })

  it("of a link lets the modules at its ends fail without an alarm, and no others; afterwards they are told", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    const failed = (name: string): (number | undefined)[] => {
      const node = lab.picture.node(name)
      assert.ok(node)
      return nodeAlarms(node).flatMap(({ type, qkdiId }) =>
        type === "interface-failed" ? [qkdiId] : [],
      )
    }
    const { a } = lab.link("a-b")
    const other = lab.link("c-a").b
    for (const { qkdiId } of [a, other])
      lab.hear("a", { kind: "interface-new", qkdInterface: { qkdiId } })
    lab.plan({ link: "a-b", from: 1, until: 10 })
    lab.hear("a", { kind: "interface-down", qkdiId: a.qkdiId })
    assert.deepEqual(failed("a"), [a.qkdiId], "too early is a fault")
    lab.at(1)
    assert.deepEqual(failed("a"), [])
    lab.hear("a", { kind: "interface-down", qkdiId: other.qkdiId })
    assert.deepEqual(failed("a"), [other.qkdiId], "its other module is not in maintenance")
    const entry = nodeEntry("a", { name: "renamed" })
    assert.equal(lab.submit({ kind: "node-changed", node: entry }).ok, true)
    assert.deepEqual(failed("a"), [other.qkdiId])
    lab.at(10)
    assert.deepEqual(failed("a"), [a.qkdiId, other.qkdiId].sort())
    assert.equal(lab.picture.node("a")?.interfacesOut, undefined)
  })

  it("of a link that is removed meanwhile leaves no module that may fail unheard", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", until: 10 })
    assert.equal(lab.picture.node("b")?.interfacesOut?.length, 1)
    lab.submit({ kind: "link-removed", qkdlId: "a-b" })
    assert.equal(lab.picture.node("b")?.interfacesOut, undefined)
  })

  it("called off, gives the link back at once", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", until: 10 })
    assert.equal(lab.stage("a-b"), "out")
    const maintenanceId = lab.window()?.maintenanceId ?? ""
    assert.equal(lab.submit({ kind: "maintenance-cancelled", maintenanceId }).ok, true)
    assert.deepEqual([lab.stage("a-b"), lab.window()], [undefined, undefined])
    const again = lab.submit({ kind: "maintenance-cancelled", maintenanceId })
    assert.deepEqual([again.ok, !again.ok && again.tag], [false, "data-missing"])
  })

  it("that overlaps another leaves the link out until the last is over", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", from: 1, until: 5 })
    lab.plan({ node: "a", from: 4, until: 8 })
    lab.at(4.5)
    lab.at(5)
    assert.deepEqual([lab.stage("a-b"), lab.stage("c-a")], ["out", "out"])
    lab.at(8)
    assert.deepEqual([lab.stage("a-b"), lab.stage("c-a")], [undefined, undefined])
  })

  it("goes with the link or node that is removed, and holds for a link that is added at the node", () => {
    const lab = new MaintenanceLab({ links: ["a-b", "b-c", "c-a"] })
    lab.plan({ link: "a-b", until: 10 })
    lab.submit({ kind: "link-removed", qkdlId: "a-b" })
    assert.equal(lab.window(), undefined)
    lab.plan({ node: "a", until: 10 })
    lab.submit({
      kind: "link-added",
      link: { qkdlId: "a-b", a: { qkdnId: "a", qkdiId: 7 }, b: { qkdnId: "b", qkdiId: 7 } },
    })
    assert.equal(lab.stage("a-b"), "out")
  })

  it("is refused for faults, each with its place", () => {
    const lab = new MaintenanceLab(TRIANGLE, { maintenanceMost: 1 })
    const fault = (window: Window): unknown => {
      const reply = lab.plan(window)
      assert.ok(!reply.ok)
      return [reply.tag, reply.path]
    }
    assert.deepEqual(fault({ link: "a-x", until: 1 }), ["data-missing", "/link"])
    assert.deepEqual(fault({ node: "x", until: 1 }), ["data-missing", "/node"])
    assert.deepEqual(fault({ link: "a-b", from: 5, until: 5 }), ["invalid-value", "/end"])
    assert.deepEqual(fault({ link: "a-b", from: -5, until: -1 }), ["invalid-value", "/end"])
    assert.deepEqual(fault({ link: "a-b", from: 600_000, until: 600_001 }), [
      "invalid-value",
      "/begin",
    ])
    assert.equal(lab.plan({ link: "a-b", until: 1 }).ok, true)
    assert.deepEqual(fault({ link: "a-b", until: 1 }), ["resource-denied", undefined])
  })

  it("stands after a restart as it stood before, and ends in time", () => {
    const lab = new MaintenanceLab(TRIANGLE)
    lab.plan({ link: "a-b", until: 10 })
    const { nodes, links, maintenance } = lab.picture.snapshot()
    const later = new Picture(1, [
      ...[...nodes].map(([id, value]) => ({ kind: "node", id, value }) as const),
      ...[...links].map(([id, value]) => ({ kind: "link", id, value }) as const),
      ...[...maintenance].map(([id, value]) => ({ kind: "maintenance", id, value }) as const),
    ])
    assert.equal(later.snapshot().maintenance.size, 1)
    Object.assign(lab, { picture: later })
    assert.equal(lab.stage("a-b"), "out")
    lab.at(10)
    assert.deepEqual([lab.stage("a-b"), lab.window()], [undefined, undefined])
  })
})
