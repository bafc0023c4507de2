// Lower bounds of distances from distances to a few nodes, the landmarks, known beforehand (A*, landmarks, triangle inequality:
// Goldberg and Harrelson, SODA 2005): from n to t it is at least |d(l, t) - d(l, n)|. Links that close or get dearer leave the
// bounds true; where links got cheaper than they were, all bounds shrink in the proportion of the one that fell most.

import { OpenList } from "./open-list.js"
import type { WeightedGraph } from "./weighted-graph.js"

const NONE = Number.POSITIVE_INFINITY
/** More than any distance in units. */
const UNREACHED = 0xffffffff

/** Smaller ones could not be divided by. */
const LEAST_UNIT = 2 ** -1000
/** Above so many nodes more landmarks save more than they cost. */
const LARGE = 4000
/** Distances looked at to tell how good the bounds are. */
const SAMPLES = 64

export class Landmarks {
  readonly #weighted: WeightedGraph
  readonly count: number
  readonly #marks: number[] = []
  /**
   * By node and landmark, in whole `#unit`s of cost, each link rounded down: such sums are exact, no bound is above the truth by
   * rounding, and what 16 landmarks know of a node is one line of the processor's cache. Numbers of nodes are those inside.
   */
  readonly distance: Uint32Array
  #unit = 1
  /** By link, as it was when distances were measured; and that in whole units. */
  readonly #base: Float64Array
  readonly #units: Float64Array
  /** By link that costs less than then: by which factor. */
  readonly #fallen = new Map<number, number>()
  #scale = 1
  #sharpness = 0
  readonly #stop: () => void

  /** Measures from the weights as they are now, closed links too, since those may open. */
  constructor(weighted: WeightedGraph, count = weighted.nodeCount > LARGE ? 32 : 16) {
    this.#weighted = weighted
    const { nodeCount, graph } = weighted
    this.#base = Float64Array.from({ length: graph.linkCount }, (_, link) => weighted.costOf(link))
    this.#units = this.#base.slice()
    this.count = Math.min(count, nodeCount)
    this.distance = new Uint32Array(nodeCount * this.count)
    this.#measure()
    this.#stop = weighted.onCost((link, cost) => {
      this.#follow(link, cost)
    })
  }

  /**
   * How much of a distance the bounds know, 0 to 1: near 1 in networks that lie in the plane, where they lead a search almost
   * straight, far less where links join anything with anything.
   */
  get sharpness(): number {
    return this.#sharpness * this.#scale
  }

  /** Follows the weights no longer. */
  close(): void {
    this.#stop()
  }

  /** What a unit counts now: less when links got cheaper than they were. */
  get worth(): number {
    return this.#unit * this.#scale
  }

  #follow(link: number, cost: number): void {
    const base = this.#base[link] ?? 0
    const before = this.#fallen.get(link)
    if (cost < base) {
      const factor = base === Number.POSITIVE_INFINITY ? 0 : cost / base
      this.#fallen.set(link, factor)
      if (factor < this.#scale) this.#scale = factor
      else if (before === this.#scale) this.#scaleAnew()
    } else if (before !== undefined) {
      this.#fallen.delete(link)
      if (before === this.#scale) this.#scaleAnew()
    }
  }

  #scaleAnew(): void {
    let least = 1
    for (const factor of this.#fallen.values()) if (factor < least) least = factor
    this.#scale = least
  }

  /** Each landmark as far as can be from those before it, all in the part of the graph that has most nodes. */
  #measure(): void {
    const { nodeCount } = this.#weighted
    if (nodeCount === 0) return
    const count = this.count
    const row = new Float64Array(nodeCount)
    const open = new OpenList()
    // From anywhere in that part the farthest node is at its edge: that is the first landmark.
    this.#distancesFrom(this.#greatestPart(), row, open)
    let next = farthest(row)
    this.#chooseUnit(row[next] ?? 0)
    const nearest = new Float64Array(nodeCount).fill(NONE)
    for (let mark = 0; mark < count; mark += 1) {
      this.#marks.push(next)
      this.#distancesFrom(next, row, open)
      for (let node = 0; node < nodeCount; node += 1) {
        const value = row[node] ?? 0
        this.distance[node * count + mark] = value === NONE ? UNREACHED : value
        if (value < (nearest[node] ?? 0)) nearest[node] = value
      }
      next = farthest(nearest)
    }
    this.#measureSharpness()
  }

  /** Each landmark is taken for a goal, and the distances to it from some nodes bounded by all the others. */
  #measureSharpness(): void {
    const { nodeCount } = this.#weighted
    const count = this.count
    const distance = this.distance
    let known = 0
    let all = 0
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const from = Math.floor((sample * nodeCount) / SAMPLES) * count
      const goalMark = sample % count
      const truth = distance[from + goalMark] ?? 0
      if (truth === UNREACHED || truth === 0) continue
      const goal = (this.#marks[goalMark] ?? 0) * count
      let most = 0
      for (let mark = 0; mark < count; mark += 1)
        if (mark !== goalMark)
          most = Math.max(
            most,
            Math.abs((distance[from + mark] ?? 0) - (distance[goal + mark] ?? 0)),
          )
      known += most / truth
      all += 1
    }
    this.#sharpness = all === 0 ? 0 : known / all
  }

  /** A power of two, so that dividing is exact. No distance in a part is more than twice one that is farthest from somewhere. */
  #chooseUnit(far: number): void {
    if (far > 0) this.#unit = Math.max(2 ** Math.ceil(Math.log2(far) - 29), LEAST_UNIT)
    for (const [link, cost] of this.#base.entries())
      this.#units[link] = Math.floor(cost / this.#unit)
  }

  #distancesFrom(source: number, found: Float64Array, open: OpenList): void {
    const { first, arcTo, arcLink } = this.#weighted
    found.fill(NONE)
    found[source] = 0
    open.clear()
    open.push(source, 0)
    for (;;) {
      const here = open.leastKey
      const node = open.pop()
      if (node < 0) return
      if (here > (found[node] ?? 0)) continue
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        const there = here + (this.#units[arcLink[arc] ?? -1] ?? 0)
        if (there >= (found[next] ?? 0)) continue
        found[next] = there
        open.push(next, there)
      }
    }
  }

  /** A node of it: parts follow each other in breadth-first order. */
  #greatestPart(): number {
    const { nodeCount, first, arcTo } = this.#weighted
    const part = new Int32Array(nodeCount).fill(-1)
    let best = 0
    let most = 0
    for (let root = 0; root < nodeCount; root += 1) {
      if ((part[root] ?? 0) >= 0) continue
      const stack = [root]
      part[root] = root
      let size = 0
      for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
        size += 1
        const end = first[node + 1] ?? 0
        for (let arc = first[node] ?? 0; arc < end; arc += 1) {
          const next = arcTo[arc] ?? 0
          if ((part[next] ?? 0) >= 0) continue
          part[next] = root
          stack.push(next)
        }
      }
      if (size > most) {
        most = size
        best = root
      }
    }
    return best
  }
}

/** Of those reached. */
function farthest(distance: Float64Array): number {
  let best = 0
  let most = -1
  for (const [node, value] of distance.entries()) {
    if (value === NONE || value <= most) continue
    most = value
    best = node
  }
  return best
}
