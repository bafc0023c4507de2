// Frames over a pair of pipes: a JSON header and bytes beside it, so that key bytes are never a string. Each frame is
// its length, the header's length (both 4 bytes, big-endian), the header and the bytes.

import { QkdError } from "../errors.js"
import { unmovedBuffer } from "../unmoved.js"

export interface Frame {
  readonly header: Readonly<Record<string, unknown>>
  /** Of its own; the receiver may wipe it. */
  readonly bytes: Buffer
}

const MAX_BYTES = 16 * 1024 * 1024

/** One buffer of its own; the sender wipes it once it is written. */
export function encodeFrame(header: object, ...parts: readonly Uint8Array[]): Buffer {
  const text = Buffer.from(JSON.stringify(header), "utf8")
  const length = parts.reduce((sum, part) => sum + part.length, 4 + text.length)
  const frame = unmovedBuffer(4 + length)
  frame.writeUInt32BE(length, 0)
  frame.writeUInt32BE(text.length, 4)
  frame.set(text, 8)
  let at = 8 + text.length
  for (const part of parts) {
    frame.set(part, at)
    at += part.length
  }
  return frame
}

/** Takes chunks as they come, gives whole frames, and wipes what it has taken. */
export class FrameReader {
  #held: Buffer = Buffer.alloc(0)

  /** @throws QkdError `malformed-message` for what is no frame; the pipe is of no use any more. */
  take(chunk: Buffer): Frame[] {
    const all = unmovedBuffer(this.#held.length + chunk.length)
    all.set(this.#held)
    all.set(chunk, this.#held.length)
    this.#held.fill(0)
    chunk.fill(0)
    const frames: Frame[] = []
    let at = 0
    while (all.length - at >= 8) {
      const length = all.readUInt32BE(at)
      const headerLength = all.readUInt32BE(at + 4)
      if (length > MAX_BYTES || headerLength > length - 4) throw malformed()
      if (all.length - at < 4 + length) break
      const text = all.subarray(at + 8, at + 8 + headerLength).toString("utf8")
      frames.push({
        header: parseHeader(text),
        bytes: ownCopy(all.subarray(at + 8 + headerLength, at + 4 + length)),
      })
      at += 4 + length
    }
    this.#held = ownCopy(all.subarray(at))
    all.fill(0)
    return frames
  }
}

function ownCopy(bytes: Uint8Array): Buffer {
  const own = unmovedBuffer(bytes.length)
  own.set(bytes)
  return own
}

function parseHeader(text: string): Readonly<Record<string, unknown>> {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch {
    throw malformed()
  }
  if (typeof header !== "object" || header === null) throw malformed()
  return { ...header }
}

function malformed(): QkdError {
  return new QkdError("malformed-message", "no frame of this pipe")
}
