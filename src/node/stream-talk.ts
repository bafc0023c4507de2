// What the ends of a key stream tell one another, node to node along the path of their association: signed state, told
// again until it is known. Believes nobody but the node, and the opening, that an end has once met.
//
//   OPEN_CONNECT ── news, asks ──▶ far node: none | open | closed | taken ──▶ answer

import type { KeyObject } from "node:crypto"
import { asQkdError } from "../errors.js"
import { backingOf, firstHopOf } from "../keys/relay-rules.js"
import { isUuid } from "../keys/bytes.js"
import { isMaker, MAX_INDEX, MAX_UNREAD_CHUNKS, withRuns } from "../keys/key-stream.js"
import type { StreamRun } from "../keys/key-stream.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { RelayPeer } from "./relay-peer.js"
import { isStreamOf, signStream } from "./signing.js"
import type { StreamEnd, StreamEnds } from "./stream-ends.js"
import { decodeNews, encodeNews } from "./stream-wire.js"
import type { NewsState, StreamNews } from "./stream-wire.js"

export interface StreamTalkOptions {
  readonly links: LinkTable
  readonly ends: StreamEnds
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly steadyMs: () => number
  readonly log: Log
  /** The other end has told something new: perhaps that it wants more. */
  readonly onNews: (end: StreamEnd) => void
  /** Chunks came that nobody here will read. */
  readonly erase: (end: StreamEnd) => Promise<void>
  readonly onFault: (cause: unknown) => void
}

const NO_QOS = {
  ...{ chunkBytes: 0, maxBps: 0, minBps: 0, jitterBps: 0 },
  ...{ priority: 0, timeoutMs: 0, ttlS: 0, metadataMimetype: "" },
}

export class StreamTalk {
  readonly #options: StreamTalkOptions
  readonly #answers = new Map<StreamEnd, (news: StreamNews) => void>()
  #number = 0

  constructor(options: StreamTalkOptions) {
    this.#options = options
  }

