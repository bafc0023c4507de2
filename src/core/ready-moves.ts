// What a cut asks of every service, side by side in one array of numbers, kept in step as services are written: whether it
// can move to its backup as it is, its turn, its rate, where its backup lies. A cut goes through thousands, and would wait for
// memory at each entry, its terms and its backup. Decides nothing.

import type { Hop, Service } from "../model/service.js"
import type { Graph } from "./graph.js"
import { isOnSeveral } from "./lanes.js"
import { firstDigits } from "./priority-order.js"
import { isPlain } from "./service-shape.js"

/** Of one service: as many numbers as memory is read at once. */
const FIELDS = 8
const STATE = 0
const PRIORITY = 1
/** The first digits of its id, -1 where it has none. */
const DIGITS = 2
/** Where the numbers of its backup begin, and how many links it has. */
const START = 3
const HOPS = 4
/** Of the graph, when they were. */
const NUMBERING = 5
/** Where the links of its path begin, and how many they are, where the backup has some of them too: -1 where it has none. */
const OWN_START = 6
const OWN_HOPS = 7

const ABSENT = 0
const OTHER = 1
const READY = 2

/** Of one picture, by the numbers that its services go by. */
export class ReadyMoves {
  #fields = new Float64Array(FIELDS * 64)
  readonly #services: (Service | undefined)[] = []
  readonly #hops: (readonly Hop[])[] = []
  readonly #nodes: (readonly string[])[] = []
  readonly #relays: (readonly string[])[] = []
  /** As they are: of numbers out of an array of fractions V8 would make paths of a kind of their own. */
  readonly #rates: number[] = []

