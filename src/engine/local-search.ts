// Makes an allocation carry more, step by step: a demand that was left out is put on a path that takes little from
// others, who are pushed off it, seek another place, and leave room that yet others may use. A step that carries less in
// the end is taken back. Choices are by a fixed sequence of numbers: the same question has the same answer.

import { admit } from "./admit.js"
import type { Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"
import type { LinkPath } from "./path-question.js"

export interface SearchOptions {
  /** Demands may be on several paths. */
  readonly split: boolean
  /** Enough is carried: the search ends. Bits per second. */
  readonly enoughBps: number
  /** Steps at most. */
  readonly steps: number
  /** Steps without a gain before the search gives up. */
  readonly patience: number
  /** The search ends where after so many steps less than this is carried. Bits per second. */
  readonly atLeast?: { readonly step: number; readonly bps: number } | undefined
  /** Told what part of the steps is done, before each. */
  readonly told?: ((part: number) => void) | undefined
}

/** Of those left out, so many are tried in the room that a step has made. */
const OTHERS_TRIED = { whole: 12, split: 3 } as const
/** How often whoever is pushed off is anybody on the link, and not who fits best: one step in so many. */
const ANYBODY_EVERY = 3

/** Changes `shares` and what is taken of `free` with it. */
export function improveAllocation(
  free: FreeRate,
  demands: readonly Demand[],
  shares: (readonly Share[])[],
  options: SearchOptions,
): void {
  const search = new LocalSearch(free, demands, shares, options)
  search.run()
}

class LocalSearch {
  readonly #free: FreeRate
  readonly #demands: readonly Demand[]
  readonly #shares: (readonly Share[])[]
  readonly #options: SearchOptions
  /** By link, the demands on it. */
  readonly #users: Set<number>[]
  readonly #out: number[] = []
  readonly #cost: Float64Array
  #carriedBps = 0
  #state = 1
  /** What the step in hand has changed: a demand and the shares it had. */
  #changed: { readonly number: number; readonly had: readonly Share[] }[] = []

  constructor(
    free: FreeRate,
    demands: readonly Demand[],
    shares: (readonly Share[])[],
    options: SearchOptions,
  ) {
    this.#free = free
    this.#demands = demands
    this.#shares = shares
    this.#options = options
    this.#users = Array.from(free.free, () => new Set<number>())
    this.#cost = new Float64Array(free.free.length)
    for (const [number, list] of shares.entries()) {
      this.#carriedBps += rateOf(list)
      if (list.length === 0) this.#out.push(number)
      for (const { path } of list) for (const link of path) this.#users[link]?.add(number)
    }
  }

  run(): void {
    let most = this.#carriedBps
    let last = 0
    const { steps, patience, enoughBps, atLeast } = this.#options
    for (let step = 0; step < steps && step - last < patience; step += 1) {
      if (this.#out.length === 0 || this.#carriedBps >= enoughBps) return
      if (step === atLeast?.step && most < atLeast.bps) return
      this.#options.told?.(step / steps)
      this.#step(this.#below(this.#out.length))
      if (this.#carriedBps <= most) continue
      most = this.#carriedBps
      last = step
    }
  }

  #step(place: number): void {
    const number = this.#out[place] ?? -1
    const demand = this.#demands[number]
    if (demand === undefined) return
    const before = this.#carriedBps
    this.#changed = []
    const path = this.#leastTaking(demand)
    if (path === undefined) return
    const pushed = this.#pushOff(path, demand.minRateBps)
    const rateBps = Math.min(demand.rateBps, this.#free.along(path))
    if (pushed !== undefined && rateBps >= demand.minRateBps && rateBps > 0) {
      this.#set(number, [{ path, rateBps }])
      pushed.sort((a, b) => this.#rate(b) - this.#rate(a))
      for (const other of pushed) this.#seek(other)
      this.#fillUp(number)
    }
    if (this.#carriedBps < before) this.#takeBack()
    else this.#listOut()
  }

  /** A way for the demand on which least lacks; a little by chance, so that other ways are tried too. */
  #leastTaking(demand: Demand): LinkPath | undefined {
    const least = demand.minRateBps
    for (let link = 0; link < this.#cost.length; link += 1) {
      const lacks = Math.max(0, least - (this.#free.free[link] ?? 0))
      const part = lacks / demand.rateBps
      this.#cost[link] = (part + 0.1) * (0.5 + this.#chance())
    }
    return this.#free.cheapestBy(this.#cost, demand, least)
  }

  /** Whoever must go so that every link has so much free; undefined when that is not enough. */
  #pushOff(path: LinkPath, rateBps: number): number[] | undefined {
    const pushed: number[] = []
    for (const link of path)
      for (;;) {
        const lacks = rateBps - (this.#free.free[link] ?? 0)
        if (lacks <= 0) break
        const other = this.#whoGoes(link, lacks)
        if (other === undefined) return undefined
        this.#set(other, [])
        pushed.push(other)
      }
    return pushed
  }

  #whoGoes(link: number, lacksBps: number): number | undefined {
    const users = this.#users[link]
    if (users === undefined || users.size === 0) return undefined
    const anybody = this.#below(ANYBODY_EVERY) === 0 ? this.#below(users.size) : -1
    let best: number | undefined
    let bestRate = 0
    let place = 0
    for (const user of users) {
      if (place === anybody) return user
      place += 1
      const rateBps = this.#rate(user)
      // The smallest that is enough; where none is, the greatest.
      const better =
        rateBps >= lacksBps ? bestRate < lacksBps || rateBps < bestRate : rateBps > bestRate
      if (best !== undefined && !better) continue
      best = user
      bestRate = rateBps
    }
    return best
  }

  #fillUp(besides: number): void {
    const most = this.#options.split ? OTHERS_TRIED.split : OTHERS_TRIED.whole
    const tries = Math.min(most, this.#out.length)
    const first = this.#below(this.#out.length)
    for (let i = 0; i < tries; i += 1) {
      const other = this.#out[(first + i) % this.#out.length] ?? -1
      if (other !== besides && this.#shares[other]?.length === 0) this.#seek(other)
    }
  }

  #seek(number: number): void {
    const demand = this.#demands[number]
    if (demand === undefined) return
    const found = admit(this.#free, demand, { split: this.#options.split, spare: false })
    if (found.length > 0) this.#set(number, found, true)
  }

  #set(number: number, next: readonly Share[], taken = false): void {
    const had = this.#shares[number] ?? []
    this.#changed.push({ number, had })
    for (const share of had) this.#leave(number, share)
    for (const share of next) {
      if (!taken) this.#free.take(share)
      for (const link of share.path) this.#users[link]?.add(number)
    }
    this.#shares[number] = next
    this.#carriedBps += rateOf(next) - rateOf(had)
  }

  #leave(number: number, share: Share): void {
    this.#free.giveBack(share)
    for (const link of share.path) this.#users[link]?.delete(number)
  }

  #takeBack(): void {
    // All go before any returns: on the way back too, no link is ever over.
    const changed = this.#changed.reverse()
    for (const { number } of changed) {
      for (const share of this.#shares[number] ?? []) this.#leave(number, share)
      this.#carriedBps -= rateOf(this.#shares[number] ?? [])
      this.#shares[number] = []
    }
    const first = new Map(changed.map(({ number, had }) => [number, had]))
    for (const [number, had] of first) this.#set(number, had)
  }

  #listOut(): void {
    let kept = 0
    for (const number of this.#out)
      if (this.#shares[number]?.length === 0) {
        this.#out[kept] = number
        kept += 1
      }
    this.#out.length = kept
    const listed = new Set(this.#out)
    for (const { number } of this.#changed)
      if (this.#shares[number]?.length === 0 && !listed.has(number)) {
        this.#out.push(number)
        listed.add(number)
      }
  }

  #rate(number: number): number {
    return this.#demands[number]?.rateBps ?? 0
  }

  /** From 0 to 1 (a linear congruential sequence: Knuth's MMIX constants cut to 32 bits serve here). */
  #chance(): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0
    return this.#state / 4294967296
  }

  #below(limit: number): number {
    return Math.floor(this.#chance() * limit)
  }
}

function rateOf(shares: readonly Share[]): number {
  let sum = 0
  for (const { rateBps } of shares) sum += rateBps
  return sum
}
