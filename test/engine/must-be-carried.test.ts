// Pairs of nodes that a linear program must carry at a loss: what makes way for them is worth more than they are. Dives bound
// pairs so (whole-demands), and the path that loses least has to be found though it costs more than a bit carried gains.

import assert from "node:assert/strict"
import { loadLinearPrograms } from "../../src/cli/highs.js"
import { Columns } from "../../src/engine/columns.js"
import type { Demand } from "../../src/engine/demand.js"
import type { MakeLinearProgram } from "../../src/engine/linear-program.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { ringNetwork } from "./ring-network.js"

describe("a pair that must be carried at a loss", () => {
  let make: MakeLinearProgram
  before(async () => {
    make = await loadLinearPrograms()
  })

  // From 0 to 4 by four links that have much (1, 2, 3) or by three that have little (5, 6): all are full of their own ends' keys.
  const ends = [
    [0, 1, 100],
    [1, 2, 100],
    [2, 3, 100],
    [3, 4, 100],
    [0, 5, 10],
    [5, 6, 10],
    [6, 4, 10],
  ] as const
  const graph = new PathGraph(
    7,
    ends.map(([a]) => a),
    ends.map(([, b]) => b),
  )
  const capacity = {
    rateBps: Float64Array.from(ends, ([, , bps]) => bps),
    passableNodes: new Uint8Array(7).fill(1),
  }
  const neighbours = ends.map(([from, to, bps]) => ({
    from,
    to,
    rateBps: 2 * bps,
    minRateBps: 0,
  }))

  it("goes where it takes least from others, though it takes more than it is worth", () => {
    const far = { from: 0, to: 4, rateBps: 10, minRateBps: 0 }
    const demands: Demand[] = [far, ...neighbours]
    const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make, 0)
    const free = columns.solve()
    assert(free !== undefined)
    assert(Math.abs(free.objective - 430) < 1e-3, "left free, it is not carried")
    const [first] = columns.columns
    assert.deepEqual([first?.pair, first?.path.length], [0, 4], "only the long way is known")
    columns.boundPair(0, 10, 10)
    const forced = columns.resolve()
    assert(forced !== undefined)
    // Over three links 30 bit/s of others make way for its 10; over four, 40.
    assert(Math.abs(forced.objective - 410) < 1e-3, `${forced.objective}`)
    assert.deepEqual(
      columns.flowsOf(forced)[0]?.map(({ path }) => [...path].sort()),
      [[4, 5, 6]],
    )
    columns.close()
  })

  it("loses no more, on random networks, than over the fewest links there are", () => {
    let lacked = 0
    for (const seed of [1, 2, 3, 5, 6]) {
      const { graph, capacity } = ringNetwork(24, seed)
      const { linkA, linkB } = graph
      const far = { from: 0, to: 11, rateBps: 50, minRateBps: 0 }
      const demands: Demand[] = [far]
      for (const [link, rateBps] of capacity.rateBps.entries())
        demands.push({
          from: linkA[link] ?? 0,
          to: linkB[link] ?? 0,
          rateBps: 2 * rateBps,
          minRateBps: 0,
        })
      const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make, 0)
      const free = columns.solve()
      assert(free !== undefined)
      const fewest = fewestLinks(graph, far.from, far.to)
      assert(fewest > 1, "no link of its own")
      if (columns.columns.every(({ pair, path }) => pair !== 0 || path.length > fewest)) lacked += 1
      columns.boundPair(0, far.rateBps, far.rateBps)
      const forced = columns.resolve()
      assert(forced !== undefined)
      // Every link is full: over each of its links as much of others makes way.
      const lost = (free.objective - forced.objective) / far.rateBps
      assert(Math.abs(lost - (fewest - 1)) < 1e-3, `seed ${seed}: ${lost}, ${fewest} links`)
      columns.close()
    }
    assert(lacked >= 3, `in ${lacked} networks the path had to be found`)
  })
})

function fewestLinks({ linkA, linkB, nodeCount }: PathGraph, from: number, to: number): number {
  let reached = new Set([from])
  for (let links = 0; links < nodeCount; links += 1) {
    if (reached.has(to)) return links
    const wider = new Set(reached)
    for (const [link, a] of linkA.entries()) {
      const b = linkB[link] ?? -1
      if (reached.has(a)) wider.add(b)
      if (reached.has(b)) wider.add(a)
    }
    reached = wider
  }
  return Number.POSITIVE_INFINITY
}
