// Gives end keys to this site's SAEs as masters: from the stock where there are, else made and relayed now; to one
// slave or to a group, at other sites or at this one. All or none: what a failed request had made is void.

import { uuidFrom } from "../keys/bytes.js"
import { termsError, unmetTerm } from "../keys/key-terms.js"
import type { KeyOrigin } from "../keys/key-terms.js"
import { TAG_KEY_BYTES } from "../keys/one-time-mac.js"
import type { AppSupply } from "../model/app.js"
import type { Admission } from "../keys/rate-book.js"
import type { Consignment } from "../keys/relay-header.js"
import { EndKeyStock } from "./end-key-stock.js"
import { AppRates } from "./app-rates.js"
import type { KeyDeposit } from "./border.js"
import type { KeyManagerLimits } from "./key-manager-options.js"
import { checkAmount } from "./key-maker.js"
import type { GivenKeys, KeyMaker, MadeBatch, TransferLeg } from "./key-maker.js"
import { checkTerms, legsOf } from "./key-legs.js"
import { SiteLots } from "./key-lots.js"
import type { KeyStore } from "./key-store.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import { isAllowed, joined, keysOf, originOf } from "./made-batch.js"
import { OrderedKeys } from "./ordered-keys.js"
import type { EndKey, KeyOrder } from "./ports.js"
import type { ShelfId } from "./shelf-id.js"

export interface KeySupplyOptions {
  readonly links: LinkTable
  readonly maker: KeyMaker
  /** Where keys of slaves at this site wait. */
  readonly endKeys: () => KeyDeposit
  readonly random: (bytes: number) => Uint8Array
  readonly store: KeyStore
  readonly limits: KeyManagerLimits
  readonly steadyMs: () => number
  /** See `AppRatesOptions`. */
  readonly transitBits: (qkdlId: string) => number
  readonly log: Log
}

/** Keys for two SAEs who both take them later. */
export interface KeepOrder {
  /** The SAE of this site. */
  readonly readerSaeId: string
  readonly peer: KeyOrder["slaves"][number]
  /** What `takeKeys` has to name as master here, in place of an SAE. */
  readonly booking: string
  readonly count: number
  readonly keySizeBits: number
  readonly ttlS: number
}

export interface KeptBatch {
  /** As the ledgers of both sites name it. */
  readonly run: {
    readonly transferId: string
    readonly farTransferId: string
    readonly count: number
  }
  /** Void at both sites: before anybody was told of it. */
  readonly takeBack: () => Promise<void>
}

/** By application, what its request may have. */
type Admitted = ReadonlyMap<string, Admission>

/** How many refills one request waits for before it sends off keys of its own. */
const MAX_WAITS = 3
/** A refill takes at most this share of what the link could give: requests of others come first. */
const REFILL_SHARE = 0.5
/** And leaves so much on it: first requests of pairs that never met are not made to wait for keys made ahead for others. */
const REFILL_LEAVES_BITS = 16_384

export class KeySupply {
  readonly stock: EndKeyStock
  readonly rates: AppRates
  readonly lots: SiteLots
  readonly #ordered: OrderedKeys
  readonly #options: KeySupplyOptions
  #lastId: ShelfId | undefined

