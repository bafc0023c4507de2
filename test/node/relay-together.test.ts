// Keys that go over a link at the same time ride in one message, and are acknowledged under one signature.

import assert from "node:assert/strict"
import { halfName } from "../../src/keys/half.js"
import { parseRelay } from "../../src/keys/relay-message.js"
import { RelayPeer } from "../../src/node/relay-peer.js"
import { FRAME_HEAD_BYTES } from "../../src/node/relay-wire.js"
import type { FrameKind } from "../../src/node/relay-wire.js"
import type { EndKey } from "../../src/node/ports.js"
import { hexOf, KeyNetwork } from "./key-network.js"

// eslint-disable-next-line @typescript-eslint/unbound-method -- called with their own `this` below
const { send, sendFramed } = RelayPeer.prototype

let net: KeyNetwork
let said: FrameKind[] = []
/** Where on the link each relay message's bits begin, in the order in which the messages left. */
let begins: { half: string; offset: number }[] = []

async function network(count: number, limits: object = {}): Promise<void> {
  net = new KeyNetwork(count, { limits })
  await net.start()
  said = []
  begins = []
  RelayPeer.prototype.send = function (kind, body) {
    said.push(kind)
    return send.call(this, kind, body)
  }
  RelayPeer.prototype.sendFramed = function (kind, frame) {
    said.push(kind)
    const [first] = parseRelay(frame.subarray(FRAME_HEAD_BYTES)).hop.tagKey
    assert.ok(first)
    begins.push({ half: halfName(first), offset: first.offset })
    return sendFramed.call(this, kind, frame)
  }
}

const saidOften = (kind: FrameKind): number => said.filter((one) => one === kind).length

function askAtOnce(requests: number): Promise<PromiseSettledResult<EndKey[]>[]> {
  const [a, b] = net.saes
  return Promise.allSettled(
    Array.from({ length: requests }, () => net.first.makeKeys(net.appId, a, [b], 1, 256)),
  )
}

/** What came, and the same as the far end gives it out. */
async function bothEnds(outcomes: PromiseSettledResult<EndKey[]>[]): Promise<[string[], string[]]> {
  const [a, b] = net.saes
  const made = outcomes.flatMap((one) => (one.status === "fulfilled" ? one.value : []))
  const keyIds = made.map(({ keyId }) => keyId)
  return [hexOf(made), hexOf(await net.last.takeKeys(b, a, keyIds))]
}

describe("keys that are asked for at the same time", () => {
  afterEach(async () => {
    Object.assign(RelayPeer.prototype, { send, sendFramed })
    await net.close()
  })

  it("go over a link in one message, which costs it one tag, and are acknowledged in one", async () => {
    await network(2)
    await net.feed(8, 4096)
    const before = net.first.poolFigures(net.links[0] ?? "")
    const [made, taken] = await bothEnds(await askAtOnce(20))
    assert.equal(made.length, 20)
    assert.equal(new Set(made).size, 20)
    assert.deepEqual(made, taken)
    assert.equal(saidOften("relay"), 1)
    // On a slow disk they may become durable in two turns.
    assert.ok(saidOften("ack") <= 3, `${saidOften("ack")} acknowledgements`)
    const after = net.first.poolFigures(net.links[0] ?? "")
    assert.ok(before && after)
    assert.equal(after.consumedBits - before.consumedBits, 20n * 256n)
    assert.equal(after.authenticationBits - before.authenticationBits, 256n)
  })

  it("ride together over relays as well, each with its own source's proof", async () => {
    await network(4)
    await net.feed(8, 8192)
    const [made, taken] = await bothEnds(await askAtOnce(12))
    assert.equal(made.length, 12)
    assert.deepEqual(made, taken)
    assert.equal(saidOften("relay"), 3)
    assert.deepEqual(net.alarms, [])
  })

  it("get what the link has, one by one, where it has not enough for all", async () => {
    await network(2, { drawTimeoutMs: 1000, pool: { minOpenBytes: 64 } })
    await net.feed(1, 512)
    const outcomes = await askAtOnce(16)
    const [made, taken] = await bothEnds(outcomes)
    assert.deepEqual(made, taken)
    assert.ok(made.length >= 1 && made.length <= 8, `${made.length} keys`)
    for (const one of outcomes)
      if (one.status === "rejected")
        assert.equal((one.reason as { appTag?: string }).appTag, "pool-empty")
  })

  it("leave in the order of their bits, whichever of them are drawn with what is left of a link", async () => {
    const [opening, large, small] = [64, 128 * 128 + 32, 2 * 32 + 32]
    // Of one block: the half that the first node owns is enough for both messages, and no plenty is left for the second.
    await network(2, { pool: { minOpenBytes: 1 << 16 } })
    await net.feed(1, 2 * (opening + large + small + 32))
    // A first key: the half is open from then on.
    await net.exchange(1)
    begins = []
    const [a, b] = net.saes
    const outcomes = await Promise.allSettled([
      net.first.makeKeys(net.appId, a, [b], 128, 1024),
      net.first.makeKeys(net.appId, a, [b], 1, 256),
      net.first.makeKeys(net.appId, a, [b], 1, 256),
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ["fulfilled", "fulfilled", "fulfilled"],
    )
    const [first, second] = begins
    assert.deepEqual(begins, [
      { half: first?.half, offset: opening },
      { half: second?.half, offset: opening + large },
    ])
    assert.equal(first?.half, second?.half)
    const [made, taken] = await bothEnds(outcomes)
    assert.equal(made.length, 130)
    assert.deepEqual(made, taken)
  })
})
