// A plan on one path each by annealing: a demand is put on a path though others must make way, who then look for another place;
// what a move may lose is by chance, and less and less. The sum a plan carries says little of where to go from it: among plans that
// carry as much, those that take less of dear links have more room for what comes, so what a path costs at the prices of the linear
// program counts too, and less and less as well. Moves are counted, not timed, and chance is a fixed sequence of numbers: the same
// question has the same answer on every machine.

import type { CandidatePaths } from "./candidate-paths.js"
import { Placement } from "./placement.js"
import type { Pair } from "./columns.js"
import type { Demand } from "./demand.js"

/** What a move may lose on average, as a part of the mean rate of a demand: at first and at last. */
const HOT = 0.3
const COLD = 0.03
/** Part of its price that a path costs, at first; nothing at last. */
const PRICED = 1
/** Moves of a demand that may be anyone's; others are of one that is out. */
const ANYONE = 0.5
/** Paths are chosen by what lacks on them, and by chance up to this part of the demand's rate. */
const STRAY = 0.3
/** Who makes way is anybody on the link so often; else the smallest that is enough. */
const ANYBODY = 0.15
/** Others that make way may be this part of the demand's rate more than the move may lose: some find another place. */
const FIND_PLACE = 0.6
/** `told` is called so often. */
const TOLD_EVERY = 4096

export interface AnnealOptions {
  readonly moves: number
  /** Enough is carried: the search ends. Bits per second. */
  readonly enoughBps: number
  /** Told what part of the moves is done. */
  readonly told?: ((part: number) => void) | undefined
}

/** @returns by demand, the number of its path; -1 where it is left out. */
export function annealed(
  candidates: CandidatePaths,
  pairs: readonly Pair[],
  demands: readonly Demand[],
  linkRateBps: Float64Array,
  options: AnnealOptions,
): Int32Array {
  const placement = new Placement(candidates, pairs, demands, linkRateBps)
  return new Annealing(candidates, placement, options).run()
}

class Annealing {
  readonly #candidates: CandidatePaths
  readonly #placement: Placement
  readonly #options: AnnealOptions
  /** Those that may be placed at all. */
  readonly #movable: Int32Array
  readonly #best: Int32Array
  #state = 1
  #temperature: number
  #priced = PRICED
  /** Who has made way in the move in hand, and the paths they had. */
  readonly #gone: number[] = []
  readonly #had: number[] = []

