// Voids of keys that have not come yet, from a peer who means harm.

import assert from "node:assert/strict"
import { DELIVERY_LIMITS, DeliveryLedger } from "../../src/keys/delivery.js"
import type { KeyBatch } from "../../src/keys/delivery.js"

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

function batch(n: number): KeyBatch {
  return {
    offer: {
      transferId: uuid(n * 10),
      appId: "app",
      pathQkdlId: "path",
      source: "far",
      destination: "here",
      masterSaeId: "m",
      slaveSaeIds: ["s"],
      keyIds: [uuid(n * 10 + 1)],
      keySizeBits: 256,
      ttlS: 1,
    },
    expiresMs: 1000,
    taken: [0],
  }
}

describe("a void that comes before its keys", () => {
  it("counts from their source only", () => {
    const ledger = new DeliveryLedger()
    assert.equal(ledger.voidBatch(uuid(10), "somebody"), "unknown")
    assert.equal(ledger.offer(batch(1)), "new")
    assert.equal(ledger.voidBatch(uuid(20), "far"), "unknown")
    assert.throws(() => ledger.offer(batch(2)), { tag: "data-exists" })
  })

  it("does not make it forgotten which keys are spent, however many of them come", () => {
    const ledger = new DeliveryLedger()
    assert.equal(ledger.offer(batch(1)), "new")
    ledger.stored(uuid(10))
    ledger.take("s", "m", [uuid(11)], 0)
    for (let n = 100; n <= 100 + DELIVERY_LIMITS.tombstones; n += 1)
      ledger.voidBatch(uuid(n), "somebody")
    assert.throws(() => ledger.offer(batch(1)), { tag: "data-exists" })
  })
})
