// ML-KEM-768 (FIPS 203) for one generation of a tunnel's key: the end that starts it makes a key pair, the other
// encapsulates. Keys are used once. The secrets pass into Secret; what the library returned is wiped.

import { ml_kem768 } from "@noble/post-quantum/ml-kem.js"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"

export const KEM_PUBLIC_KEY_BYTES = 1184
export const KEM_CIPHERTEXT_BYTES = 1088

export interface KemPair {
  readonly publicKey: Uint8Array
  readonly secretKey: Secret
}

export function makeKemPair(): KemPair {
  const { publicKey, secretKey } = ml_kem768.keygen()
  return { publicKey, secretKey: Secret.take(secretKey) }
}

/** @throws QkdError `invalid-value` for what is no encapsulation key (FIPS 203, 7.2). */
export function encapsulate(publicKey: Uint8Array): { ciphertext: Uint8Array; shared: Secret } {
  try {
    const { cipherText, sharedSecret } = ml_kem768.encapsulate(publicKey)
    return { ciphertext: cipherText, shared: Secret.take(sharedSecret) }
  } catch (cause) {
    throw new QkdError("invalid-value", "not an ML-KEM-768 encapsulation key", { cause })
  }
}

/** A ciphertext that was tampered with gives another secret (implicit rejection), which the tags then show. */
export function decapsulate(ciphertext: Uint8Array, secretKey: Secret): Secret {
  try {
    return Secret.take(secretKey.use((bytes) => ml_kem768.decapsulate(ciphertext, bytes)))
  } catch (cause) {
    throw new QkdError("invalid-value", "not an ML-KEM-768 ciphertext", { cause })
  }
}
