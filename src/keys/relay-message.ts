// A relay message as a whole: header, ciphertexts, one-time tag. Wraps and unwraps bytes; who may send what to whom
// is `relay-rules.ts`, which pad bytes are free is `LinkPool`.
//
//   [u32 header length][header][ciphertexts][tag 16],  (r,s) = 256 pool bits used for this tag only
//
// Hop by hop there is one ciphertext, the payload (end keys, source's signature) under this hop's pad K_i, and
//   tag = Poly1305_(r,s)(header || payload xor K_i || payload).
// Where the destination combines there are i of them at hop i, and no relay takes the payload out:
//   payload xor K_1, K_1 xor K_2, ..., K_(i-1) xor K_i,  tag = Poly1305_(r,s)(header || ciphertexts || K_i).
// Either way unequal pads at the two ends of a link show in the tag.

import { QkdError } from "../errors.js"
import { lengthOf } from "./half.js"
import { oneTimeTag, oneTimeTagIsRight, TAG_BYTES, TAG_KEY_BYTES } from "./one-time-mac.js"
import { decodeRelayHeader, encodeRelayHeader, partsOf, payloadBytes } from "./relay-header.js"
import type { RelayHeader } from "./relay-header.js"
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

/** Pool bytes that a message with so many bytes under the pad costs on each link. */
export function padCostBytes(payloadLength: number): number {
  return payloadLength + TAG_KEY_BYTES
}

/**
 * @param cargo lent, stays the caller's
 * @param pad as many bytes; @param tagKey 32 bytes; both used once, here: the caller wipes them
 */
export function wrapRelay(header: RelayHeader, cargo: Cargo, pad: Secret, tagKey: Secret): Buffer {
  const head = encodeRelayHeader(header)
  const size = payloadBytes(header)
  const { parts, secret } = cargo
  if (
    secret.lengthBytes !== size ||
    pad.lengthBytes !== size ||
    parts.length !== size * (partsOf(header) - 1)
  )
    throw new RangeError("payload, pad and header disagree about the length")
  const start = 4 + head.length
  const message = Buffer.allocUnsafeSlow(start + parts.length + size + TAG_BYTES)
  message.writeUInt32BE(head.length, 0)
  message.set(head, 4)
  message.set(parts, start)
  const body = message.subarray(start, message.length - TAG_BYTES)
  const cipher = body.subarray(parts.length)
  // In place, never with the bare payload in a buffer that is not wiped.
  pad.use((mask) => {
    cipher.set(mask)
  })
  secret.use((plain) => {
    xorInto(cipher, plain)
  })
  const hidden = header.scheme === "destination-combines" ? pad : secret
  hidden.use((third) => {
    tagKey.use((key) => {
      message.set(oneTimeTag(key, [head, body, third]), message.length - TAG_BYTES)
    })
  })
  return message
}

/** A message taken apart, not believed yet. Views into the received bytes. */
export interface UnprovenRelay {
  readonly header: RelayHeader
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
  const header = decodeRelayHeader(head)
  const body = bytes.subarray(headEnd, bytes.length - TAG_BYTES)
  const size = payloadBytes(header)
  if (body.length !== size * partsOf(header)) throw malformed("length of the keys")
  if (lengthOf(header.pad) !== size) throw malformed("length of the pad")
  if (lengthOf(header.tagKey) !== TAG_KEY_BYTES) throw malformed("length of the tag's key")
  return { header, head, body, tag: bytes.subarray(bytes.length - TAG_BYTES) }
}

/**
 * What goes on or, at the destination, arrives; undefined when the tag is wrong: the message is forged, or the two
 * ends' pads differ. The caller wipes its secret. `pad` and `tagKey` stay the caller's.
 *
 * @param arrives the message has come to its destination
 */
export function unwrapRelay(
  relay: UnprovenRelay,
  pad: Secret,
  tagKey: Secret,
  arrives: boolean,
): Cargo | undefined {
  return relay.header.scheme === "destination-combines"
    ? unwrapCombining(relay, pad, tagKey, arrives)
    : unwrapHop(relay, pad, tagKey)
}

function unwrapHop(relay: UnprovenRelay, pad: Secret, tagKey: Secret): Cargo | undefined {
  const payload = pad.slice(0, pad.lengthBytes)
  payload.use((plain) => {
    xorInto(plain, relay.body)
  })
  if (isProven(relay, payload, tagKey)) return cargoOf(payload)
  payload.wipe()
  return undefined
}

function unwrapCombining(
  relay: UnprovenRelay,
  pad: Secret,
  tagKey: Secret,
  arrives: boolean,
): Cargo | undefined {
  if (!isProven(relay, pad, tagKey)) return undefined
  const secret = pad.slice(0, pad.lengthBytes)
  // The views belong to the receive buffer.
  if (!arrives) return { parts: Uint8Array.from(relay.body), secret }
  const size = pad.lengthBytes
  secret.use((plain) => {
    for (let at = 0; at < relay.body.length; at += size)
      xorInto(plain, relay.body.subarray(at, at + size))
  })
  return cargoOf(secret)
}

function isProven({ head, body, tag }: UnprovenRelay, third: Secret, tagKey: Secret): boolean {
  return third.use((hidden) =>
    tagKey.use((key) => oneTimeTagIsRight(key, [head, body, hidden], tag)),
  )
}

function malformed(why: string): QkdError {
  return new QkdError("malformed-message", `relay message: ${why}`, { path: "relay message" })
}
