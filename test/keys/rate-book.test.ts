// Maxima, floors, and what greedy applications can take from others (THREATS T4, T5). Simulated time.

import assert from "node:assert/strict"
import { BURST_S, RateBook } from "../../src/keys/rate-book.js"
import type { RateTerms } from "../../src/keys/rate-book.js"
import { TokenBucket } from "../../src/keys/token-bucket.js"

const S = 1000

function bookOf(apps: readonly RateTerms[]): RateBook {
  const book = new RateBook()
  book.configure(apps, 0)
  return book
}

/** A link, its stock, and requests against it as the key manager judges them. */
class Link {
  stockBits = 0

  constructor(
    readonly qkdlId: string,
    readonly book: RateBook,
  ) {}

  ask(appId: string, bits: number, nowMs: number): boolean {
    const admission = this.book.admit(appId, bits, nowMs)
    if (admission === undefined) return false
    const reserved = this.book.reservedBits(this.qkdlId, appId, nowMs)
    const excess = bits - admission.floorBits
    if (this.stockBits < bits || (excess > 0 && this.stockBits - reserved < excess)) {
      this.book.refund(appId, bits, admission)
      return false
    }
    this.stockBits -= bits
    return true
  }
}

describe("a token bucket", () => {
  it("saves up to its capacity, gives all or nothing, and does not go back in time", () => {
    const bucket = new TokenBucket(100, 1000, 0, 0)
    assert.equal(bucket.take(1, 0), false)
    assert.equal(bucket.take(500, 5 * S), true)
    assert.equal(bucket.take(1, 4 * S), false)
    assert.equal(bucket.level(1000 * S), 1000)
  })

  it("serves what is larger than itself when it is full, and keeps the rate all the same", () => {
    const bucket = new TokenBucket(100, 1000, Infinity, 0)
    assert.equal(bucket.take(5000, 0), true)
    assert.equal(bucket.take(1, 39 * S), false, "40 s of debt")
    let given = 5000
    for (let s = 40; s <= 1000; s++) if (bucket.take(300, s * S)) given += 300
    assert.ok(given <= 1000 + 100 * 1000 && given > 99_000, given.toString())
  })
})