  constructor(options: KeySupplyOptions) {
    this.#options = options
    const { links, maker, limits, steadyMs, log } = options
    const { tagFailures } = limits
    const { store, transitBits } = options
    this.rates = new AppRates({ links, store, tagFailures, steadyMs, transitBits })
    this.#ordered = new OrderedKeys({
      ownsSae: (saeId) => links.policy.ownsSae(saeId),
      suppliedBits: (appId) => this.rates.suppliedBits(appId),
      readyBits: (appId) => this.stock.bits(appId) + this.lots.bits(appId),
      freeBits: (appId) => this.rates.freeBits(appId),
      steadyMs,
      maxKeys: limits.stock.maxOrderedKeys,
    })
    this.stock = new EndKeyStock({
      ordered: this.#ordered,
      ...{ maker, limits: limits.stock, steadyMs, log },
      allowed: (batch) => isAllowed(batch, links.policy),
      room: ({ appId, keySizeBits }) =>
        Math.floor(
          (REFILL_SHARE * Math.max(0, this.rates.freeBits(appId) - REFILL_LEAVES_BITS)) /
            keySizeBits,
        ),
      promisedKeysPerS: ({ appId, keySizeBits }) =>
        (links.app(appId)?.qos.minBps ?? 0) / keySizeBits,
      ttlMs: (appId) => 1000 * (links.app(appId)?.qos.ttlS || limits.defaultTtlS),
    })
    this.lots = new SiteLots({ stock: this.stock, rates: this.rates })
  }

  /** The keys of transfers to this site are void there. */
  lostAt(qkdnId: string): void {
    this.stock.lostAt(qkdnId)
    this.lots.lostAt(qkdnId)
  }

  /** All that is ready is void. */
  clear(): void {
    this.stock.clear()
    this.lots.clear()
  }

  /** See `KeyManager.supplyKeys`. */
  async supply(order: KeyOrder): Promise<EndKey[]> {
    return this.ready(order) ?? this.#admitted(order, (admitted) => this.#keysFor(order, admitted))
  }

  /** See `KeyManager.readyKeys`: without anything that only keys to be made would need. */
  ready({ masterSaeId, slaves, count, keySizeBits, terms }: KeyOrder): EndKey[] | undefined {
    const [slave] = slaves
    if (slave?.appId === undefined || slaves.length > 1 || !Number.isInteger(count) || count < 1)
      return undefined
    if (slave.saeId === masterSaeId || (terms !== undefined && Object.keys(terms).length > 0))
      return undefined
    const { appId } = slave
    const id = this.#shelfId(appId, masterSaeId, slave.saeId, keySizeBits)
    if (!this.stock.has(id, count)) return undefined
    const bits = count * keySizeBits
    this.rates.admit(appId, bits)
    this.rates.countSupplied(appId, bits)
    return this.stock.give(id, count)
  }

  /** The same object while the same is asked for. */
  #shelfId(appId: string, masterSaeId: string, slaveSaeId: string, keySizeBits: number): ShelfId {
    const last = this.#lastId
    if (
      last?.appId === appId &&
      last.masterSaeId === masterSaeId &&
      last.slaveSaeId === slaveSaeId &&
      last.keySizeBits === keySizeBits
    )
      return last
    return (this.#lastId = { appId, masterSaeId, slaveSaeId, keySizeBits })
  }

  /**
   * Brings keys that another domain has made to all of the slaves' sites, counted as any other.
   *
   * @param given lent
   * @returns where they are now
   * @throws QkdError as `supply`
   */
  async forward(order: KeyOrder, given: GivenKeys): Promise<Consignment[]> {
    checkAmount(order.count, order.keySizeBits, this.#options.limits.pool.maxHeldBytes)
    const legs = legsOf(this.#options.links, order)
    return this.#admitted(order, async (admitted) => {
      const batches = await this.#make(order, legs, order.count, admitted, given)
      for (const { keys } of batches) keys.wipe()
      return batches.flatMap((batch) => batch.legs.map(({ offer }) => offer))
    })
  }

  /** Within the rates of all associations that take part; what came to nothing is given back to them. */
  async #admitted<T>(order: KeyOrder, work: (admitted: Admitted) => Promise<T>): Promise<T> {
    const { slaves, count, keySizeBits } = order
    const bits = count * keySizeBits
    const admitted = new Map<string, Admission>()
    try {
      for (const { appId } of slaves)
        if (appId !== undefined && !admitted.has(appId))
          admitted.set(appId, this.rates.admit(appId, bits))
      const done = await work(admitted)
      for (const appId of admitted.keys()) this.rates.countSupplied(appId, bits)
      return done
    } catch (cause) {
      for (const [appId, admission] of admitted) this.rates.refund(appId, bits, admission)
      throw cause
    }
  }

  /**
   * Makes keys that wait at both sites until they are taken by their ids, each once by either SAE: nobody gets any here
   * and now. Where both SAEs live here, that is one batch for both.
   *
   * @throws QkdError as `KeyManager.supplyKeys`; nothing is left of them then
   */
  async keep(order: KeepOrder): Promise<KeptBatch[]> {
    const { maker, endKeys, links, steadyMs } = this.#options
    const { readerSaeId: masterSaeId, peer, booking, count, keySizeBits, ttlS } = order
    checkAmount(count, keySizeBits, this.#options.limits.pool.maxHeldBytes)
    const legs = legsOf(links, { masterSaeId, slaves: [peer] })
    const { appId } = peer
    const bits = count * keySizeBits
    const admission = appId === undefined ? undefined : this.rates.admit(appId, bits)
    let made: MadeBatch[] = []
    try {
      if (appId !== undefined && admission !== undefined)
        this.rates.checkDraw(appId, bits, admission)
      made = await maker.make({ masterSaeId, legs, count, keySizeBits, ttlS })
      const readers = appId === undefined ? [masterSaeId, peer.saeId] : [masterSaeId]
      const kept: KeptBatch[] = []
      for (const [at, batch] of made.entries()) {
        const far = batch.legs[0]?.offer
        const offer = {
          ...this.#offerHere(booking, readers, batch),
          appId: appId ?? "",
          ttlS: far?.ttlS ?? ttlS,
        }
        const carried = { nodes: [links.qkdnId], paths: [[links.qkdnId]], pathQkdlIds: [] }
        const { nodes: _, madeMs: __, ...facts } = originOf(batch, steadyMs())
        made[at] = { ...batch, legs: [...batch.legs, { offer, carried }] }
        await endKeys().put(offer, batch.keys, facts)
        const { transferId } = offer
        const run = { transferId, farTransferId: far?.transferId ?? transferId }
        const count = batch.keyIds.length
        kept.push({ run: { ...run, count }, takeBack: () => this.#takeBack([made[at] ?? batch]) })
      }
      for (const { keys } of made) keys.wipe()
      return kept
    } catch (cause) {
      await this.#takeBack(made)
      if (appId !== undefined && admission !== undefined) this.rates.refund(appId, bits, admission)
      throw cause
    }
  }

  /** Configuration or policy has changed. */
  configured(): void {
    this.rates.configured()
    this.#ordered.configure(this.#options.links.apps)
    this.stock.configured()
    this.lots.recall()
    for (const id of this.#ordered.shelves) this.stock.ordered(id)
  }

  /** Once a second. */
  async sweep(): Promise<void> {
    this.stock.sweep()
    await this.rates.save()
  }

  async #keysFor(order: KeyOrder, admitted: Admitted): Promise<EndKey[]> {
    const { masterSaeId, slaves, count, keySizeBits } = order
    const { links, limits, steadyMs } = this.#options
    checkAmount(count, keySizeBits, limits.pool.maxHeldBytes)
    const legs = legsOf(links, order)
    checkTerms(links, order.terms ?? {}, legs)
    const [slave] = slaves
    if (slave?.appId === undefined || slaves.length > 1)
      return keysOf(await this.#make(order, legs, count, admitted), steadyMs())
    const { saeId: slaveSaeId, appId } = slave
    return this.#supplyPair(order, { appId, masterSaeId, slaveSaeId, keySizeBits }, legs, admitted)
  }

  /** What SAEs of this site were given as masters, and what is ready for them. */
  supplyOf(appId: string): AppSupply {
    const suppliedBits = Number(this.rates.suppliedBits(appId))
    return { suppliedBits, readyBits: this.stock.bits(appId) + this.lots.bits(appId) }
  }

  /** Keys of this size that could be handed out now. */
  deliverableCount(appId: string, keySizeBits: number): number {
    if (keySizeBits <= 0 || this.#options.links.app(appId) === undefined) return 0
    const keys = this.stock.count(appId, keySizeBits) + this.lots.count(appId, keySizeBits)
    const ready = keys * keySizeBits
    const bits = this.rates.quotaBits(appId, ready)
    // A transfer costs a tag besides.
    return Math.max(0, Math.floor((bits - (bits > ready ? TAG_KEY_BYTES * 8 : 0)) / keySizeBits))
  }

  /** From the stock, after what it lacks has been made. */
  async #supplyPair(
    order: KeyOrder,
    id: ShelfId,
    legs: readonly TransferLeg[],
    admitted: Admitted,
  ): Promise<EndKey[]> {
    const { terms = {}, count } = order
    const { steadyMs } = this.#options
    const fits = (origin: KeyOrigin): boolean => unmetTerm(terms, origin, steadyMs()) === undefined
    const made: MadeBatch[] = []
    // A pair's first requests do not wait for a stock to be made.
    const known = this.stock.knows(id)
    if (known) this.stock.asked(id, count)
    try {
      for (let waits = 0; ; ) {
        const missing = count - made.reduce((sum, { keyIds }) => sum + keyIds.length, 0)
        const ready = this.stock.ready(id, missing, fits)
        if (ready >= missing) {
          const keys = this.stock.take(id, missing, fits)
          if (!known) this.stock.asked(id, count)
          const rest = keysOf(made, steadyMs())
          return joined([keys, rest].filter(({ length }) => length > 0))
        }
        // Many who ask at once share one transfer rather than each sending one.
        const filling = this.stock.filling(id)
        if (filling !== undefined && waits++ < MAX_WAITS) await filling
        else made.push(...(await this.#make(order, legs, missing - ready, admitted)))
      }
    } catch (cause) {
      await this.#takeBack(made)
      throw cause
    }
  }

  /** Relayed to every leg, kept here for slaves of this site. */
  async #make(
    order: KeyOrder,
    legs: readonly TransferLeg[],
    count: number,
    admitted: Admitted,
    given?: GivenKeys,
  ): Promise<MadeBatch[]> {
    for (const [appId, admission] of admitted)
      this.rates.checkDraw(appId, count * order.keySizeBits, admission)
    const { links, maker, endKeys, steadyMs } = this.#options
    const { masterSaeId, slaves, keySizeBits, terms } = order
    const batches = await maker.make({
      ...{ masterSaeId, legs, count, keySizeBits },
      ...(given !== undefined && { given }),
    })
    const kept: MadeBatch[] = []
    try {
      const now = steadyMs()
      for (const batch of batches) {
        const unmet = terms && unmetTerm(terms, originOf(batch, now), now)
        if (unmet !== undefined) throw termsError(unmet)
      }
      const here = slaves.filter(({ appId }) => appId === undefined).map(({ saeId }) => saeId)
      for (const batch of batches) {
        if (here.length === 0) {
          kept.push(batch)
          continue
        }
        const offer = this.#offerHere(masterSaeId, here, batch)
        const carried = { nodes: [links.qkdnId], paths: [[links.qkdnId]], pathQkdlIds: [] }
        kept.push({ ...batch, legs: [...batch.legs, { offer, carried }] })
        await endKeys().put(offer, batch.keys, { links: 0 })
      }
      return kept
    } catch (cause) {
      await this.#takeBack([...kept, ...batches.slice(kept.length)])
      throw cause
    }
  }

  #offerHere(masterSaeId: string, slaveSaeIds: readonly string[], batch: MadeBatch): Consignment {
    const { links, random, limits } = this.#options
    return {
      transferId: uuidFrom(random(16)),
      appId: "",
      pathQkdlId: "",
      source: links.qkdnId,
      destination: links.qkdnId,
      masterSaeId,
      slaveSaeIds,
      keyIds: batch.keyIds,
      keySizeBits: batch.keySizeBits,
      ttlS: limits.defaultTtlS,
    }
  }

  async #takeBack(batches: readonly MadeBatch[]): Promise<void> {
    const { maker, endKeys, links } = this.#options
    for (const batch of batches) {
      batch.keys.wipe()
      maker.voidBatch(batch)
      for (const { offer } of batch.legs)
        if (offer.destination === links.qkdnId)
          await endKeys().voidBatch(offer.transferId, links.qkdnId)
    }
  }
}
