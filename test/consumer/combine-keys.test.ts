// Keys made of delivered keys. The vectors were computed by another program: Python's hmac and hashlib, after
// SP 800-56C Rev. 2 and RFC 5869.

import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { combineKeys, type KdfHash, type KeyContext } from "../../src/consumer/combine-keys.js"
import { decapsulate, encapsulate, makeKemPair } from "../../src/consumer/kem.js"
import { Secret } from "../../src/keys/secret.js"
import { isQkdError } from "../errors-helper.js"

type Vector = Omit<KeyContext, "kemTranscript"> & {
  readonly hash: KdfHash
  readonly qkd: string
  readonly kem: string
  readonly kemTranscript: string
  readonly key: string
  readonly initiatorTag: string
  readonly responderTag: string
}

const vectors = JSON.parse(
  readFileSync(new URL("combine-keys.vectors.json", import.meta.url), "utf8"),
) as Vector[]

function secret(hex: string): Secret {
  return Secret.take(Buffer.from(hex, "hex"))
}

function hex(value: Secret | Uint8Array): string {
  return value instanceof Secret
    ? value.use((bytes) => Buffer.from(bytes).toString("hex"))
    : Buffer.from(value).toString("hex")
}

function combined(vector: Vector, changed: Partial<Vector> = {}): ReturnType<typeof combineKeys> {
  const all = { ...vector, ...changed }
  return combineKeys(
    {
      ...(all.qkd !== "" && { qkd: secret(all.qkd) }),
      ...(all.kem !== "" && { kem: secret(all.kem) }),
    },
    { ...all, kemTranscript: Buffer.from(all.kemTranscript, "hex") },
    all.hash,
  )
}

describe("a tunnel's key", () => {
  for (const vector of vectors)
    it(`is the one another program derives: ${vector.kind}, ${vector.hash}`, () => {
      const made = combined(vector)
      assert.equal(hex(made.key), vector.key)
      assert.equal(hex(made.initiatorTag), vector.initiatorTag)
      assert.equal(hex(made.responderTag), vector.responderTag)
    })

  it("is another one when anything that both ends must agree on differs", () => {
    const [vector] = vectors
    assert.ok(vector)
    const flipped = (text: string): string => `ff${text.slice(2)}`
    const changes: Partial<Vector>[] = [
      { purpose: "wireguard" },
      { tunnel: "lab2" },
      { initiator: "gate-b", responder: "gate-a" },
      { responder: "gate-c" },
      { generation: 2 },
      { keyId: "00000000-5b0e-4a57-9d55-0f3ce5c2f7a1" },
      { kemTranscript: flipped(vector.kemTranscript) },
      // Either secret alone is enough to make it unknown.
      { qkd: flipped(vector.qkd) },
      { kem: flipped(vector.kem) },
      // The same bytes, cut elsewhere.
      { kem: vector.kem + vector.qkd.slice(0, 2), qkd: `${vector.qkd.slice(2)}00` },
      { hash: "sha384" },
    ]
    const seen = new Set([hex(combined(vector).key)])
    for (const change of changes) {
      const made = combined(vector, change)
      for (const value of [made.key, made.initiatorTag, made.responderTag]) {
        assert.ok(!seen.has(hex(value)), `${JSON.stringify(change)} changed nothing`)
        seen.add(hex(value))
      }
    }
  })

  it("is not made of nothing, of too little, nor of other secrets than it is said to be", () => {
    const [vector] = vectors
    assert.ok(vector)
    const refused = isQkdError("invalid-value")
    assert.throws(() => combined(vector, { qkd: "", kem: "" }), refused)
    assert.throws(() => combined(vector, { kem: "" }), refused)
    assert.throws(() => combined(vector, { kind: "qkd" }), refused)
    assert.throws(() => combined(vector, { qkd: vector.qkd.slice(0, 62) }), refused)
  })

  it("gets the same ML-KEM secret at both ends, and another one from a changed ciphertext", () => {
    const pair = makeKemPair()
    const { ciphertext, shared } = encapsulate(pair.publicKey)
    assert.equal(hex(decapsulate(ciphertext, pair.secretKey)), hex(shared))
    ciphertext[5] = (ciphertext[5] ?? 0) ^ 1
    assert.notEqual(hex(decapsulate(ciphertext, pair.secretKey)), hex(shared))
    assert.throws(() => encapsulate(new Uint8Array(12)), isQkdError("invalid-value"))
    assert.throws(() => encapsulate(new Uint8Array(1184).fill(255)), isQkdError("invalid-value"))
    assert.throws(() => decapsulate(new Uint8Array(3), pair.secretKey), isQkdError("invalid-value"))
  })
})
