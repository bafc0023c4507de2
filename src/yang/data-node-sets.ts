// Sets of data nodes as XPath has them: each place once, siblings before and after.

import type { DataNode } from "./data-node.js"
import type { SchemaNode } from "./schema-types.js"

/** Those before (nearest first) or after a node below its parent, whose children are all paid for. */
export function siblings(
  node: DataNode,
  after: boolean,
  payer: { spend(steps: number): void },
): readonly DataNode[] {
  if (node.up === undefined) return []
  const all = [...node.up.children()]
  payer.spend(all.length)
  const at = all.findIndex((other) => other.node === node.node && other.position === node.position)
  return after ? all.slice(at + 1) : all.slice(0, at).reverse()
}

/** Places met already: by schema node, then by position. */
class Seen {
  here = false
  private readonly below = new Map<SchemaNode, Map<number, Seen>>()

  of(node: DataNode): Seen {
    if (node.up === undefined) return this
    const up = this.of(node.up)
    let places = up.below.get(node.node)
    if (places === undefined) up.below.set(node.node, (places = new Map<number, Seen>()))
    const position = node.position ?? 0
    let found = places.get(position)
    if (found === undefined) places.set(position, (found = new Seen()))
    return found
  }
}

/** Each place once, in the order met. */
export function distinct(nodes: readonly DataNode[]): readonly DataNode[] {
  if (nodes.length < 2) return nodes
  const seen = new Seen()
  return nodes.filter((node) => {
    const place = seen.of(node)
    if (place.here) return false
    place.here = true
    return true
  })
}
