// One end of a key stream (ETSI GS QKD 004): which chunk stands for which index, and what is left to read. The keys
// themselves are end keys like any other, in the ledger of `delivery.ts`: there, and only there, stands who has read
// what. A stream merely puts them in order. Decisions only.
//
//   index  0 1 2 3 | 4 5 6 7 8 | 9 ...      runs of chunks, each one batch of end keys
//                                ^ made

import { hasTaken } from "./delivery.js"
import type { KeyBatch } from "./delivery.js"
import type { StreamQos } from "./stream-qos.js"

/** Chunks that came to be together. */
export interface StreamRun {
  readonly firstIndex: number
  readonly count: number
  /** The batch in this site's ledger. */
  readonly transferId: string
  /** The same batch in the far end's. */
  readonly farTransferId: string
}

export const END_STATES = ["opening", "open", "closed"] as const
export type EndState = (typeof END_STATES)[number]

/** What is kept of an end. */
export interface StreamRecord {
  readonly ksid: string
  /** Names this opening of this end: whoever opens the same Key_stream_ID later is another. */
  readonly endId: string
  readonly saeId: string
  readonly peerSaeId: string
  /** The node of the other end; this one itself where both SAEs live here. */
  readonly farQkdnId: string
  readonly state: EndState
  readonly qos: StreamQos
  /** The other end, once it was heard of: nobody else is believed from then on. */
  readonly far?: { readonly endId: string; readonly state: "open" | "closed" }
  /** Indices below it have, or had, a chunk. */
  readonly made: number
  /** In the order of their indices. */
  readonly runs: readonly StreamRun[]
}

/** A chunk that can be read now. */
export interface ChunkPlace {
  readonly index: number
  readonly keyId: string
  readonly batch: KeyBatch
}

export type LookUp = (transferId: string) => KeyBatch | undefined

/** Most chunks of a stream that wait at an end. */
export const MAX_UNREAD_CHUNKS = 1024
/** Most runs that an end keeps, whatever it is told. */
export const MAX_RUNS = 4096
/** Indices are 32 bit. */
export const MAX_INDEX = 0xffff_ffff

/** The node whose key manager makes the chunks: both ends know it without asking. */
export function isMaker(own: string, far: string, saeId: string, peerSaeId: string): boolean {
  return own === far ? saeId < peerSaeId : own < far
}

/** Every chunk that this end has not read and that has not expired, in order. */
export function* unreadOf(
  { runs, saeId }: StreamRecord,
  lookUp: LookUp,
  nowMs: number,
): Generator<ChunkPlace> {
  for (const { firstIndex, count, transferId } of runs) {
    const batch = lookUp(transferId)
    if (batch === undefined || batch.expiresMs <= nowMs) continue
    for (let at = 0; at < count; at++) {
      const keyId = batch.offer.keyIds[at]
      if (keyId !== undefined && !hasTaken(batch, at, saeId))
        yield { index: firstIndex + at, keyId, batch }
    }
  }
}

/**
 * The chunk that a call reads: the one of its index; the next unread one where it names none, or one that is read or
 * expired. Undefined when there is none yet.
 */
export function chunkFor(
  record: StreamRecord,
  index: number | undefined,
  lookUp: LookUp,
  nowMs: number,
): ChunkPlace | undefined {
  let next: ChunkPlace | undefined
  for (const place of unreadOf(record, lookUp, nowMs)) {
    if (place.index === index) return place
    next ??= place
    if (index === undefined || place.index > index) break
  }
  return index === undefined || index < record.made ? next : undefined
}

/** Without runs of which nothing is left here, and which the far end knows. */
export function prune(record: StreamRecord, lookUp: LookUp, farHas: number): StreamRecord {
  const runs = record.runs.filter(
    ({ transferId, firstIndex, count }) =>
      lookUp(transferId) !== undefined || firstIndex + count > farHas,
  )
  return runs.length === record.runs.length ? record : { ...record, runs }
}

/** With what the maker says it has made: each chunk once, never another one under an index that is known. */
export function withRuns(record: StreamRecord, told: readonly StreamRun[]): StreamRecord {
  let { made } = record
  const runs = [...record.runs]
  for (const run of told) {
    if (run.firstIndex < made) continue
    // The rest is told again until it is known.
    if (runs.length >= MAX_RUNS) break
    runs.push(run)
    made = run.firstIndex + run.count
  }
  return made === record.made ? record : { ...record, made, runs }
}
