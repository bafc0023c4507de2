// The pool of a link under loss, disorder and crashes: bytes are used once, and both ends agree in the end.

import assert from "node:assert/strict"
import fc from "fast-check"
import { LinkPool } from "../../src/keys/pool.js"
import { LIMITS, LinkModel } from "./pool-model.js"

const ids = Array.from(
  { length: 24 },
  (_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`,
)
const sizes = [2, 3, 64, 64, 128, 500]

type Deed =
  | { do: "give"; end: number; id: number }
  | { do: "commit" | "connect" | "disconnect" | "sweep"; end: number }
  | { do: "crash"; end: number }
  | { do: "carry"; end: number; pick: number; keep: boolean; count: number }
  | { do: "draw"; end: number; bytes: number }

const end = fc.integer({ min: 0, max: 1 })
const deeds = (disorder: boolean): fc.Arbitrary<Deed[]> =>
  fc.array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant("give" as const), end, id: fc.nat(23) }),
      },
      { weight: 8, arbitrary: fc.record({ do: fc.constant("commit" as const), end }) },
      {
        weight: 12,
        arbitrary: fc.record({
          do: fc.constant("carry" as const),
          end,
          pick: disorder ? fc.nat(5) : fc.constant(0),
          keep: disorder ? fc.boolean() : fc.constant(false),
          count: fc.integer({ min: 1, max: 6 }),
        }),
      },
      {
        weight: 6,
        arbitrary: fc.record({
          do: fc.constant("draw" as const),
          end,
          bytes: fc.integer({ min: 1, max: 90 }),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant("connect" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("disconnect" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("crash" as const), end }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant("sweep" as const), end }) },
    ),
    { minLength: 40, maxLength: 200, size: "max" },
  )

function play(model: LinkModel, deed: Deed): void {
  const who = model.end(deed.end)
  model.nowMs += 50
  switch (deed.do) {
    case "give": {
      const id = ids[deed.id] ?? ""
      model.known.set(id, sizes[deed.id % sizes.length] ?? 64)
      who.give(id, model.nowMs)
      break
    }
    case "commit":
      who.commit()
      break
    case "connect":
      model.connect()
      break
    case "disconnect":
      model.disconnect()
      break
    case "crash":
      model.crash(deed.end)
      break
    case "carry":
      for (let i = 0; i < deed.count; i++) {
        who.commit()
        model.carry(deed.end, deed.pick, deed.keep)
      }
      break
    case "draw":
      who.draw(deed.bytes, model.nowMs)
      break
    case "sweep":
      who.run(who.pool.sweep(model.nowMs))
  }
}

/** After everything that was lost came again and the grace is over, both ends hold the same. */
function assertAgreement(model: LinkModel): void {
  model.connect()
  model.settle()
  model.nowMs += LIMITS.graceMs + 1
  for (const one of model.ends) one.run(one.pool.sweep(model.nowMs))
  model.settle()
  const [low, high] = model.ends
  assert.deepEqual(low.holdings(low.blockIds()), high.holdings(high.blockIds()))
  assert.equal(low.pool.up && high.pool.up, true)
  assert.equal(low.pool.stockBytes, high.pool.stockBytes)
}

/** Half of the blocks are there at both ends, the rest come in the course of the story. */
function stocked(limits = LIMITS): LinkModel {
  const model = new LinkModel(limits)
  model.connect()
  for (const [i, id] of ids.slice(0, 12).entries()) {
    model.known.set(id, sizes[i % sizes.length] ?? 64)
    for (const one of model.ends) one.give(id, 0)
  }
  model.settle()
  return model
}

describe("the pool of a link", () => {
  let drawn = 0
  beforeEach(() => {
    drawn = 0
  })

  it("uses no byte twice and ends in agreement through crashes and broken connections", () => {
    fc.assert(
      fc.property(deeds(false), (history) => {
        const model = stocked()
        for (const deed of history) play(model, deed)
        drawn += model.used.size
        assert.equal(model.unfollowed, 0, "a pad named in order was not followed")
        assertAgreement(model)
      }),
      { numRuns: 300 },
    )
    assert.ok(drawn > 4_000, `only ${drawn} bytes were used: the stories are too dull`)
  })

  it("uses no byte twice even when messages are repeated and disordered", () => {
    fc.assert(
      fc.property(deeds(true), (history) => {
        const model = stocked()
        for (const deed of history) play(model, deed)
        drawn += model.used.size
        assertAgreement(model)
      }),
      { numRuns: 300 },
    )
    assert.ok(drawn > 4_000, `only ${drawn} bytes were used: the stories are too dull`)
  })

  it("is used in one order: bits that lie before those the other end has seen used are lost to it", () => {
    const model = new LinkModel()
    model.connect()
    for (const one of model.ends) one.give(ids[2] ?? "", 0)
    model.settle()
    assert.ok(model.ends[0].draw(10))
    assert.ok(model.ends[0].draw(10))
    // The one drawn last is carried first, as when two takers of pads write in another order than they drew in.
    model.carry(0, 1)
    assert.equal(model.unfollowed, 0)
    model.carry(0)
    assert.equal(model.unfollowed, 1)
    assert.ok(model.ends[0].draw(10))
    model.carry(0)
    assert.equal(model.unfollowed, 1)
  })

  it("lets one end send with nearly everything when the other sends nothing", () => {
    const model = new LinkModel()
    model.connect()
    for (const id of ids) for (const one of model.ends) one.give(id, 0)
    model.settle()
    const all = ids.length * 64
    let drawn = 0
    for (let round = 0; round < 2000; round++) {
      if (model.ends[0].draw(16)) drawn += 16
      model.nowMs += 100
      for (const one of model.ends) one.run(one.pool.sweep(model.nowMs))
      model.settle()
    }
    assert.ok(drawn > all * 0.9, `${drawn} of ${all} bytes`)
    assert.equal(model.unfollowed, 0)
  })

  it("keeps what is open through a broken connection, and loses only that when an end crashes", () => {
    const model = new LinkModel()
    model.connect()
    for (const id of ids) for (const one of model.ends) one.give(id, 0)
    model.settle()
    const stock = model.ends[0].pool.stockBytes
    assert.equal(stock, ids.length * 64)
    assert.ok(model.ends[0].draw(10))
    model.settle()
    model.connect()
    model.settle()
    assert.equal(model.ends[0].pool.stockBytes, stock - 10)
    assert.equal(model.ends[1].pool.stockBytes, stock - 10)
    model.crash(0)
    model.connect()
    model.settle()
    assert.equal(model.ends[0].pool.stockBytes, model.ends[1].pool.stockBytes)
    assert.ok(model.ends[0].pool.stockBytes >= stock - 256)
    assert.ok(model.ends[0].draw(10))
  })

  it("drops a block that the other end's module never delivers, after its time of grace", () => {
    const model = new LinkModel()
    model.connect()
    model.ends[0].give(ids[0] ?? "", 0)
    model.settle()
    assert.equal(model.ends[0].pool.stockBytes, 0)
    assert.equal(model.ends[0].disk.size, 2)
    model.nowMs = LIMITS.graceMs + 1
    model.ends[0].run(model.ends[0].pool.sweep(model.nowMs))
    model.settle()
    assert.equal(model.ends[0].disk.size, 0)
    // And when it comes at last, the late end learns that it is gone.
    model.ends[1].give(ids[0] ?? "", model.nowMs)
    model.settle()
    assert.equal(model.ends[1].disk.size, 0)
  })

  it("P2: refuses a block that was used before", () => {
    const model = new LinkModel()
    model.connect()
    for (const one of model.ends) one.give(ids[2] ?? "", 0)
    model.settle()
    while (model.ends[0].draw(1)) model.settle()
    while (model.ends[1].draw(1)) model.settle()
    for (const one of model.ends) {
      assert.equal(one.disk.size, 0)
      assert.throws(() => one.pool.addBlock(ids[2] ?? "", 64, 0), { tag: "data-exists" })
    }
  })

  it("voids what an end lost when its disk is another", () => {
    const model = new LinkModel()
    model.connect()
    for (const id of ids) for (const one of model.ends) one.give(id, 0)
    model.settle()
    model.ends[1].disk.clear()
    model.ends[1].spent.clear()
    model.crash(1)
    assertAgreement(model)
    assert.equal(model.ends[0].disk.size, 0)
  })
})

describe("link key that may not become old", () => {
  const AGED = { ...LIMITS, maxAgeMs: 1500, ageMarginMs: 200 }
  const block = ids[2] ?? ""
  const sweepAt = (model: LinkModel, nowMs: number): void => {
    model.nowMs = nowMs
    for (const one of model.ends) one.run(one.pool.sweep(nowMs))
    model.settle()
  }
  /** Both ends have a block of 64 bytes since then. */
  const paired = (lowMs: number, highMs: number): LinkModel => {
    const model = new LinkModel(AGED)
    model.connect()
    model.ends[0].give(block, lowMs)
    model.ends[1].give(block, highMs)
    model.settle()
    assert.equal(model.ends[0].pool.stockBytes, 64)
    return model
  }

  for (const disorder of [false, true]) {
    it(`is never used once it is, and is gone from both ends in the end, ${disorder ? "with messages repeated and disordered" : "through crashes and broken connections"}`, () => {
      const seen = { drawn: 0, expired: 0 }
      fc.assert(
        fc.property(deeds(disorder), (history) => {
          const model = stocked(AGED)
          for (const deed of history) play(model, deed)
          seen.drawn += model.used.size
          if (!disorder) assert.equal(model.unfollowed, 0, "used what the other end had dropped")
          assertAgreement(model)
          sweepAt(model, model.nowMs + AGED.maxAgeMs + AGED.ageMarginMs)
          for (const one of model.ends) {
            assert.equal(one.pool.stockBytes, 0)
            assert.equal(one.disk.size, 0)
            seen.expired += one.expired
          }
        }),
        { numRuns: 300 },
      )
      assert.ok(seen.drawn > 2_000 && seen.expired > 10_000, JSON.stringify(seen))
    })
  }

  it("is used until the last millisecond and not then", () => {
    const model = paired(0, 0)
    assert.ok(model.ends[0].draw(1, 1499))
    assert.equal(model.ends[0].draw(1, 1500), false)
  })

  it("is let go by the end that sends with it, and the other hears so", () => {
    const model = paired(0, 0)
    assert.ok(model.ends[0].draw(10, 0))
    model.settle()
    model.nowMs = 1500
    model.ends[0].run(model.ends[0].pool.sweep(1500))
    model.settle()
    // Its own half; the other one is its owner's to let go.
    assert.deepEqual([model.ends[0].expired, model.ends[1].expired], [22, 22])
    sweepAt(model, 1501)
    assert.deepEqual([model.ends[0].expired, model.ends[1].expired], [54, 54])
    assert.equal(model.ends[0].pool.stockBytes + model.ends[1].pool.stockBytes, 0)
  })

  it("is kept for messages that are on their way by the end to which it became old first", () => {
    // The low end's module gave it later: it goes on sending when the high end would rather drop it.
    const model = paired(1000, 0)
    const [low, high] = model.ends
    assert.ok(low.draw(10, 1700))
    model.nowMs = 1700
    high.run(high.pool.sweep(1700))
    while (high.commit());
    // Asked to let it go, the low end has not heard so yet, and sends with it once more.
    assert.ok(low.draw(10, 1700))
    model.settle()
    assert.equal(model.unfollowed, 0)
    assert.equal(low.draw(1, 1700), false)
    assert.equal(low.pool.stockBytes + high.pool.stockBytes, 0)
    assert.deepEqual([low.expired, high.expired], [12 + 32, 12 + 32])
  })

  it("goes from memory without a word while the ends are not connected, and is not used when they are again", () => {
    const model = paired(0, 0)
    assert.ok(model.ends[0].draw(10, 0))
    model.settle()
    model.disconnect()
    const [low, high] = model.ends
    high.run(high.pool.sweep(1700))
    assert.equal(high.pool.stockBytes, 0)
    model.nowMs = 1700
    model.connect()
    model.settle()
    assert.equal(low.draw(1, 1700), false)
    sweepAt(model, 1701)
    assert.equal(low.pool.stockBytes + low.disk.size + high.disk.size, 0)
  })

  it("is counted as such when the other end never had it, or lost it, or opened it too late", () => {
    const alone = new LinkModel(AGED)
    alone.connect()
    alone.ends[0].give(block, 0)
    alone.settle()
    sweepAt(alone, AGED.graceMs + AGED.maxAgeMs)
    assert.equal(alone.ends[0].expired, 64)

    // Each end has opened its own half when word comes that the other has let it go.
    const crossing = new LinkModel(AGED)
    crossing.connect()
    crossing.nowMs = 1700
    for (const one of crossing.ends) one.give(block, 0)
    crossing.ends[0].commit()
    crossing.ends[0].run(crossing.ends[0].pool.sweep(1700))
    crossing.settle()
    sweepAt(crossing, 1700)
    assert.deepEqual(
      crossing.ends.map(({ expired }) => expired),
      [64, 64],
    )
  })

  it("keeps its age over a restart", () => {
    const model = paired(0, 0)
    model.nowMs = 1400
    model.crash(0)
    model.connect()
    model.settle()
    sweepAt(model, 1500)
    assert.equal(model.ends[0].pool.stockBytes, 0)
    assert.equal(model.ends[0].disk.size, 0)
  })
})

describe("a pool that is full of blocks which the other end lost in a crash", () => {
  it("makes room for new ones soon, and keeps a few for the usual time of grace", () => {
    const limits = { ...LIMITS, maxHeldBytes: 1000, graceMs: 60_000, crowdedGraceMs: 2000 }
    const filled = (count: number): LinkPool => {
      const pool = new LinkPool("low", limits)
      for (const id of ids.slice(0, count)) {
        pool.addBlock(id, 100, 0)
        pool.blockDurable(id)
      }
      pool.connected()
      for (const kind of ["sync", "end"] as const) pool.receive({ kind }, 0)
      return pool
    }
    const full = filled(10)
    assert.equal(full.hasRoom(100), false)
    full.sweep(1900)
    assert.equal(full.hasRoom(100), false)
    full.sweep(2100)
    assert.equal(full.hasRoom(1000), true)
    const few = filled(3)
    few.sweep(2100)
    assert.equal(few.hasRoom(800), false)
    few.sweep(60_100)
    assert.equal(few.hasRoom(1000), true)
  })
})
