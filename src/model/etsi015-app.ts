// `qkd_app` and `app_qos` of ETSI GS QKD 015 V2.1.1 to and from native types. No decisions, no defaults
// beyond the model's own.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json-text.js"
import { RELAY_SCHEMES } from "./app.js"
import type { AppConfig, AppQos, AppState, AppStatistics, AppStatus, AppSupply } from "./app.js"
import {
  canonicalUuid,
  compact,
  compactOrNone,
  identity,
  KEYLOOM_MODULE,
  leafList,
  measured,
  type Reader,
  UINT32_MAX,
  uint32,
  uint64,
} from "./etsi015-values.js"

const APP_TYPES = ["CLIENT", "INTERNAL"] as const
const APP_STATUSES: readonly AppStatus[] = ["ON", "DISCONNECTED", "OUT-OF-TIME", "ZOMBIE"]

/** What `keyloom-node` counts of an application at one node, since its key manager started. */
export interface AppDelivery {
  readonly deliveredBits: bigint
  readonly refusedRequests: number
  /** Of end keys relayed ahead of demand. */
  readonly readyBits?: number
  /** Of the delivered ones, those given to masters. */
  readonly suppliedBits?: number
}

export function qosFromData(reader: Reader): AppQos {
  const maxBps = reader.number("max_bandwidth")
  const minBps = reader.number("min_bandwidth")
  const jitterMs = reader.number("jitter")
  const ttlS = reader.number("ttl")
  const sharedPath = reader.boolean("clients_shared_path_enable")
  const sharedKeys = reader.boolean("clients_shared_keys_required")
  return {
    ...(maxBps !== undefined && { maxBps }),
    ...(minBps !== undefined && { minBps }),
    ...(jitterMs !== undefined && { jitterMs }),
    ...(ttlS !== undefined && { ttlS }),
    ...(sharedPath !== undefined && { sharedPath }),
    ...(sharedKeys !== undefined && { sharedKeys }),
  }
}

/** `app_qos`, or undefined when nothing is asked for. @throws QkdError `invalid-value` beyond uint32. */
export function qosToData(qos: AppQos, path: string): JsonObject | undefined {
  return compactOrNone({
    max_bandwidth: uint32(qos.maxBps, `${path}/app_qos/max_bandwidth`),
    min_bandwidth: uint32(qos.minBps, `${path}/app_qos/min_bandwidth`),
    jitter: uint32(qos.jitterMs, `${path}/app_qos/jitter`),
    ttl: uint32(qos.ttlS, `${path}/app_qos/ttl`),
    clients_shared_path_enable: qos.sharedPath,
    clients_shared_keys_required: qos.sharedKeys,
  })
}

/** The configured part of a `qkd_app` entry. @throws QkdError with the path of a malformed member. */
export function appConfigFromData(reader: Reader): AppConfig {
  const expiresAt = reader.string("expiration_time")
  const localQkdnId = reader.uuid("local_qkdn_id")
  const remoteQkdnId = reader.uuid("remote_qkdn_id")
  const keyCombination = reader.keyloom.identity("key_combination", ["any", "all"] as const)
  const relayScheme = reader.keyloom.identity("relay_scheme", RELAY_SCHEMES)
  const ordered = orderedFromData(reader.keyloomChild("ordered_keys"))
  return {
    appId: reader.requiredUuid("app_id"),
    type: reader.identity("app_type", APP_TYPES) ?? "CLIENT",
    serverAppId: reader.string("server_app_id") ?? "",
    clientAppIds: reader.strings("client_app_id"),
    priority: reader.number("app_priority") ?? 0,
    ...(expiresAt !== undefined && { expiresAt }),
    qos: qosFromData(reader.child("app_qos")),
    backingQkdlIds: reader.uuids("backing_qkdl_id"),
    // The defaults are left out: written or not, it is the same configuration.
    ...(keyCombination === "all" && { keyCombination }),
    ...(relayScheme === "destination-combines" && { relayScheme }),
    ...(ordered !== undefined && { ordered }),
    ...(localQkdnId !== undefined && { localQkdnId }),
    ...(remoteQkdnId !== undefined && { remoteQkdnId }),
  }
}

function orderedFromData(reader: Reader): AppConfig["ordered"] {
  const keySizeBits = reader.number("key_size")
  const untilBits = reader.counter("until_bits")
  if (keySizeBits === undefined || untilBits === undefined) return undefined
  return { keySizeBits, untilBits: Number(untilBits) }
}

export function appStateFromData(reader: Reader): AppState {
  const status = reader.identity("app_status", APP_STATUSES)
  const createdAt = reader.string("creation_time")
  const statistics = reader
    .child("app_statistics")
    .entries("statistics", "end_time")
    .map((row): AppStatistics => {
      const endTime = row.string("end_time") ?? ""
      return {
        startTime: row.string("start_time") ?? endTime,
        endTime,
        consumedBits: row.number("consumed_bits") ?? 0,
      }
    })
  const supply = appSupplyFromData(reader.keyloomChild("key_delivery"))
  return {
    ...appConfigFromData(reader),
    ...(supply !== undefined && { supply }),
    ...(status !== undefined && { status }),
    ...(createdAt !== undefined && { createdAt }),
    statistics,
  }
}