  /** The service is written, or gone. */
  put(number: number, service: Service | undefined, graph: Graph): void {
    const place = number * FIELDS
    if (place >= this.#fields.length) this.#grow(place + FIELDS)
    const fields = this.#fields
    this.#services[number] = service
    const ready = service !== undefined && isReady(service)
    fields[place + STATE] = service === undefined ? ABSENT : ready ? READY : OTHER
    if (service !== undefined) {
      fields[place + PRIORITY] = service.terms.priority
      fields[place + DIGITS] = firstDigits(service.serviceId) ?? -1
      this.#rates[number] = service.terms.minRateBps
    }
    const backup = ready ? service.backup : undefined
    this.#hops[number] = backup?.hops ?? NO_HOPS
    this.#nodes[number] = backup?.nodes ?? NO_NODES
    this.#relays[number] = NO_NODES
    fields[place + NUMBERING] = -1
    if (ready && graph.isNumbered) this.#look(number, graph)
  }

  service(number: number): Service | undefined {
    return this.#services[number]
  }

  isReady(number: number): boolean {
    return this.#fields[number * FIELDS + STATE] === READY
  }

  hopsOf(number: number): readonly Hop[] {
    return this.#hops[number] ?? NO_HOPS
  }

  nodesOf(number: number): readonly string[] {
    return this.#nodes[number] ?? NO_NODES
  }

  relaysOf(number: number): readonly string[] {
    return this.#relays[number] ?? NO_NODES
  }

  rateBps(number: number): number {
    return this.#rates[number] ?? 0
  }

  hopCount(number: number): number {
    return this.#fields[number * FIELDS + HOPS] ?? 0
  }

  /** Where the numbers of the backup begin in `graph.pathValues`, which is to be read after this. */
  startOf(number: number, graph: Graph): number {
    const place = number * FIELDS
    if (this.#fields[place + NUMBERING] !== graph.numbering) this.#look(number, graph)
    return this.#fields[place + START] ?? 0
  }

  /** Links that the path in use and the backup may have in common: all of the path's. To be asked for after `startOf`. */
  ownLinks(number: number, { pathValues }: Graph): Int32Array | undefined {
    const start = this.#fields[number * FIELDS + OWN_START] ?? -1
    if (start < 0) return undefined
    return pathValues.subarray(start, start + (this.#fields[number * FIELDS + OWN_HOPS] ?? 0))
  }

  /**
   * Greater priority first, equal ones by their ids: as `inOrderOfPriority` has it.
   *
   * @returns undefined where ids must be compared in full.
   */
  inOrderOfPriority(numbers: readonly number[]): Int32Array | undefined {
    const count = numbers.length
    const fields = this.#fields
    const order = new Int32Array(count)
    const digits = new Uint32Array(count)
    for (let n = 0; n < count; n += 1) {
      const number = numbers[n] ?? 0
      const first = fields[number * FIELDS + DIGITS] ?? -1
      if (first < 0) return undefined
      order[n] = number
      digits[n] = first
    }
    sortByDigits(order, digits)
    const sorted = this.#byPriority(order)
    for (let n = 1; n < count; n += 1) {
      const one = (sorted[n - 1] ?? 0) * FIELDS
      const next = (sorted[n] ?? 0) * FIELDS
      const alike = fields[one + DIGITS] === fields[next + DIGITS]
      if (alike && fields[one + PRIORITY] === fields[next + PRIORITY]) return undefined
    }
    return sorted
  }

  /** Greatest first; equal ones stay in order. */
  #byPriority(numbers: Int32Array): Int32Array {
    const ranks = new Map<number, number>()
    const counts: number[] = []
    const rankOf = numbers.map((number) => {
      const priority = this.#fields[number * FIELDS + PRIORITY] ?? 0
      let rank = ranks.get(priority)
      if (rank === undefined) {
        rank = ranks.size
        ranks.set(priority, rank)
      }
      counts[rank] = (counts[rank] ?? 0) + 1
      return rank
    })
    let start = 0
    for (const priority of [...ranks.keys()].sort((a, b) => b - a)) {
      const rank = ranks.get(priority) ?? 0
      const size = counts[rank] ?? 0
      counts[rank] = start
      start += size
    }
    const sorted = new Int32Array(numbers.length)
    for (let n = 0; n < numbers.length; n += 1) {
      const rank = rankOf[n] ?? 0
      const to = counts[rank] ?? 0
      sorted[to] = numbers[n] ?? 0
      counts[rank] = to + 1
    }
    return sorted
  }

  #look(number: number, graph: Graph): void {
    const { backup, path } = this.#services[number] ?? {}
    if (backup === undefined) return
    const { numbering } = graph
    const own = backup.disjoint === "part" && path !== undefined ? graph.known(path) : undefined
    const { start, hops, relays } = graph.known(backup)
    const place = number * FIELDS
    this.#fields[place + START] = start
    this.#fields[place + HOPS] = hops
    this.#fields[place + OWN_START] = own?.start ?? -1
    this.#fields[place + OWN_HOPS] = own?.hops ?? 0
    this.#relays[number] = relays
    this.#fields[place + NUMBERING] = numbering
    // The book was full, and what came before is forgotten.
    if (graph.numbering !== numbering) this.#look(number, graph)
  }

  #grow(least: number): void {
    const fields = new Float64Array(Math.max(least, this.#fields.length * 2))
    fields.set(this.#fields)
    this.#fields = fields
  }
}

const NO_HOPS: readonly Hop[] = []
const NO_NODES: readonly string[] = []

/** Sorts both by the second, eight bits each time, the last ones first. */
function sortByDigits(numbers: Int32Array, digits: Uint32Array): void {
  const count = numbers.length
  let from: { readonly numbers: Int32Array; readonly digits: Uint32Array } = { numbers, digits }
  let to: typeof from = { numbers: new Int32Array(count), digits: new Uint32Array(count) }
  for (let shift = 0; shift < 32; shift += 8) {
    const starts = new Int32Array(257)
    for (let n = 0; n < count; n += 1) {
      const key = (((from.digits[n] ?? 0) >>> shift) & 255) + 1
      starts[key] = (starts[key] ?? 0) + 1
    }
    for (let key = 1; key < 257; key += 1) starts[key] = (starts[key] ?? 0) + (starts[key - 1] ?? 0)
    for (let n = 0; n < count; n += 1) {
      const own = from.digits[n] ?? 0
      const key = (own >>> shift) & 255
      const place = starts[key] ?? 0
      to.numbers[place] = from.numbers[n] ?? 0
      to.digits[place] = own
      starts[key] = place + 1
    }
    const sorted = to
    to = from
    from = sorted
  }
}

/** Nothing has to be looked up but whether its backup has room: on one path that stands, with a backup over relays. */
function isReady(service: Service): boolean {
  const { state, terms, path, next, backup, admittedAt } = service
  if (state === "removing" || state === "failed") return false
  if (path === undefined || next !== undefined || backup === undefined) return false
  if (admittedAt === undefined || terms.revertive === true) return false
  if (isOnSeveral(service) || !isPlain(service)) return false
  if (backup.rateBps < terms.minRateBps) return false
  return backup.hops.length > 1
}
