// What is left in memory of end keys that wait at a node.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { EndKeys } from "../../src/node/end-keys.js"
import { VolatileStore } from "../../src/node/key-store.js"
import type { StoreOp } from "../../src/node/key-store.js"

class WatchedStore extends VolatileStore {
  readonly written: Uint8Array[] = []

  override commit(ops: readonly StoreOp[], options: { quiet?: boolean } = {}): Promise<void> {
    for (const { value } of ops) if (value !== null) this.written.push(value)
    return super.commit(ops, options)
  }
}

describe("end keys in memory", () => {
  it("leave no copy behind in what was handed to the store", async () => {
    const store = new WatchedStore(
      () => 0,
      (bytes) => randomBytes(bytes),
    )
    const endKeys = new EndKeys(store, () => 0, randomBytes)
    const keyIds = [randomUUID(), randomUUID(), randomUUID()]
    const bytes = randomBytes(96)
    const offer = {
      transferId: randomUUID(),
      appId: "app",
      pathQkdlId: "path",
      source: "far",
      destination: "here",
      masterSaeId: "m",
      slaveSaeIds: ["s"],
      keyIds,
      keySizeBits: 256,
      ttlS: 60,
    }
    await endKeys.put(offer, Secret.take(Buffer.from(bytes)))
    for (const [index, keyId] of keyIds.entries()) {
      const {
        keys: [taken],
      } = await endKeys.take("s", "m", [keyId])
      assert.ok(taken !== undefined)
      // The control: the right key came out.
      const expected = bytes.subarray(index * 32, index * 32 + 32)
      assert.equal(
        taken.key.use((key) => expected.equals(key)),
        true,
      )
      taken.key.wipe()
    }
    assert.ok(store.written.length >= 4)
    const left = Buffer.concat(store.written)
    for (let at = 0; at < bytes.length; at += 32)
      assert.equal(left.includes(bytes.subarray(at, at + 32)), false)
  })
})
