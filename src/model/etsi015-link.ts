// `qkd_link` and its performance, ETSI GS QKD 015 V2.1.1 with `keyloom-node`, to and from native types.
// QBER is a ratio with 3 decimals here (the standard leaves ratio or percent open): 0.034 is 3.4 %.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json-text.js"
import {
  canonicalUuid,
  compact,
  compactOrNone,
  decimal3,
  identity,
  KEYLOOM_MODULE,
  leafList,
  measured,
  type Members,
  type Reader,
  uint32,
  uint64,
} from "./etsi015-values.js"
import type {
  LinkConfig,
  LinkEnd,
  LinkPerformance,
  LinkState,
  LinkStatus,
  ModuleRole,
} from "./link.js"

export const LINK_STATUSES: readonly LinkStatus[] = ["ACTIVE", "PASSIVE", "PENDING", "OFF"]
export const ROLES: readonly ModuleRole[] = ["TRANSMITTER", "RECEIVER", "TRANSCEIVER"]
const LINK_TYPES = ["PHYS", "VIRT"] as const

/** What a node of another maker can take; the reference node takes everything. */
export interface WriteProfile {
  /** Whether the node has module `keyloom-node`. */
  readonly keyloom: boolean
  /**
   * Whether the node takes the leaves behind the three `when` conditions of V2.1.1 (`virt_*`, `phys_*`):
   * a server that follows RFC 7950 section 9.10.3 to the letter refuses them always.
   */
  readonly conditionalLeaves: boolean
}

export const REFERENCE_PROFILE: WriteProfile = { keyloom: true, conditionalLeaves: true }

/** `key_stock` of `keyloom-node`: the pool of one link at one node. */
export interface LinkStock {
  readonly storedBits: number
  readonly generatedBits: bigint
  readonly consumedBits: bigint
  readonly authenticationBits: bigint
  /** Of the consumed ones, those of keys that only passed the node. */
  readonly relayedBits?: bigint
  /** Bits of keys that were to pass over the link and were refused: more than their paths were given. */
  readonly refusedBits?: bigint
  /** Bits that were erased unused because they were too old. */
  readonly expiredBits?: bigint
  readonly timeToEmptyS?: number
  /** The latest periods with use, oldest first. */
  readonly periods?: readonly LinkPeriod[]
}

/** What happened to a link's pool in one period. Times are RFC 3339. */
export interface LinkPeriod {
  readonly startTime: string
  readonly endTime: string
  readonly generatedBits: number
  readonly consumedBits: number
  readonly authenticationBits: number
  readonly relayedBits: number
  readonly expiredBits: number
}

function endFromData(reader: Reader): LinkEnd {
  const qkdiId = reader.number("qkdi_id")
  return { qkdnId: reader.uuid("qkdn_id") ?? "", ...(qkdiId !== undefined && { qkdiId }) }
}

function endToData(end: LinkEnd, path: string): JsonObject | undefined {
  return compactOrNone({
    qkdn_id: end.qkdnId === "" ? undefined : canonicalUuid(end.qkdnId, `${path}/qkdn_id`),
    qkdi_id: uint32(end.qkdiId, `${path}/qkdi_id`),
  })
}

/** A type that was not written reads as what its leaves say, PHYS when they say nothing. */
function typeOf(reader: Reader): "PHYS" | "VIRT" {
  const named = reader.identity("qkdl_type", LINK_TYPES)
  if (named !== undefined) return named
  return reader.has("virt_prev_hop") || reader.has("virt_next_hop") ? "VIRT" : "PHYS"
}

/** The configured part of a `qkd_link` entry. @throws QkdError with the path of a malformed member. */
export function linkConfigFromData(reader: Reader): LinkConfig {
  const common = {
    qkdlId: reader.requiredUuid("qkdl_id"),
    enabled: reader.boolean("qkdl_enable") ?? true,
    local: endFromData(reader.child("qkdl_local")),
    remote: endFromData(reader.child("qkdl_remote")),
  }
  if (typeOf(reader) === "VIRT") {
    const prevHop = reader.uuid("virt_prev_hop")
    const bandwidthBps = reader.number("virt_bandwidth")
    const prevQkdlId = reader.keyloom.uuid("prev_qkdl_id")
    const nextQkdlId = reader.keyloom.uuid("next_qkdl_id")
    return {
      type: "VIRT",
      ...common,
      ...(prevHop !== undefined && { prevHop }),
      nextHops: reader.uuids("virt_next_hop"),
      ...(bandwidthBps !== undefined && { bandwidthBps }),
      ...(prevQkdlId !== undefined && { prevQkdlId }),
      ...(nextQkdlId !== undefined && { nextQkdlId }),
    }
  }
  const channelAttenuationDb = reader.number("phys_channel_att")
  const wavelengthChannel = reader.number("phys_wavelength")
  const role = reader.identity("phys_qkd_role", ROLES)
  const epsilon = reader.keyloom.number("epsilon")
  return {
    type: "PHYS",
    ...common,
    ...(channelAttenuationDb !== undefined && { channelAttenuationDb }),
    ...(wavelengthChannel !== undefined && { wavelengthChannel }),
    ...(role !== undefined && { role }),
    ...(epsilon !== undefined && { epsilon }),
  }
}

