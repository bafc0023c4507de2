// Rate services on a network that changes: who is admitted over which paths, who moves, who waits. Minima are guaranteed
// out of the rates that links are counted with, and after every event no link carries more than that. What is left is
// shared by `surplus`. Holds no clock: rates come smoothed (steady-rate.ts), stock as a rate (stock-horizon.ts).

import type { Capacity } from "./demand.js"
import { fairShares } from "./fair-share.js"
import { FreeRate } from "./free-rate.js"
import { LinkLedger, type Reserve } from "./link-ledger.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"
import { byPriority, type RateService, ServiceBook } from "./service-book.js"
import {
  type AdmissionPolicy,
  faultOf,
  noRoomFor,
  pathsNeeded,
  type RateTerms,
} from "./service-terms.js"

/**
 * What became of a service in an event:
 * - `admitted`, `refused`, `left`: as it asked
 * - `moved`: to other paths, because it had to; `switched`: to the path that was held ready
 * - `waiting`: it has lost its path or its rate and found no other; `restored`: it has one again
 */
export interface Outcome {
  readonly id: string
  readonly kind: "admitted" | "refused" | "left" | "moved" | "switched" | "waiting" | "restored"
  readonly reason?: string
}

export class Admission {
  readonly #free: FreeRate
  readonly #ledger: LinkLedger
  readonly #book: ServiceBook
  readonly #policy: AdmissionPolicy
  /** By link, what it is counted with when it is up. */
  readonly #rateBps: Float64Array
  readonly #down: Uint8Array

  /** @param capacity rates in whole bits per second; fractions are dropped. */
  constructor(graph: PathGraph, capacity: Capacity, policy: AdmissionPolicy) {
    this.#rateBps = capacity.rateBps.map(Math.floor)
    this.#free = new FreeRate(graph, { ...capacity, rateBps: this.#rateBps })
    this.#ledger = new LinkLedger(this.#free, policy.shareReserve)
    this.#book = new ServiceBook(this.#ledger, graph.linkCount)
    this.#policy = policy
    this.#down = new Uint8Array(graph.linkCount)
  }

  services(): IterableIterator<RateService> {
    return this.#book.all()
  }

  service(id: string): RateService | undefined {
    return this.#book.get(id)
  }

  /** What promises are counted against: nothing while the link is cut. */
  rateOf(link: number): number {
    return this.#free.rateOf(link)
  }

  /** Neither promised nor held for a failure. */
  freeOf = (link: number): number => this.#ledger.freeOf(link)

