// How much the scarcest link of the best path between two nodes has: a search that goes on from where most comes through.

import { OpenList } from "./open-list.js"
import type { PathGraph } from "./path-graph.js"

export class WidestSearch {
  readonly #graph: PathGraph
  readonly #open = new OpenList()
  /** By node: the most that is known to come there. */
  readonly #width: Float64Array

  constructor(graph: PathGraph) {
    this.#graph = graph
    this.#width = new Float64Array(graph.nodeCount)
  }

  /**
   * @param has by link
   * @param forbidden by link: 1 where the path may not go
   * @param passable by node: 1 where a path may pass through; the ends always may be ends
   * @returns 0 where there is no path
   */
  width(
    from: number,
    to: number,
    has: Float64Array,
    forbidden: Uint8Array | undefined,
    passable: Uint8Array,
  ): number {
    const { first, arcTo, arcLink } = this.#graph
    const width = this.#width.fill(0)
    const open = this.#open
    open.clear()
    width[from] = Number.POSITIVE_INFINITY
    open.push(from, Number.NEGATIVE_INFINITY)
    for (;;) {
      const key = open.leastKey
      const node = open.pop()
      if (node < 0) return 0
      const here = width[node] ?? 0
      if (node === to) return here
      // An older entry of a node to which more comes since; or one that is an end only.
      if (-key < here || (node !== from && passable[node] === 0)) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        if (forbidden?.[link] === 1) continue
        const there = arcTo[arc] ?? 0
        const through = Math.min(here, has[link] ?? 0)
        if (through <= (width[there] ?? 0)) continue
        width[there] = through
        open.push(there, -through)
      }
    }
  }

  /** No path has more: what the best link has at each end. */
  bound(from: number, to: number, has: Float64Array): number {
    return Math.min(this.#bestAt(from, has), this.#bestAt(to, has))
  }

  #bestAt(node: number, has: Float64Array): number {
    const { first, arcLink } = this.#graph
    const end = first[node + 1] ?? 0
    let best = 0
    for (let arc = first[node] ?? 0; arc < end; arc += 1)
      best = Math.max(best, has[arcLink[arc] ?? 0] ?? 0)
    return best
  }
}
