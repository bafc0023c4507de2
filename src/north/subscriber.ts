// One WebSocket subscriber: what it asked for, how far it has been told, and how it catches up. It never holds
// more than a high-water mark of unsent bytes: a slow reader is fed from the journal, and let go when it falls
// too far behind.
//
//   notice --> at the tip and reading: frame goes out at once
//          \-> else: counted as lag; on drain the journal is read from where it stands

import type { ControllerPort, Notice } from "../controller/ports.js"
import { type Feed, frameText } from "./feed.js"
import type { SubscribeBody, Topic } from "./validate.js"

const ALL: readonly Topic[] = ["node", "link", "service", "order", "maintenance", "log"]

/** The way out to one reader. */
export interface Outlet {
  /** Writes whole frames. */
  write(frame: Buffer): void
  /** Bytes written and not yet taken by the network. */
  readonly pendingBytes: number
  /** Ends the connection: the reader is too slow. */
  tooSlow(reason: string): void
}

export interface SubscriberLimits {
  /** Unsent bytes above which the subscriber is fed from the journal. */
  readonly highWaterBytes: number
  /** Bytes it may fall behind before it is let go. */
  readonly ceilingBytes: number
}

export const SUBSCRIBER_LIMITS: SubscriberLimits = {
  highWaterBytes: 256 * 1024,
  ceilingBytes: 8 * 1024 * 1024,
}

export class Subscriber {
  readonly #controller: ControllerPort
  readonly #feed: Feed
  readonly #outlet: Outlet
  readonly #limits: SubscriberLimits
  #topics: ReadonlySet<Topic> = new Set()
  /** The last notice sent or skipped by topic; meaningless while no topic is wanted. */
  #told = 0
  #lagBytes = 0
  #over = false

  constructor(
    controller: ControllerPort,
    feed: Feed,
    outlet: Outlet,
    limits: SubscriberLimits = SUBSCRIBER_LIMITS,
  ) {
    this.#controller = controller
    this.#feed = feed
    this.#outlet = outlet
    this.#limits = limits
  }

  /** Answers a `subscribe`, replacing what was wanted before; what was missed follows. */
  subscribe(body: SubscribeBody): void {
    if (this.#outlet.pendingBytes > this.#limits.ceilingBytes) {
      this.#letGo()
      return
    }
    const { epoch } = this.#controller
    const seq = this.#controller.lastSeq()
    const { id, since } = body
    this.#topics = new Set(body.topics.flatMap((topic) => (topic === "*" ? ALL : [topic])))
    this.#lagBytes = 0
    const reason =
      since === undefined
        ? "first"
        : since.epoch !== epoch
          ? "other-epoch"
          : since.seq > seq
            ? "ahead"
            : this.#controller.noticesSince(since.seq) === null
              ? "too-old"
              : undefined
    if (reason !== undefined || since === undefined) {
      const head = JSON.stringify({ op: "snapshot", id, reason, epoch, seq })
      const text = `${head.slice(0, -1)},"network":${this.#feed.snapshot(this.#topics)}}`
      this.#told = seq
      this.#outlet.write(frameText(text))
    } else if (since.seq === seq) {
      this.#told = seq
      this.say({ op: "nothing-missed", id, epoch, seq })
    } else {
      this.#told = since.seq
      this.say({ op: "resumed", id, epoch, seq, from: since.seq })
      this.catchUp()
    }
  }

  unsubscribe(): void {
    this.#topics = new Set()
    this.#lagBytes = 0
  }

  /** A notice was committed. Called for each, in order. */
  notice(notice: Notice): void {
    if (this.#topics.size === 0 || this.#over || notice.seq <= this.#told) return
    const atTip = notice.seq === this.#told + 1
    if (atTip && this.#outlet.pendingBytes <= this.#limits.highWaterBytes) {
      this.#tell(notice)
      return
    }
    if (this.#topics.has(notice.topic)) this.#lagBytes += this.#feed.frameOf(notice).length
    if (this.#lagBytes + this.#outlet.pendingBytes > this.#limits.ceilingBytes) this.#letGo()
  }

  /** Sends from the journal what can be sent now; called again whenever the socket drained. */
  catchUp(): void {
    if (this.#topics.size === 0 || this.#over || this.#told >= this.#controller.lastSeq()) return
    const missed = this.#controller.noticesSince(this.#told)
    if (missed === null) {
      this.#letGo()
      return
    }
    for (const notice of missed) {
      if (this.#outlet.pendingBytes > this.#limits.highWaterBytes) return
      this.#tell(notice)
    }
    this.#lagBytes = 0
  }

  /**
   * A number that is safe to resume from: behind the tip it is the last told. The heartbeat carries it, so
   * that a reader who keeps it misses nothing.
   */
  get toldSeq(): number {
    return this.#topics.size === 0 ? this.#controller.lastSeq() : this.#told
  }

  say(message: object): void {
    this.#outlet.write(frameText(JSON.stringify(message)))
  }

  #tell(notice: Notice): void {
    this.#told = notice.seq
    if (this.#topics.has(notice.topic)) this.#outlet.write(this.#feed.frameOf(notice))
  }

  #letGo(): void {
    this.#over = true
    this.#outlet.tooSlow("reading too slowly: connect again and subscribe with the last seq")
  }
}
