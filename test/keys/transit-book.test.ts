// What neighbours may send on over a relay's links, in simulated time (THREATS T4).

import assert from "node:assert/strict"
import { BURST_S } from "../../src/keys/rate-book.js"
import { TransitBook } from "../../src/keys/transit-book.js"
import type { Passage, TransitTerms } from "../../src/keys/transit-book.js"

const S = 1000
/** Proof and tag of a relay message. */
const EXTRA_BITS = 768

/** A relay, one link of it, and what has passed by path. */
class Relay {
  readonly book = new TransitBook()
  readonly passed = new Map<string, number>()
  ownUse = false
  inflowBps = 0

  constructor(
    paths: readonly TransitTerms[],
    public stockBits = 0,
  ) {
    this.book.configure(paths, 0)
  }

  send(pathQkdlId: string, sender: string, keyBits: number, nowMs: number): Passage | undefined {
    const linkBits = keyBits + EXTRA_BITS
    if (linkBits > this.stockBits) return undefined
    const passing = { pathQkdlId, sender, qkdlId: "out", keyBits, linkBits }
    const room = {
      freeBits: this.stockBits,
      ownUse: this.ownUse,
      promised: false,
      inflowBps: this.inflowBps,
    }
    const passage = this.book.admit(passing, room, nowMs)
    if (passage === undefined) return undefined
    this.stockBits -= linkBits
    this.passed.set(pathQkdlId, (this.passed.get(pathQkdlId) ?? 0) + keyBits)
    return passage
  }
}

const path = (pathQkdlId: string, sender: string, promisedBps?: number): TransitTerms => ({
  ...{ pathQkdlId, sender, qkdlId: "out" },
  ...(promisedBps !== undefined && { promisedBps }),
})

