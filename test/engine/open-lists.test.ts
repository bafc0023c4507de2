// The lists of what a search has met, against a list that is sorted anew each time.

import assert from "node:assert/strict"
import fc from "fast-check"
import { FrontList } from "../../src/engine/front-list.js"
import { LabelQueue } from "../../src/engine/label-queue.js"
import { OpenList } from "../../src/engine/open-list.js"

/** Keys that come in; undefined takes one out. */
const steps = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined, freq: 3 }), {
  maxLength: 300,
})

describe("open lists", () => {
  for (const [words, make] of [
    ["a heap", () => new OpenList(2)],
    ["a heap with the least held back", () => new FrontList()],
  ] as const)
    it(`${words} gives nodes out least key first, whatever comes in between`, () => {
      fc.assert(
        fc.property(steps, (list) => {
          const open = make()
          const inside = new Map<number, number>()
          const takeOut = (): void => {
            const least = Math.min(...inside.values())
            assert.equal(open.leastKey, least)
            const node = open.pop()
            assert.equal(inside.get(node) ?? Number.POSITIVE_INFINITY, least)
            inside.delete(node)
          }
          for (const [node, key] of list.entries()) {
            if (key === undefined) takeOut()
            else {
              open.push(node, key)
              inside.set(node, key)
            }
          }
          while (inside.size > 0) takeOut()
          assert.equal(open.pop(), -1)
          open.push(7, 1)
          open.clear()
          assert.equal(open.pop(), -1)
        }),
        { numRuns: 500 },
      )
    })

  it("a queue of labels gives out the least, of equals the one with fewer hops", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const queue = new LabelQueue()
        const inside = new Map<number, number>()
        const rank = (key: number): number => (key >> 2) * 10 + (key & 3)
        const takeOut = (): void => {
          const label = queue.pop()
          assert.equal(inside.get(label) ?? Number.POSITIVE_INFINITY, Math.min(...inside.values()))
          inside.delete(label)
        }
        for (const [label, key] of list.entries()) {
          if (key === undefined) takeOut()
          else {
            queue.push(label, key >> 2, key & 3)
            inside.set(label, rank(key))
          }
        }
        while (inside.size > 0) takeOut()
        assert.equal(queue.pop(), -1)
      }),
      { numRuns: 500 },
    )
  })
})
