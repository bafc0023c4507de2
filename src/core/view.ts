// The network as decisions read it: entries by id, groups of entries, reserved rates. `Picture` is the committed
// one, changed only by `apply`; a `Draft` (draft.ts) lays uncommitted changes over it.

import type { Change, Network, NetworkLink, NetworkNode } from "../model/network.js"
import type { BulkOrder } from "../model/bulk-order.js"
import type { Service } from "../model/service.js"
import { BackupRates } from "./backup-rates.js"
import { Graph, type GraphSource } from "./graph.js"
import {
  groupsOfLink,
  groupsOfNode,
  groupsOfOrder,
  groupsOfService,
  reservationsOf,
} from "./memberships.js"
import { SurplusRates } from "./surplus-rates.js"

export interface View extends GraphSource {
  /** Of the last commit; in a draft, of the commit that it will become. */
  readonly revision: number
  service(serviceId: string): Service | undefined
  order(orderId: string): BulkOrder | undefined
  serviceIds(): Iterable<string>
  /** A copy: safe to walk while changing. */
  members(group: string): readonly string[]
  readonly backups: BackupRates
  readonly surplus: SurplusRates
  /** Bits per second lent on a link to services above their guaranteed rates. */
  surplusBps(qkdlId: string): number
  /** Shared by a picture and all drafts over it; tells the truth about the view that asks last. */
  readonly graph: Graph
}

/** Calls `add` and `remove` for what differs between the groups of an entry before and after. */
export function compareGroups(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  add: (group: string) => void,
  remove: (group: string) => void,
): void {
  for (const group of before) if (!after.has(group)) remove(group)
  for (const group of after) if (!before.has(group)) add(group)
}

export const NO_GROUPS: ReadonlySet<string> = new Set()

const NOTHING: ReadonlyMap<string, number> = new Map()

/** Calls `add` with what a service reserves more (or, negative, less) than before, by link. */
export function compareReservations(
  before: Service | undefined,
  after: Service | undefined,
  add: (qkdlId: string, bps: number) => void,
): void {
  const old = before === undefined ? NOTHING : reservationsOf(before)
  const now = after === undefined ? NOTHING : reservationsOf(after)
  for (const [qkdlId, bps] of old) if (!now.has(qkdlId)) add(qkdlId, -bps)
  for (const [qkdlId, bps] of now) {
    const more = bps - (old.get(qkdlId) ?? 0)
    if (more !== 0) add(qkdlId, more)
  }
}

export class Picture implements View {
  readonly graph = new Graph()
  #revision: number
  readonly #nodes = new Map<string, NetworkNode>()
  readonly #links = new Map<string, NetworkLink>()
  readonly #services = new Map<string, Service>()
  readonly #orders = new Map<string, BulkOrder>()
  readonly #groups = new Map<string, Set<string>>()
  readonly #reserved = new Map<string, number>()
  readonly backups = new BackupRates()
  readonly surplus = new SurplusRates()
  readonly #copies: {
    nodes?: ReadonlyMap<string, NetworkNode>
    links?: ReadonlyMap<string, NetworkLink>
    services?: ReadonlyMap<string, Service>
    orders?: ReadonlyMap<string, BulkOrder>
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
    const found = this.#groups.get(group)
    return found === undefined ? [] : [...found]
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
        this.#replace(this.#nodes, id, change.value, groupsOfNode)
        this.graph.touchNode(id)
        delete this.#copies.nodes
        break
      case "link":
        this.#replace(this.#links, id, change.value, groupsOfLink)
        this.graph.touchLink(id)
        delete this.#copies.links
        break
      case "service": {
        const before = this.#services.get(id)
        this.#replace(this.#services, id, change.value, groupsOfService)
        delete this.#copies.services
        compareReservations(before, change.value ?? undefined, (qkdlId, bps) => {
          const sum = (this.#reserved.get(qkdlId) ?? 0) + bps
          if (sum === 0) this.#reserved.delete(qkdlId)
          else this.#reserved.set(qkdlId, sum)
          this.graph.touchLink(qkdlId)
        })
        this.surplus.enter(before, change.value)
        for (const qkdlId of this.backups.enter(before, change.value)) this.graph.touchLink(qkdlId)
        break
      }
      case "order":
        this.#replace(this.#orders, id, change.value, groupsOfOrder)
        delete this.#copies.orders
        break
    }
  }

  #replace<T>(
    table: Map<string, T>,
    id: string,
    after: T | null,
    groupsOf: (entry: T) => ReadonlySet<string>,
  ): void {
    const before = table.get(id)
    if (after === null) table.delete(id)
    else table.set(id, after)
    compareGroups(
      before === undefined ? NO_GROUPS : groupsOf(before),
      after === null ? NO_GROUPS : groupsOf(after),
      (group) => {
        const set = this.#groups.get(group)
        if (set === undefined) this.#groups.set(group, new Set([id]))
        else set.add(id)
      },
      (group) => {
        const set = this.#groups.get(group)
        set?.delete(id)
        if (set?.size === 0) this.#groups.delete(group)
      },
    )
  }
}
