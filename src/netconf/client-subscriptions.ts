// The client's side of RFC 8639 and RFC 8641 over one session: subscriptions, and each notification to the one it is
// for. Reads the session's notifications; nobody else may then. Applies no update to any copy of the data.

import { QkdError } from "../errors.js"
import { childrenOf, escapeAttr, escapeText, textOf, type XmlElement } from "../yang/xml-tree.js"
import type { NetconfClientSession, NetconfNotification, RpcOptions } from "./client.js"
import { BASE_NS, SUBSCRIBED_NS, YANG_PUSH_NS } from "./names.js"
import { NotificationQueue } from "./notification-queue.js"

const DATASTORES_NS = "urn:ietf:params:xml:ns:yang:ietf-datastores"

/** What a server says in its hello of subscriptions. */
export interface SubscriptionOffer {
  readonly streams: boolean
  readonly push: boolean
  readonly onChange: boolean
}

export function subscriptionOffer(capabilities: readonly string[]): SubscriptionOffer {
  const found = (ns: string): string | undefined =>
    capabilities.find((c) => c === ns || c.startsWith(`${ns}?`))
  const push = found(YANG_PUSH_NS)
  const features = /[?&]features=([^&]*)/.exec(push ?? "")?.[1]?.split(",") ?? []
  return {
    streams: found(SUBSCRIBED_NS) !== undefined,
    push: push !== undefined,
    onChange: features.includes("on-change"),
  }
}

/** XPath, its prefixes declared; or XML of a subtree filter's children. */
export type SelectionXml =
  | { readonly subtreeXml: string }
  | { readonly xpath: string; readonly namespaces: Readonly<Record<string, string>> }

export interface StreamRequest extends RpcOptions {
  readonly stream: string
  readonly filter?: SelectionXml
  /** RFC 3339. */
  readonly replayStartTime?: string
  readonly stopTime?: string
}

export interface PushRequest extends RpcOptions {
  /** Name of an identity of ietf-datastores, such as `operational`. */
  readonly datastore: string
  readonly filter?: SelectionXml
  /** Hundredths of a second, as the standard counts. */
  readonly trigger:
    | { readonly periodCs: number; readonly anchorTime?: string }
    | {
        readonly dampeningCs?: number
        readonly syncOnStart?: boolean
        readonly excluded?: readonly string[]
      }
  readonly stopTime?: string
}

/** One edit of a push-change-update (RFC 8072 section 2.5). */
export interface ChangeEdit {
  readonly operation: string
  /** Data resource as in RESTCONF, seen from the datastore. */
  readonly target: string
  readonly where?: string
  readonly point?: string
  /** The instance of the target node; absent where it is gone or moved. */
  readonly value?: XmlElement
}

export type SubscriptionNote =
  | {
      readonly kind: "update"
      readonly eventTime: string
      readonly contents: readonly XmlElement[]
      readonly incomplete: boolean
    }
  | {
      readonly kind: "changes"
      readonly eventTime: string
      readonly patchId: string
      readonly edits: readonly ChangeEdit[]
      readonly incomplete: boolean
    }
  /** A notice of the subscription's own life, such as `subscription-suspended`. */
  | {
      readonly kind: "notice"
      readonly eventTime: string
      readonly name: string
      /** Identity without prefix. */
      readonly reason?: string
    }

export interface ClientSubscription {
  readonly id: number
  /** From when on there are events, where that is later than was asked for. */
  readonly replayFrom?: string
  /** Called in order, from the first on; once set it must not throw. */
  listen(listener: (note: SubscriptionNote) => void): void
  delete(options?: RpcOptions): Promise<void>
  /** On change: ask for the whole selection. */
  resync(options?: RpcOptions): Promise<void>
}

/** Updates held for a subscription that nobody listens to yet. */
const MAX_HELD = 1000

class Inbox {
  #held: SubscriptionNote[] = []
  #listener: ((note: SubscriptionNote) => void) | undefined

