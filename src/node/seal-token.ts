// A node's key-encryption keys in a PKCS#11 token: AES-256, made in the token, sensitive and never extractable. They seal
// the key that seals the node's stores, and do nothing else. Runs in the process that holds the session.

import { QkdError } from "../errors.js"
import { calling } from "../pkcs11/pkcs11-errors.js"
import {
  type Attribute,
  CKA,
  CKK_AES,
  CKM,
  CKO_SECRET_KEY,
  type Handle,
  type Pkcs11,
} from "../pkcs11/pkcs11-module.js"
import { type GcmKey, gcmOpen, gcmSeal } from "../pkcs11/token-gcm.js"
import { attributeOf, findObjects } from "../pkcs11/token-objects.js"
import { logIn } from "../pkcs11/token-session.js"

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
    return gcmSeal(this.#gcmKey(kekId), nonce, aad, plain)
  }

  /** @throws QkdError `data-missing` no such key, `access-denied` one that could be taken out, or another's data */
  open(kekId: string, nonce: Buffer, aad: Buffer, sealed: Buffer): Buffer {
    try {
      return gcmOpen(this.#gcmKey(kekId), nonce, aad, sealed)
    } catch (cause) {
      if (!(cause instanceof QkdError) || cause.tag !== "invalid-value") throw cause
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

  #gcmKey(kekId: string): GcmKey {
    const key = calling(() => this.#key(kekId))
    return { module: this.#module, session: this.#session, key }
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
    return findObjects(this.#module, this.#session, [
      { type: CKA.CLASS, value: CKO_SECRET_KEY },
      { type: CKA.LABEL, value: this.#label },
      ...more,
    ])
  }

  #attribute(object: Handle, type: number): Buffer {
    return attributeOf(this.#module, this.#session, object, type)
  }
}
