// What the page knows: the network as last told, what follows from it, and the events since. Fed by snapshot and
// notices; no DOM, no sockets, so that it is tested without a browser.

import { plural } from "./format.js"
import {
  type BulkOrder,
  isBulkOrder,
  isMaintenance,
  type Maintenance,
  isLink,
  isNode,
  isService,
  type Link,
  type Node,
  type Notice,
  type Selection,
  type Service,
  type Snapshot,
} from "./types.js"
import { type EventLine, wordsOf } from "./words.js"

/** One reading of a link, for the small plots. */
export interface Sample {
  readonly atMs: number
  readonly skrBps: number
  readonly stockBits: number
}

export type Connection =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  /** Trying again at `retryAtMs`. */
  | { readonly kind: "lost"; readonly retryAtMs: number; readonly reason: string }

const MAX_EVENTS = 500
const MAX_SAMPLES = 900

export class Store {
  readonly nodes = new Map<string, Node>()
  readonly links = new Map<string, Link>()
  readonly services = new Map<string, Service>()
  readonly orders = new Map<string, BulkOrder>()
  readonly maintenance = new Map<string, Maintenance>()
  readonly samples = new Map<string, Sample[]>()
  events: readonly EventLine[] = []
  connection: Connection = { kind: "connecting" }
  /** When anything was last heard, milliseconds since the epoch. */
  heardAtMs: number | undefined
  position: { readonly epoch: string; readonly seq: number } | undefined
  /** The number of the first snapshot: what came before is not news. */
  openedAtSeq: number | undefined
  selection: Selection | undefined
  search = ""
  /** Grows with every change; what is drawn depends on it. */
  version = 0
  /** Grows when nodes or links come, go or move: the map is laid out anew. */
  shape = 0
  readonly #promisedBps = new Map<string, number>()
  readonly #riders = new Map<string, string[]>()
  /** Services changed since the two above were made. */
  #stale = false
  readonly #linkNames = new Map<string, string>()
  readonly #listeners = new Set<() => void>()
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  changed(): void {
    this.version += 1
    for (const listener of this.#listeners) listener()
  }

  /** Everything anew. */
  snapshot(snapshot: Snapshot): void {
    this.nodes.clear()
    this.links.clear()
    this.services.clear()
    this.orders.clear()
    this.maintenance.clear()
    for (const one of snapshot.maintenance) this.maintenance.set(one.maintenanceId, one)
    for (const order of snapshot.orders) this.orders.set(order.orderId, order)
    for (const node of snapshot.nodes) this.nodes.set(node.qkdnId, node)
    for (const link of snapshot.links) {
      this.links.set(link.qkdlId, link)
      this.#sample(link)
    }
    for (const service of snapshot.services) this.services.set(service.serviceId, service)
    for (const id of this.samples.keys()) if (!this.links.has(id)) this.samples.delete(id)
    this.position = { epoch: snapshot.epoch, seq: snapshot.seq }
    this.openedAtSeq ??= snapshot.seq
    this.#stale = true
    this.#linkNames.clear()
    this.shape += 1
    this.#dropLostSelection()
    this.changed()
  }

  /** One change. Notices already known are ignored. */
  notice(notice: Notice): void {
    if (this.position === undefined || notice.seq <= this.position.seq) return
    const line = wordsOf(notice, this)
    if (line !== undefined) this.#addEvents([line])
    if (notice.topic === "node") this.#putNode(notice)
    else if (notice.topic === "link") this.#putLink(notice)
    else if (notice.topic === "service") {
      if (isService(notice.value)) this.services.set(notice.id, notice.value)
      else this.services.delete(notice.id)
      this.#stale = true
    } else if (notice.topic === "order") {
      if (isBulkOrder(notice.value)) this.orders.set(notice.id, notice.value)
      else this.orders.delete(notice.id)
    } else if (notice.topic === "maintenance") {
      if (isMaintenance(notice.value)) this.maintenance.set(notice.id, notice.value)
      else this.maintenance.delete(notice.id)
    }
    this.position = { epoch: this.position.epoch, seq: notice.seq }
    this.#dropLostSelection()
    this.changed()
  }

  /** Events from before the page opened. */
  history(notices: readonly Notice[]): void {
    const told = new Set(this.events.map((line) => line.seq))
    // As it was known then: from the notices themselves, names from what is known now.
    const then = {
      nodes: new Map<string, Node>(),
      links: new Map<string, Link>(),
      services: new Map<string, Service>(),
      nodeName: (id: string) => this.nodeName(id),
      linkName: (link: Link) => this.linkName(link),
    }
    const lines = notices.flatMap((notice) => {
      const line = wordsOf(notice, then)
      if (isNode(notice.value)) then.nodes.set(notice.id, notice.value)
      if (isLink(notice.value)) then.links.set(notice.id, notice.value)
      if (isService(notice.value)) then.services.set(notice.id, notice.value)
      return line === undefined || told.has(line.seq) ? [] : [line]
    })
    this.#addEvents(lines)
    this.changed()
  }

  /** A heartbeat: nothing up to `seq` is missing. */
  beat(seq: number): void {
    if (this.position !== undefined && seq > this.position.seq) {
      this.position = { epoch: this.position.epoch, seq }
    }
  }

  select(selection: Selection | undefined): void {
    this.selection = selection
    this.changed()
  }

  nodeName(qkdnId: string): string {
    return this.nodes.get(qkdnId)?.name ?? qkdnId
  }

  /** Rate promised on each link: the sum over the paths that services hold. */
  get promisedBps(): ReadonlyMap<string, number> {
    this.#derive()
    return this.#promisedBps
  }

  /** Services by the link they ride on. */
  get riders(): ReadonlyMap<string, readonly string[]> {
    this.#derive()
    return this.#riders
  }

  /** `Windhof – Kirchberg`; parallel links are told apart by their own name. */
  /** What goes out. */
  targetName({ qkdlId, qkdnId }: Maintenance): string {
    if (qkdnId !== undefined) return this.nodeName(qkdnId)
    const link = this.links.get(qkdlId ?? "")
    return link === undefined ? (qkdlId ?? "") : this.linkName(link)
  }

  linkName(link: Link): string {
    const known = this.#linkNames.get(link.qkdlId)
    if (known !== undefined) return known
    const name = this.#nameLink(link)
    this.#linkNames.set(link.qkdlId, name)
    return name
  }

  #nameLink(link: Link): string {
    const ends = `${this.nodeName(link.a.qkdnId)} – ${this.nodeName(link.b.qkdnId)}`
    const twin = [...this.links.values()].some(
      (other) =>
        other.qkdlId !== link.qkdlId &&
        [other.a.qkdnId, other.b.qkdnId].sort().join() ===
          [link.a.qkdnId, link.b.qkdnId].sort().join(),
    )
    return twin ? `${ends} (${link.name ?? link.qkdlId.slice(0, 8)})` : ends
  }

