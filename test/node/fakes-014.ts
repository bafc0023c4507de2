// In-memory key managers and application desks for 014 tests: two sites that share one table of keys.

import { randomBytes, randomUUID } from "node:crypto"
import { QkdError } from "../../src/errors.js"
import { Secret } from "../../src/keys/secret.js"
import type { AppConfig, AppQos } from "../../src/model/app.js"
import type { ApplicationDesk, EndKey, KeyManager, KeyOrder } from "../../src/node/ports.js"

interface Stored {
  readonly key: Uint8Array
  readonly masterSaeId: string
  readonly slaves: Set<string>
  readonly entitled: ReadonlySet<string>
}

/** Makes keys and remembers them for the slaves, as two key managers with a perfect link would. */
export class FakeKeyManager
  implements Pick<KeyManager, "supplyKeys" | "readyKeys" | "takeKeys" | "deliverableCount">
{
  readonly #stored = new Map<string, Stored>()
  /** Every key handed out, raw, in order: tests compare with it. */
  readonly made: { keyId: string; key: Buffer }[] = []
  /** Secrets handed out: must be wiped in the end. */
  readonly handedOut: Secret[] = []
  /** Bits left; no more are made beyond. */
  stockBits = 1_000_000
  /** Thrown by the next calls, when set. */
  fault: Error | undefined = undefined
  random: (bytes: number) => Uint8Array = (bytes) => randomBytes(bytes)

  deliverableCount(_appId: string, keySizeBits: number): number {
    return Math.floor(this.stockBits / keySizeBits)
  }

  /** Terms that no key meets, when set. */
  unmet: (order: KeyOrder) => boolean = () => false
  readonly orders: KeyOrder[] = []

  // As the real one: a fault is a promise that fails.
  // eslint-disable-next-line @typescript-eslint/require-await
  async supplyKeys(order: KeyOrder): Promise<EndKey[]> {
    this.orders.push(order)
    const { masterSaeId, slaves, count, keySizeBits } = order
    if (this.unmet(order)) throw new QkdError("resource-denied", "no such key", { appTag: "terms" })
    return this.make(
      masterSaeId,
      slaves.map(({ saeId }) => saeId),
      count,
      keySizeBits,
    )
  }

  /** Keys lie ready for whoever asks on no terms. */
  ready = false

  readyKeys({ masterSaeId, slaves, count, keySizeBits }: KeyOrder): EndKey[] | undefined {
    if (!this.ready) return undefined
    return this.make(
      masterSaeId,
      slaves.map(({ saeId }) => saeId),
      count,
      keySizeBits,
    )
  }

  make(
    masterSaeId: string,
    slaveSaeIds: readonly string[],
    count: number,
    keySizeBits: number,
  ): EndKey[] {
    if (this.fault !== undefined) throw this.fault
    if (count * keySizeBits > this.stockBits)
      throw new QkdError("resource-denied", "pool is empty", { appTag: "pool-empty" })
    this.stockBits -= count * keySizeBits
    return Array.from({ length: count }, () => {
      const keyId = randomUUID()
      const key = this.random(keySizeBits / 8)
      this.made.push({ keyId, key: Buffer.from(key) })
      const slaves = new Set(slaveSaeIds)
      this.#stored.set(keyId, {
        key: Uint8Array.from(key),
        masterSaeId,
        slaves,
        entitled: new Set(slaveSaeIds),
      })
      return this.#hand(keyId, key)
    })
  }

  takeKeys(slaveSaeId: string, masterSaeId: string, keyIds: readonly string[]): Promise<EndKey[]> {
    if (this.fault !== undefined) return Promise.reject(this.fault)
    const found = keyIds.map((keyId) => this.#stored.get(keyId))
    if (
      found.some(
        (one) =>
          one !== undefined && (!one.entitled.has(slaveSaeId) || one.masterSaeId !== masterSaeId),
      )
    ) {
      return Promise.reject(new QkdError("access-denied", "not entitled"))
    }
    if (found.some((one) => one?.slaves.has(slaveSaeId) !== true)) {
      return Promise.reject(new QkdError("data-missing", "not here"))
    }
    return Promise.resolve(
      keyIds.map((keyId, i) => {
        found[i]?.slaves.delete(slaveSaeId)
        return this.#hand(keyId, Uint8Array.from(found[i]?.key ?? []))
      }),
    )
  }

  #hand(keyId: string, bytes: Uint8Array): EndKey {
    const key = Secret.take(bytes)
    this.handedOut.push(key)
    return { keyId, key }
  }
}

/** Knows some associations, sets up others on request, refuses the rest. */
export class FakeDesk implements ApplicationDesk {
  readonly apps: AppConfig[] = []
  /** What `request` does for a peer: a fault, or (undefined) the path is set up. */
  readonly refusals = new Map<string, unknown>()
  readonly requests: { saeId: string; peerSaeIds: readonly string[]; qos: AppQos }[] = []
  remoteQkdnId = ""

  find(saeId: string, peerSaeId: string): AppConfig | undefined {
    return this.apps.find(({ serverAppId, clientAppIds }) => {
      const named = [serverAppId, ...clientAppIds]
      return named.includes(saeId) && named.includes(peerSaeId)
    })
  }

  async request(saeId: string, peerSaeIds: readonly string[], qos: AppQos): Promise<AppConfig> {
    this.requests.push({ saeId, peerSaeIds, qos })
    await new Promise((resolve) => setTimeout(resolve, 5))
    const refusal = peerSaeIds.map((peer) => this.refusals.get(peer)).find((f) => f !== undefined)
    if (refusal !== undefined) throw refusal as Error
    const app: AppConfig = {
      appId: randomUUID(),
      type: "CLIENT",
      serverAppId: saeId,
      clientAppIds: peerSaeIds,
      priority: 0,
      qos,
      backingQkdlIds: ["link"],
      remoteQkdnId: this.remoteQkdnId,
    }
    this.apps.push(app)
    return app
  }
}
