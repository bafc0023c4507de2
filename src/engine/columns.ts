// The most that demands can carry together when each may be split at will: a linear program over paths, whose paths are
// found as they are needed (column generation). Its value bounds every allocation.
//
// Demands between the same two nodes are one row of it: at will, it makes no difference which of them is carried. The
// solver starts with every pair on a path that is cheap at guessed prices, too full as links may then be: from there it
// is a few steps to the optimum, from nothing it is thousands.

import type { Capacity, Demand } from "./demand.js"
import type { LinearProgram, LinearSolution, MakeLinearProgram } from "./linear-program.js"
import type { PathGraph } from "./path-graph.js"
import { priceByRate, PriceGuess } from "./price-guess.js"
import type { LinkPath } from "./path-question.js"
import type { ShortestPaths } from "./shortest.js"

/** All demands between two nodes, in whichever direction. */
export interface Pair {
  readonly from: number
  readonly to: number
  readonly rateBps: number
  /** Their numbers. */
  readonly demands: readonly number[]
}

export interface Column {
  /** Its number. */
  readonly pair: number
  /** From the pair's `from` to its `to`. */
  readonly path: LinkPath
}

export interface Flow {
  readonly path: LinkPath
  readonly rateBps: number
}

/** A path must gain this much of each bit it carries to be worth a column. */
const WORTH = 1e-7
/** Of a link's rate, kept from the program, so that the solver's tolerance never fills a link beyond it. */
const MARGIN = 1e-7
/** Among paths of one price the one with fewer links. */
const PER_HOP = 1e-9
/** So often prices are guessed before the program is solved first; it begins with the paths of the last of these. */
const GUESSES = 16
const KEPT_GUESSES = 5
/** Of paths at a guessed price, those that cost so much of what they gain are kept: the guess may be a little too high. */
const WORTH_KEEPING = 1.1
/** Of what a path gains, so much at most is taken off by chance where another solution is looked for. */
const LESS_WORTH = 0.3

export class Columns {
  readonly pairs: readonly Pair[]
  /** The same not yet solved, begun without guessed prices: its optimum is often another. To be closed too. */
  readonly unguessed: () => Columns
  readonly columns: Column[] = []
  readonly graph: PathGraph
  readonly capacity: Capacity
  readonly #searches: ShortestPaths
  readonly #program: LinearProgram
  readonly #linkRows: number[]
  readonly #pairRows: number[]
  readonly #known = new Set<string>()
  readonly #bySource = new Map<number, number[]>()
  readonly #usable: Uint8Array
  /** By node, of the tree in hand. */
  readonly #distance: Float64Array
  #bound = Number.POSITIVE_INFINITY
  #work = 0

