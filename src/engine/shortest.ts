// Shortest paths by Dijkstra: one pair, or all distances to one node. Buffers are kept between
// searches and stamped instead of cleared.

import { OpenList } from "./open-list.js"
import type { PathGraph } from "./path-graph.js"
import { greatestWithin, type LinkPath, type PathQuestion } from "./path-question.js"
import type { Waypoint } from "./waypoint.js"

/** What a search must go round on top of the question: kept as stamps, so that clearing costs nothing. */
export class Blocks {
  readonly #nodes: Uint32Array
  readonly #links: Uint32Array
  #stamp = 1

  constructor(graph: PathGraph) {
    this.#nodes = new Uint32Array(graph.nodeCount)
    this.#links = new Uint32Array(graph.linkCount)
  }

  clear(): void {
    this.#stamp += 1
    if (this.#stamp === 0xffffffff) {
      this.#nodes.fill(0)
      this.#links.fill(0)
      this.#stamp = 1
    }
  }

  blockNode(node: number): void {
    this.#nodes[node] = this.#stamp
  }

  blockLink(link: number): void {
    this.#links[link] = this.#stamp
  }

  hasNode(node: number): boolean {
    return this.#nodes[node] === this.#stamp
  }

  hasLink(link: number): boolean {
    return this.#links[link] === this.#stamp
  }
}

export interface Tree {
  /** By node; infinite where no way leads. */
  readonly distance: Float64Array
  pathTo(node: number): LinkPath | undefined
}

export class ShortestPaths {
  readonly #graph: PathGraph
  readonly #open = new OpenList()
  readonly #distance: Float64Array
  readonly #arrivedBy: Int32Array
  readonly #stamps: Uint32Array
  #stamp = 0

  constructor(graph: PathGraph) {
    this.#graph = graph
    this.#distance = new Float64Array(graph.nodeCount)
    this.#arrivedBy = new Int32Array(graph.nodeCount)
    this.#stamps = new Uint32Array(graph.nodeCount)
  }

