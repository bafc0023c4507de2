// The search that admissions make: over links that have room, from both ends, against Dijkstra from one end with the links that
// have none left out, and against every path looked at one by one.

import assert from "node:assert/strict"
import fc from "fast-check"
import { FreeRate } from "../../src/engine/free-rate.js"
import { sumAlong } from "../../src/engine/path-question.js"
import { RoomSearch } from "../../src/engine/room-search.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { puzzles } from "./all-paths.js"
import { assertFirstOf, close, plain } from "./assert-paths.js"
import { drawnDemands, ringNetwork } from "./ring-network.js"

describe("the search for room", () => {
  it("finds the cheapest path among links with room, one question after the other", () => {
    fc.assert(
      fc.property(puzzles, fc.double({ min: 0, max: 1, noNaN: true }), (puzzle, least) => {
        const { graph, question } = puzzle
        const { from, to, cost, passableNodes } = question
        const search = new RoomSearch(graph)
        for (const part of [1, 0.5, 0]) {
          const room = cost.map((_, link) => ((link * 0.37) % 1) * part)
          const usableLinks = Uint8Array.from(room, (value) => (value >= least ? 1 : 0))
          const found = search.find(from, to, cost, room, least, passableNodes)
          const only = { ...plain(puzzle), question: { ...question, usableLinks } }
          assertFirstOf(only, found === undefined ? [] : [found], 1)
        }
      }),
      { numRuns: 3000 },
    )
  })

  it("answers at the same cost as a search from one end on networks that fill up, where links have the rate and nodes relay", () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const network = ringNetwork(30 + seed * 5, seed, { deadShare: 0.1 })
      const { graph, capacity } = network
      const { rateBps, passableNodes } = capacity
      const free = new FreeRate(graph, capacity)
      const slow = new ShortestPaths(graph)
      let placed = 0
      let refused = 0
      for (const [n, { from, to, rateBps: rate }] of drawnDemands(network, 800, 50).entries()) {
        // The price as it is written down: e to five times the share in use, over the rate.
        const cost = rateBps.map((all, link) =>
          all > 0 ? Math.exp(5 * Math.min(1, 1 - (free.free[link] ?? 0) / all)) / all : 1,
        )
        const usableLinks = Uint8Array.from(free.free, (left) => (left >= rate ? 1 : 0))
        const expected = slow.find({ from, to, cost, usableLinks, passableNodes })
        const path = free.cheapest({ from, to }, rate)
        assert.equal(path === undefined, expected === undefined, `seed ${seed}, demand ${n}`)
        if (path === undefined || expected === undefined) {
          refused += 1
          continue
        }
        assert(close(sumAlong(path, cost), sumAlong(expected, cost)), `seed ${seed}, demand ${n}`)
        assert(free.along(path) >= rate, "room on every link")
        const nodes = graph.nodesOf(from, path)
        assert.equal(nodes.at(-1), to)
        assert.equal(new Set(nodes).size, nodes.length, "no node twice")
        assert(nodes.slice(1, -1).every((node) => passableNodes[node] === 1))
        free.take({ path, rateBps: rate })
        placed += 1
      }
      assert(placed > 20 && refused > 20, `seed ${seed}: ${placed} found room, ${refused} did not`)
    }
  })
})
