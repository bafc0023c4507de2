// What the north faces show of the Network: the model's own shapes and names, without how to log in to a
// node (credential paths, user names) and without anything a subscriber could not be told again later.

import type { Notice } from "../controller/ports.js"
import { grantedBps } from "../model/granted.js"
import { type BulkOrder, type BulkPeriod, deliveredBits } from "../model/bulk-order.js"
import {
  type LinkDoubt,
  type Network,
  type NetworkLink,
  type NetworkNode,
} from "../model/network.js"
import type { Maintenance } from "../model/maintenance.js"
import type { BackupPath, KeyPath, Lane, Service } from "../model/service.js"

/** A node without its credentials; its management address stays, since operators look for it. */
export type NodeView = Omit<NetworkNode, "target" | "listedSaeIds"> & {
  readonly netconf: { readonly host: string; readonly port: number }
}

export function nodeView(node: NetworkNode): NodeView {
  const { target, listedSaeIds: _listed, ...rest } = node
  return { ...rest, netconf: { host: target.host, port: target.port } }
}

/** A link; the controller's own clockwork shows as times. */
export type LinkView = Omit<NetworkLink, "measuredAtMs" | "steady" | "hold" | "doubt"> & {
  readonly steadyBps?: number
  readonly measuredAt?: string
  readonly hold?: { readonly until: string; readonly flaps: number }
  readonly doubt?: { readonly since: string; readonly qberA: number; readonly qberB: number }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

export function linkView(link: NetworkLink): LinkView {
  const { measuredAtMs, steady, hold, doubt, ...rest } = link
  return {
    ...rest,
    ...(steady === undefined ? {} : { steadyBps: steady.bps }),
    ...(measuredAtMs === undefined ? {} : { measuredAt: timeOf(measuredAtMs) }),
    ...(hold?.held === true ? { hold: { until: timeOf(hold.untilMs), flaps: hold.flaps } } : {}),
    ...(doubt?.stands === true ? { doubt: doubtView(doubt) } : {}),
  }
}

function doubtView({ sinceMs, qberA, qberB }: LinkDoubt): NonNullable<LinkView["doubt"]> {
  return { since: timeOf(sinceMs), qberA, qberB }
}

export type PathView = Omit<KeyPath, "sinceRevision">

function pathView(path: KeyPath): PathView {
  const { sinceRevision: _inner, ...rest } = path
  return rest
}

type LaneView = { readonly path?: PathView; readonly next?: PathView }

export type ServiceView = Omit<
  Service,
  "path" | "next" | "beside" | "backup" | "leaving" | "avoiding" | "surplus"
> & {
  readonly grantedBps?: number
  readonly path?: PathView
  readonly next?: PathView
  readonly beside?: readonly LaneView[]
  readonly backup?: Omit<BackupPath, "keptOn" | "against">
  readonly leaving: readonly PathView[]
  readonly avoiding?: readonly {
    readonly qkdnId: string
    readonly until: string
    readonly reason: string
  }[]
}

function laneView({ path, next }: Lane): LaneView {
  return {
    ...(path === undefined ? {} : { path: pathView(path) }),
    ...(next === undefined ? {} : { next: pathView(next) }),
  }
}

function backupView({
  keptOn: _kept,
  against: _inner,
  ...rest
}: BackupPath): Omit<BackupPath, "keptOn" | "against"> {
  return rest
}

export function serviceView(service: Service): ServiceView {
  const { path, next, beside, backup, leaving, avoiding, surplus: _s, ...rest } = service
  const granted = grantedBps(service)
  return {
    ...rest,
    ...(granted === undefined ? {} : { grantedBps: granted }),
    ...laneView({ ...(path && { path }), ...(next && { next }) }),
    ...(beside === undefined ? {} : { beside: beside.map(laneView) }),
    ...(backup === undefined ? {} : { backup: backupView(backup) }),
    leaving: leaving.map(pathView),
    ...(avoiding === undefined
      ? {}
      : {
          avoiding: avoiding.map(({ qkdnId, untilMs, reason }) => ({
            qkdnId,
            until: timeOf(untilMs),
            reason,
          })),
        }),
  }
}

export type BulkPeriodView = Pick<BulkPeriod, "rateBps" | "hops" | "nodes"> & {
  readonly begin: string
  readonly end: string
}

export type BulkOrderView = Omit<
  BulkOrder,
  "periods" | "scheduledMs" | "place" | "countedBits" | "beforeBits"
> & {
  readonly keys: number
  readonly deliveredBits: number
  readonly periods: readonly BulkPeriodView[]
}

export function bulkOrderView(order: BulkOrder): BulkOrderView {
  const { periods, scheduledMs: _s, place: _p, countedBits: _c, beforeBits: _b, ...most } = order
  const { talliedTo: _t, pace: _e, ...rest } = most
  return {
    ...rest,
    keys: order.volumeBits / order.keySizeBits,
    deliveredBits: deliveredBits(order),
    periods: periods.map(({ fromMs, toMs, ...period }) => ({
      begin: timeOf(fromMs),
      end: timeOf(Math.min(toMs, LAST_MS)),
      ...period,
    })),
  }
}

/** RFC 3339 has years of four digits. */
const LAST_MS = Date.parse("9999-12-31T23:59:59Z")

export type MaintenanceView = Omit<Maintenance, "triedMs">

export function maintenanceView(one: Maintenance): MaintenanceView {
  const { triedMs: _t, ...rest } = one
  return rest
}

/** One row of the SAE registry: which application lives at which node. */
export interface AppView {
  readonly saeId: string
  readonly qkdnId: string
  readonly nodeName: string
  readonly serviceIds: readonly string[]
}

export function appViews(network: Network): AppView[] {
  const services = new Map<string, string[]>()
  for (const service of network.services.values()) {
    for (const { saeId } of [service.a, service.b]) {
      const held = services.get(saeId)
      if (held === undefined) services.set(saeId, [service.serviceId])
      else held.push(service.serviceId)
    }
  }
  return [...network.nodes.values()].flatMap((node) =>
    node.saeIds.map((saeId) => ({
      saeId,
      qkdnId: node.qkdnId,
      nodeName: node.name,
      serviceIds: services.get(saeId) ?? [],
    })),
  )
}

export interface NetworkView {
  readonly epoch: string
  readonly seq: number
  readonly revision: number
  readonly nodes: readonly NodeView[]
  readonly links: readonly LinkView[]
  readonly services: readonly ServiceView[]
  readonly orders: readonly BulkOrderView[]
  readonly maintenance: readonly MaintenanceView[]
}

export function networkView(network: Network, epoch: string, seq: number): NetworkView {
  return {
    epoch,
    seq,
    revision: network.revision,
    nodes: [...network.nodes.values()].map(nodeView),
    links: [...network.links.values()].map(linkView),
    services: [...network.services.values()].map(serviceView),
    orders: [...network.orders.values()].map(bulkOrderView),
    maintenance: [...network.maintenance.values()].map(maintenanceView),
  }
}

/** Names that must never leave, wherever a `log` notice may carry them. */
const HIDDEN: ReadonlySet<string> = new Set(["target", "privateKeyFile", "username", "password"])

function withoutHidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHidden)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !HIDDEN.has(name))
      .map(([name, inner]) => [name, withoutHidden(inner)]),
  )
}

