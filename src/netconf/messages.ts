// NETCONF messages (RFC 6241 sections 4 and 8.1, RFC 5277 section 4): hello, rpc, rpc-reply, notification;
// bytes to elements and text to send. Does not know sessions, order or operations.

import { QkdError } from "../errors.js"
import {
  attributeOf,
  childrenOf,
  escapeAttr,
  escapeText,
  parseXml,
  textOf,
  type XmlAttribute,
  type XmlElement,
  type XmlLimits,
} from "../yang/xml-tree.js"
import type { Framing } from "./framing.js"
import { BASE_1_0, BASE_1_1, BASE_NS, MAX_SESSION_ID, NOTIFICATION_NS, XML_NS } from "./names.js"

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** @throws QkdError `malformed-message` when it is not UTF-8 or not well-formed; `too-big` beyond limits. */
export function parseMessage(bytes: Uint8Array, limits: XmlLimits): XmlElement {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (cause) {
    throw new QkdError("malformed-message", "message is not UTF-8", { cause })
  }
  return parseXml(text.trimStart(), limits)
}

export interface Hello {
  readonly capabilities: readonly string[]
  /** Only in a server's hello. */
  readonly sessionId?: number
}

export function helloXml(hello: Hello): string {
  const capabilities = hello.capabilities.map((c) => `<capability>${escapeText(c)}</capability>`)
  const id = hello.sessionId === undefined ? "" : `<session-id>${hello.sessionId}</session-id>`
  return `<?xml version="1.0" encoding="UTF-8"?><hello xmlns="${BASE_NS}"><capabilities>${capabilities.join("")}</capabilities>${id}</hello>`
}

/**
 * Reads the other side's hello.
 *
 * @param from which side sent it: a server must name the session id, a client must not (section 8.1).
 * @throws QkdError when it is anything else; the session must end then.
 */
export function parseHello(element: XmlElement, from: "client" | "server"): Hello {
  if (element.name !== "hello" || element.ns !== BASE_NS)
    throw new QkdError("malformed-message", `hello expected, got ${element.name}`)
  let capabilities: string[] | undefined
  let sessionId: number | undefined
  for (const child of childrenOf(element)) {
    if (child.ns !== BASE_NS) continue
    if (child.name === "capabilities")
      capabilities = childrenOf(child)
        .filter((c) => c.name === "capability" && c.ns === BASE_NS)
        .map((c) => textOf(c).trim())
    else if (child.name === "session-id") sessionId = parseSessionId(textOf(child))
  }
  if (capabilities === undefined)
    throw new QkdError("missing-element", "hello without capabilities", {
      info: { "bad-element": "capabilities" },
    })
  if (from === "client" && sessionId !== undefined)
    throw new QkdError("bad-element", "a client's hello must not carry a session-id", {
      info: { "bad-element": "session-id" },
    })
  if (from === "server" && sessionId === undefined)
    throw new QkdError("missing-element", "a server's hello must carry a session-id", {
      info: { "bad-element": "session-id" },
    })
  return { capabilities, ...(sessionId === undefined ? {} : { sessionId }) }
}

/** @throws QkdError `invalid-value` unless it is 1..4294967295. */
export function parseSessionId(text: string): number {
  const trimmed = text.trim()
  const id = /^[0-9]{1,10}$/.test(trimmed) ? Number(trimmed) : 0
  if (id < 1 || id > MAX_SESSION_ID)
    throw new QkdError("invalid-value", "session-id is not 1..4294967295", {
      info: { "bad-element": "session-id" },
    })
  return id
}

/**
 * RFC 6242 section 4.1: chunks when both said base:1.1.
 *
 * @throws QkdError `operation-not-supported` without a common base version.
 */
export function agreeFraming(ours: readonly string[], theirs: readonly string[]): Framing {
  const both = (base: string): boolean => ours.includes(base) && theirs.includes(base)
  if (both(BASE_1_1)) return "chunked"
  if (both(BASE_1_0)) return "end-of-message"
  throw new QkdError("operation-not-supported", "no common version of NETCONF")
}

export function rpcXml(messageId: string, operationXml: string): string {
  return `<rpc xmlns="${BASE_NS}" message-id="${escapeAttr(messageId)}">${operationXml}</rpc>`
}

/**
 * The one operation inside an rpc.
 *
 * @throws QkdError of type `rpc`: not an rpc, without message-id, or without exactly one operation.
 */
export function operationOf(rpc: XmlElement): XmlElement {
  if (rpc.ns !== BASE_NS)
    throw new QkdError("unknown-namespace", `rpc expected in namespace ${BASE_NS}`, {
      info: { "bad-element": rpc.name, "bad-namespace": rpc.ns },
    })
  if (rpc.name !== "rpc")
    throw new QkdError("unknown-element", `rpc expected, got ${rpc.name}`, {
      info: { "bad-element": rpc.name },
    })
  if (attributeOf(rpc, "message-id") === undefined)
    throw new QkdError("missing-attribute", "rpc without message-id", {
      info: { "bad-attribute": "message-id", "bad-element": "rpc" },
    })
  const [operation, second] = childrenOf(rpc)
  if (operation === undefined)
    throw new QkdError("missing-element", "rpc without an operation", {
      info: { "bad-element": "rpc" },
    })
  if (second !== undefined)
    throw new QkdError("unknown-element", "rpc with more than one operation", {
      info: { "bad-element": second.name },
    })
  return operation
}

/** @param attrs all attributes of the rpc, repeated in the reply (section 4.2). */
export function replyXml(attrs: readonly XmlAttribute[], body: string): string {
  return `<rpc-reply xmlns="${BASE_NS}"${attributesXml(attrs)}>${body}</rpc-reply>`
}

function attributesXml(attrs: readonly XmlAttribute[]): string {
  const prefixes = new Map<string, string>()
  const written = attrs.map((attr) => {
    const value = `="${escapeAttr(attr.value)}"`
    if (attr.ns === "") return ` ${attr.name}${value}`
    if (attr.ns === XML_NS) return ` xml:${attr.name}${value}`
    const prefix = prefixes.get(attr.ns) ?? `a${prefixes.size}`
    prefixes.set(attr.ns, prefix)
    return ` ${prefix}:${attr.name}${value}`
  })
  const declared = [...prefixes].map(([ns, prefix]) => ` xmlns:${prefix}="${escapeAttr(ns)}"`)
  return [...declared, ...written].join("")
}

/** @param eventTime RFC 3339. */
export function notificationXml(eventTime: string, eventXml: string): string {
  return `<notification xmlns="${NOTIFICATION_NS}"><eventTime>${eventTime}</eventTime>${eventXml}</notification>`
}

/** @throws QkdError `malformed-message` unless it is an eventTime and one event. */
export function parseNotification(element: XmlElement): { eventTime: string; event: XmlElement } {
  let eventTime: string | undefined
  const events: XmlElement[] = []
  for (const child of childrenOf(element)) {
    if (child.name === "eventTime" && child.ns === NOTIFICATION_NS) eventTime = textOf(child).trim()
    else events.push(child)
  }
  const [event] = events
  if (eventTime === undefined || event === undefined || events.length !== 1)
    throw new QkdError("malformed-message", "notification is not an eventTime and one event")
  return { eventTime, event }
}
