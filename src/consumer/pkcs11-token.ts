// One logged-in session with a PKCS#11 token: keys in, proofs and sealed bytes out. Runs in the token process.

import { QkdError } from "../errors.js"
import { calling } from "../pkcs11/pkcs11-errors.js"
import {
  idBytes,
  type KeyWay,
  labelOf,
  MAC_BYTES,
  readLabel,
  type TokenKey,
  uuidOf,
} from "./hsm-token.js"
import type { WrappingKey } from "./hsm-token.js"
import {
  type Attribute,
  CKA,
  CKK_AES,
  CKK_GENERIC_SECRET,
  CKM,
  CKO_SECRET_KEY,
  CKR,
  type Handle,
  type Mechanism,
  PARAMS,
  type Pkcs11,
  returnValueOf,
} from "../pkcs11/pkcs11-module.js"
import { type GcmKey, gcmOpen, gcmSeal } from "../pkcs11/token-gcm.js"
import { attributeOf, findObjects } from "../pkcs11/token-objects.js"
import { logIn } from "../pkcs11/token-session.js"

/** Separates proofs from every other use of the key: two AES blocks, encrypted to become the proof's key. */
const PROOF_DATA = Buffer.from("keyloom: equality proof, v1     ", "latin1")
const RSA_BITS = 3072
const MECHANISMS = ["AES_GCM", "AES_CBC_ENCRYPT_DATA", "SHA256_HMAC"] as const
const LOAD_TRIES = 3
const LOAD_PAUSE_MS = 100

interface Held extends TokenKey {
  readonly handle: Handle
}

export class Pkcs11Token {
  readonly #module: Pkcs11
  readonly #session: Handle
  readonly #keys = new Map<string, Held>()
  readonly #halves: Handle[] = []
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
    const session = logIn(module, library, tokenLabel, pin, MECHANISMS)
    return calling(() => {
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

  prove(keyId: string, transcripts: readonly Buffer[]): Buffer[] {
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
        return transcripts.map((transcript) => {
          module.C_SignInit(this.#session, { mechanism: CKM.SHA256_HMAC }, derived)
          return Buffer.from(module.C_Sign(this.#session, transcript, Buffer.alloc(MAC_BYTES)))
        })
      } finally {
        module.C_DestroyObject(this.#session, derived)
      }
    })
  }

  encrypt(keyId: string, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
    return gcmSeal(this.#gcmKey(keyId), nonce, aad, plain)
  }

  decrypt(keyId: string, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
    return gcmOpen(this.#gcmKey(keyId), nonce, aad, sealed)
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

  /** Objects found at the login that are only begun: some tokens make them step by step, and a kill may fall in between. */
  get halves(): number {
    return this.#halves.length
  }

  /** Destroys those of them that are no more than begun still. @returns how many */
  sweep(): number {
    return calling(() => {
      const left = this.#halves.splice(0).filter((handle) => {
        try {
          return this.#isHalf(handle)
        } catch (error) {
          // Somebody writes it, or has destroyed it.
          if (returnValueOf(error) === CKR.OBJECT_HANDLE_INVALID) return false
          throw error
        }
      })
      for (const handle of left) this.#module.C_DestroyObject(this.#session, handle)
      return left.length
    })
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

  #gcmKey(keyId: string): GcmKey {
    const { handle: key } = this.#held(keyId)
    return { module: this.#module, session: this.#session, key }
  }

  #attribute(object: Handle, type: number): Buffer {
    return attributeOf(this.#module, this.#session, object, type)
  }

  /** As #attribute; empty where the object has none such. */
  #optional(object: Handle, type: number): Buffer {
    try {
      return this.#attribute(object, type)
    } catch (error) {
      if (returnValueOf(error) === CKR.ATTRIBUTE_TYPE_INVALID) return Buffer.alloc(0)
      throw error
    }
  }

  /** Nobody's name, and no object of a token: what the first attributes of an object look like. */
  #isHalf(object: Handle): boolean {
    const read = (type: number): Buffer => this.#optional(object, type)
    return (
      read(CKA.LABEL).length === 0 &&
      read(CKA.ID).length === 0 &&
      read(CKA.TOKEN).every((byte) => byte === 0)
    )
  }

  /**
   * Finding is linear in a token: handles are kept. Objects that another program is just writing cannot be read then: they
   * are looked at again, and left out if it is still so. A key is not ready before it is whole, so no such is missed.
   */
  #load(): void {
    for (let tries = 1; this.#loadOnce() > 0 && tries < LOAD_TRIES; tries++) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOAD_PAUSE_MS)
    }
  }

  /** @returns how many objects could not be read */
  #loadOnce(): number {
    this.#keys.clear()
    this.#halves.length = 0
    let unread = 0
    const all = [{ type: CKA.CLASS, value: CKO_SECRET_KEY }]
    for (const handle of findObjects(this.#module, this.#session, all)) {
      try {
        this.#loadKey(handle)
      } catch (error) {
        if (returnValueOf(error) !== CKR.OBJECT_HANDLE_INVALID) throw error
        unread++
      }
    }
    return unread
  }

  #loadKey(handle: Handle): void {
    const label = readLabel(this.#optional(handle, CKA.LABEL).toString("utf8"))
    const keyId = uuidOf(this.#optional(handle, CKA.ID))
    if (label === undefined || keyId === undefined) {
      if (this.#isHalf(handle)) this.#halves.push(handle)
      return
    }
    if (this.#keys.has(keyId)) {
      throw new QkdError("operation-failed", `the token has two keys ${keyId}`)
    }
    this.#keys.set(keyId, { keyId, ...label, handle })
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
