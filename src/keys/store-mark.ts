// How old a node's key store is, in a form its neighbours can remember and hold against it: a store that was
// rolled back (a restored backup) shows an older mark than one it signed before (THREATS D2). Comparison and
// the signed bytes only; signing, keeping and exchanging are the caller's.

import { ByteReader, ByteWriter } from "./bytes.js"

export interface StoreMark {
  readonly storeId: string
  /** Milliseconds since the epoch, later than any earlier store of the same node. */
  readonly createdMs: number
  /** How often the store was opened. */
  readonly generation: number
  /** Durable writes since it was made. */
  readonly writes: number
}

/** A mark with its node's Ed25519 signature: only the node itself can have said so. */
export interface SignedMark {
  readonly mark: StoreMark
  readonly signature: Uint8Array
}

export const SIGNATURE_BYTES = 64

/**
 * What `told` is to `known`, the newest mark known of the same node. `older`: the store was rolled back.
 * `other`: a new store; nothing of the former one counts any more.
 */
export function compareMarks(
  told: StoreMark,
  known: StoreMark,
): "same-or-newer" | "older" | "other" {
  if (told.storeId !== known.storeId) return told.createdMs > known.createdMs ? "other" : "older"
  if (told.generation !== known.generation)
    return told.generation > known.generation ? "same-or-newer" : "older"
  return told.writes >= known.writes ? "same-or-newer" : "older"
}

export function writeMark(writer: ByteWriter, mark: StoreMark): ByteWriter {
  return writer
    .uuid(mark.storeId)
    .u64(BigInt(mark.createdMs))
    .u64(BigInt(mark.generation))
    .u64(BigInt(mark.writes))
}

export function readMark(reader: ByteReader): StoreMark {
  return {
    storeId: reader.uuid(),
    createdMs: readCount(reader),
    generation: readCount(reader),
    writes: readCount(reader),
  }
}

export function writeSignedMark(writer: ByteWriter, signed: SignedMark): ByteWriter {
  return writeMark(writer, signed.mark).raw(signed.signature)
}

export function readSignedMark(reader: ByteReader): SignedMark {
  return { mark: readMark(reader), signature: Uint8Array.from(reader.raw(SIGNATURE_BYTES)) }
}

/** What a node signs: bound to the purpose and to the node. */
export function markStatement(qkdnId: string, mark: StoreMark): Buffer {
  return writeMark(new ByteWriter(128).text("keyloom store mark 1").text(qkdnId), mark).finish()
}

function readCount(reader: ByteReader): number {
  const value = reader.u64()
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : reader.fail("number too big")
}
