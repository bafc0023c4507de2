// Key streams of ETSI GS QKD 004 V2.1.1 at a site: OPEN_CONNECT, GET_KEY and CLOSE for an SAE that is known, whatever
// face it came by. What a chunk is and who has read it is the end keys' matter; here is their order.
//
//   open ──▶ both ends meet ──▶ stream-filler makes chunks at both sites ──▶ read, each once an end

import type { KeyObject } from "node:crypto"
import { asQkdError, QkdError } from "../errors.js"
import { uuidFrom } from "../keys/bytes.js"
import { MAX_UNREAD_CHUNKS } from "../keys/key-stream.js"
import type { ChunkPlace, StreamRecord } from "../keys/key-stream.js"
import { settleQos } from "../keys/stream-qos.js"
import type { QosBounds } from "../keys/stream-qos.js"
import { TokenBucket } from "../keys/token-bucket.js"
import type { EndKeys } from "./end-keys.js"
import type { KeyStore } from "./key-store.js"
import type { KeySupply } from "./key-supply.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type {
  EndKey,
  KeyStreams,
  OpenOutcome,
  ReadOrder,
  ReadOutcome,
  StreamOrder,
} from "./ports.js"
import type { RelayPeer } from "./relay-peer.js"
import { StreamEnds } from "./stream-ends.js"
import type { StreamEnd } from "./stream-ends.js"
import { StreamFiller } from "./stream-filler.js"
import { ASK_AGAIN_MS, StreamMeeting } from "./stream-meeting.js"
import { factsOf, statusOf } from "./stream-outcome.js"
import { StreamTalk } from "./stream-talk.js"

export interface SiteStreamsOptions {
  readonly links: LinkTable
  readonly store: KeyStore
  readonly supply: KeySupply
  readonly endKeys: () => EndKeys
  /** As `KeyManager.takeKeys`. */
  readonly take: (sae: string, master: string, keyIds: readonly string[]) => Promise<EndKey[]>
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly random: (bytes: number) => Uint8Array
  readonly steadyMs: () => number
  readonly defaultTtlS: number
  readonly log: Log
  /** An SAE of this application got no chunk. */
  readonly onRefused: (appId: string) => void
  readonly onStoreFault: (cause: unknown) => void
}

const LATER_MS = 100
/** How long the controller may take to reserve more for an association that is there. */
const FLOOR_WAIT_MS = 2000

export class SiteStreams implements KeyStreams {
  readonly #options: SiteStreamsOptions
  readonly #ends: StreamEnds
  readonly #talk: StreamTalk
  readonly #filler: StreamFiller
  readonly #meeting: StreamMeeting
  readonly #configuredWaiters = new Set<() => void>()
  #closed = false

