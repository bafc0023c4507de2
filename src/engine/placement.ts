// Which demand is on which of its candidate paths, one path each, whole or not at all; what that leaves of each link and who is
// on it. Flat arrays, so that a demand is put on a path or taken off it in a fraction of a microsecond. Chooses nothing.

import type { CandidatePaths } from "./candidate-paths.js"
import type { Pair } from "./columns.js"
import type { Demand } from "./demand.js"

export class Placement {
  /** By demand, its path; -1 where it is out. Changed by `put` and `take` only. */
  readonly at: Int32Array
  /** By demand. */
  readonly rateBps: Float64Array
  /** Paths of demand d: `first[d]` to `end[d]`, exclusive; none where no path would have room for it alone. */
  readonly first: Int32Array
  readonly end: Int32Array
  /** By link. */
  readonly freeBps: Float64Array
  /** The first `outCount` are out, of those that have a path. */
  readonly out: Int32Array
  outCount = 0
  carriedBps = 0
  /** What is carried at the prices of the links it takes. */
  pricedBps = 0
  readonly #candidates: CandidatePaths
  /** By demand, where it is in `out`. */
  readonly #outPlace: Int32Array
  /** Users of link l: from `#firstUser[l]`, so many as `#userCount[l]`; each a demand and how far along its path the link is. */
  readonly #users: Int32Array
  readonly #firstUser: Int32Array
  readonly #userCount: Int32Array
  /** By demand and place along its path, where among the users of that link it is. */
  readonly #userPlace: Int32Array
  readonly #most: number

  constructor(
    candidates: CandidatePaths,
    pairs: readonly Pair[],
    demands: readonly Demand[],
    linkRateBps: Float64Array,
  ) {
    this.#candidates = candidates
    this.rateBps = Float64Array.from(demands, ({ rateBps }) => rateBps)
    this.freeBps = linkRateBps.slice()
    this.at = new Int32Array(demands.length).fill(-1)
    this.first = new Int32Array(demands.length)
    this.end = new Int32Array(demands.length)
    this.out = new Int32Array(demands.length)
    this.#outPlace = new Int32Array(demands.length)
    for (const [number, pair] of pairs.entries())
      for (const demand of pair.demands) this.#give(demand, number)
    this.#most = candidates.paths.reduce((most, path) => Math.max(most, path.length), 1)
    this.#userPlace = new Int32Array(demands.length * this.#most)
    this.#userCount = new Int32Array(linkRateBps.length)
    this.#firstUser = this.#roomForUsers(pairs)
    this.#users = new Int32Array(this.#firstUser.at(-1) ?? 0)
  }

  put(demand: number, path: number): void {
    const { start, links, price } = this.#candidates
    const bps = this.rateBps[demand] ?? 0
    const begin = start[path] ?? 0
    const hops = (start[path + 1] ?? 0) - begin
    for (let hop = 0; hop < hops; hop += 1) {
      const link = links[begin + hop] ?? 0
      const count = this.#userCount[link] ?? 0
      const entry = demand * this.#most + hop
      this.freeBps[link] = (this.freeBps[link] ?? 0) - bps
      this.#users[(this.#firstUser[link] ?? 0) + count] = entry
      this.#userPlace[entry] = count
      this.#userCount[link] = count + 1
    }
    this.at[demand] = path
    this.carriedBps += bps
    this.pricedBps += bps * (price[path] ?? 0)
    this.#leaveOut(demand)
  }

  take(demand: number): void {
    const { start, links, price } = this.#candidates
    const path = this.at[demand] ?? 0
    const bps = this.rateBps[demand] ?? 0
    const begin = start[path] ?? 0
    const hops = (start[path + 1] ?? 0) - begin
    for (let hop = 0; hop < hops; hop += 1) {
      const link = links[begin + hop] ?? 0
      const last = (this.#userCount[link] ?? 0) - 1
      const from = this.#firstUser[link] ?? 0
      const place = this.#userPlace[demand * this.#most + hop] ?? 0
      const moved = this.#users[from + last] ?? 0
      this.freeBps[link] = (this.freeBps[link] ?? 0) + bps
      this.#users[from + place] = moved
      this.#userPlace[moved] = place
      this.#userCount[link] = last
    }
    this.at[demand] = -1
    this.carriedBps -= bps
    this.pricedBps -= bps * (price[path] ?? 0)
    this.#enterOut(demand)
  }

  fits(demand: number, path: number): boolean {
    const { start, links } = this.#candidates
    const bps = this.rateBps[demand] ?? 0
    const end = start[path + 1] ?? 0
    for (let i = start[path] ?? 0; i < end; i += 1)
      if ((this.freeBps[links[i] ?? 0] ?? 0) < bps) return false
    return true
  }

  /** What lacks for the demand on the links of the path, together; some amount from `most` on where it is as much. */
  lacksBps(demand: number, path: number, most: number): number {
    const { start, links } = this.#candidates
    const bps = this.rateBps[demand] ?? 0
    const end = start[path + 1] ?? 0
    let sum = 0
    for (let i = start[path] ?? 0; i < end && sum < most; i += 1) {
      const lacks = bps - (this.freeBps[links[i] ?? 0] ?? 0)
      if (lacks > 0) sum += lacks
    }
    return sum
  }

  /** @returns who is on the link, by a number below `usersOf(link)`. */
  user(link: number, place: number): number {
    return Math.floor((this.#users[(this.#firstUser[link] ?? 0) + place] ?? 0) / this.#most)
  }

  usersOf(link: number): number {
    return this.#userCount[link] ?? 0
  }

  /** Paths of the pair, if one of them would have room for the demand alone. */
  #give(demand: number, pair: number): void {
    const { first, roomBps } = this.#candidates
    const begin = first[pair] ?? 0
    const end = first[pair + 1] ?? 0
    const bps = this.rateBps[demand] ?? 0
    const some = roomBps.subarray(begin, end).some((room) => room >= bps)
    if (!some || bps <= 0) return
    this.first[demand] = begin
    this.end[demand] = end
    this.#enterOut(demand)
  }

  #enterOut(demand: number): void {
    this.#outPlace[demand] = this.outCount
    this.out[this.outCount] = demand
    this.outCount += 1
  }

  #leaveOut(demand: number): void {
    this.outCount -= 1
    const last = this.out[this.outCount] ?? 0
    const place = this.#outPlace[demand] ?? 0
    this.out[place] = last
    this.#outPlace[last] = place
  }

  /** A link has at most the demands of all pairs that have a path over it. */
  #roomForUsers(pairs: readonly Pair[]): Int32Array {
    const { first, paths } = this.#candidates
    const from = new Int32Array(this.freeBps.length + 1)
    for (const [number, { demands }] of pairs.entries())
      for (const link of new Set(paths.slice(first[number], first[number + 1]).flat()))
        from[link + 1] = (from[link + 1] ?? 0) + demands.length
    for (let link = 1; link < from.length; link += 1)
      from[link] = (from[link] ?? 0) + (from[link - 1] ?? 0)
    return from
  }
}
