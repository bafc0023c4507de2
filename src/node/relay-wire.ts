// What key managers say to one another, as frames on a byte stream: [u32 length][u8 kind][body]. Bodies are
// binary throughout (`keys/bytes.ts`): relay messages and pool lists are the hot ones, and one strict codec is
// easier to trust than two. No socket, no decisions.

import { QkdError } from "../errors.js"
import { ByteReader, ByteWriter } from "../keys/bytes.js"
import { epsilonToWire } from "../keys/epsilon.js"
import { readEpsilon, RELAY_LIMITS } from "../keys/relay-header.js"
import { readSignedMark, SIGNATURE_BYTES, writeSignedMark } from "../keys/store-mark.js"
import type { SignedMark } from "../keys/store-mark.js"

export const FRAME_KINDS = [
  "hello",
  "ping",
  "pong",
  "mark",
  "pool",
  "relay",
  "ack",
  "nack",
  "void",
  "bye",
  "store",
  "stream",
  "voided",
] as const
export type FrameKind = (typeof FRAME_KINDS)[number]

export interface Frame {
  readonly kind: FrameKind
  readonly body: Buffer
}

/** Enough for the largest relay message. Strangers send none: the certificate is checked before the first byte. */
export const FRAME_LIMIT_BYTES = 1 << 18
export const NONCE_BYTES = 16
const VERSION = 2

/** What stands before a body: its length and its kind. */
export const FRAME_HEAD_BYTES = 5

/** A frame in one buffer, ready for the socket. */
export function encodeFrame(kind: FrameKind, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafeSlow(FRAME_HEAD_BYTES + body.length)
  frame.set(body, FRAME_HEAD_BYTES)
  return framed(kind, frame)
}

/** The same of a body that has room for the head before it: it is not copied. */
export function framed(kind: FrameKind, frame: Buffer): Buffer {
  frame.writeUInt32BE(frame.length - LENGTH_BYTES, 0)
  frame.writeUInt8(FRAME_KINDS.indexOf(kind), LENGTH_BYTES)
  return frame
}

/** Frames out of chunks of any size. Each byte is copied twice at most, however finely a neighbour cuts them. */
export class FrameDecoder {
  readonly #limitBytes: number
  /** A frame of which only the first `#filled` bytes came: of the size of its length field until that is whole. */
  #partial: Buffer | undefined
  #filled = 0

  constructor(limitBytes: number = FRAME_LIMIT_BYTES) {
    this.#limitBytes = limitBytes
  }

  /** @throws QkdError `too-big`, `malformed-message`: the stream is of no use any more. */
  feed(chunk: Buffer): Frame[] {
    const frames: Frame[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#partial === undefined) {
        const size = this.#sizeAt(chunk, at)
        if (at + size <= chunk.length && size > LENGTH_BYTES) {
          frames.push(frameIn(chunk.subarray(at, at + size)))
          at += size
          continue
        }
        this.#begin(size)
      }
      at += this.#fill(chunk, at, frames)
    }
    return frames
  }

  /** Size of the frame that begins there, or of its length field when that is not whole. */
  #sizeAt(bytes: Buffer, at: number): number {
    if (bytes.length - at < LENGTH_BYTES) return LENGTH_BYTES
    const length = bytes.readUInt32BE(at)
    if (length < 1) throw new QkdError("malformed-message", "empty frame")
    if (length > this.#limitBytes)
      throw new QkdError("too-big", `frame of ${length} bytes, ${this.#limitBytes} allowed`)
    return LENGTH_BYTES + length
  }

  #begin(size: number): Buffer {
    this.#filled = 0
    return (this.#partial = Buffer.allocUnsafeSlow(size))
  }

  /** Returns how many bytes of the chunk it took. */
  #fill(chunk: Buffer, at: number, frames: Frame[]): number {
    const partial = this.#partial
    if (partial === undefined) return 0
    const taken = chunk.copy(partial, this.#filled, at)
    this.#filled += taken
    if (this.#filled < partial.length) return taken
    if (partial.length > LENGTH_BYTES) {
      this.#partial = undefined
      frames.push(frameIn(partial))
    } else {
      const whole = this.#begin(this.#sizeAt(partial, 0))
      this.#filled = partial.copy(whole)
    }
    return taken
  }
}

