// Local search behind an allocation: a demand without a path pushes one other off a path that would do, if that one
// finds another place, or if the exchange carries more.

import type { Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinkPath } from "./path-question.js"

/** Passes over all that is left out; each only runs when the one before gained something. */
const MAX_PASSES = 4

/**
 * Changes `placed` where that carries more.
 *
 * @param placed by demand; undefined where it has no path.
 * @param pathsOf paths worth trying for a demand.
 */
export function makeRoom(
  free: FreeRate,
  demands: readonly Demand[],
  placed: (Share | undefined)[],
  pathsOf: (demand: number) => readonly LinkPath[],
): void {
  const search = new RoomSearch(free, demands, placed)
  for (let pass = 0, gained = true; gained && pass < MAX_PASSES; pass += 1) {
    gained = false
    const out = demands
      .map((demand, number) => ({ demand, number }))
      .filter(({ number }) => placed[number] === undefined)
      .sort((a, b) => b.demand.rateBps - a.demand.rateBps)
    for (const { number } of out) if (search.placeOne(number, pathsOf(number))) gained = true
  }
}

class RoomSearch {
  readonly #free: FreeRate
  readonly #demands: readonly Demand[]
  readonly #placed: (Share | undefined)[]
  /** By link, the demands on it. */
  readonly #users = new Map<number, Set<number>>()

  constructor(free: FreeRate, demands: readonly Demand[], placed: (Share | undefined)[]) {
    this.#free = free
    this.#demands = demands
    this.#placed = placed
    for (const [number, share] of placed.entries())
      if (share !== undefined) this.#use(number, share.path)
  }

  placeOne(number: number, paths: readonly LinkPath[]): boolean {
    const demand = this.#demands[number]
    if (demand === undefined) return false
    const whole = this.#free.widest(demand, demand.rateBps)
    if (whole !== undefined && whole.rateBps >= demand.minRateBps) {
      this.#put(number, whole)
      return true
    }
    for (const path of paths) {
      const short = path.filter((link) => (this.#free.free[link] ?? 0) < demand.minRateBps)
      for (const other of this.#usersOfAll(short))
        if (this.#exchange(number, demand, path, other)) return true
    }
    return false
  }

  #exchange(number: number, demand: Demand, path: LinkPath, other: number): boolean {
    const held = this.#placed[other]
    const owner = this.#demands[other]
    if (held === undefined || owner === undefined) return false
    this.#remove(other, held)
    const rateBps = Math.min(demand.rateBps, this.#free.along(path))
    if (rateBps >= demand.minRateBps) {
      this.#put(number, { path, rateBps })
      const moved = this.#free.widest(owner, owner.rateBps)
      const fits = moved !== undefined && moved.rateBps >= owner.minRateBps
      if ((fits ? moved.rateBps : 0) + rateBps > held.rateBps) {
        if (fits) this.#put(other, moved)
        return true
      }
      this.#remove(number, { path, rateBps })
    }
    this.#put(other, held)
    return false
  }

  #usersOfAll(links: readonly number[]): number[] {
    const [first, ...rest] = links.map((link) => this.#users.get(link) ?? new Set<number>())
    if (first === undefined) return []
    return [...first].filter((number) => rest.every((users) => users.has(number)))
  }

  #put(number: number, share: Share): void {
    this.#free.take(share)
    this.#placed[number] = share
    this.#use(number, share.path)
  }

  #remove(number: number, share: Share): void {
    this.#free.giveBack(share)
    this.#placed[number] = undefined
    for (const link of share.path) this.#users.get(link)?.delete(number)
  }

  #use(number: number, path: LinkPath): void {
    for (const link of path) {
      const users = this.#users.get(link)
      if (users === undefined) this.#users.set(link, new Set([number]))
      else users.add(number)
    }
  }
}
