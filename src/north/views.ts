// What the north faces show of the Network: the model's own shapes and names, without how to log in to a
// node (credential paths, user names) and without anything a subscriber could not be told again later.

import type { Notice } from "../controller/ports.js"
import { type Network, type NetworkLink, type NetworkNode } from "../model/network.js"
import type { Service } from "../model/service.js"

/** A node without its credentials; its management address stays, since operators look for it. */
export type NodeView = Omit<NetworkNode, "target"> & {
  readonly netconf: { readonly host: string; readonly port: number }
}

export function nodeView(node: NetworkNode): NodeView {
  const { target, ...rest } = node
  return { ...rest, netconf: { host: target.host, port: target.port } }
}

/** One row of the SAE registry: which application lives at which node. */
export interface AppView {
  readonly saeId: string
  readonly qkdnId: string
  readonly nodeName: string
  readonly serviceIds: readonly string[]
}

export function appViews(network: Network): AppView[] {
  const services = new Map<string, string[]>()
  for (const service of network.services.values()) {
    for (const { saeId } of [service.a, service.b]) {
      const held = services.get(saeId)
      if (held === undefined) services.set(saeId, [service.serviceId])
      else held.push(service.serviceId)
    }
  }
  return [...network.nodes.values()].flatMap((node) =>
    node.saeIds.map((saeId) => ({
      saeId,
      qkdnId: node.qkdnId,
      nodeName: node.name,
      serviceIds: services.get(saeId) ?? [],
    })),
  )
}

export interface NetworkView {
  readonly epoch: string
  readonly seq: number
  readonly revision: number
  readonly nodes: readonly NodeView[]
  readonly links: readonly NetworkLink[]
  readonly services: readonly Service[]
}

export function networkView(network: Network, epoch: string, seq: number): NetworkView {
  return {
    epoch,
    seq,
    revision: network.revision,
    nodes: [...network.nodes.values()].map(nodeView),
    links: [...network.links.values()],
    services: [...network.services.values()],
  }
}

/** Names that must never leave, wherever a `log` notice may carry them. */
const HIDDEN: ReadonlySet<string> = new Set(["target", "privateKeyFile", "username", "password"])

function withoutHidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHidden)
  if (value === null || typeof value !== "object") return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !HIDDEN.has(name))
      .map(([name, inner]) => [name, withoutHidden(inner)]),
  )
}

function isNode(value: unknown): value is NetworkNode {
  return value !== null && typeof value === "object" && "qkdnId" in value && "target" in value
}

/** A notice as subscribers get it: its value in the same shape as REST shows. */
export function noticeView(notice: Notice): Notice {
  const { value } = notice
  if (notice.topic === "node" && isNode(value)) return { ...notice, value: nodeView(value) }
  if (notice.topic === "link" || notice.topic === "service") return notice
  return { ...notice, value: withoutHidden(value) }
}
