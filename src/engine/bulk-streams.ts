// A schedule for bulk orders that are each carried over one path at a time: in every stretch of time the path with the
// most rate left, or the one before where that is nearly as good. One order after the other, each as early as can be; what
// it takes others do not have. A node feeds an application from one path at a time, so that what a linear program
// (`bulk-schedule.ts`) splits over several paths cannot be carried out; its optimum bounds what this one promises.

import type { Limit, LinkPath } from "./path-question.js"
import { LimitedPaths } from "./limited-path.js"
import type { PathGraph } from "./path-graph.js"
import { Blocks, type ShortestPaths } from "./shortest.js"
import { isWithin, sumAlong } from "./path-question.js"
import { WidestSearch } from "./widest.js"

/** Times are seconds from any zero. */
export interface StreamOrder {
  readonly from: number
  readonly to: number
  readonly volumeBits: number
  /** It runs no faster; as fast as it can where absent. */
  readonly mostBps?: number
  /** Nothing of it is delivered before. */
  readonly notBefore: number
  /** By link: 1 where its key may not go. */
  readonly forbiddenLinks?: Uint8Array
  /** By node: 1 where a path may pass. */
  readonly passableNodes: Uint8Array
  readonly limits: readonly Limit[]
  /** The path its stream stands on: it need not be set up, and may stay where a new one could not pass. */
  readonly standing?: LinkPath
}

export interface StreamPeriod {
  readonly begin: number
  /** Infinity where the order never ends. */
  readonly end: number
  /** A whole number of bits per second. */
  readonly rateBps: number
  readonly path: LinkPath
  /** Seconds at its beginning in which the path is set up and nothing is delivered. */
  readonly setupS: number
}

/** A stretch of time in which every link has one rate left. */
interface Stretch {
  readonly begin: number
  readonly end: number
  readonly leftBps: Float64Array
}

export interface StreamScheduleOptions {
  readonly graph: PathGraph
  readonly searches: ShortestPaths
  /** From a path's first order to its first key. */
  readonly setupS: number
  readonly maxRateBps: number
  /** A path is left for one that has this much more, 0.2 for a fifth. */
  readonly worthMoving: number
}

/** What is left of a network's rates over time, while orders are placed in it one by one. */
export class StreamSchedule {
  readonly #options: StreamScheduleOptions
  readonly #widestSearch: WidestSearch
  /** By link, one each: the fewest links are the least. */
  readonly #ones: Float64Array
  #stretches: Stretch[]

