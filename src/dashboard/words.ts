// A notice in plain words. What changed is found by comparing with what was known, not by trusting the notice's
// type alone; measurements that change no state are not worth a line.

import {
  type BulkOrder,
  isBulkOrder,
  isLink,
  isNode,
  isService,
  type Link,
  type LinkStatus,
  type Node,
  type Notice,
  type OrderState,
  type Reach,
  type Selection,
  type Service,
  type ServiceState,
} from "./types.js"

export type Tone = "good" | "bad" | "warn" | "plain"

export interface EventLine {
  readonly seq: number
  readonly time: string
  readonly tone: Tone
  readonly text: string
  readonly about?: Selection
}

/** What the words are made from; the store is one. */
export interface Known {
  readonly nodes: ReadonlyMap<string, Node>
  readonly links: ReadonlyMap<string, Link>
  readonly services: ReadonlyMap<string, Service>
  nodeName(qkdnId: string): string
  linkName(link: Link): string
}

export const LINK_WORDS: Readonly<Record<LinkStatus, string>> = {
  ACTIVE: "generating",
  PASSIVE: "not generating, keys in store",
  PENDING: "waiting to start",
  OFF: "off",
}

export const REACH_WORDS: Readonly<Record<Reach, string>> = {
  connected: "connected",
  connecting: "connecting",
  unreachable: "unreachable, keys may still flow",
  unmanaged: "unmanaged: its driver is missing or failed",
}

export const SERVICE_WORDS: Readonly<Record<ServiceState, string>> = {
  active: "active",
  pending: "being set up",
  degraded: "degraded: keys come from stock",
  failed: "failed",
  removing: "being taken down",
}

export const LINK_TONE: Readonly<Record<LinkStatus, Tone>> = {
  ACTIVE: "good",
  PASSIVE: "bad",
  PENDING: "warn",
  OFF: "bad",
}

export const REACH_TONE: Readonly<Record<Reach, Tone>> = {
  connected: "good",
  connecting: "warn",
  unreachable: "warn",
  unmanaged: "bad",
}

export const SERVICE_TONE: Readonly<Record<ServiceState, Tone>> = {
  active: "good",
  pending: "plain",
  degraded: "warn",
  failed: "bad",
  removing: "plain",
}

function because(reason: string | undefined): string {
  return reason === undefined || reason === "" ? "" : `: ${reason}`
}

export function serviceName(service: Service): string {
  return `${service.a.saeId} ↔ ${service.b.saeId}`
}

export function pathName(known: Known, nodes: readonly string[]): string {
  return nodes.map((id) => known.nodeName(id)).join(" · ")
}

type Said = { readonly text: string; readonly tone: Tone } | undefined

function ofLink(
  known: Known,
  before: Link | undefined,
  after: Link | undefined,
  type: string,
): Said {
  if (after === undefined) {
    const name = before === undefined ? "" : known.linkName(before)
    return { text: `Link ${name} was removed`, tone: "plain" }
  }
  const name = known.linkName(after)
  const why = because(after.reason)
  if (before !== undefined && before.status === after.status) return undefined
  if (after.status === "ACTIVE") return { text: `Link ${name} generates keys`, tone: "good" }
  if (before === undefined && type !== "link.down") {
    return { text: `Link ${name} is ${LINK_WORDS[after.status]}${why}`, tone: "plain" }
  }
  const tone = LINK_TONE[after.status]
  if (before === undefined || before.status === "ACTIVE")
    return { text: `Link ${name} stopped generating${why}`, tone }
  return { text: `Link ${name} is ${LINK_WORDS[after.status]}${why}`, tone }
}

function ofNode(before: Node | undefined, after: Node | undefined): Said {
  if (after === undefined) return { text: `Node ${before?.name ?? ""} was removed`, tone: "plain" }
  if (after.syncFault !== undefined && after.syncFault !== before?.syncFault) {
    return { text: `Node ${after.name} refused its configuration: ${after.syncFault}`, tone: "bad" }
  }
  if (after.drift !== undefined && before?.drift === undefined) {
    return { text: `Node ${after.name} was changed by somebody else`, tone: "warn" }
  }
  if (after.drift === undefined && before?.drift !== undefined) {
    return { text: `Node ${after.name} is as it should be again`, tone: "good" }
  }
  if (before?.reach === after.reach) return undefined
  return {
    text: `Node ${after.name} is ${REACH_WORDS[after.reach]}${because(after.reachReason)}`,
    tone: REACH_TONE[after.reach],
  }
}

