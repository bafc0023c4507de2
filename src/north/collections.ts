// Which columns each list of the REST face can be filtered and sorted by.

import type { Collection } from "./lists.js"
import { SCHEMAS } from "./schemas.js"
import type {
  AppView,
  BulkOrderView,
  LinkView,
  MaintenanceView,
  NodeView,
  ServiceView,
} from "./views.js"

function membersOf(schema: string): string[] {
  const properties = SCHEMAS[schema]?.properties
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : []
}

export const NODES: Collection<NodeView> = {
  id: (node) => node.qkdnId,
  columns: {
    qkdnId: (node) => node.qkdnId,
    name: (node) => node.name,
    place: (node) => node.place,
    operator: (node) => node.operator,
    relay: (node) => node.relay,
    driver: (node) => node.driver,
    reach: (node) => node.reach,
    status: (node) => node.status,
  },
  members: membersOf("Node"),
}

export const LINKS: Collection<LinkView> = {
  id: (link) => link.qkdlId,
  columns: {
    qkdlId: (link) => link.qkdlId,
    name: (link) => link.name,
    status: (link) => link.status,
    module: (link) => link.module,
    lengthKm: (link) => link.lengthKm,
    lossDb: (link) => link.lossDb,
    capacityBps: (link) => link.capacityBps,
    skrBps: (link) => link.performance.skrBps,
    stockBits: (link) => link.performance.stockBits,
    qber: (link) => link.performance.qber,
  },
  members: membersOf("Link"),
}

export const SERVICES: Collection<ServiceView> = {
  id: (service) => service.serviceId,
  columns: {
    serviceId: (service) => service.serviceId,
    state: (service) => service.state,
    origin: (service) => service.origin,
    aSaeId: (service) => service.a.saeId,
    bSaeId: (service) => service.b.saeId,
    priority: (service) => service.terms.priority,
    minRateBps: (service) => service.terms.minRateBps,
    createdAt: (service) => service.createdAt,
    changedAt: (service) => service.changedAt,
  },
  members: membersOf("Service"),
}

export const APPS: Collection<AppView> = {
  id: (app) => app.saeId,
  columns: {
    saeId: (app) => app.saeId,
    qkdnId: (app) => app.qkdnId,
    nodeName: (app) => app.nodeName,
  },
  members: membersOf("App"),
}

export const BULK_ORDERS: Collection<BulkOrderView> = {
  id: (order) => order.orderId,
  columns: {
    orderId: (order) => order.orderId,
    state: (order) => order.state,
    late: (order) => order.late,
    fromSaeId: (order) => order.from.saeId,
    toSaeId: (order) => order.to.saeId,
    volumeBits: (order) => order.volumeBits,
    deliveredBits: (order) => order.deliveredBits,
    priority: (order) => order.terms.priority,
    deadline: (order) => order.deadline,
    forecast: (order) => order.forecast,
    createdAt: (order) => order.createdAt,
    changedAt: (order) => order.changedAt,
  },
  members: membersOf("BulkOrder"),
}

export const MAINTENANCE: Collection<MaintenanceView> = {
  id: (one) => one.maintenanceId,
  columns: {
    maintenanceId: (one) => one.maintenanceId,
    qkdlId: (one) => one.qkdlId,
    qkdnId: (one) => one.qkdnId,
    state: (one) => one.state,
    begin: (one) => one.begin,
    end: (one) => one.end,
    by: (one) => one.by,
    createdAt: (one) => one.createdAt,
  },
  members: membersOf("Maintenance"),
}
