// An allocation close to the optimum: the linear program says how much each pair of nodes should get over which paths;
// its demands are laid into these flows, greatest first; a local search places what is left over. It ends within `GAP`
// of the bound, or after so many steps.

import { admit } from "./admit.js"
import { annealedPlan, areWhole } from "./annealed-plan.js"
import type { Columns, Flow, Pair } from "./columns.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinearSolution } from "./linear-program.js"
import { wholeDemands } from "./whole-demands.js"
import { improveAllocation, type SearchOptions } from "./local-search.js"

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
/**
 * On one path each, with more than a few pairs: where after so many steps the first start is short of the bound by more than this, as a
 * part of it, no search from there nor from another optimum comes as near as annealing. Plans that end nearer are nearer by then.
 */
const LOOK = 1000
const SHORT = 1e-2
/** Over all paths there are, which annealing has not. */
const AFTER_ANNEALING = { steps: 1000, patience: 300 } as const
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
  before: { steps: 2000, patience: 400 },
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
  return new Planning(free, columns, demands, split, told, solution).run()
}

class Planning {
  readonly #free: FreeRate
  readonly #columns: Columns
  readonly #demands: readonly Demand[]
  readonly #split: boolean
  readonly #told: (part: number) => void
  readonly #solution: LinearSolution | undefined
  readonly #enoughBps: number
  readonly #isFew: boolean
  readonly #starts: number
  /** Of the program before the first start. */
  readonly #before: number
  /** A program begun without guessed prices. */
  #other: Columns | undefined
  #shares: (readonly Share[])[]
  #best: Allocation
  #bestBps = Number.NEGATIVE_INFINITY

  constructor(
    free: FreeRate,
    columns: Columns,
    demands: readonly Demand[],
    split: boolean,
    told: (part: number) => void,
    solution: LinearSolution | undefined,
  ) {
    this.#free = free
    this.#columns = columns
    this.#demands = demands
    this.#split = split
    this.#told = told
    this.#solution = solution
    this.#enoughBps = columns.boundBps * (1 - GAP)
    const pairs = columns.pairs.length
    this.#isFew = pairs <= FEW_PAIRS.most
    this.#starts = this.#isFew ? FEW_PAIRS.starts : pairs <= MORE_PAIRS.most ? MORE_PAIRS.starts : 1
    this.#before = columns.work
    this.#shares = none(demands)
    this.#best = this.#shares
  }

  run(): Allocation {
    try {
      for (let start = 0; start < this.#starts && this.#bestBps < this.#enoughBps; start += 1) {
        const spent = this.#columns.work - this.#before + (this.#other?.work ?? 0)
        if (start > 0 && spent + spent / start > MOST_WORK) break
        if (!this.#begin(start)) break
      }
    } finally {
      this.#other?.close()
    }
    for (const share of this.#shares.flat()) this.#free.giveBack(share)
    for (const share of this.#best.flat()) this.#free.take(share)
    return this.#best
  }

  /** @returns whether another start may gain. */
  #begin(start: number): boolean {
    const [from, begun] = this.#startOf(start)
    this.#clear()
    this.#shares = layOut(this.#free, from, this.#demands, this.#split, begun)
    if (this.#split) this.#overSeveral(start)
    else if (!this.#overOne(start)) return !this.#annealed()
    const before = this.#bestBps
    const bps = this.#keep()
    const isFar = !this.#isFew && !this.#split && bps < before * (1 - FAR)
    return !isFar && (this.#split || this.#bestBps < this.#columns.boundBps * (1 - NEAR))
  }

  #startOf(start: number): readonly [Columns, LinearSolution | undefined] {
    if (start === 0) return [this.#columns, this.#solution]
    if (!this.#isFew) return [this.#columns, this.#columns.elsewhere(start)]
    if (this.#other !== undefined) return [this.#other, this.#other.elsewhere(start)]
    this.#other = this.#columns.unguessed()
    return [this.#other, this.#other.solve(GAP / 2)]
  }

  /** On one path first: it is quick, and often enough. */
  #overSeveral(start: number): void {
    const { before, several } = start === 0 ? FIRST_START : LATER_START
    this.#search(before, (part) => (start + part / 2) / this.#starts)
    this.#search(several, (part) => (start + (1 + part) / 2) / this.#starts, { split: true })
  }

  /** @returns false where annealing will do better: the search was ended early then. */
  #overOne(start: number): boolean {
    const { whole } = start === 0 ? FIRST_START : LATER_START
    const bps = this.#columns.boundBps * (1 - SHORT)
    const mayEnd = start === 0 && !this.#isFew && areWhole(this.#demands)
    this.#search(whole, (part) => (start + part) / this.#starts, {
      atLeast: mayEnd ? { bps, step: LOOK } : undefined,
    })
    return !mayEnd || bpsOf(this.#shares) >= bps
  }

  /** A plan begun from nothing, beside the one at hand; true. */
  #annealed(): boolean {
    if (this.#solution === undefined) return true
    this.#keep()
    this.#clear()
    this.#shares = annealedPlan(this.#free, this.#columns, this.#solution, this.#demands, {
      enoughBps: this.#enoughBps,
      told: (part) => {
        this.#told(SOLVING + part * (1 - SOLVING))
      },
    })
    this.#search(AFTER_ANNEALING)
    this.#keep()
    return true
  }

  #search(
    effort: { readonly steps: number; readonly patience: number },
    partOf?: (part: number) => number,
    options: Pick<SearchOptions, "atLeast"> & { readonly split?: boolean } = {},
  ): void {
    const { split = false, atLeast } = options
    fillIn(this.#free, this.#demands, this.#shares, split)
    improveAllocation(this.#free, this.#demands, this.#shares, {
      ...effort,
      atLeast,
      split,
      enoughBps: this.#enoughBps,
      told: (part) => {
        if (partOf !== undefined) this.#told(SOLVING + partOf(part) * (1 - SOLVING))
      },
    })
  }

  #clear(): void {
    for (const share of this.#shares.flat()) this.#free.giveBack(share)
    this.#shares = none(this.#demands)
  }

  /** The plan at hand counts if it is the best. @returns what it carries, bits per second. */
  #keep(): number {
    topUp(this.#free, this.#demands, this.#shares)
    const bps = bpsOf(this.#shares)
    if (bps > this.#bestBps) {
      this.#bestBps = bps
      this.#best = this.#shares.slice()
    }
    return bps
  }
}

function bpsOf(shares: Allocation): number {
  return shares.flat().reduce((sum, { rateBps }) => sum + rateBps, 0)
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
