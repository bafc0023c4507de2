// What a node should be, computed from the network: its PHYS links, its part of the VIRT links, its applications,
// its neighbours' addresses. Rollback, retry and restart are this computed anew. Changes nothing.

import type { AppConfig, AppQos } from "../model/app.js"
import { grantedBps } from "../model/granted.js"
import type { LinkConfig, PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { NodeConfig, PeerAddress } from "../model/node.js"
import type { KeyPath, Service, ServiceEnd } from "../model/service.js"
import { laneCount, needsAll } from "./lanes.js"
import { groups, lanesOf, pathsOf } from "./memberships.js"
import { endsOf, isVirtual } from "./phases.js"
import type { View } from "./view.js"

/**
 * Everything the node is to hold; what it holds besides is to go. Entries whose link, path or service has not changed
 * are the same objects as before, so that whoever compares two of these compares what changed.
 */
export function desiredConfig(view: View, qkdnId: string): NodeConfig {
  const node = view.node(qkdnId)
  const links: LinkConfig[] = []
  const peers = new Map<string, PeerAddress>()
  for (const qkdlId of view.members(groups.linksAt(qkdnId))) {
    const link = view.link(qkdlId)
    if (link === undefined) continue
    const physical = physicalLink(link, qkdnId)
    if (node !== undefined && !hasInterface(node, physical.local.qkdiId)) continue
    links.push(physical)
    const peer = view.node(physical.remote.qkdnId)
    if (peer?.keyManager === undefined) continue
    const { keyManager } = peer
    peers.set(
      peer.qkdnId,
      PEERS.of(keyManager, peer.qkdnId, () => {
        const { relayHost: host, relayPort: port } = keyManager
        return { qkdnId: peer.qkdnId, host, port }
      }),
    )
  }
  const apps: AppConfig[] = []
  for (const serviceId of view.members(groups.servicesAt(qkdnId))) {
    const service = view.service(serviceId)
    if (service === undefined) continue
    for (const path of pathsOf(service)) {
      if (holds(path, qkdnId))
        links.push(VIRTUAL_LINKS.of(path, qkdnId, () => virtOf(path, qkdnId)))
    }
    const app = APPS.of(service, qkdnId, () => appOf(service, qkdnId))
    if (app !== undefined) apps.push(app)
  }
  return { qkdnId, links, apps, peers: [...peers.values()] }
}

/** What a part of the network reads as at a node, made once for as long as that part is the same object. */
class Made<S extends object, T> {
  readonly #bySource = new WeakMap<S, Map<string, T>>()

  of(source: S, qkdnId: string, make: () => T): T {
    const byNode = this.#bySource.get(source) ?? new Map<string, T>()
    this.#bySource.set(source, byNode)
    const known = byNode.get(qkdnId)
    if (known !== undefined) return known
    const made = make()
    byNode.set(qkdnId, made)
    return made
  }

  set(source: S, qkdnId: string, made: T): T {
    this.#bySource.set(source, new Map([[qkdnId, made]]))
    return made
  }
}

const PEERS = new Made<object, PeerAddress>()
const VIRTUAL_LINKS = new Made<KeyPath, VirtLinkConfig>()
const APPS = new Made<Service, AppConfig | undefined>()
/** By the end at the node: it stays, while the link around it is new with every report of its rate. */
const PHYSICAL_LINKS = new Made<object, PhysLinkConfig>()

function physicalLink(link: NetworkLink, qkdnId: string): PhysLinkConfig {
  const end = link.a.qkdnId === qkdnId ? link.a : link.b
  const fresh = physOf(link, qkdnId)
  const known = PHYSICAL_LINKS.of(end, qkdnId, () => fresh)
  const isSame =
    known.enabled === fresh.enabled &&
    known.remote === fresh.remote &&
    known.qkdlId === fresh.qkdlId &&
    known.channelAttenuationDb === fresh.channelAttenuationDb &&
    known.epsilon === fresh.epsilon
  return isSame ? known : PHYSICAL_LINKS.set(end, qkdnId, fresh)
}

/** A node that was never read may have any interface; one that was has those it showed. */
function hasInterface(node: NetworkNode, qkdiId: number | undefined): boolean {
  return node.interfaces.length === 0 || node.interfaces.some((one) => one.qkdiId === qkdiId)
}

function physOf(link: NetworkLink, qkdnId: string): PhysLinkConfig {
  const isA = link.a.qkdnId === qkdnId
  return {
    type: "PHYS",
    qkdlId: link.qkdlId,
    enabled: link.enabled,
    local: isA ? link.a : link.b,
    remote: isA ? link.b : link.a,
    // decimal64 with three digits in the model
    ...(link.lossDb === undefined
      ? {}
      : { channelAttenuationDb: Math.round(link.lossDb * 1000) / 1000 }),
    role: isA ? "TRANSMITTER" : "RECEIVER",
    ...(link.epsilon === undefined ? {} : { epsilon: link.epsilon }),
  }
}

/** Whether the node is to hold the VIRT entry of this path in its present phase. */
function holds(path: KeyPath, qkdnId: string): boolean {
  if (!isVirtual(path) || !path.nodes.includes(qkdnId)) return false
  const isEnd = endsOf(path).includes(qkdnId)
  switch (path.phase) {
    case "relays":
      return !isEnd
    case "ends":
    case "up":
      return true
    case "leaving":
      // Relays stay until both ends have let go.
      return !isEnd && endsOf(path).some((end) => path.awaiting.includes(end))
  }
}

function virtOf(path: KeyPath, qkdnId: string): VirtLinkConfig {
  const place = path.nodes.indexOf(qkdnId)
  const before = path.hops[place - 1]
  const after = path.hops[place]
  const [a = "", b = ""] = endsOf(path)
  const atB = qkdnId === b
  return {
    type: "VIRT",
    qkdlId: path.qkdlId,
    enabled: true,
    local: { qkdnId: atB ? b : a },
    remote: { qkdnId: atB ? a : b },
    nextHops: after === undefined ? [] : [after.to],
    ...(before === undefined ? {} : { prevHop: before.from, prevQkdlId: before.qkdlId }),
    ...(after === undefined ? {} : { nextQkdlId: after.qkdlId }),
    ...(path.rateBps === 0 ? {} : { bandwidthBps: path.rateBps }),
  }
}

/** The association at an end node, once its path has come to the ends; the path to use comes first. */
function appOf(service: Service, qkdnId: string): AppConfig | undefined {
  if (service.state === "removing") return undefined
  const { a, b } = service
  if (qkdnId !== a.qkdnId && qkdnId !== b.qkdnId) return undefined
  const backing = backingOf(service)
  if (backing.length === 0) return undefined
  const [local, remote]: [ServiceEnd, ServiceEnd] = qkdnId === a.qkdnId ? [a, b] : [b, a]
  return {
    appId: service.serviceId,
    type: "CLIENT",
    serverAppId: a.saeId,
    clientAppIds: [b.saeId],
    priority: service.terms.priority,
    qos: qosOf(service),
    backingQkdlIds: backing,
    ...(needsAll(service.terms) ? { keyCombination: "all" as const } : {}),
    ...orderedAt(service, qkdnId),
    localQkdnId: local.qkdnId,
    remoteQkdnId: remote.qkdnId,
  }
}

function orderedAt({ ordered }: Service, qkdnId: string): Pick<AppConfig, "ordered"> {
  if (ordered?.qkdnId !== qkdnId) return {}
  const { keySizeBits, untilBits } = ordered
  return { ordered: { keySizeBits, untilBits } }
}

/**
 * The links it takes keys from. While a lane changes its path the ends hold both; but where every key needs a share over
 * each link, only the one to use, and none before all are there.
 */
function backingOf(service: Service): string[] {
  const all = needsAll(service.terms)
  const lanes = lanesOf(service).map(({ path, next }) => {
    const links = [
      ...(next?.phase === "ends" ? [next.qkdlId] : []),
      ...(path === undefined ? [] : [path.qkdlId]),
    ]
    return all ? links.slice(0, 1) : links
  })
  const used = lanes.filter((links) => links.length > 0)
  return all && used.length < laneCount(service.terms) ? [] : used.flat()
}

function qosOf(service: Service): AppQos {
  const { terms } = service
  const maxBps = maximumBps(service)
  return {
    ...(terms.minRateBps === 0 ? {} : { minBps: terms.minRateBps }),
    ...(maxBps === undefined ? {} : { maxBps }),
    ...(terms.ttlS === undefined ? {} : { ttlS: terms.ttlS }),
  }
}

/** A rate of 0 would be no bound: 015 leaves it open. */
function maximumBps(service: Service): number | undefined {
  const granted = grantedBps(service)
  return granted === undefined ? service.terms.maxRateBps : Math.max(1, granted)
}
