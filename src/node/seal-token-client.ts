// The token that holds a node's key-encryption keys, as the node sees it: a process of its own has the session.

import { randomBytes } from "node:crypto"
import path from "node:path"
import { QkdError } from "../errors.js"
import { Secret } from "../keys/secret.js"
import { TokenChild } from "../pkcs11/token-child.js"
import type { SealTokenSetting } from "./config.js"
import { readKekIds, type SealOperation } from "./seal-token-requests.js"
import type { WrappedKey } from "./wrapped-key.js"

const NONCE_BYTES = 12

export class SealTokenClient {
  readonly #child: TokenChild
  readonly #qkdnId: string

  private constructor(child: TokenChild, qkdnId: string) {
    this.#child = child
    this.#qkdnId = qkdnId
  }

  /**
   * Logs in, once.
   *
   * @throws QkdError `access-denied` wrong PIN, `invalid-value` no such PIN, credential or library, app-tag
   * `node-unreachable` for a token that is not there, `operation-not-supported` where pkcs11js is missing
   */
  static async open(
    setting: SealTokenSetting,
    environment: NodeJS.ProcessEnv,
  ): Promise<SealTokenClient> {
    const child = new TokenChild(
      new URL("./seal-token-process", import.meta.url),
      pinFileOf(setting, environment),
    )
    const client = new SealTokenClient(child, setting.qkdnId)
    try {
      const { library, label, qkdnId } = setting
      await client.#ask({ op: "open-token", library, label, qkdnId })
      return client
    } catch (fault) {
      await child.close()
      throw fault
    }
  }

  /** Ids of this node's key-encryption keys. */
  async keys(): Promise<string[]> {
    return readKekIds((await this.#ask({ op: "keys" }))["result"])
  }

  /** A new key-encryption key, in the token for good. @returns its id */
  async make(): Promise<string> {
    const kekId = randomBytes(16).toString("hex")
    await this.#ask({ op: "make", kekId })
    return kekId
  }

  async wrap(kekId: string, key: Secret): Promise<WrappedKey> {
    const nonce = randomBytes(NONCE_BYTES)
    const aad = this.#aad(kekId)
    const parts = [nonce.length, aad.length, key.lengthBytes] as const
    const plain = key.use((bytes) => Buffer.from(bytes))
    try {
      const operation: SealOperation = { op: "seal", kekId, parts }
      const { bytes } = await this.#child.ask(operation, nonce, aad, plain)
      return { kekId, nonce, sealed: bytes }
    } finally {
      plain.fill(0)
    }
  }

  /** The caller wipes it. */
  async unwrap({ kekId, nonce, sealed }: WrappedKey): Promise<Secret> {
    const aad = this.#aad(kekId)
    const parts = [nonce.length, aad.length, sealed.length] as const
    const operation: SealOperation = { op: "open", kekId, parts }
    const { bytes } = await this.#child.ask(operation, nonce, aad, sealed)
    return Secret.take(bytes)
  }

  async destroy(kekId: string): Promise<void> {
    await this.#ask({ op: "destroy", kekId })
  }

  close(): Promise<void> {
    return this.#child.close()
  }

  async #ask(operation: SealOperation): Promise<Readonly<Record<string, unknown>>> {
    return (await this.#child.ask(operation)).header
  }

  /** One node's wrapped key is no other's. */
  #aad(kekId: string): Buffer {
    return Buffer.from(`keyloom sealing key 1 ${this.#qkdnId} ${kekId}`, "utf8")
  }
}

function pinFileOf({ pin }: SealTokenSetting, environment: NodeJS.ProcessEnv): string {
  if (pin.kind === "file") return pin.file
  const dir = environment["CREDENTIALS_DIRECTORY"]
  if (dir === undefined)
    throw new QkdError(
      "invalid-value",
      "the token's PIN is a credential, but CREDENTIALS_DIRECTORY is not set: start as a systemd service",
    )
  return path.join(dir, pin.name)
}
