// What nodes tell one another of a key stream's ends, and how an end is kept in the store. News is the whole state of
// one end, signed by its node: told again it changes nothing, and what was lost is in the next. Encoding only.

import { ByteReader, ByteWriter } from "../keys/bytes.js"
import { END_STATES, MAX_RUNS } from "../keys/key-stream.js"
import type { StreamRecord, StreamRun } from "../keys/key-stream.js"
import type { StreamQos } from "../keys/stream-qos.js"
import { SIGNATURE_BYTES } from "../keys/store-mark.js"
import { readAlong, writeAlong } from "./relay-wire.js"
import type { Along } from "./relay-wire.js"

/** `none`: there is no such end. `taken`: the Key_stream_ID is of another stream there. */
export const NEWS_STATES = ["none", "opening", "open", "closed", "taken"] as const
export type NewsState = (typeof NEWS_STATES)[number]

/** Why no chunk was made when one was wanted. */
export const LACKS = ["none", "key", "path"] as const
export type Lack = (typeof LACKS)[number]

/** `transferId` is the Key_stream_ID, `source` the node that tells. */
export interface StreamNews extends Along {
  readonly saeId: string
  readonly peerSaeId: string
  /** Of the end that tells, and of the one it knows as its other; "" where there is none. */
  readonly endId: string
  readonly farEndId: string
  readonly state: NewsState
  /** Grows with every news of one end. */
  readonly number: number
  /** The number of the news that this answers; 0 for none. */
  readonly answers: number
  /** An answer is wanted. */
  readonly asks: boolean
  /** A reader waits for a chunk. */
  readonly wants: boolean
  /** Chunks were read since. */
  readonly reads: boolean
  readonly qos: StreamQos
  /** Indices below it are known there. */
  readonly made: number
  /** Chunks of these that are read or expired there. */
  readonly readCount: number
  readonly lack: Lack
  /** From the maker: what the other end may not know yet. */
  readonly runs: readonly StreamRun[]
}

const MAX_TOLD_RUNS = 256
const ASKS = 1
const WANTS = 2
const READS = 4

/** Without its signature, which follows. */
export function encodeNews(news: StreamNews): Buffer {
  const writer = writeAlong(news)
    .text(news.saeId)
    .text(news.peerSaeId)
    .text(news.endId)
    .text(news.farEndId)
    .u8(NEWS_STATES.indexOf(news.state))
    .u64(BigInt(news.number))
    .u64(BigInt(news.answers))
    .u8((news.asks ? ASKS : 0) | (news.wants ? WANTS : 0) | (news.reads ? READS : 0))
  writeQos(writer, news.qos).u32(news.made).u32(news.readCount).u8(LACKS.indexOf(news.lack))
  return writeRuns(writer, news.runs.slice(0, MAX_TOLD_RUNS)).finish()
}

/** @throws QkdError `malformed-message` */
export function decodeNews(body: Uint8Array): {
  readonly news: StreamNews
  readonly signed: Uint8Array
  readonly signature: Uint8Array
} {
  const reader = new ByteReader(body, "key stream")
  const start = {
    ...readAlong(reader),
    saeId: reader.text(),
    peerSaeId: reader.text(),
    endId: reader.text(),
    farEndId: reader.text(),
    state: NEWS_STATES[reader.u8()] ?? reader.fail("unknown state"),
    number: Number(reader.u64()),
    answers: Number(reader.u64()),
  }
  const flags = reader.u8()
  if (flags > (ASKS | WANTS | READS)) reader.fail("flags")
  const news: StreamNews = {
    ...start,
    asks: (flags & ASKS) !== 0,
    wants: (flags & WANTS) !== 0,
    reads: (flags & READS) !== 0,
    qos: readQos(reader),
    made: reader.u32(),
    readCount: reader.u32(),
    lack: LACKS[reader.u8()] ?? reader.fail("unknown lack"),
    runs: readRuns(reader, MAX_TOLD_RUNS),
  }
  const signed = body.subarray(0, reader.offsetBytes)
  const signature = reader.raw(SIGNATURE_BYTES)
  reader.end()
  return { news, signed, signature }
}

export function encodeStreamRecord(record: StreamRecord): Buffer {
  const { far } = record
  const writer = new ByteWriter(512)
    .uuid(record.ksid)
    .uuid(record.endId)
    .text(record.saeId)
    .text(record.peerSaeId)
    .text(record.farQkdnId)
    .u8(END_STATES.indexOf(record.state))
    .u8(far === undefined ? 0 : far.state === "open" ? 1 : 2)
  if (far !== undefined) writer.uuid(far.endId)
  writeQos(writer, record.qos).u32(record.made)
  return writeRuns(writer, record.runs).finish()
}

export function decodeStreamRecord(bytes: Uint8Array): StreamRecord {
  const reader = new ByteReader(bytes, "record of a key stream")
  const start = {
    ksid: reader.uuid(),
    endId: reader.uuid(),
    saeId: reader.text(),
    peerSaeId: reader.text(),
    farQkdnId: reader.text(),
    state: END_STATES[reader.u8()] ?? reader.fail("unknown state"),
  }
  const farState = ([undefined, "open", "closed"] as const)[reader.u8()]
  const record: StreamRecord = {
    ...start,
    ...(farState !== undefined && { far: { endId: reader.uuid(), state: farState } }),
    qos: readQos(reader),
    made: reader.u32(),
    runs: readRuns(reader, MAX_RUNS),
  }
  reader.end()
  return record
}

function writeQos(writer: ByteWriter, qos: StreamQos): ByteWriter {
  return writer
    .u32(qos.chunkBytes)
    .u32(qos.maxBps)
    .u32(qos.minBps)
    .u32(qos.jitterBps)
    .u32(qos.priority)
    .u32(qos.timeoutMs)
    .u32(qos.ttlS)
    .text(qos.metadataMimetype)
}

function readQos(reader: ByteReader): StreamQos {
  return {
    chunkBytes: reader.u32(),
    maxBps: reader.u32(),
    minBps: reader.u32(),
    jitterBps: reader.u32(),
    priority: reader.u32(),
    timeoutMs: reader.u32(),
    ttlS: reader.u32(),
    metadataMimetype: reader.text(),
  }
}

function writeRuns(writer: ByteWriter, runs: readonly StreamRun[]): ByteWriter {
  writer.u16(runs.length)
  for (const { firstIndex, count, transferId, farTransferId } of runs)
    writer.u32(firstIndex).u16(count).uuid(transferId).uuid(farTransferId)
  return writer
}

function readRuns(reader: ByteReader, most: number): StreamRun[] {
  return Array.from({ length: reader.count(most) }, () => ({
    firstIndex: reader.u32(),
    count: reader.u16(),
    transferId: reader.uuid(),
    farTransferId: reader.uuid(),
  }))
}
