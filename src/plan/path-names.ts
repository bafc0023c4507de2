// What a request names, in numbers of the network: links by id or by their ends, sets of nodes by name, operator or site.

import type { PlanNetwork } from "./plan-network.js"

/** By its id; or by the names of its ends: all links that join the two. */
export type LinkName = string | readonly [string, string]

/** By names; or all nodes of an operator, or at a site. */
export type NodeSet = readonly string[] | { readonly operator: string } | { readonly site: string }

/** None where nothing is called so. */
export function linksNamed(
  { graph, linkNumbers, nodeNumbers }: PlanNetwork,
  name: LinkName,
): number[] {
  if (typeof name === "string") {
    const number = linkNumbers.get(name)
    return number === undefined ? [] : [number]
  }
  const a = nodeNumbers.get(name[0]) ?? -1
  const b = nodeNumbers.get(name[1]) ?? -1
  const found: number[] = []
  const end = graph.first[a + 1] ?? 0
  for (let arc = graph.first[a] ?? 0; arc < end; arc += 1)
    if (graph.arcTo[arc] === b) found.push(graph.arcLink[arc] ?? -1)
  return found
}

/** None where nothing is called so. */
export function nodesOf({ nodeNumbers, operators, sites }: PlanNetwork, set: NodeSet): number[] {
  const numbers = (owners: readonly (string | undefined)[], owner: string): number[] =>
    owners.flatMap((one, node) => (one === owner ? [node] : []))
  if ("operator" in set) return numbers(operators, set.operator)
  if ("site" in set) return numbers(sites, set.site)
  return set.flatMap((name) => nodeNumbers.get(name) ?? [])
}

export function linkWords(name: LinkName): string {
  return typeof name === "string" ? name : name.join("-")
}

export function setWords(set: NodeSet): string {
  if ("operator" in set) return `a node of ${set.operator}`
  if ("site" in set) return `a node at ${set.site}`
  return set.length === 1 ? set.join("") : `one of ${set.join(", ")}`
}
