// One logged-in session with a PKCS#11 token: keys in, proofs and sealed bytes out. Runs in the token process.

import { QkdError } from "../errors.js"
import { idBytes, type KeyWay, labelOf, readLabel, type TokenKey, uuidOf } from "./hsm-token.js"
import type { WrappingKey } from "./hsm-token.js"
import {
  type Attribute,
  CKA,
  CKF_OS_LOCKING_OK,
  CKF_RW_SESSION,
  CKF_SERIAL_SESSION,
  CKK_AES,
  CKK_GENERIC_SECRET,
  CKM,
  CKO_SECRET_KEY,
  CKR,
  CKU_USER,
  type Handle,
  type Mechanism,
  PARAMS,
  type Pkcs11,
  returnValueOf,
} from "./pkcs11-module.js"

const GCM_TAG_BYTES = 16
/** Separates proofs from every other use of the key: two AES blocks, encrypted to become the proof's key. */
const PROOF_DATA = Buffer.from("keyloom: equality proof, v1     ", "latin1")
const RSA_BITS = 3072
const FIND_AT_ONCE = 256

const WRONG_PIN: readonly number[] = [
  CKR.PIN_INCORRECT,
  CKR.PIN_INVALID,
  CKR.PIN_LEN_RANGE,
  CKR.PIN_EXPIRED,
  CKR.PIN_LOCKED,
]
const GONE: readonly number[] = [
  CKR.GENERAL_ERROR,
  CKR.FUNCTION_FAILED,
  CKR.DEVICE_ERROR,
  CKR.DEVICE_REMOVED,
  CKR.SESSION_CLOSED,
  CKR.SESSION_HANDLE_INVALID,
  CKR.TOKEN_NOT_PRESENT,
  CKR.TOKEN_NOT_RECOGNIZED,
  CKR.USER_NOT_LOGGED_IN,
]

interface Held extends TokenKey {
  readonly handle: Handle
}

export class Pkcs11Token {
  readonly #module: Pkcs11
  readonly #session: Handle
  readonly #keys = new Map<string, Held>()
  #wrapping: { readonly privateKey: Handle } | undefined
  #kek: Handle | undefined

  private constructor(module: Pkcs11, session: Handle) {
    this.#module = module
    this.#session = session
  }

