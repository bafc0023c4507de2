// Who may still fetch which end key: the books of the destination. An end key is taken once by each entitled
// SAE, then it is spent; voided and expired are final (ETSI GS QKD 014, 5.4; THREATS T1, T3). Holds ids and
// marks, no key byte. Every change is made here at once, so that two requests never both succeed; the caller
// makes it durable before anything leaves the house.

import { QkdError } from "../errors.js"
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
  /** `taken[k]` holds a bit for each slave (in the offer's order) that has fetched key k. */
  readonly taken: number[]
}

/** One key of a batch. */
export interface KeyPlace {
  readonly transferId: string
  readonly index: number
}

export interface Taken {
  readonly places: readonly KeyPlace[]
  /** Batches with keys left: their marks must be rewritten. */
  readonly changed: readonly KeyBatch[]
  /** Batches with nothing left: they must be removed. */
  readonly finished: readonly KeyBatch[]
}

export const DELIVERY_LIMITS = { keys: 100_000, tombstones: 65_536, earlyVoids: 4096 } as const

interface Entry {
  readonly batch: KeyBatch
  /** The marks of a key that every slave has. */
  readonly allTaken: number
  /** Keys that some slave may still fetch. */
  left: number
  deliverable: boolean
}

export class DeliveryLedger {
  readonly #batches = new Map<string, Entry>()
  readonly #keys = new Map<string, KeyPlace>()
  /** Ids of keys and transfers that are spent, void or expired. */
  readonly #over = new RecentIds(DELIVERY_LIMITS.tombstones)
  /**
   * Voids that overtook their keys, with who said so: nobody voids what is another's, and whoever voids what never
   * was displaces no tombstone.
   */
  readonly #early = new RecentIds(DELIVERY_LIMITS.earlyVoids)

  /** Those that were taken back, of this process: who asks again hears the same. */
  readonly #voided = new RecentIds(DELIVERY_LIMITS.earlyVoids)

  get keyCount(): number {
    return this.#keys.size
  }

  /** From the store, at start. */
  restore(batch: KeyBatch): void {
    this.#add(batch, true)
  }

  bury(id: string): void {
    this.#over.add(id)
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
    const ids = [offer.transferId, ...offer.keyIds]
    if (ids.some((id) => this.#over.has(id)) || this.#early.has(earlyVoid(offer)))
      throw new QkdError("data-exists", "the keys are spent or void")
    if (offer.keyIds.some((id) => this.#keys.has(id)))
      throw new QkdError("data-exists", "a key id is taken")
    if (this.#keys.size + offer.keyIds.length > DELIVERY_LIMITS.keys)
      throw new QkdError("resource-denied", "too many undelivered keys")
    this.#add(batch, false)
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
    const places: KeyPlace[] = []
    let missing = new Set(keyIds).size !== keyIds.length
    let foreign = false
    // Every id is looked at, whatever the ones before it gave: the answer takes the same time.
    for (const id of keyIds) {
      const place = this.#keys.get(id)
      const entry = place && this.#batches.get(place.transferId)
      if (place === undefined || entry === undefined || !entry.deliverable) {
        missing = true
        continue
      }
      const { offer, taken, expiresMs } = entry.batch
      const slave = offer.slaveSaeIds.indexOf(slaveSaeId)
      if (slave < 0 || offer.masterSaeId !== masterSaeId) foreign = true
      else if (expiresMs <= nowMs || hasBit(taken[place.index] ?? 0, slave)) missing = true
      else places.push(place)
    }
    if (foreign) throw new QkdError("access-denied", "not named for one or more of the keys")
    if (missing)
      throw new QkdError("data-missing", "one or more keys specified are not found on KME")
    return this.#mark(places, slaveSaeId)
  }

  /** The source takes the batch back. `too-late`: somebody has fetched one of its keys, or may have. */
  voidBatch(transferId: string, source: string): "voided" | "unknown" | "too-late" {
    const batch = this.#batches.get(transferId)?.batch
    if (this.#voided.has(earlyVoid({ transferId, source }))) return "voided"
    if (batch === undefined) {
      if (this.#over.has(transferId)) return "too-late"
      this.#early.add(earlyVoid({ transferId, source }))
      return "unknown"
    }
    if (batch.offer.source !== source) return "unknown"
    if (batch.taken.some((bits) => bits !== 0)) return "too-late"
    this.#remove(batch)
    this.#voided.add(earlyVoid(batch.offer))
    return "voided"
  }

  /** Batches whose time is over; they are out of the books now. */
  expire(nowMs: number): KeyBatch[] {
    const over = Array.from(this.#batches.values(), ({ batch }) => batch).filter(
      ({ expiresMs }) => expiresMs <= nowMs,
    )
    for (const batch of over) this.#remove(batch)
    return over
  }

  /** Everything, when the store proves to be rolled back. */
  clear(): void {
    this.#batches.clear()
    this.#keys.clear()
  }

  #add(batch: KeyBatch, deliverable: boolean): void {
    const { transferId, keyIds } = batch.offer
    const allTaken = 2 ** batch.offer.slaveSaeIds.length - 1
    const left = keyIds.reduce((sum, _, at) => sum + (batch.taken[at] === allTaken ? 0 : 1), 0)
    this.#batches.set(transferId, { batch, allTaken, left, deliverable })
    for (const [index, id] of keyIds.entries()) this.#keys.set(id, { transferId, index })
  }

  #remove(batch: KeyBatch): void {
    this.#batches.delete(batch.offer.transferId)
    this.#over.add(batch.offer.transferId)
    for (const id of batch.offer.keyIds) {
      this.#keys.delete(id)
      this.#over.add(id)
    }
  }

  #mark(places: readonly KeyPlace[], slaveSaeId: string): Taken {
    const touched = new Set<Entry>()
    for (const { transferId, index } of places) {
      const entry = this.#batches.get(transferId)
      if (entry === undefined) continue
      const { offer, taken } = entry.batch
      const marks = setBit(taken[index] ?? 0, offer.slaveSaeIds.indexOf(slaveSaeId))
      taken[index] = marks
      if (marks === entry.allTaken) entry.left -= 1
      touched.add(entry)
    }
    const changed: KeyBatch[] = []
    const finished: KeyBatch[] = []
    for (const { batch, left } of touched) (left > 0 ? changed : finished).push(batch)
    for (const batch of finished) this.#remove(batch)
    return { places, changed, finished }
  }
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

function setBit(bits: number, place: number): number {
  return hasBit(bits, place) ? bits : bits + 2 ** place
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
