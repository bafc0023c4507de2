// End keys relayed ahead of demand, so that a pair's next request is answered from this site's memory. The far end
// has stored them durably before they count as stock; here they are in memory only: a crash loses them, and gives
// none out twice. Each key leaves the stock once. What became unfit is wiped, and voided at the far end when none
// of its batch was handed out; else it expires there, known to nobody.
//
//   enc_keys ──▶ take ──▶ below the lower watermark? ──▶ refill in the background up to the upper one

import { asQkdError } from "../errors.js"
import type { KeyOrigin } from "../keys/key-terms.js"
import type { Secret } from "../keys/secret.js"
import { StockLevel } from "../keys/stock-level.js"
import type { StockLimits } from "./key-manager-options.js"
import type { KeyMaker, MadeBatch } from "./key-maker.js"
import type { Log } from "./log.js"
import { endKeys, joined, originOf } from "./made-batch.js"
import type { OrderedKeys } from "./ordered-keys.js"
import type { EndKey } from "./ports.js"
import type { ShelfId } from "./shelf-id.js"
import { heldIn, left, lendFrom, nameOf, restOf } from "./stock-shelf.js"
import type { LentRun, Shelf, Stocked } from "./stock-shelf.js"

export interface EndKeyStockOptions {
  readonly maker: KeyMaker
  readonly limits: StockLimits
  readonly steadyMs: () => number
  readonly log: Log
  /** Whether site policy and configuration still let this batch be handed out. */
  readonly allowed: (batch: MadeBatch) => boolean
  /** Keys that a refill may draw from the links now, without touching what others are promised. */
  readonly room: (id: ShelfId) => number
  /** Keys per second that the association was promised. */
  readonly promisedKeysPerS: (id: ShelfId) => number
  readonly ttlMs: (appId: string) => number
  /** What a controller has ordered ahead; see `OrderedKeys`. */
  readonly ordered?: Pick<OrderedKeys, "has" | "wanted" | "made">
}

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 30_000
const KEY_ID_BYTES = 16

export class EndKeyStock {
  readonly #options: EndKeyStockOptions
  /** Least lately asked first. */
  readonly #shelves = new Map<string, Shelf>()
  /** The one asked most lately, while it stands there. */
  #newest: Shelf | undefined
  #bytes = 0
  #sweptMs: number
  #closed = false

  constructor(options: EndKeyStockOptions) {
    this.#options = options
    this.#sweptMs = options.steadyMs()
  }

  /** Key bytes and ids held. */
  get heldBytes(): number {
    return this.#bytes
  }