const LENGTH_BYTES = 4

/** A whole frame, its body as a view. */
function frameIn(bytes: Buffer): Frame {
  const kind = FRAME_KINDS[bytes.readUInt8(LENGTH_BYTES)]
  if (kind === undefined) throw new QkdError("malformed-message", "unknown frame")
  return { kind, body: bytes.subarray(LENGTH_BYTES + 1) }
}

/** The first frame of both ends. */
export interface Hello {
  /** Who speaks; must agree with the certificate, which decides. */
  readonly qkdnId: string
  readonly nonce: Uint8Array
  readonly mark: SignedMark
  /** The newest mark of the *other* end that this one remembers. */
  readonly seen?: SignedMark
}

export function encodeHello(hello: Hello): Buffer {
  const writer = new ByteWriter(512).u8(VERSION).text(hello.qkdnId).raw(hello.nonce)
  writeSignedMark(writer, hello.mark).u8(hello.seen === undefined ? 0 : 1)
  if (hello.seen !== undefined) writeSignedMark(writer, hello.seen)
  return writer.finish()
}

export function decodeHello(body: Uint8Array): Hello {
  const reader = new ByteReader(body, "hello")
  if (reader.u8() !== VERSION) reader.fail("unknown version")
  const hello = {
    qkdnId: reader.text(),
    nonce: Uint8Array.from(reader.raw(NONCE_BYTES)),
    mark: readSignedMark(reader),
  }
  const flag = reader.u8()
  if (flag > 1) reader.fail("flag")
  const seen = flag === 1 ? { seen: readSignedMark(reader) } : {}
  reader.end()
  return { ...hello, ...seen }
}

export function encodeMark(mark: SignedMark): Buffer {
  return writeSignedMark(new ByteWriter(128), mark).finish()
}

export function decodeMark(body: Uint8Array): SignedMark {
  const reader = new ByteReader(body, "mark")
  const mark = readSignedMark(reader)
  reader.end()
  return mark
}

/** The path of a message that goes from one of its ends to the other. */
export interface Way {
  readonly pathQkdlId: string
  readonly source: string
  readonly destination: string
}

/** What every message that follows a transfer along its path begins with. */
export interface Along extends Way {
  readonly transferId: string
}

/** Destination to source: the keys of these transfers are stored. */
export interface Ack extends Way {
  /** The whole path as the destination saw it, ends included. */
  readonly nodes: readonly string[]
  readonly stored: readonly StoredTransfer[]
  /** Over the digests of all of them. */
  readonly signature: Uint8Array
}

export interface StoredTransfer {
  readonly transferId: string
  /** Of the path, as the destination knows it. */
  readonly epsilon?: number
  /** SHA-256 of what is said of it: whoever does not know it any more can check the signature on the others. */
  readonly digest: Uint8Array
}

/** Transfers in one acknowledgement. */
export const MAX_STORED = 512
export const DIGEST_BYTES = 32

/** Back to the source: somebody on the path could not. */
export interface Nack extends Along {
  /** Who. */
  readonly qkdnId: string
  readonly reason: NackReason
  /** Relay paths at fault, when it is the destination that has found out. */
  readonly paths?: readonly string[]
  /** The destination's, where it names paths: anybody between could blame another's. */
  readonly signature?: Uint8Array
}
export const NACK_REASONS = [
  "no-path",
  "pool-empty",
  "policy",
  "busy",
  "refused",
  /** The keys are not those that their source has signed. */
  "altered",
  /** Not all shares came in time. */
  "incomplete",
  /** More than the path was given, of key that others need. */
  "over-rate",
] as const
export type NackReason = (typeof NACK_REASONS)[number]

/**
 * Source to destination: the keys are not to be delivered. As `store`, from destination to source: this is the id of
 * the store that the destination has now, in place of a transfer's.
 */
