// Frames from a neighbour who cuts them as finely as he can.

import assert from "node:assert/strict"
import fc from "fast-check"
import { encodeFrame, FRAME_KINDS, FrameDecoder } from "../../src/node/relay-wire.js"
import type { Frame } from "../../src/node/relay-wire.js"

describe("frames cut finely", () => {
  it("are not copied anew with every chunk", () => {
    const frame = encodeFrame("relay", Buffer.alloc(200_000, 7))
    const decoder = new FrameDecoder()
    const frames: Frame[] = []
    let copied = 0
    const concat = Buffer.concat.bind(Buffer)
    try {
      Buffer.concat = (list, total) => {
        const joined = concat(list, total)
        copied += joined.length
        return joined
      }
      for (let at = 0; at < frame.length; at += 100)
        frames.push(...decoder.feed(frame.subarray(at, at + 100)))
    } finally {
      Buffer.concat = concat
    }
    assert.equal(frames.length, 1)
    assert.ok(frames[0]?.body.equals(Buffer.alloc(200_000, 7)))
    assert.ok(copied <= 2 * frame.length, `${copied} bytes copied for ${frame.length}`)
  })

  it("come out as they went in, wherever they are cut, and later chunks do not change them", () => {
    const frame = fc.record({
      kind: fc.constantFrom(...FRAME_KINDS),
      body: fc.uint8Array({ maxLength: 40 }),
    })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.nat(60)), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(({ kind, body }) => encodeFrame(kind, body)))
        const decoder = new FrameDecoder()
        const got: Frame[] = []
        let at = 0
        for (const cut of [...cuts, stream.length]) {
          got.push(...decoder.feed(Buffer.from(stream.subarray(at, at + cut))))
          at += cut
        }
        assert.deepEqual(
          got.map(({ kind, body }) => ({ kind, body: Uint8Array.from(body) })),
          sent.map(({ kind, body }) => ({ kind, body: Uint8Array.from(body) })),
        )
      }),
    )
  })
})
