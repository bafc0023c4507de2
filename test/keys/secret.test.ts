// The one type that carries key bytes: it shows them to nobody by accident, and forgets them when told.

import assert from "node:assert/strict"
import { inspect } from "node:util"
import { Secret } from "../../src/keys/secret.js"

const canary = "canary-canary-ca"

describe("a secret", () => {
  it("takes the bytes over and wipes where they came from", () => {
    const source = Buffer.from(canary)
    const secret = Secret.take(source)
    assert.equal(
      source.every((byte) => byte === 0),
      true,
    )
    assert.equal(
      secret.use((bytes) => Buffer.from(bytes).toString()),
      canary,
    )
    assert.equal(secret.lengthBits, 128)
    // In a buffer of its own: wiping reaches every copy.
    assert.equal(
      secret.use((bytes) => bytes.buffer.byteLength),
      16,
    )
  })

  it("prints as <secret>, and cannot be serialised", () => {
    const secret = Secret.take(Buffer.from(canary))
    const texts = [
      String(secret),
      inspect({ secret }, { depth: 9, showHidden: true }),
      secret.toString(),
    ]
    for (const text of texts) {
      assert.equal(text.includes("<secret>"), true)
      assert.equal(text.includes("canary"), false)
      assert.equal(text.includes("99, 97, 110"), false)
    }
    assert.throws(() => JSON.stringify({ secret }), { tag: "operation-failed" })
  })

  it("is of no use after it was wiped, twice or once", () => {
    const secret = Secret.take(Buffer.from(canary))
    const piece = secret.slice(7, 6)
    let view: Uint8Array = Buffer.alloc(0)
    secret.use((bytes) => {
      view = bytes
    })
    secret.wipe()
    secret.wipe()
    assert.equal(secret.wiped, true)
    assert.equal(
      view.every((byte) => byte === 0),
      true,
    )
    assert.throws(() => secret.use(() => 0), { tag: "operation-failed" })
    assert.throws(() => secret.lengthBytes, { tag: "operation-failed" })
    assert.equal(
      piece.use((bytes) => Buffer.from(bytes).toString()),
      "canary",
    )
    assert.throws(() => piece.slice(3, 4), RangeError)
  })
})
