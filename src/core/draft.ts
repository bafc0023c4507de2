// Uncommitted changes laid over a view of the network. Its entries are the changes; dropping it undoes them.
// Costs what it touches, whatever the size of the network. What a changed service means for groups and rates is added
// up when it is first asked for: a cut that moves a thousand services asks for none of it.

import type { Change, NetworkLink, NetworkNode } from "../model/network.js"
import type { BulkOrder } from "../model/bulk-order.js"
import type { Maintenance } from "../model/maintenance.js"
import type { Service } from "../model/service.js"
import { BackupRates } from "./backup-rates.js"
import type { Graph } from "./graph.js"
import { GroupChanges } from "./group-index.js"
import {
  compareGroups,
  groupsOfLink,
  groupsOfMaintenance,
  groupsOfNode,
  groupsOfOrder,
  isOfServices,
} from "./memberships.js"
import type { ReadyMoves } from "./ready-moves.js"
import { compareReservations } from "./reservations.js"
import { compareServiceGroups } from "./service-groups.js"
import { SurplusRates } from "./surplus-rates.js"
import type { View } from "./view.js"

/** A service that was written. */
interface ServiceEntry {
  readonly kind: "service"
  readonly id: string
  /** As it is below. */
  readonly under: Service | undefined
  now: Service | null
  /** As sums have it. */
  settled: Service | undefined
  /** As groups have it. */
  grouped: Service | undefined
}

