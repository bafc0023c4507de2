// A key manager as the preloading sees it: as many keys as are wanted, in as many requests as it allows. ETSI GS QKD 014
// section 6.1 leaves it to each how many keys a request may have, and the two sites may have different ones.

import type { Etsi014Client } from "../etsi014/client.js"
import type { DeliveredKey } from "../etsi014/key-container.js"
import type { KeySource } from "./hsm-ports.js"

export class KeyManagerSource implements KeySource {
  readonly #client: Pick<Etsi014Client, "status" | "encKeys" | "decKeys">
  /** By SAE at the other end, what a request may have; asked for once, and again after a fault. */
  readonly #most = new Map<string, number>()

  constructor(client: Pick<Etsi014Client, "status" | "encKeys" | "decKeys">) {
    this.#client = client
  }

  /** Fewer, where the key manager has no more after it has given some. @throws QkdError as `Etsi014Client.encKeys` */
  async make(saeId: string, number: number, keySizeBits: number): Promise<DeliveredKey[]> {
    const most = await this.#mostAtOnce(saeId, number)
    const keys: DeliveredKey[] = []
    while (keys.length < number) {
      try {
        const size = { number: Math.min(most, number - keys.length), keySizeBits }
        const given = await this.#client.encKeys(saeId, size)
        if (given.length === 0) break
        keys.push(...given)
      } catch (fault) {
        this.#most.delete(saeId)
        // What it has given is spent there: it is made use of.
        if (keys.length === 0) throw fault
        break
      }
    }
    return keys
  }

  /** All of them: those of earlier requests are lost where a later one fails. @throws QkdError as `Etsi014Client.decKeys` */
  async take(saeId: string, keyIds: readonly string[]): Promise<DeliveredKey[]> {
    const most = await this.#mostAtOnce(saeId, keyIds.length)
    const keys: DeliveredKey[] = []
    try {
      for (let at = 0; at < keyIds.length; at += most)
        keys.push(...(await this.#client.decKeys(saeId, keyIds.slice(at, at + most))))
      return keys
    } catch (fault) {
      this.#most.delete(saeId)
      for (const { key } of keys) key.wipe()
      throw fault
    }
  }

  /** A key manager that does not say gets them all in one request, and refuses what it will not do. */
  async #mostAtOnce(saeId: string, wanted: number): Promise<number> {
    const known = this.#most.get(saeId)
    if (known !== undefined) return known
    try {
      const { maxKeysPerRequest } = await this.#client.status(saeId)
      if (maxKeysPerRequest < 1) return wanted
      this.#most.set(saeId, maxKeysPerRequest)
      return maxKeysPerRequest
    } catch {
      return wanted
    }
  }
}
