// Single keys of a batch that their source takes back: at the destination, on its store, over a restart.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { EndKeys } from "../../src/node/end-keys.js"
import { VolatileStore } from "../../src/node/key-store.js"
import { batchKey } from "../../src/node/records.js"

describe("one key of a batch that its source takes back", () => {
  const store = new VolatileStore(() => 0, randomBytes)
  const open = (): EndKeys => new EndKeys(store, () => 0, randomBytes)
  const keyIds = [randomUUID(), randomUUID(), randomUUID()] as const
  const offer = {
    ...{ transferId: randomUUID(), appId: "app", pathQkdlId: "path", source: "far" },
    ...{ destination: "here", masterSaeId: "m", slaveSaeIds: ["s", "t"], keyIds },
    ...{ keySizeBits: 256, ttlS: 60 },
  }
  const bytes = randomBytes(96)
  const record = (): Buffer => {
    const held = store.get(batchKey(offer.transferId)) ?? assert.fail("not held")
    return held.use((all) => Buffer.from(all))
  }
  const missing = { tag: "data-missing" }

  it("is nobody's from then on and its bytes are erased; the others are given, after a restart, too", async () => {
    await open().put(offer, Secret.take(Buffer.from(bytes)))
    let endKeys = open()
    assert.ok(record().includes(bytes.subarray(32, 64)), "or nothing is shown below")
    assert.equal(await endKeys.voidBatch(keyIds[1], "another"), "unknown")
    assert.equal(await endKeys.voidBatch(keyIds[1], "far"), "voided")
    assert.ok(!record().includes(bytes.subarray(32, 64)))
    for (let run = 0; run < 2; run++) {
      for (const slave of ["s", "t"])
        await assert.rejects(endKeys.take(slave, "m", [keyIds[0], keyIds[1]]), missing)
      assert.equal(await endKeys.voidBatch(keyIds[1], "far"), "voided")
      endKeys = open()
    }
    for (const slave of ["s", "t"]) {
      const { keys } = await endKeys.take(slave, "m", [keyIds[0], keyIds[2]])
      const given = keys.map(({ key }) => key.use((all) => Buffer.from(all)))
      assert.deepEqual(
        Buffer.concat(given),
        Buffer.concat([bytes.subarray(0, 32), bytes.subarray(64)]),
      )
    }
    assert.equal(store.get(batchKey(offer.transferId)), undefined, "nothing is left of the batch")
    await assert.rejects(open().put(offer, Secret.take(Buffer.from(bytes))), { tag: "data-exists" })
    assert.equal(await endKeys.voidBatch(keyIds[0], "far"), "too-late")
  })
})
