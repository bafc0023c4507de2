// Where end keys are found by their ids: held against a plain map.

import assert from "node:assert/strict"
import fc from "fast-check"
import { uuidBytes } from "../../src/keys/bytes.js"
import { hasTwins, IdTable, wordsOf } from "../../src/keys/id-table.js"
import { KeyIndex } from "../../src/keys/key-index.js"

// Few ids, and some that differ in one of their parts only: they meet in the table.
const uuid = (n: number): string =>
  [n % 3, n % 5, 0, 0]
    .map((part) => String(part).padStart(8, "0"))
    .join("")
    .replace(
      /^(.{8})(.{4})(.{4})(.{4})(.{9})(...)$/,
      (_, a: string, b: string, c: string, d: string, e: string) =>
        `${a}-${b}-${c}-${d}-${e}${String(n).padStart(3, "0")}`,
    )
const words = (...numbers: number[]): Uint32Array => wordsOf(uuidBytes(numbers.map(uuid)))

describe("ids of keys", () => {
  it("are found where they were put, whatever others came and went, from a few to thousands", () => {
    const step = fc.record({ id: fc.nat(700), put: fc.boolean() })
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 2000 }), (seed, steps) => {
        const table = new IdTable(seed)
        const plain = new Map<number, number>()
        for (const [at, { id, put }] of steps.entries()) {
          if (put) {
            table.set(words(id), 0, id, at)
            plain.set(id, at)
          } else {
            const slot = table.find(words(id), 0)
            assert.equal(slot >= 0, plain.delete(id))
            if (slot >= 0) table.remove(slot)
          }
        }
        assert.equal(table.count, plain.size)
        for (let id = 0; id <= 700; id++) {
          const slot = table.find(words(id), 0)
          assert.equal(slot >= 0, plain.has(id))
          if (slot < 0) continue
          assert.equal(table.ownerAt(slot), id)
          assert.equal(table.placeAt(slot), plain.get(id))
        }
      }),
      { numRuns: 60 },
    )
  })

  it("are over once their batch is, as long as they are among the newest so many, and never held again by it", () => {
    const index = new KeyIndex<string>(4, 7)
    const first = index.hold(words(1, 2), "first")
    const second = index.hold(words(3, 4, 5), "second")
    assert.equal(index.heldCount, 5)
    assert.deepEqual(index.find(uuid(4)), { owner: "second", index: 1 })
    index.leave(words(1, 2), first)
    assert.equal(index.find(uuid(1)), undefined)
    assert.equal(index.state(words(1, 2), 1), "over")
    // Its number goes to another: what is over stays so.
    assert.equal(index.hold(words(6), "third"), first)
    assert.equal(index.find(uuid(2)), undefined)
    assert.deepEqual(index.find(uuid(6)), { owner: "third", index: 0 })
    index.leave(words(3, 4, 5), second)
    const states = [1, 2, 3, 4, 5, 6, 7].map((id) => index.state(words(id), 0))
    assert.deepEqual(states, ["unknown", "over", "over", "over", "over", "held", "unknown"])
    assert.equal(index.heldCount, 1)
  })

  it("are not there, and not over, when their batch was dropped", () => {
    const index = new KeyIndex<string>(4, 7)
    index.drop(words(1, 2), index.hold(words(1, 2), "first"))
    assert.equal(index.state(words(1), 0), "unknown")
    assert.equal(index.heldCount, 0)
  })

  it("are none when what is asked for is no id", () => {
    const index = new KeyIndex<string>(4, 7)
    const zero = "00000000-0000-0000-0000-000000000000"
    index.hold(wordsOf(uuidBytes([zero])), "zero")
    assert.deepEqual(index.find(zero), { owner: "zero", index: 0 })
    for (const text of [
      "",
      "x",
      zero.slice(1),
      `${zero}0`,
      zero.replaceAll("-", "0"),
      zero.replace("0", "g"),
    ])
      assert.equal(index.find(text), undefined)
  })

  it("are seen to be named twice, whichever two they are", () => {
    const many = Array.from({ length: 1024 }, (_, id) => uuid(id % 1000)).slice(0, 1000)
    assert.equal(hasTwins(uuidBytes(many)), false)
    for (const [one, other] of [
      [0, 999],
      [1, 2],
      [500, 998],
    ] as const) {
      const twins = many.with(one, many[other] ?? "")
      assert.equal(hasTwins(uuidBytes(twins)), true)
    }
    assert.equal(hasTwins(uuidBytes(many.slice(0, 1))), false)
    assert.equal(hasTwins(uuidBytes(many)), false)
  })
})
