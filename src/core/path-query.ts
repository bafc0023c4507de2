// What is asked of a path search, in ids and in numbers of the graph, and the tests every search applies to a link
// and a node. Searches nothing itself.

import { FROM_STOCK, GENERATING, type Graph, PRESENT, RELAYS } from "./graph.js"

export interface PathQuery {
  readonly from: string
  readonly to: string
  /** Rate every link must have free, bits per second; 0 asks for none. */
  readonly rateBps: number
  readonly avoidNodes?: Iterable<string>
  readonly avoidLinks?: Iterable<string>
  readonly maxHops?: number
  /** Bound on the sum of epsilon; links of unknown epsilon are left out. */
  readonly maxEpsilon?: number
  /** Also links that do not generate but hold stock. */
  readonly allowStock?: boolean
  /** Rate that counts as free on top, by link: what the asker itself holds there. */
  readonly credit?: ReadonlyMap<string, number>
  /** Go through nodes that may not relay. To find out why there is no path; never for a path to use. */
  readonly ignoreRelayRule?: boolean
}

/** A query in numbers of the graph. */
export interface Search {
  readonly from: number
  readonly to: number
  readonly rateBps: number
  readonly minUse: number
  readonly avoidNodes: ReadonlySet<number>
  readonly avoidLinks: ReadonlySet<number>
  readonly credit: ReadonlyMap<number, number>
  readonly maxHops: number
  readonly maxEpsilon: number
  /** Flags an intermediate node must have. */
  readonly insideFlags: number
}

/** The query in numbers; undefined when an end is unknown, absent or avoided, or both are one. */
export function searchOf(graph: Graph, query: PathQuery): Search | undefined {
  const from = graph.nodeNumber(query.from)
  const to = graph.nodeNumber(query.to)
  if (from === undefined || to === undefined || from === to) return undefined
  if (!has(graph.nodeFlags[from], PRESENT) || !has(graph.nodeFlags[to], PRESENT)) return undefined
  const avoidNodes = new Set<number>()
  for (const id of query.avoidNodes ?? []) {
    const number = graph.nodeNumber(id)
    if (number !== undefined) avoidNodes.add(number)
  }
  if (avoidNodes.has(from) || avoidNodes.has(to)) return undefined
  const avoidLinks = new Set<number>()
  for (const id of query.avoidLinks ?? []) {
    const number = graph.linkNumber(id)
    if (number !== undefined) avoidLinks.add(number)
  }
  const credit = new Map<number, number>()
  for (const [id, bps] of query.credit ?? []) {
    const number = graph.linkNumber(id)
    if (number !== undefined) credit.set(number, bps)
  }
  return {
    from,
    to,
    rateBps: query.rateBps,
    minUse: query.allowStock === true ? FROM_STOCK : GENERATING,
    avoidNodes,
    avoidLinks,
    credit,
    maxHops: query.maxHops ?? Number.POSITIVE_INFINITY,
    maxEpsilon: query.maxEpsilon ?? Number.POSITIVE_INFINITY,
    insideFlags: query.ignoreRelayRule === true ? PRESENT : PRESENT | RELAYS,
  }
}

/** Whether the search may go over this link at all. */
export function linkFits(graph: Graph, search: Search, link: number): boolean {
  if ((graph.linkUse[link] ?? 0) < search.minUse) return false
  if (search.rateBps > 0) {
    let free = graph.residual[link] ?? 0
    if (search.credit.size > 0) free += search.credit.get(link) ?? 0
    if (free < search.rateBps) return false
  }
  return search.avoidLinks.size === 0 || !search.avoidLinks.has(link)
}

/** Whether the search may enter this node: its goal, or a node that relays. */
export function nodeFits(graph: Graph, search: Search, node: number): boolean {
  if (node === search.to) return true
  if (((graph.nodeFlags[node] ?? 0) & search.insideFlags) !== search.insideFlags) return false
  return search.avoidNodes.size === 0 || !search.avoidNodes.has(node)
}

export function otherEnd(graph: Graph, link: number, node: number): number {
  const a = graph.linkA[link] ?? -1
  return a === node ? (graph.linkB[link] ?? -1) : a
}

function has(flags: number | undefined, flag: number): boolean {
  return ((flags ?? 0) & flag) !== 0
}
