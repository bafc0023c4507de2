// How the key manager's records are named in its store, and the small ones encoded. One letter a kind:
//   h half-block   o owner of a half, where not the first   b when a block came   x spent block   l link
//   k batch of end keys   t batch that is over   m newest mark of a peer   a application   s end of a key stream
//   d keys given to another domain   i keys taken from one
// Reads and writes no store.

import { ByteReader, ByteWriter } from "../keys/bytes.js"
import { firstOwner, halfName } from "../keys/half.js"
import type { HalfNumber, HalfRef, LinkSide } from "../keys/half.js"
import type { PoolWrite, RestoredBlock } from "../keys/pool-step.js"
import type { StoredRecord, StoreOp } from "./key-store.js"

const name = (kind: string): ByteWriter => new ByteWriter(96).raw(Buffer.from(kind, "latin1"))

export const halfPrefix = (qkdlId: string): Buffer => name("h").text(qkdlId).finish()
export const ownerPrefix = (qkdlId: string): Buffer => name("o").text(qkdlId).finish()
export const bornPrefix = (qkdlId: string): Buffer => name("b").text(qkdlId).finish()
export const spentPrefix = (qkdlId: string): Buffer => name("x").text(qkdlId).finish()
export const LINK_PREFIX = Buffer.from("l")
export const BATCH_PREFIX = Buffer.from("k")
export const OVER_PREFIX = Buffer.from("t")
export const PEER_MARK_PREFIX = Buffer.from("m")
export const APP_PREFIX = Buffer.from("a")
export const STREAM_PREFIX = Buffer.from("s")
export const HANDOVER_PREFIX = Buffer.from("d")
export const INTAKE_PREFIX = Buffer.from("i")

export function halfKey(qkdlId: string, { blockId, half }: HalfRef): Buffer {
  return name("h").text(qkdlId).uuid(blockId).u8(half).finish()
}

/** The value says who; there is none while the half is its first owner's. */
export function ownerKey(qkdlId: string, { blockId, half }: HalfRef): Buffer {
  return name("o").text(qkdlId).uuid(blockId).u8(half).finish()
}

export function spentKey(qkdlId: string, blockId: string): Buffer {
  return name("x").text(qkdlId).uuid(blockId).finish()
}

/** The value says when the block came, by the steady clock. There while a half of it is. */
export function bornKey(qkdlId: string, blockId: string): Buffer {
  return name("b").text(qkdlId).uuid(blockId).finish()
}

export function encodeBornMs(bornMs: number): Buffer {
  return new ByteWriter(8).f64(bornMs).finish()
}

export function decodeBornMs(bytes: Uint8Array): number {
  const reader = new ByteReader(bytes, "time of a block")
  const bornMs = reader.f64()
  reader.end()
  return bornMs
}

export const linkKey = (qkdlId: string): Buffer => name("l").text(qkdlId).finish()
export const batchKey = (transferId: string): Buffer => name("k").uuid(transferId).finish()
export const overKey = (transferId: string): Buffer => name("t").uuid(transferId).finish()
export const appKey = (appId: string): Buffer => name("a").text(appId).finish()
export const streamKey = (ksid: string, saeId: string): Buffer =>
  name("s").uuid(ksid).text(saeId).finish()
export const intakeKey = (intakeId: string): Buffer => name("i").uuid(intakeId).finish()
export const handoverKey = (transferId: string, domain: string): Buffer =>
  name("d").uuid(transferId).text(domain).finish()
export const peerMarkKey = (qkdnId: string): Buffer => name("m").text(qkdnId).finish()

/** The text after the kind, of `a`, `l` and `m` records. */
export function textInKey(key: Uint8Array): string {
  const reader = new ByteReader(key.subarray(1), "record")
  return reader.text()
}

/** What is kept of a link beside its blocks. */
export interface LinkRecord {
  readonly peer: string
  readonly generatedBits: bigint
  readonly consumedBits: bigint
  readonly authenticationBits: bigint
  readonly relayedBits: bigint
  readonly refusedBits: bigint
  readonly expiredBits: bigint
}

export function encodeLinkRecord(record: LinkRecord): Buffer {
  return new ByteWriter(96)
    .text(record.peer)
    .u64(record.generatedBits)
    .u64(record.consumedBits)
    .u64(record.authenticationBits)
    .u64(record.relayedBits)
    .u64(record.refusedBits)
    .u64(record.expiredBits)
    .finish()
}