  /**
   * Logs in once: a wrong PIN is never tried again, as tokens lock after a few.
   *
   * @param tokenLabel CKA label of the token, without padding
   * @throws QkdError `data-missing` no such token, `access-denied` wrong PIN, `operation-not-supported` a mechanism is
   * missing, app-tag `node-unreachable` the token does not work
   */
  static open(module: Pkcs11, library: string, tokenLabel: string, pin: string): Pkcs11Token {
    try {
      module.load(library)
    } catch (cause) {
      throw new QkdError("invalid-value", `cannot load the PKCS#11 library ${library}`, { cause })
    }
    return calling(() => {
      module.C_Initialize({ flags: CKF_OS_LOCKING_OK })
      const slot = module
        .C_GetSlotList(true)
        .find((each) => module.C_GetTokenInfo(each).label.trimEnd() === tokenLabel)
      if (slot === undefined) {
        throw new QkdError("data-missing", `no token is labelled ${tokenLabel}`, {
          appTag: "node-unreachable",
        })
      }
      const offered = module.C_GetMechanismList(slot)
      for (const name of ["AES_GCM", "AES_CBC_ENCRYPT_DATA", "SHA256_HMAC"] as const) {
        if (!offered.includes(CKM[name])) {
          throw new QkdError(
            "operation-not-supported",
            `the token ${tokenLabel} does not offer CKM_${name}`,
          )
        }
      }
      const session = module.C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION)
      module.C_Login(session, CKU_USER, pin)
      const token = new Pkcs11Token(module, session)
      token.#load()
      return token
    })
  }

  keys(): TokenKey[] {
    return [...this.#keys.values()].map(({ keyId, peer, way }) => ({ keyId, peer, way }))
  }

  importPlain(key: TokenKey, value: Buffer): void {
    this.#add(key, () =>
      this.#module.C_CreateObject(this.#session, [...keyTemplate(key), { type: CKA.VALUE, value }]),
    )
  }

  importWrapped(key: TokenKey, wrapped: Buffer, by: "rsa-oaep" | "aes-key-wrap"): void {
    this.#add(key, () => {
      const [mechanism, under] =
        by === "rsa-oaep"
          ? [OAEP, this.#wrapping?.privateKey]
          : [{ mechanism: CKM.AES_KEY_WRAP }, this.#kek]
      if (under === undefined) throw new QkdError("operation-failed", "no wrapping key was made")
      return this.#module.C_UnwrapKey(this.#session, mechanism, under, wrapped, keyTemplate(key))
    })
  }

  /** A new key pair for this session; only its public half leaves the token. */
  makeWrappingKey(): WrappingKey {
    return calling(() => {
      const pair = this.#module.C_GenerateKeyPair(
        this.#session,
        { mechanism: CKM.RSA_PKCS_KEY_PAIR_GEN },
        [
          { type: CKA.TOKEN, value: false },
          { type: CKA.MODULUS_BITS, value: RSA_BITS },
          { type: CKA.PUBLIC_EXPONENT, value: Buffer.from([1, 0, 1]) },
          { type: CKA.WRAP, value: true },
        ],
        [
          { type: CKA.TOKEN, value: false },
          { type: CKA.PRIVATE, value: true },
          { type: CKA.SENSITIVE, value: true },
          { type: CKA.EXTRACTABLE, value: false },
          { type: CKA.UNWRAP, value: true },
        ],
      )
      this.#wrapping = pair
      const read = (type: number): Buffer => this.#attribute(pair.publicKey, type)
      return { modulus: read(CKA.MODULUS), publicExponent: read(CKA.PUBLIC_EXPONENT) }
    })
  }

  /** Takes the session's key-encryption key, encrypted to the wrapping key. */
  takeKek(wrapped: Buffer): void {
    calling(() => {
      if (this.#wrapping === undefined) throw new QkdError("operation-failed", "no wrapping key")
      this.#kek = this.#module.C_UnwrapKey(
        this.#session,
        OAEP,
        this.#wrapping.privateKey,
        wrapped,
        [
          { type: CKA.CLASS, value: CKO_SECRET_KEY },
          { type: CKA.KEY_TYPE, value: CKK_AES },
          { type: CKA.TOKEN, value: false },
          { type: CKA.SENSITIVE, value: true },
          { type: CKA.EXTRACTABLE, value: false },
          { type: CKA.UNWRAP, value: true },
        ],
      )
    })
  }

  prove(keyId: string, transcript: Buffer): Buffer {
    const { handle } = this.#held(keyId)
    return calling(() => {
      const module = this.#module
      const derived = module.C_DeriveKey(
        this.#session,
        {
          mechanism: CKM.AES_CBC_ENCRYPT_DATA,
          parameter: { type: PARAMS.AES_CBC, iv: Buffer.alloc(16), data: PROOF_DATA },
        },
        handle,
        [
          { type: CKA.CLASS, value: CKO_SECRET_KEY },
          { type: CKA.KEY_TYPE, value: CKK_GENERIC_SECRET },
          { type: CKA.VALUE_LEN, value: 32 },
          { type: CKA.TOKEN, value: false },
          { type: CKA.SENSITIVE, value: true },
          { type: CKA.EXTRACTABLE, value: false },
          { type: CKA.SIGN, value: true },
        ],
      )
      try {
        module.C_SignInit(this.#session, { mechanism: CKM.SHA256_HMAC }, derived)
        return Buffer.from(module.C_Sign(this.#session, transcript, Buffer.alloc(32)))
      } finally {
        module.C_DestroyObject(this.#session, derived)
      }
    })
  }

  encrypt(keyId: string, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
    const { handle } = this.#held(keyId)
    return calling(() => {
      this.#module.C_EncryptInit(this.#session, gcm(nonce, aad), handle)
      return this.#module.C_Encrypt(
        this.#session,
        plain,
        Buffer.alloc(plain.length + GCM_TAG_BYTES),
      )
    })
  }

  decrypt(keyId: string, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
    const { handle } = this.#held(keyId)
    calling(() => {
      this.#module.C_DecryptInit(this.#session, gcm(nonce, aad), handle)
    })
    try {
      return this.#module.C_Decrypt(this.#session, sealed, Buffer.alloc(sealed.length))
    } catch (cause) {
      // Tokens differ in how they say that a tag does not fit; what a lost session says is known.
      const code = returnValueOf(cause)
      if (code !== undefined && GONE.includes(code) && code !== CKR.GENERAL_ERROR) {
        throw asTokenError(cause)
      }
      throw new QkdError("invalid-value", "the data was changed, or sealed with another key", {
        cause,
      })
    }
  }

  spend(keyId: string): void {
    const { handle } = this.#held(keyId)
    calling(() => {
      this.#module.C_SetAttributeValue(this.#session, handle, [{ type: CKA.ENCRYPT, value: false }])
    })
  }

  destroy(keyId: string): void {
    const held = this.#keys.get(keyId)
    if (held === undefined) return
    calling(() => {
      this.#module.C_DestroyObject(this.#session, held.handle)
    })
    this.#keys.delete(keyId)
  }

  close(): void {
    this.#module.C_Finalize()
    this.#module.close()
  }

  #add(key: TokenKey, make: () => Handle): void {
    // CKA_ID is not unique by itself.
    if (this.#keys.has(key.keyId)) {
      throw new QkdError("data-exists", `the token has a key ${key.keyId} already`)
    }
    this.#keys.set(key.keyId, { ...key, handle: calling(make) })
  }

  #held(keyId: string): Held {
    const held = this.#keys.get(keyId)
    if (held === undefined) throw new QkdError("data-missing", `the token has no key ${keyId}`)
    return held
  }

  #attribute(object: Handle, type: number): Buffer {
    const [found] = this.#module.C_GetAttributeValue(this.#session, object, [{ type }])
    return Buffer.from(found?.value ?? [])
  }

  /** Finding is linear in a token: handles are kept. */
  #load(): void {
    const module = this.#module
    module.C_FindObjectsInit(this.#session, [{ type: CKA.CLASS, value: CKO_SECRET_KEY }])
    const handles: Handle[] = []
    try {
      for (;;) {
        const some = module.C_FindObjects(this.#session, FIND_AT_ONCE)
        if (some.length === 0) break
        handles.push(...some)
      }
    } finally {
      module.C_FindObjectsFinal(this.#session)
    }
    for (const handle of handles) {
      const label = readLabel(this.#attribute(handle, CKA.LABEL).toString("utf8"))
      if (label === undefined) continue
      const keyId = uuidOf(this.#attribute(handle, CKA.ID))
      if (keyId === undefined) continue
      if (this.#keys.has(keyId)) {
        throw new QkdError("operation-failed", `the token has two keys ${keyId}`)
      }
      this.#keys.set(keyId, { keyId, ...label, handle })
    }
  }
}

const OAEP: Mechanism = {
  mechanism: CKM.RSA_PKCS_OAEP,
  // SHA-1 where only its second-preimage resistance counts; SoftHSM takes no other.
  parameter: {
    type: PARAMS.RSA_OAEP,
    hashAlg: CKM.SHA_1,
    mgf: 1,
    source: 1,
    sourceData: Buffer.alloc(0),
  },
}

function gcm(iv: Buffer, aad: Buffer): Mechanism {
  return {
    mechanism: CKM.AES_GCM,
    parameter: { type: PARAMS.AES_GCM, iv, aad, ivBits: iv.length * 8, tagBits: GCM_TAG_BYTES * 8 },
  }
}

/** CKA_VALUE_LEN is left out: tokens refuse it beside a value. */
function keyTemplate(key: TokenKey): Attribute[] {
  const may: Readonly<Record<KeyWay, boolean>> = { out: true, in: false }
  return [
    { type: CKA.CLASS, value: CKO_SECRET_KEY },
    { type: CKA.KEY_TYPE, value: CKK_AES },
    { type: CKA.TOKEN, value: true },
    { type: CKA.PRIVATE, value: true },
    { type: CKA.SENSITIVE, value: true },
    { type: CKA.EXTRACTABLE, value: false },
    { type: CKA.ENCRYPT, value: may[key.way] },
    { type: CKA.DECRYPT, value: true },
    { type: CKA.DERIVE, value: true },
    { type: CKA.ID, value: idBytes(key.keyId) },
    { type: CKA.LABEL, value: labelOf(key) },
  ]
}

function calling<T>(call: () => T): T {
  try {
    return call()
  } catch (cause) {
    throw asTokenError(cause)
  }
}

function asTokenError(cause: unknown): QkdError {
  if (cause instanceof QkdError) return cause
  const code = returnValueOf(cause)
  const said = cause instanceof Error ? cause.message : "unknown fault"
  if (code === undefined) return new QkdError("operation-failed", "internal error", { cause })
  if (WRONG_PIN.includes(code)) {
    return new QkdError(
      "access-denied",
      `the token refuses the PIN (${said}); it is not tried again`,
    )
  }
  if (code === CKR.DEVICE_MEMORY) {
    return new QkdError("resource-denied", "the token is full", { appTag: "no-capacity" })
  }
  if (code === CKR.KEY_FUNCTION_NOT_PERMITTED) {
    return new QkdError("access-denied", "the key may not be used so (any more)", {
      appTag: "policy",
    })
  }
  if (GONE.includes(code)) {
    return new QkdError("operation-failed", `the token does not answer (${said})`, {
      appTag: "node-unreachable",
    })
  }
  return new QkdError("operation-failed", `the token refuses: ${said}`)
}
