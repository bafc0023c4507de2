// Services are written in few shapes. Whatever fields one has, none is lost and none is made up.

import assert from "node:assert/strict"
import { inShape, withNext } from "../../src/core/service-shape.js"
import type { BackupPath, KeyPath, Service } from "../../src/model/service.js"

type OptionalKey = {
  [Key in keyof Service]-?: Pick<Service, Key> extends Required<Pick<Service, Key>> ? never : Key
}[keyof Service]

const hops = [{ qkdlId: "l1", from: "n1", to: "n2" }]
const nodes = ["n1", "n2"]
const path: KeyPath = {
  qkdlId: "l1",
  hops,
  nodes,
  rateBps: 100,
  phase: "up",
  awaiting: [],
  sinceRevision: 1,
}
const backup: BackupPath = {
  hops,
  nodes,
  rateBps: 100,
  disjoint: "node",
  keptOn: ["l1"],
  against: ["l2"],
}
const next: KeyPath = { ...path, phase: "ends", awaiting: nodes, sinceRevision: 2 }

const bare: Service = {
  serviceId: "s",
  origin: "order",
  a: { saeId: "bank", qkdnId: "n1" },
  b: { saeId: "vault", qkdnId: "n2" },
  terms: { minRateBps: 100, priority: 0, avoidNodes: [] },
  state: "degraded",
  leaving: [],
  createdAt: "2026-06-01T12:00:00.000Z",
  changedAt: "2026-06-01T12:00:00.000Z",
}

/** All that a service may have besides: a field that is new must be added here. */
const optional: Required<Pick<Service, OptionalKey>> = {
  ordered: { orderId: "o", qkdnId: "n1", keySizeBits: 256, untilBits: 1024 },
  reason: "l1 is OFF",
  path,
  backup,
  noBackup: "no path beside the one in use",
  beside: [{ path }],
  home: { hops, nodes },
  avoiding: [{ qkdnId: "n3", untilMs: 7, reason: "it refused" }],
  surplus: { bps: 5 },
  admittedAt: "2026-06-01T12:00:01.000Z",
  next,
}
const keys = Object.keys(optional) as OptionalKey[]
const changedAt = "2026-06-01T12:00:02.000Z"

/** One for every choice of optional fields. */
function* services(): Generator<Service> {
  for (let choice = 0; choice < 1 << keys.length; choice += 1) {
    const chosen = keys.filter((_, place) => (choice & (1 << place)) !== 0)
    yield { ...bare, ...Object.fromEntries(chosen.map((key) => [key, optional[key]])) }
  }
}

describe("a service that is written", () => {
  it("has all it had, changed now", () => {
    for (const service of services())
      assert.deepEqual(inShape(service, changedAt), { ...service, changedAt })
  })

  it("has its next path, what is not of the path before, and is pending if it never stood", () => {
    const other: KeyPath = { ...next, sinceRevision: 3 }
    for (const service of services()) {
      const { backup: _b, noBackup: _n, reason, ...rest } = service
      const moved: Service = { ...rest, next: other, changedAt }
      const expected: Service =
        service.path === undefined
          ? { ...moved, state: "pending" }
          : { ...moved, ...(reason === undefined ? {} : { reason }) }
      assert.deepEqual(withNext(service, other, changedAt), expected)
    }
  })
})
