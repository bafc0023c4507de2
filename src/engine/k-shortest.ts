// The k cheapest loopless paths between two nodes, in order: Yen's method with Lawler's rule, so that no path is found twice. Where
// a path could leave one that is known, first only a lower bound of what that would cost is noted, from the tree to the goal; the
// search is done when the bound comes first among all that wait, and mostly the tree itself is then the answer.

import { GoalTree } from "./goal-tree.js"
import type { Landmarks } from "./landmarks.js"
import { OpenList } from "./open-list.js"
import type { RankedPath } from "./path-question.js"
import { PriorityQueue } from "./priority-queue.js"
import { TwoEndedSearch } from "./two-ended-search.js"
import type { WeightedGraph } from "./weighted-graph.js"

/** Part of the cheapest path that the tree covers where nothing leads it: searches that leave a path find it there soon enough. */
const RADIUS = 0.7

const NONE = Number.POSITIVE_INFINITY

interface Known {
  readonly arcs: readonly number[]
  readonly cost: number
  /** It follows the path it came from up to this node, and there avoids these links. */
  readonly branch: number
  readonly excluded: readonly number[]
}

/** A path, or the place where one may leave `parent`. */
interface Candidate {
  readonly cost: number
  readonly path: Known | undefined
  readonly parent: Known
  readonly branch: number
  readonly rootCost: number
  readonly excluded: readonly number[]
}

export class KShortest {
  readonly #weighted: WeightedGraph
  readonly #tree: GoalTree
  readonly #twoEnded: TwoEndedSearch
  readonly #open = new OpenList()
  /** By node: its place on the path being looked at, or on the root; -1 where it is on none. */
  readonly #place: Int32Array
  /** By node, side by side: how far behind the root, and at least how far to the goal. */
  readonly #state: Float64Array
  readonly #arrivedBy: Int32Array
  readonly #touched: Int32Array
  #touchedCount = 0
  #start = 0
  #goal = 0

  constructor(weighted: WeightedGraph, landmarks?: Landmarks) {
    const { nodeCount } = weighted
    this.#weighted = weighted
    this.#tree = new GoalTree(weighted, landmarks)
    this.#twoEnded = new TwoEndedSearch(weighted)
    this.#place = new Int32Array(nodeCount).fill(-1)
    this.#state = new Float64Array(nodeCount * 2).fill(NONE)
    this.#arrivedBy = new Int32Array(nodeCount)
    this.#touched = new Int32Array(nodeCount)
  }

