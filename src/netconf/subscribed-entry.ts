// One dynamic subscription at the publisher: its terms, its state, the feed that works for it, and what its receiver is
// told in which order. Which subscriptions there are is the desk's business (`subscribed.ts`).

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import type { Caller } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { alarmAt } from "./long-alarm.js"
import { StreamEvent, type Encoding } from "./stream-event.js"
import {
  ESTABLISHED,
  nextState,
  type Happening,
  type Notice,
  type SubscriptionState,
} from "./subscribed-state.js"
import type { Terms } from "./subscribed-terms.js"

/** Who gets notifications: a NETCONF session, an event stream of RESTCONF. */
export interface Receiver {
  readonly caller: Caller
  /** Encodings it can be sent, the one of its own requests first. */
  readonly encodings: readonly [Encoding, ...Encoding[]]
  send(event: StreamEvent, encoding: Encoding): void
  /** True while so much waits to be read that no more should be sent. */
  congested(): boolean
  /** Calls once when it has read on. */
  onceDrained(call: () => void): void
}

/** What works for a subscription: a share of a stream, periodic updates, updates on change. */
export interface Feed {
  start(): void
  pause(): void
  resume(): void
  end(): void
}

export interface EntryOptions {
  readonly id: number
  readonly receiver: Receiver
  readonly encoding: Encoding
  readonly terms: Terms
  readonly schema: Schema
  readonly clock: NetconfClock
  /** A rest that lasts longer ends the subscription. */
  readonly suspensionTimeoutMs: number
  /** Called once, when it has ended in whatever way. */
  readonly ended: (entry: SubscribedEntry) => void
}

const SN = "ietf-subscribed-notifications:"

export class SubscribedEntry {
  readonly id: number
  readonly receiver: Receiver
  readonly encoding: Encoding
  sent = 0
  excluded = 0
  #terms: Terms
  readonly #options: EntryOptions
  #state: SubscriptionState = ESTABLISHED
  #feed: Feed | undefined
  #cancelStop: () => void = () => undefined
  #cancelSuspension: () => void = () => undefined

  constructor(options: EntryOptions) {
    this.id = options.id
    this.receiver = options.receiver
    this.encoding = options.encoding
    this.#terms = options.terms
    this.#options = options
  }

  get state(): SubscriptionState["name"] {
    return this.#state.name
  }

  get terms(): Terms {
    return this.#terms
  }

  get feed(): Feed | undefined {
    return this.#feed
  }

  /** Other terms, and a feed to go with them, if the one at work cannot take them. */
  take(terms: Terms, feed: Feed): void {
    this.#terms = terms
    if (feed === this.#feed) return
    this.#feed?.end()
    this.#feed = feed
  }

  /** After the reply has left. @param stopMs unless the feed sees to it itself. */
  start(stopMs?: number): void {
    if (this.state === "ended") return
    this.#cancelStop()
    if (stopMs !== undefined)
      this.#cancelStop = alarmAt(this.#options.clock, stopMs, () => {
        this.happen({ kind: "stop-time" })
      })
    this.#feed?.start()
  }

  /** An event record or an update; one for a receiver that cannot take it is lost, and that is said. */
  deliver(event: StreamEvent): void {
    if (this.state === "ended") return
    if (this.receiver.congested()) {
      this.#congested()
      return
    }
    this.happen({ kind: "resume" })
    this.sent += 1
    this.receiver.send(event, this.encoding)
  }

  /** RFC 8639 section 2.7: never filtered, never dropped. */
  happen(happening: Happening): void {
    const before = this.#state
    const { state, notice } = nextState(before, happening)
    this.#state = state
    if (notice !== undefined) this.#tell(notice)
    if (state.name === before.name) return
    this.#cancelSuspension()
    if (state.name === "suspended")
      this.#cancelSuspension = alarmAt(
        this.#options.clock,
        this.#options.clock.now() + this.#options.suspensionTimeoutMs,
        () => {
          this.happen({ kind: "terminate", reason: `${SN}suspension-timeout` })
        },
      )
    if (state.name !== "ended") return
    this.#cancelStop()
    this.#feed?.end()
    this.#options.ended(this)
  }

  /** One mark in the sequence of event records. */
  replayed(): void {
    this.#send({ [`${SN}replay-completed`]: { id: this.id } })
  }

  /** What RFC 8639 section 2.9 shows of it. */
  get data(): JsonObject {
    return {
      id: this.id,
      ...this.#terms.policy,
      encoding: this.#encodingIdentity,
      receivers: {
        receiver: [
          {
            name: `session ${this.receiver.caller.sessionId}`,
            "sent-event-records": String(this.sent),
            "excluded-event-records": String(this.excluded),
            state: this.state === "suspended" ? "suspended" : "active",
          },
        ],
      },
    }
  }

  get #encodingIdentity(): string {
    return `${SN}encode-${this.encoding}`
  }

  #congested(): void {
    if (this.state !== "active") return
    this.happen({ kind: "suspend", reason: `${SN}unsupportable-volume` })
    this.#feed?.pause()
    this.receiver.onceDrained(() => {
      this.happen({ kind: "resume" })
      this.#feed?.resume()
    })
  }

  #tell(notice: Notice): void {
    const body: JsonObject =
      notice.name === "subscription-modified"
        ? { id: this.id, ...this.#terms.policy, encoding: this.#encodingIdentity }
        : "reason" in notice
          ? { id: this.id, reason: notice.reason }
          : { id: this.id }
    this.#send({ [SN + notice.name]: body })
  }

  #send(event: JsonObject): void {
    const { schema, clock } = this.#options
    this.receiver.send(new StreamEvent(schema, event, clock.now()), this.encoding)
  }
}
