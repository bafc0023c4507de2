// The end keys that wait at this node for their SAEs: stored sealed, handed out once per entitled SAE with the
// mark on disk before the bytes leave, erased when all have them, voided or expired. Decisions: `DeliveryLedger`.

import { timingSafeEqual } from "node:crypto"
import { QkdError } from "../errors.js"
import { ByteReader, ByteWriter, UUID_BYTES } from "../keys/bytes.js"
import { DeliveryLedger, isSpent } from "../keys/delivery.js"
import type { KeyBatch, KeyPathFacts } from "../keys/delivery.js"
import { epsilonToWire } from "../keys/epsilon.js"
import { consignmentBytes, readConsignment } from "../keys/relay-header.js"
import { readEpsilon, RELAY_LIMITS, writeConsignment } from "../keys/relay-header.js"
import type { Consignment } from "../keys/relay-header.js"
import { Secret } from "../keys/secret.js"
import type { KeyStore, StoreOp } from "./key-store.js"
import { endKeys, joined } from "./made-batch.js"
import type { EndKey } from "./ports.js"
import { BATCH_PREFIX, batchKey, OVER_PREFIX, overKey } from "./records.js"
import { unmovedBuffer } from "../unmoved.js"

/** How long it is remembered that a batch is over, beyond the newest 65,536 ids in memory. */
const OVER_MS = 86_400_000
const MAX_OVER = 8192
const MARK_BYTES = 8

/** Keys that leave, in the order they were asked for, and how many bits of which application's. */
export interface TakenKeys {
  readonly keys: EndKey[]
  readonly bits: readonly { readonly appId: string; readonly bits: number }[]
}

export class EndKeys {
  readonly #store: KeyStore
  readonly #steadyMs: () => number
  readonly #ledger: DeliveryLedger
  /** Batches that are over, oldest first, and since when. */
  readonly #over = new Map<string, number>()
  /** Where records are written, one after the other. */
  #room = unmovedBuffer(0)
  /** Some of what is here is from before this process began. */
  readonly fromEarlierRuns: boolean

  constructor(store: KeyStore, steadyMs: () => number, random: (bytes: number) => Uint8Array) {
    this.#ledger = new DeliveryLedger(Buffer.from(random(4)).readUInt32BE(0))
    this.#store = store
    this.#steadyMs = steadyMs
    for (const { key } of store.list(OVER_PREFIX)) this.#restoreOver(key)
    for (const { key } of store.list(BATCH_PREFIX)) {
      const record = store.get(key)
      record?.use((bytes) => {
        this.#ledger.restore(decodeBatch(bytes).batch)
      })
      record?.wipe()
    }
    this.fromEarlierRuns = this.#ledger.keyCount > 0
  }

  get count(): number {
    return this.#ledger.keyCount
  }

