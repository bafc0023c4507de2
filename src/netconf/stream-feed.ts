// One receiver's share of a stream: past events first where they were asked for, then what comes, filtered, until the
// stop time. Used alike by RFC 5277 and RFC 8639 subscriptions and by RESTCONF's event streams. Does not encode or send.

import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { alarmAt } from "./long-alarm.js"
import type { StreamEvent } from "./stream-event.js"
import { passes, type StreamFilter } from "./stream-filter.js"
import type { EventStream } from "./stream.js"

export interface FeedTerms {
  readonly filter: StreamFilter | undefined
  /** From when past events are wanted, milliseconds since the epoch; absent: none. */
  readonly startMs?: number | undefined
  readonly stopMs?: number | undefined
}

export interface FeedEvents {
  /** On whose behalf. */
  readonly caller: Caller
  /** Access control, asked for every event. */
  mayHear(event: StreamEvent): boolean
  deliver(event: StreamEvent): void
  /** A filter or access control held an event back. */
  excluded(): void
  /** All past events were delivered; called only where some were asked for. */
  replayed(): void
  /** The stop time has come; nothing is delivered any more. */
  stopped(): void
}

export class StreamFeed {
  readonly #stream: EventStream
  readonly #clock: NetconfClock
  readonly #events: FeedEvents
  #terms: FeedTerms
  #state: "new" | "open" | "paused" | "over" = "new"
  #stopListening: () => void = () => undefined
  #cancelStop: () => void = () => undefined

  constructor(stream: EventStream, clock: NetconfClock, terms: FeedTerms, events: FeedEvents) {
    this.#stream = stream
    this.#clock = clock
    this.#terms = terms
    this.#events = events
  }

  get over(): boolean {
    return this.#state === "over"
  }

  /** Replays and begins. To be called once, after the reply that announces it has left. */
  start(): void {
    if (this.#state !== "new") return
    this.#state = "open"
    const { startMs, stopMs } = this.#terms
    const nowMs = this.#clock.now()
    if (startMs !== undefined) {
      const until = Math.min(stopMs ?? Number.POSITIVE_INFINITY, nowMs)
      for (const event of this.#stream.past(startMs, until)) this.#offer(event)
      if (this.#isOver()) return
      this.#events.replayed()
    }
    if (this.#isOver() || this.#stopNow()) return
    this.#stopListening = this.#stream.listen((event) => {
      this.#offer(event)
    }, this.#events.caller)
  }

  /** Events of a pause are lost. */
  pause(): void {
    if (this.#state === "open") this.#state = "paused"
  }

  resume(): void {
    if (this.#state === "paused") this.#state = "open"
  }

  /** Other terms from now on; a replay is not begun anew. */
  change(terms: Omit<FeedTerms, "startMs">): void {
    if (this.#state === "over") return
    this.#terms = { ...terms, startMs: this.#terms.startMs }
    if (this.#state === "new") return
    this.#cancelStop()
    this.#stopNow()
  }

  end(): void {
    this.#state = "over"
    this.#stopListening()
    this.#cancelStop()
  }

  #offer(event: StreamEvent): void {
    if (this.#state !== "open") return
    if (!passes(this.#terms.filter, event, this.#stream.schema) || !this.#events.mayHear(event))
      this.#events.excluded()
    else this.#events.deliver(event)
  }

  /** Stops, or sets the alarm for it. */
  #stopNow(): boolean {
    const { stopMs } = this.#terms
    if (stopMs === undefined) return false
    const stop = (): void => {
      this.end()
      this.#events.stopped()
    }
    if (stopMs > this.#clock.now()) this.#cancelStop = alarmAt(this.#clock, stopMs, stop)
    else stop()
    return this.#isOver()
  }

  #isOver(): boolean {
    return this.#state === "over"
  }
}
