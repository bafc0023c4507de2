import assert from "node:assert/strict"
import { joinQos, settleQos } from "../../src/keys/stream-qos.js"
import type { QosBounds, StreamQos } from "../../src/keys/stream-qos.js"

const OPEN: StreamQos = {
  ...{ chunkBytes: 0, maxBps: 0, minBps: 0, jitterBps: 0 },
  ...{ priority: 0, timeoutMs: 0, ttlS: 0, metadataMimetype: "" },
}
const BOUNDS: QosBounds = {
  ...{ minChunkBytes: 8, maxChunkBytes: 512, maxBps: 9000, floorBps: 4000, defaultTtlS: 3600 },
}

/** Whole numbers of all magnitudes, 0 often; the same at every run. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state % 3 === 0 ? 0 : Math.floor(2 ** ((state >>> 8) % 33) * 0.7)
  }
}

function asked(next: () => number): StreamQos {
  return {
    ...{ chunkBytes: next(), maxBps: next(), minBps: next(), jitterBps: next() },
    ...{ priority: next(), timeoutMs: next(), ttlS: next() },
    metadataMimetype: ["", "application/json", "text/plain"][next() % 3] ?? "",
  }
}

describe("what a key stream promises", () => {
  it("fills in what is left open, and asks for no more than there is", () => {
    const { qos, met } = settleQos(OPEN, BOUNDS)
    assert.equal(met, true)
    assert.deepEqual(qos, {
      ...{ chunkBytes: 32, maxBps: 9000, minBps: 0, jitterBps: 0 },
      ...{ priority: 0, timeoutMs: 5000, ttlS: 3600, metadataMimetype: "" },
    })
  })

  it("is a proposal that is taken when it is asked for, whatever was asked before", () => {
    const next = numbers(7)
    for (let round = 0; round < 5000; round++) {
      const bounds: QosBounds = {
        minChunkBytes: 1 + (next() % 64),
        maxChunkBytes: 64 + (next() % 4096),
        ...(round % 2 === 0 && { maxBps: 1 + next() }),
        floorBps: next(),
        defaultTtlS: 1 + (next() % 100_000),
      }
      const first = settleQos(asked(next), bounds)
      const again = settleQos(first.qos, bounds)
      assert.deepEqual(again, { qos: first.qos, met: true })
      assert.ok(first.qos.chunkBytes >= bounds.minChunkBytes)
      assert.ok(first.qos.chunkBytes <= bounds.maxChunkBytes)
      assert.ok(first.qos.minBps <= bounds.floorBps)
      if (bounds.maxBps !== undefined) assert.ok(first.qos.maxBps <= bounds.maxBps)
      const joined = joinQos(asked(next), first.qos)
      assert.deepEqual(joinQos(joined.qos, first.qos), { qos: joined.qos, met: true })
      assert.equal(joined.qos.chunkBytes, first.qos.chunkBytes)
      assert.equal(joined.qos.ttlS, first.qos.ttlS)
    }
  })

  it("is met where all that was asked for holds, and only then", () => {
    for (const [what, met] of [
      [{ chunkBytes: 512 }, true],
      [{ chunkBytes: 513 }, false],
      [{ maxBps: 9000 }, true],
      [{ maxBps: 9001 }, false],
      [{ minBps: 4000 }, true],
      [{ minBps: 4001 }, false],
      [{ minBps: 3000, maxBps: 2000 }, false],
      [{ jitterBps: 256 }, true],
      [{ jitterBps: 255 }, false],
      [{ ttlS: 604_800 }, true],
      [{ ttlS: 604_801 }, false],
      [{ priority: 0xffff_ffff }, true],
    ] as const)
      assert.equal(settleQos({ ...OPEN, ...what }, BOUNDS).met, met, JSON.stringify(what))
  })
})