describe("the rates of applications", () => {
  it("hold max_bandwidth over any time, bursts of ten seconds included", () => {
    const book = bookOf([{ appId: "a", maxBps: 512, qkdlIds: ["l"] }])
    let given = 0
    for (let ms = 0; ms < 600 * S; ms += 100) if (book.admit("a", 256, ms)) given += 256
    assert.ok(given <= 512 * (600 + BURST_S) && given > 0.98 * 512 * 600, given.toString())
  })

  it("bind nobody who has no maximum, and nobody who is not known", () => {
    const book = bookOf([{ appId: "a", qkdlIds: ["l"] }])
    for (let i = 0; i < 1000; i++) assert.ok(book.admit("a", 1e6, 0) && book.admit("b", 1e6, 0))
  })

  it("are counted once: what got no key is given back", () => {
    const book = bookOf([{ appId: "a", minBps: 100, maxBps: 100, qkdlIds: ["l"] }])
    for (let i = 0; i < 100; i++) {
      const admission = book.admit("a", 1000, 10 * S)
      assert.equal(admission?.floorBits, 1000)
      book.refund("a", 1000, admission)
    }
  })

  it("survive a change of the configuration that does not touch them", () => {
    const apps = [{ appId: "a", minBps: 100, maxBps: 100, qkdlIds: ["l"] }]
    const book = bookOf(apps)
    assert.ok(book.admit("a", 1000, 0))
    book.configure([...apps, { appId: "b", qkdlIds: ["l"] }], 0)
    assert.equal(book.admit("a", 100, 0), undefined)
    book.configure([{ ...(apps[0] ?? { appId: "a", qkdlIds: [] }), maxBps: 200 }], 0)
    assert.ok(book.admit("a", 100, 0))
  })

  it("go on after a restart where they were", () => {
    const book = new RateBook()
    const apps = [{ appId: "a", maxBps: 100, qkdlIds: ["l"] }]
    book.configure(apps, 0, () => -500)
    assert.equal(book.admit("a", 100, 5 * S), undefined)
    assert.ok(book.admit("a", 100, 6 * S))
  })

  it("T4: of 1,000 services on 64 links each gets its min_bandwidth within 2 % over ten minutes, beside greedy ones", () => {
    const [services, links, seconds] = [1000, 64, 600]
    const linkOf = (i: number): string => `l${i % links}`
    const minOf = (i: number): number => 64 + (i % 7) * 32
    const modest = Array.from({ length: services }, (_, i) => ({
      appId: `m${i}`,
      minBps: minOf(i),
      qkdlIds: [linkOf(i)],
    }))
    const greedy = Array.from({ length: links }, (_, i) => ({ appId: `g${i}`, qkdlIds: [`l${i}`] }))
    const book = bookOf([...modest, ...greedy])
    const net = new Map(greedy.map(({ qkdlIds: [id = ""] }) => [id, new Link(id, book)]))
    const promised = new Map<string, number>()
    for (const [i, { qkdlIds }] of modest.entries())
      promised.set(qkdlIds[0] ?? "", (promised.get(qkdlIds[0] ?? "") ?? 0) + minOf(i))
    const got = new Map<string, number>()
    const next = new Map(modest.map(({ appId }, i) => [appId, (i % 100) / 100]))
    let taken = 0
    for (let tick = 0; tick < seconds * 4; tick++) {
      const nowMs = tick * 250
      for (const [id, link] of net) {
        // A link makes a tenth more than it has promised.
        link.stockBits += (1.1 * (promised.get(id) ?? 0)) / 4
        const appId = `g${id.slice(1)}`
        // Greed comes first in every turn, and asks until it is refused.
        while (link.ask(appId, 4096, nowMs) || link.ask(appId, 256, nowMs)) taken += 256
      }
      for (const [i, { appId, qkdlIds }] of modest.entries()) {
        const due = next.get(appId) ?? 0
        if (nowMs / 1000 < due + 256 / minOf(i)) continue
        const link = net.get(qkdlIds[0] ?? "")
        if (link?.ask(appId, 256, nowMs) !== true) continue
        got.set(appId, (got.get(appId) ?? 0) + 256)
        next.set(appId, due + 256 / minOf(i))
      }
    }
    for (const [i, { appId }] of modest.entries()) {
      const share = (got.get(appId) ?? 0) / (minOf(i) * seconds)
      assert.ok(share > 0.98, `${appId} got ${share} of its minimum`)
    }
    assert.ok(taken > 0, "greed gets what is nobody's")
  }).timeout(20_000)

  it("T4: a floor is kept in what its keys cost the link, tags included, as they were asked for lately", () => {
    const book = bookOf([
      { appId: "m", minBps: 256, qkdlIds: ["l"] },
      { appId: "g", qkdlIds: ["l"] },
    ])
    assert.equal(book.reservedBits("l", "g", 10 * S), 2560, "nothing is known of its keys yet")
    book.drew("m", 256, 512)
    assert.equal(book.reservedBits("l", "g", 10 * S), 5120, "single keys cost as much again")
    assert.equal(book.reservedBits("l", "m", 10 * S), 0, "its own floor is not kept from itself")
    for (let i = 0; i < 100; i++) book.drew("m", 8192, 8448)
    const reserved = book.reservedBits("l", "g", 10 * S)
    assert.ok(Math.abs(reserved - 2560 * (8448 / 8192)) < 1, `${reserved} of batches`)
    book.configure([{ appId: "m", minBps: 256, qkdlIds: ["l"] }], 10 * S)
    assert.equal(book.reservedBits("l", undefined, 10 * S), reserved, "and is not forgotten")
  })

  it("T4: without floors greed takes all (control)", () => {
    const book = bookOf([
      { appId: "m", qkdlIds: ["l"] },
      { appId: "g", qkdlIds: ["l"] },
    ])
    const link = new Link("l", book)
    let got = 0
    for (let s = 1; s <= 100; s++) {
      link.stockBits += 256
      while (link.ask("g", 256, s * S));
      if (link.ask("m", 256, s * S)) got++
    }
    assert.equal(got, 0)
  })

  it("T5: what an application is told of its own floor does not move with what others take", () => {
    const apps = [
      { appId: "m", minBps: 100, qkdlIds: ["l"] },
      { appId: "g", minBps: 100, maxBps: 1e6, qkdlIds: ["l"] },
    ]
    const [calm, busy] = [bookOf(apps), bookOf(apps)]
    for (let s = 1; s < 30; s++) {
      busy.admit("g", 100_000, s * S)
      assert.equal(busy.floorBits("m", s * S), calm.floorBits("m", s * S))
      assert.equal(busy.maximumBits("m", s * S), calm.maximumBits("m", s * S))
    }
  })
})
