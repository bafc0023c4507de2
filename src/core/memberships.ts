// Which groups an entry of the network belongs to, and which key rate a service reserves: the small questions
// ("what runs over this link?") that decisions ask again and again, kept as an index instead of searched for.

import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { KeyPath, Service, ServiceState } from "../model/service.js"

/** Names of the groups. Ids in them are service, link or node ids as the comment says. */
export const groups = {
  /** Links that end at a node. */
  linksAt: (qkdnId: string): string => `at:${qkdnId}`,
  /** Links on one interface. */
  linksOnInterface: (qkdnId: string, qkdiId: number): string => `if:${qkdnId}#${qkdiId}`,
  /** Links back in service but held off. */
  heldLinks: "held",
  /** Nodes that name an SAE as theirs. */
  nodesOfSae: (saeId: string): string => `sae:${saeId}`,
  /** Nodes that refused what they should be. */
  faultyNodes: "faulty",
  /** Services whose standing or next path uses a link. */
  servicesOn: (qkdlId: string): string => `on:${qkdlId}`,
  /** Services that put something into a node's configuration. */
  servicesAt: (qkdnId: string): string => `of:${qkdnId}`,
  /** Services that wait for a node's confirmation. */
  servicesAwaiting: (qkdnId: string): string => `wait:${qkdnId}`,
  /** Services of which a node holds a part provisionally. */
  servicesHeldAt: (qkdnId: string): string => `hold:${qkdnId}`,
  /** The service of an unordered pair of SAEs; none that is being removed. */
  serviceOfPair: (saeId: string, peerSaeId: string): string =>
    saeId < peerSaeId
      ? `pair:${JSON.stringify([saeId, peerSaeId])}`
      : `pair:${JSON.stringify([peerSaeId, saeId])}`,
  servicesInState: (state: ServiceState): string => `state:${state}`,
} as const

export function groupsOfNode(node: NetworkNode): string[] {
  const found = node.saeIds.map((saeId) => groups.nodesOfSae(saeId))
  if (node.syncFault !== undefined) found.push(groups.faultyNodes)
  return found
}

export function groupsOfLink(link: NetworkLink): string[] {
  const found = [
    groups.linksAt(link.a.qkdnId),
    groups.linksAt(link.b.qkdnId),
    groups.linksOnInterface(link.a.qkdnId, link.a.qkdiId),
    groups.linksOnInterface(link.b.qkdnId, link.b.qkdiId),
  ]
  if (link.hold?.held === true) found.push(groups.heldLinks)
  return found
}

/** Every path of a service, whatever its phase. */
export function pathsOf(service: Service): KeyPath[] {
  const paths = [...service.leaving]
  if (service.path !== undefined) paths.push(service.path)
  if (service.next !== undefined) paths.push(service.next)
  return paths
}

export function groupsOfService(service: Service): string[] {
  const found = new Set<string>([
    groups.servicesInState(service.state),
    groups.servicesAt(service.a.qkdnId),
    groups.servicesAt(service.b.qkdnId),
  ])
  if (service.state !== "removing") {
    found.add(groups.serviceOfPair(service.a.saeId, service.b.saeId))
  }
  for (const path of pathsOf(service)) {
    for (const qkdnId of path.nodes) found.add(groups.servicesAt(qkdnId))
    for (const qkdnId of path.awaiting) found.add(groups.servicesAwaiting(qkdnId))
    for (const qkdnId of path.holding ?? []) found.add(groups.servicesHeldAt(qkdnId))
    if (path.phase === "leaving") continue
    for (const hop of path.hops) found.add(groups.servicesOn(hop.qkdlId))
  }
  return [...found]
}

/**
 * What a service reserves, bits per second by link. A link that both the standing and the next path use is
 * reserved once, at the greater rate: the ends use one path at a time.
 */
export function reservationsOf(
  service: Partial<Pick<Service, "path" | "next">>,
): Map<string, number> {
  const reserved = new Map<string, number>()
  for (const path of [service.path, service.next]) {
    if (path === undefined) continue
    for (const hop of path.hops) {
      reserved.set(hop.qkdlId, Math.max(reserved.get(hop.qkdlId) ?? 0, path.rateBps))
    }
  }
  return reserved
}
