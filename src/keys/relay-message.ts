// A relay message as a whole: header, end keys under the one-time pad, one-time tag. Wraps and unwraps bytes;
// who may send what to whom is `relay-rules.ts`, which pad bytes are free is `LinkPool`.
//
//   [u32 header length][header][keys xor pad][tag 16]
//   tag = Poly1305_(r,s)(header || keys xor pad || keys),  (r,s) = 256 pool bits used for this tag only

import { QkdError } from "../errors.js"
import { lengthOf } from "./half.js"
import { oneTimeTag, oneTimeTagIsRight, TAG_BYTES, TAG_KEY_BYTES } from "./one-time-mac.js"
import { consignmentBytes, decodeRelayHeader, encodeRelayHeader } from "./relay-header.js"
import type { RelayHeader } from "./relay-header.js"
import { Secret } from "./secret.js"

/** Pool bytes that a message with so many key bytes costs on each link. */
export function padCostBytes(keyBytes: number): number {
  return keyBytes + TAG_KEY_BYTES
}

/**
 * @param keys the end keys, one after the other; lent, stays the caller's
 * @param pad as many bytes; @param tagKey 32 bytes; both used once, here: the caller wipes them
 */
export function wrapRelay(header: RelayHeader, keys: Secret, pad: Secret, tagKey: Secret): Buffer {
  const head = encodeRelayHeader(header)
  const size = consignmentBytes(header)
  const message = Buffer.allocUnsafeSlow(4 + head.length + size + TAG_BYTES)
  message.writeUInt32BE(head.length, 0)
  message.set(head, 4)
  const cipher = message.subarray(4 + head.length, 4 + head.length + size)
  keys.use((plain) => {
    pad.use((mask) => {
      if (plain.length !== size || mask.length !== size)
        throw new RangeError("keys, pad and header disagree about the length")
      for (let i = 0; i < size; i++) cipher[i] = (plain[i] ?? 0) ^ (mask[i] ?? 0)
    })
    tagKey.use((key) => {
      message.set(oneTimeTag(key, [head, cipher, plain]), message.length - TAG_BYTES)
    })
  })
  return message
}

/** A message taken apart, not believed yet. Views into the received bytes. */
export interface UnprovenRelay {
  readonly header: RelayHeader
  readonly head: Uint8Array
  readonly cipher: Uint8Array
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
  const cipher = bytes.subarray(headEnd, bytes.length - TAG_BYTES)
  if (cipher.length !== consignmentBytes(header)) throw malformed("length of the keys")
  if (lengthOf(header.pad) !== cipher.length) throw malformed("length of the pad")
  if (lengthOf(header.tagKey) !== TAG_KEY_BYTES) throw malformed("length of the tag's key")
  return { header, head, cipher, tag: bytes.subarray(bytes.length - TAG_BYTES) }
}

/**
 * The end keys, or undefined when the tag is wrong: the message is forged, or the two ends' pads differ.
 * `pad` and `tagKey` stay the caller's.
 */
export function unwrapRelay(relay: UnprovenRelay, pad: Secret, tagKey: Secret): Secret | undefined {
  const keys = Secret.zero(relay.cipher.length)
  const right = keys.use((plain) => {
    pad.use((mask) => {
      for (let i = 0; i < plain.length; i++) plain[i] = (relay.cipher[i] ?? 0) ^ (mask[i] ?? 0)
    })
    return tagKey.use((key) => oneTimeTagIsRight(key, [relay.head, relay.cipher, plain], relay.tag))
  })
  if (right) return keys
  keys.wipe()
  return undefined
}

function malformed(why: string): QkdError {
  return new QkdError("malformed-message", `relay message: ${why}`, { path: "relay message" })
}
