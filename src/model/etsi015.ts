// The one mapper between native types and the RFC 7951 data of etsi-qkd-sdn-node (ETSI GS QKD 015 V2.1.1)
// with keyloom-node: the whole node here, its parts in `etsi015-*.ts`. Pure; both the agent (writes state,
// reads configuration) and the controller's driver (the other way round) use it.

import { isArray, isObject, type JsonObject, type JsonValue } from "../yang/json-text.js"
import { appConfigFromData, appConfigToData, appStateFromData } from "./etsi015-app.js"
import { interfaceFromData } from "./etsi015-interface.js"
import {
  linkConfigFromData,
  linkConfigToData,
  linkStateFromData,
  REFERENCE_PROFILE,
  type WriteProfile,
} from "./etsi015-link.js"
import {
  canonicalUuid,
  compact,
  KEYLOOM_MODULE,
  leafList,
  type Members,
  NODE_MODULE,
  Reader,
  uint32,
} from "./etsi015-values.js"
import type {
  DomainInfo,
  KeyManagerInfo,
  NodeCapabilities,
  NodeConfig,
  NodeState,
  NodeStatus,
  PeerAddress,
} from "./node.js"

const NODE_STATUSES: readonly NodeStatus[] = ["NEW", "OPERATING", "DOWN", "FAILURE", "OUT"]

/** A reader on `qkd_node`, from a whole datastore. @throws QkdError `missing-element` when it is not there. */
function nodeReader(data: JsonObject): Reader {
  return new Reader(data, "").child("qkd_node")
}

function capabilitiesFromData(reader: Reader): NodeCapabilities {
  // Defaults are the model's: true for all three.
  return {
    linkStats: reader.boolean("link_stats_support") ?? true,
    applicationStats: reader.boolean("application_stats_support") ?? true,
    keyRelay: reader.boolean("key_relay_mode_enable") ?? true,
  }
}

function peersFromData(node: Reader): PeerAddress[] {
  return node.keyloomChild("peers").entries("peer", "qkdn_id").map(peerFromData)
}

function peerFromData(peer: Reader): PeerAddress {
  return {
    qkdnId: peer.requiredUuid("qkdn_id"),
    host: peer.string("host") ?? "",
    port: peer.number("port") ?? 0,
  }
}

function keyManagerFromData(node: Reader): KeyManagerInfo | undefined {
  const manager = node.keyloomChild("key_manager")
  const etsi014Url = manager.string("etsi014_url")
  const relayHost = manager.string("relay_host")
  const relayPort = manager.number("relay_port")
  if (etsi014Url === undefined || relayHost === undefined || relayPort === undefined)
    return undefined
  return {
    etsi014Url,
    relayHost,
    relayPort,
    saeIds: manager.strings("sae_id"),
    policyVersion: manager.number("policy_version") ?? 0,
  }
}

/**
 * Everything of a `<get>` reply. Identities without module name are accepted, unknown ones read as absent.
 *
 * @param data the datastore's top-level members; `etsi-qkd-sdn-node:qkd_node` among them
 * @throws QkdError `missing-element` or `invalid-value` with path where an id is missing or a value malformed
 */
export function nodeStateFromData(data: JsonObject): NodeState {
  const node = nodeReader(data)
  const status = node.identity("qkdn_status", NODE_STATUSES)
  const version = node.string("qkdn_version")
  const locationId = node.string("qkdn_location_id")
  const keyManager = keyManagerFromData(node)
  return {
    qkdnId: node.requiredUuid("qkdn_id"),
    ...(status !== undefined && { status }),
    ...(version !== undefined && { version }),
    ...(locationId !== undefined && locationId !== "" && { locationId }),
    capabilities: capabilitiesFromData(node.child("qkdn_capabilities")),
    interfaces: node
      .child("qkd_interfaces")
      .entries("qkd_interface", "qkdi_id")
      .map(interfaceFromData),
    links: node.child("qkd_links").entries("qkd_link", "qkdl_id").map(linkStateFromData),
    apps: node.child("qkd_applications").entries("qkd_app", "app_id").map(appStateFromData),
    peers: peersFromData(node),
    ...(keyManager !== undefined && { keyManager }),
  }
}

/** Links, applications and peers of a configuration. @throws QkdError as `nodeStateFromData`. */
export function nodeConfigFromData(data: JsonObject): NodeConfig {
  const node = nodeReader(data)
  return {
    qkdnId: node.requiredUuid("qkdn_id"),
    links: node.child("qkd_links").entries("qkd_link", "qkdl_id").map(linkConfigFromData),
    apps: node.child("qkd_applications").entries("qkd_app", "app_id").map(appConfigFromData),
    peers: peersFromData(node),
  }
}

