// Where a node's link keys and undelivered end keys survive: LMDB, every value sealed under an epoch key
// (`epoch-keys.ts`). Writes of one moment share one disk flush. Knows records, not what they mean. One process
// a store: a second one that opens it makes the first refuse to write.

import { mkdirSync } from "node:fs"
import path from "node:path"
import { open } from "lmdb"
import type { RootDatabase } from "lmdb"
import { QkdError } from "../errors.js"
import { ByteReader, ByteWriter, uuidFrom } from "../keys/bytes.js"
import { coversMark, readCount, readMark, writeMark } from "../keys/store-mark.js"
import type { PastRun, StoreMark } from "../keys/store-mark.js"
import type { Secret } from "../keys/secret.js"
import { EpochKeys, epochOf, SEAL_BYTES } from "./epoch-keys.js"
import { freshMark, recordName } from "./key-store.js"
import type { KeyStore, StoredRecord, StoreOp } from "./key-store.js"

export interface SealedStoreOptions {
  readonly dir: string
  /** 32 bytes; lent for the life of the store. */
  readonly sealingKey: Secret
  readonly now: () => number
  readonly random: (bytes: number) => Uint8Array
  /** A new epoch key after so many sealed bytes, or so long. */
  readonly epochBytes?: number
  readonly epochMs?: number
  /** Epochs kept at most; records of older ones are sealed anew, so that theirs can be shredded. */
  readonly maxEpochs?: number
}

const META = Buffer.from("\0meta", "latin1")
const PAST = Buffer.from("\0past", "latin1")
/** Restarts that are remembered; a mark older than that is refused as well, for want of its run. */
const MAX_PAST = 1024

interface Pending {
  readonly puts: readonly { readonly key: Uint8Array; readonly sealed: Buffer | null }[]
  readonly quiet: boolean
  /** The store becomes a new one with this write. */
  readonly become?: StoreMark
  readonly done: () => void
  readonly failed: (error: QkdError) => void
}

interface Entry {
  epoch: number
  lengthBytes: number
}

export class SealedStore implements KeyStore {
  readonly #options: SealedStoreOptions
  readonly #db: RootDatabase<Buffer, Uint8Array>
  readonly #epochs: EpochKeys
  readonly #index = new Map<string, Entry>()
  #queue: Pending[] = []
  #flushing: Promise<void> | undefined
  #sweeping: Promise<void> | undefined
  #fault: QkdError | undefined
  #mark: StoreMark
  #past: PastRun[] = []
  #lastTimeMs: number
  #metaOnDisk: Buffer | undefined
  #epochBegunMs: number
  #epochSealedBytes = 0

  /**
   * @throws QkdError `access-denied` when the sealing key is another's, `operation-failed` when the store is
   * damaged.
   */
  static async open(options: SealedStoreOptions): Promise<SealedStore> {
    if (options.sealingKey.lengthBytes !== 32)
      throw new QkdError("invalid-value", "the sealing key has 32 bytes")
    mkdirSync(options.dir, { recursive: true, mode: 0o700 })
    const records = path.join(options.dir, "records")
    // LMDB would make it for everybody to read.
    mkdirSync(records, { recursive: true, mode: 0o700 })
    const epochs = new EpochKeys(options.dir, options.sealingKey, options.random)
    const db = open<Buffer, Uint8Array>({
      path: records,
      encoding: "binary",
      keyEncoding: "binary",
      cache: false,
      compression: false,
      // Promises resolve when the data is on disk, not when it is visible.
      overlappingSync: false,
      // No stray heap bytes in the file.
      noMemInit: false,
    })
    try {
      const store = new SealedStore(options, db, epochs)
      await store.commit([store.#pastRecord()])
      return store
    } catch (cause) {
      await db.close()
      epochs.close()
      throw cause
    }
  }

  private constructor(
    options: SealedStoreOptions,
    db: RootDatabase<Buffer, Uint8Array>,
    epochs: EpochKeys,
  ) {
    this.#options = options
    this.#db = db
    this.#epochs = epochs
    const now = options.now()
    this.#metaOnDisk = db.getBinary(META)
    if (this.#metaOnDisk === undefined) {
      // The first write brings the mark along, and nothing removes it: somebody else did, and with it the memory
      // of how old these records are.
      if (db.getKeysCount({ limit: 1 }) > 0)
        throw new QkdError("operation-failed", "the key store is damaged: its mark is missing")
      this.#mark = freshMark(now, options.random)
      this.#lastTimeMs = now
    } else {
      const meta = epochs.open(META, this.#metaOnDisk)
      const { mark, lastTimeMs } = meta.use((bytes) => {
        const reader = new ByteReader(bytes, "key store")
        return { mark: readMark(reader), lastTimeMs: Number(reader.u64()) }
      })
      this.#past = [...this.#readPast(), { runId: mark.runId, writes: mark.writes }]
      this.#mark = {
        ...mark,
        generation: mark.generation + 1,
        runId: uuidFrom(options.random(16)),
      }
      this.#lastTimeMs = Math.max(now, lastTimeMs)
    }
    for (const { key, value } of db.getRange({})) {
      this.#index.set(recordName(key), {
        epoch: epochOf(value),
        lengthBytes: value.length - SEAL_BYTES,
      })
    }
    // Each process seals under an epoch of its own: its counter of nonces starts at zero.
    epochs.begin()
    this.#epochBegunMs = now
  }