export function decodeLinkRecord(bytes: Uint8Array): LinkRecord {
  const reader = new ByteReader(bytes, "link record")
  const record = {
    peer: reader.text(),
    generatedBits: reader.u64(),
    consumedBits: reader.u64(),
    authenticationBits: reader.u64(),
    relayedBits: reader.u64(),
    // Stores of earlier releases do not have them.
    refusedBits: reader.atEnd ? 0n : reader.u64(),
    expiredBits: reader.atEnd ? 0n : reader.u64(),
  }
  reader.end()
  return record
}

/** The blocks of a link, from its half records and its owner records, in the order in which they came. */
export function blocksOf(
  qkdlId: string,
  halves: readonly StoredRecord[],
  granted: ReadonlyMap<string, LinkSide>,
  bornMs: ReadonlyMap<string, number>,
): RestoredBlock[] {
  const blocks = new Map<string, { lengths: [number, number]; owners: Owners }>()
  for (const { key, lengthBytes } of halves) {
    const ref = halfOfKey(qkdlId, key)
    const none: Owners = [undefined, undefined]
    const block = blocks.get(ref.blockId) ?? { lengths: [0, 0], owners: none }
    block.lengths[ref.half] = lengthBytes
    block.owners[ref.half] = granted.get(halfName(ref)) ?? firstOwner(ref.half)
    blocks.set(ref.blockId, block)
  }
  const age = (id: string): number => bornMs.get(id) ?? Number.POSITIVE_INFINITY
  return Array.from(blocks, ([id, block]) => {
    const born = bornMs.get(id)
    return { id, ...block, ...(born !== undefined && { bornMs: born }) }
  }).sort((one, other) => age(one.id) - age(other.id) || 0)
}

type Owners = [LinkSide | undefined, LinkSide | undefined]

/** The half that an `h` or `o` record is about. */
export function halfOfKey(qkdlId: string, key: Uint8Array): HalfRef {
  const reader = new ByteReader(key.subarray(1), "record")
  if (reader.text() !== qkdlId) reader.fail("another link's record")
  const blockId = reader.uuid()
  const half: HalfNumber = reader.u8() === 0 ? 0 : 1
  return { blockId, half }
}

/** The block that an `x` or `b` record is about. */
export function blockOfKey(qkdlId: string, key: Uint8Array): string {
  const reader = new ByteReader(key.subarray(1), "record")
  if (reader.text() !== qkdlId) reader.fail("another link's record")
  return reader.uuid()
}

/** What is kept of an application. */
export interface AppRecord {
  readonly deliveredBits: bigint
  /** Of these, to masters. */
  readonly suppliedBits: bigint
  /** What its maximum left; absent where it has none. */
  readonly maximumBits?: number
}

export function encodeAppRecord(record: AppRecord): Buffer {
  const { deliveredBits, suppliedBits, maximumBits } = record
  return new ByteWriter(24)
    .u64(deliveredBits)
    .f64(maximumBits ?? Number.NaN)
    .u64(suppliedBits)
    .finish()
}

export function decodeAppRecord(bytes: Uint8Array): AppRecord {
  const reader = new ByteReader(bytes, "record of an application")
  const deliveredBits = reader.u64()
  const maximumBits = reader.f64()
  // Written before masters were counted apart.
  const suppliedBits = bytes.length > 16 ? reader.u64() : 0n
  reader.end()
  return { deliveredBits, suppliedBits, ...(!Number.isNaN(maximumBits) && { maximumBits }) }
}

/** What a pool's step writes, as operations on the store. */
export function poolOps(link: string, write: PoolWrite): StoreOp[] {
  switch (write.kind) {
    case "put":
      // The bytes are written by whoever has them.
      return []
    case "owner": {
      const first = firstOwner(write.ref.half) === write.owner
      const value = Buffer.of(write.owner === "low" ? 0 : 1)
      return [{ key: ownerKey(link, write.ref), value: first ? null : value }]
    }
    case "remove":
      return [
        { key: halfKey(link, write.ref), value: null },
        { key: ownerKey(link, write.ref), value: null },
      ]
    case "spent":
      return [
        { key: spentKey(link, write.blockId), value: Buffer.alloc(0) },
        { key: bornKey(link, write.blockId), value: null },
      ]
    case "forget":
      return [{ key: spentKey(link, write.blockId), value: null }]
  }
}
