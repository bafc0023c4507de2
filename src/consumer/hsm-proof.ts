// What both ends put under a proof that they hold the same key: who says it, who made the key, which key, until when, and
// fresh words of both. Reflected, repeated or crossed proofs are over other words.

import { QkdError } from "../errors.js"
import type { HsmToken } from "./hsm-token.js"

const ROLES = ["maker", "taker"] as const
export type ProofRole = (typeof ROLES)[number]

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

export type Proofs = Readonly<Record<ProofRole, Buffer>>

/** What each of the two ends is to say of a key, as the token here makes it. @throws QkdError as the token's `prove` */
export async function proofsOf(
  token: Pick<HsmToken, "prove">,
  terms: Omit<ProofTerms, "role">,
): Promise<Proofs> {
  const transcripts = ROLES.map((role) => transcriptOf({ ...terms, role }))
  const [maker, taker] = await token.prove(terms.keyId, transcripts)
  if (maker === undefined || taker === undefined) {
    throw new QkdError("operation-failed", "the token gave too few proofs")
  }
  return { maker, taker }
}

/** Names of sites: none of the characters that part the words of a transcript, or a label in a token. */
export const SITE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Bytes to put under the proof's HMAC. */
export function transcriptOf(terms: ProofTerms): Buffer {
  const { role, maker, taker, keyId, expiresAtMs, makerNonce, takerNonce } = terms
  const words = [role, maker, taker, keyId, String(expiresAtMs), makerNonce, takerNonce]
  return Buffer.from(`keyloom hsm preload v1\n${words.join("\n")}\n`, "utf8")
}