  /** False when too many are held. */
  put(note: SubscriptionNote): boolean {
    if (this.#listener !== undefined) this.#listener(note)
    else if (this.#held.push(note) > MAX_HELD) return false
    return true
  }

  listen(listener: (note: SubscriptionNote) => void): void {
    this.#listener = listener
    for (const note of this.#held.splice(0)) listener(note)
  }
}

export class SubscriptionClient {
  /** Event records of streams: they do not say which subscription they are for. Ends with the session. */
  readonly events: AsyncIterable<NetconfNotification>
  readonly #session: NetconfClientSession
  readonly #queue: NotificationQueue
  /** By id; those that have ended stay away, since ids may be given again. */
  readonly #inboxes = new Map<number, Inbox>()

  /** @param failed called when what comes cannot be read or is not read fast enough; the session should be ended then. */
  constructor(
    session: NetconfClientSession,
    failed: (error: QkdError) => void,
    maxEvents = 10_000,
  ) {
    this.#session = session
    this.#queue = new NotificationQueue(maxEvents)
    this.events = this.#queue
    void this.#read(failed)
  }

  /** @throws QkdError with the identity of RFC 8639 as app-tag, hints in `structure`. */
  async establishStream(request: StreamRequest): Promise<ClientSubscription> {
    const body = [
      filterXml("", "stream", request.filter),
      leaf("stream", request.stream),
      leaf("replay-start-time", request.replayStartTime),
      leaf("stop-time", request.stopTime),
    ]
    return this.#establish(body.join(""), request)
  }

  /** @throws QkdError with the identity of RFC 8639 or RFC 8641 as app-tag, hints in `structure`. */
  async establishPush(request: PushRequest): Promise<ClientSubscription> {
    if (!/^[a-z][a-z0-9-]*$/.test(request.datastore))
      throw new QkdError("invalid-value", `not a datastore: ${request.datastore}`)
    const body = [
      leaf("stop-time", request.stopTime),
      `<yp:datastore xmlns:ds="${DATASTORES_NS}">ds:${request.datastore}</yp:datastore>`,
      filterXml("yp:", "datastore", request.filter),
      triggerXml(request.trigger),
    ]
    return this.#establish(body.join(""), request)
  }

  async #establish(body: string, options: RpcOptions): Promise<ClientSubscription> {
    const reply = await this.#session.rpc(
      `<establish-subscription xmlns="${SUBSCRIBED_NS}" xmlns:yp="${YANG_PUSH_NS}">${body}</establish-subscription>`,
      options,
    )
    const output = childrenOf(reply)
    const id = Number(textIn(output, "id") ?? Number.NaN)
    if (!Number.isInteger(id)) throw new QkdError("malformed-message", "reply without id")
    const inbox = this.#inboxOf(id)
    const replayFrom = textIn(output, "replay-start-time-revision")
    const call = async (name: string, ns: string, more: RpcOptions = {}): Promise<void> => {
      const done = await this.#session.rpc(`<${name} xmlns="${ns}"><id>${id}</id></${name}>`, more)
      if (!childrenOf(done).some((c) => c.name === "ok" && c.ns === BASE_NS))
        throw new QkdError("malformed-message", "reply without ok")
    }
    return {
      id,
      ...(replayFrom !== undefined && { replayFrom }),
      listen: (listener) => {
        inbox.listen(listener)
      },
      delete: async (more) => {
        await call("delete-subscription", SUBSCRIBED_NS, more)
        this.#inboxes.delete(id)
      },
      resync: (more) => call("resync-subscription", YANG_PUSH_NS, more),
    }
  }

  /** The first update may be read before whoever waits for the reply has gone on. */
  #inboxOf(id: number): Inbox {
    const known = this.#inboxes.get(id)
    if (known !== undefined) return known
    const made = new Inbox()
    this.#inboxes.set(id, made)
    return made
  }

