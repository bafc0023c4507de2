// The rates of this site's applications at work: the book over configuration, policy and links, kept over restarts
// together with what was delivered. What is written now and then may lose the last second when a node is killed; it
// never gives a burst twice for a restart.

import { QkdError } from "../errors.js"
import { TAG_KEY_BYTES } from "../keys/one-time-mac.js"
import { RateBook } from "../keys/rate-book.js"
import type { Admission, RateTerms } from "../keys/rate-book.js"
import type { LinkRoom } from "../keys/transit-book.js"
import { backingsOf, firstHopOf } from "../keys/relay-rules.js"
import type { NextHop } from "../keys/relay-rules.js"
import type { AppConfig } from "../model/app.js"
import type { KeyStore, StoreOp } from "./key-store.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"
import { APP_PREFIX, appKey, decodeAppRecord, encodeAppRecord, textInKey } from "./records.js"
import type { AppRecord } from "./records.js"

export interface AppRatesOptions {
  readonly links: LinkTable
  readonly store: KeyStore
  readonly tagFailures: number
  readonly steadyMs: () => number
  /** Bits of a link that are promised to paths that only pass here. */
  readonly transitBits: (qkdlId: string) => number
}

/** Sums of bits. What was counted since they were last asked for is a number: every answer is counted. */
class AppTally {
  #deliveredBits: bigint
  #suppliedBits: bigint
  /** See `AppRecord`. */
  readonly maximumBits: number | undefined
  #newDelivered = 0
  #newSupplied = 0

  constructor({ deliveredBits, suppliedBits, maximumBits }: AppRecord) {
    this.#deliveredBits = deliveredBits
    this.#suppliedBits = suppliedBits
    this.maximumBits = maximumBits
  }

  count(delivered: number, supplied: number): void {
    this.#newDelivered += delivered
    this.#newSupplied += supplied
  }

  get deliveredBits(): bigint {
    this.#deliveredBits += BigInt(this.#newDelivered)
    this.#newDelivered = 0
    return this.#deliveredBits
  }

  get suppliedBits(): bigint {
    this.#suppliedBits += BigInt(this.#newSupplied)
    this.#newSupplied = 0
    return this.#suppliedBits
  }
}

export class AppRates {
  readonly #options: AppRatesOptions
  readonly #book = new RateBook()
  readonly #tallies = new Map<string, AppTally>()
  readonly #dirty = new Set<string>()
  /** Links that keys of this site leave over. */
  #used = new Set<string>()

  constructor(options: AppRatesOptions) {
    this.#options = options
    const { store } = options
    for (const { key } of store.list(APP_PREFIX)) {
      const record = store.get(key)?.use(decodeAppRecord)
      if (record !== undefined) this.#tallies.set(textInKey(key), new AppTally(record))
    }
  }