export class Draft implements View {
  readonly revision: number
  readonly graph: Graph
  readonly ready: ReadyMoves
  readonly backups: BackupRates
  readonly surplus: SurplusRates
  readonly #under: View
  readonly #nodes = new Map<string, NetworkNode | null>()
  readonly #links = new Map<string, NetworkLink | null>()
  /** By id, but for those of `#unlisted`: of a cut that moves thousands nobody may ask for any by its id. */
  readonly #listed = new Map<string, ServiceEntry>()
  #unlisted: ServiceEntry[] = []
  readonly #orders = new Map<string, BulkOrder | null>()
  readonly #maintenance = new Map<string, Maintenance | null>()
  readonly #groups = new GroupChanges()
  readonly #reserved = new Map<string, number>()
  /** Services in the order in which they were written, each as often as it was. */
  readonly #written: ServiceEntry[] = []
  /** How many of these are in the sums. */
  #settledTo = 0
  /** How many of these are in the groups. */
  #groupedTo = 0
  /** Links where what is kept for backups differs from below. */
  readonly #kept = new Set<string>()
  /** What was written, in the order first written. */
  readonly #order: (
    | { readonly kind: "node" | "link" | "order" | "maintenance"; readonly id: string }
    | ServiceEntry
  )[] = []

  /** @param revision of the commit this draft will become */
  constructor(under: View, revision = under.revision + 1) {
    this.#under = under
    this.revision = revision
    this.graph = under.graph
    this.ready = under.ready
    this.backups = new BackupRates(under.backups)
    this.surplus = new SurplusRates(under.surplus)
  }

  node(qkdnId: string): NetworkNode | undefined {
    const own = this.#nodes.get(qkdnId)
    return own === undefined ? this.#under.node(qkdnId) : (own ?? undefined)
  }

  link(qkdlId: string): NetworkLink | undefined {
    const own = this.#links.get(qkdlId)
    return own === undefined ? this.#under.link(qkdlId) : (own ?? undefined)
  }

  service(serviceId: string): Service | undefined {
    const own = this.#services.get(serviceId)
    return own === undefined ? this.#under.service(serviceId) : (own.now ?? undefined)
  }

  get #services(): Map<string, ServiceEntry> {
    if (this.#unlisted.length === 0) return this.#listed
    for (const entry of this.#unlisted) this.#listed.set(entry.id, entry)
    this.#unlisted = []
    return this.#listed
  }

  /** A service as read of this draft before; it may have been written meanwhile. */
  asOfNow(read: Service): Service | undefined {
    const own = this.#services.get(read.serviceId)
    return own === undefined ? read : (own.now ?? undefined)
  }

  order(orderId: string): BulkOrder | undefined {
    const own = this.#orders.get(orderId)
    return own === undefined ? this.#under.order(orderId) : (own ?? undefined)
  }

  maintenance(maintenanceId: string): Maintenance | undefined {
    const own = this.#maintenance.get(maintenanceId)
    return own === undefined ? this.#under.maintenance(maintenanceId) : (own ?? undefined)
  }

  nodeIds(): Iterable<string> {
    return overlaid(this.#under.nodeIds(), this.#nodes)
  }

  linkIds(): Iterable<string> {
    return overlaid(this.#under.linkIds(), this.#links)
  }

  serviceIds(): Iterable<string> {
    const own = new Map(Array.from(this.#services, ([id, { now }]) => [id, now]))
    return overlaid(this.#under.serviceIds(), own)
  }

  members(group: string): readonly string[] {
    if (this.#groupedTo < this.#written.length && isOfServices(group)) this.#groupServices()
    return this.#groups.members(group, this.#under.members(group))
  }

  numbersIn(group: string): readonly number[] | undefined {
    return this.#written.length === 0 ? this.#under.numbersIn(group) : undefined
  }

  reservedBps(qkdlId: string): number {
    this.#settleOwn()
    return this.#under.reservedBps(qkdlId) + (this.#reserved.get(qkdlId) ?? 0)
  }

  backupBps(qkdlId: string): number {
    this.#settleOwn()
    return this.backups.bps(qkdlId)
  }

  surplusBps(qkdlId: string): number {
    this.settle()
    return this.surplus.bps(qkdlId)
  }

  settle(): void {
    this.#under.settle()
    this.#settleOwn()
  }

  putNode(value: NetworkNode): void {
    this.write({ kind: "node", id: value.qkdnId, value })
  }

  putLink(value: NetworkLink): void {
    this.write({ kind: "link", id: value.qkdlId, value })
  }

  putService(value: Service): void {
    this.#writeService(value.serviceId, value)
  }

  /** The same for one that is not written yet, and is `under` as it is. */
  putFirst(under: Service, value: Service): void {
    const entry = entryOf(value.serviceId, under, value)
    this.#unlisted.push(entry)
    this.#order.push(entry)
    this.#written.push(entry)
  }

  putOrder(value: BulkOrder): void {
    this.write({ kind: "order", id: value.orderId, value })
  }

  removeOrder(orderId: string): void {
    this.write({ kind: "order", id: orderId, value: null })
  }

  putMaintenance(value: Maintenance): void {
    this.write({ kind: "maintenance", id: value.maintenanceId, value })
  }

  removeMaintenance(maintenanceId: string): void {
    this.write({ kind: "maintenance", id: maintenanceId, value: null })
  }

  removeNode(qkdnId: string): void {
    this.write({ kind: "node", id: qkdnId, value: null })
  }

  removeLink(qkdlId: string): void {
    this.write({ kind: "link", id: qkdlId, value: null })
  }

  removeService(serviceId: string): void {
    this.#writeService(serviceId, null)
  }

  write(change: Change): void {
    const { id } = change
    switch (change.kind) {
      case "node":
        if (!this.#nodes.has(id)) this.#order.push(change)
        this.#regroup(id, this.node(id), change.value, groupsOfNode)
        this.#nodes.set(id, change.value)
        this.graph.touchNode(id)
        break
      case "link":
        if (!this.#links.has(id)) this.#order.push(change)
        this.#regroup(id, this.link(id), change.value, groupsOfLink)
        this.#links.set(id, change.value)
        this.graph.touchLink(id)
        break
      case "service":
        this.#writeService(id, change.value)
        break
      case "order":
        if (!this.#orders.has(id)) this.#order.push(change)
        this.#regroup(id, this.order(id), change.value, groupsOfOrder)
        this.#orders.set(id, change.value)
        break
      case "maintenance":
        if (!this.#maintenance.has(id)) this.#order.push(change)
        this.#regroup(id, this.maintenance(id), change.value, groupsOfMaintenance)
        this.#maintenance.set(id, change.value)
        break
    }
  }

  /** What differs from below, each entry once, in the order first written. */
  changes(): Change[] {
    const found: Change[] = []
    for (const written of this.#order) {
      const { kind, id } = written
      switch (kind) {
        case "node": {
          const value = this.#nodes.get(id) ?? null
          if (value !== (this.#under.node(id) ?? null)) found.push({ kind, id, value })
          break
        }
        case "link": {
          const value = this.#links.get(id) ?? null
          if (value !== (this.#under.link(id) ?? null)) found.push({ kind, id, value })
          break
        }
        case "service": {
          const { now, under } = written
          if (now !== (under ?? null)) found.push({ kind, id, value: now })
          break
        }
        case "order": {
          const value = this.#orders.get(id) ?? null
          if (value !== (this.#under.order(id) ?? null)) found.push({ kind, id, value })
          break
        }
        case "maintenance": {
          const value = this.#maintenance.get(id) ?? null
          if (value !== (this.#under.maintenance(id) ?? null)) found.push({ kind, id, value })
          break
        }
      }
    }
    return found
  }

  /**
   * Tells the shared graph to look up again what it may have looked up here; also where the changes were kept, since what was written
   * and written back is none of them. The draft must not be used afterwards.
   */
  drop(): void {
    for (const qkdlId of this.#reserved.keys()) this.graph.touchLink(qkdlId)
    for (const qkdlId of this.#kept) this.graph.touchLink(qkdlId)
    for (const qkdlId of this.#links.keys()) this.graph.touchLink(qkdlId)
    for (const qkdnId of this.#nodes.keys()) this.graph.touchNode(qkdnId)
  }

  #writeService(id: string, now: Service | null): void {
    let entry = this.#services.get(id)
    if (entry === undefined) {
      entry = entryOf(id, this.#under.service(id), now)
      this.#services.set(id, entry)
      this.#order.push(entry)
    }
    entry.now = now
    this.#written.push(entry)
  }

  #settleOwn(): void {
    for (; this.#settledTo < this.#written.length; this.#settledTo += 1) {
      const entry = this.#written[this.#settledTo]
      if (entry === undefined) return
      const { settled: before, now: after } = entry
      entry.settled = after ?? undefined
      compareReservations(before, entry.settled, (qkdlId, bps) => {
        this.#reserved.set(qkdlId, (this.#reserved.get(qkdlId) ?? 0) + bps)
        this.graph.touchLink(qkdlId)
      })
      this.surplus.enter(before, after)
      for (const qkdlId of this.backups.enter(before, after)) {
        this.#kept.add(qkdlId)
        this.graph.touchLink(qkdlId)
      }
    }
  }

  #groupServices(): void {
    for (; this.#groupedTo < this.#written.length; this.#groupedTo += 1) {
      const entry = this.#written[this.#groupedTo]
      if (entry === undefined) return
      const { grouped: before, now: after } = entry
      entry.grouped = after ?? undefined
      const note = (group: string): void => {
        this.#groups.note(group, entry.id)
      }
      compareServiceGroups(before, entry.grouped, note, note)
    }
  }

  #regroup<T>(
    id: string,
    before: T | undefined,
    after: T | null,
    groupsOf: (entry: T) => ReadonlySet<string>,
  ): void {
    const note = (group: string): void => {
      this.#groups.note(group, id)
    }
    compareGroups(
      before === undefined ? undefined : groupsOf(before),
      after === null ? undefined : groupsOf(after),
      note,
      note,
    )
  }
}

function entryOf(id: string, under: Service | undefined, now: Service | null): ServiceEntry {
  return { kind: "service", id, under, now, settled: under, grouped: under }
}

function* overlaid<T>(
  below: Iterable<string>,
  own: ReadonlyMap<string, T | null>,
): Iterable<string> {
  const seen = new Set<string>()
  for (const id of below) {
    seen.add(id)
    if (own.get(id) !== null) yield id
  }
  for (const [id, value] of own) if (value !== null && !seen.has(id)) yield id
}
