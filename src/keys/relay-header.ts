// The header of a relay message (ITU-T Y.3803 key relay; Q.4163 Kx): who sends which end keys to whom, under
// which bits of which link. Goes in clear, under the tag. Encoding only; what it may say is `relay-rules.ts`.

import { ByteReader, ByteWriter } from "./bytes.js"
import type { Segment } from "./half.js"
import { readHalfNumber } from "./pool-message.js"

/** What stays the same on all hops. */
export interface Consignment {
  /** Names this batch of end keys; fresh for every attempt. */
  readonly transferId: string
  /** The association these keys are for. */
  readonly appId: string
  /** The link backing the association: the VIRT link of the relay path, or the PHYS link of neighbours. */
  readonly pathQkdlId: string
  readonly source: string
  readonly destination: string
  readonly masterSaeId: string
  /** The SAEs entitled to fetch the keys at the destination. */
  readonly slaveSaeIds: readonly string[]
  readonly keyIds: readonly string[]
  readonly keySizeBits: number
  /** Longest time the keys may wait at the destination, from when they come there. */
  readonly ttlS: number
}

export interface RelayHeader extends Consignment {
  /** Both ends' nonces of this connection, hashed: a message of another connection is not one of this. */
  readonly sessionId: Uint8Array
  /** Grows with every message of this sender on this link. */
  readonly number: bigint
  readonly sender: string
  readonly receiver: string
  readonly qkdlId: string
  /** 0: from the end with the lower qkdnId. Said beside sender and receiver: roles are bound (THREATS N6). */
  readonly direction: 0 | 1
  /** Nodes passed so far: source first, sender last. Its length is the hop count after this hop. */
  readonly nodes: readonly string[]
  /** Where the pad is, for the keys in order. */
  readonly pad: readonly Segment[]
  /** Where the tag's key is, 32 bytes. */
  readonly tagKey: readonly Segment[]
}

export const SESSION_ID_BYTES = 16
const VERSION = 1

/** Ceilings on what one message carries. */
export const RELAY_LIMITS = {
  keys: 1024,
  /** Of all keys of a message together. */
  bytes: 1 << 16,
  slaves: 48,
  nodes: 64,
  segments: 4096,
} as const

/** Bytes of all keys of the batch. */
export function consignmentBytes(consignment: Consignment): number {
  return consignment.keyIds.length * (consignment.keySizeBits / 8)
}

export function encodeRelayHeader(header: RelayHeader): Buffer {
  const writer = new ByteWriter(512)
    .u8(VERSION)
    .raw(header.sessionId)
    .u64(header.number)
    .text(header.sender)
    .text(header.receiver)
    .text(header.qkdlId)
    .u8(header.direction)
    .raw(encodeConsignment(header))
    .texts(header.nodes)
  writeSegments(writer, header.pad)
  writeSegments(writer, header.tagKey)
  return writer.finish()
}

/** One and only one encoding: also what acknowledgements and voids are signed over. */
export function encodeConsignment(consignment: Consignment): Buffer {
  return new ByteWriter(256)
    .uuid(consignment.transferId)
    .text(consignment.appId)
    .text(consignment.pathQkdlId)
    .text(consignment.source)
    .text(consignment.destination)
    .text(consignment.masterSaeId)
    .texts(consignment.slaveSaeIds)
    .uuids(consignment.keyIds)
    .u32(consignment.keySizeBits)
    .u32(consignment.ttlS)
    .finish()
}

/** @throws QkdError `malformed-message`: also on what no honest sender writes (no key, odd sizes). */
export function decodeRelayHeader(bytes: Uint8Array): RelayHeader {
  const reader = new ByteReader(bytes, "relay header")
  if (reader.u8() !== VERSION) reader.fail("unknown version")
  const head = {
    sessionId: reader.raw(SESSION_ID_BYTES),
    number: reader.u64(),
    sender: reader.text(),
    receiver: reader.text(),
    qkdlId: reader.text(),
    direction: readDirection(reader),
  }
  const consignment = readConsignment(reader)
  const tail = {
    nodes: reader.texts(RELAY_LIMITS.nodes),
    pad: readSegments(reader),
    tagKey: readSegments(reader),
  }
  reader.end()
  return { ...head, ...consignment, ...tail }
}

export function readConsignment(reader: ByteReader): Consignment {
  const consignment: Consignment = {
    transferId: reader.uuid(),
    appId: reader.text(),
    pathQkdlId: reader.text(),
    source: reader.text(),
    destination: reader.text(),
    masterSaeId: reader.text(),
    slaveSaeIds: reader.texts(RELAY_LIMITS.slaves),
    keyIds: reader.uuids(RELAY_LIMITS.keys),
    keySizeBits: reader.u32(),
    ttlS: reader.u32(),
  }
  const { keyIds, keySizeBits } = consignment
  if (keyIds.length === 0) reader.fail("no key")
  if (new Set(keyIds).size !== keyIds.length) reader.fail("a key id twice")
  if (keySizeBits === 0 || keySizeBits % 8 !== 0) reader.fail("key size")
  if (consignmentBytes(consignment) > RELAY_LIMITS.bytes) reader.fail("too many key bytes")
  if (consignment.slaveSaeIds.length === 0) reader.fail("no slave SAE")
  return consignment
}

function readDirection(reader: ByteReader): 0 | 1 {
  const direction = reader.u8()
  return direction === 0 || direction === 1 ? direction : reader.fail("direction")
}

function writeSegments(writer: ByteWriter, segments: readonly Segment[]): void {
  writer.u16(segments.length)
  for (const { blockId, half, offset, length } of segments)
    writer.uuid(blockId).u8(half).u32(offset).u32(length)
}

function readSegments(reader: ByteReader): Segment[] {
  return Array.from({ length: reader.count(RELAY_LIMITS.segments) }, () => ({
    blockId: reader.uuid(),
    half: readHalfNumber(reader),
    offset: reader.u32(),
    length: reader.u32(),
  }))
}