  /** A service asks for its terms. One that is there already is refused. */
  arrive(id: string, terms: RateTerms): Outcome[] {
    const fault = faultOf(terms)
    if (fault !== undefined) return [{ id, kind: "refused", reason: fault }]
    if (this.#book.get(id) !== undefined)
      return [{ id, kind: "refused", reason: "there is a service of this id" }]
    this.#book.enter(id, terms)
    const outcomes: Outcome[] = []
    const { preempt, headroomShare = 0 } = this.#policy
    if (this.#seek(id, preempt, outcomes, headroomShare) && this.#isProtected(id))
      return [{ id, kind: "admitted" }, ...outcomes]
    this.#book.strike(id)
    this.#retry(outcomes)
    return [{ id, kind: "refused", reason: noRoomFor(terms) }, ...outcomes]
  }

  /** Other terms for a service; where they find no room it keeps what it has, and is told so. */
  change(id: string, terms: RateTerms): Outcome[] {
    const before = this.#book.get(id)
    const fault = before === undefined ? "there is no service of this id" : faultOf(terms)
    if (before === undefined || fault !== undefined)
      return [{ id, kind: "refused", reason: fault ?? "" }]
    this.#release(id)
    this.#book.enter(id, terms)
    const outcomes: Outcome[] = []
    if (this.#stay(before, terms) && this.#isProtected(id)) {
      this.#retry(outcomes)
      return [{ id, kind: "admitted" }, ...outcomes]
    }
    this.#release(id)
    if (this.#seek(id, false, outcomes) && this.#isProtected(id)) {
      this.#retry(outcomes)
      return [{ id, kind: "admitted" }, { id, kind: "moved" }, ...outcomes]
    }
    this.#release(id)
    this.#book.enter(id, before.terms)
    this.#book.setPaths(id, before.paths)
    this.#book.setReserve(id, before.reserve)
    return [{ id, kind: "refused", reason: noRoomFor(terms) }]
  }

  leave(id: string): Outcome[] {
    if (this.#book.get(id) === undefined) return []
    this.#book.strike(id)
    const outcomes: Outcome[] = [{ id, kind: "left" }]
    this.#retry(outcomes)
    return outcomes
  }

  /** A link carries nothing any more. Greater priority finds its new path first. */
  cut(link: number): Outcome[] {
    if (this.#down[link] === 1) return []
    this.#down[link] = 1
    const outcomes: Outcome[] = []
    const hit = this.#book.on(link).sort(byPriority)
    const lost: RateService[] = []
    for (const service of hit) {
      const { id, paths, reserve, terms } = service
      if (reserve?.path.includes(link) === true) this.#book.setReserve(id, undefined)
      const whole = paths.filter((path) => !path.includes(link))
      if (whole.length === paths.length) continue
      // Of 1+1 one path goes on; shares of a tolerance are worth nothing one by one.
      if (terms.protection === "1+1" && whole.length > 0) this.#book.setPaths(id, whole)
      else {
        this.#book.setPaths(id, [])
        lost.push(service)
      }
    }
    this.#free.setRate(link, 0)
    const seeking = lost.filter((service) => !this.#switch(service, outcomes))
    for (const { id } of seeking) this.#book.setReserve(id, undefined)
    for (const { id, terms } of seeking) {
      if (this.#book.get(id)?.paths.length !== 0) continue
      const found = terms.protection !== "none" && this.#seek(id, this.#policy.preempt, outcomes)
      outcomes.push({ id, kind: found ? "moved" : "waiting" })
    }
    this.#protectAgain()
    return outcomes
  }

  mend(link: number): Outcome[] {
    if (this.#down[link] === 0) return []
    this.#down[link] = 0
    return this.#setRate(link, this.#rateBps[link] ?? 0)
  }

  /** The rate that the link is counted with from now on, whole bits per second. */
  drift(link: number, rateBps: number): Outcome[] {
    this.#rateBps[link] = rateBps
    return this.#down[link] === 1 ? [] : this.#setRate(link, rateBps)
  }

  /**
   * Puts a service on other paths, or one that waits on its first: new ones beside old ones, links on both count once.
   *
   * @returns false, and nothing has changed, when they do not fit or do not keep its terms.
   */
  move(id: string, paths: readonly LinkPath[]): boolean {
    const service = this.#book.get(id)
    if (service === undefined || paths.length !== pathsNeeded(service.terms).count) return false
    const { minBps } = service.terms
    const had = new Set(service.paths.flat())
    const fresh = paths.flat().filter((link) => !had.has(link))
    if (fresh.some((link) => this.#down[link] === 1 || this.#ledger.freeOf(link) < minBps))
      return false
    const { reserve } = service
    this.#book.setReserve(id, undefined)
    this.#book.setPaths(id, paths)
    if (this.#protect(id) || reserve === undefined) return true
    this.#book.setPaths(id, service.paths)
    this.#book.setReserve(id, reserve)
    return false
  }

  /**
   * What every service has above its minimum, whole bits per second: max-min fair by weight. Rates held for failures are
   * lent out meanwhile.
   *
   * @param stockBps by link, what its stock adds for now.
   */
  surplus(stockBps?: ArrayLike<number>): Map<string, number> {
    const sharing = [...this.#book.all()].filter(
      ({ paths, terms }) => paths.length > 0 && terms.maxBps > terms.minBps,
    )
    const room = this.#rateBps.map((_, link) =>
      this.#down[link] === 1
        ? 0
        : this.#ledger.freeOf(link) + this.#ledger.heldOn(link) + (stockBps?.[link] ?? 0),
    )
    const shares = fairShares(
      sharing.map(({ paths, terms }) => ({
        paths,
        weight: terms.weight,
        mostBps: terms.maxBps - terms.minBps,
      })),
      room,
    )
    return new Map(sharing.map(({ id }, number) => [id, shares[number] ?? 0]))
  }

  #setRate(link: number, rateBps: number): Outcome[] {
    const outcomes: Outcome[] = []
    const rises = rateBps > this.#free.rateOf(link)
    this.#free.setRate(link, rateBps)
    if (this.#ledger.freeOf(link) < 0) this.#relieve(link, outcomes)
    if (rises) this.#retry(outcomes)
    return outcomes
  }

  /** A link promises more than it makes: reserves go first, then services move off, lesser ones first, and last they wait. */
  #relieve(link: number, outcomes: Outcome[]): void {
    const isOver = (): boolean => this.#ledger.freeOf(link) < 0
    this.#dropReserves([link], isOver)
    const users = this.#book.on(link).sort(byPriority).reverse()
    for (const { id, paths, terms } of users) {
      if (!isOver()) break
      if (terms.minBps === 0 || !paths.flat().includes(link)) continue
      const { reserve } = this.#book.get(id) ?? {}
      this.#release(id)
      if (this.#seek(id, false, outcomes)) outcomes.push({ id, kind: "moved" })
      else {
        this.#book.setPaths(id, paths)
        if (reserve !== undefined && this.#fitsReserve(reserve)) this.#book.setReserve(id, reserve)
      }
    }
    for (const { id, terms } of users) {
      if (!isOver()) break
      if (terms.minBps === 0 || this.#book.get(id)?.paths.flat().includes(link) !== true) continue
      this.#release(id)
      outcomes.push({ id, kind: "waiting", reason: "its link makes less than it promises" })
    }
    this.#retry(outcomes)
  }

  /** To the path that was held; it fits, unless other failures came before. */
  #switch({ id, terms }: RateService, outcomes: Outcome[]): boolean {
    const { reserve } = this.#book.get(id) ?? {}
    if (reserve === undefined) return false
    this.#book.setReserve(id, undefined)
    const lacks = (): boolean =>
      reserve.path.some((link) => this.#ledger.freeOf(link) < terms.minBps)
    // Keys that flow go before rates that are only held.
    this.#dropReserves(reserve.path, lacks)
    if (lacks()) return false
    this.#book.setPaths(id, [reserve.path])
    outcomes.push({ id, kind: "switched" })
    return true
  }

  #dropReserves(links: readonly number[], whileSo: () => boolean): void {
    for (const link of links)
      for (const { id, reserve } of this.#book.on(link).sort(byPriority).reverse()) {
        if (!whileSo()) return
        if (reserve?.path.includes(link) === true) this.#book.setReserve(id, undefined)
      }
  }

  /** @returns whether it has all the paths that its terms ask for, and its reserve where there is room for one. */
  #seek(id: string, preempt: boolean, outcomes: Outcome[], headroomShare = 0): boolean {
    const service = this.#book.get(id)
    if (service === undefined) return false
    const { terms } = service
    const room = (link: number): number =>
      this.#ledger.freeOf(link) - headroomShare * this.#free.rateOf(link)
    const paths = this.#find(terms, (link) => room(link) >= terms.minBps)
    if (paths !== undefined) this.#book.setPaths(id, paths)
    else if (!preempt || !this.#pushIn(id, terms, outcomes)) return false
    this.#protect(id)
    return true
  }

  #find(terms: RateTerms, hasRoom: (link: number) => boolean): readonly LinkPath[] | undefined {
    const { count, kind } = pathsNeeded(terms)
    if (count === 1) {
      const path = this.#free.cheapestWhere(terms, hasRoom)
      return path === undefined ? undefined : [path]
    }
    const paths = this.#free.disjointWhere(terms, count, kind, hasRoom)
    return paths.length < count ? undefined : paths
  }

  /** In place of services of lesser priority, who seek another place then. */
  #pushIn(id: string, terms: RateTerms, outcomes: Outcome[]): boolean {
    const paths = this.#findOverLesser(terms)
    if (paths === undefined) return false
    const pushed: RateService[] = []
    for (const link of paths.flat())
      for (const other of this.#book.on(link).sort(byPriority).reverse()) {
        if (this.#ledger.freeOf(link) >= terms.minBps) break
        if (other.terms.priority >= terms.priority) break
        if (other.terms.minBps === 0 || !other.paths.flat().includes(link)) continue
        pushed.push(other)
        this.#release(other.id)
      }
    this.#book.setPaths(id, paths)
    for (const other of pushed.sort(byPriority)) {
      const found = this.#seek(other.id, true, outcomes)
      const reason = "a service of greater priority took its place"
      outcomes.push({ id: other.id, kind: found ? "moved" : "waiting", reason })
    }
    return true
  }

  /** Over links that would have room without lesser services, the least of them if these are enough. */
  #findOverLesser(terms: RateTerms): readonly LinkPath[] | undefined {
    const others = [...this.#book.all()]
      .filter(({ terms: other }) => other.priority < terms.priority && other.minBps > 0)
      .sort(byPriority)
    const lesser = new Float64Array(this.#rateBps.length)
    while (others.length > 0) {
      const priority = others.at(-1)?.terms.priority
      for (let last = others.at(-1); last?.terms.priority === priority; last = others.at(-1)) {
        others.pop()
        if (last === undefined) break
        for (const link of last.paths.flat()) lesser[link] = (lesser[link] ?? 0) + last.terms.minBps
      }
      const paths = this.#find(
        terms,
        (link) => this.#ledger.freeOf(link) + (lesser[link] ?? 0) >= terms.minBps,
      )
      if (paths !== undefined) return paths
    }
    return undefined
  }

  /** On the paths it had, with other terms; where these need as many. */
  #stay(before: RateService, terms: RateTerms): boolean {
    const { paths } = before
    const same = terms.from === before.terms.from && terms.to === before.terms.to
    const { count, kind } = pathsNeeded(terms)
    if (!same || paths.length !== count || kind !== pathsNeeded(before.terms).kind) return false
    if (paths.flat().some((link) => this.#ledger.freeOf(link) < terms.minBps)) return false
    this.#book.setPaths(before.id, paths)
    this.#protect(before.id)
    return true
  }

  /** A second path or a reserve for a service that should have one. @returns whether it has what its terms ask for. */
  #protect(id: string): boolean {
    const service = this.#book.get(id)
    const [path] = service?.paths ?? []
    if (service === undefined || path === undefined) return false
    const { terms } = service
    const own = new Set(path)
    if (terms.protection === "1+1" && service.paths.length === 1) {
      const second = this.#free.cheapestWhere(
        terms,
        (link) => !own.has(link) && this.#ledger.freeOf(link) >= terms.minBps,
      )
      if (second !== undefined) this.#book.setPaths(id, [path, second])
    }
    if (terms.protection === "reserved" && service.reserve === undefined) {
      const part = { instead: path, rateBps: terms.minBps }
      const held = this.#free.cheapestWhere(
        terms,
        (link) => !own.has(link) && this.#ledger.freeOf(link) >= this.#ledger.moreFor(link, part),
      )
      if (held !== undefined) this.#book.setReserve(id, { ...part, path: held })
    }
    return this.#isProtected(id)
  }

  #isProtected(id: string): boolean {
    return this.#book.get(id) !== undefined && !this.#book.isUnprotected(id)
  }

  #fitsReserve(reserve: Reserve): boolean {
    return reserve.path.every(
      (link) => this.#ledger.freeOf(link) >= this.#ledger.moreFor(link, reserve),
    )
  }

  #protectAgain(): void {
    for (const { id } of this.#book.unprotected().sort(byPriority)) this.#protect(id)
  }

  /** There is room again: who waits tries, greater priority first; nobody is pushed for it. */
  #retry(outcomes: Outcome[]): void {
    for (const { id } of this.#book.waiting().sort(byPriority))
      if (this.#seek(id, false, outcomes)) outcomes.push({ id, kind: "restored" })
    this.#protectAgain()
  }

  #release(id: string): void {
    this.#book.setReserve(id, undefined)
    this.#book.setPaths(id, [])
  }
}
