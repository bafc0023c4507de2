// Who may still fetch which end key: the books of the destination. An end key is taken once by each entitled
// SAE, then it is spent; voided and expired are final (ETSI GS QKD 014, 5.4; THREATS T1, T3). Holds ids and
// marks, no key byte. Every change is made here at once, so that two requests never both succeed; the caller
// makes it durable before anything leaves the house.

import { QkdError } from "../errors.js"
import { uuidBytes } from "./bytes.js"
import { wordsOf } from "./id-table.js"
import { KeyIndex } from "./key-index.js"
import { RecentIds } from "./recent-ids.js"
import type { Consignment } from "./relay-header.js"

/** What is told of a key's path to those who get the key; absent members are not known. */
export interface KeyPathFacts {
  /** Physical links of the path; of several, of the longest. */
  readonly links?: number
  /** Paths without a common node that it was shared over. */
  readonly disjointPaths?: number
  /** Bound on how far it may be from an ideal key, summed over the hops of its path or paths. */
  readonly epsilon?: number
}

/** A batch of end keys that came over the relay and waits here. */
export interface KeyBatch extends KeyPathFacts {
  readonly offer: Consignment
  /** In the caller's steady time; the batch is void from then on. */
  readonly expiresMs: number
  /** `taken[k]` holds a bit for each slave (in the offer's order) that has fetched key k; all and `VOID` where it was taken back. */
  readonly taken: number[]
}

/** Keys of a batch that follow each other. */
export interface KeyRun {
  readonly batch: KeyBatch
  readonly from: number
  count: number
}

export interface Taken {
  /** The keys, in the order they were asked for. */
  readonly runs: readonly Readonly<KeyRun>[]
  /** Batches with keys left: their marks must be rewritten. */
  readonly changed: readonly KeyBatch[]
  /** Batches with nothing left: they must be removed. */
  readonly finished: readonly KeyBatch[]
}

export const DELIVERY_LIMITS = { keys: 100_000, tombstones: 65_536, earlyVoids: 4096 } as const

/** Beside the marks of all slaves: nobody has this key, and nobody gets it. Beyond the slaves' own (RELAY_LIMITS). */
const VOID = 2 ** 50

export interface VoidedKey {
  readonly outcome: "voided" | "unknown" | "too-late"
  /** Its batch, whose marks must be rewritten, or that must be removed, since nothing is left of it. */
  readonly changed?: KeyBatch
  readonly finished?: KeyBatch
}

interface Entry {
  readonly batch: KeyBatch
  /** Ids of its keys, and the number of the batch in the index of keys. */
  readonly words: Int32Array
  number: number
  /** The marks of a key that every slave has. */
  readonly allTaken: number
  /** Keys that some slave may still fetch. */
  left: number
  deliverable: boolean
}

export class DeliveryLedger {
  readonly #batches = new Map<string, Entry>()
  readonly #keys: KeyIndex<Entry>
  /** Ids of transfers that are spent, void or expired; those of their keys are in `#keys`. */
  readonly #over = new RecentIds(DELIVERY_LIMITS.tombstones)
  /**
   * Voids that overtook their keys, with who said so: nobody voids what is another's, and whoever voids what never
   * was displaces no tombstone.
   */
  readonly #early = new RecentIds(DELIVERY_LIMITS.earlyVoids)

  /** Those that were taken back, of this process: who asks again hears the same. */
  readonly #voided = new RecentIds(DELIVERY_LIMITS.earlyVoids)

  /** @param seed see `IdTable` */
  constructor(seed = 0) {
    this.#keys = new KeyIndex(DELIVERY_LIMITS.tombstones, seed)
  }

  get keyCount(): number {
    return this.#keys.heldCount
  }

  /** From the store, at start. */
  restore(batch: KeyBatch): void {
    this.#add(batch, wordsOf(uuidBytes(batch.offer.keyIds)), true)
  }

  /** A batch that was over when the store was written. */
  bury(transferId: string, keyIds: readonly string[]): void {
    this.#over.add(transferId)
    this.#keys.bury(wordsOf(uuidBytes(keyIds)))
  }

