// The cheapest set of paths that share no link, or no node but the ends (Suurballe and Tarjan, Networks 14, 1984, for any number of
// paths): each path is the cheapest way to add one to those before, which it may go back along, undoing them. Searches stop at the
// goal: what lies beyond keeps the potential of where they stopped, which is what "lag" counts from. Landmarks lead.
//
// Where nodes must not be shared, one that carries a path has two sides: who comes in by another link may only go back along
// the path; who came back along the path may leave anywhere.

import { LandmarkBounds } from "./landmark-bounds.js"
import type { Landmarks } from "./landmarks.js"
import { FrontList } from "./front-list.js"
import type { LinkPath } from "./path-question.js"
import type { WeightedGraph } from "./weighted-graph.js"

/** What paths of a set must not share. */
export type Disjointness = "link" | "node"

const NONE = Number.POSITIVE_INFINITY
/** Arrived from the other side of the same node. */
const ACROSS = -2

export class DisjointSearch {
  readonly #weighted: WeightedGraph
  readonly #bounds: LandmarkBounds | undefined
  readonly #open = new FrontList()
  /** By arc: 1 where a path of the set goes along it. */
  readonly #used: Uint8Array
  readonly #usedArcs: number[] = []
  // By state: 2n is where one may leave node n, 2n + 1 where one came in.
  readonly #distance: Float64Array
  readonly #lag: Float64Array
  readonly #arrivedBy: Int32Array
  readonly #settled: Uint8Array
  readonly #touched: number[] = []
  readonly #lagging: number[] = []
  // By node: at least how far to the goal; whether it has two sides; whether a path goes through.
  readonly #toGo: Float64Array
  readonly #known: Uint8Array
  readonly #split: Uint8Array
  readonly #carries: Uint8Array
  readonly #met: number[] = []
  /** When paths are taken: by node an arc of the set that leaves it, by arc the next that leaves the same node; -1 where none does. */
  readonly #leaving: Int32Array
  readonly #beside: Int32Array
  /** By node: its place on the path being taken; -1 where it is on none. */
  readonly #place: Int32Array
  #start = 0
  #goal = 0
  #led = false
  #apart = false

  constructor(weighted: WeightedGraph, landmarks?: Landmarks) {
    const { nodeCount, arcTo } = weighted
    this.#weighted = weighted
    this.#bounds = landmarks === undefined ? undefined : new LandmarkBounds(landmarks)
    this.#used = new Uint8Array(arcTo.length)
    this.#distance = new Float64Array(nodeCount * 2).fill(NONE)
    this.#lag = new Float64Array(nodeCount * 2)
    this.#arrivedBy = new Int32Array(nodeCount * 2)
    this.#settled = new Uint8Array(nodeCount * 2)
    this.#toGo = new Float64Array(nodeCount)
    this.#known = new Uint8Array(nodeCount)
    this.#split = new Uint8Array(nodeCount)
    this.#carries = new Uint8Array(nodeCount)
    this.#leaving = new Int32Array(nodeCount).fill(-1)
    this.#beside = new Int32Array(arcTo.length)
    this.#place = new Int32Array(nodeCount).fill(-1)
  }

  /**
   * The cheapest set of `count` paths, or of as many as there are.
   *
   * @returns paths in no order, by numbers outside; none when the ends are not joined.
   */
  find(from: number, to: number, count: number, kind: Disjointness): LinkPath[] {
    const { inside } = this.#weighted
    if (from === to) return []
    this.#start = inside[from] ?? -1
    this.#goal = inside[to] ?? -1
    this.#apart = kind === "node"
    this.#led = this.#bounds?.helps === true
    this.#bounds?.aim(this.#start, this.#goal)
    let sent = 0
    while (sent < count && this.#search()) {
      this.#addPath()
      sent += 1
    }
    const paths = this.#takePaths(sent)
    this.#putBack()
    return paths
  }

