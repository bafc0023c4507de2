// The channel between a node and an outlet: nothing on it can be read, altered or said again.

import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { Duplex } from "node:stream"
import { OutletChannel } from "../../src/node/outlet-channel.js"
import type { QkdError } from "../../src/errors.js"
import { encodeFrame } from "../../src/transport/frames.js"

/** One end of a pipe whose bytes pass through `via`. */
class End extends Duplex {
  other: End | undefined
  via: (bytes: Buffer) => Buffer = (bytes) => bytes

  override _read(): void {
    // Bytes are pushed as they come.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    // What is read is another's memory: a pipe copies.
    this.other?.push(this.via(Buffer.from(chunk)))
    done()
  }

  override _destroy(fault: Error | null, done: (fault: Error | null) => void): void {
    this.other?.push(null)
    done(fault)
  }
}

class Pair {
  readonly ends = [new End(), new End()] as const
  readonly heard: { header: object; bytes: string }[][] = [[], []]
  readonly lent: Uint8Array[] = []
  readonly over: (QkdError | undefined)[] = [undefined, undefined]
  readonly crossed: Buffer[] = []
  readonly channels: readonly [OutletChannel, OutletChannel]

  constructor() {
    const [a, b] = this.ends
    ;[a.other, b.other] = [b, a]
    for (const end of this.ends)
      end.via = (bytes) => {
        this.crossed.push(Buffer.from(bytes))
        return bytes
      }
    this.channels = [this.#channel(0), this.#channel(1)]
  }

  #channel(nth: 0 | 1): OutletChannel {
    return new OutletChannel(
      this.ends[nth],
      nth === 0 ? "node" : "outlet",
      ({ header, bytes }) => {
        this.heard[nth]?.push({ header, bytes: bytes.toString("hex") })
        this.lent.push(bytes)
      },
      (why) => (this.over[nth] = why),
    )
  }

  async until(so: () => boolean): Promise<void> {
    const end = Date.now() + 60_000
    while (!so()) {
      if (Date.now() > end) throw new Error("not so within a minute")
      await new Promise((done) => setImmediate(done))
    }
  }

  get text(): Buffer {
    return Buffer.concat(this.crossed)
  }
}

describe("the channel between a node and its outlet", () => {
  it("brings what either end says to the other, in order, what was said before keys were agreed upon too", async () => {
    const pair = new Pair()
    const [node, outlet] = pair.channels
    const keys = Array.from({ length: 5 }, (_, nth) => randomBytes(nth * 30_000))
    for (const [nth, key] of keys.entries()) {
      node.send({ nth }, key.subarray(0, 10), key.subarray(10))
      outlet.send({ nth: -nth }, key)
      if (nth === 2) await pair.until(() => pair.heard.every((heard) => heard.length === 3))
    }
    await pair.until(() => pair.heard.every((heard) => heard.length === 5))
    for (const [nth, key] of keys.entries()) {
      assert.deepEqual(pair.heard[1]?.[nth], { header: { nth }, bytes: key.toString("hex") })
      assert.equal(pair.heard[0]?.[nth]?.bytes, key.toString("hex"))
    }
  })

  it("I2: shows no key to who reads the pipe; what was sent as it is would be seen", async () => {
    const pair = new Pair()
    const key = randomBytes(32)
    const spellings = [key, Buffer.from(key.toString("hex")), Buffer.from(key.toString("base64"))]
    const shows = (bytes: Buffer): boolean => spellings.some((one) => bytes.includes(one))
    for (const [nth, channel] of pair.channels.entries()) {
      channel.send({ op: "lot", text: key.toString("base64") }, key)
      await pair.until(() => pair.heard[1 - nth]?.length === 1)
    }
    assert.ok(pair.text.length > 2 * 32, "something has crossed")
    assert.equal(shows(pair.text), false)
    assert.equal(pair.text.includes("lot"), false)
    assert.equal(shows(encodeFrame({ op: "lot" }, key)), true)
  })

  it("D3: wipes what it has handed on, once it was looked at", async () => {
    const pair = new Pair()
    const key = randomBytes(64)
    pair.channels[0].send({}, key)
    await pair.until(() => pair.lent.length === 1)
    assert.equal(pair.heard[1]?.[0]?.bytes, key.toString("hex"))
    assert.ok(pair.lent[0]?.every((byte) => byte === 0))
    assert.ok(
      key.some((byte) => byte !== 0),
      "what was sent stays its sender's",
    )
  })

  it("seals the same differently each time, and each direction by its own key", async () => {
    const pair = new Pair()
    for (const channel of pair.channels) channel.send({ same: 1 })
    await pair.until(() => pair.heard.every((heard) => heard.length === 1))
    for (const channel of pair.channels) channel.send({ same: 1 })
    await pair.until(() => pair.heard.every((heard) => heard.length === 2))
    const records = pair.crossed.filter(({ length }) => length > 4 && length !== 32)
    assert.equal(records.length, 4)
    assert.equal(new Set(records.map((record) => record.toString("hex"))).size, 4)
  })

  for (const [what, alter] of [
    [
      "altered",
      (record: Buffer) => Buffer.from(record.map((byte, nth) => (nth === 3 ? byte ^ 1 : byte))),
    ],
    ["cut", (record: Buffer) => Buffer.concat([record.subarray(1), Buffer.alloc(1)])],
    ["the other direction's", undefined],
    ["said again", null],
  ] as const)
    it(`ends at both ends when a record is ${what}`, async () => {
      const pair = new Pair()
      const [node, outlet] = pair.channels
      node.send({ nth: 1 })
      outlet.send({ nth: 2 })
      await pair.until(() => pair.heard.every((heard) => heard.length === 1))
      const [first, second] = pair.crossed.filter(({ length }) => length > 4 && length !== 32)
      const [a] = pair.ends
      const theirs = [first, second].find((record) => record !== undefined) ?? assert.fail()
      a.via = (bytes) => {
        if (bytes.length <= 4) return bytes
        if (alter) return alter(bytes)
        // Of the same length: what was sent before, or what the outlet sent.
        return Buffer.from(alter === null ? theirs : (second ?? theirs))
      }
      node.send({ nth: 1 })
      await pair.until(() => pair.over.every((why) => why !== undefined))
      assert.equal(pair.over[1]?.tag, "malformed-message")
      assert.equal(pair.heard[1]?.length, 1)
      node.send({ nth: 3 })
    })
})
