// Which demands of each pair of nodes are carried whole, where the linear program would carry parts of some: it is solved again
// from where it stood, each time with some pairs rounded to what some of their demands are together, the greatest first (a dive).
// Lays nothing out.

import type { Columns, Pair } from "./columns.js"
import type { Demand } from "./demand.js"
import type { LinearSolution } from "./linear-program.js"

export interface WholeDemands {
  readonly solution: LinearSolution
  /** By pair, the numbers of the demands to carry; all of them where they may be carried in parts. */
  readonly chosen: readonly (readonly number[])[]
}

/**
 * Of the pairs that are carried in part, so much is rounded at a time. Which of these ends higher is chance: where pairs are
 * few, the next one is tried too when more than `LOST` of the program's optimum is lost.
 */
const AT_ONCE = [0.2, 0.15] as const
const FEW_PAIRS = 700
const LOST = 1e-3
/** So often at most in a dive. */
const ROUNDS = 40
/** Relative; what the solver's tolerance makes of a sum. */
const TOLERANCE = 1e-6
/** Sums of any of so many demands of a pair are looked at; of more only those of the greatest. */
const MOST_TOGETHER = 6

/** Some demands of a pair together. */
interface Level {
  readonly rateBps: number
  readonly demands: readonly number[]
}

/** A pair that is carried between two levels. */
interface Between {
  readonly pair: number
  readonly below: number
  readonly above: number
  /** How far it is from the lower to the upper one, 0 to 1. */
  readonly part: number
}

/** @param solution of `columns` as they are; bounds of their pairs are changed meanwhile. */
export function wholeDemands(
  columns: Columns,
  demands: readonly Demand[],
  solution: LinearSolution,
): WholeDemands {
  const levels = columns.pairs.map((pair) => levelsOf(pair, demands))
  const dives = levels.length <= FEW_PAIRS ? AT_ONCE : AT_ONCE.slice(0, 1)
  let best = solution
  let bestBps = Number.NEGATIVE_INFINITY
  for (const atOnce of dives) {
    const found = dive(columns, levels, solution, atOnce)
    for (const [pair, { rateBps }] of columns.pairs.entries()) columns.boundPair(pair, 0, rateBps)
    const bps = wholeBps(columns.carriedOf(found), levels)
    if (bps > bestBps) {
      best = found
      bestBps = bps
    }
    if (bestBps >= solution.objective * (1 - LOST)) break
  }
  const carried = columns.carriedOf(best)
  const chosen = columns.pairs.map(
    (pair, number) => levelBelow(levels[number], carried[number] ?? 0)?.demands ?? pair.demands,
  )
  return { solution: best, chosen }
}

/** What is carried whole, bits per second, and all of what may be carried in parts. */
function wholeBps(carried: Float64Array, levels: Levels): number {
  let sum = 0
  for (const [pair, list] of levels.entries())
    sum += levelBelow(list, carried[pair] ?? 0)?.rateBps ?? carried[pair] ?? 0
  return sum
}

/** By pair; undefined where parts are good for something too. */
type Levels = readonly (readonly Level[] | undefined)[]

function dive(
  columns: Columns,
  levels: Levels,
  solution: LinearSolution,
  atOnce: number,
): LinearSolution {
  const low = new Float64Array(levels.length)
  let best = solution
  for (let round = 0; round < ROUNDS; round += 1) {
    const open = betweenLevels(columns.carriedOf(best), levels)
    if (open.length === 0) break
    // Great ones first: what is left to the end, when little can make way, should be small.
    open.sort((a, b) => b.above - b.below - (a.above - a.below))
    const now = open.slice(0, Math.max(2, Math.floor(open.length * atOnce)))
    for (const { pair, part, below } of now)
      if (part < 0.5) columns.boundPair(pair, low[pair] ?? 0, below)
    const next = raised(
      columns,
      now.filter(({ part }) => part >= 0.5),
      low,
    )
    if (next === undefined) break
    best = next
  }
  return best
}

/** With all of these at their upper level, or the first half of them, or none. */
function raised(
  columns: Columns,
  pairs: readonly Between[],
  low: Float64Array,
): LinearSolution | undefined {
  for (let count = pairs.length; ; count >>= 1) {
    const now = pairs.slice(0, count)
    for (const { pair, above } of now) columns.boundPair(pair, above, above)
    const found = columns.resolve()
    if (found !== undefined) {
      for (const { pair, above } of now) low[pair] = above
      return found
    }
    // Not even the nearest alone: it does not get more than below.
    for (const { pair, below } of now) columns.boundPair(pair, low[pair] ?? 0, below)
    if (count === 0) return undefined
  }
}

/** What can be carried of a pair whole, least first; undefined where parts are good for something too. */
function levelsOf({ demands: numbers }: Pair, demands: readonly Demand[]): Level[] | undefined {
  const rate = (number: number): number => demands[number]?.rateBps ?? 0
  if (numbers.some((number) => (demands[number]?.minRateBps ?? 0) < rate(number))) return undefined
  const sorted = numbers.toSorted((a, b) => rate(b) - rate(a))
  let levels: Level[] = [{ rateBps: 0, demands: [] }]
  for (const [place, number] of sorted.entries()) {
    const from = place < MOST_TOGETHER ? levels : levels.slice(-1)
    const more = from.map((level) => ({
      rateBps: level.rateBps + rate(number),
      demands: [...level.demands, number],
    }))
    levels = [...levels, ...more].sort((a, b) => a.rateBps - b.rateBps)
  }
  return levels
}

function betweenLevels(carried: Float64Array, levels: Levels): Between[] {
  const found: Between[] = []
  for (const [pair, list] of levels.entries()) {
    const rateBps = carried[pair] ?? 0
    const below = levelBelow(list, rateBps)?.rateBps
    const above = list?.find((level) => level.rateBps > rateBps * (1 + TOLERANCE))?.rateBps
    if (below === undefined || above === undefined) continue
    const part = (rateBps - below) / (above - below)
    if (part > TOLERANCE) found.push({ pair, below, above, part })
  }
  return found
}

function levelBelow(levels: readonly Level[] | undefined, rateBps: number): Level | undefined {
  return levels?.findLast((level) => level.rateBps <= rateBps * (1 + TOLERANCE)) ?? levels?.[0]
}
