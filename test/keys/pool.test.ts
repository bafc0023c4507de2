// The pool of a link under loss, disorder and crashes: bytes are used once, and both ends agree in the end.

import assert from "node:assert/strict"
import fc from "fast-check"
import { LinkPool } from "../../src/keys/pool.js"
import { LIMITS, LinkModel } from "./pool-model.js"
import { assertAgreement, deeds, ids, play, stocked } from "./pool-story.js"

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
