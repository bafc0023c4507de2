// Units sent one by one from a source to a sink over directed arcs that take one unit each, each unit by the cheapest way
// that the units before leave open (successive shortest paths with potentials): after every unit the whole is the
// cheapest of its size.

import { Heap } from "./heap.js"

export class MinCostFlow {
  readonly #nodeCount: number
  /** Arc 2i and its reverse 2i + 1. */
  readonly #to: number[] = []
  readonly #cost: number[] = []
  readonly #free: number[] = []
  readonly #arcsOf: number[][]
  readonly #potential: Float64Array
  readonly #heap: Heap

  constructor(nodeCount: number) {
    this.#nodeCount = nodeCount
    this.#arcsOf = Array.from({ length: nodeCount }, () => [])
    this.#potential = new Float64Array(nodeCount)
    this.#heap = new Heap(nodeCount)
  }

  /** @returns the number of the arc, for `isUsed`. */
  addArc(from: number, to: number, cost: number): number {
    const arc = this.#to.length
    this.#to.push(to, from)
    this.#cost.push(cost, -cost)
    this.#free.push(1, 0)
    this.#arcsOf[from]?.push(arc)
    this.#arcsOf[to]?.push(arc + 1)
    return arc
  }

  isUsed(arc: number): boolean {
    return this.#free[arc] === 0
  }

  /** Sends one more unit. @returns false when none gets through. */
  send(source: number, sink: number): boolean {
    const distance = new Float64Array(this.#nodeCount).fill(Number.POSITIVE_INFINITY)
    const arrivedBy = new Int32Array(this.#nodeCount).fill(-1)
    const settled = new Uint8Array(this.#nodeCount)
    const heap = this.#heap
    heap.clear()
    distance[source] = 0
    heap.push(source, 0)
    for (let node = heap.pop(); node >= 0 && node !== sink; node = heap.pop()) {
      settled[node] = 1
      const here = (distance[node] ?? 0) + (this.#potential[node] ?? 0)
      for (const arc of this.#arcsOf[node] ?? []) {
        const next = this.#to[arc] ?? 0
        if (this.#free[arc] === 0 || settled[next] === 1) continue
        const there = here + (this.#cost[arc] ?? 0) - (this.#potential[next] ?? 0)
        // Rounding may make a reduced cost a little less than nothing.
        const reached = Math.max(there, distance[node] ?? 0)
        if (reached >= (distance[next] ?? 0)) continue
        distance[next] = reached
        arrivedBy[next] = arc
        heap.push(next, reached)
      }
    }
    const reach = distance[sink] ?? Number.POSITIVE_INFINITY
    if (reach === Number.POSITIVE_INFINITY) return false
    for (let node = 0; node < this.#nodeCount; node += 1)
      this.#potential[node] = (this.#potential[node] ?? 0) + Math.min(distance[node] ?? 0, reach)
    for (let node = sink; node !== source; ) {
      const arc = arrivedBy[node] ?? 0
      this.#free[arc] = 0
      this.#free[arc ^ 1] = 1
      node = this.#to[arc ^ 1] ?? source
    }
    return true
  }
}
