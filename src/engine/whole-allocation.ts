// An allocation in which every demand has one path, close to the optimum: the linear program is driven towards one path
// a demand, then what was left over is placed or makes room for itself.

import { admit } from "./admit.js"
import type { Columns } from "./columns.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import { makeRoom } from "./make-room.js"
import type { LinearSolution } from "./linear-program.js"

const TOLERANCE = 1e-7

/**
 * @param columns of these demands, not yet solved.
 * @param free nothing taken yet; afterwards the allocation is.
 */
export function wholeAllocation(
  free: FreeRate,
  columns: Columns,
  demands: readonly Demand[],
): Allocation {
  const placed: (Share | undefined)[] = demands.map(() => undefined)
  for (const { number, share } of drive(columns, demands)) {
    // What the solver's tolerance adds to a link is not there.
    const rateBps = Math.min(share.rateBps, free.along(share.path))
    if (rateBps < (demands[number]?.minRateBps ?? 0) || rateBps <= 0) continue
    const kept = { path: share.path, rateBps }
    free.take(kept)
    placed[number] = kept
  }
  const left = demands
    .map((demand, number) => ({ demand, number }))
    .filter(({ number }) => placed[number] === undefined)
    .sort((a, b) => b.demand.rateBps - a.demand.rateBps)
  for (const { demand, number } of left)
    placed[number] = admit(free, demand, { split: false, spare: false })[0]
  makeRoom(free, demands, placed, (number) => columns.pathsOf(number))
  return placed.map((share) => (share === undefined ? [] : [share]))
}

interface Placed {
  readonly number: number
  readonly share: Share
}

/**
 * Solves, fixes the path that is nearest to carrying its demand alone, solves again. Paths that cannot are closed.
 *
 * @returns one path each for the demands that got one.
 */
function drive(columns: Columns, demands: readonly Demand[]): Placed[] {
  const fixed = new Set<number>()
  let solution = columns.solve()
  while (solution !== undefined) {
    // Who has one path keeps it: among many optima the solver would else go from one to the next for ever.
    for (const [number, [first, second]] of columns.sharesOf(solution).entries()) {
      const { minRateBps = 0 } = demands[number] ?? {}
      if (first === undefined || second !== undefined || fixed.has(number)) continue
      if (first.rateBps < minRateBps * (1 - TOLERANCE)) continue
      columns.fixPath(first.column, minRateBps * (1 - TOLERANCE))
      fixed.add(number)
    }
    const next = nearestToWhole(columns, solution, demands, fixed)
    if (next === undefined) break
    const { demand, column } = next
    const { minRateBps = 0 } = demands[demand] ?? {}
    columns.fixPath(column, minRateBps * (1 - TOLERANCE))
    fixed.add(demand)
    const then = columns.solve()
    if (then !== undefined && then.objective >= solution.objective - next.rateBps) {
      solution = then
      continue
    }
    columns.giveUp(demand)
    solution = columns.solve()
  }
  if (solution === undefined) return []
  const shares = columns.sharesOf(solution)
  return shares.flatMap((list, number): Placed[] => {
    const [first, second] = list
    if (first === undefined || second !== undefined) return []
    const path = columns.columns[first.column]?.path ?? []
    const { rateBps = 0 } = demands[number] ?? {}
    const whole = first.rateBps >= rateBps * (1 - TOLERANCE)
    return [{ number, share: { path, rateBps: whole ? rateBps : first.rateBps } }]
  })
}

/** Of the demands on several paths, or below their minimum: the path that carries the greatest part of its demand. */
function nearestToWhole(
  columns: Columns,
  solution: LinearSolution,
  demands: readonly Demand[],
  fixed: ReadonlySet<number>,
): { demand: number; column: number; rateBps: number } | undefined {
  let best: { demand: number; column: number; rateBps: number } | undefined
  let bestPart = 0
  for (const [number, shares] of columns.sharesOf(solution).entries()) {
    const demand = demands[number]
    const [first] = shares
    if (demand === undefined || first === undefined || fixed.has(number)) continue
    const sum = shares.reduce((total, { rateBps }) => total + rateBps, 0)
    if (shares.length === 1 && sum >= demand.minRateBps * (1 - TOLERANCE)) continue
    for (const { column, rateBps } of shares) {
      const part = rateBps / demand.rateBps
      if (part <= bestPart) continue
      best = { demand: number, column, rateBps: sum }
      bestPart = part
    }
  }
  return best
}
