// Lots: keys that a key manager hands to an outlet ahead of demand, for one pair of SAEs and one size. What is in a lot has
// left the stock for good, and belongs to that outlet alone until it says what it gave out and brings back the rest.

import type { KeyPathFacts } from "../keys/delivery.js"
import type { Secret } from "../keys/secret.js"

export interface LotOrder {
  readonly appId: string
  readonly masterSaeId: string
  readonly slaveSaeId: string
  readonly keySizeBits: number
  /** At most. */
  readonly count: number
}

/** Keys that came the same way, one after the other. */
export interface LotRun {
  readonly count: number
  readonly facts: KeyPathFacts
}

export interface Lot {
  readonly id: number
  readonly count: number
  readonly runs: readonly LotRun[]
  /** 16 bytes each. */
  readonly keyIds: readonly Uint8Array[]
  /** The keys of each run; who asked for the lot wipes them. */
  readonly keys: readonly Secret[]
  /** So long from now they are fit to be given out. */
  readonly fitMs: number
}

/** `holder` is who has the lot: no other is heard about it. */
export interface KeyLots {
  /** Keys end: what is out is to be given back. Told of every change after which keys that are ready are looked at anew. */
  onRecall: () => void
  /**
   * Out of what lies ready and is promised to nobody else; counted against the rates of the application at once.
   *
   * @returns undefined where there are not enough: a request is to be answered one by one then
   */
  lend(holder: object, order: LotOrder): Lot | undefined
  /** So many of its keys were given out so far. Counted as delivered from then on. */
  used(holder: object, id: number, used: number): void
  /** The rest of a lot, from the first key that was not given out. Taken over. */
  takeBack(holder: object, id: number, used: number, rest: Secret): void
  /** The holder is gone, and its lots with it. @returns how many keys those were, as far as is known */
  lostWith(holder: object): number
}
