// Blocks that no working module gives (THREATS P2).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { blockFault } from "../../src/keys/block-health.js"

describe("a block of link key (P2)", () => {
  it("that is random passes, of any length", () => {
    for (let round = 0; round < 200; round++) {
      const bytes = randomBytes(1 + Math.floor(Math.random() * 8192))
      assert.equal(blockFault(bytes), undefined, bytes.toString("hex"))
    }
  })

  it("that is stuck, counts to and fro, is text or leans to one side does not", () => {
    const stuck = randomBytes(2048)
    stuck.fill(0x5a, 700, 709)
    const text = Buffer.from("link key of the link from Windhof to Kirchberg ".repeat(20))
    const leaning = randomBytes(4096).map((byte, at) => byte | (1 << (at % 8)))
    const twoBytes = Buffer.from(
      Array.from({ length: 512 }, (_, at) => (at % 2 === 0 ? 0x0f : 0xf0)),
    )
    assert.match(blockFault(stuck) ?? "", /in a row/)
    assert.match(blockFault(new Uint8Array(64)) ?? "", /in a row/)
    assert.match(blockFault(text) ?? "", /balance|times/)
    assert.match(blockFault(leaning) ?? "", /balance/)
    assert.match(blockFault(twoBytes) ?? "", /times/)
  })

  it("one equal byte short of a fault passes", () => {
    const bytes = randomBytes(64)
    bytes.fill(7, 10, 18)
    bytes[9] = 8
    bytes[18] = 9
    assert.equal(blockFault(bytes), undefined)
  })
})