/**
 * One `qkd_app` entry, configuration only.
 *
 * @param keyloom whether the node has module `keyloom-node`
 * @throws QkdError with path: `invalid-value`, `operation-not-supported` where the keys would be less well kept at
 *   that node than they are to be
 */
export function appConfigToData(app: AppConfig, keyloom = true): JsonObject {
  const path = `/qkd_node/qkd_applications/qkd_app[app_id='${app.appId}']`
  const members = keyloomMembers(app)
  // A plain 015 node makes no keys ahead: its SAEs ask for them at the promised rate.
  const ahead = keyloom ? orderedMembers(app) : undefined
  if (!keyloom && members !== undefined)
    throw new QkdError("operation-not-supported", "the node cannot combine keys of several paths", {
      path,
    })
  return compact({
    app_id: canonicalUuid(app.appId, `${path}/app_id`),
    app_type: identity(app.type),
    server_app_id: app.serverAppId === "" ? undefined : app.serverAppId,
    client_app_id: leafList(app.clientAppIds),
    app_priority: uint32(app.priority, `${path}/app_priority`),
    expiration_time: app.expiresAt,
    app_qos: qosToData(app.qos, path),
    backing_qkdl_id: leafList(
      app.backingQkdlIds.map((id) => canonicalUuid(id, `${path}/backing_qkdl_id`)),
    ),
    local_qkdn_id:
      app.localQkdnId === undefined
        ? undefined
        : canonicalUuid(app.localQkdnId, `${path}/local_qkdn_id`),
    remote_qkdn_id:
      app.remoteQkdnId === undefined
        ? undefined
        : canonicalUuid(app.remoteQkdnId, `${path}/remote_qkdn_id`),
    ...members,
    ...ahead,
  })
}

function orderedMembers({ ordered }: AppConfig): JsonObject | undefined {
  if (ordered === undefined) return undefined
  const { keySizeBits, untilBits } = ordered
  return {
    [`${KEYLOOM_MODULE}:ordered_keys`]: compact({
      key_size: keySizeBits,
      until_bits: uint64(untilBits),
    }),
  }
}

/** Undefined when the defaults do. */
function keyloomMembers({ keyCombination, relayScheme }: AppConfig): JsonObject | undefined {
  return compactOrNone({
    [`${KEYLOOM_MODULE}:key_combination`]: keyCombination === "all" ? keyCombination : undefined,
    [`${KEYLOOM_MODULE}:relay_scheme`]:
      relayScheme === "destination-combines" ? relayScheme : undefined,
  })
}

/** The state members of a `qkd_app` entry, to be laid over its configuration. */
export function appStateMembers(
  state: Pick<AppState, "status" | "createdAt" | "statistics">,
  delivery?: AppDelivery,
): JsonObject {
  const rows = state.statistics.map((row) =>
    compact({
      end_time: row.endTime,
      start_time: row.startTime,
      consumed_bits: measured(row.consumedBits),
    }),
  )
  return compact({
    app_status: identity(state.status),
    creation_time: state.createdAt,
    app_statistics: rows.length === 0 ? undefined : { statistics: rows },
    [`${KEYLOOM_MODULE}:key_delivery`]:
      delivery === undefined
        ? undefined
        : compact({
            delivered_bits: uint64(delivery.deliveredBits),
            ready_bits: delivery.readyBits === undefined ? undefined : uint64(delivery.readyBits),
            supplied_bits:
              delivery.suppliedBits === undefined ? undefined : uint64(delivery.suppliedBits),
            refused_requests: delivery.refusedRequests % (UINT32_MAX + 1),
          }),
  })
}

/** `supplied_bits` and `ready_bits`; undefined where a node has not both. */
export function appSupplyFromData(reader: Reader): AppSupply | undefined {
  const suppliedBits = reader.counter("supplied_bits")
  const readyBits = reader.counter("ready_bits")
  if (suppliedBits === undefined || readyBits === undefined) return undefined
  return { suppliedBits: Number(suppliedBits), readyBits: Number(readyBits) }
}

/** What `keyloom-node` counts; undefined at a plain 015 node. */
export function appDeliveryFromData(reader: Reader): AppDelivery | undefined {
  const delivery = reader.keyloomChild("key_delivery")
  const deliveredBits = delivery.counter("delivered_bits")
  if (deliveredBits === undefined) return undefined
  const readyBits = delivery.number("ready_bits")
  return {
    deliveredBits,
    refusedRequests: delivery.number("refused_requests") ?? 0,
    ...(readyBits !== undefined && { readyBits }),
  }
}
