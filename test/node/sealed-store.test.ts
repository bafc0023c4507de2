// The sealed store: what was committed survives, what was removed cannot be read, what was altered is refused.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { open } from "lmdb"
import { Secret } from "../../src/keys/secret.js"
import { compareMarks } from "../../src/keys/store-mark.js"
import { SealedStore } from "../../src/node/sealed-store.js"
import type { SealedStoreOptions } from "../../src/node/sealed-store.js"

const sealing = Buffer.alloc(32, 7)
let dir = ""
const stores: SealedStore[] = []
let nowMs = 1_000_000

async function openStore(more: Partial<SealedStoreOptions> = {}): Promise<SealedStore> {
  const store = await SealedStore.open({
    dir,
    sealingKey: Secret.take(Buffer.from(sealing)),
    now: () => nowMs,
    random: (bytes) => randomBytes(bytes),
    ...more,
  })
  stores.push(store)
  return store
}

const key = (text: string): Buffer => Buffer.from(text)
const bytesOf = (secret: Secret | undefined): string | undefined =>
  secret?.use((bytes) => Buffer.from(bytes).toString())

/** Every byte below the folder. */
function disk(folder: string): Buffer {
  return Buffer.concat(
    readdirSync(folder).map((name) => {
      const file = path.join(folder, name)
      return statSync(file).isDirectory() ? disk(file) : readFileSync(file)
    }),
  )
}

