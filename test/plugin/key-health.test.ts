// What the conformance suite of QKD modules thinks of the blocks that two ends gave.

import assert from "node:assert/strict"
import { expectOneStream } from "../../src/plugin/key-health.js"
import type { SeenBlock } from "../../src/plugin/module-bench.js"

const block = (id: string, digest = `digest of ${id}`): SeenBlock => ({
  id,
  digest,
  lengthBytes: 128,
  ones: 512,
  pieces: [],
  marks: [],
})
const run = (from: number, to: number, of = "block"): SeenBlock[] =>
  Array.from({ length: to - from }, (_, i) => block(`${of} ${from + i}`))
const judge = (a: SeenBlock[], b: SeenBlock[]): void => {
  expectOneStream({ blocks: a }, { blocks: b })
}

describe("two ends of a link", () => {
  it("gave one stream when they have the same blocks", () => {
    judge(run(0, 20), run(0, 20))
  })

  it("gave one stream when one has read on after the other was at rest", () => {
    judge(run(0, 60), run(0, 20))
    judge(run(0, 3), run(0, 43))
  })

  it("gave one stream when a few confirmations were lost", () => {
    judge([...run(0, 10), ...run(14, 30)], [...run(0, 20), ...run(22, 30)])
  })

  it("gave two when many of one end's are missing in between", () => {
    assert.throws(() => {
      judge([...run(0, 3), ...run(20, 40)], run(0, 40))
    }, /17 blocks are at one end only/)
  })

  it("gave two when each goes on with blocks of its own", () => {
    assert.throws(() => {
      judge([...run(0, 3), ...run(3, 20, "mine")], [...run(0, 3), ...run(3, 20, "yours")])
    }, /17 blocks are at one end only/)
  })

  it("gave two when a block has other bytes at the other end, or comes twice", () => {
    assert.throws(() => {
      judge(run(0, 5), [...run(0, 4), block("block 4", "another")])
    }, /block 4 differs between the ends/)
    assert.throws(() => {
      judge([...run(0, 5), block("block 4")], run(0, 5))
    }, /different ids/)
  })

  it("gave none when they share no block", () => {
    assert.throws(() => {
      judge(run(0, 5), run(5, 10))
    }, /share no block/)
  })
})
