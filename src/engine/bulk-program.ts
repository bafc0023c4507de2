// Bulk orders as a linear program over time: bits by order, interval and path; every link in every interval a row; key left
// in a link's pools goes on to the next interval. Paths are found as they are needed (column generation).

import {
  type BulkFlow,
  type BulkNetwork,
  type BulkOrder,
  cutAt,
  intervalAt,
  intervalCount,
} from "./bulk-order.js"
import type { LinearProgram, LinearSolution, MakeLinearProgram } from "./linear-program.js"
import type { LinkPath } from "./path-question.js"
import { ShortestPaths } from "./shortest.js"

/** A path must gain this much of a bit to be worth a column. */
const WORTH = 1e-7
/** Among paths of one price the one with fewer links. */
const PER_HOP = 1e-9
/** Of a link's key, kept from the program: what its tolerance may add is there. */
const MARGIN = 5e-7
/** The solver counts in units of which the greatest order has so many: its tolerances are absolute. */
const UNITS = 1e4

interface Column {
  readonly order: number
  readonly interval: number
  readonly path: LinkPath
}

interface Share {
  /** First and last interval, both inclusive; none where the last is before the first. */
  first: number
  last: number
  lowBits: number
  highBits: number
}

export interface BulkSolution {
  readonly flows: readonly BulkFlow[]
  /** By order. */
  readonly carriedBits: readonly number[]
  /** By interval and link, what one more bit of key there would gain. */
  price(interval: number, link: number): number
}

export class BulkProgram {
  readonly #network: BulkNetwork
  readonly #orders: readonly BulkOrder[]
  readonly #make: MakeLinearProgram
  readonly #searches: ShortestPaths
  readonly #program: LinearProgram
  readonly #unitBits: number
  readonly #orderRows: number[]
  readonly #linkRows = new Map<number, number>()
  readonly #columns: Column[] = []
  readonly #columnNumbers: number[] = []
  readonly #known = new Set<string>()
  readonly #shares: Share[]
  #worth: (order: number, interval: number) => number = () => 1
  /** Where the first of the two intervals of a cut begins, and the cut. */
  #cut: { readonly interval: number; readonly time: number } | undefined

