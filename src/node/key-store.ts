// What the key manager needs of a durable store, and a store for benches and tests that forgets. The real one
// is `sealed-store.ts`.

import { uuidFrom } from "../keys/bytes.js"
import { coversMark } from "../keys/store-mark.js"
import type { StoreMark } from "../keys/store-mark.js"
import { Secret } from "../keys/secret.js"
import { unmovedBuffer } from "../unmoved.js"

/** Put or (with null) remove. The value is copied at once: the caller may wipe it. */
export interface StoreOp {
  readonly key: Uint8Array
  readonly value: Uint8Array | null
}

export interface StoredRecord {
  readonly key: Buffer
  readonly lengthBytes: number
}

export interface KeyStore {
  /** How old the store is, counting durable writes only. */
  readonly mark: StoreMark
  /** See `coversMark`: false is proof that this store is a restored copy. */
  covers(seen: StoreMark): boolean
  /** The latest time the store has seen, milliseconds since the epoch. */
  readonly lastTimeMs: number
  /** The value; what is not durable yet may be seen or not. */
  get(key: Uint8Array): Secret | undefined
  list(prefix: Uint8Array): StoredRecord[]
  /**
   * All of it or nothing. Resolves when it is durable; calls become durable in the order they were made.
   * `quiet` leaves the mark as it is: for what may be lost or repeated without harm.
   */
  commit(ops: readonly StoreOp[], options?: { quiet?: boolean }): Promise<void>
  /** Once a second or so: key epochs. */
  sweep(): Promise<void>
  /** Forgets everything, for good, and becomes a new store, created later than `afterMs`. */
  reset(afterMs: number): Promise<void>
  close(): Promise<void>
}

/** What is kept of removed records for the next ones of that length, until the next sweep. */
const MAX_SPARE = 64
const LEAST_SPARE_BYTES = 4096

/** The same contract in memory: nothing survives. */
export class VolatileStore implements KeyStore {
  readonly #records = new Map<string, Buffer>()
  /** Of removed records, wiped, by length: nobody else ever had them. */
  readonly #spare = new Map<number, Buffer[]>()
  readonly #now: () => number
  readonly #random: (bytes: number) => Uint8Array
  mark: StoreMark
  lastTimeMs: number

  constructor(now: () => number, random: (bytes: number) => Uint8Array) {
    this.#now = now
    this.#random = random
    this.lastTimeMs = now()
    this.mark = freshMark(now(), random)
  }

  covers(seen: StoreMark): boolean {
    return coversMark(this.mark, [], seen)
  }

  get(key: Uint8Array): Secret | undefined {
    const value = this.#records.get(recordName(key))
    return value === undefined ? undefined : Secret.copy(value)
  }

  list(prefix: Uint8Array): StoredRecord[] {
    const start = recordName(prefix)
    return Array.from(this.#records)
      .filter(([name]) => name.startsWith(start))
      .map(([name, value]) => ({ key: Buffer.from(name, "latin1"), lengthBytes: value.length }))
  }

  commit(ops: readonly StoreOp[], options: { quiet?: boolean } = {}): Promise<void> {
    for (const { key, value } of ops) {
      const name = recordName(key)
      this.#discard(this.#records.get(name))
      if (value === null) this.#records.delete(name)
      else {
        const copy = this.#spare.get(value.length)?.pop() ?? unmovedBuffer(value.length)
        copy.set(value)
        this.#records.set(name, copy)
      }
    }
    if (options.quiet !== true) this.mark = { ...this.mark, writes: this.mark.writes + 1 }
    this.lastTimeMs = Math.max(this.lastTimeMs, this.#now())
    return Promise.resolve()
  }

  sweep(): Promise<void> {
    this.#spare.clear()
    return Promise.resolve()
  }

  #discard(record: Buffer | undefined): void {
    record?.fill(0)
    // Short ones share pages with others as it is.
    if (record === undefined || record.length < LEAST_SPARE_BYTES) return
    const spare = this.#spare.get(record.length) ?? []
    if (spare.length < MAX_SPARE) spare.push(record)
    this.#spare.set(record.length, spare)
  }

  reset(afterMs: number): Promise<void> {
    this.#records.clear()
    this.mark = freshMark(Math.max(this.#now(), afterMs + 1), this.#random)
    return Promise.resolve()
  }

  close(): Promise<void> {
    for (const value of this.#records.values()) value.fill(0)
    this.#records.clear()
    return Promise.resolve()
  }
}

/** The mark of a store that has just been made. */
export function freshMark(createdMs: number, random: (bytes: number) => Uint8Array): StoreMark {
  const storeId = uuidFrom(random(16))
  return { storeId, createdMs, generation: 1, runId: uuidFrom(random(16)), writes: 0 }
}

/** Record keys as map keys, byte for byte. */
export function recordName(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1")
}
