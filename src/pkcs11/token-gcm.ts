// AES-256-GCM under a key in a token (PKCS#11 3.0, section 2.13.3): the key does its work where it is.

import { QkdError } from "../errors.js"
import { unmovedBuffer } from "../unmoved.js"
import { asTokenError, calling, isGone } from "./pkcs11-errors.js"
import { CKM, CKR, type Handle, type Mechanism, PARAMS } from "./pkcs11-module.js"
import { type Pkcs11, returnValueOf } from "./pkcs11-module.js"

const TAG_BYTES = 16

export interface GcmKey {
  readonly module: Pkcs11
  readonly session: Handle
  readonly key: Handle
}

/** @returns ciphertext and tag. @throws QkdError app-tag `node-unreachable` the token does not work */
export function gcmSeal(
  { module, session, key }: GcmKey,
  nonce: Buffer,
  aad: Buffer,
  plain: Buffer,
): Buffer {
  return calling(() => {
    module.C_EncryptInit(session, gcm(nonce, aad), key)
    return module.C_Encrypt(session, plain, Buffer.alloc(plain.length + TAG_BYTES))
  })
}

/** @throws QkdError `invalid-value` changed, or sealed with another key; app-tag `node-unreachable` the token does not work */
export function gcmOpen(
  { module, session, key }: GcmKey,
  nonce: Buffer,
  aad: Buffer,
  sealed: Buffer,
): Buffer {
  calling(() => {
    module.C_DecryptInit(session, gcm(nonce, aad), key)
  })
  const out = unmovedBuffer(sealed.length)
  try {
    return module.C_Decrypt(session, sealed, out)
  } catch (cause) {
    out.fill(0)
    // Tokens differ in how they say that a tag does not fit; what a lost session says is known.
    if (isGone(cause) && returnValueOf(cause) !== CKR.GENERAL_ERROR) throw asTokenError(cause)
    throw new QkdError("invalid-value", "the data was changed, or sealed with another key", {
      cause,
    })
  }
}

function gcm(iv: Buffer, aad: Buffer): Mechanism {
  return {
    mechanism: CKM.AES_GCM,
    parameter: { type: PARAMS.AES_GCM, iv, aad, ivBits: iv.length * 8, tagBits: TAG_BYTES * 8 },
  }
}
