// A token that may go away and come back: while it is away every call is refused at once, and it is opened again in the
// background. Only a wrong PIN is never tried again.

import { asQkdError, QkdError } from "../errors.js"
import type { HsmToken, TokenKey } from "./hsm-token.js"

export interface HolderPorts {
  open(): Promise<HsmToken>
  /** What must be right before a token that was opened is used. */
  ready(token: HsmToken): Promise<void>
  away(reason: string): void
  back(): void
  /** It will not come back by itself. */
  lost(fault: QkdError): void
}

const RETRY_FIRST_MS = 500
const RETRY_MAX_MS = 30_000

export class TokenHolder implements HsmToken {
  readonly #ports: HolderPorts
  #token: HsmToken | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor(ports: HolderPorts, token: HsmToken) {
    this.#ports = ports
    this.#token = token
  }

  /** @throws QkdError of the first opening */
  static async open(ports: HolderPorts): Promise<TokenHolder> {
    const token = await ports.open()
    try {
      await ports.ready(token)
    } catch (fault) {
      await token.close()
      throw fault
    }
    return new TokenHolder(ports, token)
  }

  get present(): boolean {
    return this.#token !== undefined
  }

  keys(): Promise<TokenKey[]> {
    return this.#with((token) => token.keys())
  }

  sweep(): Promise<number> {
    return this.#with((token) => token.sweep())
  }

  import(key: TokenKey, bytes: Uint8Array): Promise<void> {
    return this.#with((token) => token.import(key, bytes)).finally(() => bytes.fill(0))
  }

  prove(keyId: string, transcripts: readonly Uint8Array[]): Promise<Buffer[]> {
    return this.#with((token) => token.prove(keyId, transcripts))
  }

  encrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, plain: Uint8Array): Promise<Buffer> {
    return this.#with((token) => token.encrypt(keyId, nonce, aad, plain))
  }

  decrypt(keyId: string, nonce: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Promise<Buffer> {
    return this.#with((token) => token.decrypt(keyId, nonce, aad, sealed))
  }

  spend(keyId: string): Promise<void> {
    return this.#with((token) => token.spend(keyId))
  }

  destroy(keyId: string): Promise<void> {
    return this.#with((token) => token.destroy(keyId))
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#token?.close()
    this.#token = undefined
  }

  async #with<T>(call: (token: HsmToken) => Promise<T>): Promise<T> {
    const token = this.#token
    if (token === undefined) {
      throw new QkdError("operation-failed", "the token is away", { appTag: "node-unreachable" })
    }
    try {
      return await call(token)
    } catch (error) {
      const fault = asQkdError(error)
      if (fault.appTag === "node-unreachable") this.#gone(token, fault.message)
      throw fault
    }
  }

  #gone(token: HsmToken, reason: string): void {
    if (this.#token !== token) return
    this.#token = undefined
    this.#ports.away(reason)
    // What was asked of it may still be done: nobody looks into the token before that has ended.
    void token.close().finally(() => {
      this.#later(RETRY_FIRST_MS)
    })
  }

  #later(delayMs: number): void {
    if (this.#closed) return
    this.#timer = setTimeout(() => {
      void this.#again(delayMs)
    }, delayMs)
  }

  async #again(delayMs: number): Promise<void> {
    let token: HsmToken | undefined
    try {
      token = await this.#ports.open()
      await this.#ports.ready(token)
    } catch (error) {
      await token?.close()
      const fault = asQkdError(error)
      if (fault.tag === "access-denied") this.#ports.lost(fault)
      else this.#later(Math.min(delayMs * 2, RETRY_MAX_MS))
      return
    }
    if (this.#closed) {
      await token.close()
      return
    }
    this.#token = token
    this.#ports.back()
  }
}