  /**
   * What to do with a batch that arrived. `new`: it is in the books now, not deliverable until `stored`.
   * `again`: the same batch is held; compare the bytes (same: acknowledge again, other: refuse).
   *
   * @throws QkdError `data-exists` when an id belongs to another batch or is over; `resource-denied` when full.
   */
  offer(batch: KeyBatch): "new" | "again" {
    const { offer } = batch
    const held = this.#batches.get(offer.transferId)
    if (held !== undefined) {
      if (sameOffer(held.batch.offer, offer)) return "again"
      throw new QkdError("data-exists", "the transfer id is taken")
    }
    if (this.#over.has(offer.transferId) || this.#early.has(earlyVoid(offer)))
      throw new QkdError("data-exists", "the keys are spent or void")
    const words = wordsOf(uuidBytes(offer.keyIds))
    const state = this.#keys.stateOfAny(words)
    if (state === "over") throw new QkdError("data-exists", "the keys are spent or void")
    if (state === "held") throw new QkdError("data-exists", "a key id is taken")
    if (this.keyCount + offer.keyIds.length > DELIVERY_LIMITS.keys)
      throw new QkdError("resource-denied", "too many undelivered keys")
    this.#add(batch, words, false)
    return "new"
  }

  /** The batch is durable: deliverable from now on. False when it was voided meanwhile. */
  stored(transferId: string): boolean {
    const entry = this.#batches.get(transferId)
    if (entry === undefined) return false
    entry.deliverable = true
    return true
  }

  holds(transferId: string): KeyBatch | undefined {
    return this.#batches.get(transferId)?.batch
  }

  /** Held, or spent, void or expired. */
  isKnown(transferId: string): boolean {
    return this.#batches.has(transferId) || this.#over.has(transferId)
  }

  /**
   * Takes all of the keys for this SAE, or none.
   *
   * @throws QkdError `access-denied` when the SAE was not named for one of them or the master differs;
   * `data-missing` when one is unknown, spent, void or expired (all alike).
   */
  take(slaveSaeId: string, masterSaeId: string, keyIds: readonly string[], nowMs: number): Taken {
    const found = new Int32Array(keyIds.length)
    let [count, last] = [0, -1]
    let missing = false
    let foreign = false
    let reader: Reader | undefined
    // Every id is looked at, whatever the ones before it gave: the answer takes the same time.
    this.#keys.ask(keyIds)
    for (let nth = 0; nth < keyIds.length; nth++) {
      const place = this.#keys.find(nth, last + 1)
      const entry = this.#keys.ownerAt(place)
      if (entry?.deliverable !== true) {
        missing = true
        continue
      }
      if (reader?.entry !== entry) reader = readerOf(entry, slaveSaeId, masterSaeId)
      last = place
      const { taken, expiresMs } = entry.batch
      const index = this.#keys.indexAt(place)
      const marks = taken[index] ?? 0
      if (!reader.entitled) foreign = true
      else if (expiresMs <= nowMs || hasBit(marks, reader.slave)) missing = true
      else {
        // At once: an id that is named twice finds its key taken.
        taken[index] = marks + reader.mark
        found[count++] = place
      }
    }
    const places = found.subarray(0, count)
    if (!foreign && !missing) return this.#settle(places)
    for (const place of places) {
      const batch = this.#keys.ownerAt(place)?.batch
      const index = this.#keys.indexAt(place)
      if (batch === undefined) continue
      batch.taken[index] =
        (batch.taken[index] ?? 0) - 2 ** batch.offer.slaveSaeIds.indexOf(slaveSaeId)
    }
    if (foreign) throw new QkdError("access-denied", "not named for one or more of the keys")
    throw new QkdError("data-missing", "one or more keys specified are not found on KME")
  }

  /** The source takes the batch back. `too-late`: somebody has fetched one of its keys, or may have. */
  voidBatch(transferId: string, source: string): "voided" | "unknown" | "too-late" {
    const entry = this.#batches.get(transferId)
    if (this.#voided.has(earlyVoid({ transferId, source }))) return "voided"
    if (entry === undefined) {
      if (this.#over.has(transferId)) return "too-late"
      this.#early.add(earlyVoid({ transferId, source }))
      return "unknown"
    }
    const { offer, taken } = entry.batch
    if (offer.source !== source) return "unknown"
    if (taken.some((bits) => bits !== 0 && bits < VOID)) return "too-late"
    this.#remove(entry)
    this.#voided.add(earlyVoid(offer))
    return "voided"
  }

  /** The source takes one key of a batch back: what `voidBatch` is to all of them. */
  voidKey(keyId: string, source: string): VoidedKey {
    const name = earlyVoid({ transferId: keyId, source })
    if (this.#voided.has(name)) return { outcome: "voided" }
    this.#keys.ask([keyId])
    const place = this.#keys.find(0)
    const entry = this.#keys.ownerAt(place)
    if (entry === undefined) {
      const isOver = this.#keys.state(wordsOf(uuidBytes([keyId])), 0) === "over"
      return { outcome: isOver ? "too-late" : "unknown" }
    }
    const { batch, allTaken } = entry
    if (batch.offer.source !== source) return { outcome: "unknown" }
    const index = this.#keys.indexAt(place)
    const marks = batch.taken[index] ?? 0
    if (marks >= VOID) return { outcome: "voided" }
    if (marks !== 0 || !entry.deliverable) return { outcome: "too-late" }
    batch.taken[index] = allTaken + VOID
    entry.left -= 1
    this.#voided.add(name)
    if (entry.left > 0) return { outcome: "voided", changed: batch }
    this.#remove(entry)
    return { outcome: "voided", finished: batch }
  }

  /** Batches whose time is over; they are out of the books now. */
  expire(nowMs: number): KeyBatch[] {
    const over = Array.from(this.#batches.values()).filter(({ batch }) => batch.expiresMs <= nowMs)
    for (const entry of over) this.#remove(entry)
    return over.map(({ batch }) => batch)
  }

  /** Everything, when the store proves to be rolled back. */
  clear(): void {
    for (const { words, number } of this.#batches.values()) this.#keys.drop(words, number)
    this.#batches.clear()
  }

  #add(batch: KeyBatch, words: Int32Array, deliverable: boolean): void {
    const { transferId, slaveSaeIds } = batch.offer
    const allTaken = 2 ** slaveSaeIds.length - 1
    const left = batch.taken.reduce(
      (sum, marks) => sum + (marks === allTaken || marks >= VOID ? 0 : 1),
      0,
    )
    const entry = { batch, words, number: 0, allTaken, left, deliverable }
    entry.number = this.#keys.hold(words, entry)
    this.#batches.set(transferId, entry)
  }

  #remove({ batch, words, number }: Entry): void {
    const { transferId } = batch.offer
    this.#batches.delete(transferId)
    this.#over.add(transferId)
    this.#keys.leave(words, number)
  }

  /** These are taken: which batches have changed, and which have nothing left. */
  #settle(places: Int32Array): Taken {
    const runs: KeyRun[] = []
    const touched = new Set<Entry>()
    let [last, run] = [-1, undefined as KeyRun | undefined]
    for (const place of places) {
      const entry = this.#keys.ownerAt(place)
      if (entry === undefined) continue
      const index = this.#keys.indexAt(place)
      if (entry.batch.taken[index] === entry.allTaken) entry.left -= 1
      if (run !== undefined && place === last + 1 && run.batch === entry.batch) run.count += 1
      else {
        run = { batch: entry.batch, from: index, count: 1 }
        runs.push(run)
        touched.add(entry)
      }
      last = place
    }
    const entries = Array.from(touched)
    const finished = entries.filter(({ left }) => left === 0)
    for (const entry of finished) this.#remove(entry)
    return {
      runs,
      changed: entries.filter(({ left }) => left > 0).map(({ batch }) => batch),
      finished: finished.map(({ batch }) => batch),
    }
  }
}

/** What an SAE is to a batch. */
interface Reader {
  readonly entry: Entry
  readonly entitled: boolean
  /** Which of the slaves, and its mark. */
  readonly slave: number
  readonly mark: number
}

function readerOf(entry: Entry, slaveSaeId: string, masterSaeId: string): Reader {
  const { offer } = entry.batch
  const slave = offer.slaveSaeIds.indexOf(slaveSaeId)
  const entitled = slave >= 0 && offer.masterSaeId === masterSaeId
  return { entry, entitled, slave, mark: 2 ** slave }
}

function earlyVoid({ transferId, source }: { transferId: string; source: string }): string {
  return `${transferId} ${source}`
}

/** Whether this SAE has key `index` of the batch, or never may. */
export function hasTaken({ offer, taken }: KeyBatch, index: number, saeId: string): boolean {
  const slave = offer.slaveSaeIds.indexOf(saeId)
  return slave < 0 || hasBit(taken[index] ?? 0, slave)
}

/** Every entitled SAE has it: its bytes need not be kept. */
export function isSpent(batch: KeyBatch, index: number): boolean {
  const bits = batch.taken[index] ?? 0
  return batch.offer.slaveSaeIds.every((_, slave) => hasBit(bits, slave))
}

// A message names up to 48 slaves (RELAY_LIMITS): too many for 32-bit operators, exact in 53 bits.
function hasBit(bits: number, place: number): boolean {
  return Math.floor(bits / 2 ** place) % 2 === 1
}

function sameOffer(a: Consignment, b: Consignment): boolean {
  return (
    a.appId === b.appId &&
    a.source === b.source &&
    a.pathQkdlId === b.pathQkdlId &&
    a.masterSaeId === b.masterSaeId &&
    a.keySizeBits === b.keySizeBits &&
    a.slaveSaeIds.join("\n") === b.slaveSaeIds.join("\n") &&
    a.keyIds.join() === b.keyIds.join()
  )
}