  async #read(failed: (error: QkdError) => void): Promise<void> {
    const coming = this.#session.notifications[Symbol.asyncIterator]()
    for (;;) {
      // Not `for await`: it would hold the last notification, a tree, until the next one comes.
      const taken = await coming
        .next()
        .then(({ done, value }) => (done === true ? undefined : this.#take(value)))
      if (taken === undefined) break
      if (taken) continue
      failed(new QkdError("resource-denied", "notifications are not read fast enough"))
      await coming.return?.()
      break
    }
    this.#queue.end()
  }

  #take(notification: NetconfNotification): boolean {
    const { event } = notification
    const own = event.ns === SUBSCRIBED_NS || event.ns === YANG_PUSH_NS
    const id = own ? Number(textIn(childrenOf(event), "id") ?? Number.NaN) : Number.NaN
    if (!Number.isInteger(id)) return this.#queue.push(notification)
    const note = noteOf(notification)
    const taken = this.#inboxOf(id).put(note)
    if (note.kind === "notice" && ENDS.has(note.name)) this.#inboxes.delete(id)
    return taken
  }
}

const ENDS = new Set(["subscription-terminated", "subscription-completed"])

function noteOf({ eventTime, event }: NetconfNotification): SubscriptionNote {
  const children = childrenOf(event)
  const incomplete = children.some((c) => c.name === "incomplete-update")
  const inside = (name: string): readonly XmlElement[] =>
    children.filter((c) => c.name === name).flatMap(childrenOf)
  if (event.name === "push-update")
    return { kind: "update", eventTime, incomplete, contents: inside("datastore-contents") }
  if (event.name === "push-change-update") {
    const patch = inside("datastore-changes")
      .filter((c) => c.name === "yang-patch")
      .flatMap(childrenOf)
    return {
      kind: "changes",
      eventTime,
      incomplete,
      patchId: textIn(patch, "patch-id") ?? "",
      edits: patch.filter((c) => c.name === "edit").map(editOf),
    }
  }
  const reason = textIn(children, "reason")?.replace(/^.*:/, "")
  return { kind: "notice", eventTime, name: event.name, ...(reason !== undefined && { reason }) }
}

function editOf(edit: XmlElement): ChangeEdit {
  const children = childrenOf(edit)
  const where = textIn(children, "where")
  const point = textIn(children, "point")
  const value = children.filter((c) => c.name === "value").flatMap(childrenOf)[0]
  return {
    operation: textIn(children, "operation") ?? "",
    target: textIn(children, "target") ?? "",
    ...(where !== undefined && { where }),
    ...(point !== undefined && { point }),
    ...(value !== undefined && { value }),
  }
}

function textIn(elements: readonly XmlElement[], name: string): string | undefined {
  const found = elements.find((e) => e.name === name)
  return found === undefined ? undefined : textOf(found).trim()
}

function leaf(name: string, value: string | undefined): string {
  return value === undefined ? "" : `<${name}>${escapeText(value)}</${name}>`
}

function filterXml(
  prefix: string,
  of: "stream" | "datastore",
  filter: SelectionXml | undefined,
): string {
  if (filter === undefined) return ""
  if ("subtreeXml" in filter) {
    const name = `${prefix}${of}-subtree-filter`
    return `<${name}>${filter.subtreeXml}</${name}>`
  }
  const name = `${prefix}${of}-xpath-filter`
  const declared = Object.entries(filter.namespaces).map(
    ([p, ns]) => ` xmlns:${p}="${escapeAttr(ns)}"`,
  )
  return `<${name}${declared.join("")}>${escapeText(filter.xpath)}</${name}>`
}

function triggerXml(trigger: PushRequest["trigger"]): string {
  if ("periodCs" in trigger) {
    const anchor = leaf("yp:anchor-time", trigger.anchorTime)
    return `<yp:periodic><yp:period>${trigger.periodCs}</yp:period>${anchor}</yp:periodic>`
  }
  const { dampeningCs, syncOnStart, excluded = [] } = trigger
  return [
    "<yp:on-change>",
    leaf("yp:dampening-period", dampeningCs?.toString()),
    leaf("yp:sync-on-start", syncOnStart?.toString()),
    ...excluded.map((type) => leaf("yp:excluded-change", type)),
    "</yp:on-change>",
  ].join("")
}
