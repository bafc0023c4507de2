// The cheapest ways from one node to all others, kept true while links get dearer, cheaper, close and open: a change costs what it
// changes (Ramalingam and Reps, Journal of Algorithms 21, 1996), not the network.

import { OpenList } from "./open-list.js"
import type { LinkPath } from "./path-question.js"
import type { WeightedGraph } from "./weighted-graph.js"

const NONE = Number.POSITIVE_INFINITY

export class LiveTree {
  readonly #weighted: WeightedGraph
  readonly #source: number
  readonly #open = new OpenList()
  /** By number inside the graph: the cost, and the arc by which the tree arrives; -1 where none does. */
  readonly #distance: Float64Array
  readonly #arrivedBy: Int32Array
  /** By node: 1 while it hangs on a link that got dearer. */
  readonly #hanging: Uint8Array
  readonly #stop: () => void

  /** Follows the graph's weights until it is closed. Nodes that must not be passed through must be so from the beginning. */
  constructor(weighted: WeightedGraph, source: number) {
    const { nodeCount, inside } = weighted
    this.#weighted = weighted
    this.#source = inside[source] ?? -1
    this.#distance = new Float64Array(nodeCount).fill(NONE)
    this.#arrivedBy = new Int32Array(nodeCount).fill(-1)
    this.#hanging = new Uint8Array(nodeCount)
    this.#distance[this.#source] = 0
    this.#open.push(this.#source, 0)
    this.#spread()
    this.#stop = weighted.onCost((link) => {
      this.#follow(link)
    })
  }

  close(): void {
    this.#stop()
  }

  /** Infinite where no way leads. */
  distanceTo(node: number): number {
    return this.#distance[this.#weighted.inside[node] ?? -1] ?? NONE
  }

  /** The links from the source to a node; undefined where no way leads. */
  pathTo(node: number): LinkPath | undefined {
    const { inside, arcTo, arcLink, twin } = this.#weighted
    const links: number[] = []
    let at = inside[node] ?? -1
    if (this.#distance[at] === NONE) return undefined
    while (at !== this.#source) {
      const arc = this.#arrivedBy[at] ?? -1
      links.push(arcLink[arc] ?? -1)
      at = arcTo[twin[arc] ?? -1] ?? this.#source
    }
    return links.reverse()
  }

  #follow(link: number): void {
    const { arcTo, twin } = this.#weighted
    const arc = this.#weighted.arcOf(link)
    const back = twin[arc] ?? -1
    const a = arcTo[back] ?? -1
    const b = arcTo[arc] ?? -1
    if (this.#arrivedBy[b] === arc) this.#treeLinkChanged(arc, a, b)
    else if (this.#arrivedBy[a] === back) this.#treeLinkChanged(back, b, a)
    else {
      this.#tryArc(arc, a, b)
      this.#tryArc(back, b, a)
      this.#spread()
    }
  }

  #treeLinkChanged(arc: number, from: number, to: number): void {
    const there = (this.#distance[from] ?? NONE) + (this.#weighted.arcCost[arc] ?? NONE)
    const before = this.#distance[to] ?? NONE
    if (there === before) return
    if (there < before) {
      this.#distance[to] = there
      this.#open.push(to, there)
    } else this.#reattach(to)
    this.#spread()
  }

  /** What hung on a link that got dearer is taken off, and each of its nodes tried by the links from the rest of the tree. */
  #reattach(top: number): void {
    const { first, arcTo, arcCost, twin, passable } = this.#weighted
    const hanging = [top]
    this.#hanging[top] = 1
    // The list grows while it is walked: below each node come those that the tree reaches through it.
    for (const node of hanging) {
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        if (this.#arrivedBy[next] !== arc) continue
        this.#hanging[next] = 1
        hanging.push(next)
      }
    }
    for (const node of hanging) {
      let best = NONE
      let bestBy = -1
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const from = arcTo[arc] ?? 0
        if (this.#hanging[from] === 1 || (passable[from] === 0 && from !== this.#source)) continue
        const there = (this.#distance[from] ?? NONE) + (arcCost[arc] ?? NONE)
        if (there >= best) continue
        best = there
        bestBy = twin[arc] ?? -1
      }
      this.#distance[node] = best
      this.#arrivedBy[node] = bestBy
      if (best < NONE) this.#open.push(node, best)
    }
    for (const node of hanging) this.#hanging[node] = 0
  }

  #tryArc(arc: number, from: number, to: number): void {
    const { arcCost, passable } = this.#weighted
    if (to === this.#source || (passable[from] === 0 && from !== this.#source)) return
    const there = (this.#distance[from] ?? NONE) + (arcCost[arc] ?? NONE)
    if (there >= (this.#distance[to] ?? NONE)) return
    this.#distance[to] = there
    this.#arrivedBy[to] = arc
    this.#open.push(to, there)
  }

  /** On from all nodes that are open. */
  #spread(): void {
    const { first, arcTo, arcCost, passable } = this.#weighted
    const distance = this.#distance
    const arrivedBy = this.#arrivedBy
    const open = this.#open
    for (;;) {
      const here = open.leastKey
      const node = open.pop()
      if (node < 0) return
      if (here > (distance[node] ?? 0)) continue
      if (passable[node] === 0 && node !== this.#source) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        const there = here + (arcCost[arc] ?? 0)
        if (there >= (distance[next] ?? 0)) continue
        distance[next] = there
        arrivedBy[next] = arc
        open.push(next, there)
      }
    }
  }
}
