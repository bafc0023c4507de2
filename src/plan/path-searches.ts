// The engine's searches over one network, kept for many requests: the graph is laid out once a weight, closed as each request has it,
// and gets landmarks when many ask. Decides nothing.

import { DisjointSearch } from "../engine/disjoint-search.js"
import { KShortest } from "../engine/k-shortest.js"
import { Landmarks } from "../engine/landmarks.js"
import type { PathGraph } from "../engine/path-graph.js"
import type { PathQuestion } from "../engine/path-question.js"
import { WeightedGraph } from "../engine/weighted-graph.js"

/** Before, measuring landmarks takes longer than they save. */
const REQUESTS = 20
const NODES = 300

interface Kept {
  readonly weighted: WeightedGraph
  kShortest: KShortest
  disjoint: DisjointSearch
  asked: number
}

export class PathSearches {
  readonly #graph: PathGraph
  readonly #kept = new Map<string, Kept>()

  constructor(graph: PathGraph) {
    this.#graph = graph
  }

  /** @param weight what the question's costs are called: the same name, the same costs. */
  for(weight: string, question: PathQuestion): { kShortest: KShortest; disjoint: DisjointSearch } {
    let kept = this.#kept.get(weight)
    if (kept === undefined) {
      const weighted = new WeightedGraph(this.#graph, question.cost)
      const kShortest = new KShortest(weighted)
      kept = { weighted, kShortest, disjoint: new DisjointSearch(weighted), asked: 0 }
      this.#kept.set(weight, kept)
    }
    kept.asked += 1
    if (kept.asked === REQUESTS && this.#graph.nodeCount >= NODES) {
      const landmarks = new Landmarks(kept.weighted)
      kept.kShortest = new KShortest(kept.weighted, landmarks)
      kept.disjoint = new DisjointSearch(kept.weighted, landmarks)
    }
    closeAs(kept.weighted, question)
    return kept
  }
}

function closeAs(weighted: WeightedGraph, { usableLinks, passableNodes }: PathQuestion): void {
  for (const [link, usable] of usableLinks.entries()) {
    const closed = usable === 0
    if (closed === weighted.isClosed(link)) continue
    if (closed) weighted.close(link)
    else weighted.open(link)
  }
  for (const [node, passable] of passableNodes.entries()) weighted.setPassable(node, passable === 1)
}
