// How old a node's key store is, in a form its neighbours can remember and hold against it: a store that was
// rolled back (a restored backup) shows an older mark than one it signed before (THREATS D2). Comparison and
// the signed bytes only; signing, keeping and exchanging are the caller's.

import { ByteReader, ByteWriter } from "./bytes.js"

export interface StoreMark {
  readonly storeId: string
  /** Milliseconds since the epoch, later than any earlier store of the same node. */
  readonly createdMs: number
  /** How often the store was opened, and a random id of this opening: a run. */
  readonly generation: number
  readonly runId: string
  /** Durable writes since the store was made. */
  readonly writes: number
}

/** A run that is over, as the store itself remembers it. */
export interface PastRun {
  readonly runId: string
  /** The store's writes when it ended. */
  readonly writes: number
}

/** A mark with its node's Ed25519 signature: only the node itself can have said so. */
export interface SignedMark {
  readonly mark: StoreMark
  readonly signature: Uint8Array
}

export const SIGNATURE_BYTES = 64

/**
 * What `told` is to `known`, the newest mark a neighbour knows of the same node. `older`: the store was
 * rolled back. `other`: a new store; nothing of the former one counts any more. A rolled-back store that ran
 * on unseen may look newer here; it does not in its own eyes: `coversMark`.
 */
export function compareMarks(
  told: StoreMark,
  known: StoreMark,
): "same-or-newer" | "older" | "other" {
  if (told.storeId !== known.storeId) return told.createdMs > known.createdMs ? "other" : "older"
  if (told.writes < known.writes || told.generation < known.generation) return "older"
  // A run has one past only: two copies of a store do not share a run.
  if (told.generation === known.generation && told.runId !== known.runId) return "older"
  return "same-or-newer"
}

/**
 * Whether a store contains everything it had when it said `seen` (a mark of its own, brought back by a
 * neighbour). False is proof that this store is a restored copy: it does not remember the run, or remembers
 * that it ended earlier, however long it has run since.
 */
export function coversMark(own: StoreMark, past: readonly PastRun[], seen: StoreMark): boolean {
  if (seen.storeId !== own.storeId) return seen.createdMs < own.createdMs
  if (seen.runId === own.runId) return seen.writes <= own.writes
  return past.some(({ runId, writes }) => runId === seen.runId && seen.writes <= writes)
}

export function writeMark(writer: ByteWriter, mark: StoreMark): ByteWriter {
  return writer
    .uuid(mark.storeId)
    .u64(BigInt(mark.createdMs))
    .u64(BigInt(mark.generation))
    .uuid(mark.runId)
    .u64(BigInt(mark.writes))
}

export function readMark(reader: ByteReader): StoreMark {
  return {
    storeId: reader.uuid(),
    createdMs: readCount(reader),
    generation: readCount(reader),
    runId: reader.uuid(),
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

export function readCount(reader: ByteReader): number {
  const value = reader.u64()
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : reader.fail("number too big")
}
