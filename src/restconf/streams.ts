// Event streams (RFC 8040 section 6): what a GET asks for, and each event as a server-sent event. The stream itself is
// `netconf/stream.ts`, shared with NETCONF's subscribers; the connection is the edge's.

import type { Caller } from "../netconf/backend.js"
import { notificationXml } from "../netconf/messages.js"
import type { Publisher } from "../netconf/publisher.js"
import { eventTime, type StreamEvent } from "../netconf/stream-event.js"
import { StreamFeed } from "../netconf/stream-feed.js"
import type { StreamFilter } from "../netconf/stream-filter.js"
import type { EventStream } from "../netconf/stream.js"
import { compileXPathFilter } from "../yang/filter-xpath.js"
import { RestconfFault, badUri, notFound } from "./fault.js"
import { negotiate } from "./media.js"
import type { Encoding, RestconfAnswer, StreamSink } from "./message.js"
import type { StreamInfo } from "./monitoring.js"
import { EVENT_STREAM_MEDIA } from "./names.js"
import type { Query } from "./query.js"
import { show } from "./uri.js"

/** Where events come from, and who may hear which. */
export type StreamSource = Pick<Publisher, "netconf" | "mayHear" | "clock">

/** The `nc-notifications` module (RFC 5277 section 3.2.5) tells the end of a replay and of a stream. */
const MARKERS_NS = "urn:ietf:params:xml:ns:netmod:notification"

export function streamInfo(stream: EventStream): StreamInfo {
  const { name, description, replay } = stream
  return { name, description, ...(replay === undefined ? {} : { replaySinceMs: replay.createdMs }) }
}

/**
 * The answer to a GET: events go to the sink from its `stream` on, past ones first.
 *
 * @throws RestconfFault 404, 406, 400 for a filter that cannot be read and times that cannot be.
 */
export function openStream(
  source: StreamSource | undefined,
  caller: Caller,
  asked: { readonly name: string; readonly encoding: Encoding },
  query: Query,
  accept: string | undefined,
): RestconfAnswer {
  if (source === undefined || source.netconf.name !== asked.name)
    throw notFound(`no stream ${show(asked.name)}`)
  const { clock, netconf: stream } = source
  negotiate(accept, [EVENT_STREAM_MEDIA])
  const { startMs, stopMs } = query
  // Sections 4.8.7 and 4.8.8.
  if (startMs !== undefined && stream.replay === undefined)
    throw badUri("start-time: this stream keeps no past events")
  if (startMs !== undefined && startMs > clock.now()) throw badUri("start-time is in the future")
  const filter = query.filter === undefined ? undefined : filterOf(stream, query.filter)
  const textOf = asked.encoding === "json" ? jsonOf : xmlOf
  return {
    status: 200,
    headers: { "Content-Type": EVENT_STREAM_MEDIA, "Cache-Control": "no-cache" },
    stream: (sink: StreamSink) => {
      const mark = (name: string): void => {
        sink.write(serverSent(markerText(name, clock.now(), asked.encoding)))
      }
      const feed = new StreamFeed(
        stream,
        clock,
        { filter, startMs, stopMs },
        {
          caller,
          mayHear: (event) => source.mayHear(caller, event),
          deliver: (event) => {
            sink.write(serverSent(textOf(event)))
          },
          excluded: () => undefined,
          replayed: () => {
            mark("replayComplete")
          },
          stopped: () => {
            mark("notificationComplete")
            sink.end()
          },
        },
      )
      feed.start()
      return () => {
        feed.end()
      }
    },
  }
}

/** Section 4.8.4: XPath, its prefixes the names of modules. */
function filterOf(stream: EventStream, text: string): StreamFilter {
  try {
    const expression = compileXPathFilter(stream.schema, { text, prefixes: "modules" })
    return { kind: "xpath", expression }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "cannot be read"
    throw new RestconfFault(400, "invalid-value", `filter: ${why}`, { cause })
  }
}

function jsonOf(event: StreamEvent): string {
  return event.json
}

function xmlOf(event: StreamEvent): string {
  return event.message
}

function markerText(name: string, nowMs: number, encoding: Encoding): string {
  const time = eventTime(nowMs)
  return encoding === "xml"
    ? notificationXml(time, `<${name} xmlns="${MARKERS_NS}"/>`)
    : JSON.stringify({
        "ietf-restconf:notification": { eventTime: time, [`nc-notifications:${name}`]: {} },
      })
}

/** Section 6.4: every line of the message is a `data` field; a blank line ends the event. */
function serverSent(message: string): string {
  return `${message.replace(/^/gm, "data: ")}\n\n`
}
