// The token as the consumer sees it: a process of its own holds the session, this end wraps keys for it and asks.

import {
  constants,
  createCipheriv,
  createPublicKey,
  type KeyObject,
  publicEncrypt,
  randomFillSync,
} from "node:crypto"
import { TokenChild } from "../pkcs11/token-child.js"
import type { Frame } from "../transport/frames.js"
import type { HsmToken, ImportMode, TokenKey } from "./hsm-token.js"
import {
  type Operation,
  readKeys,
  readModulusBytes,
  readProofs,
  readSwept,
} from "./token-requests.js"
import { unmovedBytes } from "../unmoved.js"

export interface TokenSetting {
  /** The PKCS#11 library of the token's maker. */
  readonly library: string
  readonly label: string
  /** Read by the token process alone. */
  readonly pinFile: string
  readonly importMode: ImportMode
  /** One process at a time that was given this folder is in the token; others wait. */
  readonly lockDir?: string
}

/** RFC 3394 section 2.2.3.1. */
const WRAP_IV = Buffer.from("A6A6A6A6A6A6A6A6", "hex")

/**
 * Logs in, once.
 *
 * @throws QkdError `access-denied` wrong PIN, `invalid-value` no such PIN file or library, app-tag `node-unreachable`
 * for a token that is not there, `operation-not-supported` where pkcs11js is missing
 */
export async function openToken(setting: TokenSetting): Promise<HsmToken> {
  const token = new TokenProcess(setting)
  try {
    await token.open()
    return token
  } catch (fault) {
    await token.close()
    throw fault
  }
}

class TokenProcess implements HsmToken {
  readonly #setting: TokenSetting
  readonly #child: TokenChild
  #wrap: ((bytes: Uint8Array) => Buffer) | undefined

  constructor(setting: TokenSetting) {
    this.#setting = setting
    this.#child = new TokenChild(new URL("./token-process", import.meta.url), setting.pinFile)
  }

  async open(): Promise<void> {
    const { library, label, importMode, lockDir } = this.#setting
    await this.#ask({ op: "open", library, label, ...(lockDir !== undefined && { lockDir }) })
    if (importMode !== "plain") await this.#prepareWrapping(importMode)
  }

  async keys(): Promise<TokenKey[]> {
    const { header } = await this.#ask({ op: "keys" })
    return readKeys(header["result"])
  }

  async sweep(): Promise<number> {
    return readSwept((await this.#ask({ op: "sweep" })).header["result"])
  }

  async import(key: TokenKey, bytes: Uint8Array): Promise<void> {
    const { importMode } = this.#setting
    try {
      if (importMode === "plain" || this.#wrap === undefined) {
        await this.#ask({ op: "import-plain", key }, bytes)
      } else await this.#ask({ op: "import-wrapped", key, by: importMode }, this.#wrap(bytes))
    } finally {
      bytes.fill(0)
    }
  }

  async prove(keyId: string, transcripts: readonly Uint8Array[]): Promise<Buffer[]> {
    const parts = transcripts.map(({ length }) => length)
    const { bytes } = await this.#ask({ op: "prove", keyId, parts }, ...transcripts)
    return readProofs(bytes, parts.length)
  }

  encrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Promise<Buffer> {
    return this.#gcm("encrypt", keyId, nonce, aad, plain)
  }

  decrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    return this.#gcm("decrypt", keyId, nonce, aad, sealed)
  }

  async spend(keyId: string): Promise<void> {
    await this.#ask({ op: "spend", keyId })
  }

  async destroy(keyId: string): Promise<void> {
    await this.#ask({ op: "destroy", keyId })
  }

  close(): Promise<void> {
    return this.#child.close()
  }

  async #gcm(
    op: "encrypt" | "decrypt",
    keyId: string,
    nonce: Uint8Array,
    aad: Uint8Array,
    data: Uint8Array,
  ): Promise<Buffer> {
    const parts = [nonce.length, aad.length, data.length] as const
    return (await this.#ask({ op, keyId, parts }, nonce, aad, data)).bytes
  }

  /** From here on a key is in clear only between the answer of ETSI 014 and its encryption. */
  async #prepareWrapping(by: "rsa-oaep" | "aes-key-wrap"): Promise<void> {
    const { header, bytes } = await this.#ask({ op: "wrapping-key" })
    const modulusBytes = readModulusBytes(header["result"], bytes.length)
    const publicKey = createPublicKey({
      key: {
        kty: "RSA",
        n: bytes.subarray(0, modulusBytes).toString("base64url"),
        e: bytes.subarray(modulusBytes).toString("base64url"),
      },
      format: "jwk",
    })
    if (by === "rsa-oaep") {
      this.#wrap = (key) => encryptTo(publicKey, key)
      return
    }
    const kek = randomFillSync(unmovedBytes(32))
    await this.#ask({ op: "kek" }, encryptTo(publicKey, kek))
    this.#wrap = (key) => {
      const cipher = createCipheriv("id-aes256-wrap", kek, WRAP_IV)
      return Buffer.concat([cipher.update(key), cipher.final()])
    }
  }

  #ask(operation: Operation, ...parts: readonly Uint8Array[]): Promise<Frame> {
    return this.#child.ask(operation, ...parts)
  }
}

/** SHA-1 in OAEP as the token takes it (see `pkcs11-token`). */
function encryptTo(publicKey: KeyObject, bytes: Uint8Array): Buffer {
  return publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
    bytes,
  )
}