function has(value: unknown, ...names: readonly string[]): value is object {
  return value !== null && typeof value === "object" && names.every((name) => name in value)
}

export function isNode(value: unknown): value is NetworkNode {
  return has(value, "qkdnId", "target", "reach")
}

export function isLink(value: unknown): value is NetworkLink {
  return has(value, "qkdlId", "endA", "endB")
}

export function isService(value: unknown): value is Service {
  return has(value, "serviceId", "terms", "leaving")
}

export function isBulkOrder(value: unknown): value is BulkOrder {
  return has(value, "orderId", "volumeBits", "periods")
}

export function isMaintenance(value: unknown): value is Maintenance {
  return has(value, "maintenanceId", "begin", "staying")
}

/** A notice as subscribers get it: its value in the same shape as REST shows. */
export function noticeView(notice: Notice): Notice {
  const { topic, value } = notice
  if (topic === "node" && isNode(value)) return { ...notice, value: nodeView(value) }
  if (topic === "link" && isLink(value)) return { ...notice, value: linkView(value) }
  if (topic === "service" && isService(value)) return { ...notice, value: serviceView(value) }
  if (topic === "order" && isBulkOrder(value)) return { ...notice, value: bulkOrderView(value) }
  if (topic === "maintenance" && isMaintenance(value))
    return { ...notice, value: maintenanceView(value) }
  return { ...notice, value: withoutHidden(value) }
}
