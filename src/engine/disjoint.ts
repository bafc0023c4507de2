// Sets of paths that share no link, or no node but the ends, of the least cost together (Suurballe and Tarjan, Networks
// 14, 1984, for any number of paths). Keeps no limits: see disjoint-limited.ts.

import { MinCostFlow } from "./min-cost-flow.js"
import type { PathGraph } from "./path-graph.js"
import { type LinkPath, type PathQuestion } from "./path-question.js"

export type Disjointness = "link" | "node"

/**
 * The cheapest set of `count` paths, or of as many as there are.
 *
 * @returns paths in no order; none when the ends are not joined.
 */
export function disjointPaths(
  graph: PathGraph,
  question: PathQuestion,
  count: number,
  kind: Disjointness,
): LinkPath[] {
  const { from, to, cost, usableLinks, passableNodes } = question
  if (from === to) return []
  // Each node is entered at 2n and left at 2n + 1; where nodes may be shared both are one.
  const entry = (node: number): number => (kind === "node" ? node * 2 : node)
  const exit = (node: number): number => (kind === "node" ? node * 2 + 1 : node)
  const flow = new MinCostFlow(kind === "node" ? graph.nodeCount * 2 : graph.nodeCount)
  const passes = (node: number): boolean =>
    node === from || node === to || passableNodes[node] === 1
  if (kind === "node")
    for (let node = 0; node < graph.nodeCount; node += 1)
      if (passes(node)) flow.addArc(entry(node), exit(node), 0)
  const arcs: { readonly link: number; readonly forth: number; readonly back: number }[] = []
  for (let link = 0; link < graph.linkCount; link += 1) {
    const a = graph.linkA[link] ?? 0
    const b = graph.linkB[link] ?? 0
    if (usableLinks[link] === 0 || !passes(a) || !passes(b)) continue
    const weight = cost[link] ?? 0
    const forth = flow.addArc(exit(a), entry(b), weight)
    const back = flow.addArc(exit(b), entry(a), weight)
    arcs.push({ link, forth, back })
  }
  let sent = 0
  while (sent < count && flow.send(exit(from), entry(to))) sent += 1
  const leaving = new Map<number, number[]>()
  for (const { link, forth, back } of arcs) {
    // Both ways at once is neither: they cancel.
    if (flow.isUsed(forth) === flow.isUsed(back)) continue
    const node = (flow.isUsed(forth) ? graph.linkA : graph.linkB)[link] ?? 0
    const list = leaving.get(node)
    if (list === undefined) leaving.set(node, [link])
    else list.push(link)
  }
  return Array.from({ length: sent }, () => takePath(graph, leaving, from, to))
}

/** Follows the flow from end to end, taking links out of it, and leaves out the rounds it makes. */
function takePath(
  graph: PathGraph,
  leaving: Map<number, number[]>,
  from: number,
  to: number,
): LinkPath {
  const links: number[] = []
  const nodes = [from]
  for (let node = from; node !== to; ) {
    const link = leaving.get(node)?.pop() ?? -1
    node = graph.otherEnd(link, node)
    const before = nodes.indexOf(node)
    if (before >= 0) {
      links.length = before
      nodes.length = before + 1
    } else {
      links.push(link)
      nodes.push(node)
    }
  }
  return links
}
