// An allocation after the network changed: what still stands keeps its path, what lost it finds another, and only then
// others come in. Greater priority goes first, and pushes lesser aside where there is no room beside them.

import { admit } from "./admit.js"
import type { Allocation, Demand, Share } from "./demand.js"
import type { FreeRate } from "./free-rate.js"

export interface RankedDemand extends Demand {
  /** Greater goes first. */
  readonly priority: number
}

export interface KeepOptions {
  /** Over several paths where one does not do. */
  readonly split: boolean
  /** Whether those that had nothing are tried too. */
  readonly admitNew: boolean
}

/** Relative; what sums of shares lose by rounding. */
const TOLERANCE = 1e-9

/**
 * @param free of the changed network, nothing taken yet; afterwards the allocation is. A link that failed has none.
 * @param standing what each demand had; its links are numbered as in `free`.
 * @returns by demand what it has now; none for those that lost everything.
 */
export function keepStanding(
  free: FreeRate,
  demands: readonly RankedDemand[],
  standing: Allocation,
  options: KeepOptions,
): Allocation {
  return new Keeping(free, demands, standing, options).run()
}

class Keeping {
  readonly #free: FreeRate
  readonly #demands: readonly RankedDemand[]
  readonly #standing: Allocation
  readonly #split: boolean
  readonly #placed: Share[][]
  /** Still to be placed: those that had something, then the others; greater priority first. */
  readonly #queue: number[] = []

  constructor(
    free: FreeRate,
    demands: readonly RankedDemand[],
    standing: Allocation,
    { split, admitNew }: KeepOptions,
  ) {
    this.#free = free
    this.#demands = demands
    this.#standing = standing
    this.#split = split
    this.#placed = demands.map(() => [])
    for (const number of [...demands.keys()].sort((a, b) => this.#order(a, b))) {
      const had = standing[number] ?? []
      if (had.length > 0 ? !this.#keep(number, had) : admitNew) this.#queue.push(number)
    }
  }

  run(): Allocation {
    let without: number[] = []
    for (let number = this.#queue.shift(); number !== undefined; number = this.#queue.shift()) {
      if (this.#place(number) || this.#placeAnew(number) || this.#pushIn(number)) continue
      if (this.#leave(number)) {
        // There is room now that those before it did not find.
        this.#queue.push(...without)
        this.#queue.sort((a, b) => this.#order(a, b))
        without = []
      }
      without.push(number)
    }
    return this.#placed
  }

  /** @returns whether all of it still stands; what does is taken. */
  #keep(number: number, shares: readonly Share[]): boolean {
    let whole = true
    for (const share of shares) {
      if (share.rateBps <= 0) continue
      if (this.#free.along(share.path) >= share.rateBps * (1 - TOLERANCE)) this.#take(number, share)
      else whole = false
    }
    return whole
  }

  /** Beside all that is placed. @returns whether it has its minimum now. */
  #place(number: number): boolean {
    const { demand, held } = this.#state(number)
    const rateBps = demand.rateBps - held
    if (rateBps <= demand.rateBps * TOLERANCE) return true
    const minRateBps = Math.max(0, demand.minRateBps - held)
    // A service on one path does not become one on two.
    if (held > 0 && !this.#split) return minRateBps <= 0
    const more = { ...demand, rateBps, minRateBps }
    for (const share of admit(this.#free, more, { split: this.#split, spare: false }))
      this.#placed[number]?.push(share)
    return this.#state(number).held >= demand.minRateBps * (1 - TOLERANCE) && this.#hasAny(number)
  }

  /** Without what is left of it, which may lie where its whole would go. */
  #placeAnew(number: number): boolean {
    const had = this.#giveBack(number)
    if (had.length === 0) return false
    if (this.#place(number)) return true
    this.#giveBack(number)
    for (const share of had) this.#take(number, share)
    return false
  }

  /** In place of lesser ones: those that do not fit beside it any more wait in the queue. */
  #pushIn(number: number): boolean {
    const { priority } = this.#state(number).demand
    const lesser = [...this.#demands.keys()].filter(
      (other) => (this.#demands[other]?.priority ?? 0) < priority && this.#hasAny(other),
    )
    if (lesser.length === 0) return false
    const before = new Map(lesser.map((other) => [other, this.#giveBack(other)]))
    const fits = this.#place(number)
    for (const other of lesser.sort((a, b) => this.#order(a, b))) {
      if (this.#keep(other, before.get(other) ?? []) || !fits) continue
      if (!this.#queue.includes(other)) this.#queue.push(other)
    }
    this.#queue.sort((a, b) => this.#order(a, b))
    return fits
  }

  /** Where what is left of it is less than its minimum. @returns whether that made room. */
  #leave(number: number): boolean {
    const { demand, held } = this.#state(number)
    return held < demand.minRateBps * (1 - TOLERANCE) && this.#giveBack(number).length > 0
  }

  #giveBack(number: number): Share[] {
    const shares = this.#placed[number] ?? []
    for (const share of shares) this.#free.giveBack(share)
    this.#placed[number] = []
    return shares
  }

  #take(number: number, share: Share): void {
    this.#free.take(share)
    this.#placed[number]?.push(share)
  }

  #hasAny(number: number): boolean {
    return (this.#placed[number]?.length ?? 0) > 0
  }

  #state(number: number): { demand: RankedDemand; held: number } {
    const demand = this.#demands[number]
    if (demand === undefined) throw new RangeError("no such demand")
    const held = (this.#placed[number] ?? []).reduce((sum, { rateBps }) => sum + rateBps, 0)
    return { demand, held }
  }

  /** Greater priority first; those that stood before those that did not; greater rate first. */
  #order(a: number, b: number): number {
    const { demand: one } = this.#state(a)
    const { demand: other } = this.#state(b)
    const stood = (number: number): number => ((this.#standing[number]?.length ?? 0) > 0 ? 0 : 1)
    return (
      other.priority - one.priority || stood(a) - stood(b) || other.rateBps - one.rateBps || a - b
    )
  }
}