  get keyCount(): number {
    return Array.from(this.#shelves.values()).reduce((sum, shelf) => sum + heldIn(shelf), 0)
  }

  /** Of all keys that are ready for this association. */
  bits(appId: string): number {
    let sum = 0
    for (const shelf of this.#shelves.values())
      if (shelf.id.appId === appId) sum += heldIn(shelf) * shelf.id.keySizeBits
    return sum
  }

  /** Keys ready for this association, either as asked by that SAE or of any. */
  count(appId: string, keySizeBits: number, masterSaeId?: string): number {
    let sum = 0
    for (const { id, batches } of this.#shelves.values()) {
      if (id.appId !== appId || id.keySizeBits !== keySizeBits) continue
      if (masterSaeId !== undefined && id.masterSaeId !== masterSaeId) continue
      for (const stocked of batches) sum += left(stocked)
    }
    return sum
  }

  /** Whether keys of this kind are asked for so that some are kept ready. */
  knows(id: ShelfId): boolean {
    const high = this.#shelves.get(nameOf(id))?.level.high ?? 0
    return high > 0
  }

  /** A request for so many keys came: demand, which the stock follows. */
  asked(id: ShelfId, count: number): void {
    const shelf = this.#shelfFor(id)
    if (shelf === undefined) return
    shelf.level.asked(count, heldIn(shelf) < count)
    this.#refill(shelf)
  }

  /** Whether keys of this kind are kept ready, so many are, and none that would have to be looked at is unfit. */
  has(id: ShelfId, count: number): boolean {
    const shelf = this.#shelves.get(nameOf(id))
    if (shelf === undefined || shelf.level.high === 0) return false
    let sum = 0
    for (const stocked of shelf.batches) {
      if (sum >= count) break
      if (this.#isUnfit(shelf, stocked)) return false
      sum += left(stocked)
    }
    return sum >= count
  }

  /** Whether so many keys that fit are ready, or how many fewer; those alone are looked at. */
  ready(id: ShelfId, count: number, fits: (origin: KeyOrigin) => boolean): number {
    const shelf = this.#shelves.get(nameOf(id))
    if (shelf === undefined) return 0
    let sum = 0
    for (const stocked of shelf.batches) {
      if (sum >= count) break
      if (!fits(stocked.origin)) continue
      if (this.#isUnfit(shelf, stocked)) {
        this.#dropUnfit(shelf)
        return this.ready(id, count, fits)
      }
      sum += left(stocked)
    }
    return Math.min(sum, count)
  }

  /** Up to `count` keys that fit, oldest first. A refill begins when they run low. */
  take(id: ShelfId, count: number, fits: (origin: KeyOrigin) => boolean): EndKey[] {
    const shelf = this.#shelves.get(nameOf(id))
    if (shelf === undefined) return []
    const size = id.keySizeBits / 8
    const runs: EndKey[][] = []
    let taken = 0
    for (const stocked of shelf.batches) {
      if (taken === count) break
      if (!fits(stocked.origin)) continue
      const { batch, facts, next } = stocked
      const cut = batch.keys.cut(next * size, size, Math.min(count - taken, left(stocked)))
      runs.push(endKeys(batch.keyIds, next, cut, facts))
      stocked.next += cut.length
      taken += cut.length
    }
    const keys = joined(runs)
    this.#bytes -= keys.length * (size + KEY_ID_BYTES)
    this.#dropEmpty(shelf)
    this.#refill(shelf)
    return keys
  }

  #dropEmpty(shelf: Shelf): void {
    let isOne = false
    for (const stocked of shelf.batches) {
      if (left(stocked) > 0) continue
      stocked.batch.keys.wipe()
      isOne = true
    }
    if (isOne) shelf.batches = shelf.batches.filter((stocked) => left(stocked) > 0)
  }

  /** As asked for and taken, of keys that `has` has just found. */
  give(id: ShelfId, count: number): EndKey[] {
    this.#shelfFor(id)?.level.asked(count, false)
    return this.take(id, count, () => true)
  }

  held(id: ShelfId): number {
    const shelf = this.#shelves.get(nameOf(id))
    return shelf === undefined ? 0 : heldIn(shelf)
  }

  /** As `give`, of keys that are to be given out elsewhere; `fitMs` from now they are fit to be. */
  lend(id: ShelfId, count: number): { readonly runs: LentRun[]; readonly fitMs: number } {
    const shelf = this.#shelfFor(id)
    if (shelf === undefined) return { runs: [], fitMs: 0 }
    const runs = lendFrom(shelf, count)
    const lent = runs.reduce((sum, run) => sum + run.count, 0)
    const oldestMs = this.#oldestMs(shelf)
    const fitMs = Math.min(...runs.map(({ origin }) => origin.madeMs - oldestMs))
    this.#bytes -= lent * (id.keySizeBits / 8 + KEY_ID_BYTES)
    shelf.level.lent(lent)
    this.#dropEmpty(shelf)
    this.#refill(shelf)
    return { runs, fitMs }
  }

  /** Keys of a run that were lent and not given out, from `used` on: back where they stood, if they are fit still. */
  takeBack(id: ShelfId, run: LentRun, used: number, keys: Secret): void {
    const shelf = this.#shelves.get(nameOf(id))
    if (shelf === undefined || this.#closed) {
      keys.wipe()
      return
    }
    const back = restOf(run, used, keys)
    const { count } = back
    shelf.batches.unshift(back)
    this.#bytes += count * (id.keySizeBits / 8 + KEY_ID_BYTES)
    this.unlend(id, count)
    this.#dropLeft(shelf, this.#options.maker.pathOf(id.appId))
    this.#dropUnfit(shelf)
  }

  /** So many keys that were lent were no demand. */
  unlend(id: ShelfId, count: number): void {
    this.#shelves.get(nameOf(id))?.level.lent(-count)
  }

  /** The refill that is under way for these keys. */
  filling(id: ShelfId): Promise<void> | undefined {
    return this.#shelves.get(nameOf(id))?.filling
  }

  /** Keys of this kind are ordered ahead of any request. */
  ordered(id: ShelfId): void {
    const shelf = this.#shelfFor(id)
    if (shelf !== undefined) this.#refill(shelf)
  }

  /** Configuration or policy has changed: keys of paths that are left, or no longer allowed, go. */
  configured(): void {
    for (const [name, shelf] of this.#shelves) {
      const path = this.#options.maker.pathOf(shelf.id.appId)
      this.#dropLeft(shelf, path)
      this.#dropUnfit(shelf)
      if (path === undefined) this.#forget(name)
    }
  }

  /** The keys of transfers to this site are void there. */
  lostAt(qkdnId: string): void {
    for (const shelf of this.#shelves.values())
      this.#drop(shelf, ({ batch }) => batch.legs.some(({ offer }) => offer.destination === qkdnId))
  }

  /** Once a second. */
  sweep(): void {
    const now = this.#options.steadyMs()
    const seconds = (now - this.#sweptMs) / 1000
    this.#sweptMs = now
    for (const shelf of this.#shelves.values()) {
      shelf.level.tick(seconds)
      this.#dropUnfit(shelf)
      this.#refill(shelf)
    }
  }

  /** Wipes all, and voids what can be. */
  clear(): void {
    for (const shelf of this.#shelves.values()) this.#drop(shelf, () => true)
    this.#shelves.clear()
    this.#newest = undefined
  }

  close(): void {
    this.clear()
    this.#closed = true
  }

  #shelfFor(id: ShelfId): Shelf | undefined {
    const { limits } = this.#options
    if (limits.maxKeys === 0 || this.#closed) return undefined
    const name = nameOf(id)
    const known = this.#shelves.get(name)
    if (known !== undefined && known === this.#newest) return known
    this.#shelves.delete(name)
    const shelf: Shelf = known ?? {
      id,
      level: new StockLevel(limits),
      batches: [],
      filling: undefined,
      retryMs: 0,
      failures: 0,
    }
    if (known === undefined) this.#makePlace(id)
    this.#shelves.set(name, shelf)
    this.#newest = shelf
    return shelf
  }

  /** Whoever asks for many sizes, or for many peers, displaces what is unused longest: his own first. */
  #makePlace({ appId }: ShelfId): void {
    const { maxShelves, maxShelvesPerApp } = this.#options.limits
    const all = Array.from(this.#shelves).filter(([, shelf]) => !this.#isOrdered(shelf))
    const own = all.filter(([, { id }]) => id.appId === appId)
    const [victim] =
      own.length >= maxShelvesPerApp ? own : this.#shelves.size >= maxShelves ? all : []
    if (victim === undefined) return
    this.#drop(victim[1], () => true)
    this.#forget(victim[0])
  }

  #forget(name: string): void {
    if (this.#shelves.get(name) === this.#newest) this.#newest = undefined
    this.#shelves.delete(name)
  }

  /** What was made then, or before, is too old now. */
  #oldestMs({ id }: Shelf): number {
    const { steadyMs, limits, ttlMs } = this.#options
    return steadyMs() - Math.min(limits.maxAgeMs, ttlMs(id.appId) / 2)
  }

  #isUnfit(shelf: Shelf, { origin, batch }: Stocked): boolean {
    return origin.madeMs <= this.#oldestMs(shelf) || !this.#options.allowed(batch)
  }

  /** Keys of paths that the association has left. */
  #dropLeft(shelf: Shelf, path: string | undefined): void {
    this.#drop(shelf, (one) => path === undefined || (!one.ordered && one.pathQkdlIds !== path))
  }

  #dropUnfit(shelf: Shelf): void {
    this.#drop(shelf, (stocked) => this.#isUnfit(shelf, stocked))
  }

  #drop(shelf: Shelf, unfit: (stocked: Stocked) => boolean): void {
    if (!shelf.batches.some(unfit)) return
    shelf.batches = shelf.batches.filter((stocked) => {
      if (!unfit(stocked)) return true
      this.#bytes -= left(stocked) * (shelf.id.keySizeBits / 8 + KEY_ID_BYTES)
      stocked.batch.keys.wipe()
      if (stocked.next === 0 && stocked.isPart !== true)
        this.#options.maker.voidBatch(stocked.batch)
      return false
    })
  }

  #isOrdered({ id }: Shelf): boolean {
    return this.#options.ordered?.has(id) ?? false
  }

