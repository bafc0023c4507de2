// The header of a relay message (ITU-T Y.3803 key relay; Q.4163 Kx): who sends which end keys to whom, under
// which bits of which link. Goes in clear, under the tag. Encoding only; what it may say is `relay-rules.ts`.
//
//   [hop: session, number, sender, receiver, link, direction][pad][tag key][u16 count][shipment]...
//
// What goes over a hop at the same time rides in one message, whoever's it is: one tag for all, whose key would cost a
// link as much as a key of 256 bits does.

import { ByteReader, ByteWriter, UUID_BYTES, uuidBytes } from "./bytes.js"
import { cutSegments } from "./half.js"
import type { Segment } from "./half.js"
import type { RelayScheme } from "../model/app.js"
import { hasTwins } from "./id-table.js"
import { epsilonFromWire, epsilonToWire } from "./epsilon.js"
import { readHalfNumber } from "./pool-message.js"
import { SIGNATURE_BYTES } from "./store-mark.js"

/** One of several shares, each over a path of its own, whose xor are the keys. */
export interface ShareOf {
  /** The transfer id of the keys as a whole. */
  readonly groupId: string
  /** From 0. */
  readonly index: number
  /** At least 2. */
  readonly count: number
}

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
  /** `hop-by-hop` where absent. */
  readonly scheme?: RelayScheme
  readonly share?: ShareOf
  /**
   * The source's signature over what is sent follows the keys, under the same pad: it shows a relay that alters
   * them (THREATS R2). Always so where there is a relay.
   */
  readonly signed?: boolean
  /** Of another domain, for the next one that the keys reach: read by nobody in between. */
  readonly extensions?: string
}

/** A consignment on its way. */
export interface Shipment extends Consignment {
  /** Nodes passed so far: source first, sender last. Its length is the hop count after this hop. */
  readonly nodes: readonly string[]
  /** Of the hops before this one; absent where one is not known. The receiver adds its own. */
  readonly epsilon?: number
}

/** What a message says of the hop it takes. */
export interface RelayHop {
  /** Both ends' nonces of this connection, hashed: a message of another connection is not one of this. */
  readonly sessionId: Uint8Array
  /** Grows with every message of this sender on this link. */
  readonly number: bigint
  readonly sender: string
  readonly receiver: string
  readonly qkdlId: string
  /** 0: from the end with the lower qkdnId. Said beside sender and receiver: roles are bound (THREATS N6). */
  readonly direction: 0 | 1
  /** Where the pad is, for the shipments in order. */
  readonly pad: readonly Segment[]
  /** Where the tag's key is, 32 bytes. */
  readonly tagKey: readonly Segment[]
}

/** One shipment with the hop it takes; `pad` is its own part only. */
export interface RelayHeader extends Shipment, RelayHop {}

export const SESSION_ID_BYTES = 16
const VERSION = 3

/** Ceilings on what one message carries. */
export const RELAY_LIMITS = {
  shipments: 256,
  /** Of one shipment. */
  keys: 1024,
  /** Of all keys of a message together. */
  bytes: 1 << 16,
  slaves: 48,
  shares: 16,
  nodes: 64,
  extensions: 2048,
  segments: 4096,
} as const

/** Bytes of all keys of the batch. */
export function consignmentBytes(consignment: Consignment): number {
  return consignment.keyIds.length * (consignment.keySizeBits / 8)
}

/** Bytes under the pad: the keys, and the source's signature where there is one. */
export function payloadBytes(consignment: Consignment): number {
  return consignmentBytes(consignment) + (consignment.signed === true ? SIGNATURE_BYTES : 0)
}

/** How many ciphertexts a message has: one, or one more with each hop where the destination combines them. */
export function partsOf(header: Shipment): number {
  return header.scheme === "destination-combines" ? header.nodes.length : 1
}

/** The keys as a whole, however their shares travel. */
export function wholeOf(consignment: Consignment): Consignment {
  const { transferId, share } = consignment
  return {
    transferId: share?.groupId ?? transferId,
    appId: consignment.appId,
    pathQkdlId: consignment.pathQkdlId,
    source: consignment.source,
    destination: consignment.destination,
    masterSaeId: consignment.masterSaeId,
    slaveSaeIds: consignment.slaveSaeIds,
    keyIds: consignment.keyIds,
    keySizeBits: consignment.keySizeBits,
    ttlS: consignment.ttlS,
    ...(consignment.extensions !== undefined && { extensions: consignment.extensions }),
  }
}

/** @param shipments as `encodeShipment` wrote them */
export function encodeRelayHeader(hop: RelayHop, shipments: readonly Uint8Array[]): Buffer {
  const writer = new ByteWriter(shipments.reduce((sum, { length }) => sum + length, 512))
    .u8(VERSION)
    .raw(hop.sessionId)
    .u64(hop.number)
    .text(hop.sender)
    .text(hop.receiver)
    .text(hop.qkdlId)
    .u8(hop.direction)
  writeSegments(writer, hop.pad)
  writeSegments(writer, hop.tagKey)
  writer.u16(shipments.length)
  for (const bytes of shipments) writer.raw(bytes)
  return writer.finish()
}