  get mark(): StoreMark {
    return this.#mark
  }

  covers(seen: StoreMark): boolean {
    return coversMark(this.#mark, this.#past, seen)
  }

  get lastTimeMs(): number {
    return this.#lastTimeMs
  }

  get(key: Uint8Array): Secret | undefined {
    const sealed = this.#db.getBinary(key)
    return sealed === undefined ? undefined : this.#epochs.open(key, sealed)
  }

  list(prefix: Uint8Array): StoredRecord[] {
    const start = recordName(prefix)
    const found: StoredRecord[] = []
    for (const [name, { lengthBytes }] of this.#index) {
      if (name.startsWith(start)) found.push({ key: Buffer.from(name, "latin1"), lengthBytes })
    }
    return found
  }

  commit(
    ops: readonly StoreOp[],
    options: { quiet?: boolean; become?: StoreMark } = {},
  ): Promise<void> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    const puts = ops.map(({ key, value }) => {
      if (value === null) {
        this.#index.delete(recordName(key))
        return { key, sealed: null }
      }
      const sealed = this.#epochs.seal(key, value)
      this.#epochSealedBytes += sealed.length
      this.#index.set(recordName(key), {
        epoch: this.#epochs.current,
        lengthBytes: value.length,
      })
      return { key, sealed }
    })
    return new Promise((resolve, reject) => {
      const { quiet = false, become } = options
      this.#queue.push({
        puts,
        quiet,
        ...(become !== undefined && { become }),
        done: resolve,
        failed: reject,
      })
      this.#flushing ??= this.#flush()
    })
  }

  sweep(): Promise<void> {
    // On a slow disk one may take longer than the time to the next.
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined
    })
    return this.#sweeping
  }

  async #sweep(): Promise<void> {
    const { epochBytes = 1 << 28, epochMs = 900_000, maxEpochs = 4 } = this.#options
    const age = this.#options.now() - this.#epochBegunMs
    if (this.#epochSealedBytes > epochBytes || (age > epochMs && this.#epochSealedBytes > 0)) {
      this.#beginEpoch()
      await this.commit([this.#pastRecord()], { quiet: true })
    }
    const live = new Map<number, string[]>()
    for (const [name, { epoch }] of this.#index) {
      const names = live.get(epoch)
      if (names === undefined) live.set(epoch, [name])
      else names.push(name)
    }
    const oldest = Math.min(...live.keys())
    if (live.size > maxEpochs && oldest !== this.#epochs.current)
      await this.#sealAnew(oldest, live.get(oldest) ?? [])
    const empty = this.#epochs.numbers.filter(
      (number) => number !== this.#epochs.current && !live.has(number),
    )
    if (empty.length === 0) return
    // What removed or replaced their last records must be on disk before the keys go.
    await this.commit([], { quiet: true })
    for (const number of empty) this.#epochs.shred(number)
  }

  async reset(afterMs: number): Promise<void> {
    const ops = Array.from(this.#index.keys())
      .filter((name) => name !== recordName(META) && name !== recordName(PAST))
      .map((name) => ({ key: Buffer.from(name, "latin1"), value: null }))
    const become = freshMark(Math.max(this.#options.now(), afterMs + 1), this.#options.random)
    this.#past = []
    this.#beginEpoch()
    await this.commit([...ops, this.#pastRecord()], { become })
    for (const number of this.#epochs.numbers) {
      if (number !== this.#epochs.current) this.#epochs.shred(number)
    }
  }

  async close(): Promise<void> {
    await this.#flushing
    this.#fault ??= new QkdError("operation-failed", "the key store is closed", {
      appTag: "closed",
    })
    await this.#db.close()
    this.#epochs.close()
  }

  /** Writes whatever is queued in one transaction, until nothing is. */
  async #flush(): Promise<void> {
    // Lets everything of this turn of the event loop into the same flush.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const group = this.#queue
      this.#queue = []
      try {
        await this.#write(group)
        for (const { done } of group) done()
      } catch (cause) {
        this.#fault = new QkdError("operation-failed", "the key store cannot be written", { cause })
        for (const { failed } of [...group, ...this.#queue]) failed(this.#fault)
        this.#queue = []
      }
    }
    this.#flushing = undefined
  }

  async #write(group: readonly Pending[]): Promise<void> {
    const onDisk = this.#db.getBinary(META)
    if (Buffer.compare(onDisk ?? Buffer.of(), this.#metaOnDisk ?? Buffer.of()) !== 0)
      throw new QkdError("in-use", "another process uses this key store")
    const loud = group.some(({ quiet }) => !quiet)
    const former = group.find(({ become }) => become !== undefined)?.become ?? this.#mark
    const mark = loud ? { ...former, writes: former.writes + 1 } : former
    const lastTimeMs = Math.max(this.#lastTimeMs, this.#options.now())
    const meta = writeMark(new ByteWriter(64), mark)
      .u64(BigInt(Math.floor(lastTimeMs)))
      .finish()
    const sealedMeta = this.#epochs.seal(META, meta)
    this.#index.set(recordName(META), { epoch: epochOf(sealedMeta), lengthBytes: meta.length })
    const written: Promise<boolean>[] = []
    const batch = this.#db.batch(() => {
      for (const { puts } of group) {
        for (const { key, sealed } of puts) {
          written.push(sealed === null ? this.#db.remove(key) : this.#db.put(key, sealed))
        }
      }
      written.push(this.#db.put(META, sealedMeta))
    })
    await Promise.all([batch, ...written])
    this.#metaOnDisk = sealedMeta
    this.#mark = mark
    this.#lastTimeMs = lastTimeMs
  }

  /** Some records of an old epoch, under the current key. The rest follows with the next sweep. */
  async #sealAnew(epoch: number, names: readonly string[]): Promise<void> {
    const ops: StoreOp[] = []
    const copies: Secret[] = []
    for (const name of names.slice(0, 256)) {
      const key = Buffer.from(name, "latin1")
      const sealed = this.#db.getBinary(key)
      // Not on disk yet, or replaced: then it is not of the old epoch any more either.
      if (sealed === undefined || epochOf(sealed) !== epoch || name === recordName(META)) continue
      const value = this.#epochs.open(key, sealed)
      copies.push(value)
      ops.push({ key, value: value.use((bytes) => bytes) })
    }
    const done = this.commit(ops, { quiet: true })
    for (const copy of copies) copy.wipe()
    await done
  }

  #beginEpoch(): void {
    this.#epochs.begin()
    this.#epochBegunMs = this.#options.now()
    this.#epochSealedBytes = 0
  }

  #pastRecord(): StoreOp {
    const runs = this.#past.slice(-MAX_PAST)
    const writer = new ByteWriter(64).u16(runs.length)
    for (const { runId, writes } of runs) writer.uuid(runId).u64(BigInt(writes))
    return { key: PAST, value: writer.finish() }
  }

  #readPast(): PastRun[] {
    const past = this.get(PAST)
    if (past === undefined) return []
    const runs = past.use((bytes) => {
      const reader = new ByteReader(bytes, "key store")
      return Array.from({ length: reader.count(MAX_PAST) }, () => ({
        runId: reader.uuid(),
        writes: readCount(reader),
      }))
    })
    past.wipe()
    return runs
  }
}
