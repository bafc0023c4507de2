// What becomes of a delivered key before a tunnel gets it: NIST SP 800-56C Rev. 2, two-step key derivation
// (clause 5: extract, then expand; HMAC with SHA-256 or SHA-384, which is HKDF of RFC 5869). Both ends derive the
// tunnel's key and two tags by which they prove to each other that they hold the same, without showing it.
//
// In hybrid use the ML-KEM secret comes first and the QKD key is the auxiliary secret T of clause 2
// (Z' = Z || T): the result is secret as long as either is. Lengths are fixed by the inputs' own length prefixes
// in the context, so that no two different pairs of inputs give the same one.

import { createHash, hkdfSync } from "node:crypto"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import { unmovedBytes } from "../unmoved.js"

export type KdfHash = "sha256" | "sha384"

/** Where a key comes from: QKD and ML-KEM, QKD alone, ML-KEM alone. */
export type KeyKind = "hybrid" | "qkd" | "pqc"

/** All that both ends must agree on; whoever differs in any of it derives something else. */
export interface KeyContext {
  readonly purpose: "ipsec" | "wireguard" | "hsm"
  /** The tunnel's name; the sites of preloaded keys. */
  readonly tunnel: string
  /** SAE ids of the end that starts rotations, or asks for keys, and of the one that answers. */
  readonly initiator: string
  readonly responder: string
  readonly generation: number
  readonly kind: KeyKind
  /** ETSI 014 key_ID of the QKD key; "" without one. */
  readonly keyId: string
  /** ML-KEM encapsulation key and ciphertext, whose hash enters; empty without one. */
  readonly kemTranscript: Uint8Array
}

export interface TunnelKey {
  /** 32 bytes: the PPK, or WireGuard's preshared key. */
  readonly key: Secret
  /** What each end shows to prove that it holds the key. */
  readonly initiatorTag: Uint8Array
  readonly responderTag: Uint8Array
}

const LABEL = "keyloom tunnel key v1"
const KEY_BYTES = 32
const TAG_BYTES = 32
/** RFC 8784 clause 6 asks for 256 bits of entropy in a PPK. */
const MIN_INPUT_BITS = 256

/**
 * The tunnel's key and the tags. The inputs stay the caller's, who wipes them.
 *
 * @throws QkdError `invalid-value` without any secret, with one shorter than 256 bits, or when `kind` and the
 * secrets given do not agree.
 */
export function combineKeys(
  inputs: { readonly qkd?: Secret; readonly kem?: Secret },
  context: KeyContext,
  hash: KdfHash,
): TunnelKey {
  const { qkd, kem } = inputs
  const given = qkd === undefined ? (kem === undefined ? "none" : "pqc") : kem ? "hybrid" : "qkd"
  if (given !== context.kind)
    throw new QkdError("invalid-value", `a ${context.kind} key cannot be made of ${given} secrets`)
  const parts = [kem, qkd].filter((part) => part !== undefined)
  if (parts.some((part) => part.lengthBits < MIN_INPUT_BITS))
    throw new QkdError(
      "invalid-value",
      `a tunnel's key takes secrets of at least ${MIN_INPUT_BITS} bits`,
    )
  const secret = unmovedBytes(parts.reduce((sum, part) => sum + part.lengthBytes, 0))
  let at = 0
  for (const part of parts) {
    part.use((bytes) => {
      secret.set(bytes, at)
    })
    at += part.lengthBytes
  }
  const info = fixedInfo(context, [kem?.lengthBytes ?? 0, qkd?.lengthBytes ?? 0], hash)
  let derived: Uint8Array | undefined
  try {
    // The default salt of clause 5.1: zeros as long as the hash.
    const salt = new Uint8Array(hash === "sha256" ? 32 : 48)
    derived = new Uint8Array(hkdfSync(hash, secret, salt, info, KEY_BYTES + 2 * TAG_BYTES))
    return {
      initiatorTag: derived.slice(KEY_BYTES, KEY_BYTES + TAG_BYTES),
      responderTag: derived.slice(KEY_BYTES + TAG_BYTES),
      key: Secret.take(derived.subarray(0, KEY_BYTES)),
    }
  } finally {
    secret.fill(0)
    derived?.fill(0)
  }
}

/** FixedInfo of clause 5.2: each field with its length before it, so that fields cannot run into one another. */
function fixedInfo(context: KeyContext, lengths: readonly number[], hash: KdfHash): Uint8Array {
  const generation = Buffer.alloc(8)
  generation.writeBigUInt64BE(BigInt(context.generation))
  const fields = [
    Buffer.from(LABEL),
    Buffer.from(`HKDF-${hash} ${context.kind}`),
    Buffer.from(lengths.join(" ")),
    Buffer.from(context.purpose),
    Buffer.from(context.tunnel),
    Buffer.from(context.initiator),
    Buffer.from(context.responder),
    generation,
    Buffer.from(context.keyId),
    createHash(hash).update(context.kemTranscript).digest(),
  ]
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(field.length)
      return [length, field]
    }),
  )
}
