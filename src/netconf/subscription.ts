// create-subscription (RFC 5277 section 2.1): its parameters, and the one subscription of a session that it begins.

import { QkdError } from "../errors.js"
import { compileXPathFilter } from "../yang/filter-xpath.js"
import type { Schema } from "../yang/schema.js"
import { attributeOf, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { NetconfClock } from "./clock.js"
import { BASE_NS, STREAMS_NS } from "./names.js"
import { notificationXml } from "./messages.js"
import { parametersOf, subtreeOf, timeOf } from "./parameters.js"
import { eventTime, type StreamEvent } from "./stream-event.js"
import { StreamFeed, type FeedTerms } from "./stream-feed.js"
import type { StreamFilter } from "./stream-filter.js"
import type { EventStream } from "./stream.js"
import type { Receiver } from "./subscribed-entry.js"

export { eventTime } from "./stream-event.js"

/** @throws QkdError as RFC 5277 section 2.1.1 wants for each wrong parameter. */
export function parseSubscription(
  schema: Schema,
  operation: XmlElement,
  nowMs: number,
  stream: EventStream,
): FeedTerms {
  const parameters = parametersOf(operation, ["stream", "filter", "startTime", "stopTime"])
  const named = parameters.get("stream")
  if (named !== undefined && textOf(named).trim() !== stream.name)
    throw new QkdError("invalid-value", `no stream ${textOf(named).trim()}`, {
      info: { "bad-element": "stream" },
    })
  const filter = filterOf(schema, parameters.get("filter"), () => subtreeOf(parameters))
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
  if (startMs !== undefined && stream.replay === undefined)
    throw new QkdError("operation-failed", "stream NETCONF has no replay", {
      info: { "bad-element": "startTime" },
    })
  return { filter, startMs, stopMs }
}

/** @throws QkdError as RFC 6241 sections 6 and 8.9 want. */
function filterOf(
  schema: Schema,
  filter: XmlElement | undefined,
  subtree: () => readonly XmlElement[] | undefined,
): StreamFilter | undefined {
  if (filter === undefined) return undefined
  const typed = filter.attrs.find((a) => a.name === "type" && (a.ns === "" || a.ns === BASE_NS))
  if (typed?.value !== "xpath") return { kind: "subtree", elements: subtree() ?? [] }
  const text = attributeOf(filter, "select")
  if (text === undefined)
    throw new QkdError("missing-attribute", "an XPath filter wants select", {
      info: { "bad-attribute": "select", "bad-element": "filter" },
    })
  const { prefixes } = filter
  return { kind: "xpath", expression: compileXPathFilter(schema, { text, prefixes }) }
}

/** A subscription that is on. */
export class Subscription {
  readonly #feed: StreamFeed

  /** @param over called when stopTime has come. */
  constructor(
    stream: EventStream,
    clock: NetconfClock,
    terms: FeedTerms,
    receiver: Receiver,
    told: { mayHear(event: StreamEvent): boolean; mark(message: string): void; over(): void },
  ) {
    // Section 2.1.1: these two are never filtered. Their namespace is that of section 3.4.
    const mark = (name: "replayComplete" | "notificationComplete"): void => {
      told.mark(notificationXml(eventTime(clock.now()), `<${name} xmlns="${STREAMS_NS}"/>`))
    }
    this.#feed = new StreamFeed(stream, clock, terms, {
      caller: receiver.caller,
      mayHear: (event) => told.mayHear(event),
      deliver: (event) => {
        receiver.send(event, "xml")
      },
      excluded: () => undefined,
      replayed: () => {
        mark("replayComplete")
      },
      stopped: () => {
        mark("notificationComplete")
        told.over()
      },
    })
  }

  /** Replays and begins. To be called after the reply has left. */
  start(): void {
    this.#feed.start()
  }

  /** The session is gone. */
  cancel(): void {
    this.#feed.end()
  }
}
