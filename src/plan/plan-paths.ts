// Answers requests for paths over a network: the method that fits each, the paths in order of cost, or the reason why
// there is none.

import { limitedDisjointPaths, riskDisjointPaths } from "../engine/disjoint-in-order.js"
import { LimitedPaths } from "../engine/limited-path.js"
import { comparePaths, type LinkPath, type RankedPath, sumAlong } from "../engine/path-question.js"
import { pathsInOrder } from "../engine/paths-in-order.js"
import { ShortestPaths } from "../engine/shortest.js"
import type { PathRequest } from "./path-request.js"
import { PathSearches } from "./path-searches.js"
import { ruledQuestion, type RuledQuestion } from "./path-rules.js"
import { reasonForNone } from "./path-reason.js"
import type { PlanNetwork } from "./plan-network.js"

export interface PlannedPath {
  readonly nodes: readonly string[]
  /** Sum of the weight asked for. */
  readonly cost: number
  readonly lengthKm: number
  readonly hops: number
  /** Of its weakest link. */
  readonly rateBps: number
  /** Adds up along the path. */
  readonly epsilon: number
  /** In store at the link that has least; told where the stock of every link is known. */
  readonly stockBits?: number
  /** Links by id; told where the nodes alone do not tell, since links run in parallel. */
  readonly links?: readonly string[]
}

export interface PathAnswer {
  readonly id: string
  /** In order of cost. */
  readonly paths: readonly PlannedPath[]
  /** Why there is none, or why a disjoint set has fewer members than asked for. */
  readonly reason?: string
}

/** Holds the buffers of the searches, so that many requests over one network are quick. */
export class PathPlanner {
  readonly #network: PlanNetwork
  readonly #searches: ShortestPaths
  readonly #plain: PathSearches

  constructor(network: PlanNetwork) {
    this.#network = network
    this.#plain = new PathSearches(network.graph)
    this.#searches = new ShortestPaths(network.graph)
  }

  answer(request: PathRequest): PathAnswer {
    const ruled = ruledQuestion(this.#network, request)
    const { cost } = ruled.question
    const { paths, reason } = this.#find(request, ruled)
    const ranked = paths.map((path) => ({ path, cost: sumAlong(path, cost) })).sort(comparePaths)
    const why = paths.length > 0 ? reason : reasonForNone(this.#network, this.#searches, request)
    return {
      id: request.id,
      paths: ranked.map((one) => this.#planned(ruled.question.from, one.path, one.cost)),
      ...(why === undefined ? {} : { reason: why }),
    }
  }

  #find(
    { k, disjoint = "none", weight = "hops" }: PathRequest,
    { question, limits, waypoints }: RuledQuestion,
  ): { readonly paths: readonly LinkPath[]; readonly reason?: string } {
    const { graph, risks } = this.#network
    const { from, to } = question
    const searches = this.#searches
    const plain = limits.length === 0 && waypoints.length === 0
    if (disjoint === "none") {
      const pair =
        !plain && waypoints.length === 0 && (k ?? 1) === 1
          ? this.#plain.limited(weight, question, limits)
          : undefined
      if (pair !== undefined) {
        const max = limits.map((limit) => limit.max)
        const path = pair.find(from, to, max)
        return { paths: path === undefined ? [] : [path] }
      }
      const found = plain
        ? this.#plain.for(weight, question).kShortest.paths(from, to, k ?? 1)
        : this.#limited(question, limits, waypoints, k ?? 1)
      return { paths: Array.from(found, ({ path }) => path) }
    }
    const count = k ?? 2
    const set =
      disjoint === "risk"
        ? riskDisjointPaths(graph, searches, question, count, risks, limits, waypoints)
        : plain
          ? {
              paths: this.#plain.for(weight, question).disjoint.find(from, to, count, disjoint),
              proven: true,
            }
          : limitedDisjointPaths(graph, searches, question, count, disjoint, limits, waypoints)
    const few = `only ${set.paths.length} ${disjoint}-disjoint ${set.paths.length === 1 ? "path exists" : "paths exist"}`
    if (!set.proven)
      return { paths: set.paths, reason: "the search was ended before a better set was ruled out" }
    return set.paths.length < count ? { paths: set.paths, reason: few } : { paths: set.paths }
  }

  #limited(
    question: RuledQuestion["question"],
    limits: RuledQuestion["limits"],
    waypoints: RuledQuestion["waypoints"],
    count: number,
  ): Iterable<RankedPath> {
    const { graph } = this.#network
    const limited = new LimitedPaths(graph, this.#searches, question, limits, waypoints)
    return pathsInOrder(graph, question, (...task) => limited.find(...task), count)
  }

  #planned(from: number, path: LinkPath, cost: number): PlannedPath {
    const { graph, nodeNames, linkIds, lengthKm, rateBps, epsilon, stockBits } = this.#network
    const nodes = graph.nodesOf(from, path)
    const stocks = path.flatMap((link) => stockBits[link] ?? [])
    return {
      nodes: nodes.map((node) => nodeNames[node] ?? ""),
      cost,
      lengthKm: sumAlong(path, lengthKm),
      hops: path.length,
      rateBps: Math.min(...path.map((link) => rateBps[link] ?? 0)),
      epsilon: sumAlong(path, epsilon),
      ...(stocks.length === path.length ? { stockBits: Math.min(...stocks) } : {}),
      ...(path.some((link) => this.#hasParallel(link))
        ? { links: path.map((link) => linkIds[link] ?? "") }
        : {}),
    }
  }

  #hasParallel(link: number): boolean {
    const { graph } = this.#network
    const a = graph.linkA[link] ?? -1
    const b = graph.linkB[link] ?? -1
    let between = 0
    for (let arc = graph.first[a] ?? 0; arc < (graph.first[a + 1] ?? 0); arc += 1)
      if (graph.arcTo[arc] === b) between += 1
    return between > 1
  }
}
