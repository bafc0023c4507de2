// A plan on one path each where a plan laid into the program's flows and searched from there ends far from the bound: begun from
// nothing, over the paths that the program knows and some besides, by annealing.

import { annealed } from "./annealing.js"
import { candidatePaths } from "./candidate-paths.js"
import type { Columns } from "./columns.js"
import type { Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinearSolution } from "./linear-program.js"

/** Twice as many gain 0.001 of the bound, ten times as many 0.004, in overload with 500 great demands on 100 nodes. */
const MOVES = 120_000

/** Whether demands are whole or not at all: in parts they are not placed here. */
export function areWhole(demands: readonly Demand[]): boolean {
  return demands.every(({ rateBps, minRateBps }) => minRateBps >= rateBps)
}

/**
 * @param free nothing taken; afterwards the plan is.
 * @param solution of the columns, an optimum.
 */
export function annealedPlan(
  free: FreeRate,
  columns: Columns,
  solution: LinearSolution,
  demands: readonly Demand[],
  options: { readonly enoughBps: number; readonly told: (part: number) => void },
): (readonly Share[])[] {
  const { pairs, capacity } = columns
  const candidates = candidatePaths(columns, columns.pricesOf(solution).link)
  const at = annealed(candidates, pairs, demands, capacity.rateBps, {
    ...options,
    moves: MOVES,
  })
  const shares: (readonly Share[])[] = demands.map(() => [])
  for (const { from, demands: numbers } of pairs)
    for (const number of numbers) {
      const path = candidates.paths[at[number] ?? -1]
      const demand = demands[number]
      if (path === undefined || demand === undefined) continue
      const { rateBps } = demand
      const share = { path: demand.from === from ? path : path.toReversed(), rateBps }
      // A last digit that many moves have added to a link is not there.
      if (free.along(share.path) < rateBps) continue
      free.take(share)
      shares[number] = [share]
    }
  return shares
}
