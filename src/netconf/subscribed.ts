// The subscriptions of a publisher (RFC 8639 section 2.4, RFC 8641 section 4.4): established, modified, deleted and
// killed by rpc, bound to their receivers, shown as data. Independent of transport and encoding; NETCONF's operations
// are in `operations-subscribed.ts`.

import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { XmlElement } from "../yang/xml-tree.js"
import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { OnChangeFeed } from "./push-feed.js"
import type { PushDesk } from "./push-desk.js"
import type { StreamEvent } from "./stream-event.js"
import { StreamFeed, type FeedEvents } from "./stream-feed.js"
import type { StreamFilter } from "./stream-filter.js"
import type { EventStream } from "./stream.js"
import { SubscribedEntry, type Receiver } from "./subscribed-entry.js"
import { subscriptionError, type FailedRpc } from "./subscribed-errors.js"
import { STREAM_FILTER, filterIn } from "./subscribed-filter.js"
import { modifiedTerms } from "./subscribed-modify.js"
import { parseTerms, type StreamTarget, type Terms } from "./subscribed-terms.js"

export interface DeskLimits {
  readonly maxSubscriptions: number
  readonly maxSubscriptionsPerReceiver: number
  readonly suspensionTimeoutMs: number
}

export const DESK_LIMITS: DeskLimits = {
  maxSubscriptions: 1024,
  maxSubscriptionsPerReceiver: 32,
  suspensionTimeoutMs: 60_000,
}

export interface DeskOptions {
  readonly schema: Schema
  readonly clock: NetconfClock
  readonly streams: readonly EventStream[]
  /** Absent: datastores cannot be subscribed to. */
  readonly push: PushDesk | undefined
  readonly limits?: Partial<DeskLimits>
  /** What is configured under `/filters`. */
  filters(): JsonObject
  mayHear(caller: Caller, event: StreamEvent): boolean
}

export interface Established {
  /** Output members of the rpc. */
  readonly output: JsonObject
  /** To be called once the reply has left (section 2.4.2). */
  start(): void
}

const SN = "ietf-subscribed-notifications:"
/** RFC 8639 section 6: ids given by a publisher are of the upper half. */
const FIRST_ID = 2 ** 31
const LAST_ID = 2 ** 32 - 1

export class SubscriptionDesk {
  readonly #options: DeskOptions
  readonly #limits: DeskLimits
  readonly #streams: ReadonlyMap<string, EventStream>
  readonly #entries = new Map<number, SubscribedEntry>()
  #nextId = FIRST_ID

  constructor(options: DeskOptions) {
    this.#options = options
    this.#limits = { ...DESK_LIMITS, ...options.limits }
    this.#streams = new Map(options.streams.map((stream) => [stream.name, stream]))
  }

  get size(): number {
    return this.#entries.size
  }

