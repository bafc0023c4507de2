// The inventory file: what a controller is responsible for. Read, checked, and turned into the operator's events
// that make the network agree with it. Decides nothing about paths or services.

import { readFileSync } from "node:fs"
import { isDeepStrictEqual } from "node:util"
import { readConfig } from "../config.js"
import type { LinkInventory, NodeInventory, OperatorEvent } from "../core/event.js"
import type { DriftPolicy, Network, NetworkLink, NetworkNode } from "../model/network.js"
import { loadYangFiles } from "../transport/yang-files.js"

export interface Inventory {
  readonly nodes: readonly NodeInventory[]
  readonly links: readonly LinkInventory[]
}

interface RawEnd {
  qkdn_id: string
  qkdi_id: number
}

interface RawInventory {
  node?: {
    qkdn_id: string
    name: string
    place?: string
    lat?: string
    lon?: string
    operator?: string
    relay: boolean
    driver: string
    call_home: boolean
    host?: string
    port: number
    username?: string
    private_key_file?: string
    host_key_fingerprint?: string
    tls?: {
      cert_file?: string
      key_file?: string
      ca_file?: string
      server_key_sha256: string
    }
    drift?: DriftPolicy
    sae_id?: string[]
  }[]
  link?: {
    qkdl_id: string
    name?: string
    a: RawEnd
    b: RawEnd
    length_km?: string
    loss_db?: string
    module?: string
    epsilon?: string
    latency_ms?: string
    srlg?: string[]
    enabled: boolean
  }[]
}

/** YANG modules that describe the controller's files. */
export const CONTROLLER_CONFIG_MODULES = [
  "keyloom-call-home",
  "keyloom-controller-config",
  "ietf-inet-types",
  "ietf-yang-types",
  "ietf-x509-cert-to-name",
]

/** @throws QkdError with the path of the first fault in the file. */
export function readInventory(file: string): Inventory {
  const raw = readConfig(
    loadYangFiles(CONTROLLER_CONFIG_MODULES),
    "keyloom-controller-config:inventory",
    readFileSync(file, "utf8"),
  ) as RawInventory
  return {
    nodes: (raw.node ?? []).map((node) => ({
      qkdnId: node.qkdn_id.toLowerCase(),
      name: node.name,
      ...(node.place === undefined ? {} : { place: node.place }),
      ...(node.lat === undefined ? {} : { lat: Number(node.lat) }),
      ...(node.lon === undefined ? {} : { lon: Number(node.lon) }),
      ...(node.operator === undefined ? {} : { operator: node.operator }),
      relay: node.relay,
      driver: node.driver,
      target: {
        host: node.call_home ? "" : (node.host ?? ""),
        port: node.port,
        username: node.username ?? "",
        privateKeyFile: node.private_key_file ?? "",
        hostKeyFingerprint: node.host_key_fingerprint ?? "",
        ...(node.call_home && { callHome: true as const }),
        ...(node.tls !== undefined && {
          tls: {
            certFile: node.tls.cert_file ?? "",
            keyFile: node.tls.key_file ?? "",
            caFile: node.tls.ca_file ?? "",
            serverKeySha256: node.tls.server_key_sha256,
          },
        }),
      },
      ...(node.drift === undefined ? {} : { driftPolicy: node.drift }),
      saeIds: node.sae_id ?? [],
    })),
    links: (raw.link ?? []).map((link) => ({
      qkdlId: link.qkdl_id.toLowerCase(),
      ...(link.name === undefined ? {} : { name: link.name }),
      a: { qkdnId: link.a.qkdn_id.toLowerCase(), qkdiId: link.a.qkdi_id },
      b: { qkdnId: link.b.qkdn_id.toLowerCase(), qkdiId: link.b.qkdi_id },
      ...(link.length_km === undefined ? {} : { lengthKm: Number(link.length_km) }),
      ...(link.loss_db === undefined ? {} : { lossDb: Number(link.loss_db) }),
      ...(link.module === undefined ? {} : { module: link.module }),
      ...(link.epsilon === undefined ? {} : { epsilon: Number(link.epsilon) }),
      ...(link.latency_ms === undefined ? {} : { latencyMs: Number(link.latency_ms) }),
      srlg: link.srlg ?? [],
      enabled: link.enabled,
    })),
  }
}

/**
 * What has to happen for the network to follow `wanted`: links go before nodes and come after them.
 *
 * @param applied what the file said when it was last applied: only what it says differently now is ordered, so that
 *   what was ordered otherwise since then stays. Absent: the network is made to agree with the file.
 */
export function inventoryEvents(
  network: Network,
  wanted: Inventory,
  applied?: Inventory,
): OperatorEvent[] {
  const events: OperatorEvent[] = []
  const nodes = entriesOf(wanted.nodes, (node) => node.qkdnId)
  const links = entriesOf(wanted.links, (link) => link.qkdlId)
  const oldNodes = applied && entriesOf(applied.nodes, (node) => node.qkdnId)
  const oldLinks = applied && entriesOf(applied.links, (link) => link.qkdlId)
  for (const qkdlId of network.links.keys()) {
    if (!links.has(qkdlId) && oldLinks?.has(qkdlId) !== false)
      events.push({ kind: "link-removed", qkdlId })
  }
  for (const qkdnId of network.nodes.keys()) {
    if (!nodes.has(qkdnId) && oldNodes?.has(qkdnId) !== false)
      events.push({ kind: "node-removed", qkdnId })
  }
  for (const [qkdnId, node] of nodes) {
    if (isDeepStrictEqual(oldNodes?.get(qkdnId), node)) continue
    const held = network.nodes.get(qkdnId)
    if (held === undefined) events.push({ kind: "node-added", node })
    // What the file cannot say stays as it was ordered.
    else if (!agrees(held, node))
      events.push({
        kind: "node-changed",
        node: { enabled: held.outOfService !== true, ...node },
      })
  }
  for (const [qkdlId, link] of links) {
    if (isDeepStrictEqual(oldLinks?.get(qkdlId), link)) continue
    const held = network.links.get(qkdlId)
    if (held === undefined) events.push({ kind: "link-added", link })
    else if (!agrees(held, link)) {
      const skrBps = held.expectedBps
      events.push({
        kind: "link-changed",
        link: { ...(skrBps === undefined ? {} : { skrBps }), ...link },
      })
    }
  }
  return events
}

function entriesOf<T>(list: readonly T[], idOf: (one: T) => string): ReadonlyMap<string, T> {
  return new Map(list.map((one) => [idOf(one), one]))
}

/** Whether the network's entry says the same in every field that the inventory gives. */
function agrees(held: NetworkNode | NetworkLink, wanted: NodeInventory | LinkInventory): boolean {
  const known: Readonly<Record<string, unknown>> = { ...held }
  return Object.entries(wanted).every(([field, value]) => {
    // What a node tells of its own SAEs outranks the inventory.
    if (field === "saeIds" && Array.isArray(value) && value.length === 0) return true
    if (field === "skrBps") return known.expectedBps === value
    if (field === "enabled" && "qkdnId" in held) return (held.outOfService !== true) === value
    return JSON.stringify(known[field]) === JSON.stringify(value)
  })
}