  /**
   * The `count` cheapest paths, or all there are that cost less than `bound`, cheapest first. The weights must not change until the
   * last was taken, and only one enumeration runs at a time.
   */
  *paths(from: number, to: number, count = NONE, bound = NONE): Generator<RankedPath, void> {
    const { inside, arcLink } = this.#weighted
    this.#start = inside[from] ?? -1
    this.#goal = inside[to] ?? -1
    if (this.#start === this.#goal || count < 1) return
    const path = this.#cheapest(bound)
    if (path === undefined) return
    const waiting = new PriorityQueue<Candidate>(isBefore)
    /** The costs of paths that wait, cheapest first: what costs as much as the last one wanted is not looked for. */
    const costs: number[] = []
    waiting.push(ofPath(path))
    let taken = 0
    for (let best = waiting.pop(); best !== undefined; best = waiting.pop()) {
      const worst = Math.min(bound, costs[count - taken - 1] ?? NONE)
      if (best.path === undefined) {
        const rest = this.#rest(best, worst)
        if (rest === undefined) continue
        waiting.push(ofPath(rest))
        if (count < NONE) insert(costs, rest.cost)
        continue
      }
      if (taken > 0) costs.shift()
      taken += 1
      const found = best.path
      yield { path: found.arcs.map((arc) => arcLink[arc] ?? -1), cost: found.cost }
      if (taken >= count) return
      this.#branches(found, Math.min(bound, costs[count - taken - 1] ?? NONE), waiting)
    }
  }

  /** Grows the tree on the way. */
  #cheapest(bound: number): Known | undefined {
    const start = this.#start
    const goal = this.#goal
    if (this.#tree.isLed) {
      this.#tree.grow(start, goal)
      const cost = this.#tree.length
      return cost < bound
        ? { arcs: this.#alongTree(start), cost, branch: 0, excluded: [] }
        : undefined
    }
    // Where nothing leads, a tree that reaches the start takes in half the network, and most of it is not needed.
    const found = this.#twoEnded.find(start, goal, bound)
    if (found === undefined) return undefined
    this.#tree.grow(start, goal, found.cost * RADIUS)
    return {
      arcs: this.#weighted.arcsAlong(start, found.path),
      cost: found.cost,
      branch: 0,
      excluded: [],
    }
  }

  /** Notes where paths may leave this one. */
  #branches(path: Known, bound: number, waiting: PriorityQueue<Candidate>): void {
    const { arcTo, arcLink, arcCost } = this.#weighted
    const place = this.#place
    let node = this.#start
    let rootCost = 0
    for (const [i, arc] of path.arcs.entries()) {
      place[node] = i
      if (i >= path.branch) {
        const link = arcLink[arc] ?? -1
        const excluded = i === path.branch ? [...path.excluded, link] : [link]
        const cost = rootCost + this.#least(node, i, excluded)
        if (cost < bound)
          waiting.push({ cost, path: undefined, parent: path, branch: i, rootCost, excluded })
      }
      rootCost += arcCost[arc] ?? 0
      node = arcTo[arc] ?? 0
    }
    node = this.#start
    for (const arc of path.arcs) {
      place[node] = -1
      node = arcTo[arc] ?? 0
    }
  }

  /** What it costs at least to go on from a node that is the last of the root, by other links than these. */
  #least(node: number, place: number, excluded: readonly number[]): number {
    const { first, arcTo, arcLink, arcCost, passable } = this.#weighted
    let least = NONE
    const end = first[node + 1] ?? 0
    for (let arc = first[node] ?? 0; arc < end; arc += 1) {
      const next = arcTo[arc] ?? 0
      const before = this.#place[next] ?? -1
      if ((before >= 0 && before < place) || excluded.includes(arcLink[arc] ?? -1)) continue
      if (passable[next] === 0 && next !== this.#goal) continue
      const cost = (arcCost[arc] ?? 0) + this.#tree.toGo(next)
      if (cost < least) least = cost
    }
    return least
  }

