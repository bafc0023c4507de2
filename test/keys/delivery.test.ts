// The books of undelivered end keys, against a slow and obvious reference.

import assert from "node:assert/strict"
import fc from "fast-check"
import { DeliveryLedger } from "../../src/keys/delivery.js"
import type { KeyBatch } from "../../src/keys/delivery.js"

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`

function batch(n: number, more: Partial<KeyBatch["offer"]> = {}, expiresMs = 1000): KeyBatch {
  const keyIds = more.keyIds ?? [uuid(n * 10 + 1), uuid(n * 10 + 2)]
  return {
    offer: {
      transferId: uuid(n * 10),
      appId: "app",
      pathQkdlId: "path",
      source: "far",
      destination: "here",
      masterSaeId: "m",
      slaveSaeIds: ["s", "t"],
      keySizeBits: 256,
      ttlS: 1,
      ...more,
      keyIds,
    },
    expiresMs,
    taken: keyIds.map(() => 0),
  }
}

function stored(...batches: KeyBatch[]): DeliveryLedger {
  const ledger = new DeliveryLedger()
  for (const one of batches) {
    assert.equal(ledger.offer(one), "new")
    assert.equal(ledger.stored(one.offer.transferId), true)
  }
  return ledger
}

const MISSING = { tag: "data-missing" }
const DENIED = { tag: "access-denied" }

describe("the delivery ledger", () => {
  it("gives each key to each entitled SAE once, then the batch is finished", () => {
    const ledger = stored(batch(1))
    const ids = [uuid(11), uuid(12)]
    assert.equal(ledger.take("s", "m", ids, 0).finished.length, 0)
    assert.throws(() => ledger.take("s", "m", ids, 0), MISSING)
    assert.equal(ledger.take("t", "m", [uuid(12)], 0).finished.length, 0)
    assert.throws(() => ledger.take("t", "m", ids, 0), MISSING)
    assert.equal(ledger.take("t", "m", [uuid(11)], 0).finished.length, 1)
    assert.equal(ledger.keyCount, 0)
    assert.throws(() => ledger.offer(batch(1)), { tag: "data-exists" })
  })

  it("T1: answers every pair of SAEs as entitled and nobody else", () => {
    const saes = ["m", "s", "t", "x"]
    for (const slave of saes) {
      for (const master of saes) {
        const ledger = stored(batch(1))
        const take = (): unknown => ledger.take(slave, master, [uuid(11)], 0)
        if (master === "m" && (slave === "s" || slave === "t")) assert.ok(take())
        else assert.throws(take, DENIED)
      }
    }
  })

  it("says the same of unknown, spent, void and expired keys, and takes nothing when one is", () => {
    const ledger = stored(batch(1), batch(2), batch(3, {}, 10), batch(4))
    ledger.take("s", "m", [uuid(11)], 0)
    assert.equal(ledger.voidBatch(uuid(20), "far"), "voided")
    const bad = [uuid(99), uuid(11), uuid(21), uuid(31), uuid(41)]
    const messages = new Set<string>()
    for (const id of bad.slice(0, 4)) {
      assert.throws(
        () => ledger.take("s", "m", [uuid(41), id], 20),
        (error: Error & { tag?: string }) => {
          messages.add(`${error.tag ?? ""} ${error.message}`)
          return true
        },
      )
    }
    assert.equal(messages.size, 1)
    assert.ok(ledger.take("s", "m", [uuid(41)], 20))
  })

  it("does not deliver before the batch is durable, nor after it was voided meanwhile", () => {
    const ledger = new DeliveryLedger()
    ledger.offer(batch(1))
    assert.throws(() => ledger.take("s", "m", [uuid(11)], 0), MISSING)
    assert.equal(ledger.voidBatch(uuid(10), "far"), "voided")
    assert.equal(ledger.stored(uuid(10)), false)
    assert.throws(() => ledger.take("s", "m", [uuid(11)], 0), MISSING)
  })

  it("remembers a void that came before its keys", () => {
    const ledger = new DeliveryLedger()
    assert.equal(ledger.voidBatch(uuid(10), "far"), "unknown")
    assert.throws(() => ledger.offer(batch(1)), { tag: "data-exists" })
  })

  it("voids for the source only, and not what was fetched", () => {
    const ledger = stored(batch(1))
    assert.equal(ledger.voidBatch(uuid(10), "somebody"), "unknown")
    ledger.take("s", "m", [uuid(11)], 0)
    assert.equal(ledger.voidBatch(uuid(10), "far"), "too-late")
    assert.ok(ledger.take("t", "m", [uuid(11)], 0))
  })

  it("says the same of a void that comes again, and too late of what all have", () => {
    const ledger = stored(batch(1))
    assert.equal(ledger.voidBatch(uuid(10), "far"), "voided")
    assert.equal(ledger.voidBatch(uuid(10), "far"), "voided")
    const spent = stored(batch(2, { slaveSaeIds: ["s"] }))
    spent.take("s", "m", [uuid(21), uuid(22)], 0)
    assert.equal(spent.holds(uuid(20)), undefined)
    assert.equal(spent.voidBatch(uuid(20), "far"), "too-late")
  })

  it("voids one key for the source only, unless somebody has it, and for good", () => {
    const ledger = stored(batch(1))
    assert.equal(ledger.voidKey(uuid(11), "somebody").outcome, "unknown")
    assert.equal(ledger.voidKey(uuid(13), "far").outcome, "unknown")
    const { outcome, changed } = ledger.voidKey(uuid(11), "far")
    assert.equal(outcome, "voided")
    assert.equal(changed?.offer.transferId, uuid(10))
    for (const slave of ["s", "t"])
      assert.throws(() => ledger.take(slave, "m", [uuid(11)], 0), MISSING)
    assert.equal(ledger.voidKey(uuid(11), "far").outcome, "voided")
    assert.ok(ledger.take("s", "m", [uuid(12)], 0))
    assert.equal(ledger.voidKey(uuid(12), "far").outcome, "too-late")
    assert.equal(ledger.take("t", "m", [uuid(12)], 0).finished.length, 1, "nothing is left")
    assert.equal(ledger.voidKey(uuid(11), "far").outcome, "voided")
    assert.equal(ledger.voidKey(uuid(12), "far").outcome, "too-late")
  })

  it("voids what is left of a batch, and has none of it once each key is void", () => {
    const ledger = stored(batch(1), batch(2))
    ledger.voidKey(uuid(11), "far")
    assert.equal(ledger.voidBatch(uuid(10), "far"), "voided")
    assert.equal(ledger.voidKey(uuid(21), "far").finished, undefined)
    assert.equal(ledger.voidKey(uuid(22), "far").finished?.offer.transferId, uuid(20))
    assert.equal(ledger.keyCount, 0)
    assert.throws(() => ledger.offer(batch(2)), { tag: "data-exists" })
  })

  it("does not void a key that is not stored yet: its batch may still be refused", () => {
    const ledger = new DeliveryLedger()
    ledger.offer(batch(1))
    assert.equal(ledger.voidKey(uuid(11), "far").outcome, "too-late")
  })

  it("takes the same batch again, and refuses its ids for other keys", () => {
    const ledger = stored(batch(1))
    assert.equal(ledger.offer(batch(1)), "again")
    assert.throws(() => ledger.offer(batch(1, { masterSaeId: "x" })), { tag: "data-exists" })
    assert.throws(() => ledger.offer(batch(5, { keyIds: [uuid(11)] })), { tag: "data-exists" })
  })

  it("agrees with a list of who got what, whatever happens in whatever order", () => {
    const step = fc.record({
      what: fc.constantFrom(
        ...([
          "offer",
          "stored",
          "take",
          "take",
          "take",
          "void",
          "voidKey",
          "voidKey",
          "expire",
        ] as const),
      ),
      n: fc.integer({ min: 1, max: 4 }),
      slave: fc.constantFrom("s", "t", "x"),
      keys: fc.subarray([1, 2], { minLength: 1 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const ledger = new DeliveryLedger()
        const state = new Map<number, "offered" | "stored" | "over">()
        const got = new Set<string>()
        const voided = new Set<string>()
        const held = new Set<number>()
        const isOut = (n: number): boolean =>
          [1, 2].every(
            (k) => voided.has(`${n} ${k}`) || ["s", "t"].every((s) => got.has(`${n} ${k} ${s}`)),
          )
        const again = new Map<number, "voided" | "unknown">()
        let nowMs = 0
        for (const { what, n, slave, keys } of steps) {
          const ids = keys.map((k) => uuid(n * 10 + k))
          if (what === "offer") {
            const fresh = !state.has(n)
            try {
              ledger.offer(batch(n, {}, 100))
              if (fresh) state.set(n, "offered")
              held.add(n)
              assert.notEqual(state.get(n), "over")
            } catch {
              assert.equal(state.get(n), "over")
            }
          } else if (what === "stored") {
            const isHeld = ledger.stored(uuid(n * 10))
            assert.equal(isHeld, ["offered", "stored"].includes(state.get(n) ?? ""))
            if (isHeld) state.set(n, "stored")
          } else if (what === "voidKey") {
            const [k = 1] = keys
            const { outcome } = ledger.voidKey(uuid(n * 10 + k), "far")
            const isFree = !["s", "t"].some((s) => got.has(`${n} ${k} ${s}`))
            if (voided.has(`${n} ${k}`)) assert.equal(outcome, "voided")
            else if (!held.has(n)) assert.equal(outcome, "unknown")
            else if (state.get(n) !== "stored" || !isFree) assert.equal(outcome, "too-late")
            else {
              assert.equal(outcome, "voided")
              voided.add(`${n} ${k}`)
              if (isOut(n)) state.set(n, "over")
            }
          } else if (what === "void") {
            const some = ["s", "t"].some((s) => [1, 2].some((k) => got.has(`${n} ${k} ${s}`)))
            const outcome = ledger.voidBatch(uuid(n * 10), "far")
            if (state.get(n) === "offered" || state.get(n) === "stored") {
              assert.equal(outcome, some ? "too-late" : "voided")
              if (!some) {
                state.set(n, "over")
                again.set(n, "voided")
              }
            } else {
              if (!state.has(n)) again.set(n, "unknown")
              assert.equal(outcome, again.get(n) ?? "too-late")
              state.set(n, "over")
            }
          } else if (what === "expire") {
            nowMs += 30
            for (const { offer } of ledger.expire(nowMs))
              state.set(Number(offer.transferId.slice(-3, -1)), "over")
            if (nowMs >= 100) {
              for (const [k, s] of state) if (s !== "over") state.set(k, "over")
            }
          } else {
            const may =
              state.get(n) === "stored" &&
              slave !== "x" &&
              nowMs < 100 &&
              keys.every((k) => !got.has(`${n} ${k} ${slave}`) && !voided.has(`${n} ${k}`))
            let did = true
            try {
              ledger.take(slave, "m", ids, nowMs)
            } catch {
              did = false
            }
            assert.equal(did, may)
            if (!did) continue
            for (const k of keys) got.add(`${n} ${k} ${slave}`)
            if (isOut(n)) state.set(n, "over")
          }
        }
      }),
      { numRuns: 500 },
    )
  })
})
