// A relay message as a whole: header, ciphertexts, one-time tag. Wraps and unwraps bytes; who may send what to whom
// is `relay-rules.ts`, which pad bytes are free is `LinkPool`.
//
//   [u32 header length][header][ciphertexts][tag 16],  (r,s) = 256 pool bits used for this tag only
//
// Each shipment has its part of the pad, K_i. Hop by hop there is one ciphertext, the payload (end keys, source's
// signature) under the hop's pad. Where the destination combines there are i of them at hop i, and no relay takes the
// payload out: payload xor K_1, K_1 xor K_2, ..., K_(i-1) xor K_i. The tag is over all of them together:
//   tag = Poly1305_(r,s)(header || all ciphertexts || all hidden), hidden = payload, or K_i where the destination combines.
// Either way unequal pads at the two ends of a link show in the tag.

import { QkdError } from "../errors.js"
import { lengthOf } from "./half.js"
import { oneTimeTag, oneTimeTagIsRight, TAG_BYTES, TAG_KEY_BYTES } from "./one-time-mac.js"
import {
  decodeRelayHeader,
  encodeRelayHeader,
  encodeShipment,
  partsOf,
  payloadBytes,
} from "./relay-header.js"
import type { RelayHeader, RelayHop, Shipment } from "./relay-header.js"
import { Secret } from "./secret.js"
import { xorInto } from "./xor.js"

/** What goes over a hop, before its pad. */
export interface Cargo {
  /** Ciphertexts of the hops before, to be carried along. */
  readonly parts: Uint8Array
  /** The payload; at a relay, where the destination combines, the pad of the hop before. */
  readonly secret: Secret
}

/** A payload that starts here, or goes on hop by hop. */
export function cargoOf(payload: Secret): Cargo {
  return { parts: new Uint8Array(0), secret: payload }
}

/** A shipment with what it carries, ready to be put into a message. */
export interface Loaded {
  readonly shipment: Shipment
  /** The shipment as it stands in the header. */
  readonly head: Uint8Array
  /** Lent, stays the caller's. */
  readonly cargo: Cargo
}

/** @throws RangeError when cargo and shipment disagree about the length. */
export function load(shipment: Shipment, cargo: Cargo): Loaded {
  const size = payloadBytes(shipment)
  if (cargo.secret.lengthBytes !== size || cargo.parts.length !== size * (partsOf(shipment) - 1))
    throw new RangeError("payload and header disagree about the length")
  return { shipment, head: encodeShipment(shipment), cargo }
}

/** What it adds to a message. */
export function loadedBytes({ head, cargo }: Loaded): number {
  return head.length + cargo.parts.length + cargo.secret.lengthBytes
}

/**
 * @param pad as many bytes as all cargo has, written over; @param tagKey 32 bytes; both used once, here: the caller wipes them
 * @param before so many bytes before the message are the caller's
 */
export function wrapRelay(
  hop: RelayHop,
  loaded: readonly Loaded[],
  pad: Secret,
  tagKey: Secret,
  before = 0,
): Buffer {
  const head = encodeRelayHeader(
    hop,
    loaded.map((one) => one.head),
  )
  const size = loaded.reduce((sum, { cargo }) => sum + cargo.secret.lengthBytes, 0)
  const carried = loaded.reduce((sum, { cargo }) => sum + cargo.parts.length, 0)
  if (pad.lengthBytes !== size) throw new RangeError("payload and pad disagree about the length")
  const start = 4 + head.length
  const all = Buffer.allocUnsafeSlow(before + start + carried + size + TAG_BYTES)
  const message = all.subarray(before)
  message.writeUInt32BE(head.length, 0)
  message.set(head, 4)
  const body = message.subarray(start, message.length - TAG_BYTES)
  pad.use((masks) => {
    const hidden = fill(body, masks, loaded)
    tagKey.use((key) => {
      message.set(oneTimeTag(key, [head, body, ...hidden]), message.length - TAG_BYTES)
    })
  })
  return all
}

