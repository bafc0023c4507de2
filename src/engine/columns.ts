// The most that demands can carry together when each may be split at will: a linear program over paths, whose paths are
// found as they are needed (column generation). Its value bounds every allocation.

import type { Capacity, Demand } from "./demand.js"
import type { LinearProgram, LinearSolution, MakeLinearProgram } from "./linear-program.js"
import type { PathGraph } from "./path-graph.js"
import type { LinkPath } from "./path-question.js"
import type { ShortestPaths } from "./shortest.js"

export interface Column {
  readonly demand: number
  readonly path: LinkPath
}

/** A path must gain this much of each bit it carries to be worth a column. */
const WORTH = 1e-7
/** Among paths of one price the one with fewer links. */
const PER_HOP = 1e-9

export class Columns {
  readonly columns: Column[] = []
  readonly #graph: PathGraph
  readonly #searches: ShortestPaths
  readonly #capacity: Capacity
  readonly #demands: readonly Demand[]
  readonly #program: LinearProgram
  readonly #linkRows: number[]
  readonly #demandRows: number[]
  readonly #known = new Set<string>()
  readonly #bySource = new Map<number, number[]>()
  readonly #columnsOf: number[][]
  /** Demands that get no further paths. */
  readonly #settled = new Set<number>()
  readonly #usable: Uint8Array
  #bound = Number.POSITIVE_INFINITY

  constructor(
    graph: PathGraph,
    searches: ShortestPaths,
    capacity: Capacity,
    demands: readonly Demand[],
    make: MakeLinearProgram,
  ) {
    this.#graph = graph
    this.#searches = searches
    this.#capacity = capacity
    this.#demands = demands
    this.#program = make()
    this.#columnsOf = demands.map(() => [])
    const none = Number.NEGATIVE_INFINITY
    this.#linkRows = Array.from(capacity.rateBps, (rateBps) => this.#program.addRow(none, rateBps))
    this.#demandRows = demands.map(({ rateBps }) => this.#program.addRow(none, rateBps))
    this.#usable = Uint8Array.from(capacity.rateBps, (rateBps) => (rateBps > 0 ? 1 : 0))
    for (const [number, { from }] of demands.entries()) {
      const list = this.#bySource.get(from)
      if (list === undefined) this.#bySource.set(from, [number])
      else list.push(number)
    }
  }

  /** Proven: no allocation carries more, in bits per second. */
  get boundBps(): number {
    return this.#bound
  }

  /** Between these bounds the demand must be carried from the next solution on. */
  boundDemand(demand: number, lowBps: number, highBps: number): void {
    const low = lowBps > 0 ? lowBps : Number.NEGATIVE_INFINITY
    this.#program.setRowBounds(this.#demandRows[demand] ?? -1, low, highBps)
  }

  /** From the next solution on this demand has this path only, and at least so much on it. */
  fixPath(column: number, lowBps: number): void {
    const demand = this.columns[column]?.demand ?? -1
    for (const other of this.#columnsOf[demand] ?? [])
      if (other !== column) this.#program.setColumnBounds(other, 0, 0)
    this.#program.setColumnBounds(column, lowBps, Number.POSITIVE_INFINITY)
    this.#settled.add(demand)
  }

  /** From the next solution on this demand gets nothing. */
  giveUp(demand: number): void {
    for (const column of this.#columnsOf[demand] ?? []) this.#program.setColumnBounds(column, 0, 0)
    this.#settled.add(demand)
  }

  /** The paths known for a demand. */
  pathsOf(demand: number): LinkPath[] {
    return (this.#columnsOf[demand] ?? []).map((column) => this.columns[column]?.path ?? [])
  }

  /** The optimum within the bounds set, paths added until none is missing; undefined when nothing keeps the bounds. */
  solve(): LinearSolution | undefined {
    let solution = this.#program.solve()
    while (solution !== undefined && this.#addWorthwhile(solution)) solution = this.#program.solve()
    return solution
  }

  /** What one more bit per second would gain: by link its rate, by demand what is asked. */
  pricesOf({ prices }: LinearSolution): { link: Float64Array; demand: Float64Array } {
    const of = (rows: readonly number[]): Float64Array =>
      Float64Array.from(rows, (row) => Math.max(0, prices[row] ?? 0))
    return { link: of(this.#linkRows), demand: of(this.#demandRows) }
  }

  /** What each demand gets, by column number. */
  sharesOf(solution: LinearSolution): { column: number; rateBps: number }[][] {
    const shares: { column: number; rateBps: number }[][] = this.#demands.map(() => [])
    for (const [column, { demand }] of this.columns.entries()) {
      const rateBps = solution.values[column] ?? 0
      if (rateBps > this.#dustOf(demand)) shares[demand]?.push({ column, rateBps })
    }
    return shares
  }

  close(): void {
    this.#program.close()
  }

  /** What the solver's tolerance may leave of nothing. */
  #dustOf(demand: number): number {
    return Math.max(1e-6, (this.#demands[demand]?.rateBps ?? 0) * 1e-9)
  }

  /** @returns whether a path came that the solution lacks. */
  #addWorthwhile({ prices }: LinearSolution): boolean {
    const { linkCount } = this.#graph
    const price = new Float64Array(linkCount)
    let dual = 0
    for (let link = 0; link < linkCount; link += 1) {
      price[link] = Math.max(0, prices[this.#linkRows[link] ?? -1] ?? 0)
      dual += (price[link] ?? 0) * (this.#capacity.rateBps[link] ?? 0)
    }
    const cost = price.map((value) => value + PER_HOP)
    const { passableNodes } = this.#capacity
    let added = false
    for (const [from, numbers] of this.#bySource) {
      const tree = this.#searches.treeFrom({ from, cost, usableLinks: this.#usable, passableNodes })
      for (const number of numbers) {
        const demand = this.#demands[number]
        if (demand === undefined) continue
        const distance = tree.distance[demand.to] ?? Number.POSITIVE_INFINITY
        // With PER_HOP a distance is a little too great: the bound is kept true by taking that off.
        const gain = 1 - Math.max(0, distance - PER_HOP * this.#graph.nodeCount)
        dual += demand.rateBps * Math.max(0, distance === Number.POSITIVE_INFINITY ? 0 : gain)
        const own = prices[this.#demandRows[number] ?? -1] ?? 0
        if (this.#settled.has(number) || !(1 - own - distance > WORTH)) continue
        const path = tree.pathTo(demand.to)
        if (path !== undefined && this.#add(number, path)) added = true
      }
    }
    this.#bound = Math.min(this.#bound, dual)
    return added
  }

  #add(demand: number, path: LinkPath): boolean {
    const words = `${demand}:${path.join()}`
    if (this.#known.has(words)) return false
    this.#known.add(words)
    const rows = path.map((link) => this.#linkRows[link] ?? -1)
    this.#program.addColumn(1, [...rows, this.#demandRows[demand] ?? -1])
    this.#columnsOf[demand]?.push(this.columns.length)
    this.columns.push({ demand, path })
    return true
  }
}
