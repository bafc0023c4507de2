// Rules of admission that others use, for the benches: the same demands in the same order as ours.

import type { Demand } from "../src/engine/demand.js"
import type { PathQuestion } from "../src/engine/path-question.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import type { TestNetwork } from "./allocation-cases.js"

export type Rule = "fixed" | "fewest" | "widest"

/**
 * What a rule carries, bits per second.
 *
 * - `fixed`: the path of fewest hops, or none
 * - `fewest`: the path of fewest hops among those that have room
 * - `widest`: of all paths one with most room, of these one of fewest hops
 */
export function carriedByRule(
  { graph, capacity }: TestNetwork,
  demands: readonly Demand[],
  rule: Rule,
): number {
  const free = capacity.rateBps.slice()
  const searches = new ShortestPaths(graph)
  const usable = new Uint8Array(graph.linkCount)
  const hops = new Float64Array(graph.linkCount).fill(1)
  const find = (demand: Demand, leastBps: number): readonly number[] | undefined => {
    for (let link = 0; link < usable.length; link += 1)
      usable[link] = (free[link] ?? 0) >= leastBps ? 1 : 0
    const question: PathQuestion = {
      from: demand.from,
      to: demand.to,
      cost: hops,
      usableLinks: usable,
      passableNodes: capacity.passableNodes,
    }
    return searches.find(question)
  }
  const widest = (demand: Demand): readonly number[] | undefined => {
    const rates = [...new Set(free)].filter((rate) => rate >= demand.rateBps).sort((a, b) => a - b)
    let best: readonly number[] | undefined
    for (let low = 0, high = rates.length; low < high; ) {
      const middle = (low + high) >> 1
      const path = find(demand, rates[middle] ?? 0)
      if (path === undefined) high = middle
      else {
        best = path
        low = middle + 1
      }
    }
    return best
  }
  let carriedBps = 0
  for (const demand of demands) {
    const path =
      rule === "widest" ? widest(demand) : find(demand, rule === "fixed" ? 0 : demand.rateBps)
    if (path === undefined || path.some((link) => (free[link] ?? 0) < demand.rateBps)) continue
    for (const link of path) free[link] = (free[link] ?? 0) - demand.rateBps
    carriedBps += demand.rateBps
  }
  return carriedBps
}
