// Keys that a controller has ordered ahead for associations of this site: how many of them are to be made now, up to
// the mark it set and no faster than the rate that the association was promised. Numbers only; the keys are in the
// stock (`end-key-stock.ts`).

import { TokenBucket } from "../keys/token-bucket.js"
import type { AppConfig } from "../model/app.js"
import type { ShelfId } from "./shelf-id.js"

export interface OrderedKeysOptions {
  readonly ownsSae: (saeId: string) => boolean
  /** Handed to the site's SAEs as masters since the association was configured. */
  readonly suppliedBits: (appId: string) => bigint
  /** Ready for any of them. */
  readonly readyBits: (appId: string) => number
  /** Bits that nobody else is promised. */
  readonly freeBits: (appId: string) => number
  readonly steadyMs: () => number
  /** Site's own ceiling for one association. */
  readonly maxKeys: number
}

interface Order {
  readonly id: ShelfId
  readonly untilBits: number
  readonly pace: TokenBucket | undefined
  readonly minBps: number
}

/** What was not made in time may be made up for so long. */
const CATCH_UP_S = 5
/** Of one association at once: others' transfers come between. */
const AT_ONCE_BITS = 1 << 20

export class OrderedKeys {
  readonly #options: OrderedKeysOptions
  #orders = new Map<string, Order>()

  constructor(options: OrderedKeysOptions) {
    this.#options = options
  }

  /** What is ordered now. */
  get shelves(): ShelfId[] {
    return Array.from(this.#orders.values(), ({ id }) => id)
  }

  configure(apps: readonly AppConfig[]): void {
    const before = this.#orders
    this.#orders = new Map()
    for (const app of apps) {
      const { ordered, appId, qos } = app
      const [client] = app.clientAppIds
      if (ordered === undefined || client === undefined) continue
      const isServer = this.#options.ownsSae(app.serverAppId)
      const [masterSaeId, slaveSaeId] = isServer
        ? [app.serverAppId, client]
        : [client, app.serverAppId]
      if (!this.#options.ownsSae(masterSaeId)) continue
      const { keySizeBits, untilBits } = ordered
      const minBps = qos.minBps ?? 0
      const known = before.get(appId)
      const pace =
        known?.minBps === minBps
          ? known.pace
          : bucket(minBps, keySizeBits, this.#options.steadyMs())
      const id = { appId, masterSaeId, slaveSaeId, keySizeBits }
      this.#orders.set(appId, { id, untilBits, pace, minBps })
    }
  }

  /** Whether the shelf's keys are ordered. */
  has(id: ShelfId): boolean {
    const order = this.#orders.get(id.appId)
    return order !== undefined && isSame(order.id, id)
  }

  /** Keys to be made now. */
  wanted(id: ShelfId): number {
    const order = this.#orders.get(id.appId)
    if (order === undefined || !isSame(order.id, id)) return 0
    const { suppliedBits, readyBits, freeBits, steadyMs, maxKeys } = this.#options
    const { appId, keySizeBits } = id
    const ready = readyBits(appId)
    const missing = order.untilBits - Number(suppliedBits(appId)) - ready
    const bits = Math.min(
      missing,
      maxKeys * keySizeBits - ready,
      order.pace?.level(steadyMs()) ?? 0,
      freeBits(appId),
      AT_ONCE_BITS,
    )
    return Math.max(0, Math.floor(bits / keySizeBits))
  }

  made({ appId, keySizeBits }: ShelfId, count: number): void {
    this.#orders.get(appId)?.pace?.takeUpTo(count * keySizeBits, this.#options.steadyMs())
  }
}

function bucket(bps: number, keySizeBits: number, nowMs: number): TokenBucket | undefined {
  return bps === 0
    ? undefined
    : new TokenBucket(bps, Math.max(CATCH_UP_S * bps, keySizeBits), 0, nowMs)
}

function isSame(one: ShelfId, other: ShelfId): boolean {
  return (
    one.masterSaeId === other.masterSaeId &&
    one.slaveSaeId === other.slaveSaeId &&
    one.keySizeBits === other.keySizeBits
  )
}