  /** Every order may have all of its volume between its times, none of it must be delivered, and all bits count the same. */
  constructor(network: BulkNetwork, orders: readonly BulkOrder[], make: MakeLinearProgram) {
    this.#network = network
    this.#orders = orders
    this.#make = make
    this.#searches = new ShortestPaths(network.graph)
    this.#program = make()
    this.#unitBits = Math.max(1, ...orders.map(({ volumeBits }) => volumeBits)) / UNITS
    this.#orderRows = orders.map(({ volumeBits }) =>
      this.#program.addRow(Number.NEGATIVE_INFINITY, volumeBits / this.#unitBits),
    )
    this.#shares = orders.map(({ notBefore, due, volumeBits }) => ({
      first: Math.max(0, intervalAt(network, notBefore)),
      last: intervalAt(network, due) - 1,
      lowBits: 0,
      highBits: volumeBits,
    }))
    this.#addCarries()
  }

  /** With the cut where it was moved to. */
  get network(): BulkNetwork {
    const { interval = -1, time = 0 } = this.#cut ?? {}
    const times = this.#network.times.map((at, i) =>
      this.#cut !== undefined && i === interval + 1 ? time : at,
    )
    return { ...this.#network, times }
  }

  /** From the next solution on an order has these intervals only, both inclusive. */
  setWindow(order: number, last: number): void {
    const share = this.#shares[order]
    if (share === undefined) return
    share.last = last
    for (const [i, column] of this.#columns.entries())
      if (column.order === order) this.#openOrClose(i, column)
  }

  setVolume(order: number, lowBits: number, highBits: number): void {
    const share = this.#shares[order]
    if (share === undefined) return
    share.lowBits = lowBits
    share.highBits = highBits
    const low = lowBits > 0 ? lowBits / this.#unitBits : Number.NEGATIVE_INFINITY
    this.#program.setRowBounds(this.#orderRows[order] ?? -1, low, highBits / this.#unitBits)
  }

  /** What a bit of an order counts in an interval. */
  setWorth(worth: (order: number, interval: number) => number): void {
    this.#worth = worth
    for (const [i, { order, interval }] of this.#columns.entries())
      this.#program.setObjective(this.#columnNumbers[i] ?? -1, worth(order, interval))
  }

  /** The optimum, paths added until none is missing; undefined when nothing keeps the bounds. */
  solve(): BulkSolution | undefined {
    let solution = this.#program.solve()
    while (solution !== undefined && this.#addWorthwhile(solution)) solution = this.#program.solve()
    if (solution === undefined) return undefined
    const { values, prices } = solution
    const carriedBits = this.#orders.map(() => 0)
    const flows: BulkFlow[] = []
    for (const [i, { order, interval, path }] of this.#columns.entries()) {
      const bits = (values[this.#columnNumbers[i] ?? -1] ?? 0) * this.#unitBits
      if (bits <= this.#unitBits * 1e-7) continue
      carriedBits[order] = (carriedBits[order] ?? 0) + bits
      flows.push({ order, interval, path, bits })
    }
    const price = (interval: number, link: number): number =>
      Math.max(0, prices[this.#linkRows.get(this.#key(interval, link)) ?? -1] ?? 0)
    return { flows, carriedBits, price }
  }

  /** The same program with one interval cut in two; the cut can be moved within it. Closes this one. */
  cutInterval(interval: number): BulkProgram {
    const { network } = this
    const { times } = network
    const middle = ((times[interval] ?? 0) + (times[interval + 1] ?? 0)) / 2
    const cut = new BulkProgram(cutAt(network, middle), this.#orders, this.#make)
    const later = (at: number): number => (at > interval ? at + 1 : at)
    for (const [order, { last, lowBits, highBits }] of this.#shares.entries()) {
      // What could use the whole of it can use both parts.
      cut.setWindow(order, last === interval ? interval + 1 : later(last))
      cut.setVolume(order, lowBits, highBits)
    }
    cut.setWorth(this.#worth)
    for (const { order, interval: at, path } of this.#columns) {
      cut.#add(order, later(at), path)
      if (at === interval) cut.#add(order, at + 1, path)
    }
    cut.#cut = { interval, time: middle }
    this.close()
    return cut
  }

  /** Moves the cut. */
  moveCut(time: number): void {
    const { interval = -1 } = this.#cut ?? {}
    this.#cut = { interval, time }
    for (const at of [interval, interval + 1])
      for (let link = 0; link < this.#network.graph.linkCount; link += 1) {
        const row = this.#linkRows.get(this.#key(at, link))
        if (row !== undefined)
          this.#program.setRowBounds(row, Number.NEGATIVE_INFINITY, this.#units(at, link))
      }
  }

  close(): void {
    this.#program.close()
  }

  #openOrClose(i: number, { order, interval }: Column): void {
    const { first = 0, last = -1 } = this.#shares[order] ?? {}
    const open = interval >= first && interval <= last
    this.#program.setColumnBounds(
      this.#columnNumbers[i] ?? -1,
      0,
      open ? Number.POSITIVE_INFINITY : 0,
    )
  }

  /** Key of a link in an interval, in units of the program. */
  #units(interval: number, link: number): number {
    const { times, rateBps, stockBits } = this.#network
    let [begin, end] = [times[interval] ?? 0, times[interval + 1] ?? 0]
    if (interval === this.#cut?.interval) end = this.#cut.time
    if (interval - 1 === this.#cut?.interval) begin = this.#cut.time
    const made = (rateBps[interval]?.[link] ?? 0) * (end - begin)
    const stock = interval === 0 ? (stockBits[link] ?? 0) : 0
    return ((made + stock) * (1 - MARGIN)) / this.#unitBits
  }

  #key(interval: number, link: number): number {
    return interval * this.#network.graph.linkCount + link
  }

  #rowOf(interval: number, link: number): number {
    const key = this.#key(interval, link)
    const known = this.#linkRows.get(key)
    if (known !== undefined) return known
    const row = this.#program.addRow(Number.NEGATIVE_INFINITY, this.#units(interval, link))
    this.#linkRows.set(key, row)
    return row
  }

  /** Key that is left in an interval is there in the next, as much as pools hold. */
  #addCarries(): void {
    const { maxStockBits } = this.#network
    for (const [link, maxBits] of maxStockBits.entries()) {
      if (!(maxBits > 0)) continue
      for (let interval = 0; interval + 1 < intervalCount(this.#network); interval += 1) {
        const rows = [this.#rowOf(interval, link), this.#rowOf(interval + 1, link)]
        const column = this.#program.addColumn(0, rows, [1, -1])
        this.#program.setColumnBounds(column, 0, (maxBits * (1 - MARGIN)) / this.#unitBits)
      }
    }
  }

  /** @returns whether a path came that the solution lacks. */
  #addWorthwhile({ prices }: LinearSolution): boolean {
    const { graph, passableNodes, rateBps } = this.#network
    const cost = new Float64Array(graph.linkCount)
    const usableLinks = new Uint8Array(graph.linkCount)
    let added = false
    for (let interval = 0; interval < intervalCount(this.#network); interval += 1) {
      const sources = this.#sourcesIn(interval)
      if (sources.size === 0) continue
      for (let link = 0; link < graph.linkCount; link += 1) {
        const row = this.#linkRows.get(this.#key(interval, link))
        cost[link] = Math.max(0, row === undefined ? 0 : (prices[row] ?? 0)) + PER_HOP
        // Without rate of its own an interval may still have key from before.
        const hasKey =
          (rateBps[interval]?.[link] ?? 0) > 0 ||
          row !== undefined ||
          this.#units(interval, link) > 0
        usableLinks[link] = hasKey ? 1 : 0
      }
      for (const [from, numbers] of sources) {
        const tree = this.#searches.treeFrom({ from, cost, usableLinks, passableNodes })
        for (const number of numbers) {
          const to = this.#orders[number]?.to ?? -1
          const own = prices[this.#orderRows[number] ?? -1] ?? 0
          const gain = this.#worth(number, interval) - own - (tree.distance[to] ?? 0)
          if (!(gain > WORTH)) continue
          const path = tree.pathTo(to)
          if (path !== undefined && this.#add(number, interval, path)) added = true
        }
      }
    }
    return added
  }

  /** By source, the orders that may be served in an interval. */
  #sourcesIn(interval: number): ReadonlyMap<number, number[]> {
    const sources = new Map<number, number[]>()
    for (const [number, { first, last, highBits }] of this.#shares.entries()) {
      if (interval < first || interval > last || highBits <= 0) continue
      const from = this.#orders[number]?.from ?? -1
      const list = sources.get(from)
      if (list === undefined) sources.set(from, [number])
      else list.push(number)
    }
    return sources
  }

  #add(order: number, interval: number, path: LinkPath): boolean {
    const words = `${order}:${interval}:${path.join()}`
    if (this.#known.has(words)) return false
    this.#known.add(words)
    const rows = path.map((link) => this.#rowOf(interval, link))
    const number = this.#program.addColumn(this.#worth(order, interval), [
      ...rows,
      this.#orderRows[order] ?? -1,
    ])
    this.#columns.push({ order, interval, path })
    this.#columnNumbers.push(number)
    this.#openOrClose(this.#columns.length - 1, { order, interval, path })
    return true
  }
}
