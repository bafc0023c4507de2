// In which order services have their turn in a cut: sorted by numbers made of their ids, and the same as by ids themselves.

import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import fc from "fast-check"
import { byPriority, inOrderOfPriority } from "../../src/core/priority-order.js"
import type { Service } from "../../src/model/service.js"

function service(serviceId: string, priority: number): Service {
  return {
    serviceId,
    origin: "order",
    a: { saeId: "bank", qkdnId: "n1" },
    b: { saeId: "vault", qkdnId: "n2" },
    terms: { minRateBps: 100, priority, avoidNodes: [] },
    state: "active",
    leaving: [],
    createdAt: "2026-06-01T12:00:00.000Z",
    changedAt: "2026-06-01T12:00:00.000Z",
  }
}

const idsOf = (services: readonly Service[]): string[] => services.map(({ serviceId }) => serviceId)

const digits = fc.string({
  unit: fc.nat({ max: 15 }).map((digit) => digit.toString(16)),
  minLength: 8,
  maxLength: 8,
})

describe("the turns of services", () => {
  it("go to greater priority first, and among equals to the lesser id, however ids begin", () => {
    const ids = fc.oneof(
      fc.uuid(),
      digits.map((first) => `${first}-0000-4000-8000-000000000000`),
      // Many that begin alike.
      fc.nat({ max: 40 }).map((n) => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`),
      fc.constantFrom("a", "0", "ABCDEF01", "service of the bank", "0123456", "ghijklmn", ""),
    )
    const lists = fc.uniqueArray(fc.tuple(ids, fc.constantFrom(0, 1, 7, 4294967295)), {
      maxLength: 60,
      selector: ([id]) => id,
    })
    fc.assert(
      fc.property(lists, (list) => {
        const services = list.map(([id, priority]) => service(id, priority))
        const sorted = [...services].sort(byPriority)
        assert.deepEqual(idsOf(inOrderOfPriority(services)), idsOf(sorted))
      }),
      { numRuns: 500 },
    )
  })

  it("are the same for thousands, in whatever order they are listed", () => {
    const services = Array.from({ length: 5000 }, (_, n) => service(randomUUID(), n % 8))
    const turns = idsOf(inOrderOfPriority(services))
    assert.deepEqual(turns, idsOf([...services].sort(byPriority)))
    assert.deepEqual(idsOf(inOrderOfPriority(services.toReversed())), turns)
  })
})
