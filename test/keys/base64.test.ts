// Base64 between key bytes and message bytes, judged by Node's own.

import assert from "node:assert/strict"
import fc from "fast-check"
import { base64Length, readBase64, writeBase64 } from "../../src/keys/base64.js"
import { isQkdError } from "../errors-helper.js"

const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1")
const bytesOf = (text: string): Buffer => readBase64(ascii(text)).use((bytes) => Buffer.from(bytes))

describe("base64 of keys", () => {
  it("writes the examples of RFC 4648 section 10", () => {
    const examples = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"]
    for (const [length, text] of examples.entries()) {
      const target = new Uint8Array(base64Length(length))
      assert.equal(writeBase64(ascii("foobar").subarray(0, length), target, 0), text.length)
      assert.equal(Buffer.from(target).toString("latin1"), text)
      assert.equal(bytesOf(text).toString("latin1"), "foobar".slice(0, length))
    }
  })

  it("writes and reads as Node does, wherever in the buffer", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (key, at) => {
        const expected = Buffer.from(key).toString("base64")
        const target = new Uint8Array(at + expected.length + 3).fill(7)
        const end = writeBase64(key, target, at)
        assert.equal(Buffer.from(target.subarray(at, end)).toString("latin1"), expected)
        assert.ok(target.subarray(0, at).every((byte) => byte === 7))
        assert.ok(target.subarray(end).every((byte) => byte === 7))
        assert.deepEqual(bytesOf(expected), Buffer.from(key))
      }),
    )
  })

  it("writes a key that lies among others, and nothing of them", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(100),
        fc.nat(100),
        (all, one, other) => {
          const [from, to] = [
            Math.min(one, other, all.length),
            Math.min(Math.max(one, other), all.length),
          ]
          const expected = Buffer.from(all.subarray(from, to)).toString("base64")
          const target = new Uint8Array(expected.length + 2).fill(7)
          assert.equal(writeBase64(all, target, 1, from, to - from), 1 + expected.length)
          assert.equal(Buffer.from(target).toString("latin1"), `\x07${expected}\x07`)
        },
      ),
    )
  })

  it("refuses every text that is not the one form of a key", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii", maxLength: 12 }), (text) => {
        const decoded = Buffer.from(text, "base64")
        if (decoded.toString("base64") === text) assert.deepEqual(bytesOf(text), decoded)
        else assert.throws(() => bytesOf(text), isQkdError("malformed-message"))
      }),
      { numRuns: 2000 },
    )
    for (const text of [
      "Zg",
      "Zg=",
      "Zh==",
      "Zm9=",
      "Zm 8",
      "Zm9\n",
      "=",
      "====",
      "Zg==Zg==",
      "Zm-_",
    ]) {
      assert.throws(() => bytesOf(text), isQkdError("malformed-message"), text)
    }
  })

  it("does not write past the end of its target", () => {
    assert.throws(() => writeBase64(new Uint8Array(4), new Uint8Array(8), 1), RangeError)
  })
})
