// Blocks that no working module gives (THREATS P2).

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import fc from "fast-check"
import { ROOM_BYTES } from "../../src/keys/block-code.js"
import { blockFault, blockFaultSlowly, counting } from "../../src/keys/block-health.js"

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

  it("is judged alike whether windows are counted in WebAssembly or one byte after the other", () => {
    const seen = new Set<string>()
    const edit = fc.record({
      from: fc.nat(3000),
      // Rows about as long as is too long, and bytes about as often as is too often, across windows and ends.
      length: fc.constantFrom(3, 4, 8, 9, 10, 17),
      step: fc.constantFrom(1, 1, 2, 17, 18, 19),
      byte: fc.nat(255),
    })
    const far = fc.record({
      from: fc.nat(3000),
      length: fc.integer({ min: 26, max: 30 }),
      step: fc.integer({ min: 2, max: 18 }),
      byte: fc.nat(255),
    })
    const edits = fc.array(fc.oneof(edit, far), { maxLength: 3 })
    fc.assert(
      fc.property(fc.nat(3100), edits, fc.boolean(), (length, edits, leans) => {
        const bytes = randomBytes(length)
        if (leans) for (let at = 0; at < length; at += 2) bytes[at] = (bytes[at] ?? 0) | 0x11
        for (const { from, length: times, step, byte } of edits)
          for (let nth = 0; nth < times; nth++)
            if (from + nth * step < length) bytes[from + nth * step] = byte
        const fault = blockFault(bytes)
        assert.equal(fault, blockFaultSlowly(bytes))
        seen.add(fault ?? "none")
      }),
      { numRuns: 3000 },
    )
    assert.equal(seen.size, 4, Array.from(seen).join())
  })

  it("finds every row of nine, wherever it begins, and no row of eight", () => {
    for (const length of [1024, 1030]) {
      for (let from = 0; from + 9 <= length; from++) {
        const bytes = Buffer.from(Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff))
        const byte = (bytes[from] ?? 0) ^ 0x80
        if (bytes[from - 1] === byte || bytes[from + 9] === byte) continue
        bytes.fill(byte, from, from + 9)
        assert.match(blockFault(bytes) ?? "", /in a row/, `from ${from}`)
        bytes[from + 8] = byte ^ 1
        assert.doesNotMatch(blockFault(bytes) ?? "", /in a row/, `from ${from}`)
      }
    }
  })

  it("is looked at whole where it is longer than the memory for it, and nothing of it is left there", () => {
    const { memory } = counting ?? assert.fail("no WebAssembly here")
    for (const at of [ROOM_BYTES - 5, ROOM_BYTES + 700, 2 * ROOM_BYTES + 40]) {
      const bytes = randomBytes(2 * ROOM_BYTES + 100)
      assert.equal(blockFault(bytes), undefined)
      bytes.fill(1, at, at + 9)
      assert.match(blockFault(bytes) ?? "", /in a row/)
      assert.equal(
        memory.every((byte) => byte === 0),
        true,
      )
    }
  })
})
