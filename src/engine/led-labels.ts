// The cheapest path between two nodes that keeps limits on sums along it, led by landmarks of the cost and of each limited weight: A*
// over labels from one end, of which those are kept that no other at the same node beats in all sums. Buffers are kept between
// searches; only what a search touched is put back.

import type { LandmarkBounds } from "./landmark-bounds.js"
import type { LimitedArcs } from "./limited-arcs.js"
import { FrontList } from "./front-list.js"
import { greatestWithin, isWithin } from "./path-question.js"

const UNKNOWN = -1
const NO_LABEL = -2

export class LedLabels {
  readonly #arcs: LimitedArcs
  readonly #bounds: readonly LandmarkBounds[]
  readonly #open = new FrontList()
  /** By label, side by side: its cost, and each limited sum. */
  #sums: Float64Array
  /** By label, side by side: its node, the arc it came by, the label before it, and the one kept before it at its node. */
  #places: Int32Array
  /** By node, side by side: what is left to pay and to spend at least. */
  readonly #left: Float64Array
  /** By node, the label kept last; `UNKNOWN` where the search has not been, `NO_LABEL` where it has kept none. */
  readonly #last: Int32Array
  readonly #touched: Int32Array
  readonly #ceilings: Float64Array

  /** @param bounds by the landmarks of the cost, then of each limited weight. */
  constructor(arcs: LimitedArcs, bounds: readonly LandmarkBounds[]) {
    const { nodeCount } = arcs.weighted
    const width = arcs.sums + 1
    this.#arcs = arcs
    this.#bounds = bounds
    this.#sums = new Float64Array(256 * width)
    this.#places = new Int32Array(256 * 4)
    this.#left = new Float64Array(nodeCount * width)
    this.#last = new Int32Array(nodeCount).fill(UNKNOWN)
    this.#touched = new Int32Array(nodeCount)
    this.#ceilings = new Float64Array(arcs.sums)
  }

  /**
   * By numbers inside the graph.
   *
   * @param max by limited weight.
   * @param most labels before the search gives up.
   * @returns the links; undefined when there is no such path that costs less than `bound`; or `"tired"` when it gave up.
   */
  find(
    start: number,
    goal: number,
    max: readonly number[],
    bound: number,
    most: number,
  ): number[] | undefined | "tired" {
    const { weighted, sums: limits, spend } = this.#arcs
    const { first, arcTo, arcCost, passable } = weighted
    const width = limits + 1
    const left = this.#left
    const last = this.#last
    const touched = this.#touched
    const open = this.#open
    let sums = this.#sums
    let places = this.#places
    for (const one of this.#bounds) one.aim(start, goal)
    const ceilings = this.#ceilings
    for (let i = 0; i < limits; i += 1) {
      ceilings[i] = greatestWithin(max[i] ?? 0)
      if ((this.#bounds[i + 1]?.toGo(start) ?? 0) > (ceilings[i] ?? 0)) return undefined
    }
    open.clear()
    touched[0] = start
    let touchedCount = 1
    last[start] = NO_LABEL
    sums.fill(0, 0, width)
    places[0] = start
    places[1] = -1
    places[2] = -1
    let size = 1
    open.push(0, 0)
    let found: number[] | undefined | "tired"
    for (;;) {
      const label = open.pop()
      if (label < 0) break
      if (size > most) {
        found = "tired"
        break
      }
      const node = places[label * 4] ?? 0
      if (node === goal) {
        // Bounds on the way let a little more through than is right, lest rounding cost a path.
        if (!keeps(sums, label * width, max)) continue
        found = this.#linksTo(label)
        break
      }
      const base = label * width
      if (label > 0 && isBeaten(sums, places, width, last[node] ?? NO_LABEL, base)) continue
      places[label * 4 + 3] = last[node] ?? NO_LABEL
      last[node] = label
      const here = sums[base] ?? 0
      const end = first[node + 1] ?? 0
      if (size + end - (first[node] ?? 0) > sums.length / width) {
        this.#grow(width)
        sums = this.#sums
        places = this.#places
      }
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        const there = here + (arcCost[arc] ?? 0)
        if (!(there < bound) || next === start) continue
        let kept = last[next] ?? UNKNOWN
        if (kept === UNKNOWN) {
          if (passable[next] === 0 && next !== goal) continue
          touched[touchedCount] = next
          touchedCount += 1
          kept = NO_LABEL
          last[next] = kept
          for (let i = 0; i < width; i += 1)
            left[next * width + i] = this.#bounds[i]?.toGo(next) ?? 0
        }
        const made = size * width
        let within = true
        for (let i = 1; i < width; i += 1) {
          const spent = (sums[base + i] ?? 0) + (spend[arc * limits + i - 1] ?? 0)
          sums[made + i] = spent
          if (spent + (left[next * width + i] ?? 0) > (ceilings[i - 1] ?? 0)) {
            within = false
            break
          }
        }
        if (!within) continue
        const least = there + (left[next * width] ?? 0)
        if (!(least < bound)) continue
        sums[made] = there
        if (isBeaten(sums, places, width, kept, made)) continue
        places[size * 4] = next
        places[size * 4 + 1] = arc
        places[size * 4 + 2] = label
        open.push(size, least)
        size += 1
      }
    }
    for (let i = 0; i < touchedCount; i += 1) last[touched[i] ?? 0] = UNKNOWN
    return found
  }

  #linksTo(label: number): number[] {
    const { arcLink } = this.#arcs.weighted
    const places = this.#places
    const links: number[] = []
    for (let at = label; at > 0; at = places[at * 4 + 2] ?? 0)
      links.push(arcLink[places[at * 4 + 1] ?? -1] ?? -1)
    return links.reverse()
  }

  #grow(width: number): void {
    const labels = (this.#places.length / 4) * 2
    const sums = new Float64Array(labels * width)
    const places = new Int32Array(labels * 4)
    sums.set(this.#sums)
    places.set(this.#places)
    this.#sums = sums
    this.#places = places
  }
}

function keeps(sums: Float64Array, base: number, max: readonly number[]): boolean {
  for (const [i, most] of max.entries()) if (!isWithin(sums[base + i + 1] ?? 0, most)) return false
  return true
}

/** Whether a label kept at the same node is as good in all sums. */
function isBeaten(
  sums: Float64Array,
  places: Int32Array,
  width: number,
  last: number,
  base: number,
): boolean {
  for (let other = last; other >= 0; other = places[other * 4 + 3] ?? NO_LABEL) {
    let i = 0
    while (i < width && (sums[other * width + i] ?? 0) <= (sums[base + i] ?? 0)) i += 1
    if (i === width) return true
  }
  return false
}
