// What the page knows and says: the store fed by a fake controller's notices, the words, the drawn scene.

import assert from "node:assert/strict"
import { fit, layOut } from "../../src/dashboard/layout.js"
import { buildScene, hit, onCurve, type Scene } from "../../src/dashboard/scene.js"
import { Store } from "../../src/dashboard/store.js"
import { isLink, isNode, isService } from "../../src/dashboard/types.js"
import { networkView, noticeView } from "../../src/north/views.js"
import { FakeController, testUuid } from "../north/fake-controller.js"
import { luxembourg, ring } from "../north/topologies.js"

interface Bench {
  readonly controller: FakeController
  readonly store: Store
  /** Hands the store what was told since. */
  readonly tell: () => void
  readonly texts: () => string[]
}

function bench(topology = luxembourg): Bench {
  const controller = new FakeController(topology)
  const store = new Store(() => Date.parse(controller.time()))
  const view = networkView(controller.network(), controller.epoch, controller.lastSeq())
  store.snapshot({
    ...view,
    nodes: view.nodes.filter(isNode),
    links: view.links.filter(isLink),
    services: view.services.filter(isService),
  })
  return {
    controller,
    store,
    tell: () => {
      for (const notice of controller.noticesSince(store.position?.seq ?? 0) ?? []) {
        store.notice(noticeView(notice))
      }
    },
    texts: () => store.events.map((line) => line.text),
  }
}

async function order(
  controller: FakeController,
  n: number,
  a: string,
  b: string,
  bps: number,
): Promise<void> {
  await controller.order({
    serviceId: testUuid(9, n),
    aSaeId: a,
    bSaeId: b,
    terms: { minRateBps: bps, priority: 0, avoidNodes: [] },
  })
}

function sceneOf(store: Store, size = { width: 700, height: 500 }): Scene {
  const layout = layOut(store.nodes.values(), store.links.values())
  const view = fit(layout.points.values(), size, { x: 96, y: 76 })
  return buildScene({ store, layout, view, size, measure: (text) => text.length * 7 })
}

describe("what the page knows", () => {
  it("shows bulk orders as they come on, and tells what is worth a line", () => {
    const { controller, store, tell, texts } = bench()
    controller.orderBulk({
      kind: "bulk-ordered",
      orderId: "o-1",
      fromSaeId: "sae-windhof",
      toSaeId: "sae-betzdorf",
      volumeBits: 2560,
      keySizeBits: 256,
      deadlineMs: Date.parse("2026-03-03T09:00:00Z"),
      terms: { priority: 0, avoidNodes: [] },
      bestEffort: false,
    })
    tell()
    const order = store.orders.get("o-1")
    assert.deepEqual([order?.state, order?.volumeBits, order?.deliveredBits], ["pending", 2560, 0])
    assert.deepEqual(texts(), ["Bulk order sae-windhof → sae-betzdorf was accepted"])
    const { seq } = store.position ?? assert.fail()
    const gone = {
      seq: seq + 1,
      time: controller.time(),
      topic: "order",
      type: "order.removed",
    } as const
    store.notice({ ...gone, id: "o-1", value: null })
    assert.equal(store.orders.size, 0)
  })

  it("is what the controller told, each notice once", () => {
    const { controller, store, tell } = bench()
    controller.setLink("windhof-kirchberg", false)
    tell()
    const [notice] = controller.noticesSince(0) ?? []
    assert.ok(notice !== undefined)
    store.notice({ ...noticeView(notice), value: null })
    const id = controller.link("windhof-kirchberg").qkdlId
    assert.equal(store.links.get(id)?.status, "PASSIVE", "an old notice changes nothing")
    assert.equal(store.position?.seq, controller.lastSeq())
  })

  it("sums what services promise on each link and names who rides there", async () => {
    const { controller, store, tell } = bench()
    await order(controller, 1, "sae-windhof", "sae-betzdorf", 256)
    await order(controller, 2, "sae-windhof", "sae-kirchberg", 8000)
    controller.settle()
    tell()
    const west = controller.link("windhof-kirchberg")
    assert.equal(store.promisedBps.get(west.qkdlId), 8256)
    assert.equal(store.riders.get(west.qkdlId)?.length, 2)
    const link = store.links.get(west.qkdlId)
    assert.ok(link !== undefined)
    assert.equal(store.shareOf(link), 8256 / (west.capacityBps ?? 0))
    await controller.cancel(testUuid(9, 2))
    tell()
    assert.equal(store.promisedBps.get(west.qkdlId), 256)
  })

  it("lets go of a selection whose thing is gone", async () => {
    const { controller, store, tell } = bench()
    await order(controller, 1, "sae-windhof", "sae-betzdorf", 256)
    tell()
    store.select({ kind: "service", id: testUuid(9, 1) })
    await controller.cancel(testUuid(9, 1))
    tell()
    assert.equal(store.selection, undefined)
  })

  it("keeps readings for the small plots, no more than it needs", () => {
    const { controller, store, tell } = bench()
    for (let i = 0; i < 1200; i += 1) controller.tick()
    tell()
    const samples = store.samples.get(controller.link("windhof-kirchberg").qkdlId) ?? []
    assert.ok(samples.length <= 900 && samples.length > 0)
  })
})

