// Link key that may not become old, at two key managers with stores on disk and a connection between them; their clock is
// moved by hand.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { Secret } from "../../src/keys/secret.js"
import { SealedStore } from "../../src/node/sealed-store.js"
import type { PoolFigures } from "../../src/node/ports.js"
import {
  bornPrefix,
  decodeLinkRecord,
  encodeLinkRecord,
  halfPrefix,
} from "../../src/node/records.js"
import { ByteWriter } from "../../src/keys/bytes.js"
import { ExpiryLog } from "../../src/node/expiry-log.js"
import { SILENT } from "../../src/node/log.js"
import { KeyNetwork } from "./key-network.js"

const [BLOCKS, BLOCK_BYTES] = [4, 2048]
const BATCH_BITS = BLOCKS * BLOCK_BYTES * 8

describe("link key that may not become old", () => {
  let net: KeyNetwork
  let aheadMs = 0
  const clock = {
    now: () => Date.now() + aheadMs,
    monotonicMs: () => performance.now() + aheadMs,
  }
  const begin = async (pool: object): Promise<void> => {
    aheadMs = 0
    net = new KeyNetwork(2, { limits: { pool }, clock })
    await net.start()
    await net.feed(BLOCKS, BLOCK_BYTES)
  }
  const figures = (end: number): PoolFigures => {
    const found = net.manager(end).poolFigures(net.links[0] ?? "")
    return found ?? assert.fail("no figures")
  }
  const stocks = (): number[] => [0, 1].map((end) => figures(end).stockBits)
  /** Everything there was is accounted for, but for what a restart lost. */
  const accounted = (end: number): bigint => {
    const { generatedBits, consumedBits, authenticationBits, expiredBits, stockBits } = figures(end)
    return (
      generatedBits - consumedBits - authenticationBits - (expiredBits ?? 0n) - BigInt(stockBits)
    )
  }
  afterEach(() => net.close())

  it("is erased unused at both ends, in memory and in store, and only younger key is used from then on", async () => {
    await begin({ maxAgeMs: 600_000, ageMarginMs: 1000 })
    await net.exchange(3)
    aheadMs = 400_000
    await net.feed(BLOCKS, BLOCK_BYTES)
    const before = stocks()
    aheadMs = 650_000
    await net.until(() => stocks().every((bits) => bits === BATCH_BITS))
    for (const end of [0, 1]) {
      assert.equal(figures(end).expiredBits, BigInt((before[end] ?? 0) - BATCH_BITS))
      assert.equal(accounted(end), 0n)
    }
    const [made, taken] = await net.exchange(3)
    assert.deepEqual(made, taken)
    aheadMs = 1_100_000
    await net.until(() => stocks().every((bits) => bits === 0))
    const [a, b] = net.saes
    await assert.rejects(net.first.makeKeys(net.appId, a, [b], 1, 256), { appTag: "pool-empty" })
    for (const end of [0, 1]) assert.equal(accounted(end), 0n)
    await net.first.close()
    const site = net.site(0)
    const sealingKey = Secret.take(Buffer.from(site.sealing))
    const random = (bytes: number): Uint8Array => randomBytes(bytes)
    const store = await SealedStore.open({ dir: net.dir(0), sealingKey, now: clock.now, random })
    for (const prefix of [halfPrefix, bornPrefix])
      assert.deepEqual(store.list(prefix(net.links[0] ?? "")), [])
    await store.close()
    await net.startOne(0)
  })

  it("keeps its age while a node is down, and neither end uses what the other has dropped", async () => {
    await begin({ maxAgeMs: 600_000, ageMarginMs: 1000 })
    await net.exchange(3)
    await net.first.close()
    aheadMs = 300_000
    await net.startOne(0)
    net.first.configure(net.configOf(0))
    await net.connected()
    await net.until(() => stocks()[0] === stocks()[1] && (stocks()[0] ?? 0) > 0)
    const [made, taken] = await net.exchange(3)
    assert.deepEqual(made, taken)
    // It becomes too old while the other node is down, which hears nothing of it.
    await net.last.close()
    aheadMs = 650_000
    await net.until(() => figures(0).stockBits === 0)
    await net.startOne(1)
    net.last.configure(net.configOf(1))
    await net.connected()
    await net.until(() => stocks().every((bits) => bits === 0))
    await net.feed(BLOCKS, BLOCK_BYTES)
    const again = await net.exchange(3)
    assert.deepEqual(again[0], again[1])
    assert.deepEqual(net.alarms, [])
  })

  it("counts its age from when its module gave it, also while it waits for room", async () => {
    await begin({ maxAgeMs: 600_000, ageMarginMs: 1000, maxHeldBytes: BLOCKS * BLOCK_BYTES })
    const qkdlId = net.links[0] ?? ""
    const [id, bytes] = [randomUUID(), randomBytes(BLOCK_BYTES)]
    const waiting = [0, 1].map((end) =>
      net.manager(end).addLinkKey(qkdlId, id, Secret.take(Buffer.from(bytes))),
    )
    aheadMs = 650_000
    await Promise.all(waiting)
    const all = BigInt(BATCH_BITS + BLOCK_BYTES * 8)
    await net.until(() => [0, 1].every((end) => figures(end).expiredBits === all))
    assert.deepEqual(stocks(), [0, 0])
  })

  it("has on one link the limit of that link", async () => {
    aheadMs = 0
    net = new KeyNetwork(3, {
      limits: { pool: { maxAgeMs: 600_000, ageMarginMs: 1000 } },
      clock,
      linkMaxAgeMs: (links) => new Map([[links[1] ?? "", 60_000]]),
    })
    await net.start()
    await net.feed(BLOCKS, BLOCK_BYTES)
    aheadMs = 100_000
    const stockOf = (end: number, link: number): number =>
      net.manager(end).poolFigures(net.links[link] ?? "")?.stockBits ?? -1
    await net.until(() => stockOf(1, 1) === 0 && stockOf(2, 1) === 0)
    assert.deepEqual([stockOf(0, 0), stockOf(1, 0)], [BATCH_BITS, BATCH_BITS])
  })
})

describe("what is told of link key that became too old", () => {
  it("is in the log at once, and then at most once a minute and link", () => {
    const lines: object[] = []
    const log = new ExpiryLog({ ...SILENT, info: (fields: object) => lines.push(fields) })
    log.add("x", 8)
    log.sweep(0)
    for (const [bits, nowMs] of [
      [16, 1000],
      [8, 59_000],
      [0, 60_000],
    ] as const) {
      if (bits > 0) log.add("x", bits)
      log.sweep(nowMs)
    }
    log.add("y", 32)
    log.sweep(60_001)
    log.sweep(200_000)
    assert.deepEqual(lines, [
      { qkdlId: "x", bits: 8 },
      { qkdlId: "x", bits: 24 },
      { qkdlId: "y", bits: 32 },
    ])
  })

  it("is counted in the store, and a store that does not have the count yet is read", () => {
    const counted = { generatedBits: 1n, consumedBits: 2n, authenticationBits: 3n, relayedBits: 4n }
    const record = { peer: "p", ...counted, refusedBits: 5n, expiredBits: 6n }
    assert.deepEqual(decodeLinkRecord(encodeLinkRecord(record)), record)
    const earlier = new ByteWriter(64).text("p").u64(1n).u64(2n).u64(3n).u64(4n).u64(5n).finish()
    assert.deepEqual(decodeLinkRecord(earlier), { ...record, expiredBits: 0n })
  })
})