  #refill(shelf: Shelf): void {
    if (shelf.filling !== undefined || this.#closed) return
    if (this.#options.steadyMs() < shelf.retryMs) return
    const count = this.#isOrdered(shelf) ? this.#orderedCount(shelf) : this.#demandedCount(shelf)
    if (count < 1) return
    shelf.filling = this.#fill(shelf, count).finally(() => {
      shelf.filling = undefined
      this.#refill(shelf)
    })
  }

  #orderedCount({ id }: Shelf): number {
    const { limits, ordered } = this.#options
    const keyBytes = id.keySizeBits / 8 + KEY_ID_BYTES
    const room = Math.floor((limits.maxBytes - this.#bytes) / keyBytes)
    return Math.min(ordered?.wanted(id) ?? 0, room)
  }

  #demandedCount(shelf: Shelf): number {
    const { limits, room, promisedKeysPerS } = this.#options
    const { id, level } = shelf
    const promised = Math.min(limits.maxKeys, limits.coverS * promisedKeysPerS(id))
    const high = Math.max(level.high, Math.floor(promised))
    const held = heldIn(shelf)
    if (2 * held > high) return 0
    const keyBytes = id.keySizeBits / 8 + KEY_ID_BYTES
    return Math.min(high - held, room(id), Math.floor((limits.maxBytes - this.#bytes) / keyBytes))
  }

  /** Never rejects. */
  async #fill(shelf: Shelf, count: number): Promise<void> {
    const { maker, steadyMs, log } = this.#options
    const { id } = shelf
    const ordered = this.#isOrdered(shelf)
    try {
      const batches = await maker.make({
        masterSaeId: id.masterSaeId,
        legs: [{ appId: id.appId, slaveSaeIds: [id.slaveSaeId] }],
        count,
        keySizeBits: id.keySizeBits,
      })
      const madeMs = steadyMs()
      if (ordered) this.#options.ordered?.made(id, count)
      for (const batch of batches) {
        const pathQkdlIds = batch.legs.flatMap(({ carried }) => carried.pathQkdlIds).join(" ")
        const origin = originOf(batch, madeMs)
        const { nodes: _, madeMs: __, ...facts } = origin
        const count = batch.keyIds.length
        shelf.batches.push({ batch, origin, facts, pathQkdlIds, ordered, count, next: 0 })
        this.#bytes += count * (id.keySizeBits / 8 + KEY_ID_BYTES)
      }
      // Much may have changed while they were on their way.
      const kept = !this.#closed && this.#shelves.get(nameOf(id)) === shelf
      const path = maker.pathOf(id.appId)
      this.#drop(shelf, (one) => !kept || (!one.ordered && one.pathQkdlIds !== path))
      shelf.failures = 0
    } catch (cause) {
      shelf.failures += 1
      const wait = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** shelf.failures)
      shelf.retryMs = steadyMs() + wait
      const { appTag, message } = asQkdError(cause)
      log.debug({ appId: id.appId, appTag, reason: message }, "no key for the stock")
    }
  }
}
