// What an outlet does with its lots: how many keys it has, and that each leaves once.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { uuidText } from "../../src/keys/bytes.js"
import { OutletLots } from "../../src/node/outlet-lots.js"
import type { LotPair } from "../../src/node/outlet-lots.js"
import type { EndKey } from "../../src/node/ports.js"

const PAIR: LotPair = { saeId: "alice", peerSaeId: "bob", keySizeBits: 128 }
const SIZE = 16

class Desk {
  nowMs = 1_000_000
  readonly fills: number[] = []
  readonly used = new Map<number, number>()
  readonly back = new Map<number, { readonly used: number; readonly rest: string }>()
  readonly given = new Map<number, { readonly ids: Buffer; readonly keys: Buffer }>()
  readonly lots = new OutletLots({
    fill: ({ count, ...pair }) => {
      assert.deepEqual(pair, PAIR)
      this.fills.push(count)
    },
    used: (lots) => {
      for (const [id, used] of lots) this.used.set(id, used)
    },
    back: (id, used, rest) => {
      this.back.set(id, { used, rest: rest.use((bytes) => Buffer.from(bytes).toString("hex")) })
    },
    nowMs: () => this.nowMs,
  })

  take(count = 1): EndKey[] | undefined {
    return this.lots.take("alice", "bob", 128, count)
  }

  asked(count: number): void {
    this.lots.asked("alice", "bob", 128, count)
  }

  /** A tenth of a second later. */
  tick(ticks = 1): void {
    for (let nth = 0; nth < ticks; nth++) {
      this.nowMs += 100
      this.lots.tick()
    }
  }

  give(id: number, counts: readonly number[], fitMs = 10_000): void {
    const count = counts.reduce((sum, each) => sum + each, 0)
    const [ids, keys] = [randomBytes(16 * count), randomBytes(SIZE * count)]
    this.given.set(id, { ids, keys })
    const runs = counts.map((each, nth) => ({ count: each, facts: { links: nth + 1 } }))
    const bytes = Buffer.concat([ids, keys])
    this.lots.filled(PAIR, { id, count, runs, untilMs: this.nowMs + fitMs }, bytes)
    // The channel wipes what it lent.
    bytes.fill(0)
  }

  /** Ids and keys of a lot from one on, as they are given out. */
  part(id: number, from: number, to: number): string[] {
    const { ids, keys } = this.given.get(id) ?? assert.fail()
    return Array.from({ length: to - from }, (_, nth) => {
      const at = from + nth
      const keyId = uuidText(ids.subarray(16 * at, 16 * at + 16))
      return `${keyId} ${keys.toString("hex", SIZE * at, SIZE * (at + 1))}`
    })
  }
}

const textOf = (keys: readonly EndKey[] = []): string[] =>
  keys.map(({ keyId, key }) => {
    return `${keyId} ${key.use((bytes) => Buffer.from(bytes).toString("hex"))}`
  })

describe("the lots of an outlet", () => {
  it("are none for who asks seldom", () => {
    const desk = new Desk()
    for (let nth = 0; nth < 50; nth++) {
      desk.asked(1)
      desk.tick()
    }
    assert.deepEqual(desk.fills, [])
    assert.equal(desk.take(), undefined)
  })

  it("cover a quarter of a second of what is asked for, and are filled anew when half is used", () => {
    const desk = new Desk()
    for (let nth = 0; nth < 20; nth++) {
      desk.asked(40)
      desk.tick()
    }
    // 400 a second.
    const wanted = desk.fills.at(-1) ?? 0
    assert.equal(desk.fills.length, 1, "one is under way")
    desk.give(1, [99])
    const before = desk.fills.length
    assert.equal(desk.take(49)?.length, 49)
    assert.equal(desk.fills.length, before)
    assert.equal(desk.take(1)?.length, 1)
    assert.equal(desk.fills.length, before + 1)
    assert.ok(wanted >= 8 && wanted <= 100, String(wanted))
  })

  it("are never more than 1,024 keys", () => {
    const desk = new Desk()
    desk.asked(100_000)
    desk.tick()
    assert.deepEqual(desk.fills, [1024])
  })

  it("are given out in order, each key once, with what is known of its way", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.give(1, [3, 5])
    desk.give(2, [4])
    const [first, second, third] = [desk.take(2), desk.take(8), desk.take(2)]
    assert.deepEqual(textOf(first), desk.part(1, 0, 2))
    assert.deepEqual(textOf(second), [...desk.part(1, 2, 8), ...desk.part(2, 0, 2)])
    assert.deepEqual(textOf(third), desk.part(2, 2, 4))
    assert.deepEqual(
      second?.map(({ links }) => links),
      [1, 2, 2, 2, 2, 2, 1, 1],
    )
    assert.equal(desk.take(), undefined)
    desk.lots.tell()
    assert.deepEqual(
      [...desk.used],
      [
        [1, 8],
        [2, 4],
      ],
    )
  })

  it("are not broken into for a request that they cannot answer whole", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.give(1, [5])
    assert.equal(desk.take(6), undefined)
    assert.deepEqual(textOf(desk.take(5)), desk.part(1, 0, 5))
  })

  it("go back after a second unused, from the first key that was not given out", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.give(1, [6])
    desk.take(2)
    desk.tick(9)
    assert.equal(desk.back.size, 0)
    desk.tick(1)
    const keys = desk.given.get(1)?.keys.toString("hex", 2 * SIZE)
    assert.deepEqual([...desk.back], [[1, { used: 2, rest: keys }]])
    assert.equal(desk.take(), undefined)
    assert.equal(desk.lots.heldKeys, 0)
  })

  it("go back when they are recalled, and when the outlet closes, then also what comes late", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.give(1, [6])
    desk.lots.recall()
    assert.equal(desk.back.get(1)?.used, 0)
    assert.equal(desk.take(), undefined)
    desk.give(2, [3])
    desk.lots.close()
    desk.give(3, [3])
    assert.deepEqual([...desk.back.keys()], [1, 2, 3])
    assert.equal(desk.take(), undefined)
  })

  it("hold no key that is too old to be given out", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.give(1, [4], 50)
    desk.give(2, [2], 5000)
    desk.nowMs += 50
    assert.deepEqual(textOf(desk.take(2)), desk.part(2, 0, 2))
    assert.equal(desk.back.get(1)?.used, 0)
  })

  it("are not asked for again at once when there were none", () => {
    const desk = new Desk()
    desk.asked(500)
    desk.tick()
    desk.lots.filled(PAIR, undefined, Buffer.alloc(0))
    desk.asked(500)
    assert.equal(desk.fills.length, 1)
    desk.tick()
    assert.equal(desk.fills.length, 2)
  })
})
