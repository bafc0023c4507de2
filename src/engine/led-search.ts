// The cheapest path between two nodes, led by landmarks: A* from one end. Buffers are kept between searches; only what a search
// touched is put back.

import type { LandmarkBounds } from "./landmark-bounds.js"
import { FrontList } from "./front-list.js"
import type { RankedPath } from "./path-question.js"
import type { WeightedGraph } from "./weighted-graph.js"

const NONE = Number.POSITIVE_INFINITY

export class LedSearch {
  readonly #weighted: WeightedGraph
  readonly #bounds: LandmarkBounds
  readonly #open = new FrontList()
  /** By node, side by side: how far from the start, and at least how far to the goal. */
  readonly #state: Float64Array
  readonly #arrivedBy: Int32Array
  readonly #touched: Int32Array
  #touchedCount = 0

  constructor(weighted: WeightedGraph, bounds: LandmarkBounds) {
    this.#weighted = weighted
    this.#bounds = bounds
    this.#state = new Float64Array(weighted.nodeCount * 2).fill(NONE)
    this.#arrivedBy = new Int32Array(weighted.nodeCount)
    this.#touched = new Int32Array(weighted.nodeCount)
  }

  /** By numbers inside the graph; the path by links. Undefined when there is none cheaper than `bound`. */
  find(start: number, goal: number, bound: number): RankedPath | undefined {
    const cost = this.#search(start, goal, bound)
    const found = cost < NONE ? { path: this.#walkBack(start, goal), cost } : undefined
    const state = this.#state
    for (let i = 0; i < this.#touchedCount; i += 1) state[(this.#touched[i] ?? 0) * 2] = NONE
    return found
  }

  #search(start: number, goal: number, bound: number): number {
    const { first, arcTo, arcCost, passable } = this.#weighted
    const bounds = this.#bounds
    const state = this.#state
    const arrivedBy = this.#arrivedBy
    const touched = this.#touched
    const open = this.#open
    open.clear()
    bounds.aim(start, goal)
    touched[0] = start
    let count = 1
    state[start * 2] = 0
    state[start * 2 + 1] = 0
    open.push(start, 0)
    let cost = NONE
    for (;;) {
      const key = open.leastKey
      const node = open.pop()
      if (node < 0) break
      const here = state[node * 2] ?? 0
      if (node === goal) {
        cost = here
        break
      }
      // An older entry of a node that was reached cheaper since.
      if (key > here + (state[node * 2 + 1] ?? 0)) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        const place = next * 2
        const there = here + (arcCost[arc] ?? 0)
        const before = state[place] ?? 0
        if (there >= before) continue
        if (before === NONE) {
          if (passable[next] === 0 && next !== goal) continue
          touched[count] = next
          count += 1
          state[place + 1] = bounds.toGo(next)
        }
        state[place] = there
        arrivedBy[next] = arc
        const least = there + (state[place + 1] ?? 0)
        if (least < bound) open.push(next, least)
      }
    }
    this.#touchedCount = count
    return cost
  }

  #walkBack(start: number, goal: number): number[] {
    const { arcTo, arcLink, twin } = this.#weighted
    const links: number[] = []
    for (let node = goal; node !== start; ) {
      const arc = this.#arrivedBy[node] ?? -1
      links.push(arcLink[arc] ?? -1)
      node = arcTo[twin[arc] ?? -1] ?? start
    }
    return links.reverse()
  }
}
