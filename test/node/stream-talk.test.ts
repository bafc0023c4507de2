// What nodes tell one another of key streams: read as it was written, and believed from the node itself alone.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { LinkTable } from "../../src/node/link-table.js"
import { SILENT } from "../../src/node/log.js"
import { VolatileStore } from "../../src/node/key-store.js"
import { EndKeys } from "../../src/node/end-keys.js"
import { signStream } from "../../src/node/signing.js"
import { StreamEnds } from "../../src/node/stream-ends.js"
import type { StreamEnd } from "../../src/node/stream-ends.js"
import { StreamTalk } from "../../src/node/stream-talk.js"
import {
  decodeNews,
  decodeStreamRecord,
  encodeNews,
  encodeStreamRecord,
} from "../../src/node/stream-wire.js"
import type { StreamNews } from "../../src/node/stream-wire.js"
import type { StreamRecord } from "../../src/keys/key-stream.js"
import { makeIdentity, policyOf } from "./key-network.js"

const [here, there, other] = [makeIdentity(1), makeIdentity(2), makeIdentity(3)]
const QOS = {
  ...{ chunkBytes: 32, maxBps: 1, minBps: 2, jitterBps: 3 },
  ...{ priority: 4, timeoutMs: 5, ttlS: 6, metadataMimetype: "application/json" },
}
const ksid = randomUUID()
const RECORD: StreamRecord = {
  ...{ ksid, endId: randomUUID(), saeId: "alice", peerSaeId: "bob", farQkdnId: there.qkdnId },
  ...{ state: "open", qos: QOS, made: 0, runs: [] },
}

function news(over: Partial<StreamNews> = {}): StreamNews {
  return {
    ...{ transferId: ksid, pathQkdlId: "p", source: there.qkdnId, destination: here.qkdnId },
    ...{ saeId: "bob", peerSaeId: "alice", endId: randomUUID(), farEndId: "", state: "open" },
    ...{ number: 7, answers: 0, asks: false, wants: false, reads: false, qos: QOS },
    ...{ made: 0, readCount: 0, lack: "none", runs: [] },
    ...over,
  }
}

function signed(told: StreamNews, by = there): Buffer {
  const bytes = encodeNews(told)
  return Buffer.concat([bytes, signStream(by.signKey, bytes)])
}

function site(): { talk: StreamTalk; end: StreamEnd; faults: unknown[] } {
  const faults: unknown[] = []
  const random = (bytes: number): Uint8Array => new Uint8Array(bytes)
  const steadyMs = (): number => 1000
  const store = new VolatileStore(steadyMs, random)
  const endKeys = new EndKeys(store, steadyMs, randomBytes)
  const policy = policyOf(here, [here, there, other])
  const links = new LinkTable(policy, here.qkdnId, () => assert.fail("no link here"))
  const ends = new StreamEnds({ qkdnId: here.qkdnId, store, endKeys: () => endKeys, steadyMs })
  const talk = new StreamTalk({
    ...{ links, ends, peer: () => undefined, signKey: here.signKey, steadyMs, log: SILENT },
    onNews: () => undefined,
    erase: () => Promise.resolve(),
    onFault: (cause) => faults.push(cause),
  })
  return { talk, end: ends.add(RECORD), faults }
}

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe("news of a key stream", () => {
  const run = {
    ...{ firstIndex: 4, count: 3, transferId: randomUUID(), farTransferId: randomUUID() },
  }

  it("are read as they were written, and not cut short, lengthened or changed", () => {
    const told = news({ asks: true, reads: true, lack: "key", made: 9, runs: [run] })
    const body = signed(told)
    assert.deepEqual(decodeNews(body).news, told)
    for (let length = 0; length < body.length; length++)
      assert.throws(() => decodeNews(body.subarray(0, length)), { tag: "malformed-message" })
    assert.throws(() => decodeNews(Buffer.concat([body, Buffer.of(0)])), {
      tag: "malformed-message",
    })
  })

  it("and what is kept of an end come back from the store as they went in", () => {
    const far = { endId: randomUUID(), state: "closed" as const }
    for (const record of [RECORD, { ...RECORD, far, made: 7, runs: [run] }])
      assert.deepEqual(decodeStreamRecord(encodeStreamRecord(record)), record)
  })

  it("make the end that is heard of the other one, for good", async () => {
    const { talk, end, faults } = site()
    const endId = randomUUID()
    talk.hear(signed(news({ endId })))
    await settled()
    assert.deepEqual(end.record.far, { endId, state: "open" })
    talk.hear(signed(news({ endId: randomUUID(), number: 8 })))
    talk.hear(signed(news({ endId, number: 7, state: "closed" })))
    await settled()
    assert.deepEqual(end.record.far, { endId, state: "open" })
    talk.hear(signed(news({ endId, number: 9, state: "closed" })))
    await settled()
    assert.deepEqual(end.record.far, { endId, state: "closed" })
    talk.hear(signed(news({ endId, number: 10 })))
    await settled()
    assert.equal(end.record.far.state, "closed")
    assert.deepEqual(faults, [])
  })

  for (const [what, told, by] of [
    ["another node signs in the far one's name", news(), other],
    ["another node speaks in its own", news({ source: other.qkdnId }), other],
    ["a node nobody knows", news({ source: randomUUID() }), there],
    ["another SAE", news({ saeId: "mallory" }), there],
    ["an opening that this end is not", news({ farEndId: randomUUID() }), there],
    ["chunks of another size", news({ qos: { ...QOS, chunkBytes: 64 } }), there],
    ["an end that is closed before it was met", news({ state: "closed" }), there],
    ["an end that only opens", news({ state: "opening" }), there],
  ] as const)
    it(`are not believed: ${what}`, async () => {
      const { talk, end } = site()
      talk.hear(signed(told, by))
      await settled()
      assert.equal(end.record.far, undefined)
      assert.deepEqual(end.record.runs, [])
    })

  // A fault of the store stops a node: nobody far away may bring one about.
  for (const [what, told] of [
    ["an end without a name", news({ endId: "" })],
    ["an end with a name that is none", news({ endId: "x".repeat(36) })],
    ["chunks beyond the last index", news({ runs: [{ ...run, firstIndex: 0xffff_fffe }] })],
    ["a run of nothing", news({ runs: [{ ...run, count: 0 }] })],
    ["a run of more than may wait", news({ runs: [{ ...run, count: 65_535 }] })],
  ] as const)
    it(`change nothing where they can be none: ${what}`, async () => {
      const { talk, end, faults } = site()
      talk.hear(signed(told))
      await settled()
      assert.equal(end.record, RECORD)
      assert.deepEqual(faults, [])
    })

  it("that there is no other end count when they are new, not when they come late", async () => {
    const { talk, end } = site()
    const endId = randomUUID()
    talk.hear(signed(news({ endId, number: 7 })))
    await settled()
    talk.hear(signed(news({ endId: "", state: "none", number: 6 })))
    await settled()
    assert.deepEqual(end.record.far, { endId, state: "open" })
    talk.hear(signed(news({ endId: "", state: "none", number: 8 })))
    await settled()
    assert.deepEqual(end.record.far, { endId, state: "closed" })
  })

  it("are not believed with any bit of them changed", async () => {
    const body = signed(news({ runs: [run], made: 7 }))
    const { talk, end } = site()
    for (let at = 0; at < body.length; at++) {
      const changed = Buffer.from(body)
      changed[at] = (changed[at] ?? 0) ^ 1
      try {
        talk.hear(changed)
      } catch {
        // It was no message any more.
      }
    }
    await settled()
    assert.equal(end.record.far, undefined)
  })
})
