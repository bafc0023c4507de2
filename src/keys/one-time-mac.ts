// The tag of a relay message: a Wegman-Carter authenticator (Poly1305) keyed with 256 fresh bits of link key.
// Decides nothing and holds no key.
//
// The key is (r, s): r (106 effective bits after clamping) picks the polynomial hash, s hides its value. Both
// are drawn from the pool for one message and never used again. With both used once the tag tells nothing
// about the message or about r, and whoever alters a message of L bytes in all, or makes one up, is accepted
// with probability at most 8 * ceil(L / 16) / 2^106 per attempt, whatever computing power he has (Bernstein,
// "The Poly1305-AES message-authentication code", theorem 3.3, with a true one-time pad for AES).
//
// Under the tag goes, besides header and ciphertext, the plaintext: since s is uniform this gives nothing
// away, and unequal pads at the two ends (a faulty module) show at once instead of making unequal keys.

import { timingSafeEqual } from "node:crypto"
import { poly1305 } from "./poly1305.js"

/** (r, s), 128 bits each. */
export const TAG_KEY_BYTES = 32
export const TAG_BYTES = 16

/** The odds that one forged message of so many bytes in all is accepted. */
export function forgeryBound(messageBytes: number): number {
  return (8 * Math.ceil(messageBytes / 16)) / 2 ** 106
}

/**
 * The tag over the parts, put one after the other: their lengths must be known to both ends from the parts
 * themselves (the header is self-delimiting and fixes the other two). `oneTimeKey` must never be used again.
 */
export function oneTimeTag(oneTimeKey: Uint8Array, parts: readonly Uint8Array[]): Uint8Array {
  return poly1305(oneTimeKey, parts)
}

/** Constant time in the tag's content. */
export function oneTimeTagIsRight(
  oneTimeKey: Uint8Array,
  parts: readonly Uint8Array[],
  tag: Uint8Array,
): boolean {
  if (tag.length !== TAG_BYTES) return false
  return timingSafeEqual(oneTimeTag(oneTimeKey, parts), tag)
}
