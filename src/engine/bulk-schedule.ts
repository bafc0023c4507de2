// A schedule for bulk orders: earliest deadline first (after those promised by an earlier schedule), each order promised in full where that is possible beside those
// promised before it; one that cannot be in time is given the earliest end that is possible, to the second. What is
// promised is then delivered as early as it can be, so that room is left when rates drift.

import {
  type BulkFlow,
  type BulkNetwork,
  type BulkOrder,
  cutAt,
  intervalCount,
} from "./bulk-order.js"
import { BulkProgram, type BulkSolution } from "./bulk-program.js"
import type { MakeLinearProgram } from "./linear-program.js"

export interface BulkOutcome {
  /** Of its volume, by the end of the time looked at. */
  readonly deliveredBits: number
  /** When the last of it is delivered; absent when that is not within the time looked at. */
  readonly completesAt?: number
  /** The earliest end that can be promised, where the deadline cannot be met. */
  readonly earliestAt?: number
  /** Whether all of it comes by its deadline. */
  readonly met: boolean
}

export interface BulkSchedule {
  /** As given, with ends of late orders as further cuts. */
  readonly network: BulkNetwork
  readonly flows: readonly BulkFlow[]
  /** By order. */
  readonly outcomes: readonly BulkOutcome[]
}

/**
 * Relative: an order that lacks less has all of its volume, since a link that just suffices must do. What is promised is
 * kept to a little less, so that the solver can.
 */
const TOLERANCE = 1e-6
const KEPT = 1.2e-6
const WHOLE = 1.5e-6
const MAX_STEPS = 40

/**
 * @param network times reach as far as is to be looked at. Cuts at the orders' own times are added.
 * @param progress told how many programs of how many are solved; each order is one, a late one two.
 */
export function scheduleBulk(
  network: BulkNetwork,
  orders: readonly BulkOrder[],
  make: MakeLinearProgram,
  progress: (done: number, total: number) => void = () => undefined,
): BulkSchedule {
  const cut = orders.reduce((all, { notBefore, due }) => cutAt(cutAt(all, notBefore), due), network)
  const scheduling = new Scheduling(new BulkProgram(cut, orders, make), orders, progress)
  try {
    return scheduling.run()
  } finally {
    scheduling.close()
  }
}

/** The most of one order that a network can deliver by its deadline, and the links whose key bounds that. */
export function deliverableAlone(
  network: BulkNetwork,
  order: BulkOrder,
  make: MakeLinearProgram,
): { readonly bits: number; readonly boundBy: readonly number[] } {
  const cut = cutAt(cutAt(network, order.notBefore), order.due)
  const program = new BulkProgram(cut, [order], make)
  try {
    const solution = program.solve()
    const links = Array.from({ length: network.graph.linkCount }, (_, link) => link)
    const boundBy = links.filter((link) =>
      cut.rateBps.some((_, interval) => (solution?.price(interval, link) ?? 0) > TOLERANCE),
    )
    return { bits: solution?.carriedBits[0] ?? 0, boundBy }
  } finally {
    program.close()
  }
}

class Scheduling {
  #program: BulkProgram
  readonly #orders: readonly BulkOrder[]
  readonly #earliestAt = new Map<number, number>()
  readonly #late: number[] = []
  readonly #progress: (done: number, total: number) => void
  #done = 0

  constructor(
    program: BulkProgram,
    orders: readonly BulkOrder[],
    progress: (done: number, total: number) => void,
  ) {
    this.#program = program
    this.#orders = orders
    this.#progress = progress
  }

  close(): void {
    this.#program.close()
  }

  run(): BulkSchedule {
    const first = [...this.#orders.keys()].sort((a, b) => this.#order(a, b))
    if (!this.#allAtOnce())
      for (const number of first) {
        this.#promise(number)
        this.#step()
      }
    for (const number of this.#late) {
      this.#promiseLate(number)
      this.#step()
    }
    return this.#asEarlyAsPossible()
  }

  #step(): void {
    this.#done += 1
    this.#progress(this.#done, this.#orders.length + this.#late.length + 1)
  }

  #order(a: number, b: number): number {
    const [one, other] = [this.#orders[a], this.#orders[b]]
    return (
      Number(other?.promised ?? false) - Number(one?.promised ?? false) ||
      (other?.priority ?? 0) - (one?.priority ?? 0) ||
      (one?.due ?? 0) - (other?.due ?? 0) ||
      a - b
    )
  }

  #volume(number: number): number {
    return this.#orders[number]?.volumeBits ?? 0
  }

