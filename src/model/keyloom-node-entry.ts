// One node of keyloom-network: what is ordered of it (configuration) and what is known of it (state).

import type { JsonObject } from "../yang/json-text.js"
import { interfaceToData } from "./etsi015-interface.js"
import { compact, compactOrNone, identity, Reader, uint32 } from "./etsi015-values.js"
import type { NodeInventory } from "./inventory.js"
import { decimal, entries, NETWORK_MODULE, nodePath, texts } from "./keyloom-values.js"
import { nodeOutlook } from "./keyloom-window-entry.js"
import type { DriftPolicy, NetworkNode } from "./network.js"
import { targetFromData, targetToData } from "./node-target.js"

/** The entry as configuration. Every leaf with a default is written, so that nothing is left to guess. */
export function nodeConfig(node: NetworkNode): JsonObject {
  const { target } = node
  // A network stored before inventories were kept apart: SAEs are listed ones unless the node names its own.
  const listed = node.listedSaeIds ?? (node.keyManager === undefined ? node.saeIds : [])
  return compact({
    qkdn_id: node.qkdnId,
    name: node.name,
    enabled: node.outOfService !== true,
    place: node.place,
    lat: decimal(node.lat, 6),
    lon: decimal(node.lon, 6),
    operator: node.operator,
    relay: node.relay,
    driver: node.driver,
    management: targetToData(target),
    drift_policy: node.driftPolicy,
    sae_id: texts(listed),
  })
}

/** What a valid entry orders. */
export function nodeFromConfig(entry: JsonObject): NodeInventory {
  const path = nodePath(typeof entry.qkdn_id === "string" ? entry.qkdn_id : "")
  const node = new Reader(entry, path, NETWORK_MODULE)
  const place = node.string("place")
  const lat = node.number("lat")
  const lon = node.number("lon")
  const operator = node.string("operator")
  const policy = node.string("drift_policy")
  const driftPolicy = POLICIES.find((one) => one === policy)
  return {
    qkdnId: node.requiredUuid("qkdn_id"),
    name: node.string("name") ?? "",
    ...(place === undefined ? {} : { place }),
    ...(lat === undefined ? {} : { lat }),
    ...(lon === undefined ? {} : { lon }),
    ...(operator === undefined ? {} : { operator }),
    relay: node.boolean("relay") ?? true,
    driver: node.string("driver") ?? "etsi015",
    target: targetFromData(node.child("management")),
    saeIds: node.strings("sae_id"),
    ...(driftPolicy === undefined ? {} : { driftPolicy }),
    enabled: node.boolean("enabled") ?? true,
  }
}

const POLICIES: readonly DriftPolicy[] = ["heal", "report", "adopt"]

/** Whether the node is what it should be, as far as is known. */
export function isInSync(node: NetworkNode): boolean {
  return node.syncFault === undefined && node.drift === undefined
}

/** What stands beside the configuration: the key and `state`. */
export function nodeState(node: NetworkNode): JsonObject {
  const { capabilities, keyManager, qkdnId, drift, driven } = node
  return {
    qkdn_id: qkdnId,
    state: compact({
      ...nodeOutlook(node.maintenance),
      reach: node.reach,
      reach_reason: node.reachReason,
      last_heard: node.lastHeardAt,
      in_sync: isInSync(node),
      sync_fault: node.syncFault,
      drift:
        drift === undefined
          ? undefined
          : compact({
              since: drift.since,
              difference: entries(drift.differences.map((one) => ({ ...one }))),
            }),
      driven:
        driven === undefined
          ? undefined
          : compact({ profile: driven.profile, left_out: texts(driven.leftOut) }),
      qkdn_status: identity(node.status),
      qkdn_version: node.version,
      qkdn_capabilities:
        capabilities === undefined
          ? undefined
          : {
              link_stats_support: capabilities.linkStats,
              application_stats_support: capabilities.applicationStats,
              key_relay_mode_enable: capabilities.keyRelay,
            },
      known_sae_id: texts(node.saeIds),
      key_manager:
        keyManager === undefined
          ? undefined
          : compact({
              etsi014_url: keyManager.etsi014Url,
              relay_host: keyManager.relayHost,
              relay_port: keyManager.relayPort,
              policy_version: uint32(keyManager.policyVersion, nodePath(qkdnId)),
            }),
      qkd_interfaces: compactOrNone({
        qkd_interface: entries(
          node.interfaces.map((one) =>
            compact({ ...interfaceToData(one), qkdi_status: identity(one.status) }),
          ),
        ),
      }),
    }),
  }
}
