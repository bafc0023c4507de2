// Better places for services that stand: moves that let others in who wait, or that spare links. Every move is made before
// it is broken: in each state on the way old and new path of the service in hand fit together, links on both counting
// once. Nobody who stands loses anything. The linear program says where services should be and how much could be
// carried at best; moves are taken only where what they gain is worth them, and no more than so many.

import { Columns, type Flow } from "./columns.js"
import type { Capacity, Demand } from "./demand.js"
import { FreeRate } from "./free-rate.js"
import type { MakeLinearProgram } from "./linear-program.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"
import type { ShortestPaths } from "./shortest.js"

export interface StandingService {
  readonly from: number
  readonly to: number
  /** Guaranteed: what it takes of every link on its path. More than zero. */
  readonly rateBps: number
  /** None while it waits. */
  readonly path?: LinkPath
  /** Greater goes first among those that wait. */
  readonly priority: number
  /**
   * Only these will do, best first: the links that each would take, of one path or of several at once. Absent: any path
   * with room.
   */
  readonly choices?: readonly LinkPath[]
  /** It is moved only where that lets another in, never to spare links. */
  readonly onlyForOthers?: boolean
}

export interface ReoptimiseQuestion {
  readonly graph: PathGraph
  readonly capacity: Capacity
  /** By link, taken or held by what must not be moved. */
  readonly fixedBps: Float64Array
  readonly services: readonly StandingService[]
}

export interface ReoptimiseTerms {
  /** Moves in one plan. */
  readonly maxMoves: number
  /** What moving a bit per second costs: so many bits per second must be gained for it. */
  readonly moveCost: number
}

export const REOPTIMISE_TERMS: ReoptimiseTerms = { maxMoves: 20, moveCost: 0.25 }

export interface Step {
  readonly service: number
  /** Absent when it comes in. */
  readonly from?: LinkPath
  readonly to: LinkPath
  /** Steps that belong together have one number: what the last of them gains pays for all. */
  readonly group: number
}

export interface MovePlan {
  /** To be taken in this order. */
  readonly steps: readonly Step[]
  readonly carriedBps: { readonly before: number; readonly after: number }
  /** Over all links, what services take of them. */
  readonly linkBps: { readonly before: number; readonly after: number }
  /** Whatever moved, more could not be carried. */
  readonly boundBps: number
}

/** How far a service may have others moved so that it can move. */
const DEPTH = 2
/** Ways tried for one that waits. */
const WAYS = 4

export function planMoves(
  question: ReoptimiseQuestion,
  searches: ShortestPaths,
  make: MakeLinearProgram,
  terms: ReoptimiseTerms = REOPTIMISE_TERMS,
): MovePlan {
  return new Reoptimisation(question, searches, make, terms).run()
}

class Reoptimisation {
  readonly #services: readonly StandingService[]
  readonly #terms: ReoptimiseTerms
  readonly #free: FreeRate
  readonly #paths: (LinkPath | undefined)[]
  readonly #on: Set<number>[]
  /** By service, where the linear program has services between its nodes. */
  readonly #flows: (readonly Flow[])[]
  readonly #boundBps: number
  #steps: Step[] = []
  #group = 0
  #moves = 0