  #holds(solution: BulkSolution | undefined, number: number): boolean {
    return (solution?.carriedBits[number] ?? 0) >= this.#volume(number) * (1 - TOLERANCE)
  }

  #commit(number: number, bits: number): void {
    this.#program.setVolume(number, bits * (1 - KEPT), bits)
  }

  /** @returns whether every order can have all of its volume in time; then it is promised. */
  #allAtOnce(): boolean {
    const solution = this.#program.solve()
    const all = [...this.#orders.keys()]
    const fits = all.every((number) => this.#holds(solution, number))
    for (const number of all)
      if (fits) this.#commit(number, this.#volume(number))
      else this.#program.setVolume(number, 0, 0)
    return fits
  }

  #promise(number: number): void {
    this.#program.setVolume(number, 0, this.#volume(number))
    if (this.#holds(this.#most(number), number)) this.#commit(number, this.#volume(number))
    else {
      this.#program.setVolume(number, 0, 0)
      this.#late.push(number)
    }
  }

  /** As much of one order as there is room for beside what is promised. */
  #most(number: number): BulkSolution | undefined {
    this.#program.setWorth((order) => (order === number ? 1 : 0))
    return this.#program.solve()
  }

  #promiseLate(number: number): void {
    const lastOf = (): number => intervalCount(this.#program.network) - 1
    this.#program.setVolume(number, 0, this.#volume(number))
    this.#program.setWindow(number, lastOf())
    const all = this.#most(number)
    if (!this.#holds(all, number)) {
      this.#commit(number, all?.carriedBits[number] ?? 0)
      return
    }
    let [low, high] = [0, lastOf()]
    while (low < high) {
      const middle = (low + high) >> 1
      this.#program.setWindow(number, middle)
      if (this.#holds(this.#most(number), number)) high = middle
      else low = middle + 1
    }
    this.#earliestAt.set(number, this.#endWithin(number, low))
    this.#commit(number, this.#volume(number))
  }

  /**
   * The earliest end within an interval that has it. What can be delivered by a time is concave in it: each tangent leads
   * to a time that is not too late, and after a few of them to the end itself (Newton).
   */
  #endWithin(number: number, interval: number): number {
    const { times } = this.#program.network
    const [begin, end] = [times[interval] ?? 0, times[interval + 1] ?? 0]
    this.#program = this.#program.cutInterval(interval)
    this.#program.setWindow(number, interval)
    const grain = TOLERANCE * (end - begin)
    let [early, late] = [begin, end]
    let time = begin
    for (let step = 0; step < MAX_STEPS && late - early > grain; step += 1) {
      this.#program.moveCut(time)
      const solution = this.#most(number)
      if (this.#holds(solution, number)) late = time
      else {
        const short = this.#volume(number) - (solution?.carriedBits[number] ?? 0)
        const sooner = time + short / this.#slope(solution, interval)
        early = Math.max(early, time, sooner < late ? sooner : time)
      }
      // A little beyond the tangent's end: a straight piece is left in one step.
      time = early > time ? Math.min(early + grain / 2, late) : (early + late) / 2
    }
    this.#program.moveCut(late)
    return late
  }

  /** What a second more before the cut, and less after it, adds to what is delivered. */
  #slope(solution: BulkSolution | undefined, interval: number): number {
    const rates = this.#program.network.rateBps[interval] ?? new Float64Array()
    return rates.reduce((sum, rateBps, link) => {
      const before = solution?.price(interval, link) ?? 0
      const after = solution?.price(interval + 1, link) ?? 0
      return sum + rateBps * (before - after)
    }, 0)
  }

  #asEarlyAsPossible(): BulkSchedule {
    const { network } = this.#program
    const { times } = network
    const span = Math.max(1e-9, (times.at(-1) ?? 0) - (times[0] ?? 0))
    const leftAt = (interval: number): number =>
      ((times.at(-1) ?? 0) - ((times[interval] ?? 0) + (times[interval + 1] ?? 0)) / 2) / span
    this.#program.setWorth((_, interval) => leftAt(interval))
    const solution = this.#program.solve()
    const flows = solution?.flows ?? []
    return {
      network,
      flows,
      outcomes: this.#orders.map((_, i) => this.#outcome(i, flows, network)),
    }
  }

  #outcome(number: number, flows: readonly BulkFlow[], { times }: BulkNetwork): BulkOutcome {
    const own = flows.filter(({ order }) => order === number)
    const sum = own.reduce((total, { bits }) => total + bits, 0)
    const whole = sum >= this.#volume(number) * (1 - WHOLE)
    const last = Math.max(...own.map(({ interval }) => interval))
    const earliestAt = this.#earliestAt.get(number)
    return {
      deliveredBits: whole ? this.#volume(number) : sum,
      met: whole && !this.#late.includes(number),
      ...(whole && own.length > 0 ? { completesAt: times[last + 1] ?? 0 } : {}),
      ...(earliestAt === undefined ? {} : { earliestAt }),
    }
  }
}
