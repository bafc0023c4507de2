// The engine's searches over one network, kept for many requests: the graph is laid out once a weight, closed as each request has it,
// and gets landmarks when many ask. Decides nothing.

import { DisjointSearch } from "../engine/disjoint-search.js"
import { KShortest } from "../engine/k-shortest.js"
import { Landmarks } from "../engine/landmarks.js"
import { LimitedPair, landmarksOf } from "../engine/limited-pair.js"
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
  landmarks: Landmarks | undefined
  /** By the names of what is limited. */
  readonly limited: Map<string, LimitedPair>
  asked: number
}

export class PathSearches {
  readonly #graph: PathGraph
  readonly #kept = new Map<string, Kept>()
  /** By what is limited. */
  readonly #landmarks = new Map<string, Landmarks>()

  constructor(graph: PathGraph) {
    this.#graph = graph
  }

  /** @param weight what the question's costs are called: the same name, the same costs. */
  for(weight: string, question: PathQuestion): { kShortest: KShortest; disjoint: DisjointSearch } {
    return this.#keptFor(weight, question)
  }

  /**
   * The search for one path that keeps limits; undefined before landmarks are there.
   *
   * @param limits what is limited by its name: the same name, the same weight.
   */
  limited(
    weight: string,
    question: PathQuestion,
    limits: readonly { readonly rule: string; readonly weight: Float64Array }[],
  ): LimitedPair | undefined {
    const { weighted, landmarks, limited } = this.#keptFor(weight, question)
    if (landmarks === undefined) return undefined
    const key = limits.map(({ rule }) => rule).join()
    let search = limited.get(key)
    if (search === undefined) {
      search = new LimitedPair(
        weighted,
        landmarks,
        limits.map((limit) => ({ weight: limit.weight, landmarks: this.#landmarksOf(limit) })),
      )
      limited.set(key, search)
    }
    return search
  }

  #landmarksOf({ rule, weight }: { rule: string; weight: Float64Array }): Landmarks {
    const known = this.#landmarks.get(rule)
    const landmarks = known ?? landmarksOf(this.#graph, weight)
    this.#landmarks.set(rule, landmarks)
    return landmarks
  }

  #keptFor(weight: string, question: PathQuestion): Kept {
    let kept = this.#kept.get(weight)
    if (kept === undefined) {
      const weighted = new WeightedGraph(this.#graph, question.cost)
      const kShortest = new KShortest(weighted)
      kept = {
        weighted,
        kShortest,
        disjoint: new DisjointSearch(weighted),
        landmarks: undefined,
        limited: new Map(),
        asked: 0,
      }
      this.#kept.set(weight, kept)
    }
    kept.asked += 1
    if (kept.asked === REQUESTS && this.#graph.nodeCount >= NODES) {
      const landmarks = new Landmarks(kept.weighted)
      kept.landmarks = landmarks
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
