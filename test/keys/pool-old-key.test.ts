// Link key that may not become old (keys/pool-age): at both ends of a link, through loss, disorder and crashes.

import assert from "node:assert/strict"
import fc from "fast-check"
import { LIMITS, LinkModel } from "./pool-model.js"
import { assertAgreement, deeds, ids, play, stocked } from "./pool-story.js"

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