  /**
   * The cheapest path, or undefined when there is none cheaper than `bound`.
   *
   * @param toGo by node, a lower bound of what is left to pay from there to the goal, exact without blocks (see
   *   `distancesTo`); without it the search goes blind.
   */
  find(
    question: PathQuestion,
    blocks?: Blocks,
    toGo?: Float64Array,
    bound = Number.POSITIVE_INFINITY,
  ): LinkPath | undefined {
    const { from, to, cost, usableLinks, passableNodes } = question
    const { first, arcTo, arcLink } = this.#graph
    const distance = this.#distance
    const stamps = this.#stamps
    const stamp = this.#nextStamp()
    const open = this.#open
    open.clear()
    stamps[from] = stamp
    distance[from] = 0
    this.#arrivedBy[from] = -1
    open.push(from, toGo?.[from] ?? 0)
    for (;;) {
      const key = open.leastKey
      const node = open.pop()
      if (node < 0) return undefined
      if (node === to) return this.#walkBack(from, to)
      const here = distance[node] ?? 0
      // An older entry of a node that was reached cheaper since; or one that is an end only.
      if (key > here + (toGo?.[node] ?? 0)) continue
      if (node !== from && passableNodes[node] === 0) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        if (usableLinks[link] === 0) continue
        const next = arcTo[arc] ?? 0
        const there = here + (cost[link] ?? 0)
        if (stamps[next] === stamp && there >= (distance[next] ?? 0)) continue
        if (blocks !== undefined && (blocks.hasLink(link) || blocks.hasNode(next))) continue
        const least = there + (toGo?.[next] ?? 0)
        if (!(least < bound)) continue
        stamps[next] = stamp
        distance[next] = there
        this.#arrivedBy[next] = link
        open.push(next, least)
      }
    }
  }

  /** By node, the cost of the cheapest way from there to `to`; infinite where there is none that keeps `most`. */
  distancesTo(question: PathQuestion, most = Number.POSITIVE_INFINITY): Float64Array {
    const found = new Float64Array(question.passableNodes.length).fill(Number.POSITIVE_INFINITY)
    this.#open.clear()
    found[question.to] = 0
    this.#open.push(question.to, 0)
    this.#spreadBack(question, found, greatestWithin(most))
    return found
  }

  /**
   * The same by way of a node or link that must be passed, as a walk: at least what a path costs that does.
   *
   * @param toGo by node, the cost from there to `to` however it goes.
   */
  distancesVia(
    question: PathQuestion,
    { nodes = [], links = [] }: Waypoint,
    toGo: Float64Array,
    most = Number.POSITIVE_INFINITY,
  ): Float64Array {
    const { cost, from, to, usableLinks, passableNodes } = question
    const { linkA, linkB } = this.#graph
    const found = new Float64Array(passableNodes.length).fill(Number.POSITIVE_INFINITY)
    const ceiling = greatestWithin(most)
    this.#open.clear()
    const begin = (node: number, left: number): void => {
      const closed = passableNodes[node] === 0 && node !== from
      if (closed || node === to || left >= (found[node] ?? 0) || !(left <= ceiling)) return
      found[node] = left
      this.#open.push(node, left)
    }
    for (const node of nodes) begin(node, toGo[node] ?? Number.POSITIVE_INFINITY)
    for (const link of links) {
      if (usableLinks[link] === 0) continue
      const a = linkA[link] ?? -1
      const b = linkB[link] ?? -1
      begin(a, (cost[link] ?? 0) + (toGo[b] ?? Number.POSITIVE_INFINITY))
      begin(b, (cost[link] ?? 0) + (toGo[a] ?? Number.POSITIVE_INFINITY))
    }
    this.#spreadBack(question, found, ceiling)
    return found
  }

  /** On from all nodes that are open, against the way paths go. */
  #spreadBack(question: PathQuestion, found: Float64Array, ceiling: number): void {
    const { from, to, cost, usableLinks, passableNodes } = question
    const { first, arcTo, arcLink } = this.#graph
    const open = this.#open
    for (;;) {
      const here = open.leastKey
      const node = open.pop()
      if (node < 0) return
      if (here > (found[node] ?? 0)) continue
      if (node !== to && (node === from || passableNodes[node] === 0)) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        if (usableLinks[link] === 0) continue
        const next = arcTo[arc] ?? 0
        const there = here + (cost[link] ?? 0)
        if (there >= (found[next] ?? 0) || !(there <= ceiling)) continue
        found[next] = there
        open.push(next, there)
      }
    }
  }

  /**
   * The cheapest ways from one node to all others, on this graph until the next search.
   *
   * @param most the search ends there: of nodes farther away it is only known that they are.
   * @param distance by node, written over: for who asks again and again and keeps no answer.
   */
  treeFrom(
    question: Omit<PathQuestion, "to">,
    most = Number.POSITIVE_INFINITY,
    distance: Float64Array = new Float64Array(this.#graph.nodeCount),
  ): Tree {
    const { from, cost, usableLinks, passableNodes } = question
    const { first, arcTo, arcLink } = this.#graph
    distance.fill(Number.POSITIVE_INFINITY)
    const open = this.#open
    open.clear()
    distance[from] = 0
    open.push(from, 0)
    for (;;) {
      const here = open.leastKey
      const node = open.pop()
      if (node < 0 || here > most) break
      if (here > (distance[node] ?? 0)) continue
      if (node !== from && passableNodes[node] === 0) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        const next = arcTo[arc] ?? 0
        const there = here + (cost[link] ?? 0)
        if (usableLinks[link] === 0 || there >= (distance[next] ?? 0)) continue
        distance[next] = there
        this.#arrivedBy[next] = link
        open.push(next, there)
      }
    }
    return {
      distance,
      pathTo: (to) =>
        distance[to] === Number.POSITIVE_INFINITY ? undefined : this.#walkBack(from, to),
    }
  }

  #walkBack(from: number, to: number): number[] {
    const links: number[] = []
    for (let node = to; node !== from; ) {
      const link = this.#arrivedBy[node] ?? -1
      links.push(link)
      node = this.#graph.otherEnd(link, node)
    }
    return links.reverse()
  }

  #nextStamp(): number {
    this.#stamp += 1
    if (this.#stamp === 0xffffffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
    return this.#stamp
  }
}
