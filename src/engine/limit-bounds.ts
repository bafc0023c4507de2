// What is at least left to pay and to spend from each node to the goal, also by way of each thing that must be passed: exact
// distances from the goal, by which searches that keep limits are led. Measured once for a question.

import type { Limit, PathQuestion } from "./path-question.js"
import type { ShortestPaths } from "./shortest.js"
import type { Waypoint } from "./waypoint.js"

/** By node; infinite where no way leads, or none that keeps the limit. */
export interface LeftAtLeast {
  readonly toGo: Float64Array
  /** By limit. */
  readonly toSpend: readonly Float64Array[]
}

export class LimitBounds {
  readonly #searches: ShortestPaths
  readonly #question: PathQuestion
  readonly #limits: readonly Limit[]
  readonly #direct: LeftAtLeast
  readonly #via = new Map<Waypoint, LeftAtLeast>()

  constructor(
    searches: ShortestPaths,
    question: PathQuestion,
    limits: readonly Limit[],
    waypoints: readonly Waypoint[],
  ) {
    this.#searches = searches
    this.#limits = limits
    // Where a limit cannot be kept from there on, nothing is to be looked for.
    const passableNodes = question.passableNodes.slice()
    const toSpend = limits.map(({ weight, max }) => {
      const spend = searches.distancesTo({ ...question, passableNodes, cost: weight }, max)
      for (const [node, left] of spend.entries())
        if (left === Number.POSITIVE_INFINITY) passableNodes[node] = 0
      return spend
    })
    this.#question = { ...question, passableNodes }
    this.#direct = { toGo: searches.distancesTo(this.#question), toSpend }
    for (const waypoint of waypoints) this.#via.set(waypoint, this.#byWayOf(waypoint))
  }

  /** @param waypoints some of those of the question. */
  of(waypoints: readonly Waypoint[]): LeftAtLeast & { readonly via: readonly LeftAtLeast[] } {
    const via = waypoints.map((waypoint) => this.#via.get(waypoint) ?? this.#direct)
    return { ...this.#direct, via }
  }

  #byWayOf(waypoint: Waypoint): LeftAtLeast {
    const { toGo, toSpend } = this.#direct
    return {
      toGo: this.#searches.distancesVia(this.#question, waypoint, toGo),
      toSpend: this.#limits.map(({ weight, max }, i) =>
        this.#searches.distancesVia(
          { ...this.#question, cost: weight },
          waypoint,
          toSpend[i] ?? toGo,
          max,
        ),
      ),
    }
  }
}
