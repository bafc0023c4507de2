// Frames between key managers: whole, byte by byte, too long, unknown.

import assert from "node:assert/strict"
import { randomBytes, randomUUID } from "node:crypto"
import fc from "fast-check"
import {
  decodeAck,
  decodeHello,
  decodeMark,
  decodeNack,
  decodeVoid,
  encodeAck,
  encodeFrame,
  encodeHello,
  encodeMark,
  encodeNack,
  encodeVoid,
  FRAME_KINDS,
  FrameDecoder,
} from "../../src/node/relay-wire.js"
import { decodePoolMessage, encodePoolMessage } from "../../src/keys/pool-message.js"
import type { PoolMessage } from "../../src/keys/pool-message.js"

const along = {
  transferId: randomUUID(),
  pathQkdlId: randomUUID(),
  source: "from",
  destination: "to",
}
const signature = randomBytes(64)
const mark = {
  mark: {
    storeId: randomUUID(),
    createdMs: 1_700_000_000_000,
    generation: 3,
    runId: randomUUID(),
    writes: 12,
  },
  signature: Uint8Array.from(signature),
}
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, v: unknown) => (v instanceof Uint8Array ? Buffer.from(v) : v)),
  )

describe("frames between key managers", () => {
  it("come out as they went in, in chunks of any size, down to single bytes", () => {
    const frame = fc.record({
      kind: fc.constantFrom(...FRAME_KINDS),
      body: fc.uint8Array({ maxLength: 200 }),
    })
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (frames, n) => {
          const stream = Buffer.concat(frames.map(({ kind, body }) => encodeFrame(kind, body)))
          const decoder = new FrameDecoder()
          const out: { kind: string; body: string }[] = []
          for (let at = 0; at < stream.length; at += n) {
            for (const { kind, body } of decoder.feed(stream.subarray(at, at + n)))
              out.push({ kind, body: body.toString("hex") })
          }
          const expected = frames.map(({ kind, body }) => ({
            kind,
            body: Buffer.from(body).toString("hex"),
          }))
          assert.deepEqual(out, expected)
        },
      ),
    )
  })

  it("are refused when too long, empty or of an unknown kind, before their body is there", () => {
    const head = (length: number, kind: number): Buffer => {
      const bytes = Buffer.alloc(5)
      bytes.writeUInt32BE(length)
      bytes.writeUInt8(kind, 4)
      return bytes
    }
    assert.throws(() => new FrameDecoder(100).feed(head(101, 1)), { tag: "too-big" })
    assert.throws(() => new FrameDecoder().feed(head(0xffffffff, 1)), { tag: "too-big" })
    assert.throws(() => new FrameDecoder().feed(head(0, 1)), { tag: "malformed-message" })
    assert.throws(() => new FrameDecoder().feed(head(1, 99)), { tag: "malformed-message" })
  })

  it("carry each message there and back, and refuse it cut short or lengthened", () => {
    const hello = { qkdnId: "n", nonce: Uint8Array.from(randomBytes(16)), mark }
    const { transferId, ...way } = along
    const stored = [
      { transferId, epsilon: 1e-9, digest: randomBytes(32) },
      { transferId: randomUUID(), digest: randomBytes(32) },
    ]
    const ack = { ...way, nodes: ["from", "x", "to"], stored, signature }
    const messages: [unknown, Buffer, (body: Uint8Array) => unknown][] = [
      [hello, encodeHello(hello), decodeHello],
      [{ ...hello, seen: mark }, encodeHello({ ...hello, seen: mark }), decodeHello],
      [mark, encodeMark(mark), decodeMark],
      [ack, encodeAck(ack), decodeAck],
      [
        { ...along, qkdnId: "x", reason: "busy" },
        encodeNack({ ...along, qkdnId: "x", reason: "busy" }),
        decodeNack,
      ],
      [{ ...along, signature }, encodeVoid({ ...along, signature }), decodeVoid],
    ]
    for (const [message, body, decode] of messages) {
      assert.deepEqual(plain(decode(body)), plain(message))
      for (let length = 0; length < body.length; length++)
        assert.throws(() => decode(body.subarray(0, length)), { tag: "malformed-message" })
      assert.throws(() => decode(Buffer.concat([body, Buffer.of(0)])), { tag: "malformed-message" })
    }
  })

  it("carry pool messages there and back, and refuse noise", () => {
    const blockId = randomUUID()
    const messages: PoolMessage[] = [
      { kind: "sync" },
      { kind: "end" },
      { kind: "no-link" },
      { kind: "inventory", items: [{ blockId, halves: ["gone", "theirs"] }] },
      { kind: "stored", blockIds: [blockId, randomUUID()] },
      { kind: "gone", blockIds: [] },
      { kind: "open", halves: [{ blockId, half: 1, from: 70_000 }] },
      { kind: "ready", halves: [{ blockId, half: 0 }] },
      { kind: "lack", halves: [] },
      { kind: "give", halves: [{ blockId, half: 1 }] },
      { kind: "want", lengthBytes: 0xffffffff },
    ]
    for (const message of messages) {
      const body = encodePoolMessage("link", message)
      assert.deepEqual(decodePoolMessage(body), { qkdlId: "link", message })
      for (let length = 0; length < body.length; length++)
        assert.throws(() => decodePoolMessage(body.subarray(0, length)), {
          tag: "malformed-message",
        })
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (noise) => {
        try {
          const { qkdlId, message } = decodePoolMessage(noise)
          assert.deepEqual(Uint8Array.from(encodePoolMessage(qkdlId, message)), noise)
        } catch (error) {
          if ((error as { tag?: string }).tag !== "malformed-message") throw error
        }
      }),
    )
  })
})
