// Ids that are remembered: held against a plain list.

import assert from "node:assert/strict"
import fc from "fast-check"
import { RecentIds } from "../../src/keys/recent-ids.js"

describe("recent ids", () => {
  it("are the newest so many, in order, whatever comes again, is taken out or cleared", () => {
    const id = fc.integer({ min: 0, max: 12 }).map(String)
    const step = fc.oneof(
      { weight: 20, arbitrary: fc.record({ kind: fc.constant("add" as const), id }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant("delete" as const), id }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const), id }) },
    )
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 6 }),
        fc.array(step, { maxLength: 300 }),
        (most, steps) => {
          const recent = new RecentIds(most)
          let plain: string[] = []
          for (const { kind, id } of steps) {
            const before = plain
            if (kind === "clear") plain = []
            else plain = plain.filter((one) => one !== id)
            if (kind === "clear") recent.clear()
            else if (kind === "delete") assert.equal(recent.delete(id), before.includes(id))
            else {
              plain.push(id)
              const over = plain.length > most ? plain.shift() : undefined
              assert.equal(recent.add(id), over)
            }
            assert.deepEqual(recent.all(), plain)
            assert.equal(recent.count, plain.length)
            assert.equal(recent.has(id), plain.includes(id))
          }
        },
      ),
    )
  })
})