describe("what a relay lets its neighbours send on", () => {
  it("T4: is the rate of each path, whatever another neighbour does, for ten minutes", () => {
    const [promisedBps, seconds] = [512, 600]
    const relay = new Relay([path("greedy", "g"), path("modest", "m", promisedBps)])
    let [got, refused] = [0, 0]
    for (let s = 1; s <= seconds; s++) {
      // What single keys of 256 bits cost at that rate, and a fifth more.
      relay.stockBits += 1.2 * 4 * promisedBps
      while (relay.send("greedy", "g", 256, s * S));
      for (let keys = 0; keys < 2; keys++)
        if (relay.send("modest", "m", 256, s * S)) got += 256
        else refused++
    }
    assert.equal(refused, 0)
    assert.equal(got, promisedBps * seconds)
    assert.ok((relay.passed.get("greedy") ?? 0) > 0, "what nobody uses is for whoever wants it")
  })

  it("T4: without rates of paths greed takes all (control)", () => {
    const relay = new Relay([])
    let refused = 0
    for (let s = 1; s <= 60; s++) {
      relay.stockBits += 2000
      while (relay.stockBits >= 1024) relay.stockBits -= 1024
      if (relay.send("modest", "m", 256, s * S) === undefined) refused++
    }
    assert.ok(refused > 50)
  })

  it("leaves as much as somebody took lately, so that who took nothing finds room", () => {
    const others = Array.from({ length: 10 }, (_, i) => `m${i}`)
    const paths = [path("greedy", "g"), ...others.map((name) => path(name, name))]
    const relay = new Relay(paths, 1_000_000)
    for (const [s, other] of others.entries()) {
      while (relay.send("greedy", "g", 4096, s * S));
      assert.ok(relay.send(other, other, Math.floor(relay.stockBits / 4), s * S), `after ${s} s`)
    }
  })

  it("is all there is for one who is alone, and half of it where this site sends over the link itself", () => {
    const relay = new Relay([path("p", "a")], 100_000)
    while (relay.send("p", "a", 256, 0));
    assert.ok(relay.stockBits < 1024)
    const shared = new Relay([path("p", "a")], 100_000)
    shared.ownUse = true
    while (shared.send("p", "a", 256, 0));
    assert.ok(shared.stockBits >= 49_000 && shared.stockBits < 52_048, `${shared.stockBits} left`)
  })

  it("is the last key there is for one who took nothing, on links that make a few bits a second", () => {
    const relay = new Relay([path("p", "a"), path("q", "a"), path("r", "b")], 1100)
    assert.ok(relay.send("p", "a", 256, 0))
    relay.stockBits = 1100
    assert.equal(relay.send("q", "a", 256, 0), undefined, "its neighbour has just had one")
    assert.ok(relay.send("r", "b", 256, 0))
    relay.stockBits = 1100
    assert.ok(relay.send("q", "a", 256, 60 * S), "and may have one again a minute later")
  })

  it("lets who took little wait for key that is coming in, unless what is there is promised", () => {
    const ask = (book: TransitBook, inflowBps: number, promised = false): Passage | undefined =>
      book.admit(
        { pathQkdlId: "p", sender: "a", qkdlId: "out", keyBits: 256, linkBits: 1024 },
        { freeBits: 0, ownUse: true, promised, inflowBps },
        0,
      )
    const coming = new Relay([path("p", "a"), path("q", "b")]).book
    let passed = 0
    while (passed < 100 && ask(coming, 17_700) !== undefined) passed++
    assert.equal(passed, 8, "eight keys at once, and then not before the others")
    assert.equal(ask(new Relay([path("p", "a")]).book, 17_700, true), undefined)
    assert.equal(ask(new Relay([path("p", "a"), path("q", "b", 1)]).book, 17_700), undefined)
    assert.equal(ask(new Relay([path("p", "a")]).book, 100), undefined, "too little is coming")
    assert.ok(ask(new Relay([path("p", "a")]).book, Infinity), "a link that has just come up")
  })

  it("leaves something for the other paths of the same neighbour", () => {
    const relay = new Relay(
      [path("greedy", "a"), path("modest", "a"), path("promised", "a", 256)],
      100_000,
    )
    while (relay.send("greedy", "a", 256, 0));
    assert.ok(relay.stockBits > 40_000)
    assert.ok(relay.send("modest", "a", 8192, 0))
    for (let i = 0; i < BURST_S; i++)
      assert.equal(relay.send("promised", "a", 256, 0)?.excessBits, 0)
  })

  it("counts small keys as what they cost: a path cannot use up a link by keys of one byte", () => {
    const relay = new Relay([path("small", "a", 256), path("other", "b", 256)], 40_000)
    let free = 0
    while (relay.send("small", "a", 8, 0)?.excessBits === 0) free++
    assert.ok(free * (EXTRA_BITS + 8) <= 4 * 256 * BURST_S, `${free} messages within the rate`)
  })

  it("is given back where nothing was sent, and kept over a new configuration", () => {
    const relay = new Relay([path("p", "a", 100), path("q", "b", 100)])
    const passing = { pathQkdlId: "p", sender: "a", qkdlId: "out", keyBits: 1000, linkBits: 1768 }
    const room = { freeBits: 1e6, ownUse: false, promised: false, inflowBps: 0 }
    for (let i = 0; i < 10; i++) {
      const passage = relay.book.admit(passing, room, 0)
      assert.deepEqual(passage, { promisedBits: 1000, excessBits: 0 })
      relay.book.refund(passing, passage, 0)
    }
    assert.ok(relay.book.admit(passing, room, 0))
    relay.book.configure([path("p", "a", 100), path("q", "b", 100), path("r", "c")], 0)
    assert.equal(relay.book.admit(passing, room, 0)?.promisedBits, 0)
    relay.book.configure([path("p", "a", 200), path("q", "b", 100)], 0)
    assert.equal(relay.book.admit(passing, room, 0)?.promisedBits, 1000)
  })

  it("reserves for paths what they have not used, each way over its own link", () => {
    const { book } = new Relay([path("p", "a", 50), { ...path("p", "b", 50), qkdlId: "back" }])
    assert.equal(book.reservedBits("out", 0), 50 * BURST_S)
    assert.equal(book.reservedBits("back", 0), 50 * BURST_S)
    assert.equal(book.reservedBits("other", 0), 0)
    const passing = { pathQkdlId: "p", sender: "a", qkdlId: "out", keyBits: 400, linkBits: 1168 }
    assert.equal(book.reservedBits("out", 0, passing), 0)
    assert.ok(
      book.admit(passing, { freeBits: 1e6, ownUse: true, promised: false, inflowBps: 0 }, 0),
    )
    assert.equal(book.reservedBits("out", 0), 100)
    assert.equal(book.reservedBits("back", 0), 50 * BURST_S)
  })
})