  constructor(
    { graph, capacity, fixedBps, services }: ReoptimiseQuestion,
    searches: ShortestPaths,
    make: MakeLinearProgram,
    terms: ReoptimiseTerms,
  ) {
    this.#services = services
    this.#terms = terms
    this.#free = new FreeRate(graph, capacity)
    for (const [link, rateBps] of fixedBps.entries()) this.#free.take({ path: [link], rateBps })
    const left: Capacity = { ...capacity, rateBps: this.#free.free.map((bps) => Math.max(0, bps)) }
    this.#paths = services.map(({ path }) => path)
    this.#on = Array.from(fixedBps, () => new Set<number>())
    for (const [number, path] of this.#paths.entries())
      if (path !== undefined) this.#enter(number, path)
    const demands: Demand[] = services.map(({ from, to, rateBps }) => ({
      from,
      to,
      rateBps,
      minRateBps: rateBps,
    }))
    const columns = new Columns(graph, searches, left, demands, make)
    try {
      const solution = columns.solve()
      const flows = solution === undefined ? [] : columns.flowsOf(solution)
      this.#boundBps = columns.boundBps
      this.#flows = services.map(() => [])
      for (const [pair, { demands: members, from }] of columns.pairs.entries())
        for (const member of members)
          this.#flows[member] = (flows[pair] ?? []).map(({ path, rateBps }) => ({
            path: services[member]?.from === from ? path : path.toReversed(),
            rateBps,
          }))
    } finally {
      columns.close()
    }
  }

  run(): MovePlan {
    const before = this.#figures()
    const waiting = [...this.#services.keys()]
      .filter((number) => this.#paths[number] === undefined)
      .sort((a, b) => this.#priority(b) - this.#priority(a) || this.#rate(b) - this.#rate(a))
    for (const number of waiting) this.#letIn(number)
    for (const number of this.#bySavings()) this.#shorten(number)
    const after = this.#figures()
    return {
      steps: this.#steps,
      carriedBps: { before: before.carriedBps, after: after.carriedBps },
      linkBps: { before: before.linkBps, after: after.linkBps },
      boundBps: Math.max(this.#boundBps, after.carriedBps),
    }
  }

  /** One that waits comes in, others moving for it where that is worth it. */
  #letIn(number: number): void {
    const service = this.#services[number]
    if (service === undefined) return
    const direct =
      service.choices === undefined
        ? this.#free.cheapest(service, service.rateBps)
        : service.choices.find((path) => this.#hasRoom(path, service.rateBps))
    this.#group += 1
    if (direct !== undefined) {
      this.#take(number, direct)
      return
    }
    for (const path of this.#waysFor(number, service)) {
      const first = this.#steps.length
      const fits = path.every((link) => this.#clear(link, service.rateBps, new Set(path), DEPTH))
      const moved = this.#steps.slice(first)
      const moves = moved.length
      const movedBps = moved.reduce((sum, step) => sum + this.#rate(step.service), 0)
      const worth = service.rateBps >= movedBps * this.#terms.moveCost
      if (
        fits &&
        worth &&
        this.#moves + moves <= this.#terms.maxMoves &&
        this.#hasRoom(path, service.rateBps)
      ) {
        this.#moves += moves
        this.#take(number, path)
        return
      }
      this.#undo(first)
    }
  }

  /** Where the linear program would have it, then where least lacks. */
  #waysFor(number: number, service: StandingService): LinkPath[] {
    if (service.choices !== undefined) {
      const lacks = (path: LinkPath): number =>
        path.reduce(
          (sum, link) => sum + Math.max(0, service.rateBps - (this.#free.free[link] ?? 0)),
          0,
        )
      return [...service.choices].sort((x, y) => lacks(x) - lacks(y)).slice(0, WAYS)
    }
    const ways = [...(this.#flows[number] ?? [])]
      .sort((a, b) => b.rateBps - a.rateBps)
      .map(({ path }) => path)
    const lacks = this.#free.free.map(
      (bps) => Math.max(0, service.rateBps - bps) + 0.1 * service.rateBps,
    )
    const least = this.#free.cheapestBy(lacks, { ...service, minRateBps: 0 }, service.rateBps)
    return least === undefined ? ways.slice(0, WAYS) : [...ways.slice(0, WAYS - 1), least]
  }

  /** Moves services off a link until so much is free; onto none of the `keep` links. */
  #clear(link: number, rateBps: number, keep: ReadonlySet<number>, depth: number): boolean {
    const lacks = (): number => rateBps - (this.#free.free[link] ?? 0)
    if (lacks() <= 0) return true
    // Who is enough alone comes first, the smallest of them; of equals who should not be here.
    const users = [...(this.#on[link] ?? [])].sort((a, b) => {
      const enough = (n: number): number => (this.#rate(n) >= lacks() ? 0 : 1)
      const apart = this.#rate(a) - this.#rate(b)
      return (
        enough(a) - enough(b) ||
        (enough(a) === 0 ? apart : -apart) ||
        this.#belongs(a, link) - this.#belongs(b, link)
      )
    })
    for (const user of users) {
      if (lacks() <= 0) return true
      this.#relocate(user, link, keep, depth)
    }
    return lacks() <= 0
  }

  #belongs(number: number, link: number): number {
    return this.#flows[number]?.some(({ path }) => path.includes(link)) === true ? 1 : 0
  }

  #relocate(number: number, off: number, keep: ReadonlySet<number>, depth: number): boolean {
    const service = this.#services[number]
    const path = this.#paths[number]
    if (service === undefined || path === undefined) return false
    if (this.#steps.some((step) => step.group === this.#group && step.service === number))
      return false
    const own = new Set(path)
    const room = (link: number): boolean =>
      link !== off &&
      (own.has(link) || (!keep.has(link) && (this.#free.free[link] ?? 0) >= service.rateBps))
    const found =
      service.choices === undefined
        ? this.#free.cheapestWhere(service, room)
        : service.choices.find((choice) => choice.every(room))
    if (found !== undefined) {
      this.#move(number, found)
      return true
    }
    if (depth <= 1) return false
    const ways = service.choices ?? (this.#flows[number] ?? []).map((flow) => flow.path)
    for (const way of ways) {
      if (way.includes(off) || way.some((link) => keep.has(link) && !own.has(link))) continue
      const first = this.#steps.length
      const also = new Set([...keep, ...way, ...path])
      const fresh = way.filter((link) => !own.has(link))
      if (
        fresh.every((link) => this.#clear(link, service.rateBps, also, depth - 1)) &&
        this.#hasRoom(fresh, service.rateBps)
      ) {
        this.#move(number, way)
        return true
      }
      this.#undo(first)
    }
    return false
  }

  /** Services by what a path of fewest hops would spare, most first. */
  #bySavings(): number[] {
    return [...this.#services.keys()]
      .filter((number) => (this.#paths[number]?.length ?? 0) > 1)
      .sort(
        (a, b) =>
          this.#rate(b) * (this.#paths[b]?.length ?? 0) -
          this.#rate(a) * (this.#paths[a]?.length ?? 0),
      )
  }

  /** To a path with fewer links that has room: each link spared counts its rate. */
  #shorten(number: number): void {
    const service = this.#services[number]
    const path = this.#paths[number]
    if (service === undefined || path === undefined || this.#moves >= this.#terms.maxMoves) return
    if (this.#steps.some((step) => step.service === number)) return
    if (service.onlyForOthers === true) return
    const own = new Set(path)
    const hops = new Float64Array(this.#free.free.length).fill(1)
    const room = (link: number): boolean =>
      own.has(link) || (this.#free.free[link] ?? 0) >= service.rateBps
    const found =
      service.choices === undefined
        ? this.#free.cheapestWhere(service, room, hops)
        : service.choices
            .filter((choice) => choice.every(room))
            .reduce<LinkPath | undefined>(
              (best, one) => (best === undefined || one.length < best.length ? one : best),
              undefined,
            )
    if (found === undefined || path.length - found.length < Math.max(1, this.#terms.moveCost))
      return
    this.#group += 1
    this.#moves += 1
    this.#move(number, found)
  }

  #hasRoom(path: LinkPath, rateBps: number): boolean {
    return path.every((link) => (this.#free.free[link] ?? 0) >= rateBps)
  }

  #move(number: number, to: LinkPath): void {
    const from = this.#paths[number]
    if (from === undefined) return
    this.#leave(number, from)
    this.#enter(number, to)
    this.#paths[number] = to
    this.#steps.push({ service: number, from, to, group: this.#group })
  }

  #take(number: number, to: LinkPath): void {
    this.#enter(number, to)
    this.#paths[number] = to
    this.#steps.push({ service: number, to, group: this.#group })
  }

  #undo(first: number): void {
    for (const { service, from, to } of this.#steps.splice(first).reverse()) {
      this.#leave(service, to)
      if (from !== undefined) this.#enter(service, from)
      this.#paths[service] = from
    }
  }

  #enter(number: number, path: LinkPath): void {
    this.#free.take({ path, rateBps: this.#rate(number) })
    for (const link of path) this.#on[link]?.add(number)
  }

  #leave(number: number, path: LinkPath): void {
    this.#free.giveBack({ path, rateBps: this.#rate(number) })
    for (const link of path) this.#on[link]?.delete(number)
  }

  #figures(): { carriedBps: number; linkBps: number } {
    let carriedBps = 0
    let linkBps = 0
    for (const [number, path] of this.#paths.entries()) {
      if (path === undefined) continue
      carriedBps += this.#rate(number)
      linkBps += this.#rate(number) * path.length
    }
    return { carriedBps, linkBps }
  }

  #rate(number: number): number {
    return this.#services[number]?.rateBps ?? 0
  }

  #priority(number: number): number {
    return this.#services[number]?.priority ?? 0
  }
}