  /** The cheapest path of a candidate, when it costs less than `bound`. */
  #rest({ parent, branch, rootCost, excluded }: Candidate, bound: number): Known | undefined {
    const { arcTo } = this.#weighted
    const arcs = parent.arcs.slice(0, branch)
    const place = this.#place
    let node = this.#start
    for (const [i, arc] of arcs.entries()) {
      place[node] = i
      node = arcTo[arc] ?? 0
    }
    place[node] = branch
    const cost = this.#search(node, excluded, bound - rootCost, arcs)
    place[node] = -1
    node = this.#start
    for (let i = 0; i < branch; i += 1) {
      place[node] = -1
      node = arcTo[arcs[i] ?? -1] ?? 0
    }
    return cost === NONE ? undefined : { arcs, cost: rootCost + cost, branch, excluded }
  }

  /**
   * A* from the end of the root, led by the tree, round the root. Ends where the tree leads on to the goal without touching either.
   *
   * @param into gets the arcs found.
   * @returns what they cost, or infinity.
   */
  #search(spur: number, excluded: readonly number[], bound: number, into: number[]): number {
    const { first, arcTo, arcLink, arcCost, passable } = this.#weighted
    const state = this.#state
    const place = this.#place
    const touched = this.#touched
    const open = this.#open
    open.clear()
    state[spur * 2] = 0
    touched[0] = spur
    let count = 1
    let cost = NONE
    for (let node = spur, key = 0; node >= 0; key = open.leastKey, node = open.pop()) {
      const here = state[node * 2] ?? 0
      if (node !== spur) {
        if (key > here + (state[node * 2 + 1] ?? 0)) continue
        if (this.#tree.isExact(node) && this.#leadsHome(node, spur)) {
          this.#collect(spur, node, into)
          cost = here + this.#tree.toGo(node)
          break
        }
      }
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const next = arcTo[arc] ?? 0
        if ((place[next] ?? -1) >= 0) continue
        const there = here + (arcCost[arc] ?? 0)
        const before = state[next * 2] ?? 0
        if (there >= before) continue
        if (node === spur && excluded.includes(arcLink[arc] ?? -1)) continue
        if (before === NONE) {
          if (passable[next] === 0 && next !== this.#goal) continue
          touched[count] = next
          count += 1
          state[next * 2 + 1] = this.#tree.toGo(next)
        }
        state[next * 2] = there
        this.#arrivedBy[next] = arc
        const least = there + (state[next * 2 + 1] ?? 0)
        if (least < bound) open.push(next, least)
      }
    }
    this.#touchedCount = count
    for (let i = 0; i < this.#touchedCount; i += 1) state[(touched[i] ?? 0) * 2] = NONE
    return cost
  }

  /** Whether the tree's way from a node touches neither the root nor the way the search came there. */
  #leadsHome(node: number, spur: number): boolean {
    const { arcTo, twin } = this.#weighted
    const place = this.#place
    const goal = this.#goal
    for (let at = node; at !== goal; ) {
      at = arcTo[this.#tree.next(at)] ?? goal
      if ((place[at] ?? -1) >= 0) return false
    }
    // With weights of zero it could turn back on itself.
    for (let at = node; at !== spur; ) {
      at = arcTo[twin[this.#arrivedBy[at] ?? -1] ?? -1] ?? spur
      if (at === goal) return false
      place[at] = NEVER
    }
    let free = true
    for (let at = node; at !== goal && free; ) {
      at = arcTo[this.#tree.next(at)] ?? goal
      free = place[at] !== NEVER
    }
    for (let at = node; at !== spur; ) {
      at = arcTo[twin[this.#arrivedBy[at] ?? -1] ?? -1] ?? spur
      place[at] = at === spur ? 0 : -1
    }
    return free
  }

  #collect(spur: number, node: number, into: number[]): void {
    const { arcTo, twin } = this.#weighted
    const root = into.length
    for (let at = node; at !== spur; ) {
      const arc = this.#arrivedBy[at] ?? -1
      into.push(arc)
      at = arcTo[twin[arc] ?? -1] ?? spur
    }
    for (let low = root, high = into.length - 1; low < high; low += 1, high -= 1) {
      const arc = into[low] ?? -1
      into[low] = into[high] ?? -1
      into[high] = arc
    }
    into.push(...this.#alongTree(node))
  }

  #alongTree(from: number): number[] {
    const { arcTo } = this.#weighted
    const arcs: number[] = []
    for (let node = from; node !== this.#goal; ) {
      const arc = this.#tree.next(node)
      arcs.push(arc)
      node = arcTo[arc] ?? this.#goal
    }
    return arcs
  }
}

/** A place on a way that must not be met again. */
const NEVER = 0x7fffffff

function ofPath(path: Known): Candidate {
  return {
    cost: path.cost,
    path,
    parent: path,
    branch: path.branch,
    rootCost: 0,
    excluded: path.excluded,
  }
}

/** Cheaper first; of equals one that is known already; of these the one with fewer hops. */
function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.cost !== b.cost) return a.cost < b.cost
  if (a.path === undefined || b.path === undefined)
    return b.path === undefined && a.path !== undefined
  return a.path.arcs.length < b.path.arcs.length
}

/** Keeps the list in order. */
function insert(list: number[], value: number): void {
  let place = list.length
  list.push(value)
  for (; place > 0 && (list[place - 1] ?? 0) > value; place -= 1) list[place] = list[place - 1] ?? 0
  list[place] = value
}
