// The path engine against every path looked at one by one, on thousands of random graphs.

import assert from "node:assert/strict"
import fc from "fast-check"
import { disjointPaths } from "../../src/engine/disjoint.js"
import { limitedDisjointPaths } from "../../src/engine/disjoint-limited.js"
import { LimitedPaths } from "../../src/engine/limited-path.js"
import { pathsInOrder } from "../../src/engine/paths-in-order.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { puzzles } from "./all-paths.js"
import { assertCheapestSet, assertFirstOf, plain } from "./assert-paths.js"

const RUNS = 4000

describe("the path engine", () => {
  it("finds the cheapest path, blind and led by distances to the goal", () => {
    fc.assert(
      fc.property(puzzles, (puzzle) => {
        const searches = new ShortestPaths(puzzle.graph)
        const toGo = searches.distancesTo(puzzle.question)
        const blind = searches.find(puzzle.question)
        const led = searches.find(puzzle.question, undefined, toGo)
        assertFirstOf(plain(puzzle), blind === undefined ? [] : [blind], 1)
        assertFirstOf(plain(puzzle), led === undefined ? [] : [led], 1)
      }),
      { numRuns: RUNS },
    )
  })

  it("finds the k cheapest in order, each once, or all there are", () => {
    fc.assert(
      fc.property(puzzles, fc.integer({ min: 1, max: 12 }), (puzzle, k) => {
        const { graph, question } = puzzle
        const searches = new ShortestPaths(graph)
        const toGo = searches.distancesTo(question)
        const found = pathsInOrder(
          graph,
          question,
          (from, _root, blocks, bound) => searches.find({ ...question, from }, blocks, toGo, bound),
          k,
        )
        assertFirstOf(
          plain(puzzle),
          Array.from(found, ({ path }) => path),
          k,
        )
      }),
      { numRuns: RUNS },
    )
  })

  it("keeps several limits at once and passes the nodes it must, exactly", () => {
    fc.assert(
      fc.property(puzzles, fc.integer({ min: 1, max: 4 }), (puzzle, k) => {
        const { graph, question, limits, required } = puzzle
        const limited = new LimitedPaths(
          graph,
          new ShortestPaths(graph),
          question,
          limits,
          required,
        )
        const found = pathsInOrder(graph, question, (...task) => limited.find(...task), k)
        assertFirstOf(
          puzzle,
          Array.from(found, ({ path }) => path),
          k,
        )
      }),
      { numRuns: RUNS },
    )
  })

  for (const kind of ["link", "node"] as const) {
    it(`finds the cheapest set of ${kind}-disjoint paths, or of as many as there are`, () => {
      fc.assert(
        fc.property(puzzles, fc.integer({ min: 1, max: 3 }), (puzzle, count) => {
          const { graph, question } = puzzle
          const found = disjointPaths(graph, question, count, kind)
          assertCheapestSet(plain(puzzle), found, count, kind)
        }),
        { numRuns: RUNS },
      )
    })

    it(`finds the cheapest set of ${kind}-disjoint paths that all keep the limits`, () => {
      fc.assert(
        fc.property(puzzles, fc.integer({ min: 1, max: 3 }), (puzzle, count) => {
          const { graph, question, limits, required } = puzzle
          const searches = new ShortestPaths(graph)
          const { paths, proven } = limitedDisjointPaths(
            graph,
            searches,
            question,
            count,
            kind,
            limits,
            required,
          )
          assert(proven)
          assertCheapestSet(puzzle, paths, count, kind)
        }),
        { numRuns: 1500 },
      )
    })
  }
})