export interface Void extends Along {
  readonly signature: Uint8Array
}

/** Destination to source: what became of a void. */
export interface Voided extends Along {
  readonly outcome: VoidOutcome
  readonly signature: Uint8Array
}
export const VOID_OUTCOMES = ["voided", "unknown", "too-late"] as const
export type VoidOutcome = (typeof VOID_OUTCOMES)[number]

export function encodeVoided(message: Voided): Buffer {
  return writeAlong(message)
    .u8(VOID_OUTCOMES.indexOf(message.outcome))
    .raw(message.signature)
    .finish()
}

export function decodeVoided(body: Uint8Array): Voided {
  const reader = new ByteReader(body, "voided")
  const start = readAlong(reader)
  const outcome = VOID_OUTCOMES[reader.u8()] ?? reader.fail("unknown outcome")
  const message = { ...start, outcome, signature: reader.raw(SIGNATURE_BYTES) }
  reader.end()
  return message
}

export function encodeAck(ack: Ack): Buffer {
  const writer = writeWay(new ByteWriter(512), ack).texts(ack.nodes).u16(ack.stored.length)
  for (const { transferId, epsilon, digest } of ack.stored)
    writer.uuid(transferId).f64(epsilonToWire(epsilon)).raw(digest)
  return writer.raw(ack.signature).finish()
}

export function decodeAck(body: Uint8Array): Ack {
  const reader = new ByteReader(body, "ack")
  const start = { ...readWay(reader), nodes: reader.texts(RELAY_LIMITS.nodes) }
  const stored = Array.from({ length: reader.count(MAX_STORED) }, () => readStored(reader))
  const signature = reader.raw(SIGNATURE_BYTES)
  reader.end()
  return { ...start, stored, signature }
}

function readStored(reader: ByteReader): StoredTransfer {
  const [transferId, epsilon] = [reader.uuid(), readEpsilon(reader)]
  return { transferId, ...(epsilon !== undefined && { epsilon }), digest: reader.raw(DIGEST_BYTES) }
}

export function encodeNack(nack: Nack): Buffer {
  const writer = writeAlong(nack).text(nack.qkdnId).u8(NACK_REASONS.indexOf(nack.reason))
  const { paths = [], signature } = nack
  writer.texts(paths).u8(signature === undefined ? 0 : 1)
  if (signature !== undefined) writer.raw(signature)
  return writer.finish()
}

export function decodeNack(body: Uint8Array): Nack {
  const reader = new ByteReader(body, "nack")
  const start = { ...readAlong(reader), qkdnId: reader.text() }
  const reason = NACK_REASONS[reader.u8()]
  if (reason === undefined) return reader.fail("unknown reason")
  const paths = reader.texts(RELAY_LIMITS.shares)
  const flag = reader.u8()
  if (flag > 1) reader.fail("flag")
  const signed = flag === 1 ? { signature: Uint8Array.from(reader.raw(SIGNATURE_BYTES)) } : {}
  reader.end()
  return { ...start, reason, ...(paths.length > 0 && { paths }), ...signed }
}

export function encodeVoid(message: Void): Buffer {
  return writeAlong(message).raw(message.signature).finish()
}

export function decodeVoid(body: Uint8Array): Void {
  const reader = new ByteReader(body, "void")
  const message = { ...readAlong(reader), signature: reader.raw(SIGNATURE_BYTES) }
  reader.end()
  return message
}

export function writeAlong(message: Along): ByteWriter {
  return writeWay(new ByteWriter(256).uuid(message.transferId), message)
}

export function readAlong(reader: ByteReader): Along {
  return { transferId: reader.uuid(), ...readWay(reader) }
}

function writeWay(writer: ByteWriter, { pathQkdlId, source, destination }: Way): ByteWriter {
  return writer.text(pathQkdlId).text(source).text(destination)
}

function readWay(reader: ByteReader): Way {
  return { pathQkdlId: reader.text(), source: reader.text(), destination: reader.text() }
}
