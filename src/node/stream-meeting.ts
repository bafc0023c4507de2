// How two ends of a key stream find each other when one opens it: the other node is asked what it has under this id, and of
// two that open at the same time both are told that the other is there.

import { joinQos } from "../keys/stream-qos.js"
import type { StreamQos } from "../keys/stream-qos.js"
import type { OpenOutcome } from "./ports.js"
import type { StreamEnd, StreamEnds } from "./stream-ends.js"
import type { StreamFiller } from "./stream-filler.js"
import type { StreamTalk } from "./stream-talk.js"
import type { StreamNews } from "./stream-wire.js"

export interface StreamMeetingOptions {
  readonly ends: StreamEnds
  readonly talk: StreamTalk
  readonly filler: StreamFiller
  readonly steadyMs: () => number
}

/** How often an end that opens asks the other node, and how often one that is open makes sure of it. */
const ASK_MS = 400
export const ASK_AGAIN_MS = 10_000
/** The other end says by itself when it is open: this is for words that were lost. */
const OPENING_MS = 100

export class StreamMeeting {
  readonly #options: StreamMeetingOptions

  constructor(options: StreamMeetingOptions) {
    this.#options = options
  }

  async meet(
    end: StreamEnd,
    asked: StreamQos,
    isMet: boolean,
    deadlineMs: number,
  ): Promise<OpenOutcome> {
    const { ksid } = end.record
    let news: StreamNews | "no-path" | "silent" = "no-path"
    while (typeof news === "string" && this.#isTime(end, deadlineMs))
      news = await this.#ask(end, deadlineMs)
    if (typeof news === "string") return { status: news === "silent" ? 6 : 4, ksid, qos: asked }
    const { state } = news
    if (state === "taken" || state === "closed") return { status: 5, ksid, qos: asked }
    // Of two that open at the same time the maker's word counts.
    if (state === "none" || (state === "opening" && this.#options.filler.isMaker(end))) {
      const { qos } = end.record
      if (!isMet) return { status: 7, ksid, qos }
      const outcome = await this.#opened(end, qos)
      return state === "none" ? outcome : this.#together(end, outcome, deadlineMs)
    }
    const joined = joinQos(asked, news.qos)
    if (!joined.met) return { status: 7, ksid, qos: joined.qos }
    if (state !== "open")
      return this.#together(end, await this.#opened(end, joined.qos), deadlineMs)
    const outcome = await this.#opened(end, joined.qos, news.endId)
    await this.#known(end, deadlineMs)
    return outcome
  }

  async #opened(end: StreamEnd, qos: StreamQos, farEndId?: string): Promise<OpenOutcome> {
    const { ends, talk, filler, steadyMs } = this.#options
    await ends.update(end, (record) => ({
      ...record,
      ...{ state: "open", qos },
      ...(farEndId !== undefined && { far: { endId: farEndId, state: "open" } }),
    }))
    const { ksid, far } = end.record
    end.nextAskMs = steadyMs() + ASK_AGAIN_MS
    if (far === undefined) talk.tell(end, { asks: true })
    filler.fill(end)
    return { status: far === undefined ? 1 : 0, ksid, qos }
  }

  /** The other end opens at this moment, or is refused: which of both is soon known. */
  async #together(end: StreamEnd, alone: OpenOutcome, deadlineMs: number): Promise<OpenOutcome> {
    const { ends } = this.#options
    while (end.record.far === undefined && this.#isTime(end, deadlineMs)) {
      const news = await this.#ask(end, deadlineMs)
      if (typeof news === "string") continue
      if (news.state !== "open" && news.state !== "opening") break
      if (news.state === "opening") await ends.changed(end, OPENING_MS)
      else
        await ends.update(end, (record) =>
          record.far === undefined
            ? { ...record, far: { endId: news.endId, state: "open" } }
            : record,
        )
    }
    if (end.record.far?.state !== "open") return alone
    this.#options.filler.fill(end)
    await this.#known(end, deadlineMs)
    return { ...alone, status: 0 }
  }

  /** The peer's next call shall not be told that nobody is there. */
  async #known(end: StreamEnd, deadlineMs: number): Promise<void> {
    for (let known = false; !known && this.#isTime(end, deadlineMs); ) {
      const said = await this.#ask(end, deadlineMs)
      known = typeof said !== "string" && said.farEndId === end.record.endId
    }
  }

  #ask(end: StreamEnd, deadlineMs: number): Promise<StreamNews | "no-path" | "silent"> {
    const { talk, steadyMs } = this.#options
    return talk.ask(end, Math.min(ASK_MS, Math.max(1, deadlineMs - steadyMs())))
  }

  #isTime(end: StreamEnd, deadlineMs: number): boolean {
    return this.#options.steadyMs() < deadlineMs && !end.gone
  }
}