describe("the sealed store", () => {
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "sealed-"))
  })
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close()
    rmSync(dir, { recursive: true, force: true })
  })

  it("keeps what was committed and counts it in its mark", async () => {
    const first = await openStore()
    await first.commit([
      { key: key("a1"), value: key("one") },
      { key: key("a2"), value: key("two") },
    ])
    await first.commit([{ key: key("a1"), value: null }])
    const { mark } = first
    await first.close()
    const second = await openStore()
    assert.equal(second.get(key("a1")), undefined)
    assert.equal(bytesOf(second.get(key("a2"))), "two")
    assert.deepEqual(
      second.list(key("a")).map((r) => [r.key.toString(), r.lengthBytes]),
      [["a2", 3]],
    )
    assert.equal(second.mark.storeId, mark.storeId)
    assert.equal(second.mark.generation, mark.generation + 1)
    assert.equal(compareMarks(second.mark, mark), "same-or-newer")
    assert.equal(compareMarks(mark, second.mark), "older")
  })

  it("D1: shows no value on disk, nor the sealing key", async () => {
    const canary = "a canary, thirty-two bytes long!"
    const store = await openStore()
    await store.commit([{ key: key("c"), value: key(canary) }])
    const raw = disk(dir)
    assert.equal(raw.includes(canary), false)
    assert.equal(raw.includes(Buffer.from(canary).toString("hex")), false)
    assert.equal(raw.includes(sealing), false)
    // The control: the same bytes are found where they are not sealed.
    const bare = open<Buffer, string>({ path: path.join(dir, "bare"), encoding: "binary" })
    await bare.put("c", key(canary))
    assert.equal(disk(dir).includes(canary), true)
    await bare.close()
  })

  it("refuses another sealing key, and records moved under another key", async () => {
    const store = await openStore()
    await store.commit([{ key: key("from"), value: key("value") }])
    await store.close()
    await assert.rejects(openStore({ sealingKey: Secret.take(Buffer.alloc(32, 8)) }), {
      tag: "access-denied",
    })
    const raw = open<Buffer, Uint8Array>({
      path: path.join(dir, "records"),
      encoding: "binary",
      keyEncoding: "binary",
    })
    const sealed = raw.getBinary(key("from"))
    assert.ok(sealed)
    await raw.put(key("to"), sealed)
    await raw.close()
    const again = await openStore()
    assert.equal(bytesOf(again.get(key("from"))), "value")
    assert.throws(() => again.get(key("to")), { tag: "operation-failed" })
  })

  it("D1: shreds the keys of epochs without records, so that a copied old image opens nothing", async () => {
    const store = await openStore()
    await store.commit([{ key: key("old"), value: key("secret of yesterday") }])
    const image = `${dir}-image`
    cpSync(path.join(dir, "records"), image, { recursive: true })
    assert.deepEqual(readdirSync(path.join(dir, "epochs")), ["1.key"])
    nowMs += 3_600_000
    await store.sweep()
    await store.commit([
      { key: key("old"), value: null },
      { key: key("new"), value: key("today") },
    ])
    await store.sweep()
    assert.deepEqual(readdirSync(path.join(dir, "epochs")), ["2.key"])
    assert.equal(bytesOf(store.get(key("new"))), "today")
    await store.close()
    // The old image with what is left of the keys: the value was in it, and cannot be had.
    rmSync(path.join(dir, "records"), { recursive: true })
    cpSync(image, path.join(dir, "records"), { recursive: true })
    rmSync(image, { recursive: true })
    await assert.rejects(openStore(), { tag: "operation-failed" })
  })

  it("seals stragglers anew, so that epochs do not pile up", async () => {
    const store = await openStore({ maxEpochs: 2 })
    await store.commit([{ key: key("stays"), value: key("kept") }])
    for (let epoch = 0; epoch < 6; epoch++) {
      nowMs += 3_600_000
      await store.sweep()
      await store.commit([{ key: key(`e${epoch}`), value: key("x") }])
    }
    for (let i = 0; i < 6; i++) await store.sweep()
    assert.ok(readdirSync(path.join(dir, "epochs")).length <= 3)
    assert.equal(bytesOf(store.get(key("stays"))), "kept")
    for (let epoch = 0; epoch < 6; epoch++) assert.equal(bytesOf(store.get(key(`e${epoch}`))), "x")
  })

  it("commits many at once in the order they were made", async () => {
    const store = await openStore()
    const writes = Array.from({ length: 2000 }, (_, i) =>
      store.commit([{ key: key(`k${i % 7}`), value: i % 11 === 0 ? null : key(String(i)) }]),
    )
    await Promise.all(writes)
    for (let k = 0; k < 7; k++) {
      const last = 1999 - ((1999 - k) % 7)
      const expected = last % 11 === 0 ? undefined : String(last)
      assert.equal(bytesOf(store.get(key(`k${k}`))), expected)
    }
    assert.ok(store.mark.writes < 1000, "many commits share a flush")
  })

  it("stops writing when a second process opens it", async () => {
    const first = await openStore()
    await first.commit([{ key: key("a"), value: key("1") }])
    const second = await openStore()
    await assert.rejects(first.commit([{ key: key("a"), value: key("2") }]), {
      tag: "operation-failed",
    })
    await assert.rejects(first.commit([{ key: key("b"), value: key("2") }]))
    await second.commit([{ key: key("c"), value: key("3") }])
    assert.equal(bytesOf(second.get(key("a"))), "1")
  })

  it("becomes a new, empty store on reset", async () => {
    const store = await openStore()
    await store.commit([{ key: key("a"), value: key("1") }])
    const before = store.mark
    await store.reset(before.createdMs + 5)
    assert.equal(store.get(key("a")), undefined)
    assert.equal(compareMarks(store.mark, before), "other")
    assert.equal(compareMarks(before, store.mark), "older")
    assert.deepEqual(store.list(key("a")), [])
  })

  it("I5: does not let time run backwards over a restart", async () => {
    const store = await openStore()
    const seen = store.lastTimeMs
    await store.close()
    nowMs -= 5_000_000
    const again = await openStore()
    assert.ok(again.lastTimeMs >= seen)
    nowMs += 5_000_000
  })

  it("knows from a mark it told earlier that it is a restored copy, however long it ran since", async () => {
    const store = await openStore()
    await store.commit([{ key: key("a"), value: key("1") }])
    const copy = `${dir}-copy`
    cpSync(dir, copy, { recursive: true })
    for (let i = 0; i < 5; i++) await store.commit([{ key: key("a"), value: key(String(i)) }])
    await store.close()
    const { mark } = store
    rmSync(dir, { recursive: true })
    cpSync(copy, dir, { recursive: true })
    rmSync(copy, { recursive: true })
    for (let run = 0; run < 3; run++) {
      const restored = await openStore()
      assert.equal(restored.covers(mark), false)
      for (let i = 0; i < 9; i++) await restored.commit([{ key: key("b"), value: key("x") }])
      assert.equal(restored.covers(mark), false)
      assert.equal(restored.covers(restored.mark), true)
      assert.equal(restored.covers({ ...mark, writes: 2 }), true)
      await restored.close()
    }
  })
})
