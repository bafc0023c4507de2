// Lots that are out at outlets, as the key manager keeps them: who has which, what was given out of it, and where the rest
// belongs when it comes back. Holds no key: those are with the outlet.

import type { Secret } from "../keys/secret.js"
import type { Admission } from "../keys/rate-book.js"
import { uuidBytes, UUID_BYTES } from "../keys/bytes.js"
import type { AppRates } from "./app-rates.js"
import type { EndKeyStock } from "./end-key-stock.js"
import type { KeyLots, Lot, LotOrder } from "./lot-ports.js"
import type { ShelfId } from "./shelf-id.js"
import type { LentRun } from "./stock-shelf.js"

export interface SiteLotsOptions {
  readonly stock: EndKeyStock
  readonly rates: AppRates
}

/** Fewer are not worth a message. */
const LEAST_KEYS = 8
const MOST_KEYS = 1024
/** Of what lies ready, at most so much goes into one lot: others may ask the node itself. */
const STOCK_SHARE = 0.5
/** And of what an application's maximum leaves. Near its maximum each request is judged by itself. */
const MAXIMUM_SHARE = 0.25

interface Out {
  readonly holder: object
  readonly shelfId: ShelfId
  readonly count: number
  readonly runs: readonly LentRun[]
  readonly admission: Admission
  used: number
  /** What comes back is void: the far site has lost its half. */
  isVoid: boolean
}

export class SiteLots implements KeyLots {
  onRecall: () => void = () => undefined
  readonly #options: SiteLotsOptions
  readonly #out = new Map<number, Out>()
  #nextId = 1
  #failed = false

  constructor(options: SiteLotsOptions) {
    this.#options = options
  }

  lend(holder: object, order: LotOrder): Lot | undefined {
    if (this.#failed) return undefined
    const { stock, rates } = this.#options
    const { appId, keySizeBits } = order
    const { masterSaeId, slaveSaeId } = order
    const shelfId: ShelfId = { appId, masterSaeId, slaveSaeId, keySizeBits }
    const wanted = Math.min(order.count, MOST_KEYS, Math.floor(STOCK_SHARE * stock.held(shelfId)))
    if (wanted < LEAST_KEYS || !stock.has(shelfId, wanted)) return undefined
    const bits = wanted * keySizeBits
    if (bits > MAXIMUM_SHARE * rates.maximumBits(appId)) return undefined
    const admission = rates.admit(appId, bits)
    const { runs, fitMs } = stock.lend(shelfId, wanted)
    const id = this.#nextId++
    this.#out.set(id, { holder, shelfId, count: wanted, runs, admission, used: 0, isVoid: false })
    return {
      ...{ id, count: wanted, fitMs, runs },
      keyIds: runs.map(idsOf),
      keys: runs.map(({ keys }) => keys),
    }
  }

  used(holder: object, id: number, used: number): void {
    const out = this.#of(holder, id, used)
    if (out === undefined) return
    this.#count(out, used)
    if (used === out.count) this.#out.delete(id)
  }

  takeBack(holder: object, id: number, used: number, rest: Secret): void {
    const out = this.#of(holder, id, used)
    const { stock, rates } = this.#options
    if (
      out === undefined ||
      8 * rest.lengthBytes !== (out.count - used) * out.shelfId.keySizeBits
    ) {
      rest.wipe()
      return
    }
    this.#out.delete(id)
    this.#count(out, used)
    const { shelfId, count, admission } = out
    const share = (count - used) / count
    const floorBits = Math.floor(share * admission.floorBits)
    rates.refund(shelfId.appId, (count - used) * shelfId.keySizeBits, { floorBits })
    if (!out.isVoid) this.#shelve(out, rest)
    else stock.unlend(shelfId, count - used)
    rest.wipe()
  }

  lostWith(holder: object): number {
    let lost = 0
    for (const [id, out] of this.#out) {
      if (out.holder !== holder) continue
      lost += out.count - out.used
      this.#out.delete(id)
    }
    return lost
  }

  /** Keys of this application that are out, in bits. */
  bits(appId: string): number {
    let sum = 0
    for (const { shelfId, count, used } of this.#out.values())
      if (shelfId.appId === appId) sum += (count - used) * shelfId.keySizeBits
    return sum
  }

  /** The same of one size, in keys. */
  count(appId: string, keySizeBits: number): number {
    let sum = 0
    for (const { shelfId, count, used } of this.#out.values())
      if (shelfId.appId === appId && shelfId.keySizeBits === keySizeBits) sum += count - used
    return sum
  }

  /** What is ready is looked at anew: so is what is out. */
  recall(): void {
    if (this.#out.size > 0) this.onRecall()
  }

  /** The keys of transfers to this site are void there. */
  lostAt(qkdnId: string): void {
    for (const out of this.#out.values())
      if (
        out.runs.some(({ batch }) => batch.legs.some(({ offer }) => offer.destination === qkdnId))
      )
        out.isVoid = true
    this.recall()
  }

  /** All that is out is void, and nothing of it is known here any more. */
  clear(): void {
    this.recall()
    this.#out.clear()
  }

  /** Nothing is given out any more. */
  fail(): void {
    this.#failed = true
    this.recall()
  }

  #of(holder: object, id: number, used: number): Out | undefined {
    const out = this.#out.get(id)
    if (out?.holder !== holder || used < out.used || used > out.count) return undefined
    return out
  }

  #count(out: Out, used: number): void {
    const { appId, keySizeBits } = out.shelfId
    if (used > out.used) this.#options.rates.countSupplied(appId, (used - out.used) * keySizeBits)
    out.used = used
  }

  /** What was not given out, run by run: those before the last used one are over. */
  #shelve({ shelfId, runs, used }: Out, rest: Secret): void {
    const size = shelfId.keySizeBits / 8
    let [before, at] = [0, 0]
    for (const run of runs) {
      const spent = Math.min(run.count, Math.max(0, used - before))
      const left = run.count - spent
      before += run.count
      if (left === 0) continue
      const [keys] = rest.cut(at * size, left * size, 1)
      at += left
      if (keys !== undefined) this.#options.stock.takeBack(shelfId, run, spent, keys)
    }
  }
}

function idsOf({ batch, from, count }: LentRun): Uint8Array {
  const bytes = uuidBytes(batch.keyIds)
  return bytes.subarray(from * UUID_BYTES, (from + count) * UUID_BYTES)
}