export function linkStateFromData(reader: Reader): LinkState {
  const status = reader.identity("qkdl_status", LINK_STATUSES)
  const stockBits = reader.keyloomChild("key_stock").number("stored_bits")
  return {
    ...linkConfigFromData(reader),
    ...(status !== undefined && { status }),
    appIds: reader.uuids("qkdl_applications"),
    performance: {
      ...performanceFromData(reader.child("qkdl_performance")),
      ...(stockBits !== undefined && { stockBits }),
    },
  }
}

/** `key_stock` of an entry; undefined at a plain 015 node. */
export function linkStockFromData(reader: Reader): LinkStock | undefined {
  const stock = reader.keyloomChild("key_stock")
  const storedBits = stock.number("stored_bits")
  if (storedBits === undefined) return undefined
  const timeToEmptyS = stock.number("time_to_empty_s")
  const relayedBits = stock.counter("relayed_bits")
  const refusedBits = stock.counter("refused_bits")
  const expiredBits = stock.counter("expired_bits")
  const periods = stock.entries("period", "start_time").map(
    (period): LinkPeriod => ({
      startTime: period.string("start_time") ?? "",
      endTime: period.string("end_time") ?? "",
      generatedBits: period.number("generated_bits") ?? 0,
      consumedBits: period.number("consumed_bits") ?? 0,
      authenticationBits: period.number("authentication_bits") ?? 0,
      relayedBits: period.number("relayed_bits") ?? 0,
      expiredBits: period.number("expired_bits") ?? 0,
    }),
  )
  return {
    storedBits,
    generatedBits: stock.counter("generated_bits") ?? 0n,
    consumedBits: stock.counter("consumed_bits") ?? 0n,
    authenticationBits: stock.counter("authentication_bits") ?? 0n,
    ...(relayedBits !== undefined && { relayedBits }),
    ...(refusedBits !== undefined && { refusedBits }),
    ...(expiredBits !== undefined && { expiredBits }),
    ...(periods.length > 0 && { periods }),
    ...(timeToEmptyS !== undefined && { timeToEmptyS }),
  }
}

/** `qkdl_performance` of an entry, or `performance` of a notification (which also has the stock). */
export function performanceFromData(reader: Reader): LinkPerformance {
  const expectedConsumptionBps = reader.number("expected_consumption")
  const skrBps = reader.number("skr")
  const eskrBps = reader.number("eskr")
  const stockBits = reader.keyloom.number("stored_bits")
  let qber: number | undefined
  let snrDb: number | undefined
  for (const row of reader.entries("phys_perf", "perf_type")) {
    const kind = row.identity("perf_type", ["QBER", "SNR"] as const)
    if (kind === "QBER") qber = row.number("value")
    if (kind === "SNR") snrDb = row.number("value")
  }
  return {
    ...(expectedConsumptionBps !== undefined && { expectedConsumptionBps }),
    ...(skrBps !== undefined && { skrBps }),
    ...(eskrBps !== undefined && { eskrBps }),
    ...(qber !== undefined && { qber }),
    ...(snrDb !== undefined && { snrDb }),
    ...(stockBits !== undefined && { stockBits }),
  }
}

/** Rates are whole bit/s, held at the ceiling of uint32. `physical`: whether `phys_perf` may be there. */
export function performanceToData(performance: LinkPerformance, physical: boolean): JsonObject {
  const rows: JsonObject[] = []
  const qber = decimal3(performance.qber)
  const snr = decimal3(performance.snrDb)
  if (qber !== undefined) rows.push({ perf_type: "etsi-qkd-node-types:QBER", value: qber })
  if (snr !== undefined) rows.push({ perf_type: "etsi-qkd-node-types:SNR", value: snr })
  return compact({
    expected_consumption: measured(performance.expectedConsumptionBps),
    skr: measured(performance.skrBps),
    eskr: measured(performance.eskrBps),
    phys_perf: physical && rows.length > 0 ? rows : undefined,
  })
}