  /** @param times rising; stretch k lasts from `times[k]` to `times[k + 1]`, the last one for ever. */
  constructor(
    options: StreamScheduleOptions,
    times: readonly number[],
    rateBps: readonly Float64Array[],
  ) {
    this.#options = options
    this.#widestSearch = new WidestSearch(options.graph)
    this.#ones = new Float64Array(options.graph.linkCount).fill(1)
    this.#stretches = times.map((begin, k) => ({
      begin,
      end: times[k + 1] ?? Number.POSITIVE_INFINITY,
      leftBps: Float64Array.from(rateBps[k] ?? [], (bps) => Math.max(0, bps)),
    }))
  }

  /** Periods of an order, as early as can be beside those placed before; what is left of them is less by it. */
  place(order: StreamOrder): StreamPeriod[] {
    this.#cutAt(order.notBefore)
    const periods: StreamPeriod[] = []
    let leftBits = order.volumeBits
    for (let k = 0; k < this.#stretches.length && leftBits > 0; k += 1) {
      const stretch = this.#stretches[k]
      if (stretch === undefined || stretch.begin < order.notBefore) continue
      const before = periods.at(-1)
      const current =
        before?.end === stretch.begin
          ? before.path
          : periods.length === 0
            ? order.standing
            : undefined
      const found = this.#widest(order, stretch, current)
      if (found === undefined) continue
      const setupS =
        current !== undefined && sameLinks(current, found.path) ? 0 : this.#options.setupS
      const neededS = setupS + leftBits / found.rateBps
      if (stretch.begin + neededS < stretch.end) this.#cutAt(stretch.begin + neededS)
      const used = this.#stretches[k] ?? stretch
      if (used.end - used.begin <= setupS) continue
      for (const link of found.path)
        used.leftBps[link] = Math.max(0, (used.leftBps[link] ?? 0) - found.rateBps)
      leftBits -= (used.end - used.begin - setupS) * found.rateBps
      // What is lost to rounding of the cut is no bit.
      if (leftBits < 1e-3) leftBits = 0
      periods.push({ ...found, begin: used.begin, end: used.end, setupS })
    }
    return periods
  }

  /** Bits per second left on a link at a time. */
  leftBps(link: number, time: number): number {
    return this.#stretches.findLast(({ begin }) => begin <= time)?.leftBps[link] ?? 0
  }

  #cutAt(time: number): void {
    const k = this.#stretches.findIndex(({ begin, end }) => begin < time && time < end)
    const cut = this.#stretches[k]
    if (cut === undefined) return
    this.#stretches.splice(
      k,
      1,
      { ...cut, end: time },
      { ...cut, begin: time, leftBps: cut.leftBps.slice() },
    )
  }

  #widest(
    order: StreamOrder,
    { leftBps }: Stretch,
    current: LinkPath | undefined,
  ): { readonly path: LinkPath; readonly rateBps: number } | undefined {
    const { worthMoving } = this.#options
    const maxRateBps = Math.min(this.#options.maxRateBps, order.mostBps ?? Number.POSITIVE_INFINITY)
    const rateOf = (path: LinkPath): number =>
      Math.min(maxRateBps, Math.floor(Math.min(...path.map((link) => leftBps[link] ?? 0))))
    const allowed = current !== undefined && this.#keeps(order, current)
    const stay = allowed ? rateOf(current) : 0
    const most = Math.min(maxRateBps, this.#widestSearch.bound(order.from, order.to, leftBps))
    // No path could be so much better that it were worth moving.
    if (current !== undefined && stay >= 1 && stay * (1 + worthMoving) >= most)
      return { path: current, rateBps: stay }
    const path = most < 1 ? undefined : this.#search(order, leftBps)
    const rateBps = path === undefined ? 0 : rateOf(path)
    if (current !== undefined && stay >= 1 && stay * (1 + worthMoving) >= rateBps)
      return { path: current, rateBps: stay }
    return path === undefined ? undefined : { path, rateBps }
  }

  #keeps({ forbiddenLinks, limits }: StreamOrder, path: LinkPath): boolean {
    return (
      path.every((link) => forbiddenLinks?.[link] !== 1) &&
      limits.every(({ weight, max }) => isWithin(sumAlong(path, weight), max))
    )
  }

  /** The path whose scarcest link has most, of those the one with fewest links. */
  #search(order: StreamOrder, leftBps: Float64Array): LinkPath | undefined {
    const { from, to, forbiddenLinks, passableNodes, limits } = order
    const width = this.#widestSearch.width(from, to, leftBps, forbiddenLinks, passableNodes)
    const most = Math.floor(width)
    if (most < 1) return undefined
    if (limits.length === 0) return this.#find(order, usableWith(order, leftBps, most))
    return this.#searchWithin(order, leftBps, most)
  }

  /** The same within limits: by halving what is asked of every link. */
  #searchWithin(order: StreamOrder, leftBps: Float64Array, most: number): LinkPath | undefined {
    const rates = [...new Set(Array.from(leftBps, Math.floor))].filter(
      (bps) => bps >= 1 && bps <= most,
    )
    const rising = rates.sort((a, b) => a - b)
    let best: LinkPath | undefined
    let [low, high] = [0, rising.length - 1]
    while (low <= high) {
      const middle = (low + high) >> 1
      const least = rising[middle] ?? 0
      const path = this.#find(order, usableWith(order, leftBps, least))
      if (path === undefined) high = middle - 1
      else {
        best = path
        low = middle + 1
      }
    }
    return best
  }

  #find(
    { from, to, passableNodes, limits }: StreamOrder,
    usableLinks: Uint8Array,
  ): LinkPath | undefined {
    const { graph, searches } = this.#options
    const question = { from, to, cost: this.#ones, usableLinks, passableNodes }
    const path = searches.find(question)
    if (path === undefined) return undefined
    if (limits.every(({ weight, max }) => isWithin(sumAlong(path, weight), max))) return path
    const limited = new LimitedPaths(graph, searches, question, limits)
    return limited.find(from, [], new Blocks(graph), Number.POSITIVE_INFINITY)
  }
}

function usableWith(
  { forbiddenLinks }: StreamOrder,
  leftBps: Float64Array,
  leastBps: number,
): Uint8Array {
  return Uint8Array.from(leftBps, (bps, link) =>
    bps >= leastBps && forbiddenLinks?.[link] !== 1 ? 1 : 0,
  )
}

/** Bits of periods that are delivered by a time. */
export function bitsBy(periods: readonly StreamPeriod[], time: number): number {
  return periods.reduce((sum, { begin, end, rateBps, setupS }) => {
    const seconds = Math.min(end, time) - begin - setupS
    return seconds > 0 ? sum + seconds * rateBps : sum
  }, 0)
}

function sameLinks(one: LinkPath, other: LinkPath): boolean {
  return one.length === other.length && one.every((link, n) => link === other[n])
}
