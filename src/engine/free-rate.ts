// What is left of each link while demands are placed one after the other, and what it costs: one over what is free. Of
// the rules tried online it carries the most at loads that networks are run at.

import type { Capacity, Demand, Share } from "./demand.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath, PathQuestion } from "./path-question.js"
import type { ShortestPaths } from "./shortest.js"

export class FreeRate {
  readonly #graph: PathGraph
  readonly #searches: ShortestPaths
  readonly #passableNodes: Uint8Array
  readonly #capacity: Float64Array
  /** By link, bits per second. */
  readonly free: Float64Array
  readonly #price: Float64Array
  readonly #usable: Uint8Array

  constructor(graph: PathGraph, searches: ShortestPaths, capacity: Capacity) {
    this.#graph = graph
    this.#searches = searches
    this.#passableNodes = capacity.passableNodes
    this.#capacity = capacity.rateBps
    this.free = capacity.rateBps.slice()
    this.#price = new Float64Array(graph.linkCount)
    this.#usable = new Uint8Array(graph.linkCount)
    for (let link = 0; link < graph.linkCount; link += 1) this.#priceAnew(link)
  }

  take({ path, rateBps }: Share): void {
    for (const link of path) {
      // Rounding may leave a little less than nothing.
      this.free[link] = Math.max(0, (this.free[link] ?? 0) - rateBps)
      this.#priceAnew(link)
    }
  }

  giveBack({ path, rateBps }: Share): void {
    for (const link of path) {
      this.free[link] = (this.free[link] ?? 0) + rateBps
      this.#priceAnew(link)
    }
  }

  /** Of a link's capacity, 0 to 1. */
  usedShare(link: number): number {
    const capacity = this.#capacity[link] ?? 0
    return capacity > 0 ? 1 - (this.free[link] ?? 0) / capacity : 1
  }

  /** The least that is free along a path. */
  along(path: LinkPath): number {
    let least = Number.POSITIVE_INFINITY
    for (const link of path) least = Math.min(least, this.free[link] ?? 0)
    return least
  }

  /** The cheapest path with so much free on every link. */
  cheapest({ from, to }: Demand, rateBps: number): LinkPath | undefined {
    const usable = this.#usable
    for (let link = 0; link < this.#graph.linkCount; link += 1)
      usable[link] = rateBps > 0 && (this.free[link] ?? 0) >= rateBps ? 1 : 0
    const question: PathQuestion = {
      from,
      to,
      cost: this.#price,
      usableLinks: usable,
      passableNodes: this.#passableNodes,
    }
    return this.#searches.find(question)
  }

  /** The greatest rate for which one path has room, at most `most`; found among what links have free. */
  widest(demand: Demand, most: number): Share | undefined {
    const whole = this.cheapest(demand, most)
    if (whole !== undefined) return { path: whole, rateBps: most }
    const rates = [...new Set(this.free)].filter((rate) => rate > 0 && rate < most)
    rates.sort((a, b) => a - b)
    let best: Share | undefined
    for (let low = 0, high = rates.length; low < high; ) {
      const middle = (low + high) >> 1
      const rateBps = rates[middle] ?? 0
      const path = this.cheapest(demand, rateBps)
      if (path === undefined) high = middle
      else {
        best = { path, rateBps }
        low = middle + 1
      }
    }
    return best
  }

  #priceAnew(link: number): void {
    this.#price[link] = 1 / Math.max(this.free[link] ?? 0, 1e-6)
  }
}
