// One RFC 5277 subscription of one session: filter, replay, stop. Does not send: it says what is to be sent.

import { QkdError } from "../errors.js"
import { parseXml, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { ToldEvent } from "./access-control.js"
import type { NetconfClock } from "./clock.js"
import { notificationXml } from "./messages.js"
import { NOTIFICATION_NS } from "./names.js"
import { parametersOf, subtreeOf, timeOf } from "./parameters.js"
import { filterElements } from "./xml-filter.js"

/** An event encoded once for all subscribers. */
export interface EncodedEvent {
  /** What it is, for whoever decides who may hear it. */
  readonly told: ToldEvent
  readonly timeMs: number
  /** The event element. */
  readonly xml: string
  /** The same as a tree, made when the first filter asks. */
  tree(): XmlElement
}

export function encodedEvent(told: ToldEvent, timeMs: number, xml: string): EncodedEvent {
  let tree: XmlElement | undefined
  return { told, timeMs, xml, tree: () => (tree ??= parseXml(xml)) }
}

/** RFC 3339 in UTC. */
export function eventTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

export interface SubscriptionRequest {
  readonly filter: readonly XmlElement[] | undefined
  readonly startMs: number | undefined
  readonly stopMs: number | undefined
}

/** @throws QkdError as RFC 5277 section 2.1.1 wants for each wrong parameter. */
export function parseSubscription(
  operation: XmlElement,
  nowMs: number,
  canReplay: boolean,
): SubscriptionRequest {
  const parameters = parametersOf(operation, ["stream", "filter", "startTime", "stopTime"])
  const stream = parameters.get("stream")
  if (stream !== undefined && textOf(stream).trim() !== "NETCONF")
    throw new QkdError("invalid-value", `no stream ${textOf(stream).trim()}`, {
      info: { "bad-element": "stream" },
    })
  const filter = subtreeOf(parameters)
  const startMs = timeOf(parameters, "startTime")
  const stopMs = timeOf(parameters, "stopTime")
  if (startMs === undefined && stopMs !== undefined)
    throw new QkdError("missing-element", "stopTime wants startTime", {
      info: { "bad-element": "startTime" },
    })
  if (startMs !== undefined && startMs > nowMs)
    throw new QkdError("bad-element", "startTime is in the future", {
      info: { "bad-element": "startTime" },
    })
  if (startMs !== undefined && stopMs !== undefined && stopMs <= startMs)
    throw new QkdError("bad-element", "stopTime is not after startTime", {
      info: { "bad-element": "stopTime" },
    })
  if (startMs !== undefined && !canReplay)
    throw new QkdError("operation-failed", "stream NETCONF has no replay", {
      info: { "bad-element": "startTime" },
    })
  return { filter, startMs, stopMs }
}

/** A subscription that is on. */
export class Subscription {
  readonly #request: SubscriptionRequest
  readonly #send: (message: string) => void
  readonly #cancelStop: () => void
  #over = false

  /**
   * Replays and starts. To be made after the reply has left.
   *
   * @param past the events of the replay, when one was asked for.
   * @param over called when stopTime has come.
   */
  constructor(
    request: SubscriptionRequest,
    clock: NetconfClock,
    past: readonly EncodedEvent[],
    send: (message: string) => void,
    over: () => void,
  ) {
    this.#request = request
    this.#send = send
    for (const event of past) this.deliver(event)
    if (request.startMs !== undefined) this.#marker("replayComplete", clock.now())
    const { stopMs } = request
    const finish = (): void => {
      this.#over = true
      this.#marker("notificationComplete", clock.now())
      over()
    }
    if (stopMs === undefined) this.#cancelStop = () => undefined
    else if (stopMs <= clock.now()) {
      this.#cancelStop = () => undefined
      finish()
    } else this.#cancelStop = clock.after(stopMs - clock.now(), finish)
  }

  /** stopTime has come. */
  get finished(): boolean {
    return this.#over
  }

  /** Sends the event if the filter lets it through. */
  deliver(event: EncodedEvent): boolean {
    if (this.#over) return false
    const { filter } = this.#request
    if (filter !== undefined && filterElements([event.tree()], filter).length === 0) return false
    this.#send(notificationXml(eventTime(event.timeMs), event.xml))
    return true
  }

  /** The session is gone. */
  cancel(): void {
    this.#over = true
    this.#cancelStop()
  }

  /** RFC 5277 section 2.1.1: these two are never filtered. */
  #marker(name: "replayComplete" | "notificationComplete", nowMs: number): void {
    this.#send(notificationXml(eventTime(nowMs), `<${name} xmlns="${NOTIFICATION_NS}"/>`))
  }
}
