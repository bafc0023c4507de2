// One event record of a stream, told to any number of receivers: each encoding is made once, when the first receiver
// asks for it. Knows nothing of sessions, filters or who may hear it.

import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import { encodeXml } from "../yang/xml.js"
import { parseXml, type XmlElement } from "../yang/xml-tree.js"
import { frame, type Framing } from "./framing.js"
import { notificationXml } from "./messages.js"

/** RFC 8639: `encode-xml`, `encode-json`. */
export type Encoding = "xml" | "json"

/** RFC 3339 in UTC. */
export function eventTime(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

export class StreamEvent {
  /** When it happened, milliseconds since the epoch. */
  readonly timeMs: number
  readonly module: string
  readonly name: string
  readonly #schema: Schema
  readonly #data: (encoding: Encoding) => JsonObject
  #xml: string | undefined
  #json: string | undefined
  #message: string | undefined
  #tree: XmlElement | undefined
  readonly #framed = new Map<Framing, Uint8Array>()

  /**
   * @param event one member, `module:notification`, valid by the schema; or a function that gives it, where anydata
   *   inside must be written by hand for each encoding.
   */
  constructor(
    schema: Schema,
    event: JsonObject | ((encoding: Encoding) => JsonObject),
    timeMs: number,
    name = typeof event === "function" ? "" : (Object.keys(event)[0] ?? ""),
  ) {
    const colon = name.indexOf(":")
    this.module = name.slice(0, colon)
    this.name = name.slice(colon + 1)
    this.timeMs = timeMs
    this.#schema = schema
    this.#data = typeof event === "function" ? event : () => event
  }

  /** The event as data. */
  get data(): JsonObject {
    return this.#data("json")
  }

  /** The event element. */
  get xml(): string {
    return (this.#xml ??= encodeXml(this.#schema, this.#data("xml"), this.#schema.notificationRoot))
  }

  /** RFC 8040 section 6.4: the whole message as JSON text. */
  get json(): string {
    return (this.#json ??= JSON.stringify({
      "ietf-restconf:notification": { eventTime: eventTime(this.timeMs), ...this.#data("json") },
    }))
  }

  /** RFC 5277 section 4: the whole message as XML. */
  get message(): string {
    return (this.#message ??= notificationXml(eventTime(this.timeMs), this.xml))
  }

  /** The message as bytes of a NETCONF session; not to be changed. */
  framed(framing: Framing): Uint8Array {
    let bytes = this.#framed.get(framing)
    if (bytes === undefined) this.#framed.set(framing, (bytes = frame(this.message, framing)))
    return bytes
  }

  /** The event element as a tree, for subtree filters. */
  tree(): XmlElement {
    return (this.#tree ??= parseXml(this.xml))
  }
}