  /** Promised share of what the link can carry; undefined when its rate is not known. */
  shareOf(link: Link): number | undefined {
    const { eskrBps, skrBps } = link.performance
    const capacity = link.status === "ACTIVE" ? (link.capacityBps ?? eskrBps ?? skrBps) : undefined
    const promised = this.promisedBps.get(link.qkdlId) ?? 0
    if (capacity === undefined) return undefined
    return capacity > 0 ? promised / capacity : promised > 0 ? Number.POSITIVE_INFINITY : 0
  }

  /** `3 nodes · 2 links · 1 service`. */
  get summary(): string {
    return [
      plural(this.nodes.size, "node"),
      plural(this.links.size, "link"),
      plural(this.services.size, "service"),
    ].join(" · ")
  }

  #putNode(notice: Notice): void {
    this.#linkNames.clear()
    const before = this.nodes.get(notice.id)
    if (isNode(notice.value)) this.nodes.set(notice.id, notice.value)
    else this.nodes.delete(notice.id)
    const after = this.nodes.get(notice.id)
    if (before?.lat !== after?.lat || before?.lon !== after?.lon || !before || !after) {
      this.shape += 1
    }
  }

  #putLink(notice: Notice): void {
    if (isLink(notice.value)) {
      if (!this.links.has(notice.id)) {
        this.shape += 1
        this.#linkNames.clear()
      }
      this.links.set(notice.id, notice.value)
      this.#sample(notice.value)
    } else {
      this.links.delete(notice.id)
      this.#linkNames.clear()
      this.samples.delete(notice.id)
      this.shape += 1
    }
  }

  #sample(link: Link): void {
    const list = this.samples.get(link.qkdlId) ?? []
    this.samples.set(link.qkdlId, list)
    const { skrBps = 0, stockBits = 0 } = link.performance
    const sample = { atMs: this.#now(), skrBps, stockBits }
    // Two a second are enough: the newest replaces the one before it.
    const before = list.at(-2)
    if (before !== undefined && sample.atMs - before.atMs < 500) list.pop()
    list.push(sample)
    if (list.length > MAX_SAMPLES) list.shift()
  }

  #addEvents(lines: readonly EventLine[]): void {
    this.events = [...this.events, ...lines].sort((x, y) => x.seq - y.seq).slice(-MAX_EVENTS)
  }

  #derive(): void {
    if (!this.#stale) return
    this.#stale = false
    this.#promisedBps.clear()
    this.#riders.clear()
    for (const service of this.services.values()) {
      const held = [service.path, service.next, ...service.leaving].filter((p) => p !== undefined)
      const ridden = new Set<string>()
      for (const path of held) {
        for (const { qkdlId } of path.hops) {
          this.#promisedBps.set(qkdlId, (this.#promisedBps.get(qkdlId) ?? 0) + path.rateBps)
          ridden.add(qkdlId)
        }
      }
      for (const qkdlId of ridden) {
        const riders = this.#riders.get(qkdlId)
        if (riders === undefined) this.#riders.set(qkdlId, [service.serviceId])
        else riders.push(service.serviceId)
      }
    }
  }

  #dropLostSelection(): void {
    const chosen = this.selection
    if (chosen === undefined) return
    const held = { node: this.nodes, link: this.links, service: this.services }[chosen.kind]
    if (!held.has(chosen.id)) this.selection = undefined
  }
}
