import assert from "node:assert/strict"
import { randomUUID } from "node:crypto"
import { DeliveryLedger } from "../../src/keys/delivery.js"
import type { KeyBatch } from "../../src/keys/delivery.js"
import {
  chunkFor,
  isMaker,
  MAX_RUNS,
  prune,
  unreadOf,
  withRuns,
} from "../../src/keys/key-stream.js"
import type { StreamRecord, StreamRun } from "../../src/keys/key-stream.js"

const QOS = {
  ...{ chunkBytes: 32, maxBps: 0, minBps: 0, jitterBps: 0 },
  ...{ priority: 0, timeoutMs: 0, ttlS: 60, metadataMimetype: "" },
}

/** Runs of these lengths, in a ledger that says who has read what. */
function stream(...counts: number[]): {
  record: StreamRecord
  ledger: DeliveryLedger
  read: (index: number) => void
} {
  const ledger = new DeliveryLedger()
  const runs: StreamRun[] = []
  const ids: string[] = []
  for (const [at, count] of counts.entries()) {
    const transferId = randomUUID()
    const keyIds = Array.from({ length: count }, () => randomUUID())
    const batch: KeyBatch = {
      offer: {
        ...{ transferId, appId: "", pathQkdlId: "", source: "A", destination: "A" },
        ...{ masterSaeId: "stream", slaveSaeIds: ["alice"], keyIds, keySizeBits: 256, ttlS: 60 },
      },
      expiresMs: 1000 * (at + 1),
      taken: keyIds.map(() => 0),
    }
    ledger.offer(batch)
    ledger.stored(transferId)
    runs.push({ firstIndex: ids.length, count, transferId, farTransferId: randomUUID() })
    ids.push(...keyIds)
  }
  const record: StreamRecord = {
    ...{ ksid: randomUUID(), endId: randomUUID(), saeId: "alice", peerSaeId: "bob" },
    ...{ farQkdnId: "B", state: "open", qos: QOS, made: ids.length, runs },
  }
  return {
    record,
    ledger,
    read: (index) => {
      ledger.take("alice", "stream", [ids[index] ?? ""], 0)
    },
  }
}

describe("one end of a key stream", () => {
  it("reads in order where no index is named, by index where one is", () => {
    const { record, ledger, read } = stream(3, 2)
    const at = (index?: number): number | undefined =>
      chunkFor(record, index, (id) => ledger.holds(id), 0)?.index
    assert.deepEqual([at(), at(0), at(4), at(2)], [0, 0, 4, 2])
    read(0)
    read(2)
    assert.deepEqual([at(), at(0), at(2), at(3)], [1, 1, 1, 3])
    for (const index of [1, 3]) read(index)
    assert.deepEqual([at(), at(1), at(4)], [4, 4, 4])
  })

  it("has nothing for an index that is not made yet, whatever is left to read", () => {
    const { record, ledger } = stream(3)
    assert.equal(
      chunkFor(record, 3, (id) => ledger.holds(id), 0),
      undefined,
    )
    assert.equal(
      chunkFor(record, 1e9, (id) => ledger.holds(id), 0),
      undefined,
    )
  })

  it("passes over what has expired, and over batches that are gone", () => {
    const { record, ledger } = stream(2, 2, 2)
    const left = (nowMs: number, gone?: string): number[] =>
      Array.from(
        unreadOf(record, (id) => (id === gone ? undefined : ledger.holds(id)), nowMs),
        ({ index }) => index,
      )
    assert.deepEqual(left(0), [0, 1, 2, 3, 4, 5])
    assert.deepEqual(left(1000), [2, 3, 4, 5])
    assert.deepEqual(left(2500), [4, 5])
    assert.deepEqual(left(0, record.runs[1]?.transferId), [0, 1, 4, 5])
  })

  it("never takes another chunk under an index it knows, and takes each once however often it is told", () => {
    const { record } = stream(3)
    const told = (firstIndex: number, count: number): StreamRun => ({
      ...{ firstIndex, count, transferId: randomUUID(), farTransferId: randomUUID() },
    })
    const runs = [told(0, 3), told(2, 4), told(3, 2), told(9, 1)]
    const once = withRuns(record, runs)
    assert.deepEqual(
      once.runs.slice(1).map(({ firstIndex }) => firstIndex),
      [3, 9],
    )
    assert.equal(once.made, 10)
    assert.equal(withRuns(once, runs), once)
  })

  it("keeps no more runs than it can read back, and takes the rest when it is told again", () => {
    const { record } = stream(3)
    const told = Array.from({ length: MAX_RUNS + 5 }, (_, at) => {
      return { firstIndex: 3 + at, count: 1, transferId: "", farTransferId: "" }
    })
    const full = withRuns(record, told)
    assert.deepEqual([full.runs.length, full.made], [MAX_RUNS, MAX_RUNS + 2])
    const room = { ...full, runs: full.runs.slice(10) }
    assert.equal(withRuns(room, told).made, MAX_RUNS + 8)
  })

  it("forgets runs that are read here and known there, and no others", () => {
    const { record, ledger, read } = stream(2, 2)
    const look = (id: string): KeyBatch | undefined => ledger.holds(id)
    assert.equal(prune(record, look, 4), record)
    read(0)
    read(1)
    assert.equal(prune(record, look, 1), record)
    assert.deepEqual(
      prune(record, look, 2).runs.map(({ firstIndex }) => firstIndex),
      [2],
    )
  })

  it("is made by one of the two, and both know by which", () => {
    for (const [one, other] of [
      ["A", "B"],
      ["B", "A"],
    ] as const)
      assert.notEqual(isMaker(one, other, "x", "y"), isMaker(other, one, "y", "x"))
    assert.notEqual(isMaker("A", "A", "x", "y"), isMaker("A", "A", "y", "x"))
  })
})
