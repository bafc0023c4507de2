// The cheapest path between two nodes over links that have room, searched from both ends until they have met and cannot meet
// cheaper. Costs and room are by link and may be others with each question: nothing is laid out beforehand, and room is looked at
// only where the search comes by. Buffers are kept between searches; only what a search touched is put back.

import { OpenList } from "./open-list.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"

const NONE = Number.POSITIVE_INFINITY

/** By link, a rate, or 1 and 0. */
type Room = Float64Array | Uint8Array

export class RoomSearch {
  readonly #graph: PathGraph
  readonly #ahead = new OpenList()
  readonly #back = new OpenList()
  /** By node, side by side: how far from the start, how far from the goal. */
  readonly #distance: Float64Array
  /** By node and end, the link and the node before. */
  readonly #arrivedBy: Int32Array
  readonly #cameFrom: Int32Array
  readonly #touched: Int32Array
  #touchedCount = 0
  #meeting = -1

  constructor(graph: PathGraph) {
    this.#graph = graph
    this.#distance = new Float64Array(graph.nodeCount * 2).fill(NONE)
    this.#arrivedBy = new Int32Array(graph.nodeCount * 2)
    this.#cameFrom = new Int32Array(graph.nodeCount * 2)
    this.#touched = new Int32Array(graph.nodeCount)
  }

  /**
   * @param cost by link, zero or more.
   * @param room by link; a path goes only where it is at least `least`.
   * @param passable by node: 1 where a path may pass through. The ends always may be ends.
   */
  find(
    from: number,
    to: number,
    cost: Float64Array,
    room: Room,
    least: number,
    passable: Uint8Array,
  ): LinkPath | undefined {
    if (from === to) return []
    this.#search(from, to, cost, room, least, passable)
    const found = this.#meeting < 0 ? undefined : this.#path(from, to)
    const distance = this.#distance
    for (let i = 0; i < this.#touchedCount; i += 1) {
      const place = (this.#touched[i] ?? 0) * 2
      distance[place] = NONE
      distance[place + 1] = NONE
    }
    return found
  }

  #search(
    from: number,
    to: number,
    cost: Float64Array,
    room: Room,
    least: number,
    passable: Uint8Array,
  ): void {
    const { first, arcTo, arcLink } = this.#graph
    const distance = this.#distance
    const arrivedBy = this.#arrivedBy
    const cameFrom = this.#cameFrom
    const touched = this.#touched
    const ahead = this.#ahead
    const back = this.#back
    ahead.clear()
    back.clear()
    touched[0] = from
    touched[1] = to
    let count = 2
    distance[from * 2] = 0
    distance[to * 2 + 1] = 0
    ahead.push(from, 0)
    back.push(to, 0)
    let best = NONE
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
        const link = arcLink[arc] ?? 0
        const next = arcTo[arc] ?? 0
        const place = next * 2 + end
        const there = here + (cost[link] ?? 0)
        const before = distance[place] ?? 0
        if (there >= before || !((room[link] ?? 0) >= least)) continue
        const beyond = distance[place ^ 1] ?? 0
        if (before === NONE && beyond === NONE) {
          if (passable[next] === 0) continue
          touched[count] = next
          count += 1
        }
        distance[place] = there
        arrivedBy[place] = link
        cameFrom[place] = node
        if (there + beyond < best) {
          best = there + beyond
          meeting = next
        }
        if (there < best) open.push(next, there)
      }
    }
    this.#touchedCount = count
    this.#meeting = meeting
  }

  #path(from: number, to: number): number[] {
    const links: number[] = []
    this.#walk(0, from, links)
    links.reverse()
    this.#walk(1, to, links)
    return links
  }

  #walk(end: number, last: number, links: number[]): void {
    for (let node = this.#meeting; node !== last; ) {
      const place = node * 2 + end
      links.push(this.#arrivedBy[place] ?? -1)
      node = this.#cameFrom[place] ?? last
    }
  }
}
