// The network as decisions read it: entries by id, groups of entries, reserved rates. `Picture` is the committed
// one, changed only by `apply`; a `Draft` (draft.ts) lays uncommitted changes over it.

import type { Change, Network, NetworkLink, NetworkNode } from "../model/network.js"
import type { BulkOrder } from "../model/bulk-order.js"
import type { Maintenance } from "../model/maintenance.js"
import type { Service } from "../model/service.js"
import { BackupRates } from "./backup-rates.js"
import { Graph, type GraphSource } from "./graph.js"
import { GroupIndex } from "./group-index.js"
import {
  compareGroups,
  groupsOfLink,
  groupsOfMaintenance,
  groupsOfNode,
  groupsOfOrder,
} from "./memberships.js"
import { ReadyMoves } from "./ready-moves.js"
import { compareReservations } from "./reservations.js"
import { compareServiceGroups } from "./service-groups.js"
import { SurplusRates } from "./surplus-rates.js"

export interface View extends GraphSource {
  /** Of the last commit; in a draft, of the commit that it will become. */
  readonly revision: number
  service(serviceId: string): Service | undefined
  order(orderId: string): BulkOrder | undefined
  maintenance(maintenanceId: string): Maintenance | undefined
  serviceIds(): Iterable<string>
  /** A copy: safe to walk while changing. */
  members(group: string): readonly string[]
  /** The same as numbers of `ready`; undefined where services have been written since. */
  numbersIn(group: string): readonly number[] | undefined
  /** Shared by a picture and all drafts over it: services as they are in the picture. */
  readonly ready: ReadyMoves
  readonly backups: BackupRates
  readonly surplus: SurplusRates
  /** Bits per second lent on a link to services above their guaranteed rates. */
  surplusBps(qkdlId: string): number
  /** Shared by a picture and all drafts over it; tells the truth about the view that asks last. */
  readonly graph: Graph
}

export class Picture implements View {
  readonly graph = new Graph()
  readonly ready = new ReadyMoves()
  #revision: number
  readonly #nodes = new Map<string, NetworkNode>()
  readonly #links = new Map<string, NetworkLink>()
  readonly #services = new Map<string, Service>()
  readonly #orders = new Map<string, BulkOrder>()
  readonly #maintenance = new Map<string, Maintenance>()
  readonly #groups = new GroupIndex()
  readonly #reserved = new Map<string, number>()
  readonly backups = new BackupRates()
  readonly surplus = new SurplusRates()
  readonly #copies: {
    nodes?: ReadonlyMap<string, NetworkNode>
    links?: ReadonlyMap<string, NetworkLink>
    services?: ReadonlyMap<string, Service>
    orders?: ReadonlyMap<string, BulkOrder>
    maintenance?: ReadonlyMap<string, Maintenance>
  } = {}

  constructor(revision = 0, changes: readonly Change[] = []) {
    this.#revision = revision
    this.apply(changes, revision)
  }

  get revision(): number {
    return this.#revision
  }

  /** Takes committed changes in. */
  apply(changes: readonly Change[], revision: number): void {
    this.#revision = revision
    for (const change of changes) this.#applyOne(change)
  }

  /** The network as it is now, for readers: later changes do not show in it. Copies only what changed since. */
  snapshot(): Network {
    const copies = this.#copies
    return {
      revision: this.#revision,
      nodes: (copies.nodes ??= new Map(this.#nodes)),
      links: (copies.links ??= new Map(this.#links)),
      services: (copies.services ??= new Map(this.#services)),
      orders: (copies.orders ??= new Map(this.#orders)),
      maintenance: (copies.maintenance ??= new Map(this.#maintenance)),
    }
  }

  node(qkdnId: string): NetworkNode | undefined {
    return this.#nodes.get(qkdnId)
  }

  link(qkdlId: string): NetworkLink | undefined {
    return this.#links.get(qkdlId)
  }

  service(serviceId: string): Service | undefined {
    return this.#services.get(serviceId)
  }

  order(orderId: string): BulkOrder | undefined {
    return this.#orders.get(orderId)
  }

  maintenance(maintenanceId: string): Maintenance | undefined {
    return this.#maintenance.get(maintenanceId)
  }

  nodeIds(): Iterable<string> {
    return this.#nodes.keys()
  }

  linkIds(): Iterable<string> {
    return this.#links.keys()
  }

  serviceIds(): Iterable<string> {
    return this.#services.keys()
  }

  members(group: string): readonly string[] {
    return this.#groups.members(group)
  }

  numbersIn(group: string): readonly number[] {
    return this.#groups.numbersIn(group)
  }

  reservedBps(qkdlId: string): number {
    return this.#reserved.get(qkdlId) ?? 0
  }

  backupBps(qkdlId: string): number {
    return this.backups.bps(qkdlId)
  }

  surplusBps(qkdlId: string): number {
    return this.surplus.bps(qkdlId)
  }

  /** Nothing is put off here. */
  settle(): void {}

  #applyOne(change: Change): void {
    const { id } = change
    switch (change.kind) {
      case "node":
        this.#regroup(id, this.#nodes.get(id), change.value, groupsOfNode)
        replace(this.#nodes, id, change.value)
        this.graph.touchNode(id)
        delete this.#copies.nodes
        break
      case "link":
        this.#regroup(id, this.#links.get(id), change.value, groupsOfLink)
        replace(this.#links, id, change.value)
        this.graph.touchLink(id)
        delete this.#copies.links
        break
      case "service":
        this.#applyService(id, change.value)
        delete this.#copies.services
        break
      case "order":
        this.#regroup(id, this.#orders.get(id), change.value, groupsOfOrder)
        replace(this.#orders, id, change.value)
        delete this.#copies.orders
        break
      case "maintenance":
        this.#regroup(id, this.#maintenance.get(id), change.value, groupsOfMaintenance)
        replace(this.#maintenance, id, change.value)
        delete this.#copies.maintenance
        break
    }
  }

  #applyService(id: string, value: Service | null): void {
    const before = this.#services.get(id)
    const after = value ?? undefined
    replace(this.#services, id, value)
    const number = this.#groups.numberOf(id)
    compareServiceGroups(
      before,
      after,
      (group) => {
        this.#groups.add(group, number)
      },
      (group) => {
        this.#groups.remove(group, number)
      },
    )
    this.#groups.letGo(number)
    this.ready.put(number, after, this.graph)
    compareReservations(before, after, (qkdlId, bps) => {
      const sum = (this.#reserved.get(qkdlId) ?? 0) + bps
      if (sum === 0) this.#reserved.delete(qkdlId)
      else this.#reserved.set(qkdlId, sum)
      this.graph.touchLink(qkdlId)
    })
    this.surplus.enter(before, value)
    for (const qkdlId of this.backups.enter(before, value)) this.graph.touchLink(qkdlId)
  }

  #regroup<T>(
    id: string,
    before: T | undefined,
    after: T | null,
    groupsOf: (entry: T) => ReadonlySet<string>,
  ): void {
    const number = this.#groups.numberOf(id)
    compareGroups(
      before === undefined ? undefined : groupsOf(before),
      after === null ? undefined : groupsOf(after),
      (group) => {
        this.#groups.add(group, number)
      },
      (group) => {
        this.#groups.remove(group, number)
      },
    )
    this.#groups.letGo(number)
  }
}

function replace<T>(table: Map<string, T>, id: string, value: T | null): void {
  if (value === null) table.delete(id)
  else table.set(id, value)
}