  /**
   * @param input decoded and valid by the schema.
   * @param raw the elements it was decoded from, if it came as XML.
   * @throws QkdError with an identity of `establish-subscription-error` as app-tag.
   */
  establish(receiver: Receiver, input: JsonObject, raw?: readonly XmlElement[]): Established {
    const { schema, clock } = this.#options
    const terms = parseTerms(schema, input, raw, "establish", clock.now())
    const encoding = terms.encoding ?? receiver.encodings[0]
    const fail = (identity: Parameters<typeof subscriptionError>[0], what: string): QkdError =>
      subscriptionError(identity, what, "establish", terms.target.kind)
    if (!receiver.encodings.includes(encoding))
      throw fail(`${SN}encoding-unsupported`, `no encoding ${encoding} here`)
    const own = [...this.#entries.values()].filter((entry) => entry.receiver === receiver)
    if (
      own.length >= this.#limits.maxSubscriptionsPerReceiver ||
      this.#entries.size >= this.#limits.maxSubscriptions
    )
      throw fail(`${SN}insufficient-resources`, "too many subscriptions")
    const entry = new SubscribedEntry({
      id: this.#freeId(),
      receiver,
      encoding,
      terms,
      schema,
      clock,
      suspensionTimeoutMs: this.#limits.suspensionTimeoutMs,
      ended: (gone) => this.#entries.delete(gone.id),
    })
    this.#prepare(entry, terms, "establish")()
    this.#entries.set(entry.id, entry)
    return {
      output: { id: entry.id, ...this.#revision(terms) },
      start: () => {
        entry.start(ownStop(terms))
      },
    }
  }

  /** @throws QkdError with an identity of `modify-subscription-error` as app-tag; nothing has changed then. */
  modify(receiver: Receiver, input: JsonObject, raw?: readonly XmlElement[]): Established {
    const { schema, clock } = this.#options
    const entry = this.#own(receiver, input, "modify")
    const asked = parseTerms(schema, input, raw, "modify", clock.now())
    const terms = modifiedTerms(entry.terms, asked)
    const change = this.#prepare(entry, terms, "modify")
    return {
      output: {},
      start: () => {
        if (entry.state === "ended") return
        change()
        entry.happen({ kind: "modify" })
        entry.start(ownStop(terms))
        entry.feed?.resume()
      },
    }
  }

  /** Nothing is sent for it any more. @throws QkdError `no-such-subscription`. */
  delete(receiver: Receiver, input: JsonObject): void {
    this.#own(receiver, input, "delete").happen({ kind: "delete" })
  }

  /** Anybody's; its receiver is told. @throws QkdError `no-such-subscription`. */
  kill(input: JsonObject): void {
    const entry = this.#entries.get(idOf(input))
    if (entry === undefined) throw noSuch(input, "delete")
    entry.happen({ kind: "kill" })
  }

  /** @throws QkdError with an identity of `resync-subscription-error` as app-tag. */
  resync(receiver: Receiver, input: JsonObject): Established {
    const entry = this.#own(receiver, input, "resync")
    const { feed } = entry
    const { target } = entry.terms
    const allowed =
      target.kind === "datastore" &&
      target.trigger?.kind === "on-change" &&
      target.trigger.syncOnStart
    if (!(feed instanceof OnChangeFeed) || !allowed || entry.state !== "active")
      throw subscriptionError(
        "ietf-yang-push:on-change-sync-unsupported",
        "this subscription cannot be brought into step by sending the whole",
        "resync",
      )
    return {
      output: {},
      start: () => {
        feed.resync()
      },
    }
  }

  /** The receiver is gone, and all that was bound to it. */
  drop(receiver: Receiver): void {
    for (const entry of [...this.#entries.values()])
      if (entry.receiver === receiver) entry.happen({ kind: "session-end" })
  }

  /** `/filters` has changed: subscriptions that name one of them go on with it, or end. */
  filtersChanged(): void {
    for (const entry of [...this.#entries.values()]) {
      const { terms } = entry
      if (terms.target.filter?.by !== "name") continue
      try {
        const change = this.#prepare(entry, terms, "modify")
        entry.happen({ kind: "reconfigure" })
        change()
        entry.start(ownStop(terms))
      } catch (error) {
        if (!(error instanceof QkdError)) throw error
        entry.happen({ kind: "terminate", reason: `${SN}filter-unavailable` })
      }
    }
  }

  /** `/streams` and `/subscriptions`, for whoever shows the operational state. */
  state(): JsonObject {
    const stream = [...this.#streams.values()].map(streamData)
    const subscription = [...this.#entries.values()].map((entry) => entry.data)
    return {
      [`${SN}streams`]: { stream },
      ...(subscription.length > 0 && { [`${SN}subscriptions`]: { subscription } }),
    }
  }

  /** A session's or receiver's own subscription. Others' are not told of (section 2.4.4). */
  #own(receiver: Receiver, input: JsonObject, rpc: FailedRpc): SubscribedEntry {
    const entry = this.#entries.get(idOf(input))
    if (entry?.receiver !== receiver) throw noSuch(input, rpc)
    return entry
  }

  /**
   * Whether these terms can be served.
   *
   * @returns what puts them in force: with the feed at work where that can take them, else with a new one.
   */
  #prepare(entry: SubscribedEntry, terms: Terms, rpc: "establish" | "modify"): () => void {
    const { target, stopMs } = terms
    const { push, clock } = this.#options
    if (target.kind === "datastore") {
      if (push === undefined)
        throw subscriptionError(
          "ietf-yang-push:datastore-not-subscribable",
          "no datastore can be subscribed to",
          "establish",
          "datastore",
        )
      const feed = push.feedFor(entry, target, rpc)
      return () => {
        entry.take(terms, feed)
      }
    }
    const filter = this.#filterOf(target, rpc)
    const { feed } = entry
    if (feed instanceof StreamFeed)
      return () => {
        entry.take(terms, feed)
        feed.change({ filter, stopMs })
      }
    const feedTerms = { filter, stopMs, startMs: target.startMs }
    const made = new StreamFeed(this.#streamOf(target), clock, feedTerms, this.#eventsOf(entry))
    return () => {
      entry.take(terms, made)
    }
  }

  #eventsOf(entry: SubscribedEntry): FeedEvents {
    return {
      caller: entry.receiver.caller,
      mayHear: (event) => this.#options.mayHear(entry.receiver.caller, event),
      deliver: (event) => {
        entry.deliver(event)
      },
      excluded: () => {
        entry.excluded += 1
      },
      replayed: () => {
        entry.replayed()
      },
      stopped: () => {
        entry.happen({ kind: "stop-time" })
      },
    }
  }

  #streamOf(target: StreamTarget): EventStream {
    const stream = this.#streams.get(target.stream ?? "")
    if (stream === undefined)
      throw new QkdError("invalid-value", `no stream ${target.stream ?? ""}`, {
        info: { "bad-element": "stream" },
      })
    if (target.startMs !== undefined && stream.replay === undefined)
      throw subscriptionError(
        `${SN}replay-unsupported`,
        `stream ${stream.name} keeps no past`,
        "establish",
      )
    return stream
  }

  #filterOf(target: StreamTarget, rpc: FailedRpc): StreamFilter | undefined {
    const choice = target.filter
    if (choice?.by !== "name") return choice?.filter
    const { schema } = this.#options
    const list = this.#options.filters()["stream-filter"]
    const entry = isArray(list)
      ? list.find((item) => isObject(item) && item["name"] === choice.name)
      : undefined
    if (isObject(entry)) {
      try {
        return filterIn(schema, entry, STREAM_FILTER)
      } catch (error) {
        if (!(error instanceof QkdError)) throw error
      }
    }
    const what = `no filter ${choice.name} that can be used`
    throw subscriptionError(`${SN}filter-unsupported`, what, rpc, "stream", {
      "filter-failure-hint": what,
    })
  }

  /** Section 2.4.2.1: told when the log does not reach back as far as was asked for. */
  #revision({ target }: Terms): JsonObject {
    if (target.kind !== "stream" || target.startMs === undefined) return {}
    const replay = this.#streams.get(target.stream ?? "")?.replay
    const fromMs = replay?.agedMs ?? replay?.createdMs
    if (fromMs === undefined || fromMs <= target.startMs) return {}
    return { "replay-start-time-revision": new Date(fromMs).toISOString() }
  }

  #freeId(): number {
    while (this.#entries.has(this.#nextId)) this.#advance()
    const id = this.#nextId
    this.#advance()
    return id
  }

  #advance(): void {
    this.#nextId = this.#nextId === LAST_ID ? FIRST_ID : this.#nextId + 1
  }
}

/** A stream's feed sees to its stop time itself, since a replay may end before now. */
function ownStop({ target, stopMs }: Terms): number | undefined {
  return target.kind === "datastore" ? stopMs : undefined
}

function streamData({ name, description, replay }: EventStream): JsonObject {
  return {
    name,
    description,
    ...(replay !== undefined && {
      "replay-support": [null],
      "replay-log-creation-time": new Date(replay.createdMs).toISOString(),
      ...(replay.agedMs !== undefined && {
        "replay-log-aged-time": new Date(replay.agedMs).toISOString(),
      }),
    }),
  }
}

function idOf(input: JsonObject): number {
  const id = input["id"]
  return typeof id === "number" ? id : -1
}

function noSuch(input: JsonObject, rpc: FailedRpc): QkdError {
  const what = `no subscription ${idOf(input)} that you may touch`
  return rpc === "resync"
    ? subscriptionError("ietf-yang-push:no-such-subscription-resync", what, rpc)
    : subscriptionError(`${SN}no-such-subscription`, what, rpc)
}
