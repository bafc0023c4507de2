// Cheapest path that keeps bounds on hops and on summed epsilon: labels (price, hops, epsilon) at each node, those
// kept that no other label there beats in all three. Exact; slower than plain Dijkstra, so used only when the
// cheapest path breaks a bound.

import { PriorityQueue } from "../engine/priority-queue.js"
import type { Graph } from "./graph.js"
import { linkFits, nodeFits, type Search } from "./path-query.js"

interface Label {
  readonly node: number
  readonly price: number
  readonly hops: number
  readonly epsilon: number
  readonly link: number
  readonly from: Label | undefined
}

/** Link numbers from end to end, or undefined when no path keeps the bounds. */
export function cheapestWithin(graph: Graph, search: Search): number[] | undefined {
  const settled = new Map<number, Label[]>()
  const queue = new PriorityQueue(before)
  queue.push({ node: search.from, price: 0, hops: 0, epsilon: 0, link: -1, from: undefined })
  for (let label = queue.pop(); label !== undefined; label = queue.pop()) {
    if (label.node === search.to) return linksOf(label)
    const known = settled.get(label.node) ?? []
    if (known.some((other) => beats(other, label, search))) continue
    known.push(label)
    settled.set(label.node, known)
    if (label.hops >= search.maxHops) continue
    const end = graph.first[label.node + 1] ?? 0
    for (let arc = graph.first[label.node] ?? 0; arc < end; arc += 1) {
      const link = graph.arcLink[arc] ?? 0
      const node = graph.arcTo[arc] ?? 0
      if (!linkFits(graph, search, link) || !nodeFits(graph, search, node)) continue
      const epsilon = label.epsilon + (graph.epsilon[link] ?? 0)
      if (epsilon > search.maxEpsilon) continue
      if (visited(label, node)) continue
      const price = label.price + (graph.price[link] ?? 0)
      const next = { node, price, hops: label.hops + 1, epsilon, link, from: label }
      if ((settled.get(node) ?? []).some((other) => beats(other, next, search))) continue
      queue.push(next)
    }
  }
  return undefined
}

/** Whether `other` is at least as good wherever it matters. Labels settle in order of price. */
function beats(other: Label, label: Label, search: Search): boolean {
  if (other.price > label.price) return false
  if (search.maxHops !== Number.POSITIVE_INFINITY && other.hops > label.hops) return false
  return search.maxEpsilon === Number.POSITIVE_INFINITY || other.epsilon <= label.epsilon
}

function visited(label: Label, node: number): boolean {
  for (let at: Label | undefined = label; at !== undefined; at = at.from) {
    if (at.node === node) return true
  }
  return false
}

function linksOf(label: Label): number[] {
  const links: number[] = []
  for (let at = label; at.from !== undefined; at = at.from) links.push(at.link)
  return links.reverse()
}

/** Equal prices give the shorter path. */
function before(a: Label, b: Label): boolean {
  return a.price < b.price || (a.price === b.price && a.hops < b.hops)
}