  constructor(
    graph: PathGraph,
    searches: ShortestPaths,
    capacity: Capacity,
    demands: readonly Demand[],
    make: MakeLinearProgram,
    guesses = GUESSES,
  ) {
    this.unguessed = () => new Columns(graph, searches, capacity, demands, make, 0)
    this.graph = graph
    this.#searches = searches
    this.capacity = capacity
    this.pairs = pairsOf(demands)
    this.#program = make()
    const none = Number.NEGATIVE_INFINITY
    this.#linkRows = Array.from(capacity.rateBps, (rateBps) =>
      this.#program.addRow(none, rateBps * (1 - MARGIN)),
    )
    this.#pairRows = this.pairs.map(({ rateBps }) => this.#program.addRow(none, rateBps))
    this.#distance = new Float64Array(graph.nodeCount)
    this.#usable = Uint8Array.from(capacity.rateBps, (rateBps) => (rateBps > 0 ? 1 : 0))
    for (const [number, { from }] of this.pairs.entries()) {
      const list = this.#bySource.get(from)
      if (list === undefined) this.#bySource.set(from, [number])
      else list.push(number)
    }
    this.#begin(guesses)
  }

  /** Proven: no allocation carries more, in bits per second. */
  get boundBps(): number {
    return this.#bound
  }

  /**
   * The optimum, paths added until none is missing; undefined when nothing keeps the bounds.
   *
   * @param gap ends the search when the solution is this near to the bound, as a part of it.
   * @param told what part of the bound has been reached, after each round.
   */
  solve(gap = 0, told?: (part: number) => void): LinearSolution | undefined {
    let solution = this.#solve()
    while (solution !== undefined) {
      const { added, dual } = this.#addWorthwhile(solution)
      this.#bound = Math.min(this.#bound, dual)
      if (!added) break
      if (solution.objective >= this.#bound * (1 - gap)) break
      told?.(solution.objective / this.#bound)
      solution = this.#solve()
    }
    return solution
  }

  /** The optimum within the bounds of pairs as they are now, with paths added once: what is bounded makes others worth while. */
  resolve(): LinearSolution | undefined {
    const solution = this.#solve()
    if (solution === undefined || !this.#addWorthwhile(solution).added) return solution
    return this.#solve()
  }

  /**
   * A solution within little of the optimum, over the same paths: where several are as good, which one is found is
   * chance, and each leads to another allocation of whole demands.
   *
   * @param number of the solution wanted, from 1: the same number, the same worths of paths.
   */
  elsewhere(number: number): LinearSolution | undefined {
    let state = number
    for (const column of this.columns.keys()) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      this.#program.setObjective(column, 1 - (LESS_WORTH * state) / 4294967296)
    }
    const solution = this.#solve()
    for (const column of this.columns.keys()) this.#program.setObjective(column, 1)
    return solution
  }

  /** Between these bounds the pair must be carried from the next solution on. */
  boundPair(pair: number, lowBps: number, highBps: number): void {
    const low = lowBps > 0 ? lowBps : Number.NEGATIVE_INFINITY
    this.#program.setRowBounds(this.#pairRows[pair] ?? -1, low, highBps)
  }

  /** By pair, what is carried of it, bits per second. */
  carriedOf(solution: LinearSolution): Float64Array {
    const carried = new Float64Array(this.pairs.length)
    for (const [number, { pair }] of this.columns.entries())
      carried[pair] = (carried[pair] ?? 0) + (solution.values[number] ?? 0)
    return carried
  }

  /** By pair, the paths that carry it; columns that came after the solution carry nothing in it. */
  flowsOf(solution: LinearSolution): Flow[][] {
    const flows: Flow[][] = this.pairs.map(() => [])
    for (const [number, { pair, path }] of this.columns.entries()) {
      const rateBps = solution.values[number] ?? 0
      // What the solver's tolerance may leave of nothing.
      const dust = Math.max(1e-6, (this.pairs[pair]?.rateBps ?? 0) * 1e-9)
      if (rateBps > dust) flows[pair]?.push({ path, rateBps })
    }
    return flows
  }

  /** What one more bit per second would gain: by link its rate, by demand what is asked. */
  pricesOf({ prices }: LinearSolution): { link: Float64Array; demand: Float64Array } {
    const of = (row: number | undefined): number => Math.max(0, prices[row ?? -1] ?? 0)
    const demand = new Float64Array(this.pairs.reduce((sum, pair) => sum + pair.demands.length, 0))
    for (const [number, pair] of this.pairs.entries())
      for (const one of pair.demands) demand[one] = of(this.#pairRows[number])
    return { link: Float64Array.from(this.#linkRows, of), demand }
  }

  /** Paths times solutions so far: what the solver has had to do, roughly, and the same on every machine. */
  get work(): number {
    return this.#work
  }

  close(): void {
    this.#program.close()
  }

  #solve(): LinearSolution | undefined {
    this.#work += this.columns.length
    return this.#program.solve()
  }

  #begin(guesses: number): void {
    const { rateBps } = this.capacity
    const byRate = rateBps.map(priceByRate)
    let asked = 0
    let way = 0
    this.#eachPair(byRate, Number.POSITIVE_INFINITY, (pair, distance) => {
      const bps = this.pairs[pair]?.rateBps ?? 0
      asked += bps
      way += bps * distance
    })
    const guess = new PriceGuess(rateBps, asked > 0 ? way / asked : 1)
    for (let round = 0; round < guesses; round += 1)
      if (this.#carryAll(guess, round >= guesses - KEPT_GUESSES)) break
    // Whoever was worth no price.
    const has = new Set(this.columns.map(({ pair }) => pair))
    if (has.size < this.pairs.length)
      this.#eachPair(byRate, Number.POSITIVE_INFINITY, (pair, _distance, path) => {
        if (!has.has(pair)) this.#add(pair, path() ?? [])
      })
    const first = new Map<number, number>()
    for (const [column, { pair }] of this.columns.entries())
      if (!first.has(pair)) first.set(pair, column)
    this.#program.startFrom(
      Array.from(first, ([pair, column]) => ({ row: this.#pairRows[pair] ?? -1, column })),
    )
  }

  /** All that is worth its price, on the cheapest path. @returns whether that is everything, and fits: an optimum. */
  #carryAll(guess: PriceGuess, keeps: boolean): boolean {
    const { rateBps } = this.capacity
    const load = new Float64Array(rateBps.length)
    const found: { readonly pair: number; readonly path: LinkPath }[] = []
    let worth = 0
    this.#eachPair(guess.price, WORTH_KEEPING, (pair, distance, way) => {
      if (distance >= WORTH_KEEPING) return
      const path = way() ?? []
      found.push({ pair, path })
      if (distance >= 1) return
      worth += 1
      const bps = this.pairs[pair]?.rateBps ?? 0
      for (const link of path) load[link] = (load[link] ?? 0) + bps
    })
    const fits =
      worth === this.pairs.length &&
      load.every((bps, link) => bps <= (rateBps[link] ?? 0) * (1 - MARGIN))
    if (keeps || fits) for (const { pair, path } of found) this.#add(pair, path)
    guess.next(load)
    return fits
  }

  /** @returns whether a path came that the solution lacks; and a bound, where all of every pair may be carried. */
  #addWorthwhile({ prices }: LinearSolution): { readonly added: boolean; readonly dual: number } {
    const { linkCount } = this.graph
    const price = new Float64Array(linkCount)
    let dual = 0
    for (let link = 0; link < linkCount; link += 1) {
      price[link] = Math.max(0, prices[this.#linkRows[link] ?? -1] ?? 0)
      dual += (price[link] ?? 0) * (this.capacity.rateBps[link] ?? 0)
    }
    let added = false
    // With PER_HOP a distance is a little too great: the bound is kept true by taking that off.
    const tooMuch = PER_HOP * this.graph.nodeCount
    this.#eachPair(
      price.map((value) => value + PER_HOP),
      // What costs more than it gains adds nothing to the bound either; who must be carried gains more than itself.
      1 + tooMuch - this.#pairRows.reduce((least, row) => Math.min(least, prices[row] ?? 0), 0),
      (number, distance, path) => {
        const gain = 1 - Math.max(0, distance - tooMuch)
        dual += (this.pairs[number]?.rateBps ?? 0) * Math.max(0, gain)
        const own = prices[this.#pairRows[number] ?? -1] ?? 0
        if (1 - own - distance > WORTH && this.#add(number, path() ?? [])) added = true
      },
    )
    return { added, dual }
  }

  /** The cheapest path of every pair that has one of at most this cost: one search for all pairs from a node. */
  #eachPair(
    cost: Float64Array,
    most: number,
    use: (pair: number, distance: number, path: () => LinkPath | undefined) => void,
  ): void {
    const { passableNodes } = this.capacity
    for (const [from, numbers] of this.#bySource) {
      const question = { from, cost, usableLinks: this.#usable, passableNodes }
      const tree = this.#searches.treeFrom(question, most, this.#distance)
      for (const number of numbers) {
        const to = this.pairs[number]?.to ?? -1
        const distance = tree.distance[to] ?? Number.POSITIVE_INFINITY
        if (distance < Number.POSITIVE_INFINITY) use(number, distance, () => tree.pathTo(to))
      }
    }
  }

  #add(pair: number, path: LinkPath): boolean {
    const words = `${pair}:${path.join()}`
    if (this.#known.has(words)) return false
    this.#known.add(words)
    const rows = path.map((link) => this.#linkRows[link] ?? -1)
    this.#program.addColumn(1, [...rows, this.#pairRows[pair] ?? -1])
    this.columns.push({ pair, path })
    return true
  }
}

function pairsOf(demands: readonly Demand[]): Pair[] {
  const pairs = new Map<string, { from: number; to: number; rateBps: number; demands: number[] }>()
  for (const [number, { from, to, rateBps }] of demands.entries()) {
    const low = Math.min(from, to)
    const high = Math.max(from, to)
    const known = pairs.get(`${low} ${high}`)
    if (known === undefined)
      pairs.set(`${low} ${high}`, { from: low, to: high, rateBps, demands: [number] })
    else {
      known.rateBps += rateBps
      known.demands.push(number)
    }
  }
  return [...pairs.values()]
}
