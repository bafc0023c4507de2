// What one more link, or more rate on one that is there, can gain at most: proven by the prices of the links as they are.
// Adds nothing and solves nothing; the exact gain takes a linear program each (columns.ts).

import type { Capacity, Demand } from "./demand.js"
import type { PathGraph } from "./path-graph.js"
import type { ShortestPaths } from "./shortest.js"

/** A link that is not there: between two nodes, at a rate. */
export interface Proposal {
  readonly a: number
  readonly b: number
  readonly rateBps: number
}

/**
 * By proposal, what it can add to the optimum at most, bits per second.
 *
 * Prices are a solution of the dual program: every path of every demand costs at least what the demand gains by a bit. A new
 * link breaks that where ways over it are cheaper. Whatever price it is given, and whatever the demands are credited so that
 * it holds again, the value bounds what the grown network carries; the best such price fills the new link with the demands
 * that save most, and counts what they save.
 *
 * @param price by link, what one more bit per second of it would gain (`Columns.pricesOf`).
 */
export function gainBounds(
  graph: PathGraph,
  searches: ShortestPaths,
  capacity: Capacity,
  demands: readonly Demand[],
  price: Float64Array,
  proposals: readonly Proposal[],
): Float64Array {
  const { passableNodes } = capacity
  const usableLinks = Uint8Array.from(capacity.rateBps, (rate) => (rate > 0 ? 1 : 0))
  const ends = new Set(demands.flatMap(({ from, to }) => [from, to]))
  /** By end: what the way to each node costs, if a path may go on from there. */
  const reach = new Map<number, Float64Array>()
  const direct = new Map<number, Float64Array>()
  for (const from of ends) {
    const { distance } = searches.treeFrom({ from, cost: price, usableLinks, passableNodes })
    direct.set(from, distance)
    reach.set(
      from,
      distance.map((cost, node) =>
        node === from || passableNodes[node] === 1 ? cost : Number.POSITIVE_INFINITY,
      ),
    )
  }
  const pairs = pairsOf(demands, direct)
  return Float64Array.from(proposals, ({ a, b, rateBps }) => {
    const savings: { perBit: number; rateBps: number }[] = []
    for (const pair of pairs) {
      const out = reach.get(pair.from)
      const back = reach.get(pair.to)
      const forth = (out?.[a] ?? 0) + (back?.[b] ?? 0)
      const other = (out?.[b] ?? 0) + (back?.[a] ?? 0)
      const perBit = pair.paid - Math.min(forth, other)
      if (perBit > 0) savings.push({ perBit, rateBps: pair.rateBps })
    }
    savings.sort((one, next) => next.perBit - one.perBit)
    let left = rateBps
    let sum = 0
    for (const saving of savings) {
      sum += saving.perBit * Math.min(left, saving.rateBps)
      left -= saving.rateBps
      if (left <= 0) break
    }
    return sum
  })
}

interface Pair {
  readonly from: number
  readonly to: number
  /** Of all demands between the two. */
  readonly rateBps: number
  /** What a bit costs now; at most 1, which is what it is worth. */
  readonly paid: number
}

function pairsOf(demands: readonly Demand[], direct: ReadonlyMap<number, Float64Array>): Pair[] {
  const pairs = new Map<string, Pair>()
  for (const { from, to, rateBps } of demands) {
    const key = `${Math.min(from, to)} ${Math.max(from, to)}`
    const paid = Math.min(1, direct.get(from)?.[to] ?? Number.POSITIVE_INFINITY)
    pairs.set(key, { from, to, paid, rateBps: rateBps + (pairs.get(key)?.rateBps ?? 0) })
  }
  return [...pairs.values()]
}
