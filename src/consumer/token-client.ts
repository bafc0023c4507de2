// The token as the consumer sees it: a process of its own holds the session, this end wraps keys for it and asks.

import { type ChildProcess, spawn } from "node:child_process"
import {
  constants,
  createCipheriv,
  createPublicKey,
  type KeyObject,
  publicEncrypt,
  randomFillSync,
} from "node:crypto"
import { closeSync, openSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { QkdError } from "../errors.js"
import { encodeFrame, type Frame, FrameReader } from "../transport/frames.js"
import type { HsmToken, ImportMode, TokenKey } from "./hsm-token.js"
import {
  type Operation,
  readFault,
  readKeys,
  readModulusBytes,
  readProofs,
  readSwept,
} from "./token-requests.js"

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

const CLOSE_MS = 3000
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

interface Waiting {
  resolve(frame: Frame): void
  reject(error: QkdError): void
}

class TokenProcess implements HsmToken {
  readonly #setting: TokenSetting
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  #nextId = 1
  #wrap: ((bytes: Uint8Array) => Buffer) | undefined

  constructor(setting: TokenSetting) {
    this.#setting = setting
    let pinFd: number
    try {
      pinFd = openSync(setting.pinFile, "r")
    } catch (cause) {
      throw new QkdError("invalid-value", `cannot read the PIN file ${setting.pinFile}`, { cause })
    }
    const own = import.meta.url
    const entry = fileURLToPath(
      new URL(own.endsWith(".ts") ? "./token-process.ts" : "./token-process.js", own),
    )
    this.#child = spawn(process.execPath, [...process.execArgv, entry], {
      stdio: ["pipe", "pipe", "inherit", pinFd],
    })
    closeSync(pinFd)
    const reader = new FrameReader()
    this.#child.stdout?.on("data", (chunk: Buffer) => {
      for (const frame of reader.take(chunk)) this.#settle(frame)
    })
    this.#child.stdin?.on("error", () => undefined)
    this.#ended = new Promise((resolve) => {
      const end = (): void => {
        const gone = new QkdError("operation-failed", "the token process ended", {
          appTag: "node-unreachable",
        })
        for (const waiting of this.#waiting.values()) waiting.reject(gone)
        this.#waiting.clear()
        resolve()
      }
      this.#child.once("exit", end)
      this.#child.once("error", end)
    })
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

  async close(): Promise<void> {
    this.#child.stdin?.end()
    const late = setTimeout(() => this.#child.kill("SIGKILL"), CLOSE_MS)
    await this.#ended
    clearTimeout(late)
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
    const kek = randomFillSync(new Uint8Array(32))
    await this.#ask({ op: "kek" }, encryptTo(publicKey, kek))
    this.#wrap = (key) => {
      const cipher = createCipheriv("id-aes256-wrap", kek, WRAP_IV)
      return Buffer.concat([cipher.update(key), cipher.final()])
    }
  }

  #ask(operation: Operation, ...parts: readonly Uint8Array[]): Promise<Frame> {
    return new Promise((resolve, reject) => {
      const id = this.#nextId++
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(
          new QkdError("operation-failed", "the token process ended", {
            appTag: "node-unreachable",
          }),
        )
        return
      }
      this.#waiting.set(id, { resolve, reject })
      const frame = encodeFrame({ ...operation, id }, ...parts)
      this.#child.stdin?.write(frame, () => frame.fill(0))
    })
  }

  #settle(frame: Frame): void {
    const { id, ok } = frame.header
    const waiting = this.#waiting.get(Number(id))
    this.#waiting.delete(Number(id))
    if (ok === true) waiting?.resolve(frame)
    else waiting?.reject(readFault(frame.header))
  }
}

/** SHA-1 in OAEP as the token takes it (see `pkcs11-token`). */
function encryptTo(publicKey: KeyObject, bytes: Uint8Array): Buffer {
  return publicEncrypt(
    { key: publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: "sha1" },
    bytes,
  )
}
