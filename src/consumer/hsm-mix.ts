// What a delivered key becomes before it goes into the token: itself, or mixed with an ML-KEM secret of its batch, so that
// either suffices (combine-keys.ts).

import type { Secret } from "../keys/secret.js"
import { combineKeys } from "./combine-keys.js"

export interface Mix {
  /** Shared by both sites for one batch. */
  readonly shared: Secret
  /** Encapsulation key and ciphertext. */
  readonly transcript: Uint8Array
}

export interface MixSites {
  readonly maker: string
  readonly taker: string
  readonly makerSaeId: string
  readonly takerSaeId: string
}

/** Lends the bytes to import; they are wiped afterwards whatever happens. The key stays the caller's. */
export async function withImported<T>(
  key: Secret,
  keyId: string,
  mix: Mix | undefined,
  sites: MixSites,
  use: (bytes: Uint8Array) => Promise<T>,
): Promise<T> {
  if (mix === undefined) return key.use(use)
  const mixed = combineKeys(
    { qkd: key, kem: mix.shared },
    {
      purpose: "hsm",
      tunnel: `${sites.maker}/${sites.taker}`,
      initiator: sites.makerSaeId,
      responder: sites.takerSaeId,
      generation: 0,
      kind: "hybrid",
      keyId,
      kemTranscript: mix.transcript,
    },
    "sha256",
  )
  try {
    return await mixed.key.use(use)
  } finally {
    mixed.key.wipe()
  }
}