/** One `qkd_link` entry, configuration only. @throws QkdError `invalid-value` with path. */
export function linkConfigToData(
  link: LinkConfig,
  profile: WriteProfile = REFERENCE_PROFILE,
): JsonObject {
  const path = `/qkd_node/qkd_links/qkd_link[qkdl_id='${link.qkdlId}']`
  const members: Members = {
    qkdl_id: canonicalUuid(link.qkdlId, `${path}/qkdl_id`),
    qkdl_enable: link.enabled,
    qkdl_local: endToData(link.local, `${path}/qkdl_local`),
    qkdl_remote: endToData(link.remote, `${path}/qkdl_remote`),
    qkdl_type: identity(link.type),
  }
  if (profile.conditionalLeaves)
    Object.assign(members, link.type === "PHYS" ? physLeaves(link, path) : virtLeaves(link, path))
  if (profile.keyloom && link.type === "VIRT") {
    members[`${KEYLOOM_MODULE}:prev_qkdl_id`] = link.prevQkdlId
    members[`${KEYLOOM_MODULE}:next_qkdl_id`] = link.nextQkdlId
  }
  if (profile.keyloom && link.type === "PHYS" && link.epsilon !== undefined)
    members[`${KEYLOOM_MODULE}:epsilon`] = String(link.epsilon)
  return compact(members)
}

function physLeaves(link: LinkConfig & { readonly type: "PHYS" }, path: string): Members {
  const channel = uint32(link.wavelengthChannel, `${path}/phys_wavelength`)
  // The type is a string of one to four digits without leading zero.
  if (channel !== undefined && (channel < 1 || channel > 9999))
    throw new QkdError("invalid-value", `${channel} is no WDM channel number`, {
      path: `${path}/phys_wavelength`,
    })
  return {
    phys_channel_att: decimal3(link.channelAttenuationDb),
    phys_wavelength: channel?.toString(),
    phys_qkd_role: identity(link.role),
  }
}

function virtLeaves(link: LinkConfig & { readonly type: "VIRT" }, path: string): Members {
  return {
    virt_prev_hop:
      link.prevHop === undefined ? undefined : canonicalUuid(link.prevHop, `${path}/virt_prev_hop`),
    virt_next_hop: leafList(link.nextHops.map((id) => canonicalUuid(id, `${path}/virt_next_hop`))),
    virt_bandwidth: uint32(link.bandwidthBps, `${path}/virt_bandwidth`),
  }
}

/** The members that describe state, to be laid over an entry's configuration. */
export function linkStateMembers(
  state: Pick<LinkState, "type" | "status" | "appIds" | "performance">,
  stock?: LinkStock,
): JsonObject {
  return compact({
    qkdl_status: identity(state.status),
    qkdl_applications: leafList(state.appIds),
    qkdl_performance: performanceToData(state.performance, state.type === "PHYS"),
    [`${KEYLOOM_MODULE}:key_stock`]:
      stock === undefined
        ? undefined
        : compact({
            stored_bits: uint64(stock.storedBits),
            generated_bits: uint64(stock.generatedBits),
            consumed_bits: uint64(stock.consumedBits),
            authentication_bits: uint64(stock.authenticationBits),
            relayed_bits: stock.relayedBits === undefined ? undefined : uint64(stock.relayedBits),
            refused_bits: stock.refusedBits === undefined ? undefined : uint64(stock.refusedBits),
            expired_bits: stock.expiredBits === undefined ? undefined : uint64(stock.expiredBits),
            period: stock.periods?.length ? stock.periods.map(periodToData) : undefined,
            time_to_empty_s: measured(stock.timeToEmptyS),
          }),
  })
}

function periodToData(period: LinkPeriod): JsonObject {
  return compact({
    start_time: period.startTime,
    end_time: period.endTime,
    generated_bits: uint64(period.generatedBits),
    consumed_bits: uint64(period.consumedBits),
    authentication_bits: uint64(period.authenticationBits),
    relayed_bits: uint64(period.relayedBits),
    expired_bits: uint64(period.expiredBits),
  })
}
