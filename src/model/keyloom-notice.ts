// Notifications of keyloom-network, keyloom-connectivity and keyloom-maintenance out of committed changes; and one alarm as an entry. One
// member each, `module:notification`. Decides nothing: what is worth telling has been decided.

import type { JsonObject } from "../yang/json-text.js"
import type { Alarm } from "./alarm.js"
import { compact, compactOrNone, identity, TYPES_MODULE } from "./etsi015-values.js"
import { performanceData } from "./keyloom-link-entry.js"
import { isInSync } from "./keyloom-node-entry.js"
import { keyPathData } from "./keyloom-path-entry.js"
import { grantedBps } from "./granted.js"
import { windowNews } from "./keyloom-window-entry.js"
import { bps, CONNECTIVITY_MODULE, MAINTENANCE_MODULE, NETWORK_MODULE } from "./keyloom-values.js"
import type { Maintenance } from "./maintenance.js"
import type { NetworkLink, NetworkNode } from "./network.js"
import type { Service } from "./service.js"

/** Where a change stands in the journal. */
export interface NoticeHead {
  readonly epoch: string
  readonly seq: number
  /** Such as `link.down`. */
  readonly type: string
  readonly message?: string
}

function head({ epoch, seq, type, message }: NoticeHead): JsonObject {
  return compact({ epoch, seq: String(seq), change: type, explanation: message })
}

/** @param node null when it is gone */
export function nodeNotice(
  notice: NoticeHead,
  qkdnId: string,
  node: NetworkNode | null,
): JsonObject {
  const body = compact({
    ...head(notice),
    qkdn_id: qkdnId,
    name: node?.name,
    removed: node === null,
    reach: node?.reach,
    reach_reason: node?.reachReason,
    in_sync: node === null ? undefined : isInSync(node),
    qkdn_status: identity(node?.status),
  })
  return { [`${NETWORK_MODULE}:node-changed`]: body }
}

/** @param link null when it is gone */
export function linkNotice(
  notice: NoticeHead,
  qkdlId: string,
  link: NetworkLink | null,
): JsonObject {
  if (link !== null && notice.type === "link.performance") {
    const body = compact({
      ...head(notice),
      phys_link_id: qkdlId,
      capacity: bps(link.capacityBps),
      qkdl_performance: compactOrNone({ ...performanceData(link.performance) }),
    })
    return { [`${NETWORK_MODULE}:phys-link-performance`]: body }
  }
  const body = compact({
    ...head(notice),
    phys_link_id: qkdlId,
    removed: link === null,
    phys_enable: link?.enabled,
    qkdl_status: identity(link?.status),
    reason: link?.reason,
  })
  return { [`${NETWORK_MODULE}:phys-link-changed`]: body }
}

/** @param service null when it is gone */
export function appNotice(
  notice: NoticeHead,
  serviceId: string,
  service: Service | null,
): JsonObject {
  const body = compact({
    ...head(notice),
    app_id: serviceId,
    removed: service === null,
    server_app_id: service?.a.saeId,
    client_app_id: service?.b.saeId,
    service_state: service?.state,
    reason: service?.reason,
    granted_bandwidth: bps(service === null ? undefined : grantedBps(service)),
    deployed_path: service?.path === undefined ? undefined : keyPathData(service.path),
    next_path: service?.next === undefined ? undefined : keyPathData(service.next),
  })
  return { [`${CONNECTIVITY_MODULE}:app-changed`]: body }
}

/** @param window null when it is over or called off */
export function windowNotice(
  notice: NoticeHead,
  maintenanceId: string,
  window: Maintenance | null,
): JsonObject {
  const body = { ...head(notice), maintenance_id: maintenanceId, ...windowNews(window) }
  return { [`${MAINTENANCE_MODULE}:maintenance-changed`]: body }
}

/** What is told though nothing changed. */
export function eventNotice(notice: NoticeHead, id: string): JsonObject {
  return { [`${NETWORK_MODULE}:network-event`]: { ...head(notice), id } }
}

export function alarmNotice(
  notice: NoticeHead,
  what: "raised" | "cleared",
  alarm: Alarm,
): JsonObject {
  return { [`${NETWORK_MODULE}:alarm-${what}`]: { ...head(notice), ...alarmData(alarm) } }
}

/** One entry of the list of alarms. */
export function alarmData(alarm: Alarm): JsonObject {
  return compact({
    alarm_id: alarm.alarmId,
    resource: alarm.resource,
    resource_id: alarm.resourceId,
    qkdi_id: alarm.qkdiId,
    alarm_type: alarm.type,
    severity: `${TYPES_MODULE}:${alarm.severity}`,
    message: alarm.message,
    since: alarm.since,
  })
}
