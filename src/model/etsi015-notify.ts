// The 11 notifications of ETSI GS QKD 015 V2.1.1 to and from `NodeEvent`. Names are the model's
// (`sdqkdn_...`). No coalescing, no time, no node id: the sender decides when, the session says who.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json-text.js"
import type { AppStatus } from "./app.js"
import { appSupplyFromData, qosFromData, qosToData } from "./etsi015-app.js"
import { INTERFACE_STATUSES, interfaceFromData, interfaceToData } from "./etsi015-interface.js"
import { LINK_STATUSES, performanceFromData, performanceToData } from "./etsi015-link.js"
import {
  compact,
  identity,
  KEYLOOM_MODULE,
  leafList,
  NODE_MODULE,
  Reader,
  uint32,
  uint64,
} from "./etsi015-values.js"
import type { LinkPerformance } from "./link.js"
import type { AlarmBody, NodeEvent, Severity } from "./node.js"

const APP_STATUSES: readonly AppStatus[] = ["ON", "DISCONNECTED", "OUT-OF-TIME", "ZOMBIE"]
const SEVERITIES: readonly Severity[] = ["MAJOR", "MINOR"]

/** What goes out: the notification's qualified name and its content (the members inside it). */
export interface NotificationData {
  readonly name: string
  readonly data: JsonObject
}

/**
 * Reads a notification.
 *
 * @param name with or without `etsi-qkd-sdn-node:`
 * @param data the notification's members
 * @returns undefined when it is not one of the model's, or says nothing that can be placed (an alarm
 *   without resource, a perf update without link)
 * @throws QkdError `invalid-value` with path when a member is malformed
 */
export function nodeEventFromNotification(name: string, data: JsonObject): NodeEvent | undefined {
  if (name === SUPPLY) return supplyEvent(new Reader(data, `/${name}`))
  const local = name.startsWith(`${NODE_MODULE}:`) ? name.slice(NODE_MODULE.length + 1) : name
  const reader = new Reader(data, `/${local}`)
  switch (local) {
    case "sdqkdn_application_new":
    case "sdqkdn_application_qos_update":
    case "sdqkdn_application_disconnected":
      return applicationEvent(local, reader.child("qkd_application"))
    case "sdqkdn_interface_new":
    case "sdqkdn_interface_down":
    case "sdqkdn_interface_out":
      return interfaceEvent(local, reader.child("qkd_interface"))
    case "sdqkdn_link_down":
    case "sdqkdn_link_perf_update":
    case "sdqkdn_link_overloaded":
      return linkEvent(local, reader.child("qkd_link"))
    case "alarm":
    case "event": {
      const body = alarmBody(reader)
      return body === undefined ? undefined : { kind: local, ...body }
    }
    default:
      return undefined
  }
}

/** Of `keyloom-node`, beside the standard's own. */
const SUPPLY = `${KEYLOOM_MODULE}:application_supply`

function supplyEvent(reader: Reader): NodeEvent | undefined {
  const appId = reader.uuid("app_id")
  const supply = appSupplyFromData(reader)
  if (appId === undefined || supply === undefined) return undefined
  return { kind: "app-supply", appId, supply }
}

function applicationEvent(name: string, app: Reader): NodeEvent | undefined {
  const priority = app.number("app_priority")
  const qos = qosFromData(app.child("app_qos"))
  if (name === "sdqkdn_application_new") {
    const serverAppId = app.string("server_app_id")
    if (serverAppId === undefined) return undefined
    return {
      kind: "app-new",
      serverAppId,
      clientAppIds: app.strings("client_app_id"),
      appType: app.identity("app_type", ["CLIENT", "INTERNAL"] as const) ?? "CLIENT",
      priority: priority ?? 0,
      qos,
    }
  }
  const appId = app.uuid("app_id")
  if (appId === undefined) return undefined
  if (name === "sdqkdn_application_disconnected") return { kind: "app-disconnected", appId }
  return { kind: "app-qos-update", appId, ...(priority !== undefined && { priority }), qos }
}

function interfaceEvent(name: string, item: Reader): NodeEvent | undefined {
  const qkdiId = item.number("qkdi_id")
  if (qkdiId === undefined) return undefined
  if (name === "sdqkdn_interface_new")
    return { kind: "interface-new", qkdInterface: interfaceFromData(item) }
  if (name === "sdqkdn_interface_out") return { kind: "interface-out", qkdiId }
  const reason = item.string("reason")
  return { kind: "interface-down", qkdiId, ...(reason !== undefined && { reason }) }
}

function linkEvent(name: string, link: Reader): NodeEvent | undefined {
  const qkdlId = link.uuid("qkdl_id")
  if (qkdlId === undefined) return undefined
  if (name === "sdqkdn_link_down") {
    const reason = link.string("reason")
    return { kind: "link-down", qkdlId, ...(reason !== undefined && { reason }) }
  }
  const performance = performanceFromData(link.child("performance"))
  const kind = name === "sdqkdn_link_overloaded" ? "link-overloaded" : "link-performance"
  return { kind, qkdlId, performance }
}

