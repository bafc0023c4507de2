// The cheapest path that keeps limits on sums along it (hops, length, epsilon) and passes nodes it must pass. Exact:
// labels at each node, those kept that no other beats in all that counts, led by lower bounds from the goal.
//
// Without nodes to pass, the cheapest walk is a path by itself. With them, a walk might go twice through a node to
// collect one; such a node is then watched, and the search begins anew (Righini and Salani, Networks 51, 2008).

import { isWithin, type Limit, type LinkPath, type PathQuestion } from "./path-question.js"
import type { PathGraph } from "./path-graph.js"
import { PriorityQueue } from "./priority-queue.js"
import type { Blocks, ShortestPaths } from "./shortest.js"

/** One way to a node, with what it cost and spent. */
interface Label {
  readonly node: number
  readonly cost: number
  /** What a whole path behind this one costs at least. */
  readonly least: number
  readonly hops: number
  /** By limit. */
  readonly spent: readonly number[]
  /** Watched nodes it has been to, a bit each. */
  readonly seen: bigint
  /** The last link; -1 at the beginning. */
  readonly link: number
  readonly from: Label | undefined
}

export class LimitedPaths {
  readonly #graph: PathGraph
  readonly #question: PathQuestion
  readonly #limits: readonly Limit[]
  readonly #required: readonly number[]
  /** By node, what is left to pay at least. */
  readonly #toGo: Float64Array
  /** By limit and node, what is left to spend at least. */
  readonly #toSpend: readonly Float64Array[]

  /** @param required nodes to pass, in any order; the ends need not be named. */
  constructor(
    graph: PathGraph,
    searches: ShortestPaths,
    question: PathQuestion,
    limits: readonly Limit[],
    required: readonly number[] = [],
  ) {
    this.#graph = graph
    this.#question = question
    this.#limits = limits
    this.#required = [...new Set(required)].filter((n) => n !== question.from && n !== question.to)
    // Where a limit cannot be kept from there on, nothing is to be looked for.
    const passableNodes = question.passableNodes.slice()
    this.#toSpend = limits.map(({ weight, max }) => {
      const spend = searches.distancesTo({ ...question, passableNodes, cost: weight }, max)
      for (let node = 0; node < graph.nodeCount; node += 1)
        if (spend[node] === Number.POSITIVE_INFINITY) passableNodes[node] = 0
      return spend
    })
    this.#toGo = searches.distancesTo({ ...question, passableNodes })
  }

  /**
   * The cheapest rest of a path behind `root`; see `FindRest`.
   *
   * @returns undefined when there is none that costs less than `bound`.
   */
  find(from: number, root: LinkPath, blocks: Blocks, bound: number): LinkPath | undefined {
    const passed = new Set(this.#graph.nodesOf(this.#question.from, root))
    const required = this.#required.filter((node) => !passed.has(node))
    const watched = [...required]
    for (;;) {
      const walk = this.#walk({ from, root, blocks, bound, required, watched })
      if (walk === undefined) return undefined
      const repeated = repeatedIn(this.#graph.nodesOf(from, walk))
      if (repeated.length === 0) return walk
      watched.push(...repeated)
    }
  }

  /** As a path, but nodes that are not watched may come twice. */
  #walk(task: Task): LinkPath | undefined {
    const { to, cost, usableLinks, passableNodes } = this.#question
    const { first, arcTo, arcLink } = this.#graph
    const bits = new Map(task.watched.map((node, i) => [node, 1n << BigInt(i)]))
    const wanted = task.required.reduce((mask, node) => mask | (bits.get(node) ?? 0n), 0n)
    const kept = new Map<number, Label[]>()
    const queue = new PriorityQueue(isBefore)
    const spent = this.#limits.map(({ weight }) =>
      task.root.reduce((sum, link) => sum + (weight[link] ?? 0), 0),
    )
    const add = (label: Label): void => {
      if (!(label.least < task.bound)) return
      const within = label.spent.every((sum, i) =>
        isWithin(sum + (this.#toSpend[i]?.[label.node] ?? 0), this.#limits[i]?.max ?? 0),
      )
      if (!within || kept.get(label.node)?.some((other) => beats(other, label, wanted)) === true)
        return
      queue.push(label)
    }
    const least = this.#toGo[task.from] ?? 0
    add({
      node: task.from,
      cost: 0,
      least,
      hops: 0,
      spent,
      seen: bits.get(task.from) ?? 0n,
      link: -1,
      from: undefined,
    })
    for (let label = queue.pop(); label !== undefined; label = queue.pop()) {
      if (label.node === to) {
        if ((label.seen & wanted) === wanted) return linksOf(label)
        continue
      }
      const here = label
      const others = kept.get(label.node) ?? []
      if (others.some((other) => beats(other, here, wanted))) continue
      others.push(label)
      kept.set(label.node, others)
      const end = first[label.node + 1] ?? 0
      for (let arc = first[label.node] ?? 0; arc < end; arc += 1) {
        const link = arcLink[arc] ?? 0
        const node = arcTo[arc] ?? 0
        if (usableLinks[link] === 0 || task.blocks.hasLink(link) || task.blocks.hasNode(node))
          continue
        if (node !== to && passableNodes[node] === 0) continue
        const bit = bits.get(node) ?? 0n
        if (node === task.from || (bit !== 0n && (label.seen & bit) !== 0n)) continue
        const there = label.cost + (cost[link] ?? 0)
        add({
          node,
          cost: there,
          least: there + (this.#toGo[node] ?? 0),
          hops: label.hops + 1,
          spent: label.spent.map((sum, i) => sum + (this.#limits[i]?.weight[link] ?? 0)),
          seen: label.seen | bit,
          link,
          from: label,
        })
      }
    }
    return undefined
  }
}

interface Task {
  readonly from: number
  readonly root: LinkPath
  readonly blocks: Blocks
  readonly bound: number
  readonly required: readonly number[]
  /** Nodes that must not come twice; those required among them. */
  readonly watched: readonly number[]
}

/** Whether whatever follows `label` may as well follow `other`. */
function beats(other: Label, label: Label, wanted: bigint): boolean {
  if (other.cost > label.cost || other.spent.some((sum, i) => sum > (label.spent[i] ?? 0)))
    return false
  // It must have collected the same, and be free to go wherever the other still may.
  return (other.seen & wanted) === (label.seen & wanted) && (other.seen & ~label.seen) === 0n
}

function isBefore(a: Label, b: Label): boolean {
  return a.least < b.least || (a.least === b.least && a.hops < b.hops)
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

function linksOf(label: Label): number[] {
  const links: number[] = []
  for (let at = label; at.from !== undefined; at = at.from) links.push(at.link)
  return links.reverse()
}
