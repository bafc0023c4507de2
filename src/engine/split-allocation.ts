// An allocation in which demands may be split over paths, close to the optimum: the linear program, then the demands that
// it leaves below their minimum are raised to it or given up, whichever costs less.

import { admit } from "./admit.js"
import type { Columns } from "./columns.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinearSolution } from "./linear-program.js"

/** Relative; what the solver's tolerance makes of a sum. */
const TOLERANCE = 1e-7
/** Raised together: this part of those below their minimum, those who lack least first. */
const BATCH_PART = 1 / 6

/**
 * @param columns of these demands, not yet solved.
 * @param free nothing taken yet; afterwards the allocation is.
 */
export function splitAllocation(
  free: FreeRate,
  columns: Columns,
  demands: readonly Demand[],
): Allocation {
  const solution = drive(columns, demands)
  const shares =
    solution === undefined ? demands.map(() => []) : sharesOf(columns, solution, demands)
  const placed = shares.map((list) => list.map((share) => fit(free, share)))
  const out = [...demands.entries()]
    .filter(([number]) => placed[number]?.length === 0)
    .sort(([, a], [, b]) => b.rateBps - a.rateBps)
  for (const [number, demand] of out)
    placed[number] = [...admit(free, demand, { split: true, spare: false })]
  return placed
}

/** Takes a share; what rounding adds to a link is not there. */
function fit(free: FreeRate, { path, rateBps }: Share): Share {
  const share = { path, rateBps: Math.min(rateBps, free.along(path)) }
  free.take(share)
  return share
}

function drive(columns: Columns, demands: readonly Demand[]): LinearSolution | undefined {
  const settled = new Set<number>()
  let solution = columns.solve()
  let most = Number.POSITIVE_INFINITY
  while (solution !== undefined) {
    const given = ratesOf(columns, solution)
    // Who has enough keeps it: among many optima the solver would else go from one to the next for ever.
    for (const [number, { minRateBps, rateBps }] of demands.entries()) {
      if (settled.has(number) || (given[number] ?? 0) < minRateBps * (1 - TOLERANCE)) continue
      columns.boundDemand(number, minRateBps * (1 - TOLERANCE), rateBps)
      settled.add(number)
    }
    const low = belowMinimum(demands, given)
    if (low.length === 0) return solution
    const batch = low.slice(0, Math.min(most, Math.ceil(low.length * BATCH_PART)))
    for (const { number, demand } of batch)
      columns.boundDemand(number, demand.minRateBps, demand.rateBps)
    const raised = columns.solve()
    const lost = batch.reduce((sum, { rateBps }) => sum + rateBps, 0)
    // Giving them up would cost at most what they have now.
    if (raised !== undefined && raised.objective >= solution.objective - lost) {
      for (const { number } of batch) settled.add(number)
      solution = raised
      most = Number.POSITIVE_INFINITY
      continue
    }
    for (const { number, demand } of batch) columns.boundDemand(number, 0, demand.rateBps)
    most = Math.floor(batch.length / 2)
    const [first] = batch
    if (most > 0 || first === undefined) continue
    columns.boundDemand(first.number, 0, 0)
    most = Number.POSITIVE_INFINITY
    solution = columns.solve()
  }
  return undefined
}

function ratesOf(columns: Columns, solution: LinearSolution): number[] {
  return columns
    .sharesOf(solution)
    .map((shares) => shares.reduce((sum, { rateBps }) => sum + rateBps, 0))
}

interface BelowMinimum {
  readonly number: number
  readonly demand: Demand
  /** What it has. */
  readonly rateBps: number
}

/** Demands that got something, but less than their minimum; first those that lack the smallest part of it. */
function belowMinimum(demands: readonly Demand[], given: readonly number[]): BelowMinimum[] {
  const part = ({ rateBps, demand }: BelowMinimum): number => rateBps / demand.minRateBps
  return demands
    .map((demand, number) => ({ number, demand, rateBps: given[number] ?? 0 }))
    .filter((one) => one.rateBps > 0 && part(one) < 1 - TOLERANCE)
    .sort((a, b) => part(b) - part(a))
}

function sharesOf(
  columns: Columns,
  solution: LinearSolution,
  demands: readonly Demand[],
): Share[][] {
  return columns.sharesOf(solution).map((shares, number): Share[] => {
    const { rateBps = 0, minRateBps = 0 } = demands[number] ?? {}
    const sum = shares.reduce((total, share) => total + share.rateBps, 0)
    // A rate that the solver's tolerance took from or added to is put right.
    const whole = Math.min(rateBps, Math.max(sum, minRateBps))
    const scale = Math.abs(whole - sum) <= 2 * TOLERANCE * sum ? whole / sum : 1
    return shares.map((share) => ({
      path: columns.columns[share.column]?.path ?? [],
      rateBps: share.rateBps * scale,
    }))
  })
}
