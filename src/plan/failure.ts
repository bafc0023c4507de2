// What may fail at once: a link, a node with all its links, a shared-risk group (fibres in one duct). And a network in
// which it has.

import type { Topology } from "../model/topology.js"
import type { PlanNetwork } from "./plan-network.js"

export type FailureKind = "link" | "node" | "srlg"

export interface Failure {
  readonly kind: FailureKind
  /** The link's id, the node's name, the group's name. */
  readonly id: string
  /** By number: all links that go with it. */
  readonly links: readonly number[]
}

/** Every single failure: links, then nodes, then shared-risk groups of more than one link, each in the file's order. */
export function singleFailures(topology: Topology, network: PlanNetwork): Failure[] {
  const links = topology.links.map(({ id }, link): Failure => ({ kind: "link", id, links: [link] }))
  const nodes = topology.nodes.map(({ name }) => nodeFailure(network, name))
  const groups = new Map<string, number[]>()
  for (const [link, { srlg }] of topology.links.entries())
    for (const name of new Set(srlg)) groups.set(name, [...(groups.get(name) ?? []), link])
  const srlgs = [...groups]
    .filter(([, members]) => members.length > 1)
    .map(([id, members]): Failure => ({ kind: "srlg", id, links: members }))
  return [...links, ...nodes, ...srlgs]
}

export function nodeFailure({ graph, nodeNumbers }: PlanNetwork, name: string): Failure {
  const node = nodeNumbers.get(name) ?? -1
  const arcs = graph.arcLink.subarray(graph.first[node] ?? 0, graph.first[node + 1] ?? 0)
  return { kind: "node", id: name, links: [...arcs] }
}

/** The same network, in which these links have no rate. Numbers stay as they are. */
export function withFailed(network: PlanNetwork, links: Iterable<number>): PlanNetwork {
  const rateBps = network.rateBps.slice()
  for (const link of links) rateBps[link] = 0
  return { ...network, rateBps }
}
