// A graph with a weight on each link that may change, laid out for many questions: nodes are renumbered inside in breadth-first
// order, so that what is near in the network is near in memory, and weights lie in the order in which searches meet them.
// Nodes and links keep their numbers outside. Searches nothing.

import { nearFirst } from "./near-first.js"
import type { PathGraph } from "./path-graph.js"
import type { PathQuestion } from "./path-question.js"

/** Told of each change: the link, and what an arc of it costs from now on; infinite while it is closed. */
export type CostListener = (link: number, cost: number) => void

export class WeightedGraph {
  readonly graph: PathGraph
  readonly nodeCount: number
  /** By number outside, the number inside; and back. All arrays below speak of numbers inside. */
  readonly inside: Int32Array
  readonly outside: Int32Array
  /** Arcs of node n: `first[n]` to `first[n + 1]`, exclusive. */
  readonly first: Int32Array
  readonly arcTo: Int32Array
  readonly arcLink: Int32Array
  /** The arc of the same link the other way. */
  readonly twin: Int32Array
  /** Infinite where the link is closed. */
  readonly arcCost: Float64Array
  /** By node: 1 where paths may pass through. */
  readonly passable: Uint8Array
  readonly #arcOf: Int32Array
  readonly #cost: Float64Array
  readonly #closed: Uint8Array
  readonly #listeners = new Set<CostListener>()

  /** @param cost by link, zero or more; infinite where a link is of no use. */
  constructor(graph: PathGraph, cost: Float64Array) {
    const { nodeCount, linkCount } = graph
    this.graph = graph
    this.nodeCount = nodeCount
    this.outside = nearFirst(graph)
    this.inside = new Int32Array(nodeCount)
    for (const [number, node] of this.outside.entries()) this.inside[node] = number
    this.first = new Int32Array(nodeCount + 1)
    this.arcTo = new Int32Array(linkCount * 2)
    this.arcLink = new Int32Array(linkCount * 2)
    this.twin = new Int32Array(linkCount * 2)
    this.arcCost = new Float64Array(linkCount * 2)
    this.passable = new Uint8Array(nodeCount).fill(1)
    this.#arcOf = new Int32Array(linkCount).fill(-1)
    this.#cost = cost.slice()
    this.#closed = new Uint8Array(linkCount)
    this.#layOut()
  }

  /** A graph for one question, with its closed links and nodes. */
  static of(
    graph: PathGraph,
    { cost, usableLinks, passableNodes }: Omit<PathQuestion, "from" | "to">,
  ): WeightedGraph {
    const made = new WeightedGraph(graph, cost)
    for (let link = 0; link < graph.linkCount; link += 1)
      if (usableLinks[link] === 0) made.close(link)
    for (let node = 0; node < graph.nodeCount; node += 1)
      if (passableNodes[node] === 0) made.setPassable(node, false)
    return made
  }

  /** One of its two arcs; `twin` has the other. */
  arcOf(link: number): number {
    return this.#arcOf[link] ?? -1
  }

  /** The arcs of links that follow each other, beginning at a node by its number inside. */
  arcsAlong(from: number, links: readonly number[]): number[] {
    let node = from
    return links.map((link) => {
      const one = this.arcOf(link)
      const other = this.twin[one] ?? -1
      const arc = this.arcTo[other] === node ? one : other
      node = this.arcTo[arc] ?? -1
      return arc
    })
  }

  /** Whether closed or not. */
  costOf(link: number): number {
    return this.#cost[link] ?? Number.POSITIVE_INFINITY
  }

  setCost(link: number, cost: number): void {
    this.#cost[link] = cost
    if (this.#closed[link] === 0) this.#write(link, cost)
  }

  isClosed(link: number): boolean {
    return this.#closed[link] === 1
  }

  close(link: number): void {
    this.#closed[link] = 1
    this.#write(link, Number.POSITIVE_INFINITY)
  }

  open(link: number): void {
    this.#closed[link] = 0
    this.#write(link, this.costOf(link))
  }

  setPassable(node: number, passable: boolean): void {
    this.passable[this.inside[node] ?? -1] = passable ? 1 : 0
  }

  isPassable(node: number): boolean {
    return this.passable[this.inside[node] ?? -1] === 1
  }

  /** Costs, closed links and nodes as they are now, by numbers outside: a question but for its ends. */
  asQuestion(): Pick<PathQuestion, "cost" | "usableLinks" | "passableNodes"> {
    return {
      cost: this.#cost.slice(),
      usableLinks: this.#closed.map((closed, link) =>
        closed === 1 || this.costOf(link) === Number.POSITIVE_INFINITY ? 0 : 1,
      ),
      passableNodes: this.passable.map((_, node) => (this.isPassable(node) ? 1 : 0)),
    }
  }

  /** @returns ends it. */
  onCost(listener: CostListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #write(link: number, cost: number): void {
    const arc = this.#arcOf[link] ?? -1
    this.arcCost[arc] = cost
    this.arcCost[this.twin[arc] ?? -1] = cost
    for (const listener of this.#listeners) listener(link, cost)
  }

  #layOut(): void {
    const { graph, first, inside } = this
    let place = 0
    for (let number = 0; number < this.nodeCount; number += 1) {
      first[number] = place
      const node = this.outside[number] ?? -1
      const end = graph.first[node + 1] ?? 0
      for (let arc = graph.first[node] ?? 0; arc < end; arc += 1) {
        const link = graph.arcLink[arc] ?? -1
        this.arcTo[place] = inside[graph.arcTo[arc] ?? -1] ?? -1
        this.arcLink[place] = link
        this.arcCost[place] = this.costOf(link)
        const other = this.#arcOf[link] ?? -1
        if (other < 0) this.#arcOf[link] = place
        else {
          this.twin[place] = other
          this.twin[other] = place
        }
        place += 1
      }
    }
    first[this.nodeCount] = place
  }
}
