// How far it is to the goal, for the searches that look for many paths to it: the cheapest ways from all around, searched from
// the goal until the start is reached and no farther. Nodes beyond get lower bounds: from where the search stopped, and from
// landmarks.

import { LandmarkBounds } from "./landmark-bounds.js"
import type { Landmarks } from "./landmarks.js"
import { FrontList } from "./front-list.js"
import type { WeightedGraph } from "./weighted-graph.js"

const NONE = Number.POSITIVE_INFINITY

export class GoalTree {
  readonly #weighted: WeightedGraph
  readonly #bounds: LandmarkBounds | undefined
  readonly #open = new FrontList()
  /** By node, side by side: how far to the goal as found, and from the start at least. */
  readonly #state: Float64Array
  /** By node, the arc that leads on. */
  readonly #next: Int32Array
  readonly #settled: Uint8Array
  readonly #touched: Int32Array
  #touchedCount = 0
  #led = false
  /** Unsettled nodes may be bounded by landmarks, though these do not lead. */
  #bounding = false
  /** How far the tree has come. */
  #far = NONE
  #length = NONE

  constructor(weighted: WeightedGraph, landmarks?: Landmarks) {
    this.#weighted = weighted
    this.#bounds = landmarks === undefined ? undefined : new LandmarkBounds(landmarks)
    this.#state = new Float64Array(weighted.nodeCount * 2).fill(NONE)
    this.#next = new Int32Array(weighted.nodeCount)
    this.#settled = new Uint8Array(weighted.nodeCount)
    this.#touched = new Int32Array(weighted.nodeCount)
  }

  /** From the start to the goal; infinite where no way leads, or the tree ended before. */
  get length(): number {
    return this.#length
  }

  /** Whether landmarks lead the tree to the start almost straight. */
  get isLed(): boolean {
    return this.#bounds?.isSharp === true
  }

  /**
   * Numbers of nodes are those inside the graph. Forgets the tree before.
   *
   * @param radius where the tree ends when it is not led and has not reached the start before.
   */
  grow(start: number, goal: number, radius = NONE): void {
    const { first, arcTo, arcCost, passable, twin } = this.#weighted
    const state = this.#state
    const settled = this.#settled
    const touched = this.#touched
    const open = this.#open
    this.#forget()
    const bounds = this.isLed ? this.#bounds : undefined
    this.#bounding = this.#bounds?.helps === true
    if (this.#bounding) this.#bounds?.aim(start, goal)
    this.#led = bounds !== undefined
    this.#far = NONE
    this.#length = NONE
    open.clear()
    state[goal * 2] = 0
    state[goal * 2 + 1] = bounds === undefined ? 0 : bounds.fromStart(goal)
    touched[0] = goal
    let count = 1
    open.push(goal, state[goal * 2 + 1] ?? 0)
    for (;;) {
      const key = open.leastKey
      if (key > radius) {
        this.#far = key
        break
      }
      const node = open.pop()
      if (node < 0) break
      if (settled[node] === 1) continue
      settled[node] = 1
      if (node === start) {
        this.#far = state[node * 2] ?? NONE
        this.#length = this.#far
        break
      }
      const here = state[node * 2] ?? 0
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const before = arcTo[arc] ?? 0
        const place = before * 2
        const there = here + (arcCost[arc] ?? 0)
        const known = state[place] ?? 0
        if (there >= known) continue
        if (known === NONE) {
          if (passable[before] === 0 && before !== start) continue
          touched[count] = before
          count += 1
          state[place + 1] = bounds === undefined ? 0 : bounds.fromStart(before)
        }
        state[place] = there
        this.#next[before] = twin[arc] ?? -1
        open.push(before, there + (state[place + 1] ?? 0))
      }
    }
    this.#touchedCount = count
  }

  /** Whether `toGo` is the truth, and `next` leads there. */
  isExact(node: number): boolean {
    return this.#settled[node] === 1
  }

  /** At least the cost from a node to the goal; consistent, so that a search led by it need not come back to a node. */
  toGo(node: number): number {
    if (this.#settled[node] === 1) return this.#state[node * 2] ?? 0
    if (!this.#bounding || this.#bounds === undefined) return this.#far
    // What is still open is no nearer to the goal, or where the tree is led to the start and goal together, than where it stopped.
    const beyond = this.#led ? this.#far - this.#bounds.fromStart(node) : this.#far
    const bound = this.#bounds.toGo(node)
    return beyond > bound ? beyond : bound
  }

  /** The arc that leads on towards the goal. */
  next(node: number): number {
    return this.#next[node] ?? -1
  }

  #forget(): void {
    for (let i = 0; i < this.#touchedCount; i += 1) {
      const node = this.#touched[i] ?? 0
      this.#state[node * 2] = NONE
      this.#settled[node] = 0
    }
    this.#touchedCount = 0
  }
}