  /**
   * Stores a batch; resolves once it is durable and deliverable. The same batch again resolves again. `keys`
   * is lent.
   *
   * @throws QkdError `data-exists` for other bytes under the same ids, or ids that are over;
   * `resource-denied` when too many wait.
   */
  async put(offer: Consignment, keys: Secret, facts: KeyPathFacts = {}): Promise<void> {
    const batch: KeyBatch = {
      offer,
      expiresMs: this.#steadyMs() + offer.ttlS * 1000,
      ...facts,
      taken: new Array<number>(offer.keyIds.length).fill(0),
    }
    if (this.#ledger.offer(batch) === "again") {
      if (!this.#holdsSame(offer.transferId, keys))
        throw new QkdError("data-exists", "the same ids were given to other keys")
      await this.#store.commit([], { quiet: true })
      return
    }
    const record = this.#encodeNew(batch, keys)
    const durable = this.#store.commit([{ key: batchKey(offer.transferId), value: record }])
    record.fill(0)
    await durable
    if (!this.#ledger.stored(offer.transferId))
      throw new QkdError("data-missing", "voided while it was being stored")
  }

  /** The batch as the books have it now, without its keys. */
  look(transferId: string): KeyBatch | undefined {
    return this.#ledger.holds(transferId)
  }

  /** The batch is held, or over. */
  isKnown(transferId: string): boolean {
    return this.#ledger.isKnown(transferId)
  }

  /** See `KeyManager.takeKeys`. */
  async take(
    slaveSaeId: string,
    masterSaeId: string,
    keyIds: readonly string[],
  ): Promise<TakenKeys> {
    const taken = this.#ledger.take(slaveSaeId, masterSaeId, keyIds, this.#steadyMs())
    const records = new Map<string, Secret>()
    const runs: EndKey[][] = []
    let given = 0
    const bits: { appId: string; bits: number }[] = []
    try {
      for (const { offer } of [...taken.changed, ...taken.finished]) {
        const record = this.#store.get(batchKey(offer.transferId))
        if (record === undefined) throw new QkdError("data-missing", "a batch is not in the store")
        records.set(offer.transferId, record)
      }
      for (const { batch, from, count } of taken.runs) {
        const { transferId, appId, keySizeBits } = batch.offer
        const record = records.get(transferId)
        if (record === undefined) continue
        const size = keySizeBits / 8
        const first = record.lengthBytes - consignmentBytes(batch.offer) + from * size
        // What is asked for as it came, and is over by it, leaves where it lies.
        const isLast = taken.runs.length === 1 && taken.finished.length === 1
        const keys = isLast ? record.divide(first, size, count) : record.parts(first, size, count)
        runs.push(endKeys(keyIds, given, keys, factsOf(batch)))
        given += count
        bits.push({ appId, bits: count * keySizeBits })
      }
      const ops = [
        ...taken.changed.map((batch) => this.#changed(batch, records)),
        ...taken.finished.flatMap((batch) => this.#finished(batch)),
      ]
      const durable = this.#store.commit(ops)
      // Sealed already: what is left of the batch must not stay in the heap.
      for (const { value } of ops) value?.fill(0)
      await durable
      return { keys: joined(runs), bits }
    } catch (cause) {
      // The marks stay: what may or may not be on disk as delivered is not offered again.
      for (const run of runs) for (const { key } of run) key.wipe()
      throw cause
    } finally {
      for (const record of records.values()) record.wipe()
    }
  }

  /** The source takes a batch back; or one key, where it names that. */
  async voidBatch(transferId: string, source: string): Promise<"voided" | "unknown" | "too-late"> {
    const batch = this.#ledger.holds(transferId)
    if (batch === undefined && !this.#ledger.isKnown(transferId)) {
      const { outcome, changed, finished } = this.#ledger.voidKey(transferId, source)
      if (changed !== undefined) await this.#rewrite(changed)
      if (finished !== undefined) await this.#store.commit(this.#finished(finished))
      if (outcome !== "unknown") return outcome
    }
    const outcome = this.#ledger.voidBatch(transferId, source)
    if (outcome === "voided" && batch !== undefined) await this.#store.commit(this.#finished(batch))
    return outcome
  }

  /** Once a second: what has expired is erased. Returns how many keys that were. */
  async sweep(): Promise<number> {
    const now = this.#steadyMs()
    const expired = this.#ledger.expire(now)
    const ops = expired.flatMap((batch) => this.#finished(batch))
    for (const [transferId, sinceMs] of this.#over) {
      if (this.#over.size <= MAX_OVER && now - sinceMs < OVER_MS) break
      this.#over.delete(transferId)
      ops.push({ key: overKey(transferId), value: null })
    }
    if (ops.length > 0) await this.#store.commit(ops)
    return expired.reduce((sum, { offer }) => sum + offer.keyIds.length, 0)
  }

  /** Forgets everything in memory: the store is being emptied. */
  clear(): void {
    this.#ledger.clear()
    this.#over.clear()
  }

  async #rewrite(batch: KeyBatch): Promise<void> {
    const { transferId } = batch.offer
    const record = this.#store.get(batchKey(transferId))
    if (record === undefined) throw new QkdError("data-missing", "a batch is not in the store")
    const op = this.#changed(batch, new Map([[transferId, record]]))
    record.wipe()
    const durable = this.#store.commit([op])
    // Sealed already.
    op.value?.fill(0)
    await durable
  }

  #holdsSame(transferId: string, keys: Secret): boolean {
    const record = this.#store.get(batchKey(transferId))
    const same = record?.use((bytes) => {
      const held = decodeBatch(bytes).keys
      return keys.use((offered) => held.length === offered.length && timingSafeEqual(held, offered))
    })
    record?.wipe()
    return same === true
  }

  /** `[consignment][8 expiry][8 epsilon][1 links, 1 disjoint paths][8 marks of each key][keys]`: lent, to be wiped. */
  #encodeNew(batch: KeyBatch, keys: Secret): Buffer {
    const { offer, taken } = batch
    const head = writeConsignment(new ByteWriter(this.#room), offer)
      .u64(BigInt(Math.floor(batch.expiresMs)))
      .f64(epsilonToWire(batch.epsilon))
      .u8(batch.links ?? UNKNOWN)
      .u8(batch.disjointPaths ?? UNKNOWN)
      // Nobody has one of them yet.
      .zeros(MARK_BYTES * taken.length)
      .finish()
    const lengthBytes = head.length + keys.lengthBytes
    // Before the keys come in: what grows leaves copies.
    if (this.#room.length < lengthBytes) this.#room = unmovedBuffer(lengthBytes)
    const record = this.#room.subarray(0, lengthBytes)
    record.set(head)
    keys.use((bytes) => {
      record.set(bytes, head.length)
    })
    return record
  }

  /** The record with its new marks, and without the bytes of keys that all entitled SAEs have. */
  #changed(batch: KeyBatch, records: ReadonlyMap<string, Secret>): StoreOp {
    const key = batchKey(batch.offer.transferId)
    const record = records.get(batch.offer.transferId)
    const value = record?.use((bytes) => {
      const { taken, offer } = batch
      const size = offer.keySizeBits / 8
      const copy = unmovedBuffer(bytes.length)
      copy.set(bytes)
      const keysAt = copy.length - consignmentBytes(offer)
      const marksAt = keysAt - taken.length * MARK_BYTES
      for (const [index, marks] of taken.entries()) {
        const at = copy.writeUInt32BE(Math.floor(marks / 2 ** 32), marksAt + index * MARK_BYTES)
        copy.writeUInt32BE(marks % 2 ** 32, at)
        if (isSpent(batch, index)) copy.fill(0, keysAt + index * size, keysAt + (index + 1) * size)
      }
      return copy
    })
    return { key, value: value ?? null }
  }

  #finished(batch: KeyBatch): StoreOp[] {
    const { transferId, keyIds } = batch.offer
    const now = this.#steadyMs()
    this.#over.set(transferId, now)
    const value = new ByteWriter(64 + UUID_BYTES * keyIds.length)
      .u64(BigInt(Math.floor(now)))
      .uuids(keyIds)
      .finish()
    return [
      { key: batchKey(transferId), value: null },
      { key: overKey(transferId), value },
    ]
  }

  #restoreOver(key: Buffer): void {
    const transferId = new ByteReader(key.subarray(1), "record").uuid()
    let keyIds: readonly string[] = []
    this.#store.get(key)?.use((bytes) => {
      const reader = new ByteReader(bytes, "record of a batch that is over")
      this.#over.set(transferId, Number(reader.u64()))
      keyIds = reader.uuids(RELAY_LIMITS.keys)
    })
    this.#ledger.bury(transferId, keyIds)
  }
}

/** `keys` is a view. */
function decodeBatch(bytes: Uint8Array): { batch: KeyBatch; keys: Uint8Array } {
  const reader = new ByteReader(bytes, "record of end keys")
  const offer = readConsignment(reader)
  const expiresMs = Number(reader.u64())
  const facts = readFacts(reader)
  const taken = offer.keyIds.map(() => Number(reader.u64()))
  const keys = reader.raw(consignmentBytes(offer))
  reader.end()
  return {
    batch: { offer, expiresMs, ...facts, taken },
    keys,
  }
}

/** Of keys whose path nobody told. A path has far fewer links. */
const UNKNOWN = 0xff

function readFacts(reader: ByteReader): KeyPathFacts {
  const epsilon = readEpsilon(reader)
  const [links, disjointPaths] = [reader.u8(), reader.u8()]
  return {
    ...(epsilon !== undefined && { epsilon }),
    ...(links !== UNKNOWN && { links }),
    ...(disjointPaths !== UNKNOWN && { disjointPaths }),
  }
}

function factsOf({ epsilon, links, disjointPaths }: KeyBatch): KeyPathFacts {
  return {
    ...(epsilon !== undefined && { epsilon }),
    ...(links !== undefined && { links }),
    ...(disjointPaths !== undefined && { disjointPaths }),
  }
}