function alarmBody(reader: Reader): AlarmBody | undefined {
  const link = reader.child("link")
  const qkdlId = link.uuid("qkdl_id")
  if (qkdlId !== undefined) {
    const status = link.identity("qkdl_status", LINK_STATUSES)
    return {
      resource: { kind: "link", qkdlId, ...(status !== undefined && { status }) },
      ...tale(link),
    }
  }
  const item = reader.child("interface")
  const qkdiId = item.number("qkdi_id")
  if (qkdiId !== undefined) {
    const status = item.identity("qkdi_status", INTERFACE_STATUSES)
    return {
      resource: { kind: "interface", qkdiId, ...(status !== undefined && { status }) },
      ...tale(item),
    }
  }
  const app = reader.child("application")
  const appId = app.uuid("app_id")
  if (appId === undefined) return undefined
  const status = app.identity("app_status", APP_STATUSES)
  return {
    resource: { kind: "app", appId, ...(status !== undefined && { status }) },
    ...tale(app),
  }
}

function tale(reader: Reader): { message?: string; severity?: Severity } {
  const message = reader.string("message")
  const severity = reader.identity("severity", SEVERITIES)
  return { ...(message !== undefined && { message }), ...(severity !== undefined && { severity }) }
}

/**
 * Writes a notification.
 *
 * @param localQkdnId this node's id: `sdqkdn_application_new` carries it
 * @throws QkdError `operation-not-supported` for `resync`, which is a listener's own and never sent;
 *   `invalid-value` where 015 cannot say a value
 */
export function notificationFromNodeEvent(event: NodeEvent, localQkdnId: string): NotificationData {
  switch (event.kind) {
    case "app-new":
      return named("sdqkdn_application_new", {
        qkd_application: compact({
          app_type: identity(event.appType),
          server_app_id: event.serverAppId,
          client_app_id: leafList(event.clientAppIds),
          app_priority: uint32(event.priority, "/sdqkdn_application_new/app_priority"),
          local_qkdn_id: localQkdnId,
          app_qos: qosToData(event.qos, "/sdqkdn_application_new/qkd_application"),
        }),
      })
    case "app-qos-update":
      return named("sdqkdn_application_qos_update", {
        qkd_application: compact({
          app_id: event.appId,
          app_qos: qosToData(event.qos, "/sdqkdn_application_qos_update/qkd_application"),
          app_priority: uint32(event.priority, "/sdqkdn_application_qos_update/app_priority"),
        }),
      })
    case "app-disconnected":
      return named("sdqkdn_application_disconnected", { qkd_application: { app_id: event.appId } })
    case "app-supply":
      return {
        name: SUPPLY,
        data: compact({
          app_id: event.appId,
          supplied_bits: uint64(event.supply.suppliedBits),
          ready_bits: uint64(event.supply.readyBits),
        }),
      }
    case "interface-new":
      return named("sdqkdn_interface_new", { qkd_interface: interfaceToData(event.qkdInterface) })
    case "interface-down":
      return named("sdqkdn_interface_down", {
        qkd_interface: compact({ qkdi_id: event.qkdiId, reason: event.reason }),
      })
    case "interface-out":
      return named("sdqkdn_interface_out", { qkd_interface: { qkdi_id: event.qkdiId } })
    case "link-down":
      return named("sdqkdn_link_down", {
        qkd_link: compact({ qkdl_id: event.qkdlId, reason: event.reason }),
      })
    case "link-performance":
      return named("sdqkdn_link_perf_update", {
        qkd_link: { qkdl_id: event.qkdlId, performance: fullPerformance(event.performance) },
      })
    case "link-overloaded":
      return named("sdqkdn_link_overloaded", {
        qkd_link: {
          qkdl_id: event.qkdlId,
          performance: performanceToData(event.performance, false),
        },
      })
    case "alarm":
    case "event":
      return named(event.kind, alarmData(event))
    case "resync":
      throw new QkdError("operation-not-supported", "resync is no notification")
  }
}

function named(name: string, data: JsonObject): NotificationData {
  return { name: `${NODE_MODULE}:${name}`, data }
}

function fullPerformance(performance: LinkPerformance): JsonObject {
  return {
    ...performanceToData(performance, true),
    ...compact({ [`${KEYLOOM_MODULE}:stored_bits`]: uint64(performance.stockBits) }),
  }
}

function alarmData(body: AlarmBody): JsonObject {
  const { resource } = body
  const rest = { message: body.message, severity: identity(body.severity) }
  switch (resource.kind) {
    case "link":
      return {
        link: compact({
          qkdl_id: resource.qkdlId,
          qkdl_status: identity(resource.status),
          ...rest,
        }),
      }
    case "interface":
      return {
        interface: compact({
          qkdi_id: resource.qkdiId,
          qkdi_status: identity(resource.status),
          ...rest,
        }),
      }
    case "app":
      return {
        application: compact({
          app_id: resource.appId,
          app_status: identity(resource.status),
          ...rest,
        }),
      }
  }
}
