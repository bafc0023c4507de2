// An allocation close to the optimum: the linear program says how much each pair of nodes should get over which paths;
// its demands are laid into these flows, greatest first; a local search places what is left over. It ends within `GAP`
// of the bound, or after so many steps.

import { admit } from "./admit.js"
import type { Columns, Flow, Pair } from "./columns.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinearSolution } from "./linear-program.js"
import { wholeDemands } from "./whole-demands.js"
import { improveAllocation } from "./local-search.js"

/** Part of the bound that may be missing: nearer is not worth the time. */
export const GAP = 2e-4
/**
 * Which optimum the program ends at is chance, and the rest follows from it: a plan that is short of the bound is begun
 * from several, as long as the work of the program stays below `MOST_WORK`, and the best counts. How many, by pairs of
 * nodes; with few pairs all but the first are of a program that begins without guessed prices, since that costs little.
 */
const FEW_PAIRS = { most: 150, starts: 8 } as const
const MORE_PAIRS = { most: 1000, starts: 5 } as const
/**
 * On one path each the search after the first start is by far the longest. Where a later one ends this much lower, as a part of
 * the best, it goes farther than short ones will: no more are begun. Not with few pairs, where optima lie far apart.
 */
const FAR = 5e-3
/** Nor is another begun on one path each where the best is this near to the bound, as a part of it: it would gain less. */
const NEAR = 5e-4
/** In paths times solutions. */
const MOST_WORK = 130_000
/** On one path each the search is all there is after the program; where several are allowed it goes before one over several. */
const FIRST_START = {
  whole: { steps: 15_000, patience: 3000 },
  before: { steps: 2000, patience: 400 },
  several: { steps: 800, patience: 300 },
} as const
/** A step over several paths takes some ten times as long as one over one. */
const LATER_START = {
  whole: { steps: 3000, patience: 600 },
  before: { steps: 3000, patience: 600 },
  several: { steps: 300, patience: 150 },
} as const
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
  const enoughBps = columns.boundBps * (1 - GAP)
  const few = columns.pairs.length <= FEW_PAIRS.most
  const starts = few
    ? FEW_PAIRS.starts
    : columns.pairs.length <= MORE_PAIRS.most
      ? MORE_PAIRS.starts
      : 1
  const before = columns.work
  let other: Columns | undefined
  let shares = none(demands)
  let best = shares
  let bestBps = Number.NEGATIVE_INFINITY
  try {
    for (let start = 0; start < starts && bestBps < enoughBps; start += 1) {
      const spent = columns.work - before + (other?.work ?? 0)
      if (start > 0 && spent + spent / start > MOST_WORK) break
      let from = columns
      let begun = solution
      if (start > 0) {
        const fresh = few && other === undefined
        if (fresh) other = columns.unguessed()
        from = other ?? columns
        begun = fresh ? from.solve(GAP / 2) : from.elsewhere(start)
      }
      for (const share of shares.flat()) free.giveBack(share)
      shares = layOut(free, from, demands, split, begun)
      const effort = start === 0 ? FIRST_START : LATER_START
      const search = (
        several: boolean,
        { steps, patience }: { steps: number; patience: number },
      ) => {
        fillIn(free, demands, shares, several)
        improveAllocation(free, demands, shares, {
          split: several,
          enoughBps,
          steps,
          patience,
          told: (part) => {
            const half = several ? (1 + part) / 2 : split ? part / 2 : part
            told(SOLVING + ((start + half) / starts) * (1 - SOLVING))
          },
        })
      }
      // On one path first, also where several are allowed: it is quick, and often enough.
      search(false, split ? effort.before : effort.whole)
      if (split) search(true, effort.several)
      topUp(free, demands, shares)
      const bps = shares.flat().reduce((sum, { rateBps }) => sum + rateBps, 0)
      const isFar = !few && !split && bps < bestBps * (1 - FAR)
      if (bps > bestBps) {
        bestBps = bps
        best = shares.slice()
      }
      if (isFar || (!split && bestBps >= columns.boundBps * (1 - NEAR))) break
    }
  } finally {
    other?.close()
  }
  for (const share of shares.flat()) free.giveBack(share)
  for (const share of best.flat()) free.take(share)
  return best
}

function none(demands: readonly Demand[]): (readonly Share[])[] {
  return demands.map(() => [])
}

/** What the solution carries, as far as demands fit into it. Over several paths the program says which are whole. */
function layOut(
  free: FreeRate,
  columns: Columns,
  demands: readonly Demand[],
  split: boolean,
  solution: LinearSolution | undefined,
): (readonly Share[])[] {
  const shares = none(demands)
  if (solution === undefined) return shares
  const dived = split ? wholeDemands(columns, demands, solution) : undefined
  const flows = columns.flowsOf(dived?.solution ?? solution)
  for (const [number, pair] of columns.pairs.entries()) {
    const chosen = { ...pair, demands: dived?.chosen[number] ?? pair.demands }
    lay(free, demands, chosen, flows[number] ?? [], split, shares)
  }
  return shares
}

/** Who is left out gets what room there is, greatest first. */
function fillIn(
  free: FreeRate,
  demands: readonly Demand[],
  shares: (readonly Share[])[],
  split: boolean,
): void {
  for (const number of byRate(demands, [...demands.keys()])) {
    const demand = demands[number]
    if (demand !== undefined && shares[number]?.length === 0)
      shares[number] = admit(free, demand, { split, spare: false })
  }
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
