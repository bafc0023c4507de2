// The cheapest path that keeps limits on sums along it (hops, length, epsilon) and passes what it must: nodes, links, one of
// several. Exact: labels at each node, those kept that no other beats in all that counts, led by lower bounds from the goal.
//
// Without anything to pass, the cheapest walk is a path by itself. With it, a walk might go twice through a node to
// collect something; such a node is then watched, and the search begins anew (Righini and Salani, Networks 51, 2008).

import { LabelList } from "./label-list.js"
import { LabelQueue } from "./label-queue.js"
import { LimitBounds } from "./limit-bounds.js"
import {
  greatestWithin,
  isWithin,
  type Limit,
  type LinkPath,
  type PathQuestion,
  sumAlong,
} from "./path-question.js"
import type { PathGraph } from "./path-graph.js"
import type { Blocks, ShortestPaths } from "./shortest.js"
import { notPassed, type Waypoint } from "./waypoint.js"

export class LimitedPaths {
  readonly #graph: PathGraph
  readonly #question: PathQuestion
  readonly #limits: readonly Limit[]
  readonly #waypoints: readonly Waypoint[]
  readonly #bounds: LimitBounds
  readonly #labels: LabelList
  readonly #queue = new LabelQueue()

  constructor(
    graph: PathGraph,
    searches: ShortestPaths,
    question: PathQuestion,
    limits: readonly Limit[],
    waypoints: readonly Waypoint[] = [],
  ) {
    this.#graph = graph
    this.#question = question
    this.#limits = limits
    const { from, to } = question
    this.#waypoints = notPassed(waypoints, graph, from, []).filter(
      ({ nodes }) => nodes?.includes(to) !== true,
    )
    this.#bounds = new LimitBounds(searches, question, limits, this.#waypoints)
    this.#labels = new LabelList(graph.nodeCount, limits.length)
  }

  /**
   * The cheapest rest of a path behind `root`; see `FindRest`.
   *
   * @returns undefined when there is none that costs less than `bound`.
   */
  find(from: number, root: LinkPath, blocks: Blocks, bound: number): LinkPath | undefined {
    const waypoints = notPassed(this.#waypoints, this.#graph, this.#question.from, root)
    const watched: number[] = []
    for (;;) {
      const walk = this.#walk({ from, root, blocks, bound, waypoints, watched })
      if (walk === undefined || waypoints.length === 0) return walk
      const repeated = repeatedIn(this.#graph.nodesOf(from, walk))
      if (repeated.length === 0) return walk
      watched.push(...repeated)
    }
  }

  /** As a path, but nodes that are not watched may come twice. */
  #walk(task: Task): LinkPath | undefined {
    const { from, blocks, bound, waypoints } = task
    const { to, cost, usableLinks, passableNodes } = this.#question
    const { first, arcTo, arcLink } = this.#graph
    const labels = this.#labels
    const queue = this.#queue
    const limits = this.#limits
    const sums = limits.length
    const marking = new Marking(task)
    const { metWords, words } = marking
    labels.clear(metWords, words - metWords)
    queue.clear()
    const lower = this.#bounds.of(waypoints)
    const ceilings = limits.map(({ max }) => greatestWithin(max))
    const weights = limits.map(({ weight }) => weight)
    /** Lets a label filled in wait, if it can still become the path sought. */
    const add = (label: number, node: number): void => {
      const { marks, spent } = labels
      let toGo = lower.toGo[node] ?? 0
      for (let i = 0; i < sums; i += 1)
        if (
          !((spent[label * sums + i] ?? 0) + (lower.toSpend[i]?.[node] ?? 0) <= (ceilings[i] ?? 0))
        ) {
          labels.drop()
          return
        }
      for (const [n, via] of lower.via.entries()) {
        if (((marks[label * words + (n >> 5)] ?? 0) & (1 << (n & 31))) !== 0) continue
        toGo = Math.max(toGo, via.toGo[node] ?? 0)
        for (let i = 0; i < sums; i += 1)
          if (
            !((spent[label * sums + i] ?? 0) + (via.toSpend[i]?.[node] ?? 0) <= (ceilings[i] ?? 0))
          )
            toGo = Number.POSITIVE_INFINITY
      }
      const least = (labels.cost[label] ?? 0) + toGo
      if (least < bound && !labels.isBeaten(label))
        queue.push(label, least, labels.hops[label] ?? 0)
      else labels.drop()
    }
    const start = labels.add()
    labels.node[start] = from
    labels.link[start] = -1
    labels.before[start] = -1
    labels.hops[start] = 0
    labels.cost[start] = 0
    for (let i = 0; i < sums; i += 1)
      labels.spent[start * sums + i] = sumAlong(task.root, weights[i] ?? cost)
    for (let word = 0; word < words; word += 1) labels.marks[start * words + word] = 0
    marking.mark(labels.marks, start * words, -1, from)
    add(start, from)
    for (let label = queue.pop(); label >= 0; label = queue.pop()) {
      const node = labels.node[label] ?? -1
      if (node === to) {
        if (marking.hasMet(labels.marks, label * words) && this.#keeps(label))
          return labels.linksTo(label)
        continue
      }
      if (labels.isBeaten(label)) continue
      labels.keep(label)
      const here = labels.cost[label] ?? 0
      const hops = labels.hops[label] ?? 0
      const end = first[node + 1] ?? 0
      for (let arc = first[node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        const next = arcTo[arc] ?? 0
        if (usableLinks[link] === 0 || next === from) continue
        if (blocks.hasLink(link) || blocks.hasNode(next)) continue
        if (next !== to && passableNodes[next] === 0) continue
        if (words > 0 && marking.hasSeen(labels.marks, label * words, next)) continue
        const made = labels.add()
        labels.node[made] = next
        labels.link[made] = link
        labels.before[made] = label
        labels.hops[made] = hops + 1
        labels.cost[made] = here + (cost[link] ?? 0)
        const { spent, marks } = labels
        for (let i = 0; i < sums; i += 1)
          spent[made * sums + i] = (spent[label * sums + i] ?? 0) + (weights[i]?.[link] ?? 0)
        for (let word = 0; word < words; word += 1)
          marks[made * words + word] = marks[label * words + word] ?? 0
        if (words > 0) marking.mark(marks, made * words, link, next)
        add(made, next)
      }
    }
    return undefined
  }

  /** Bounds of nodes before let a little more through than is right, lest rounding cost a path. */
  #keeps(label: number): boolean {
    const sums = this.#limits.length
    return this.#limits.every(({ max }, i) =>
      isWithin(this.#labels.spent[label * sums + i] ?? 0, max),
    )
  }
}

interface Task {
  readonly from: number
  readonly root: LinkPath
  readonly blocks: Blocks
  readonly bound: number
  readonly waypoints: readonly Waypoint[]
  /** Nodes that must not come twice. */
  readonly watched: readonly number[]
}

/** The marks that labels of one search carry: waypoints met, then watched nodes seen, a bit each. */
class Marking {
  readonly metWords: number
  readonly words: number
  readonly #waypoints: number
  readonly #ofNode = new Map<number, number[]>()
  readonly #ofLink = new Map<number, number[]>()
  /** By watched node, its bit. */
  readonly #watched = new Map<number, number>()

  constructor({ waypoints, watched }: Task) {
    this.#waypoints = waypoints.length
    this.metWords = Math.ceil(waypoints.length / 32)
    this.words = this.metWords + Math.ceil(watched.length / 32)
    for (const [bit, { nodes = [], links = [] }] of waypoints.entries()) {
      for (const node of nodes) append(this.#ofNode, node, bit)
      for (const link of links) append(this.#ofLink, link, bit)
    }
    for (const [i, node] of watched.entries()) this.#watched.set(node, this.metWords * 32 + i)
  }

  /** Notes what a label has come over and to. */
  mark(marks: Int32Array, base: number, link: number, node: number): void {
    for (const bit of this.#ofNode.get(node) ?? []) set(marks, base, bit)
    for (const bit of this.#ofLink.get(link) ?? []) set(marks, base, bit)
    const seen = this.#watched.get(node)
    if (seen !== undefined) set(marks, base, seen)
  }

  hasSeen(marks: Int32Array, base: number, node: number): boolean {
    const bit = this.#watched.get(node)
    return bit !== undefined && has(marks, base, bit)
  }

  hasMet(marks: Int32Array, base: number): boolean {
    for (let bit = 0; bit < this.#waypoints; bit += 1) if (!has(marks, base, bit)) return false
    return true
  }
}

function append(lists: Map<number, number[]>, key: number, bit: number): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [bit])
  else if (!list.includes(bit)) list.push(bit)
}

function set(marks: Int32Array, base: number, bit: number): void {
  const place = base + (bit >> 5)
  marks[place] = (marks[place] ?? 0) | (1 << (bit & 31))
}

function has(marks: Int32Array, base: number, bit: number): boolean {
  return ((marks[base + (bit >> 5)] ?? 0) & (1 << (bit & 31))) !== 0
}

function repeatedIn(nodes: readonly number[]): number[] {
  const seen = new Set<number>()
  const repeated = new Set<number>()
  for (const node of nodes) {
    if (seen.has(node)) repeated.add(node)
    seen.add(node)
  }
  return [...repeated]
}
