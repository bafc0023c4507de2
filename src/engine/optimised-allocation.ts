// An allocation close to the optimum: the linear program says how much each pair of nodes should get over which paths;
// its demands are laid into these flows, greatest first; a local search places what is left over. It ends within `GAP`
// of the bound, or after so many steps.

import { admit } from "./admit.js"
import type { Columns, Flow, Pair } from "./columns.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import { wholeDemands } from "./whole-demands.js"
import { improveAllocation } from "./local-search.js"

/** Part of the bound that may be missing: nearer is not worth the time. */
export const GAP = 2e-4
/** On one path each the search is all there is after the program; where several are allowed it goes before one over several. */
const WHOLE_EFFORT = { steps: 15_000, patience: 3000 } as const
const FIRST_EFFORT = { steps: 2000, patience: 400 } as const
/** A step over several paths takes some ten times as long as one over one. */
const SPLIT_EFFORT = { steps: 800, patience: 300 } as const
/** Part of the time that the program takes, roughly; the search has the rest. */
const SOLVING = 0.5
/** Relative; what the solver's tolerance makes of a sum. */
const TOLERANCE = 1e-7

/**
 * @param columns of these demands, not yet solved.
 * @param free nothing taken yet; afterwards the allocation is.
 * @param split demands may be on several paths.
 * @param told what part of the work is done, as it goes on.
 */
export function optimisedAllocation(
  free: FreeRate,
  columns: Columns,
  demands: readonly Demand[],
  split: boolean,
  told: (part: number) => void = () => undefined,
): Allocation {
  const solution = columns.solve(GAP / 2, (part) => {
    told(part * SOLVING)
  })
  // Over several paths a whole demand is as good as parts of two: which, the program can say itself.
  const dived =
    split && solution !== undefined ? wholeDemands(columns, demands, solution) : undefined
  const laid = dived?.solution ?? solution
  const flows = laid === undefined ? [] : columns.flowsOf(laid)
  const shares: (readonly Share[])[] = demands.map(() => [])
  for (const [number, pair] of columns.pairs.entries())
    lay(
      free,
      demands,
      { ...pair, demands: dived?.chosen[number] ?? pair.demands },
      flows[number] ?? [],
      split,
      shares,
    )
  const enoughBps = columns.boundBps * (1 - GAP)
  // On one path first, also where several are allowed: it is quick, and often enough.
  for (const several of split ? [false, true] : [false]) {
    for (const number of byRate(demands, [...demands.keys()])) {
      const demand = demands[number]
      if (demand !== undefined && shares[number]?.length === 0)
        shares[number] = admit(free, demand, { split: several, spare: false })
    }
    const effort = several ? SPLIT_EFFORT : split ? FIRST_EFFORT : WHOLE_EFFORT
    const before = several ? (1 + SOLVING) / 2 : SOLVING
    const share = split ? (1 - SOLVING) / 2 : 1 - SOLVING
    improveAllocation(free, demands, shares, {
      split: several,
      enoughBps,
      ...effort,
      told: (part) => {
        told(before + part * share)
      },
    })
  }
  topUp(free, demands, shares)
  return shares
}

/** Demands of one pair into what its paths are to carry, greatest first. */
function lay(
  free: FreeRate,
  demands: readonly Demand[],
  pair: Pair,
  flows: readonly Flow[],
  split: boolean,
  shares: (readonly Share[])[],
): void {
  const left = flows.map(({ path, rateBps }) => ({ path, rateBps }))
  for (const number of byRate(demands, pair.demands)) {
    const demand = demands[number]
    if (demand === undefined) continue
    left.sort((a, b) => b.rateBps - a.rateBps)
    const enough = demand.rateBps * (1 - TOLERANCE)
    // On one path where that does: of those the one with least left, so that the others keep theirs.
    const whole = left.findLast(({ rateBps }) => rateBps >= enough)
    const over = whole !== undefined ? [whole] : split ? left : left.slice(0, 1)
    const parts: { flow: (typeof left)[number]; rateBps: number }[] = []
    let lacks = demand.rateBps
    for (const flow of over) {
      // A flow that is short of the rest by the solver's tolerance carries all of it.
      const rateBps = flow.rateBps >= lacks * (1 - TOLERANCE) ? lacks : flow.rateBps
      if (rateBps <= 0) break
      parts.push({ flow, rateBps })
      lacks -= rateBps
    }
    if (lacks === 0) roundUp(parts, demand.rateBps)
    if (parts.length === 0 || demand.rateBps - lacks < demand.minRateBps) continue
    const forth = demand.from === pair.from
    const placed = takeAll(
      free,
      demand,
      parts.map(({ flow, rateBps }) => ({
        path: forth ? flow.path : flow.path.toReversed(),
        rateBps,
      })),
    )
    if (placed.length === 0) continue
    shares[number] = placed
    for (const { flow, rateBps } of parts) flow.rateBps = Math.max(0, flow.rateBps - rateBps)
  }
}

/** Parts that are the whole by subtraction may be a last digit less by addition: that digit is put to the last. */
function roundUp(parts: readonly { rateBps: number }[], rateBps: number): void {
  const last = parts.at(-1)
  if (last === undefined) return
  for (let more = rateBps * Number.EPSILON; ; more *= 2) {
    if (parts.reduce((sum, part) => sum + part.rateBps, 0) >= rateBps) return
    last.rateBps += more
  }
}

/** What rounding adds to a link is not there; who would get less than the minimum by that gets nothing. */
function takeAll(free: FreeRate, demand: Demand, parts: readonly Share[]): readonly Share[] {
  const taken: Share[] = []
  let sum = 0
  for (const { path, rateBps } of parts) {
    const share = { path, rateBps: Math.min(rateBps, free.along(path)) }
    if (share.rateBps <= 0) continue
    free.take(share)
    taken.push(share)
    sum += share.rateBps
  }
  if (sum >= demand.minRateBps) return taken
  for (const share of taken) free.giveBack(share)
  return []
}

/** Who has less than wanted gets what is free along a path of its own. */
function topUp(free: FreeRate, demands: readonly Demand[], shares: (readonly Share[])[]): void {
  for (const [number, list] of shares.entries()) {
    const [first, ...rest] = list
    if (first === undefined) continue
    const has = list.reduce((sum, { rateBps }) => sum + rateBps, 0)
    const more = Math.min((demands[number]?.rateBps ?? 0) - has, free.along(first.path))
    if (more <= 0) continue
    free.take({ path: first.path, rateBps: more })
    shares[number] = [{ path: first.path, rateBps: first.rateBps + more }, ...rest]
  }
}

function byRate(demands: readonly Demand[], numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => (demands[b]?.rateBps ?? 0) - (demands[a]?.rateBps ?? 0))
}