  constructor(candidates: CandidatePaths, placement: Placement, options: AnnealOptions) {
    this.#candidates = candidates
    this.#placement = placement
    this.#options = options
    this.#movable = placement.out.slice(0, placement.outCount)
    this.#best = placement.at.slice()
    let sum = 0
    for (const demand of this.#movable) sum += placement.rateBps[demand] ?? 0
    this.#temperature = (HOT * sum) / Math.max(1, this.#movable.length)
  }

  run(): Int32Array {
    const { moves, enoughBps, told } = this.#options
    const placement = this.#placement
    const cooling = (COLD / HOT) ** (1 / moves)
    let most = 0
    for (let move = 0; move < moves; move += 1) {
      if (placement.outCount === 0 || most >= enoughBps) break
      if (move % TOLD_EVERY === 0) told?.(move / moves)
      this.#temperature *= cooling
      this.#priced = PRICED * (1 - move / moves)
      if (!this.#move() || placement.carriedBps <= most) continue
      most = placement.carriedBps
      this.#best.set(placement.at)
    }
    return this.#best
  }

  /** @returns whether anything was changed. */
  #move(): boolean {
    const placement = this.#placement
    const demand = this.#chance() < ANYONE ? this.#anyOf(this.#movable) : this.#anyOut()
    const path = this.#choosePath(demand)
    if (path < 0) return false
    const { carriedBps, pricedBps } = placement
    const rateBps = placement.rateBps[demand] ?? 0
    const mayLose = -this.#temperature * Math.log(this.#chance() + Number.EPSILON)
    const had = placement.at[demand] ?? -1
    if (had >= 0) placement.take(demand)
    if (this.#makeWay(path, rateBps, rateBps * (1 + FIND_PLACE) + mayLose)) {
      placement.put(demand, path)
      this.#seekPlaces()
      const dearer = placement.pricedBps - pricedBps
      if (placement.carriedBps - carriedBps - this.#priced * dearer >= -mayLose) return true
      placement.take(demand)
    }
    this.#takeBack(demand, had)
    return false
  }

  /** Of the demand's paths, but the one it has, that on which least lacks, with some chance for others; -1 where there is none. */
  #choosePath(demand: number): number {
    const placement = this.#placement
    const { roomBps } = this.#candidates
    const rateBps = placement.rateBps[demand] ?? 0
    const has = placement.at[demand] ?? -1
    const end = placement.end[demand] ?? 0
    let found = -1
    let least = Number.POSITIVE_INFINITY
    for (let path = placement.first[demand] ?? 0; path < end; path += 1) {
      if (path === has || (roomBps[path] ?? 0) < rateBps) continue
      const stray = this.#chance() * STRAY * rateBps
      const lacks = stray + placement.lacksBps(demand, path, least - stray)
      if (lacks >= least) continue
      least = lacks
      found = path
    }
    return found
  }

  /** @returns false when more than `mostBps` would have to make way: then only some of them have. */
  #makeWay(path: number, rateBps: number, mostBps: number): boolean {
    const placement = this.#placement
    const { start, links } = this.#candidates
    this.#gone.length = 0
    this.#had.length = 0
    const end = start[path + 1] ?? 0
    let left = mostBps
    for (let i = start[path] ?? 0; i < end; i += 1) {
      const link = links[i] ?? 0
      for (;;) {
        const lacks = rateBps - (placement.freeBps[link] ?? 0)
        if (lacks <= 0) break
        if (lacks > left || placement.usersOf(link) === 0) return false
        const other = this.#whoGoes(link, lacks)
        this.#gone.push(other)
        this.#had.push(placement.at[other] ?? 0)
        left -= placement.rateBps[other] ?? 0
        placement.take(other)
        if (left < 0) return false
      }
    }
    return true
  }

  #whoGoes(link: number, lacksBps: number): number {
    const placement = this.#placement
    const users = placement.usersOf(link)
    if (this.#chance() < ANYBODY) return placement.user(link, Math.floor(this.#chance() * users))
    let best = -1
    let bestBps = 0
    for (let place = 0; place < users; place += 1) {
      const user = placement.user(link, place)
      const bps = placement.rateBps[user] ?? 0
      // The smallest that is enough; where none is, the greatest.
      const better = bps >= lacksBps ? bestBps < lacksBps || bps < bestBps : bps > bestBps
      if (best >= 0 && !better) continue
      best = user
      bestBps = bps
    }
    return best
  }

  /** Who has made way takes any path with room, the greatest first. */
  #seekPlaces(): void {
    const placement = this.#placement
    const gone = this.#gone
    const order = gone.length > 1 ? gone.toSorted((a, b) => this.#rate(b) - this.#rate(a)) : gone
    for (const demand of order) {
      const first = placement.first[demand] ?? 0
      const count = (placement.end[demand] ?? 0) - first
      const skip = Math.floor(this.#chance() * count)
      for (let i = 0; i < count; i += 1) {
        const path = first + ((i + skip) % count)
        if (!placement.fits(demand, path)) continue
        placement.put(demand, path)
        break
      }
    }
  }

  #takeBack(demand: number, had: number): void {
    const placement = this.#placement
    // All go before any returns: on the way back too, no link is ever over.
    for (const other of this.#gone) if ((placement.at[other] ?? -1) >= 0) placement.take(other)
    for (const [i, other] of this.#gone.entries()) placement.put(other, this.#had[i] ?? 0)
    if (had >= 0) placement.put(demand, had)
  }

  #rate(demand: number): number {
    return this.#placement.rateBps[demand] ?? 0
  }

  #anyOut(): number {
    const { out, outCount } = this.#placement
    return out[Math.floor(this.#chance() * outCount)] ?? 0
  }

  #anyOf(demands: Int32Array): number {
    return demands[Math.floor(this.#chance() * demands.length)] ?? 0
  }

  /** From 0 to 1, as in the local search. */
  #chance(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state / 4294967296
  }
}