export function encodeShipment(shipment: Shipment): Buffer {
  return writeConsignment(new ByteWriter(512 + consignmentRoom(shipment)), shipment)
    .texts(shipment.nodes)
    .f64(epsilonToWire(shipment.epsilon))
    .finish()
}

/** One and only one encoding: also what acknowledgements and voids are signed over. */
export function encodeConsignment(consignment: Consignment): Buffer {
  return writeConsignment(new ByteWriter(consignmentRoom(consignment)), consignment).finish()
}

/** As many bytes as one takes, as a rule: a writer with room does not copy what it has. */
export function consignmentRoom({ keyIds, extensions = "" }: Consignment): number {
  return 512 + UUID_BYTES * keyIds.length + extensions.length
}

/** The same as `encodeConsignment`, among other things. */
export function writeConsignment(writer: ByteWriter, consignment: Consignment): ByteWriter {
  const { scheme, share, signed, extensions } = consignment
  const combines = scheme === "destination-combines"
  const flags =
    (signed === true ? SIGNED : 0) |
    (combines ? COMBINES : 0) |
    (share === undefined ? 0 : SHARE) |
    (extensions === undefined ? 0 : EXTENSIONS)
  writer
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
    .u8(flags)
  if (share !== undefined) writer.uuid(share.groupId).u8(share.index).u8(share.count)
  if (extensions !== undefined) writer.text(extensions)
  return writer
}

const SIGNED = 1
const COMBINES = 2
const SHARE = 4
const EXTENSIONS = 8

/** @throws QkdError `malformed-message`: also on what no honest sender writes (no key, odd sizes). */
export function decodeRelayHeader(bytes: Uint8Array): {
  readonly hop: RelayHop
  readonly headers: readonly RelayHeader[]
} {
  const reader = new ByteReader(bytes, "relay header")
  if (reader.u8() !== VERSION) reader.fail("unknown version")
  const hop = {
    sessionId: reader.raw(SESSION_ID_BYTES),
    number: reader.u64(),
    sender: reader.text(),
    receiver: reader.text(),
    qkdlId: reader.text(),
    direction: readDirection(reader),
    pad: readSegments(reader),
    tagKey: readSegments(reader),
  }
  const count = reader.count(RELAY_LIMITS.shipments)
  if (count === 0) reader.fail("no shipment")
  const shipments = Array.from({ length: count }, () => readShipment(reader))
  reader.end()
  const keyBytes = shipments.reduce((sum, shipment) => sum + consignmentBytes(shipment), 0)
  if (keyBytes > RELAY_LIMITS.bytes) reader.fail("too many key bytes")
  const pads = cutSegments(hop.pad, shipments.map(payloadBytes))
  const headers = shipments.map((shipment, at) => ({ ...shipment, ...hop, pad: pads[at] ?? [] }))
  return { hop, headers }
}

function readShipment(reader: ByteReader): Shipment {
  const consignment = readConsignment(reader)
  const nodes = reader.texts(RELAY_LIMITS.nodes)
  const epsilon = readEpsilon(reader)
  return { ...consignment, nodes, ...(epsilon !== undefined && { epsilon }) }
}

export function readConsignment(reader: ByteReader): Consignment {
  const whole = {
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
  const flags = reader.u8()
  if (flags > (SIGNED | COMBINES | SHARE | EXTENSIONS)) reader.fail("flags")
  const consignment: Consignment = {
    ...whole,
    ...((flags & COMBINES) !== 0 && { scheme: "destination-combines" }),
    ...((flags & SHARE) !== 0 && { share: readShare(reader) }),
    ...((flags & SIGNED) !== 0 && { signed: true }),
    ...((flags & EXTENSIONS) !== 0 && { extensions: reader.text(RELAY_LIMITS.extensions) }),
  }
  const { keyIds, keySizeBits } = consignment
  if (keyIds.length === 0) reader.fail("no key")
  if (hasTwins(uuidBytes(keyIds))) reader.fail("a key id twice")
  if (keySizeBits === 0 || keySizeBits % 8 !== 0) reader.fail("key size")
  if (consignmentBytes(consignment) > RELAY_LIMITS.bytes) reader.fail("too many key bytes")
  if (consignment.slaveSaeIds.length === 0) reader.fail("no slave SAE")
  return consignment
}

function readShare(reader: ByteReader): ShareOf {
  const share = { groupId: reader.uuid(), index: reader.u8(), count: reader.u8() }
  if (share.count < 2 || share.count > RELAY_LIMITS.shares || share.index >= share.count)
    reader.fail("share")
  return share
}

/** Has one encoding only: -1 where it is not known. */
export function readEpsilon(reader: ByteReader): number | undefined {
  const value = reader.f64()
  const epsilon = epsilonFromWire(value)
  return epsilon === undefined && value !== -1 ? reader.fail("epsilon") : epsilon
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
