// Where end keys are found by their ids: held against a plain map.

import assert from "node:assert/strict"
import fc from "fast-check"
import { uuidBytes } from "../../src/keys/bytes.js"
import { hasTwins, IdTable, nthOf, numberOf, wordsOf } from "../../src/keys/id-table.js"
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
/** Of as many as one likes. */
const idOf = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
/** Where it is. */
function placeIn<T>(index: KeyIndex<T>, keyId: string, guess?: number): number {
  index.ask([keyId])
  return index.find(0, guess)
}
const words = (...numbers: number[]): Int32Array => wordsOf(uuidBytes(numbers.map(uuid)))

describe("ids of keys", () => {
  it("are found where they were put, whatever others came and went, from a few to thousands", () => {
    const ids = fc.uniqueArray(fc.nat(700), { minLength: 1, maxLength: 40, size: "max" })
    const step = fc.record({ ids, put: fc.boolean(), nth: fc.nat() })
    fc.assert(
      fc.property(fc.integer(), fc.array(step, { maxLength: 200, size: "max" }), (seed, steps) => {
        const table = new IdTable(seed)
        const runs = new Map<number, number[]>()
        const plain = new Map<number, [number: number, nth: number]>()
        for (const { ids, put, nth } of steps) {
          const known = Array.from(runs.keys())
          const gone = known[nth % known.length]
          if (put) {
            const number = table.add(words(...ids))
            assert.ok(!runs.has(number))
            runs.set(number, ids)
            for (const [place, id] of ids.entries()) plain.set(id, [number, place])
          } else if (gone !== undefined) {
            table.remove(gone)
            runs.delete(gone)
            // Ids that another run has by now stay its own.
            for (const [id, [number]] of plain) if (number === gone) plain.delete(id)
          }
        }
        assert.equal(table.count, plain.size)
        for (let id = 0; id <= 700; id++) {
          const place = table.find(words(id), 0)
          const expected = plain.get(id)
          assert.deepEqual(
            place < 0 ? undefined : [numberOf(place), nthOf(place)],
            expected,
            `id ${id}`,
          )
          if (place >= 0) assert.ok(table.isAt(place, words(id), 0))
        }
      }),
      { numRuns: 60 },
    )
  })

  // Batches of few keys are put together once they are over, others stay as they are.
  for (const size of [1, 5, 63, 64, 300]) {
    it(`are over once their batch of ${size} is, as long as they are among the newest thousand, and never held again by it`, () => {
      const index = new KeyIndex<number>(1000, 7)
      const batches = Math.ceil(4000 / size)
      const idsOf = (batch: number): string[] =>
        Array.from({ length: size }, (_, nth) => idOf(batch * size + nth))
      const numbers: number[] = []
      for (let batch = 0; batch < batches; batch++) {
        const held = wordsOf(uuidBytes(idsOf(batch)))
        assert.equal(index.stateOfAny(held), undefined)
        numbers.push(index.hold(held, batch))
        assert.equal(index.heldCount, size)
        for (const [nth, id] of idsOf(batch).entries()) {
          const place = placeIn(index, id)
          assert.deepEqual([index.ownerAt(place), index.indexAt(place)], [batch, nth])
          // A guess helps, or does no harm.
          assert.equal(placeIn(index, id, place), place)
          assert.equal(placeIn(index, id, place + 1), place)
          assert.equal(placeIn(index, id, 3), place)
        }
        index.leave(held, numbers[batch] ?? 0)
        assert.equal(index.heldCount, 0)
        assert.equal(index.stateOfAny(held), "over")
        for (const id of idsOf(batch)) assert.equal(placeIn(index, id), -1)
      }
      // Numbers go to others, those in the graves do not come back.
      assert.ok(Math.max(...numbers) < 1000)
      const states = Array.from({ length: batches * size }, (_, nth) =>
        index.state(wordsOf(uuidBytes([idOf(nth)])), 0),
      )
      const first = states.indexOf("over")
      assert.ok(states.slice(0, first).every((state) => state === "unknown"))
      assert.ok(states.slice(first).every((state) => state === "over"))
      const over = states.length - first
      assert.ok(over >= 1000 && over <= 1000 + Math.max(1024, size), `${over} are remembered`)
    })
  }

  it("of batches large and small are forgotten oldest first", () => {
    const index = new KeyIndex<string>(1000, 7)
    const sizes = [3, 700, 2, 1, 700, 5, 900, 900, 4, 100, 2]
    let next = 0
    const all = sizes.map((size) => Array.from({ length: size }, () => idOf(next++)))
    for (const ids of all) {
      const held = wordsOf(uuidBytes(ids))
      index.leave(held, index.hold(held, "batch"))
    }
    const last = all.slice(-4)
    for (const ids of last)
      for (const id of ids) assert.equal(index.state(wordsOf(uuidBytes([id])), 0), "over")
    for (const id of all[0] ?? []) assert.equal(index.state(wordsOf(uuidBytes([id])), 0), "unknown")
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
    const place = placeIn(index, zero)
    assert.deepEqual([index.ownerAt(place), index.indexAt(place)], ["zero", 0])
    for (const text of [
      "",
      "x",
      zero.slice(1),
      `${zero}0`,
      zero.replaceAll("-", "0"),
      zero.replace("0", "g"),
    ])
      assert.equal(placeIn(index, text), -1)
  })

  it("are told apart from what is no id among many that are", () => {
    const index = new KeyIndex<string>(4, 7)
    const ids = Array.from({ length: 300 }, (_, n) => idOf(n))
    index.hold(wordsOf(uuidBytes(ids)), "batch")
    const placesOf = (texts: readonly string[]): number[] => {
      index.ask(texts)
      return texts.map((_, nth) => {
        const place = index.find(nth)
        return place < 0 ? -1 : index.indexAt(place)
      })
    }
    const order = Array.from(ids.keys())
    assert.deepEqual(placesOf(ids), order)
    // Together as long as two ids; and characters whose lower byte is a digit's.
    for (const [one, other] of [
      [idOf(7).slice(1), `0${idOf(8)}`],
      [`${idOf(7)}${idOf(8)}`.slice(0, 35), `${idOf(7)}${idOf(8)}`.slice(35)],
      [idOf(7).replace("7", "\u0137"), idOf(8).replace("4", "\u00e4")],
      [idOf(7).replace("7", "\ud837"), ""],
      [idOf(7).toUpperCase().replace("4", "A"), idOf(8).replaceAll("-", "0")],
    ] as const)
      assert.deepEqual(
        placesOf(ids.with(7, one).with(8, other)),
        order.with(7, -1).with(8, -1),
        `${one} ${other}`,
      )
    const wide = idOf(7).replace("7", "\u0137")
    assert.deepEqual(placesOf(ids.with(7, wide)), order.with(7, -1))
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
