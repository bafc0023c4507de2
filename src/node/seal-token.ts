// A node's key-encryption keys in a PKCS#11 token: AES-256, made in the token, sensitive and never extractable. They seal
// the key that seals the node's stores, and do nothing else. Runs in the process that holds the session.

import { QkdError } from "../errors.js"
import { asTokenError, calling, isGone } from "../pkcs11/pkcs11-errors.js"
import {
  type Attribute,
  CKA,
  CKK_AES,
  CKM,
  CKO_SECRET_KEY,
  CKR,
  type Handle,
  type Mechanism,
  PARAMS,
  type Pkcs11,
  returnValueOf,
} from "../pkcs11/pkcs11-module.js"
import { logIn } from "../pkcs11/token-session.js"

const TAG_BYTES = 16
const MECHANISMS = ["AES_KEY_GEN", "AES_GCM"] as const

export class SealToken {
  readonly #module: Pkcs11
  readonly #session: Handle
  /** CKA_LABEL of the node's keys. */
  readonly #label: string

  private constructor(module: Pkcs11, session: Handle, label: string) {
    this.#module = module
    this.#session = session
    this.#label = label
  }

  /**
   * @param qkdnId the node whose keys these are
   * @throws QkdError as `logIn`
   */
  static open(
    module: Pkcs11,
    library: string,
    tokenLabel: string,
    pin: string,
    qkdnId: string,
  ): SealToken {
    const session = logIn(module, library, tokenLabel, pin, MECHANISMS)
    return new SealToken(module, session, `keyloom-node/${qkdnId}/seal`)
  }

  /** CKA_ID of each key of this node, in hexadecimal. */
  keys(): string[] {
    return calling(() =>
      this.#find([]).map((handle) => this.#attribute(handle, CKA.ID).toString("hex")),
    )
  }

  /** @throws QkdError `operation-failed` when the token makes keys that it might give out */
  make(kekId: string): void {
    calling(() => {
      const handle = this.#module.C_GenerateKey(this.#session, { mechanism: CKM.AES_KEY_GEN }, [
        { type: CKA.CLASS, value: CKO_SECRET_KEY },
        { type: CKA.KEY_TYPE, value: CKK_AES },
        { type: CKA.VALUE_LEN, value: 32 },
        { type: CKA.TOKEN, value: true },
        { type: CKA.PRIVATE, value: true },
        { type: CKA.SENSITIVE, value: true },
        { type: CKA.EXTRACTABLE, value: false },
        { type: CKA.ENCRYPT, value: true },
        { type: CKA.DECRYPT, value: true },
        { type: CKA.WRAP, value: false },
        { type: CKA.UNWRAP, value: false },
        { type: CKA.ID, value: Buffer.from(kekId, "hex") },
        { type: CKA.LABEL, value: this.#label },
      ])
      if (this.#stays(handle)) return
      this.#module.C_DestroyObject(this.#session, handle)
      throw new QkdError("operation-failed", "the token makes keys that can be taken out of it")
    })
  }

  seal(kekId: string, nonce: Buffer, aad: Buffer, plain: Buffer): Buffer {
    return calling(() => {
      const out = Buffer.alloc(plain.length + TAG_BYTES)
      this.#module.C_EncryptInit(this.#session, gcm(nonce, aad), this.#key(kekId))
      return this.#module.C_Encrypt(this.#session, plain, out)
    })
  }

  /** @throws QkdError `data-missing` no such key, `access-denied` one that could be taken out, or another's data */
  open(kekId: string, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
    const out = Buffer.alloc(sealed.length)
    calling(() => {
      this.#module.C_DecryptInit(this.#session, gcm(nonce, aad), this.#key(kekId))
    })
    try {
      return this.#module.C_Decrypt(this.#session, sealed, out)
    } catch (cause) {
      out.fill(0)
      // As at a consumer's token: how it says that a tag does not fit differs, what a lost session says is known.
      if (isGone(cause) && returnValueOf(cause) !== CKR.GENERAL_ERROR) throw asTokenError(cause)
      throw new QkdError("access-denied", "the wrapped sealing key was changed, or is another's", {
        cause,
      })
    }
  }

  /** One that is not there is destroyed already. */
  destroy(kekId: string): void {
    calling(() => {
      for (const handle of this.#find([{ type: CKA.ID, value: Buffer.from(kekId, "hex") }]))
        this.#module.C_DestroyObject(this.#session, handle)
    })
  }

  close(): void {
    this.#module.C_Finalize()
    this.#module.close()
  }

  #key(kekId: string): Handle {
    const [handle, ...more] = this.#find([{ type: CKA.ID, value: Buffer.from(kekId, "hex") }])
    if (handle === undefined || more.length > 0)
      throw new QkdError(
        "data-missing",
        `the token has ${handle === undefined ? "no" : "more than one"} key ${kekId} of this node`,
      )
    if (!this.#stays(handle))
      throw new QkdError("access-denied", `key ${kekId} can be taken out of the token`)
    return handle
  }

  #stays(handle: Handle): boolean {
    const is = (type: number): boolean => this.#attribute(handle, type).some((byte) => byte !== 0)
    return is(CKA.SENSITIVE) && !is(CKA.EXTRACTABLE) && is(CKA.NEVER_EXTRACTABLE)
  }

  #find(more: readonly Attribute[]): Handle[] {
    const module = this.#module
    module.C_FindObjectsInit(this.#session, [
      { type: CKA.CLASS, value: CKO_SECRET_KEY },
      { type: CKA.LABEL, value: this.#label },
      ...more,
    ])
    const found: Handle[] = []
    try {
      for (;;) {
        const some = module.C_FindObjects(this.#session, 16)
        if (some.length === 0) return found
        found.push(...some)
      }
    } finally {
      module.C_FindObjectsFinal(this.#session)
    }
  }

  #attribute(object: Handle, type: number): Buffer {
    const [found] = this.#module.C_GetAttributeValue(this.#session, object, [{ type }])
    return Buffer.from(found?.value ?? [])
  }
}

function gcm(iv: Buffer, aad: Buffer): Mechanism {
  return {
    mechanism: CKM.AES_GCM,
    parameter: { type: PARAMS.AES_GCM, iv, aad, ivBits: iv.length * 8, tagBits: TAG_BYTES * 8 },
  }
}
