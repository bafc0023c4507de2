// Nodes in breadth-first order, part by part: neighbours get numbers near each other.

import type { PathGraph } from "./path-graph.js"

/** All nodes of the graph. */
export function nearFirst({ nodeCount, first, arcTo }: PathGraph): Int32Array {
  const order = new Int32Array(nodeCount)
  const seen = new Uint8Array(nodeCount)
  let found = 0
  const meet = (node: number): void => {
    if (seen[node] === 1) return
    seen[node] = 1
    order[found] = node
    found += 1
  }
  for (let root = 0, next = 0; root < nodeCount; root += 1) {
    meet(root)
    for (; next < found; next += 1) {
      const node = order[next] ?? 0
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) meet(arcTo[arc] ?? 0)
    }
  }
  return order
}
