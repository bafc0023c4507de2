// Who gets a lot: what an outlet asks for is judged here as a request of that SAE would be, by what holds now.

import type { SitePolicy } from "../keys/policy.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import type { KeyLots, Lot } from "./lot-ports.js"
import type { LotPair } from "./outlet-lots.js"

export interface OutletLotDeskOptions {
  readonly lots: KeyLots
  readonly policy: () => SitePolicy
  readonly desk: Pick<DeliveryOptions["desk"], "find">
  readonly livesHere: (saeId: string) => boolean
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

export class OutletLotDesk {
  readonly lots: KeyLots
  readonly #options: OutletLotDeskOptions

  constructor(options: OutletLotDeskOptions) {
    this.#options = options
    this.lots = options.lots
  }

  /** Undefined where each request is to be asked for by itself. */
  lend(holder: object, order: LotPair & { readonly count: number }): Lot | undefined {
    const { saeId, peerSaeId, keySizeBits, count } = order
    const { policy, desk, livesHere } = this.#options
    const { minKeySizeBits, maxKeySizeBits } = policy().document.limits
    const isSize =
      keySizeBits % 8 === 0 && keySizeBits >= minKeySizeBits && keySizeBits <= maxKeySizeBits
    if (!isSize || saeId === peerSaeId || !policy().ownsSae(saeId) || livesHere(peerSaeId))
      return undefined
    const app = desk.find(saeId, peerSaeId)
    if (app === undefined) return undefined
    const { appId, expiresAt } = app
    const order014 = { appId, masterSaeId: saeId, slaveSaeId: peerSaeId, keySizeBits, count }
    const lot = this.lots.lend(holder, order014)
    if (lot === undefined || expiresAt === undefined) return lot
    const leftMs = Date.parse(expiresAt) - (this.#options.now ?? Date.now)()
    return { ...lot, fitMs: Math.min(lot.fitMs, leftMs) }
  }
}
