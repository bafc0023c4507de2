// What is left of each link while demands are placed one after the other, and what it costs (link-price).

import type { Capacity, Demand, Share } from "./demand.js"
import { type Disjointness, disjointPaths } from "./disjoint.js"
import { linkPrice } from "./link-price.js"
import { OpenList } from "./open-list.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath, PathQuestion } from "./path-question.js"
import { RoomSearch } from "./room-search.js"

export class FreeRate {
  readonly #graph: PathGraph
  readonly #search: RoomSearch
  readonly #passableNodes: Uint8Array
  readonly #capacity: Float64Array
  /** By link, bits per second. Rounding may leave a little less than nothing; whole rates stay exact. */
  readonly free: Float64Array
  readonly #price: Float64Array
  /** By link, 1 or 0: room by somebody else's count. */
  readonly #room: Float64Array
  readonly #open = new OpenList()
  readonly #rate: Float64Array

  constructor(graph: PathGraph, capacity: Capacity) {
    this.#graph = graph
    this.#search = new RoomSearch(graph)
    this.#passableNodes = capacity.passableNodes
    this.#capacity = capacity.rateBps.slice()
    this.free = capacity.rateBps.slice()
    this.#price = new Float64Array(graph.linkCount)
    this.#room = new Float64Array(graph.linkCount)
    this.#rate = new Float64Array(graph.nodeCount)
    for (let link = 0; link < graph.linkCount; link += 1) this.#priceAnew(link)
  }

  take({ path, rateBps }: Share): void {
    for (const link of path) {
      this.free[link] = (this.free[link] ?? 0) - rateBps
      this.#priceAnew(link)
    }
  }

  giveBack({ path, rateBps }: Share): void {
    for (const link of path) {
      this.free[link] = (this.free[link] ?? 0) + rateBps
      this.#priceAnew(link)
    }
  }

  /** A link makes more or less than before. What is taken stays taken: less than nothing may be free then. */
  setRate(link: number, rateBps: number): void {
    this.free[link] = (this.free[link] ?? 0) + rateBps - (this.#capacity[link] ?? 0)
    this.#capacity[link] = rateBps
    this.#priceAnew(link)
  }

  rateOf(link: number): number {
    return this.#capacity[link] ?? 0
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
  cheapest({ from, to }: Pick<Demand, "from" | "to">, rateBps: number): LinkPath | undefined {
    if (!(rateBps > 0)) return undefined
    return this.#search.find(from, to, this.#price, this.free, rateBps, this.#passableNodes)
  }

  /** The cheapest path by other costs, over links that would have the rate if nothing were taken. */
  cheapestBy(cost: Float64Array, { from, to }: Demand, rateBps: number): LinkPath | undefined {
    const least = Math.max(rateBps, Number.MIN_VALUE)
    return this.#search.find(from, to, cost, this.#capacity, least, this.#passableNodes)
  }

  /** The cheapest path over links that have room by somebody else's count; by other costs where these are given. */
  cheapestWhere(
    { from, to }: Pick<Demand, "from" | "to">,
    hasRoom: (link: number) => boolean,
    cost: Float64Array = this.#price,
  ): LinkPath | undefined {
    for (let link = 0; link < this.#room.length; link += 1)
      this.#room[link] = (this.#capacity[link] ?? 0) > 0 && hasRoom(link) ? 1 : 0
    return this.#search.find(from, to, cost, this.#room, 1, this.#passableNodes)
  }

  /** The cheapest set of disjoint paths over links that have room; fewer than `count` where there are no more. */
  disjointWhere(
    { from, to }: Pick<Demand, "from" | "to">,
    count: number,
    kind: Disjointness,
    hasRoom: (link: number) => boolean,
  ): LinkPath[] {
    const usableLinks = Uint8Array.from(this.#capacity, (capacity, link) =>
      capacity > 0 && hasRoom(link) ? 1 : 0,
    )
    const question: PathQuestion = {
      from,
      to,
      cost: this.#price,
      usableLinks,
      passableNodes: this.#passableNodes,
    }
    return disjointPaths(this.#graph, question, count, kind)
  }

  /** The greatest rate for which one path has room, at most `most`, at least `least`; found among what links have free. */
  widest(demand: Demand, most: number, least = 0): Share | undefined {
    const whole = this.cheapest(demand, most)
    if (whole !== undefined) return { path: whole, rateBps: most }
    if (least >= most) return undefined
    const rateBps = this.#greatestRate(demand, least)
    if (rateBps < least || rateBps <= 0) return undefined
    const path = this.cheapest(demand, rateBps)
    return path === undefined ? undefined : { path, rateBps }
  }

  /**
   * Whether the links at both ends of a demand have so much free: on one of them, or all together. Where they have not
   * there is no need to search.
   */
  endsHave({ from, to }: Demand, rateBps: number, together: boolean): boolean {
    return this.#endHas(from, rateBps, together) && this.#endHas(to, rateBps, together)
  }

  #endHas(node: number, rateBps: number, together: boolean): boolean {
    const { first, arcLink } = this.#graph
    const end = first[node + 1] ?? 0
    let sum = 0
    for (let arc = first[node] ?? 0; arc < end; arc += 1) {
      const free = this.free[arcLink[arc] ?? 0] ?? 0
      if (free >= rateBps) return true
      sum += free
    }
    return together && sum >= rateBps
  }

  /**
   * Of all paths, the greatest of what is free along them (Dijkstra, with the least along the way for the sum); 0 where that is
   * less than `least`.
   */
  #greatestRate({ from, to }: Demand, least: number): number {
    const { first, arcTo, arcLink } = this.#graph
    const open = this.#open
    const rate = this.#rate
    open.clear()
    rate.fill(0)
    rate[from] = Number.POSITIVE_INFINITY
    open.push(from, Number.NEGATIVE_INFINITY)
    for (;;) {
      const key = open.leastKey
      const node = open.pop()
      if (node < 0) return 0
      const here = rate[node] ?? 0
      if (node === to) return here
      // An older entry of a node that more has reached since; or one that is an end only.
      if (-key < here || (node !== from && this.#passableNodes[node] === 0)) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        const there = Math.min(here, this.free[arcLink[arc] ?? 0] ?? 0)
        if (there <= (rate[next] ?? 0) || there < least) continue
        rate[next] = there
        open.push(next, -there)
      }
    }
  }

  #priceAnew(link: number): void {
    const capacity = this.#capacity[link] ?? 0
    this.#price[link] = capacity > 0 ? linkPrice(capacity, this.usedShare(link)) : 1
  }
}
