// Keys as the xor of shares (THREATS R1), proved over a small field by trying everything: whoever misses one share
// knows nothing.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import { hopEpsilon, sumEpsilon } from "../../src/keys/epsilon.js"
import { forgeryBound } from "../../src/keys/one-time-mac.js"
import type { RelayHeader } from "../../src/keys/relay-header.js"
import { Secret } from "../../src/keys/secret.js"
import { combineShares, ShareCollection, splitIntoShares } from "../../src/keys/shares.js"

/** Keys and shares of two bits each: xor stays among them, bit by bit as in any longer key. */
const FIELD = [0, 1, 2, 3]

const byteOf = (secret: Secret): number => secret.use((bytes) => bytes[0] ?? -1)
const keyOf = (value: number): Secret => Secret.take(Uint8Array.of(value))

/** Every way to draw `count` values. */
function draws(count: number): number[][] {
  if (count === 0) return [[]]
  return draws(count - 1).flatMap((some) => FIELD.map((one) => [...some, one]))
}

describe("shares of a key (R1)", () => {
  for (const count of [2, 3, 4]) {
    it(`R1: of ${count} paths: any that miss one are uniform, whatever the key`, () => {
      const subsets = Array.from({ length: 2 ** count - 1 }, (_, mask) => mask)
      for (const mask of subsets) {
        const chosen = Array.from({ length: count }, (_, i) => i).filter((i) => (mask >> i) & 1)
        const seen = FIELD.map((key) => {
          const counts = new Map<string, number>()
          for (const values of draws(count - 1)) {
            const left = [...values]
            const shares = splitIntoShares(keyOf(key), count, () =>
              Uint8Array.of(left.shift() ?? 0),
            )
            assert.equal(byteOf(combineShares(shares)), key)
            const view = chosen.map((i) => byteOf(shares[i] ?? keyOf(0))).join()
            counts.set(view, (counts.get(view) ?? 0) + 1)
          }
          return counts
        })
        // Each view as often as any other, and as often for one key as for another.
        for (const counts of seen) {
          assert.equal(counts.size, 4 ** chosen.length)
          assert.equal(new Set(counts.values()).size, 1)
          assert.deepEqual(new Map([...counts].sort()), new Map([...(seen[0] ?? [])].sort()))
        }
      }
    })
  }

  it("all together say the key: the control", () => {
    const views = FIELD.map((key) =>
      draws(1)
        .map((values) =>
          splitIntoShares(keyOf(key), 2, () => Uint8Array.of(values[0] ?? 0))
            .map(byteOf)
            .join(),
        )
        .sort()
        .join(" "),
    )
    assert.equal(new Set(views).size, FIELD.length)
  })

  const groupId = randomUUID()
  const header = (index: number, more: Partial<RelayHeader> = {}): RelayHeader => ({
    transferId: randomUUID(),
    appId: "app",
    pathQkdlId: `path ${index}`,
    source: "a",
    destination: "d",
    masterSaeId: "m",
    slaveSaeIds: ["s"],
    keyIds: [groupId],
    keySizeBits: 8,
    ttlS: 60,
    signed: true,
    share: { groupId, index, count: 2 },
    sessionId: randomBytes(16),
    number: 1n,
    sender: `r${index}`,
    receiver: "d",
    qkdlId: "l",
    direction: 0,
    nodes: ["a", `r${index}`],
    pad: [],
    tagKey: [],
    ...more,
  })
  const share = (head: RelayHeader, value = 1): Parameters<ShareCollection["add"]>[0] => ({
    header: head,
    keys: keyOf(value),
    epsilon: undefined,
  })

  it("are complete when each has come once, over paths that meet nowhere", () => {
    const shares = new ShareCollection()
    const first = header(0)
    assert.equal(shares.add(share(first)), true)
    assert.equal(shares.add(share(first)), false, "the same again")
    assert.throws(() => shares.add(share(first, 2)), { tag: "data-exists" })
    assert.equal(shares.isComplete, false)
    assert.throws(() => shares.add(share(header(1, { nodes: ["a", "r0"] }))), { appTag: "policy" })
    assert.throws(() => shares.add(share(header(1, { pathQkdlId: "path 0" }))), {
      appTag: "policy",
    })
    assert.throws(() => shares.add(share(header(1, { keyIds: [randomUUID()] }))), {
      tag: "data-exists",
    })
    assert.throws(() => shares.add(share(header(1, { share: { groupId, index: 1, count: 3 } }))), {
      tag: "data-exists",
    })
    assert.equal(shares.add(share(header(1), 3)), true)
    assert.equal(shares.isComplete, true)
    assert.equal(byteOf(combineShares(shares.shares.map(({ keys }) => keys))), 2)
  })
})

describe("how far from ideal a key is", () => {
  const segment = (blockId: string, half: 0 | 1): RelayHeader["pad"][number] => ({
    blockId,
    half,
    offset: 0,
    length: 16,
  })

  it("adds up over blocks, tags and hops, each block once", () => {
    const hop = hopEpsilon(1e-10, [segment("x", 0), segment("x", 1), segment("y", 0)], 160)
    assert.equal(hop, 2e-10 + forgeryBound(160))
    assert.equal(forgeryBound(160), 80 / 2 ** 106)
    assert.equal(sumEpsilon([hop, 3e-10]), hop + 3e-10)
  })

  it("is not known where it is not known of one hop, and never more than certain", () => {
    assert.equal(hopEpsilon(undefined, [segment("x", 0)], 160), undefined)
    assert.equal(sumEpsilon([1e-10, undefined]), undefined)
    assert.equal(sumEpsilon([0.9, 0.9]), 1)
  })
})
