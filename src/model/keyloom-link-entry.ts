// One physical link of keyloom-network: what is ordered of it (configuration) and what is known of it (state).

import type { JsonObject } from "../yang/json-text.js"
import { performanceToData } from "./etsi015-link.js"
import { compact, compactOrNone, identity, Reader, uint64 } from "./etsi015-values.js"
import type { LinkInventory } from "./inventory.js"
import {
  bps,
  decimal,
  epsilonText,
  linkPath,
  NETWORK_MODULE,
  texts,
  timeOf,
} from "./keyloom-values.js"
import { rateProfileConfig } from "./keyloom-rate-profile.js"
import { linkOutlook } from "./keyloom-window-entry.js"
import type { LinkPerformance } from "./link.js"
import type { LinkEndReport, NetworkLink } from "./network.js"

/** The entry as configuration. Every leaf with a default is written, so that nothing is left to guess. */
export function linkConfig(link: NetworkLink): JsonObject {
  const end = ({ qkdnId, qkdiId }: NetworkLink["a"]): JsonObject => ({
    qkdn_id: qkdnId,
    qkdi_id: qkdiId,
  })
  return compact({
    phys_link_id: link.qkdlId,
    name: link.name,
    phys_enable: link.enabled,
    phys_link_local: end(link.a),
    phys_link_remote: end(link.b),
    length: decimal(link.lengthKm, 3),
    channel_att: decimal(link.lossDb, 3),
    module: link.module,
    epsilon: epsilonText(link.epsilon),
    latency: decimal(link.latencyMs, 3),
    expected_skr: bps(link.expectedBps),
    srlg: texts(link.srlg),
    ...rateProfileConfig(link.rateProfile),
  })
}

/** What a valid entry orders, what is known of its rate beside. */
export function linkFromConfig(entry: JsonObject): LinkInventory {
  const path = linkPath(typeof entry.phys_link_id === "string" ? entry.phys_link_id : "")
  const link = new Reader(entry, path, NETWORK_MODULE)
  const end = (name: string): LinkInventory["a"] => {
    const reader = link.child(name)
    return { qkdnId: reader.requiredUuid("qkdn_id"), qkdiId: reader.number("qkdi_id") ?? 0 }
  }
  const name = link.string("name")
  const lengthKm = link.number("length")
  const lossDb = link.number("channel_att")
  const module = link.string("module")
  const epsilon = link.number("epsilon")
  const latencyMs = link.number("latency")
  const skrBps = link.number("expected_skr")
  return {
    qkdlId: link.requiredUuid("phys_link_id"),
    ...(name === undefined ? {} : { name }),
    a: end("phys_link_local"),
    b: end("phys_link_remote"),
    ...(lengthKm === undefined ? {} : { lengthKm }),
    ...(lossDb === undefined ? {} : { lossDb }),
    ...(module === undefined ? {} : { module }),
    ...(epsilon === undefined ? {} : { epsilon }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    srlg: link.strings("srlg"),
    enabled: link.boolean("phys_enable") ?? true,
    ...(skrBps === undefined ? {} : { skrBps }),
  }
}

/** Figures of a link with its stock. */
export function performanceData(performance: LinkPerformance): JsonObject {
  return compact({
    ...performanceToData(performance, true),
    stored_bits: uint64(performance.stockBits),
  })
}

/**
 * What stands beside the configuration: the key and `state`.
 *
 * @param reservedBps promised to services on this link
 */
export function linkState(link: NetworkLink, reservedBps: number): JsonObject {
  const { hold } = link
  const report = ({ status, performance }: LinkEndReport): JsonObject | undefined =>
    compactOrNone({
      qkdl_status: identity(status),
      qkdl_performance: compactOrNone({ ...performanceData(performance) }),
    })
  return {
    phys_link_id: link.qkdlId,
    state: compact({
      qkdl_status: identity(link.status),
      reason: link.reason,
      changed: link.changedAt,
      qkdl_performance: compactOrNone({ ...performanceData(link.performance) }),
      measured: timeOf(link.measuredAtMs),
      capacity: bps(link.capacityBps),
      reserved: bps(reservedBps),
      hold:
        hold?.held === true ? { until: timeOf(hold.untilMs) ?? "", flaps: hold.flaps } : undefined,
      local_report: report(link.endA),
      remote_report: report(link.endB),
      ...linkOutlook(link.maintenance, link.rests),
    }),
  }
}