  /** Links, applications or policy have changed. */
  configured(): void {
    const { links, steadyMs } = this.#options
    const ceiling = links.policy.maxBpsPerApp
    const apps = links.apps.map((app): RateTerms => {
      const { minBps, maxBps = ceiling } = app.qos
      const most = maxBps === undefined ? undefined : Math.min(maxBps, ceiling ?? maxBps)
      return {
        appId: app.appId,
        qkdlIds: this.#keepersOf(app).map(({ qkdlId }) => qkdlId),
        ...(minBps !== undefined && { minBps }),
        ...(most !== undefined && { maxBps: most }),
      }
    })
    this.#used = new Set(apps.flatMap(({ qkdlIds }) => qkdlIds))
    this.#book.configure(apps, steadyMs(), (appId) => {
      return this.#tallies.get(appId)?.maximumBits
    })
  }

  /** What relayed keys may have of a link, as far as this site's own applications go. */
  roomOf(keeper: LinkKeeper): LinkRoom {
    const { qkdlId, reachableBits } = keeper
    const floors = this.#book.reservedBits(qkdlId, undefined, this.#options.steadyMs())
    const ownUse = this.#used.has(qkdlId)
    const { inflowBps } = keeper
    return { freeBits: reachableBits - floors, ownUse, promised: floors > 0, inflowBps }
  }

  /** @throws QkdError app-tag `over-rate` beyond the application's maximum. */
  admit(appId: string, bits: number): Admission {
    const admission = this.#book.admit(appId, bits, this.#options.steadyMs())
    this.#dirty.add(appId)
    if (admission !== undefined) return admission
    throw new QkdError("resource-denied", "more than max_bandwidth", { appTag: "over-rate" })
  }

  refund(appId: string, bits: number, admission: Admission): void {
    this.#book.refund(appId, bits, admission)
  }

  /**
   * May so many bits of fresh key be made, of which some are the application's floor?
   *
   * @throws QkdError app-tag `pool-empty` when what a link has left is promised to others.
   */
  checkDraw(appId: string, bits: number, { floorBits }: Admission): void {
    const { links } = this.#options
    const app = links.app(appId)
    if (app === undefined) return
    const linkBits = bits + 8 * TAG_KEY_BYTES
    this.#book.drew(appId, bits, linkBits)
    if (bits <= floorBits) return
    for (const keeper of this.#keepersOf(app)) {
      const reserved = this.#reservedBits(keeper.qkdlId, appId)
      if (reserved > 0 && keeper.reachableBits - reserved < linkBits - floorBits)
        throw new QkdError("resource-denied", "what the link has left is promised to others", {
          appTag: "pool-empty",
        })
    }
  }

  /** Of the links that its keys leave over, the one with least: bits that are nobody else's floor. */
  freeBits(appId: string): number {
    const { links } = this.#options
    const app = links.app(appId)
    const free = (app === undefined ? [] : this.#keepersOf(app)).map((keeper) =>
      keeper.connected ? keeper.reachableBits - this.#reservedBits(keeper.qkdlId, appId) : 0,
    )
    return free.length === 0 ? 0 : Math.max(0, Math.min(...free))
  }

  /**
   * What Get status may count on besides keys that are ready: its own floor where it has one, which does not move with
   * the use of others (THREATS T5), else what is free; never more than its maximum leaves.
   */
  quotaBits(appId: string, readyBits: number): number {
    const now = this.#options.steadyMs()
    const free = this.freeBits(appId)
    const fresh = Math.min(free, this.#book.floorBits(appId, now) ?? free)
    return Math.max(0, Math.min(readyBits + fresh, this.#book.maximumBits(appId, now) ?? Infinity))
  }

  /** What its maximum leaves now. */
  maximumBits(appId: string): number {
    return this.#book.maximumBits(appId, this.#options.steadyMs()) ?? Infinity
  }

  /** Bits handed to SAEs of this application here, either way, since it was first configured. */
  deliveredBits(appId: string): bigint {
    return this.#tallies.get(appId)?.deliveredBits ?? 0n
  }

  /** Of these, bits that SAEs of this site asked for as masters. */
  suppliedBits(appId: string): bigint {
    return this.#tallies.get(appId)?.suppliedBits ?? 0n
  }

  countSupplied(appId: string, bits: number): void {
    this.#count(appId, bits, bits)
  }

  countDelivered(appId: string, bits: number): void {
    this.#count(appId, bits, 0)
  }

  #count(appId: string, delivered: number, supplied: number): void {
    let tally = this.#tallies.get(appId)
    if (tally === undefined) {
      tally = new AppTally({ deliveredBits: 0n, suppliedBits: 0n })
      this.#tallies.set(appId, tally)
    }
    tally.count(delivered, supplied)
    this.#dirty.add(appId)
  }

  /** Once a second: what has changed, and no longer what belongs to applications that are gone. */
  async save(): Promise<void> {
    const { links, store, steadyMs } = this.#options
    const ops: StoreOp[] = []
    for (const appId of this.#tallies.keys()) {
      if (links.app(appId) !== undefined) continue
      this.#tallies.delete(appId)
      ops.push({ key: appKey(appId), value: null })
    }
    for (const appId of this.#dirty) {
      if (links.app(appId) === undefined) continue
      const maximumBits = this.#book.maximumBits(appId, steadyMs())
      const deliveredBits = this.deliveredBits(appId)
      const suppliedBits = this.suppliedBits(appId)
      const record = {
        deliveredBits,
        suppliedBits,
        ...(maximumBits !== undefined && { maximumBits }),
      }
      this.#tallies.set(appId, new AppTally(record))
      ops.push({ key: appKey(appId), value: encodeAppRecord(record) })
    }
    this.#dirty.clear()
    if (ops.length > 0) await store.commit(ops, { quiet: true })
  }

  #reservedBits(qkdlId: string, appId: string): number {
    const { steadyMs, transitBits } = this.#options
    return this.#book.reservedBits(qkdlId, appId, steadyMs()) + transitBits(qkdlId)
  }

  #keepersOf(app: AppConfig): LinkKeeper[] {
    const { links } = this.#options
    try {
      return backingsOf(links, app).flatMap(
        (entry) => this.#keeperTo(firstHopOf(links, entry)) ?? [],
      )
    } catch {
      return []
    }
  }

  #keeperTo(hop: NextHop): LinkKeeper | undefined {
    const { links, tagFailures } = this.#options
    return links.usableFor(hop, tagFailures)
  }
}