/**
 * The same for versions of one configuration that share what has not changed: an entry that is the same object reads
 * as the same native object, and so does a list.
 */
export function nodeConfigReader(): (data: JsonObject) => NodeConfig {
  const links = keptEntries(linkConfigFromData)
  const apps = keptEntries(appConfigFromData)
  const peers = keptEntries(peerFromData)
  return (data) => {
    const node = nodeReader(data)
    return {
      qkdnId: node.requiredUuid("qkdn_id"),
      links: links(node.child("qkd_links"), "qkd_link", "qkdl_id"),
      apps: apps(node.child("qkd_applications"), "qkd_app", "app_id"),
      peers: peers(node.keyloomChild("peers"), "peer", "qkdn_id"),
    }
  }
}

/** Reads lists of entries, and remembers what each entry was read as. */
function keptEntries<T extends object>(
  read: (entry: Reader) => T,
): (parent: Reader, list: string, key: string) => readonly T[] {
  const known = new WeakMap<object, T>()
  let latest: { readonly items: JsonValue; readonly read: readonly T[] } = { items: [], read: [] }
  return (parent, list, key) => {
    const items = parent.value(list)
    if (items === latest.items) return latest.read
    if (items === undefined || !isArray(items)) return parent.entries(list, key).map(read)
    const all = items.map((item, index) => {
      const before = isObject(item) ? known.get(item) : undefined
      if (before !== undefined) return before
      const made = read(parent.entry(list, key, index))
      if (isObject(item)) known.set(item, made)
      return made
    })
    latest = { items, read: all }
    return all
  }
}

/** Whether the data comes from a node with module `keyloom-node`. */
export function hasKeyloomModule(data: JsonObject): boolean {
  return keyManagerFromData(nodeReader(data)) !== undefined
}

/** One `keyloom-node:peers/peer` entry. */
export function peerToData(peer: PeerAddress): JsonObject {
  const path = `/qkd_node/${KEYLOOM_MODULE}:peers/peer[qkdn_id='${peer.qkdnId}']`
  return compact({
    qkdn_id: canonicalUuid(peer.qkdnId, `${path}/qkdn_id`),
    host: peer.host,
    port: uint32(peer.port, `${path}/port`),
  })
}

/**
 * The configuration as a whole datastore: `{ "etsi-qkd-sdn-node:qkd_node": { qkdn_id, ... } }`.
 *
 * @param profile what the node can take; the reference node takes everything
 * @throws QkdError `invalid-value` with path where 015 cannot say the value
 */
export function nodeConfigToData(
  config: NodeConfig,
  profile: WriteProfile = REFERENCE_PROFILE,
): JsonObject {
  const links = config.links.map((link) => linkConfigToData(link, profile))
  const apps = config.apps.map((app) => appConfigToData(app, profile.keyloom))
  const peers = profile.keyloom ? config.peers.map(peerToData) : []
  const members: Members = {
    qkdn_id: canonicalUuid(config.qkdnId, "/qkd_node/qkdn_id"),
    qkd_applications: apps.length === 0 ? undefined : { qkd_app: apps },
    qkd_links: links.length === 0 ? undefined : { qkd_link: links },
    [`${KEYLOOM_MODULE}:peers`]: peers.length === 0 ? undefined : { peer: peers },
  }
  return { [`${NODE_MODULE}:qkd_node`]: compact(members) }
}

function domainsToData(domains: readonly DomainInfo[]): JsonObject[] | undefined {
  if (domains.length === 0) return undefined
  return domains.map(({ name, saeIds, ...counts }) =>
    compact({ name, sae_id: leafList(saeIds), ...counts }),
  )
}

/** `keyloom-node:key_manager`. */
export function keyManagerToData(info: KeyManagerInfo): JsonObject {
  return compact({
    etsi014_url: info.etsi014Url,
    relay_host: info.relayHost,
    relay_port: uint32(info.relayPort, `/qkd_node/${KEYLOOM_MODULE}:key_manager/relay_port`),
    sae_id: leafList(info.saeIds),
    policy_version: uint32(
      info.policyVersion,
      `/qkd_node/${KEYLOOM_MODULE}:key_manager/policy_version`,
    ),
    domain: domainsToData(info.domains ?? []),
  })
}
