// What both ends put under a proof that they hold the same key: who says it, who made the key, which key, until when, and
// fresh words of both. Reflected, repeated or crossed proofs are over other words.

export type ProofRole = "maker" | "taker"

export interface ProofTerms {
  readonly role: ProofRole
  /** Site that asked its key manager for the key, and may seal with it. */
  readonly maker: string
  readonly taker: string
  readonly keyId: string
  readonly expiresAtMs: number
  readonly makerNonce: string
  readonly takerNonce: string
}

/** Names of sites: none of the characters that part the words of a transcript, or a label in a token. */
export const SITE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Bytes to put under the proof's HMAC. */
export function transcriptOf(terms: ProofTerms): Buffer {
  const { role, maker, taker, keyId, expiresAtMs, makerNonce, takerNonce } = terms
  const words = [role, maker, taker, keyId, String(expiresAtMs), makerNonce, takerNonce]
  return Buffer.from(`keyloom hsm preload v1\n${words.join("\n")}\n`, "utf8")
}
