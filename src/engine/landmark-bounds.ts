// Bounds of landmarks for the searches between one pair of nodes: of all landmarks the few that bound this pair best. Each search
// has its own.

import type { Landmarks } from "./landmarks.js"

const LEADING = 4

/** What bounds must know of a distance to beat a search from both ends, and one from one end, on the networks measured. */
const SHARP = 0.7
const HELPFUL = 0.4

export class LandmarkBounds {
  readonly #landmarks: Landmarks
  readonly #leading = new Int32Array(LEADING)
  readonly #goal = new Float64Array(LEADING)
  readonly #start = new Float64Array(LEADING)
  readonly #distance: Uint32Array
  readonly #stride: number
  #worth = 0

  constructor(landmarks: Landmarks) {
    this.#landmarks = landmarks
    this.#distance = landmarks.distance
    this.#stride = landmarks.count
  }

  /** Whether a search led by the bounds beats one from both ends. */
  get isSharp(): boolean {
    return this.#landmarks.sharpness >= SHARP
  }

  /** Whether they are better than nothing to a search that cannot begin at both ends. */
  get helps(): boolean {
    return this.#landmarks.sharpness >= HELPFUL
  }

  /** Numbers of nodes are those inside the graph. The weights must not change until the search is done. */
  aim(from: number, to: number): void {
    const { count, distance } = this.#landmarks
    let chosen = 0
    for (; chosen < LEADING; chosen += 1) {
      let best = -1
      let most = 0
      for (let mark = 0; mark < count; mark += 1) {
        const gap = Math.abs(
          (distance[to * count + mark] ?? 0) - (distance[from * count + mark] ?? 0),
        )
        if (gap <= most || this.#leads(mark, chosen)) continue
        most = gap
        best = mark
      }
      // Fewer will do: the rest stand for the first once more, or for any.
      if (best < 0) best = chosen > 0 ? (this.#leading[0] ?? 0) : 0
      this.#leading[chosen] = best
      this.#goal[chosen] = distance[to * count + best] ?? 0
      this.#start[chosen] = distance[from * count + best] ?? 0
    }
    this.#worth = this.#landmarks.worth
  }

  /** At least the cost from a node to the goal aimed at. */
  toGo(node: number): number {
    return this.#bound(node, this.#goal)
  }

  /** At least the cost from the start aimed from to a node. */
  fromStart(node: number): number {
    return this.#bound(node, this.#start)
  }

  #bound(node: number, there: Float64Array): number {
    const distance = this.#distance
    const leading = this.#leading
    const base = node * this.#stride
    let most = Math.abs((there[0] ?? 0) - (distance[base + (leading[0] ?? 0)] ?? 0))
    const second = Math.abs((there[1] ?? 0) - (distance[base + (leading[1] ?? 0)] ?? 0))
    const third = Math.abs((there[2] ?? 0) - (distance[base + (leading[2] ?? 0)] ?? 0))
    const fourth = Math.abs((there[3] ?? 0) - (distance[base + (leading[3] ?? 0)] ?? 0))
    if (second > most) most = second
    if (third > most) most = third
    if (fourth > most) most = fourth
    return most * this.#worth
  }

  #leads(mark: number, chosen: number): boolean {
    for (let i = 0; i < chosen; i += 1) if (this.#leading[i] === mark) return true
    return false
  }
}