  /** The answer to one question; else whether the question has left. */
  async ask(end: StreamEnd, waitMs: number): Promise<StreamNews | "no-path" | "silent"> {
    let isSent = false
    const answer = new Promise<StreamNews | "no-path" | "silent">((resolve) => {
      const timer = setTimeout(() => {
        resolve(isSent ? "silent" : "no-path")
      }, waitMs)
      this.#answers.set(end, (news) => {
        clearTimeout(timer)
        resolve(news)
      })
    })
    isSent = this.tell(end, { asks: true })
    try {
      return await answer
    } finally {
      this.#answers.delete(end)
    }
  }

  /** Whether the other end can ever hear of this one. */
  isJoined({ record }: StreamEnd): boolean {
    const { saeId, peerSaeId, farQkdnId } = record
    const { links } = this.#options
    return farQkdnId === links.qkdnId || links.appTo(saeId, peerSaeId, farQkdnId) !== undefined
  }

  /** False when there is no way to the other end now. */
  tell(
    end: StreamEnd,
    how: { asks?: boolean; wants?: boolean; reads?: boolean; answers?: number } = {},
  ): boolean {
    const { links, ends } = this.#options
    const { record } = end
    const { saeId, peerSaeId, farQkdnId, far } = record
    const number = this.#nextNumber()
    if (how.asks === true) end.asked = number
    const readCount = record.made - ends.unread(end).length
    end.toldReadCount = readCount
    const isMade = isMaker(links.qkdnId, farQkdnId, saeId, peerSaeId)
    return this.#send(farQkdnId, this.#pathTo(end), {
      transferId: record.ksid,
      ...{ pathQkdlId: "", source: links.qkdnId, destination: farQkdnId },
      ...{ saeId, peerSaeId, endId: record.endId, farEndId: far?.endId ?? "" },
      ...{ state: record.state, number, answers: how.answers ?? 0 },
      ...{ asks: how.asks === true, wants: how.wants === true, reads: how.reads === true },
      ...{ qos: record.qos, made: record.made, readCount, lack: end.lack },
      runs: isMade ? untold(record.runs, end.farMade) : [],
    })
  }

  /** @throws QkdError `malformed-message`: close the connection. */
  hear(body: Buffer): void {
    const { links, log } = this.#options
    const { news, signed, signature } = decodeNews(body)
    const node = links.policy.peer(news.source)
    if (
      node === undefined ||
      !links.policy.allowsEnd(news.source) ||
      !isStreamOf(node, signed, signature)
    ) {
      log.warn({ source: news.source }, "news of a key stream are not of its node")
      return
    }
    // What could not be kept must not come as far as the store: a fault there stops this node.
    if (!isPossible(news)) {
      log.warn({ source: news.source }, "news of a key stream that can be none")
      return
    }
    this.#heard(news)
  }

  #heard(news: StreamNews): void {
    const { ends } = this.#options
    const { transferId: ksid, saeId, peerSaeId, state } = news
    const end = ends.get(ksid, peerSaeId)
    const others = ends.isOthers(ksid, saeId, peerSaeId)
    if (end === undefined || others || !this.#isOtherEnd(end, news)) {
      if (news.asks) this.#answer(news, end === undefined && !others ? "none" : "taken")
      return
    }
    if (news.answers !== 0 && news.answers === end.asked) {
      delete end.asked
      this.#answers.get(end)?.(news)
    }
    if (state === "none" || state === "taken") {
      // Said before the end that was heard of since: late, or told again by somebody on the path.
      if (news.number > end.farNumber) this.#lost(end)
      return
    }
    if (news.number > end.farNumber) {
      end.farNumber = news.number
      end.farMade = news.made
      end.farReadCount = news.readCount
      end.farWants = news.wants
      end.demand ||= news.wants || news.reads
      if (!this.#makes(end)) end.lack = news.lack
      this.#take(end, news).catch(this.#options.onFault)
    } else if (news.asks) this.tell(end, { answers: news.number })
  }

  /** Of its two SAEs and its node, and of the opening that this end met, where it met one. */
  #isOtherEnd({ record }: StreamEnd, news: StreamNews): boolean {
    const { farQkdnId, saeId, peerSaeId, endId, far, qos, state } = record
    if (news.source !== farQkdnId || news.saeId !== peerSaeId || news.peerSaeId !== saeId)
      return false
    if (news.state === "none" || news.state === "taken") return true
    if (news.farEndId !== "" && news.farEndId !== endId) return false
    if (far !== undefined) return far.endId === news.endId
    // Both opened at the same time, with chunks of different sizes: they do not meet.
    return !(state === "open" && news.state === "open" && news.qos.chunkBytes !== qos.chunkBytes)
  }

  async #take(end: StreamEnd, news: StreamNews): Promise<void> {
    const { ends, onNews } = this.#options
    const { made } = end.record
    await ends.update(end, (record) => {
      if (record.state === "opening" || news.state === "opening") return record
      const { far, ...rest } = record
      const { endId } = news
      const state: "open" | "closed" = news.state === "closed" ? "closed" : "open"
      // Who was never met and is closed already has no part in this one; what was closed stays so.
      const isNew =
        far === undefined ? state === "open" : far.state === "open" && state === "closed"
      const met = isNew ? { ...rest, far: { endId, state } } : record
      return this.#makes(end) ? met : withRuns(met, mirrored(news.runs))
    })
    // Whoever asks is told what has become of it.
    if (news.asks && end.gone) this.#answer(news, "none")
    else if (news.asks) this.tell(end, { answers: news.number })
    if (end.gone) return
    if (end.record.state === "closed") await this.#options.erase(end)
    if (end.record.state === "closed" && end.record.far?.state !== "open") {
      await ends.forget(end)
      return
    }
    // What is known here need not be told again.
    if (end.record.made !== made && !news.asks) this.tell(end)
    ends.wake(end)
    onNews(end)
  }

  /** The other end is not there any more, or is another's. */
  #lost(end: StreamEnd): void {
    const { ends, onFault } = this.#options
    const { state, far } = end.record
    const done =
      state === "closed"
        ? ends.forget(end)
        : far?.state === "open"
          ? ends.update(end, (record) => {
              const known = record.far
              return known === undefined
                ? record
                : { ...record, far: { ...known, state: "closed" } }
            })
          : Promise.resolve()
    done.catch(onFault)
  }

  /** For an end that is not here. Nothing is kept of the question. */
  #answer(news: StreamNews, state: NewsState): void {
    const { links } = this.#options
    const { transferId, source, destination, pathQkdlId, saeId, peerSaeId, number } = news
    this.#send(source, pathQkdlId, {
      transferId,
      ...{ pathQkdlId, source: destination, destination: source },
      ...{ saeId: peerSaeId, peerSaeId: saeId, endId: "", farEndId: news.endId },
      ...{
        state,
        number: this.#nextNumber(),
        answers: number,
        asks: false,
        wants: false,
        reads: false,
      },
      ...{ qos: NO_QOS, made: 0, readCount: 0, lack: "none" as const, runs: [] },
    })
    this.#options.log.debug({ at: links.qkdnId, state }, "a key stream that is not here")
  }

  #send(to: string, pathQkdlId: string | undefined, draft: StreamNews): boolean {
    const { links, peer, signKey, log } = this.#options
    if (to === links.qkdnId) {
      setImmediate(() => {
        this.#heard(draft)
      })
      return true
    }
    if (pathQkdlId === undefined) return false
    try {
      const entry = links.link(pathQkdlId)
      if (entry === undefined) return false
      const signed = encodeNews({ ...draft, pathQkdlId })
      const body = Buffer.concat([signed, signStream(signKey, signed)])
      return peer(firstHopOf(links, entry).qkdnId)?.send("stream", body) === true
    } catch (cause) {
      log.debug({ to }, asQkdError(cause).message)
      return false
    }
  }

  /** Undefined where no association joins the SAEs any more. */
  #pathTo({ record }: StreamEnd): string | undefined {
    const { links } = this.#options
    const { saeId, peerSaeId, farQkdnId } = record
    for (const app of links.appsJoining(saeId, peerSaeId)) {
      if (app.remoteQkdnId !== farQkdnId) continue
      try {
        return backingOf(links, app).qkdlId
      } catch {
        // Another association may have a path.
      }
    }
    return undefined
  }

  #makes({ record }: StreamEnd): boolean {
    const { farQkdnId, saeId, peerSaeId } = record
    return isMaker(this.#options.links.qkdnId, farQkdnId, saeId, peerSaeId)
  }

  #nextNumber(): number {
    this.#number = Math.max(this.#number + 1, Math.floor(this.#options.steadyMs()))
    return this.#number
  }
}

/** Names that are some, runs that a node can have made. */
function isPossible({ state, endId, runs }: StreamNews): boolean {
  const isHere = state !== "none" && state !== "taken"
  return (
    (!isHere || isUuid(endId)) &&
    runs.every(
      ({ firstIndex, count }) =>
        count > 0 && count <= MAX_UNREAD_CHUNKS && firstIndex + count <= MAX_INDEX,
    )
  )
}

/** Runs as the other end's ledger names them, of which it may not know. */
function untold(runs: readonly StreamRun[], farMade: number): StreamRun[] {
  return runs.filter(({ firstIndex, count }) => firstIndex + count > farMade)
}

function mirrored(runs: readonly StreamRun[]): StreamRun[] {
  return runs.map(({ transferId, farTransferId, ...run }) => {
    return { ...run, transferId: farTransferId, farTransferId: transferId }
  })
}
