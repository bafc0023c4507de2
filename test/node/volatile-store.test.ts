// The key store that forgets: buffers of records that are gone are used again, and nobody sees one in another's place.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { VolatileStore } from "../../src/node/key-store.js"

const LENGTH = 5000
const [one, other] = [Buffer.from("a"), Buffer.from("b")]

describe("the store in memory", () => {
  it("gives each record's own bytes, whatever was where they lie", async () => {
    const store = new VolatileStore(() => 0, randomBytes)
    const bytesOf = (key: Buffer): number[] | undefined =>
      store.get(key)?.use((bytes) => Array.from(new Set(bytes)))
    await store.commit([{ key: one, value: Buffer.alloc(LENGTH, 1) }])
    const lent = store.get(one) ?? assert.fail()
    await store.commit([{ key: one, value: null }])
    await store.commit([{ key: other, value: Buffer.alloc(LENGTH, 2) }])
    assert.equal(store.get(one), undefined)
    assert.deepEqual(bytesOf(other), [2])
    assert.deepEqual(
      lent.use((bytes) => Array.from(new Set(bytes))),
      [1],
    )
    await store.commit([
      { key: one, value: Buffer.alloc(LENGTH, 3) },
      { key: other, value: Buffer.alloc(LENGTH, 4) },
    ])
    assert.deepEqual([bytesOf(one), bytesOf(other)], [[3], [4]])
    // A sweep gives back what is kept, and nothing that is held.
    await store.commit([{ key: one, value: null }])
    await store.sweep()
    await store.commit([{ key: one, value: Buffer.alloc(LENGTH, 5) }])
    assert.deepEqual([bytesOf(one), bytesOf(other)], [[5], [4]])
  })
})