/** Ciphertexts into `body`. Returns what goes under the tag besides, piece after piece: lent, not copied. */
function fill(body: Uint8Array, masks: Uint8Array, loaded: readonly Loaded[]): Uint8Array[] {
  let [at, from] = [0, 0]
  return loaded.map(({ shipment, cargo }) => {
    const size = cargo.secret.lengthBytes
    body.set(cargo.parts, at)
    at += cargo.parts.length
    const mask = masks.subarray(from, from + size)
    const target = at
    at += size
    from += size
    // In place, never with the bare payload in a buffer that is not wiped; and where words are aligned, if it can be.
    return cargo.secret.use((plain) => {
      if (shipment.scheme !== "destination-combines") {
        xorInto(mask, plain)
        body.set(mask, target)
        return plain
      }
      body.set(mask, target)
      xorInto(body.subarray(target, target + size), plain)
      return mask
    })
  })
}

/** A message taken apart, not believed yet. Views into the received bytes. */
export interface UnprovenRelay {
  readonly hop: RelayHop
  /** One for each shipment. */
  readonly headers: readonly RelayHeader[]
  readonly head: Uint8Array
  /** All ciphertexts. */
  readonly body: Uint8Array
  readonly tag: Uint8Array
}

/** @throws QkdError `malformed-message`. */
export function parseRelay(message: Uint8Array): UnprovenRelay {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.length)
  if (bytes.length < 4) throw malformed("ends too early")
  const headEnd = 4 + bytes.readUInt32BE(0)
  if (headEnd + TAG_BYTES > bytes.length) throw malformed("ends too early")
  const head = bytes.subarray(4, headEnd)
  const { hop, headers } = decodeRelayHeader(head)
  const body = bytes.subarray(headEnd, bytes.length - TAG_BYTES)
  let [size, padSize] = [0, 0]
  for (const header of headers) {
    size += payloadBytes(header) * partsOf(header)
    padSize += payloadBytes(header)
  }
  if (body.length !== size) throw malformed("length of the keys")
  if (lengthOf(hop.pad) !== padSize) throw malformed("length of the pad")
  if (lengthOf(hop.tagKey) !== TAG_KEY_BYTES) throw malformed("length of the tag's key")
  return { hop, headers, head, body, tag: bytes.subarray(bytes.length - TAG_BYTES) }
}

/**
 * For each shipment what goes on or, at the destination, arrives; undefined when the tag is wrong: the message is forged,
 * or the two ends' pads differ. The caller wipes its secrets. `pad` and `tagKey` stay the caller's.
 *
 * @param arrives the shipment has come to its destination
 */
export function unwrapRelay(
  relay: UnprovenRelay,
  pad: Secret,
  tagKey: Secret,
  arrives: (header: RelayHeader) => boolean,
): Cargo[] | undefined {
  const { headers, head, body, tag } = relay
  const hidden = Secret.zero(pad.lengthBytes)
  const isProven = hidden.use((third) => {
    let [at, from] = [0, 0]
    for (const header of headers) {
      const size = payloadBytes(header)
      const piece = third.subarray(from, from + size)
      // The ciphertext first: in the message its words are aligned by chance only.
      const isCombined = header.scheme === "destination-combines"
      if (!isCombined) piece.set(body.subarray(at, at + size))
      pad.use((mask) => {
        const own = mask.subarray(from, from + size)
        if (isCombined) piece.set(own)
        else xorInto(piece, own)
      })
      at += size * partsOf(header)
      from += size
    }
    return tagKey.use((key) => oneTimeTagIsRight(key, [head, body, third], tag))
  })
  // Of a single one it is the cargo itself.
  const only = isProven && headers.length === 1 ? hidden : undefined
  try {
    return isProven ? cargoesOf(relay, hidden, only, arrives) : undefined
  } finally {
    if (only === undefined) hidden.wipe()
  }
}

function cargoesOf(
  { headers, body }: UnprovenRelay,
  hidden: Secret,
  only: Secret | undefined,
  arrives: (header: RelayHeader) => boolean,
): Cargo[] {
  let [at, from] = [0, 0]
  return headers.map((header) => {
    const size = payloadBytes(header)
    const parts = body.subarray(at, at + size * partsOf(header))
    const secret = only ?? hidden.slice(from, size)
    at += parts.length
    from += size
    if (header.scheme !== "destination-combines") return cargoOf(secret)
    // The views belong to the receive buffer.
    if (!arrives(header)) return { parts: Uint8Array.from(parts), secret }
    secret.use((plain) => {
      for (let part = 0; part < parts.length; part += size)
        xorInto(plain, parts.subarray(part, part + size))
    })
    return cargoOf(secret)
  })
}

function malformed(why: string): QkdError {
  return new QkdError("malformed-message", `relay message: ${why}`, { path: "relay message" })
}