function ofService(known: Known, before: Service | undefined, after: Service | undefined): Said {
  if (after === undefined) {
    return before && { text: `Service ${serviceName(before)} is gone`, tone: "plain" }
  }
  const name = serviceName(after)
  const over = after.path === undefined ? "" : ` over ${pathName(known, after.path.nodes)}`
  if (before === undefined && after.state === "pending") {
    const who = after.origin === "request" ? "requested by its SAE" : "ordered"
    return { text: `Service ${name} was ${who}`, tone: "plain" }
  }
  const moved =
    before?.path !== undefined &&
    after.path !== undefined &&
    before.path.nodes.join() !== after.path.nodes.join()
  if (moved && after.state === "active")
    return { text: `Service ${name} moved: now${over}`, tone: "good" }
  if (before?.state === after.state && !moved) return undefined
  if (after.state === "active") return { text: `Service ${name} is active${over}`, tone: "good" }
  const how = after.state === "failed" ? "failed" : `is ${SERVICE_WORDS[after.state]}`
  return { text: `Service ${name} ${how}${because(after.reason)}`, tone: SERVICE_TONE[after.state] }
}

/** Types that only carry new figures: no news unless a state differs from what was known. */
function isMeasurement(notice: Notice): boolean {
  return /\.(performance|measured|changed|updated)$/.test(notice.type)
}

function compared(notice: Notice, known: Known): Said {
  const { topic, id, value } = notice
  if (topic === "order" || topic === "maintenance") return undefined
  const before = { node: known.nodes, link: known.links, service: known.services, log: undefined }
  if (before[topic]?.has(id) !== true && isMeasurement(notice)) return undefined
  if (topic === "link") {
    return ofLink(known, known.links.get(id), isLink(value) ? value : undefined, notice.type)
  }
  if (topic === "node") return ofNode(known.nodes.get(id), isNode(value) ? value : undefined)
  if (topic === "service") {
    return ofService(known, known.services.get(id), isService(value) ? value : undefined)
  }
  return undefined
}

export const ORDER_TONE: Readonly<Record<OrderState, Tone>> = {
  pending: "plain",
  inProgress: "good",
  held: "warn",
  completed: "good",
  cancelled: "plain",
}

export const ORDER_WORDS: Readonly<Record<OrderState, string>> = {
  pending: "waiting",
  inProgress: "running",
  held: "held",
  completed: "completed",
  cancelled: "cancelled",
}

const ORDER_NEWS: Readonly<Partial<Record<string, readonly [string, Tone]>>> = {
  "order.accepted": ["was accepted", "plain"],
  "order.late": ["will be late", "warn"],
  "order.in-time": ["is in time again", "good"],
  "order.held": ["is held", "warn"],
  "order.completed": ["is completed", "good"],
  "order.cancelled": ["was cancelled", "plain"],
}

function ofOrder(order: BulkOrder, type: string, message: string | undefined): Said {
  const [what, tone] = ORDER_NEWS[type] ?? []
  if (what === undefined || tone === undefined) return undefined
  return {
    text: `Bulk order ${order.from.saeId} → ${order.to.saeId} ${what}${because(message)}`,
    tone,
  }
}

const MAINTENANCE_NEWS: Readonly<Partial<Record<string, readonly [string, Tone]>>> = {
  "maintenance.planned": ["Maintenance planned", "plain"],
  "maintenance.changed": ["Maintenance changed", "plain"],
  "maintenance.draining": ["Maintenance is near", "plain"],
  "maintenance.begun": ["Maintenance begins", "plain"],
  "maintenance.ended": ["Maintenance is over", "good"],
  "maintenance.cancelled": ["Maintenance called off", "plain"],
}

function ofMaintenance(type: string, message: string | undefined): Said {
  const [what, tone] = MAINTENANCE_NEWS[type] ?? []
  return what === undefined || tone === undefined
    ? undefined
    : { text: `${what}${because(message)}`, tone }
}

/** What the controller found worth saying although no state differs. */
function spoken({ topic, type, value, message }: Notice, known: Known): Said {
  if (topic === "log") {
    const tone = /fail|refus|lost|alarm|overload/.test(type) ? "warn" : "plain"
    return { text: message ?? type, tone }
  }
  if (topic === "service" && type === "service.moving" && isService(value)) {
    const text = `Service ${serviceName(value)} moves to another path${because(message)}`
    return { text, tone: "plain" }
  }
  if (topic === "maintenance") return ofMaintenance(type, message)
  if (topic === "order" && isBulkOrder(value)) return ofOrder(value, type, message)
  if (message === undefined || message === "") return undefined
  // A service that failed before and fails again on trying anew is no news.
  if (type === "service.failed" || type === "service.degraded") return undefined
  const tone = /down|fail|refus/.test(type) ? "warn" : "plain"
  if (isLink(value)) return { text: `Link ${known.linkName(value)}: ${message}`, tone }
  if (isNode(value)) return { text: `Node ${value.name}: ${message}`, tone }
  if (isService(value)) return { text: `Service ${serviceName(value)}: ${message}`, tone }
  return undefined
}

/** The line for a notice, or none when it says nothing new. */
export function wordsOf(notice: Notice, known: Known): EventLine | undefined {
  const { seq, time, topic, id } = notice
  const isThing = topic === "node" || topic === "link" || topic === "service"
  const said =
    compared(notice, known) ?? (isMeasurement(notice) ? undefined : spoken(notice, known))
  if (said === undefined) return undefined
  return { seq, time, ...said, ...(isThing ? { about: { kind: topic, id } } : {}) }
}
