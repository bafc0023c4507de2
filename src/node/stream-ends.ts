// The ends of key streams at this site: in memory as they are in the store. A change is durable before it counts, and
// whoever waits for one is woken then.

import { chunkFor, prune, unreadOf } from "../keys/key-stream.js"
import type { ChunkPlace, LookUp, StreamRecord } from "../keys/key-stream.js"
import type { TokenBucket } from "../keys/token-bucket.js"
import type { EndKeys } from "./end-keys.js"
import type { KeyStore } from "./key-store.js"
import { STREAM_PREFIX, streamKey } from "./records.js"
import { decodeStreamRecord, encodeStreamRecord } from "./stream-wire.js"
import type { Lack } from "./stream-wire.js"

/** Ends together, and of one SAE: what strangers to one another can make this site keep (THREATS T4). */
export const MAX_STREAM_ENDS = 4096
export const MAX_ENDS_PER_SAE = 64

/** An end at work. All beside `record` is forgotten at a restart. */
export interface StreamEnd {
  record: StreamRecord
  /** Closed and forgotten. */
  gone: boolean
  /** Number of the news whose answer is waited for. */
  asked?: number
  /** What the other end last told. */
  farNumber: number
  farMade: number
  farReadCount: number
  farWants: boolean
  /** Why there are no more chunks, as the maker knows. */
  lack: Lack
  toldReadCount: number
  /** Something was read, or wanted, since chunks were last made. What expires unread is not made anew. */
  demand: boolean
  /** Chunks that are kept ready. */
  window: number
  filling: boolean
  failures: number
  retryMs: number
  nextAskMs: number
  bucket?: TokenBucket
  readonly waiters: Set<() => void>
  /** Changes of the record, one after the other. */
  line: Promise<void>
}

export interface StreamEndsOptions {
  readonly qkdnId: string
  readonly store: KeyStore
  readonly endKeys: () => EndKeys
  readonly steadyMs: () => number
}

export class StreamEnds {
  readonly #options: StreamEndsOptions
  readonly #ends = new Map<string, StreamEnd>()

  constructor(options: StreamEndsOptions) {
    this.#options = options
    const { store } = options
    for (const { key } of store.list(STREAM_PREFIX)) {
      const record = store.get(key)?.use(decodeStreamRecord)
      if (record !== undefined) this.add(record)
    }
  }

  get(ksid: string, saeId: string): StreamEnd | undefined {
    return this.#ends.get(nameOf(ksid, saeId))
  }

  all(): StreamEnd[] {
    return Array.from(this.#ends.values())
  }

  /** Whether this site has an end of a stream of that id that does not join these two. */
  isOthers(ksid: string, saeId: string, peerSaeId: string): boolean {
    return this.all().some(
      ({ record }) =>
        record.ksid === ksid &&
        !(record.saeId === saeId && record.peerSaeId === peerSaeId) &&
        !(record.saeId === peerSaeId && record.peerSaeId === saeId),
    )
  }

  hasRoom(saeId: string): boolean {
    // One that is closed waits for its other end only.
    const own = this.all().filter(
      ({ record }) => record.saeId === saeId && record.state !== "closed",
    )
    return this.#ends.size < MAX_STREAM_ENDS && own.length < MAX_ENDS_PER_SAE
  }

  /** Of an association, what its other streams at this site have reserved, bit/s. */
  reservedBps(saeId: string, peerSaeId: string): number {
    return this.all()
      .filter(({ record }) => record.saeId === saeId && record.peerSaeId === peerSaeId)
      .reduce((sum, { record }) => sum + (record.state === "closed" ? 0 : record.qos.minBps), 0)
  }

  /** In memory; `update` makes it durable. */
  add(record: StreamRecord): StreamEnd {
    const end: StreamEnd = {
      record,
      gone: false,
      ...{ farNumber: 0, farMade: 0, farReadCount: 0, farWants: false },
      lack: "none",
      ...{ demand: true, toldReadCount: 0, window: FIRST_WINDOW, filling: false, failures: 0 },
      ...{ retryMs: 0, nextAskMs: 0 },
      waiters: new Set(),
      line: Promise.resolve(),
    }
    this.#ends.set(nameOf(record.ksid, record.saeId), end)
    return end
  }

  /** Resolves once the change is durable and in force. */
  async update(end: StreamEnd, change: (record: StreamRecord) => StreamRecord): Promise<void> {
    const changing = end.line.then(async () => {
      if (end.gone) return
      const record = prune(change(end.record), this.lookUp(end), end.farMade)
      if (record === end.record) return
      const { ksid, saeId } = record
      const value = encodeStreamRecord(record)
      await this.#options.store.commit([{ key: streamKey(ksid, saeId), value }])
      end.record = record
      this.wake(end)
    })
    end.line = changing.catch(() => undefined)
    return changing
  }

  /** For good. */
  async forget(end: StreamEnd): Promise<void> {
    if (end.gone) return
    const { ksid, saeId } = end.record
    const name = nameOf(ksid, saeId)
    end.gone = true
    if (this.#ends.get(name) === end) this.#ends.delete(name)
    this.wake(end)
    const forgotten = end.line.then(() =>
      this.#options.store.commit([{ key: streamKey(ksid, saeId), value: null }]),
    )
    end.line = forgotten.catch(() => undefined)
    await forgotten
  }

  /** Forgets everything in memory: the store is being emptied, or closed. */
  clear(): void {
    for (const end of this.all()) {
      end.gone = true
      this.wake(end)
    }
    this.#ends.clear()
  }

  wake(end: StreamEnd): void {
    for (const waiter of Array.from(end.waiters)) waiter()
  }

  /** Resolves with the end's next change, or when the time has come. */
  changed(end: StreamEnd, waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        end.waiters.delete(done)
        resolve()
      }
      const timer = setTimeout(done, Math.max(1, waitMs))
      end.waiters.add(done)
    })
  }

  /**
   * In whose name an end's chunks stand in this site's ledger: as keys of the SAE whose site made them; where they were
   * made here, of the stream itself, so that no SAE gets them at another face.
   */
  masterOf({ ksid, farQkdnId, peerSaeId }: StreamRecord): string {
    return this.#options.qkdnId <= farQkdnId ? ksid : peerSaeId
  }

  /** Batches of this stream in the ledger; others under the same id are none. */
  lookUp({ record }: StreamEnd): LookUp {
    const endKeys = this.#options.endKeys()
    const master = this.masterOf(record)
    return (transferId) => {
      const batch = endKeys.look(transferId)
      const fits =
        batch?.offer.masterSaeId === master && batch.offer.keySizeBits === record.qos.chunkBytes * 8
      return fits ? batch : undefined
    }
  }

  chunk(end: StreamEnd, index: number | undefined): ChunkPlace | undefined {
    return chunkFor(end.record, index, this.lookUp(end), this.#options.steadyMs())
  }

  unread(end: StreamEnd): ChunkPlace[] {
    return Array.from(unreadOf(end.record, this.lookUp(end), this.#options.steadyMs()))
  }
}

const FIRST_WINDOW = 4

function nameOf(ksid: string, saeId: string): string {
  return `${ksid} ${saeId}`
}
