// Two judges of a bulk schedule that share nothing with what makes it: a ledger that follows every link's key second by second
// of the plan, and the whole question written down plainly as a linear program over arcs.

import assert from "node:assert/strict"
import type { BulkFlow, BulkNetwork, BulkOrder } from "../../src/engine/bulk-order.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"

/** What rounding and the solver may move, as a part. */
const TOLERANCE = 3e-6

/** No link gives key it does not have, no node passes what it must not, no order gets too much or out of its time. */
export function assertFeasible(
  { graph, passableNodes, times, rateBps, stockBits, maxStockBits }: BulkNetwork,
  orders: readonly BulkOrder[],
  flows: readonly BulkFlow[],
  endOf: (order: number) => number,
): void {
  const delivered = orders.map(() => 0)
  for (const { order, interval, path, bits } of flows) {
    const { from, to, notBefore } = orders[order] ?? assert.fail("no such order")
    assert(bits > 0)
    delivered[order] = (delivered[order] ?? 0) + bits
    const nodes = graph.nodesOf(from, path)
    assert.equal(nodes.at(-1), to)
    assert.equal(new Set(nodes).size, nodes.length, "a loop")
    for (const node of nodes.slice(1, -1)) assert.equal(passableNodes[node], 1)
    assert((times[interval] ?? 0) >= notBefore - 1e-9, "before its time")
    assert((times[interval + 1] ?? 0) <= endOf(order) + 1e-9, "after its end")
  }
  for (const [order, { volumeBits }] of orders.entries())
    assert((delivered[order] ?? 0) <= volumeBits * (1 + TOLERANCE))
  for (let link = 0; link < graph.linkCount; link += 1) {
    let held = stockBits[link] ?? 0
    const total = rateBps.reduce(
      (sum, rates, interval) =>
        sum + (rates[link] ?? 0) * ((times[interval + 1] ?? 0) - (times[interval] ?? 0)),
      held,
    )
    for (const [interval, rates] of rateBps.entries()) {
      const made = (rates[link] ?? 0) * ((times[interval + 1] ?? 0) - (times[interval] ?? 0))
      const used = flows
        .filter((flow) => flow.interval === interval && flow.path.includes(link))
        .reduce((sum, { bits }) => sum + bits, 0)
      assert(
        used <= held + made + TOLERANCE * Math.max(1, total),
        `link ${link} gives key it lacks`,
      )
      held = Math.min(maxStockBits[link] ?? 0, Math.max(0, held + made - used))
    }
  }
}

/** What is left to do when a schedule was followed up to one of its cuts: the rest of time, of the orders, and of the stock. */
export function restAfter(
  network: BulkNetwork,
  orders: readonly BulkOrder[],
  flows: readonly BulkFlow[],
  interval: number,
): { readonly network: BulkNetwork; readonly orders: BulkOrder[] } {
  const { times, rateBps, stockBits, maxStockBits } = network
  const done = flows.filter((flow) => flow.interval < interval)
  const held = stockBits.map((stock, link) => {
    let left = stock
    for (let at = 0; at < interval; at += 1) {
      const made = (rateBps[at]?.[link] ?? 0) * ((times[at + 1] ?? 0) - (times[at] ?? 0))
      const used = done
        .filter((flow) => flow.interval === at && flow.path.includes(link))
        .reduce((sum, { bits }) => sum + bits, 0)
      left = Math.min(maxStockBits[link] ?? 0, Math.max(0, left + made - used))
    }
    return left
  })
  const rest = {
    ...network,
    times: times.slice(interval),
    rateBps: rateBps.slice(interval),
    stockBits: held,
  }
  return {
    network: rest,
    orders: orders.map((one, order) => {
      const had = done.reduce((sum, flow) => sum + (flow.order === order ? flow.bits : 0), 0)
      // A schedule is whole to a millionth: what that leaves, many cuts later too, is not asked for again.
      return { ...one, volumeBits: Math.max(0, one.volumeBits * (1 - 1e-5) - had) }
    }),
  }
}

export interface PlainQuestion {
  readonly network: BulkNetwork
  readonly orders: readonly BulkOrder[]
  /** By order, what it must get; all that there is room for is sought of the others. */
  readonly fixedBits: ReadonlyMap<number, number>
  /** By order, when it must be done. */
  readonly endOf: (order: number) => number
  /** What a bit counts. */
  readonly worth: (order: number, interval: number) => number
  readonly most: (order: number) => number
}

/** The optimum; undefined when what is fixed cannot be. */
export function plainOptimum(
  { network, orders, fixedBits, endOf, worth, most }: PlainQuestion,
  make: MakeLinearProgram,
): number | undefined {
  const { graph, passableNodes, times, rateBps, stockBits, maxStockBits } = network
  const program = make()
  const none = Number.NEGATIVE_INFINITY
  const length = (interval: number): number => (times[interval + 1] ?? 0) - (times[interval] ?? 0)
  const linkRows = rateBps.map((rates, interval) =>
    Array.from(rates, (rate, link) =>
      program.addRow(none, rate * length(interval) + (interval === 0 ? (stockBits[link] ?? 0) : 0)),
    ),
  )
  for (const [link, most] of maxStockBits.entries())
    for (let interval = 0; interval + 1 < rateBps.length; interval += 1) {
      const rows = [linkRows[interval]?.[link] ?? -1, linkRows[interval + 1]?.[link] ?? -1]
      program.setColumnBounds(program.addColumn(0, rows, [1, -1]), 0, most)
    }
  for (const [number, { from, to, notBefore }] of orders.entries()) {
    const fixed = fixedBits.get(number)
    const total = program.addRow(fixed ?? none, fixed ?? most(number))
    for (let interval = 0; interval < rateBps.length; interval += 1) {
      if ((times[interval] ?? 0) < notBefore - 1e-9) continue
      if ((times[interval + 1] ?? 0) > endOf(number) + 1e-9) continue
      const kept = Array.from(passableNodes, () => program.addRow(0, 0))
      for (let link = 0; link < graph.linkCount; link += 1)
        for (const [tail, head] of [
          [graph.linkA[link] ?? 0, graph.linkB[link] ?? 0],
          [graph.linkB[link] ?? 0, graph.linkA[link] ?? 0],
        ] as const) {
          if (tail === to || head === from || (tail !== from && passableNodes[tail] === 0)) continue
          const rows = [linkRows[interval]?.[link] ?? -1, head === to ? total : (kept[head] ?? -1)]
          const factors = [1, 1]
          if (tail !== from) {
            rows.push(kept[tail] ?? -1)
            factors.push(-1)
          }
          program.addColumn(head === to ? worth(number, interval) : 0, rows, factors)
        }
    }
  }
  const solution = program.solve()
  program.close()
  return solution?.objective
}
