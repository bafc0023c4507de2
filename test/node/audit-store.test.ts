// The sealed store when it is killed, slowed down or tampered with at the worst moment.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { open } from "lmdb"
import { Secret } from "../../src/keys/secret.js"
import { EpochKeys } from "../../src/node/epoch-keys.js"
import { SealedStore } from "../../src/node/sealed-store.js"

const key = (text: string): Buffer => Buffer.from(text)
const random = (bytes: number): Uint8Array => randomBytes(bytes)
const sealing = randomBytes(32)
let dir = ""
const stores: SealedStore[] = []

async function openStore(): Promise<SealedStore> {
  const sealingKey = Secret.take(Buffer.from(sealing))
  const store = await SealedStore.open({ dir, sealingKey, now: () => 1_000_000, random })
  stores.push(store)
  return store
}

const epochFiles = (): string[] => readdirSync(path.join(dir, "epochs")).sort()

describe("the sealed store at its worst moments", () => {
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "sealed-"))
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it("opens again when it was killed between overwriting a key and removing it", () => {
    const sealingKey = Secret.take(Buffer.from(sealing))
    const keys = new EpochKeys(dir, sealingKey, random)
    keys.begin()
    keys.begin()
    keys.close()
    // The bytes to overwrite it with are taken right before they are written: there it dies.
    const dying = new EpochKeys(dir, sealingKey, () => {
      throw new Error("killed")
    })
    assert.throws(() => {
      dying.shred(1)
    }, /killed/)
    const [half] = epochFiles().filter((name) => name.startsWith("1."))
    assert.ok(half !== undefined)
    writeFileSync(path.join(dir, "epochs", half), randomBytes(60))
    const after = new EpochKeys(dir, sealingKey, random)
    assert.equal(after.current, 2)
    assert.deepEqual(epochFiles(), ["2.key"])
  })

  it("sweeps once at a time, however often it is told to", async () => {
    await (await openStore()).close()
    await (await openStore()).close()
    const store = await openStore()
    assert.deepEqual(epochFiles(), ["1.key", "2.key", "3.key"])
    await Promise.all([store.sweep(), store.sweep(), store.sweep()])
    assert.deepEqual(epochFiles(), ["3.key"])
    await store.commit([{ key: key("k"), value: key("still works") }])
  })

  it("does not take old records for a new store when its mark was taken away", async () => {
    const store = await openStore()
    await store.commit([{ key: key("k"), value: key("delivered meanwhile") }])
    await store.close()
    const records = open<Buffer, Uint8Array>({
      path: path.join(dir, "records"),
      encoding: "binary",
      keyEncoding: "binary",
      cache: false,
    })
    await records.remove(Buffer.from("\0meta", "latin1"))
    await records.close()
    await assert.rejects(openStore(), { tag: "operation-failed" })
  })
})