  constructor(options: SiteStreamsOptions) {
    this.#options = options
    const { links, store, supply, endKeys, peer, signKey, steadyMs, log } = options
    this.#ends = new StreamEnds({ qkdnId: links.qkdnId, store, endKeys, steadyMs })
    this.#talk = new StreamTalk({
      ...{ links, ends: this.#ends, peer, signKey, steadyMs, log },
      onNews: (end) => {
        this.#news(end)
      },
      erase: (end) => this.#erase(end),
      onFault: options.onStoreFault,
    })
    const talk = (): StreamTalk => this.#talk
    this.#filler = new StreamFiller({ ...{ links, ends: this.#ends, supply, steadyMs, log }, talk })
    this.#meeting = new StreamMeeting({
      ...{ steadyMs, ends: this.#ends, talk: this.#talk, filler: this.#filler },
    })
    // What an opening that the last run did not finish had begun, nobody was told of.
    for (const end of this.#ends.all()) if (end.record.state === "opening") this.#forget(end)
  }

  get count(): number {
    return this.#ends.all().length
  }

  reservedBps(saeId: string, peerSaeId: string): number {
    return this.#ends.reservedBps(saeId, peerSaeId)
  }

  async open(order: StreamOrder): Promise<OpenOutcome> {
    const { saeId, peerSaeId, app, asked } = order
    const { links, random, steadyMs } = this.#options
    const ksid = order.ksid ?? uuidFrom(random(16))
    const deadlineMs = steadyMs() + order.waitMs
    if (!this.#isFree(ksid, order)) return { status: 5, ksid, qos: asked }
    const farQkdnId = app === undefined ? links.qkdnId : (app.remoteQkdnId ?? "")
    const floorMs = Math.min(FLOOR_WAIT_MS, order.waitMs / 2)
    await this.#reserved(order, steadyMs() + floorMs)
    // Others may have opened streams meanwhile. From here to where it is added nobody comes between.
    if (!this.#isFree(ksid, order)) return { status: 5, ksid, qos: asked }
    const settled = settleQos(asked, this.#boundsOf(order))
    const record: StreamRecord = {
      ...{ ksid, endId: uuidFrom(random(16)), saeId, peerSaeId, farQkdnId },
      ...{ state: "opening", qos: settled.qos, made: 0, runs: [] },
    }
    const end = this.#ends.add(record)
    try {
      const outcome = await this.#meeting.meet(end, asked, settled.met, deadlineMs)
      if (outcome.status === 0 || outcome.status === 1) return outcome
      await this.#ends.forget(end)
      return outcome
    } catch (cause) {
      this.#forget(end)
      throw cause
    }
  }

  async read(order: ReadOrder): Promise<ReadOutcome> {
    const outcome = await this.#read(order)
    if (outcome.status === 2 || outcome.status === 4 || outcome.status === 6) this.#refused(order)
    return outcome
  }

  async #read(order: ReadOrder): Promise<ReadOutcome> {
    const { saeId, ksid, index } = order
    const { steadyMs } = this.#options
    const end = this.#own(saeId, ksid)
    const { timeoutMs, chunkBytes } = end.record.qos
    const deadlineMs = steadyMs() + timeoutMs
    for (let wanted = false; ; ) {
      if (this.#closed)
        throw new QkdError("operation-failed", "the key manager is closing", { appTag: "closed" })
      if (end.gone || end.record.state !== "open") throw noStream()
      const { far, made } = end.record
      if (far === undefined) return { status: 3 }
      const nowMs = steadyMs()
      const place = this.#ends.chunk(end, index)
      if (place !== undefined) {
        const facts = factsOf(place, nowMs)
        const neededBytes =
          end.record.qos.metadataMimetype === "" ? undefined : order.metadataFault?.(facts)
        if (neededBytes !== undefined) return { status: 8, neededBytes }
        const waitMs = this.#pace(end, chunkBytes * 8, nowMs)
        if (waitMs === 0) {
          const key = await this.#take(end, place)
          if (key === "later") {
            if (nowMs >= deadlineMs) return { status: 4 }
            await this.#ends.changed(end, LATER_MS)
          }
          if (key === undefined || key === "later") continue
          this.#haveRead(end)
          return { status: 0, key, facts, peerSaeId: end.record.peerSaeId, qos: end.record.qos }
        }
        if (nowMs + waitMs > deadlineMs) return { status: 2 }
        await this.#ends.changed(end, waitMs)
        continue
      }
      if (far.state === "closed") return { status: 3 }
      if ((index ?? 0) >= made + MAX_UNREAD_CHUNKS) return { status: 2 }
      if (nowMs >= deadlineMs) return { status: statusOf(end) }
      if (!wanted) this.#want(end)
      wanted = true
      await this.#ends.changed(end, deadlineMs - nowMs)
    }
  }

  async close(saeId: string, ksid: string): Promise<void> {
    const end = this.#own(saeId, ksid)
    await this.#ends.update(end, (record) => ({ ...record, state: "closed" }))
    // It is remembered until the other end knows.
    const isKnown = end.record.far?.state !== "open"
    this.#talk.tell(end, { asks: !isKnown })
    await this.#erase(end)
    if (isKnown) await this.#ends.forget(end)
  }

  /** @throws QkdError `malformed-message`: close the connection. */
  onNews(body: Buffer): void {
    this.#talk.hear(body)
  }

  /** Configuration or policy has changed. */
  configured(): void {
    for (const wake of Array.from(this.#configuredWaiters)) wake()
    for (const end of this.#ends.all()) {
      end.retryMs = 0
      this.#filler.fill(end)
    }
  }

  /** A connection is new: what was told meanwhile may be lost. */
  peerUp(): void {
    for (const end of this.#ends.all()) end.nextAskMs = 0
  }

  /** Once a second. */
  sweep(): void {
    const nowMs = this.#options.steadyMs()
    for (const end of this.#ends.all()) {
      if (end.record.state === "closed" && !this.#talk.isJoined(end)) this.#forget(end)
      else if (end.record.state !== "opening" && nowMs >= end.nextAskMs) {
        end.nextAskMs = nowMs + ASK_AGAIN_MS
        this.#talk.tell(end, { asks: true, wants: end.waiters.size > 0 })
      }
      this.#filler.fill(end)
    }
  }

  /** Streams stay as they are on disk; whoever waits is sent away. */
  stop(): void {
    this.#closed = true
    this.clear()
  }

  /** The store is being emptied: there are no streams any more. */
  clear(): void {
    this.#filler.close()
    this.#ends.clear()
    for (const wake of Array.from(this.#configuredWaiters)) wake()
  }

  /** @throws QkdError `resource-denied` */
  #isFree(ksid: string, { saeId, peerSaeId }: StreamOrder): boolean {
    if (this.#ends.get(ksid, saeId) !== undefined || this.#ends.isOthers(ksid, saeId, peerSaeId))
      return false
    if (this.#ends.hasRoom(saeId)) return true
    throw new QkdError("resource-denied", "too many key streams at this site")
  }

  /** Waits for the controller where more is to be reserved than there is: it has been told. */
  async #reserved(order: StreamOrder, untilMs: number): Promise<void> {
    for (;;) {
      const waitMs = untilMs - this.#options.steadyMs()
      if (waitMs <= 0 || this.#boundsOf(order).floorBps >= order.asked.minBps) return
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer)
          this.#configuredWaiters.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, waitMs)
        this.#configuredWaiters.add(wake)
      })
    }
  }

  #boundsOf({ saeId, peerSaeId, app, minChunkBytes, maxChunkBytes }: StreamOrder): QosBounds {
    const { links, defaultTtlS } = this.#options
    const now = app === undefined ? undefined : (links.app(app.appId) ?? app)
    const ceilings = [now?.qos.maxBps, links.policy.maxBpsPerApp]
    const maxBps = Math.min(...ceilings.filter((one) => one !== undefined && one > 0).map(Number))
    const reserved = this.#ends.reservedBps(saeId, peerSaeId)
    // Within one site nothing is drawn from any link.
    const floorBps = now === undefined ? Infinity : Math.max(0, (now.qos.minBps ?? 0) - reserved)
    return {
      ...{ minChunkBytes, maxChunkBytes, floorBps, defaultTtlS },
      ...(Number.isFinite(maxBps) && { maxBps }),
    }
  }

  /** As 014 has it: counted for the application. */
  #refused({ saeId, ksid }: ReadOrder): void {
    const { links, onRefused } = this.#options
    const record = this.#ends.get(ksid, saeId)?.record
    const app = record && links.appTo(saeId, record.peerSaeId, record.farQkdnId)
    if (app !== undefined) onRefused(app.appId)
  }

  #own(saeId: string, ksid: string): StreamEnd {
    const end = this.#ends.get(ksid, saeId)
    if (end?.record.state !== "open") throw noStream()
    return end
  }

  /** How long to wait until the stream's ceiling lets one more chunk through; 0 when it has been let through. */
  #pace(end: StreamEnd, bits: number, nowMs: number): number {
    const { maxBps } = end.record.qos
    if (maxBps === 0) return 0
    const most = Math.max(maxBps, bits)
    end.bucket ??= new TokenBucket(maxBps, most, most, nowMs)
    if (end.bucket.take(bits, nowMs)) return 0
    return Math.ceil(((bits - end.bucket.level(nowMs)) / maxBps) * 1000) + 1
  }

  /** Undefined when another call was faster, or the chunk has just expired; `later` until a neighbour vouches for the store. */
  async #take(end: StreamEnd, { keyId }: ChunkPlace): Promise<EndKey | "later" | undefined> {
    const { record } = end
    try {
      const [key] = await this.#options.take(record.saeId, this.#ends.masterOf(record), [keyId])
      return key
    } catch (cause) {
      end.bucket?.giveBack(record.qos.chunkBytes * 8)
      const { tag, appTag } = asQkdError(cause)
      if (tag === "data-missing") return undefined
      if (appTag === "node-unreachable") return "later"
      throw cause
    }
  }

  #want(end: StreamEnd): void {
    if (this.#filler.isMaker(end)) this.#filler.wanted(end)
    else this.#talk.tell(end, { wants: true })
  }

  /** The maker learns of it when as many are read as are left. */
  #haveRead(end: StreamEnd): void {
    if (this.#filler.isMaker(end)) {
      end.demand = true
      this.#filler.fill(end)
      return
    }
    const left = this.#ends.unread(end).length
    if (end.record.made - left - end.toldReadCount >= left) this.#talk.tell(end, { reads: true })
  }

  #news(end: StreamEnd): void {
    if (!this.#filler.isMaker(end)) return
    // Of a long list, or over a broken connection, not all may have come.
    if (end.farMade < end.record.made) this.#talk.tell(end)
    if (end.farWants) this.#filler.wanted(end)
    else this.#filler.fill(end)
  }

  #forget(end: StreamEnd): void {
    this.#ends.forget(end).catch(this.#options.onStoreFault)
  }

  /** Nobody will read these any more. */
  async #erase(end: StreamEnd): Promise<void> {
    const { saeId } = end.record
    const master = this.#ends.masterOf(end.record)
    for (const { keyId } of this.#ends.unread(end)) {
      try {
        const { keys } = await this.#options.endKeys().take(saeId, master, [keyId])
        for (const { key } of keys) key.wipe()
      } catch (cause) {
        if (asQkdError(cause).tag !== "data-missing") throw cause
      }
    }
  }
}

/** The same for a stream that is not, and for one that is others'. */
function noStream(): QkdError {
  return new QkdError("data-missing", "no such key stream", { path: "/data/key_stream_id" })
}
