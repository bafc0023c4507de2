// The cheapest path between two nodes, searched from both ends until they have met and cannot meet cheaper. Buffers are kept
// between searches; only what a search touched is put back.

import { OpenList } from "./open-list.js"
import type { RankedPath } from "./path-question.js"
import type { WeightedGraph } from "./weighted-graph.js"

const NONE = Number.POSITIVE_INFINITY

export class TwoEndedSearch {
  readonly #weighted: WeightedGraph
  readonly #ahead = new OpenList()
  readonly #back = new OpenList()
  /** By node, side by side: how far from the start, how far from the goal. */
  readonly #distance: Float64Array
  readonly #arrivedBy: Int32Array
  readonly #touched: Int32Array
  #touchedCount = 0
  #meeting = -1

  constructor(weighted: WeightedGraph) {
    this.#weighted = weighted
    this.#distance = new Float64Array(weighted.nodeCount * 2).fill(NONE)
    this.#arrivedBy = new Int32Array(weighted.nodeCount * 2)
    this.#touched = new Int32Array(weighted.nodeCount)
  }

  /** By numbers inside the graph; the path by links. Undefined when there is none cheaper than `bound`. */
  find(start: number, goal: number, bound: number): RankedPath | undefined {
    const cost = this.#search(start, goal, bound)
    const found = this.#meeting < 0 ? undefined : { path: this.#path(start, goal), cost }
    const distance = this.#distance
    for (let i = 0; i < this.#touchedCount; i += 1) {
      const node = this.#touched[i] ?? 0
      distance[node * 2] = NONE
      distance[node * 2 + 1] = NONE
    }
    return found
  }

  #search(start: number, goal: number, bound: number): number {
    const { first, arcTo, arcCost, passable } = this.#weighted
    const distance = this.#distance
    const arrivedBy = this.#arrivedBy
    const touched = this.#touched
    const ahead = this.#ahead
    const back = this.#back
    ahead.clear()
    back.clear()
    touched[0] = start
    touched[1] = goal
    let count = 2
    distance[start * 2] = 0
    distance[goal * 2 + 1] = 0
    ahead.push(start, 0)
    back.push(goal, 0)
    let best = bound
    let meeting = -1
    // Of the next nodes each end would go on from: no path through both is cheaper than their sum.
    while (ahead.leastKey + back.leastKey < best) {
      const end = ahead.size <= back.size ? 0 : 1
      const open = end === 0 ? ahead : back
      const key = open.leastKey
      const node = open.pop()
      const here = distance[node * 2 + end] ?? 0
      if (key > here) continue
      const last = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < last; arc += 1) {
        const next = arcTo[arc] ?? 0
        const place = next * 2 + end
        const there = here + (arcCost[arc] ?? 0)
        const before = distance[place] ?? 0
        if (there >= before) continue
        const beyond = distance[place ^ 1] ?? 0
        if (before === NONE && beyond === NONE) {
          if (passable[next] === 0) continue
          touched[count] = next
          count += 1
        }
        distance[place] = there
        arrivedBy[place] = arc
        if (there + beyond < best) {
          best = there + beyond
          meeting = next
        }
        if (there < best) open.push(next, there)
      }
    }
    this.#touchedCount = count
    this.#meeting = meeting
    return best
  }

  #path(start: number, goal: number): number[] {
    const links: number[] = []
    this.#walk(0, start, links)
    links.reverse()
    this.#walk(1, goal, links)
    return links
  }

  #walk(end: number, last: number, links: number[]): void {
    const { arcTo, arcLink, twin } = this.#weighted
    for (let node = this.#meeting; node !== last; ) {
      const arc = this.#arrivedBy[node * 2 + end] ?? -1
      links.push(arcLink[arc] ?? -1)
      node = arcTo[twin[arc] ?? -1] ?? last
    }
  }
}