  /** The cheapest way to add a path. @returns whether there is one. */
  #search(): boolean {
    const { first, arcTo, arcCost, twin, passable } = this.#weighted
    const open = this.#open
    const settled = this.#settled
    const used = this.#used
    const split = this.#split
    const toGo = this.#toGo
    const lag = this.#lag
    const start = this.#start
    const goal = this.#goal
    const apart = this.#apart
    this.#forgetSearch()
    open.clear()
    this.#meet(start)
    this.#distance[start * 2] = 0
    this.#touched.push(start * 2)
    open.push(start * 2, 0)
    for (;;) {
      const here = open.leastKey
      const state = open.pop()
      if (state < 0) return false
      if (settled[state] === 1) continue
      settled[state] = 1
      const node = state >> 1
      if (node === goal) {
        this.#moveLags(here)
        return true
      }
      const cameIn = (state & 1) === 1
      if (split[node] === 1) this.#cross(state, here)
      const base = here - (toGo[node] ?? 0) - (lag[state] ?? 0)
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        if (used[arc] === 1 || next === start) continue
        const undoes = used[twin[arc] ?? -1] === 1
        // Where nodes are not shared only he who came in goes back along the path, and he goes nowhere else.
        if (apart && cameIn !== undoes) continue
        const cost = arcCost[arc] ?? 0
        if (cost === NONE || (passable[next] === 0 && next !== goal)) continue
        const side = next * 2 + (apart && !undoes && split[next] === 1 ? 1 : 0)
        if (settled[side] === 1) continue
        if (this.#known[next] === 0) this.#meet(next)
        const there = base + (undoes ? -cost : cost) + (toGo[next] ?? 0) + (lag[side] ?? 0)
        this.#reach(side, there, here, arc)
      }
    }
  }

  /** To the other side of a node that has two. */
  #cross(state: number, here: number): void {
    const carries = this.#carries[state >> 1] === 1
    const cameIn = (state & 1) === 1
    // Through it when it is free, back through it along the path that it carries.
    if (carries === cameIn) return
    const other = state ^ 1
    this.#reach(other, here - (this.#lag[state] ?? 0) + (this.#lag[other] ?? 0), here, ACROSS)
  }

  #reach(state: number, there: number, here: number, by: number): void {
    // Rounding may make a way a little shorter than nothing.
    const reached = there > here ? there : here
    const before = this.#distance[state] ?? 0
    if (reached >= before) return
    if (before === NONE) this.#touched.push(state)
    this.#distance[state] = reached
    this.#arrivedBy[state] = by
    this.#open.push(state, reached)
  }

  /** A node for the first time in this question. */
  #meet(node: number): void {
    if (this.#known[node] === 1) return
    this.#known[node] = 1
    this.#met.push(node)
    this.#toGo[node] = this.#led ? (this.#bounds?.toGo(node) ?? 0) : 0
  }

  #moveLags(length: number): void {
    for (const state of this.#touched) {
      const distance = this.#distance[state] ?? 0
      if (this.#settled[state] === 0 || distance >= length) continue
      if (this.#lag[state] === 0) this.#lagging.push(state)
      this.#lag[state] = (this.#lag[state] ?? 0) + length - distance
    }
  }

  /** Puts the path found into the set, taking out what it undoes. */
  #addPath(): void {
    const { arcTo, twin } = this.#weighted
    let state = this.#goal * 2
    while (state >> 1 !== this.#start) {
      const arc = this.#arrivedBy[state] ?? ACROSS
      if (arc === ACROSS) {
        state ^= 1
        continue
      }
      const back = twin[arc] ?? -1
      const node = arcTo[back] ?? -1
      if (this.#used[back] === 1) {
        this.#used[back] = 0
        state = node * 2 + (this.#apart ? 1 : 0)
      } else {
        this.#used[arc] = 1
        this.#usedArcs.push(arc)
        state = node * 2
      }
    }
    if (this.#apart) this.#markCarriers()
  }

  #markCarriers(): void {
    const { arcTo } = this.#weighted
    for (const arc of this.#usedArcs) this.#carries[arcTo[arc] ?? -1] = 0
    for (const arc of this.#usedArcs) {
      const node = arcTo[arc] ?? -1
      if (this.#used[arc] === 0 || node === this.#goal) continue
      this.#carries[node] = 1
      if (this.#split[node] === 1) continue
      this.#split[node] = 1
      const lag = this.#lag[node * 2] ?? 0
      if (lag !== 0) this.#lagging.push(node * 2 + 1)
      this.#lag[node * 2 + 1] = lag
    }
  }

  /** Follows the set from end to end, and leaves out the rounds it makes. */
  #takePaths(count: number): LinkPath[] {
    const { arcTo, arcLink, twin } = this.#weighted
    const leaving = this.#leaving
    const beside = this.#beside
    const used = this.#used
    for (const arc of this.#usedArcs) {
      // One that was taken out and put in again stands twice.
      if (used[arc] !== 1) continue
      used[arc] = 2
      const node = arcTo[twin[arc] ?? -1] ?? -1
      beside[arc] = leaving[node] ?? -1
      leaving[node] = arc
    }
    const place = this.#place
    return Array.from({ length: count }, () => {
      const links: number[] = []
      const nodes = [this.#start]
      place[this.#start] = 0
      for (let node = this.#start; node !== this.#goal; ) {
        const arc = leaving[node] ?? -1
        leaving[node] = beside[arc] ?? -1
        node = arcTo[arc] ?? this.#goal
        const before = place[node] ?? -1
        if (before < 0) {
          links.push(arcLink[arc] ?? -1)
          nodes.push(node)
          place[node] = links.length
        } else {
          for (const left of nodes.splice(before + 1)) place[left] = -1
          links.length = before
        }
      }
      for (const node of nodes) place[node] = -1
      return links
    })
  }

  #forgetSearch(): void {
    for (const state of this.#touched) {
      this.#distance[state] = NONE
      this.#settled[state] = 0
    }
    this.#touched.length = 0
  }

  #putBack(): void {
    const { arcTo, twin } = this.#weighted
    this.#forgetSearch()
    for (const state of this.#lagging) this.#lag[state] = 0
    for (const node of this.#met) this.#known[node] = 0
    for (const arc of this.#usedArcs) {
      const node = arcTo[arc] ?? -1
      this.#used[arc] = 0
      this.#leaving[arcTo[twin[arc] ?? -1] ?? -1] = -1
      this.#split[node] = 0
      this.#carries[node] = 0
    }
    this.#lagging.length = 0
    this.#met.length = 0
    this.#usedArcs.length = 0
  }
}
