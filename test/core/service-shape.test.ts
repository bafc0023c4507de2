// Services written in one order of fields lose none of them.

import assert from "node:assert/strict"
import { inShape, withNext } from "../../src/core/service-shape.js"
import type { KeyPath, Service } from "../../src/model/service.js"

const path: KeyPath = {
  qkdlId: "v",
  hops: [{ qkdlId: "ab", from: "a", to: "b" }],
  nodes: ["a", "b"],
  rateBps: 10,
  phase: "up",
  awaiting: [],
  sinceRevision: 1,
}

/** With every field there is: a new one that is not written here does not compile. */
const whole: Required<Service> = {
  changedAt: "2026-01-02T00:00:00Z",
  createdAt: "2026-01-01T00:00:00Z",
  admittedAt: "2026-01-01T00:00:01Z",
  surplus: { bps: 5 },
  avoiding: [{ qkdnId: "c", untilMs: 1, reason: "refused" }],
  leaving: [path],
  home: { hops: path.hops, nodes: path.nodes },
  noBackup: "none",
  backup: { ...path, disjoint: "node", keptOn: ["ab"], against: ["cd"] },
  beside: [{ path }],
  next: path,
  path,
  reason: "why",
  state: "active",
  ordered: { orderId: "o", qkdnId: "a", keySizeBits: 256, untilBits: 512 },
  terms: { minRateBps: 10, priority: 0, avoidNodes: [] },
  b: { saeId: "y", qkdnId: "b" },
  a: { saeId: "x", qkdnId: "a" },
  origin: "order",
  serviceId: "s",
}

describe("a service that is written", () => {
  it("keeps every field it has, and gets none it has not", () => {
    const changedAt = "2026-01-03T00:00:00Z"
    assert.deepEqual(inShape(whole, changedAt), { ...whole, changedAt })
    const { serviceId, origin, a, b, terms, state, leaving, createdAt } = whole
    const bare = { serviceId, origin, a, b, terms, state, leaving, createdAt, changedAt }
    assert.deepEqual(inShape(bare, changedAt), bare)
  })

  it("has its fields in one order, wherever they came from", () => {
    const { serviceId, terms, ...others } = whole
    const turned = { ...others, terms, serviceId }
    const order = (service: Service): string[] => Object.keys(inShape(service, ""))
    assert.deepEqual(order(turned), order(whole))
  })

  it("loses its backup when it begins another path, and its reason only when it had no path", () => {
    const next: KeyPath = { ...path, phase: "relays" }
    const { backup: _backup, noBackup: _no, ...moving } = whole
    assert.deepEqual(withNext(whole, next, "now"), { ...moving, next, changedAt: "now" })
    const { path: _path, ...waiting } = { ...whole, state: "failed" as const }
    const { reason: _reason, path: _none, ...begun } = moving
    assert.deepEqual(withNext(waiting, next, "now"), {
      ...begun,
      next,
      state: "pending",
      changedAt: "now",
    })
  })
})
