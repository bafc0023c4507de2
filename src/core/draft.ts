// Uncommitted changes laid over a view of the network. Its entries are the changes; dropping it undoes them.
// Costs what it touches, whatever the size of the network. What a changed service means for groups and rates is added
// up when it is first asked for: a cut that moves a thousand services asks for none of it.

import type { Change, NetworkLink, NetworkNode } from "../model/network.js"
import type { Service } from "../model/service.js"
import { BackupRates } from "./backup-rates.js"
import type { Graph } from "./graph.js"
import { groupsOfLink, groupsOfNode, groupsOfService, isOfServices } from "./memberships.js"
import { compareGroups, compareReservations, NO_GROUPS, type View } from "./view.js"

export class Draft implements View {
  readonly revision: number
  readonly graph: Graph
  readonly backups: BackupRates
  readonly #under: View
  readonly #nodes = new Map<string, NetworkNode | null>()
  readonly #links = new Map<string, NetworkLink | null>()
  readonly #services = new Map<string, Service | null>()
  /** group -> id -> in it or not, where that differs from below */
  readonly #groups = new Map<string, Map<string, boolean>>()
  readonly #reserved = new Map<string, number>()
  /** Services as they were before they were changed since the sums were last made up. */
  readonly #unsettled = new Map<string, Service | undefined>()
  /** Links where what is kept for backups differs from below. */
  readonly #kept = new Set<string>()
  /** What was written, in the order first written. */
  readonly #order: Pick<Change, "kind" | "id">[] = []

  /** @param revision of the commit this draft will become */
  constructor(under: View, revision = under.revision + 1) {
    this.#under = under
    this.revision = revision
    this.graph = under.graph
    this.backups = new BackupRates(under.backups)
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
    return own === undefined ? this.#under.service(serviceId) : (own ?? undefined)
  }

  nodeIds(): Iterable<string> {
    return overlaid(this.#under.nodeIds(), this.#nodes)
  }

  linkIds(): Iterable<string> {
    return overlaid(this.#under.linkIds(), this.#links)
  }

  serviceIds(): Iterable<string> {
    return overlaid(this.#under.serviceIds(), this.#services)
  }

  members(group: string): readonly string[] {
    if (this.#unsettled.size > 0 && isOfServices(group)) this.#settleOwn()
    const below = this.#under.members(group)
    const own = this.#groups.get(group)
    if (own === undefined) return below
    const found = below.filter((id) => own.get(id) !== false)
    for (const [id, inside] of own) if (inside && !found.includes(id)) found.push(id)
    return found
  }

  reservedBps(qkdlId: string): number {
    this.#settleOwn()
    return this.#under.reservedBps(qkdlId) + (this.#reserved.get(qkdlId) ?? 0)
  }

  backupBps(qkdlId: string): number {
    this.#settleOwn()
    return this.backups.bps(qkdlId)
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
    this.write({ kind: "service", id: value.serviceId, value })
  }

  removeNode(qkdnId: string): void {
    this.write({ kind: "node", id: qkdnId, value: null })
  }

  removeLink(qkdlId: string): void {
    this.write({ kind: "link", id: qkdlId, value: null })
  }

  removeService(serviceId: string): void {
    this.write({ kind: "service", id: serviceId, value: null })
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
        if (!this.#services.has(id)) this.#order.push(change)
        if (!this.#unsettled.has(id)) this.#unsettled.set(id, this.service(id))
        this.#services.set(id, change.value)
        break
    }
  }

  /** What differs from below, each entry once, in the order first written. */
  changes(): Change[] {
    const found: Change[] = []
    for (const { kind, id } of this.#order) {
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
          const value = this.#services.get(id) ?? null
          if (value !== (this.#under.service(id) ?? null)) found.push({ kind, id, value })
          break
        }
      }
    }
    return found
  }

  /** Tells the shared graph that nothing written here holds. The draft must not be used afterwards. */
  drop(): void {
    for (const qkdlId of this.#reserved.keys()) this.graph.touchLink(qkdlId)
    for (const qkdlId of this.#kept) this.graph.touchLink(qkdlId)
    for (const qkdlId of this.#links.keys()) this.graph.touchLink(qkdlId)
    for (const qkdnId of this.#nodes.keys()) this.graph.touchNode(qkdnId)
  }

  #settleOwn(): void {
    if (this.#unsettled.size === 0) return
    for (const [id, before] of this.#unsettled) {
      const after = this.#services.get(id) ?? null
      this.#regroup(id, before, after, groupsOfService)
      compareReservations(before, after ?? undefined, (qkdlId, bps) => {
        this.#reserved.set(qkdlId, (this.#reserved.get(qkdlId) ?? 0) + bps)
        this.graph.touchLink(qkdlId)
      })
      for (const qkdlId of this.backups.enter(before, after)) {
        this.#kept.add(qkdlId)
        this.graph.touchLink(qkdlId)
      }
    }
    this.#unsettled.clear()
  }

  #regroup<T>(
    id: string,
    before: T | undefined,
    after: T | null,
    groupsOf: (entry: T) => ReadonlySet<string>,
  ): void {
    const mark = (inside: boolean) => (group: string) => {
      const own = this.#groups.get(group)
      if (own === undefined) this.#groups.set(group, new Map([[id, inside]]))
      else own.set(id, inside)
    }
    compareGroups(
      before === undefined ? NO_GROUPS : groupsOf(before),
      after === null ? NO_GROUPS : groupsOf(after),
      mark(true),
      mark(false),
    )
  }
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