describe("events in plain words", () => {
  it("tell a fibre cut without another path, and its mending", async () => {
    const { controller, tell, texts } = bench()
    await order(controller, 1, "sae-windhof", "sae-betzdorf", 256)
    controller.settle()
    controller.tick()
    controller.setLink("windhof-kirchberg", false)
    controller.settle()
    controller.setReach("Betzdorf", "unreachable")
    controller.setLink("windhof-kirchberg", true)
    controller.settle()
    controller.say("alarm", "Module 1 at Windhof is warm")
    tell()
    assert.deepEqual(texts(), [
      "Service sae-windhof ↔ sae-betzdorf was ordered",
      "Service sae-windhof ↔ sae-betzdorf is active over Windhof · Kirchberg · Betzdorf",
      "Link Windhof – Kirchberg stopped generating: no light received",
      "Service sae-windhof ↔ sae-betzdorf is degraded: keys come from stock: no other path",
      "Node Betzdorf is unreachable, keys may still flow",
      "Link Windhof – Kirchberg generates keys",
      "Service sae-windhof ↔ sae-betzdorf is active over Windhof · Kirchberg · Betzdorf",
      "Module 1 at Windhof is warm",
    ])
  })

  it("tell where a service moved, and say which of two parallel links it was", async () => {
    const { controller, tell, texts } = bench(ring(4))
    await order(controller, 1, "sae-site-1", "sae-site-4", 256)
    controller.settle()
    controller.setLink("l4", false)
    controller.settle()
    controller.setLink("l1b", false)
    tell()
    assert.deepEqual(texts().slice(-2), [
      "Service sae-site-1 ↔ sae-site-4 moved: now over Site 1 · Site 2 · Site 3 · Site 4",
      "Link Site 1 – Site 2 (l1b) stopped generating: no light received",
    ])
  })

  it("read the journal from before the page opened as it was then", async () => {
    const { controller, store, texts } = bench()
    await order(controller, 1, "sae-windhof", "sae-betzdorf", 256)
    controller.settle()
    controller.setLink("windhof-kirchberg", false)
    controller.tick()
    store.history((controller.noticesSince(0) ?? []).map(noticeView))
    store.history((controller.noticesSince(0) ?? []).map(noticeView))
    assert.deepEqual(texts(), [
      "Service sae-windhof ↔ sae-betzdorf was ordered",
      "Service sae-windhof ↔ sae-betzdorf is active over Windhof · Kirchberg · Betzdorf",
      "Link Windhof – Kirchberg stopped generating: no light received",
    ])
  })
})

describe("what is drawn", () => {
  it("dashes and crosses a link that is down and keeps its colour out of the scale", () => {
    const { controller, store, tell } = bench()
    controller.setLink("windhof-kirchberg", false)
    tell()
    const drawn = sceneOf(store)
    const [west, east] = ["windhof-kirchberg", "kirchberg-betzdorf"].map((name) =>
      drawn.links.find((link) => link.id === controller.link(name).qkdlId),
    )
    assert.ok(west?.down === true && west.token === "--down" && west.text === "from stock")
    assert.ok(east?.down === false && east.token === "--use-low" && east.text.endsWith("bit/s"))
  })

  it("bows parallel links apart", () => {
    const { store } = bench(ring(4))
    const drawn = sceneOf(store)
    const mids = drawn.links
      .filter((link) => ["l1", "l1b"].includes(store.links.get(link.id)?.name ?? ""))
      .map((link) => onCurve(link, 0.5))
    const [p, q] = mids
    assert.ok(p !== undefined && q !== undefined)
    assert.ok(Math.hypot(p.x - q.x, p.y - q.y) > 25)
  })

  it("lights the path of the selected service and dims the rest", async () => {
    const { controller, store, tell } = bench(ring(5))
    await order(controller, 1, "sae-site-1", "sae-site-3", 256)
    controller.settle()
    tell()
    store.select({ kind: "service", id: testUuid(9, 1) })
    const drawn = sceneOf(store)
    assert.equal(drawn.links.filter((link) => link.onPath).length, 2)
    assert.ok(drawn.links.every((link) => link.onPath !== link.dim))
    const roles = drawn.nodes.map((node) => node.role).sort()
    assert.deepEqual(roles.slice(0, 3), ["relay", "sae-site-1", "sae-site-3"])
  })

  it("is found again under the pointer", () => {
    const { store } = bench()
    const drawn = sceneOf(store)
    for (const node of drawn.nodes) {
      assert.deepEqual(hit(drawn, { x: node.x + 5, y: node.y })?.id, node.id)
    }
    for (const link of drawn.links) {
      const at = onCurve(link, 0.3)
      assert.equal(hit(drawn, { x: at.x, y: at.y + 4 })?.id, link.id)
    }
    assert.equal(hit(drawn, { x: 2, y: 2 }), undefined)
  })
})
