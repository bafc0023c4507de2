// A named event stream (RFC 5277 section 3.2, RFC 8639 section 2.1): who listens, what was told before. Knows no
// session, no encoding, no filter.

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import type { Caller, PastEvent } from "./backend.js"
import { StreamEvent } from "./stream-event.js"

/** How far back a log reaches. */
export interface LogReach {
  /** When the log was begun, milliseconds since the epoch. */
  readonly createdMs: number
  /** Time of the last event that has dropped out of it, if any has. */
  readonly agedMs?: number | undefined
}

/** Where past events come from. */
export interface ReplayLog extends LogReach {
  /** From `fromMs` on, oldest first, none later than `toMs`. */
  past(fromMs: number, toMs: number): readonly PastEvent[]
}

export type StreamListener = (event: StreamEvent) => void

export interface StreamOptions {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  /** Absent: the stream has no past. */
  readonly replay?: ReplayLog
}

export class EventStream {
  readonly name: string
  readonly description: string
  readonly schema: Schema
  readonly replay: ReplayLog | undefined
  readonly #listeners = new Map<StreamListener, Caller | undefined>()

  constructor({ name, description, schema, replay }: StreamOptions) {
    this.name = name
    this.description = description
    this.schema = schema
    this.replay = replay
  }

  /** Tells everybody who listens. A listener that comes or goes meanwhile changes nothing for the others. */
  publish(event: StreamEvent): void {
    for (const listener of this.#listeners.keys()) listener(event)
  }

  /** @param caller on whose behalf. @returns the way to stop. */
  listen(listener: StreamListener, caller?: Caller): () => void {
    this.#listeners.set(listener, caller)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  get listeners(): number {
    return this.#listeners.size
  }

  /** Who listens, one for each subscription. */
  get audience(): readonly Caller[] {
    return [...this.#listeners.values()].filter((caller) => caller !== undefined)
  }

  /** Past events, oldest first; none where there is no log. */
  past(fromMs: number, toMs: number): readonly StreamEvent[] {
    return (
      this.replay
        ?.past(fromMs, toMs)
        .map(({ event, timeMs }) => new StreamEvent(this.schema, event, timeMs)) ?? []
    )
  }
}

/** A bounded memory of events. */
export class EventLog implements ReplayLog {
  readonly createdMs: number
  readonly #keep: number
  #kept: PastEvent[] = []
  #agedMs: number | undefined

  /** @param keep events held at least; twice as many at most. */
  constructor(nowMs: number, keep: number) {
    this.createdMs = nowMs
    this.#keep = keep
  }

  get agedMs(): number | undefined {
    return this.#agedMs
  }

  add(event: JsonObject, timeMs: number): void {
    this.#kept.push({ timeMs, event })
    if (this.#kept.length <= 2 * this.#keep) return
    const dropped = this.#kept.splice(0, this.#kept.length - this.#keep)
    this.#agedMs = dropped.at(-1)?.timeMs ?? this.#agedMs
  }

  past(fromMs: number, toMs: number): readonly PastEvent[] {
    return this.#kept.filter(({ timeMs }) => timeMs >= fromMs && timeMs <= toMs)
  }
}

/** Two logs read as one: what the owner of the data told, and what the server told of itself. */
export function joinedLogs(first: ReplayLog, second: ReplayLog): ReplayLog {
  return {
    createdMs: Math.min(first.createdMs, second.createdMs),
    get agedMs() {
      const aged = [first.agedMs, second.agedMs].filter((ms) => ms !== undefined)
      return aged.length === 0 ? undefined : Math.max(...aged)
    },
    past: (fromMs, toMs) =>
      [...first.past(fromMs, toMs), ...second.past(fromMs, toMs)].sort(
        (a, b) => a.timeMs - b.timeMs,
      ),
  }
}
