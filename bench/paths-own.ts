// Keyloom's side of bench/paths.ts.

import { DisjointSearch } from "../src/engine/disjoint-search.js"
import { KShortest } from "../src/engine/k-shortest.js"
import { Landmarks } from "../src/engine/landmarks.js"
import { landmarksOf, LimitedPair } from "../src/engine/limited-pair.js"
import { OnePair } from "../src/engine/one-pair.js"
import { LiveTree } from "../src/engine/live-tree.js"
import { type LinkPath, sumAlong } from "../src/engine/path-question.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { WeightedGraph } from "../src/engine/weighted-graph.js"
import type { BenchGraph, BenchPair } from "./path-graphs.js"
import { LocalPeer, type Operation, type Peer } from "./path-peers.js"

export function ownPeer(bench: BenchGraph): Peer {
  const own = new Own(bench)
  const all: Operation[] = ["one", "eight", "pair", "limits", "update"]
  return new LocalPeer("Keyloom", all, bench.pairs, (operation, question, pair) => {
    switch (operation) {
      case "one":
        return own.one(pair)
      case "eight":
        return own.inOrder(pair, 8)
      case "pair":
        return own.disjointPair(pair)
      case "limits":
        return own.limited(pair)
      case "update":
        return own.update(question)
    }
  })
}

/** The same without the tree that follows: a whole one after each change. */
export function anewPeer({ graph, cost, changes, pairs }: BenchGraph): Peer {
  const searches = new ShortestPaths(graph)
  const now = cost.slice()
  const open = {
    usableLinks: new Uint8Array(graph.linkCount).fill(1),
    passableNodes: new Uint8Array(graph.nodeCount).fill(1),
  }
  return new LocalPeer("Keyloom anew", ["update"], pairs, (_operation, question) => {
    const change = changes[question % changes.length]
    if (change === undefined) return 0
    now[change.link] = change.cost
    return searches.treeFrom({ from: 0, cost: now, ...open }).distance[graph.nodeCount >> 1] ?? -1
  })
}

class Own {
  readonly #bench: BenchGraph
  readonly #onePair: OnePair
  readonly #changing: WeightedGraph
  readonly #tree: LiveTree
  readonly #disjoint: DisjointSearch
  readonly #kShortest: KShortest
  readonly #limitedPair: LimitedPair

  constructor(bench: BenchGraph) {
    this.#bench = bench
    const { graph, cost } = bench
    const weighted = new WeightedGraph(graph, cost)
    const landmarks = new Landmarks(weighted)
    this.#onePair = new OnePair(weighted, landmarks)
    // The changes are for the tree alone: the other questions are asked of the graph as it was.
    this.#changing = new WeightedGraph(graph, cost)
    this.#tree = new LiveTree(this.#changing, 0)
    this.#disjoint = new DisjointSearch(weighted, landmarks)
    this.#kShortest = new KShortest(weighted, landmarks)
    const hops = new Float64Array(graph.linkCount).fill(1)
    this.#limitedPair = new LimitedPair(
      weighted,
      landmarks,
      [bench.loss, hops].map((weight) => ({ weight, landmarks: landmarksOf(graph, weight) })),
    )
  }

  one({ from, to }: BenchPair): number {
    return this.#onePair.find(from, to)?.cost ?? -1
  }

  inOrder({ from, to }: BenchPair, count: number): number {
    let sum = 0
    for (const { cost } of this.#kShortest.paths(from, to, count)) sum += cost
    return sum
  }

  disjointPair({ from, to }: BenchPair): number {
    const paths = this.#disjoint.find(from, to, 2, "link")
    return paths.length < 2 ? -1 : paths.reduce((sum, path) => sum + this.#costOf(path), 0)
  }

  limited({ from, to, maxLoss, maxHops }: BenchPair): number {
    return this.#costOf(this.#limitedPair.find(from, to, [maxLoss, maxHops]))
  }

  update(question: number): number {
    const change = this.#bench.changes[question % this.#bench.changes.length]
    if (change === undefined) return 0
    this.#changing.setCost(change.link, change.cost)
    return this.#tree.distanceTo(this.#bench.graph.nodeCount >> 1)
  }

  #costOf(path: LinkPath | undefined): number {
    return path === undefined ? -1 : sumAlong(path, this.#bench.cost)
  }
}
