// Makes the chunks of key streams ahead of their readers, at the one of both nodes whose turn it is: a few at first,
// more where readers find none. A chunk has its index once both sites have stored it; a crash before that costs key,
// and never gives two chunks to one index.

import { asQkdError } from "../errors.js"
import { isMaker, MAX_INDEX, MAX_UNREAD_CHUNKS } from "../keys/key-stream.js"
import type { StreamRun } from "../keys/key-stream.js"
import type { KeySupply } from "./key-supply.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { StreamEnd, StreamEnds } from "./stream-ends.js"
import type { StreamTalk } from "./stream-talk.js"

export interface StreamFillerOptions {
  readonly links: LinkTable
  readonly ends: StreamEnds
  readonly talk: () => StreamTalk
  readonly supply: KeySupply
  readonly steadyMs: () => number
  readonly log: Log
}

/** Streams whose chunks are on their way at once; others wait, greater priority first. */
const MAX_FILLING = 16
const MAX_WINDOW_CHUNKS = 256
const MAX_WINDOW_BYTES = 1 << 16
const RETRY_MIN_MS = 200
const RETRY_MAX_MS = 5000

export class StreamFiller {
  readonly #options: StreamFillerOptions
  readonly #due = new Set<StreamEnd>()
  #filling = 0

  constructor(options: StreamFillerOptions) {
    this.#options = options
  }

  isMaker({ record }: StreamEnd): boolean {
    const { farQkdnId, saeId, peerSaeId } = record
    return isMaker(this.#options.links.qkdnId, farQkdnId, saeId, peerSaeId)
  }

  /** A reader found nothing. */
  wanted(end: StreamEnd): void {
    const { chunkBytes } = end.record.qos
    const most = Math.max(1, Math.min(MAX_WINDOW_CHUNKS, Math.floor(MAX_WINDOW_BYTES / chunkBytes)))
    end.window = Math.min(most, end.window * 2)
    end.demand = true
    this.fill(end)
  }

  /** Where there is less than half of what is kept ready. */
  fill(end: StreamEnd): void {
    if (this.#missing(end) === 0) return
    this.#due.add(end)
    this.#begin()
  }

  close(): void {
    this.#due.clear()
  }

  #missing(end: StreamEnd): number {
    const { ends, steadyMs } = this.#options
    const { record, farReadCount, window } = end
    const { state, far, made } = record
    if (end.gone || end.filling || !end.demand || state !== "open" || far?.state !== "open")
      return 0
    if (!this.isMaker(end) || steadyMs() < end.retryMs || made + window > MAX_INDEX) return 0
    const readCount = made - ends.unread(end).length
    const ahead = made - Math.max(readCount, farReadCount)
    const behind = made - Math.min(readCount, farReadCount)
    if (2 * ahead > window) return 0
    return Math.max(0, Math.min(window - ahead, MAX_UNREAD_CHUNKS - behind))
  }

  #begin(): void {
    while (this.#filling < MAX_FILLING && this.#due.size > 0) {
      const [first, ...rest] = this.#due
      if (first === undefined) return
      const next = rest.reduce(
        (best, end) => (end.record.qos.priority > best.record.qos.priority ? end : best),
        first,
      )
      this.#due.delete(next)
      const count = this.#missing(next)
      if (count > 0) void this.#make(next, count)
    }
  }

  /** Never rejects. */
  async #make(end: StreamEnd, count: number): Promise<void> {
    const { ends, talk, supply, links, steadyMs, log } = this.#options
    const { saeId, peerSaeId, farQkdnId, ksid, qos } = end.record
    this.#filling += 1
    end.filling = true
    end.demand = false
    try {
      const here = farQkdnId === links.qkdnId
      const app = links.appTo(saeId, peerSaeId, farQkdnId)
      const kept = await supply.keep({
        readerSaeId: saeId,
        peer: { saeId: peerSaeId, ...(!here && { appId: app?.appId ?? "" }) },
        booking: ksid,
        count,
        keySizeBits: qos.chunkBytes * 8,
        ttlS: qos.ttlS,
      })
      await ends.update(end, (record) => {
        if (record.state !== "open" || record.far?.state !== "open") return record
        let { made } = record
        const runs: StreamRun[] = [...record.runs]
        for (const { run } of kept) {
          runs.push({ firstIndex: made, ...run })
          made += run.count
        }
        return { ...record, made, runs }
      })
      // An end has closed meanwhile: nobody was told of these.
      const known = new Set(end.record.runs.map(({ transferId }) => transferId))
      for (const { run, takeBack } of kept) if (!known.has(run.transferId)) await takeBack()
      end.failures = 0
      end.lack = "none"
    } catch (cause) {
      const { appTag, message } = asQkdError(cause)
      end.lack = appTag === "pool-empty" || appTag === "over-rate" ? "key" : "path"
      // There may be enough for a few.
      if (end.lack === "key") end.window = Math.max(1, Math.floor(end.window / 2))
      end.failures += 1
      end.demand = true
      end.retryMs = steadyMs() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** end.failures)
      log.debug({ ksid, appTag, reason: message }, "no chunk for a key stream")
    } finally {
      end.filling = false
      this.#filling -= 1
    }
    if (!end.gone) talk().tell(end)
    if (this.#missing(end) > 0) this.#due.add(end)
    this.#begin()
  }
}
