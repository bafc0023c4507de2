// The path engine against every path looked at one by one, on thousands of random graphs.

import assert from "node:assert/strict"
import fc from "fast-check"
import { disjointPaths } from "../../src/engine/disjoint.js"
import { limitedDisjointPaths, riskDisjointPaths } from "../../src/engine/disjoint-in-order.js"
import { LimitedPaths } from "../../src/engine/limited-path.js"
import type { LinkPath } from "../../src/engine/path-question.js"
import { pathsInOrder } from "../../src/engine/paths-in-order.js"
import { RiskGroups } from "../../src/engine/risk-groups.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { puzzles, windingPuzzles } from "./all-paths.js"
import { assertCheapestOf, assertCheapestSet, assertFirstOf, plain } from "./assert-paths.js"

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

  it("keeps several limits at once and passes the nodes and links it must, exactly", () => {
    fc.assert(
      fc.property(puzzles, fc.integer({ min: 1, max: 4 }), (puzzle, k) => {
        const { graph, question, limits, waypoints } = puzzle
        const limited = new LimitedPaths(
          graph,
          new ShortestPaths(graph),
          question,
          limits,
          waypoints,
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

  it("passes many nodes and links without going through any node twice", () => {
    fc.assert(
      fc.property(windingPuzzles, fc.integer({ min: 1, max: 2 }), (puzzle, k) => {
        const { graph, question, waypoints } = puzzle
        const searches = new ShortestPaths(graph)
        const limited = new LimitedPaths(graph, searches, question, [], waypoints)
        const found = pathsInOrder(graph, question, (...task) => limited.find(...task), k)
        assertFirstOf(
          { ...puzzle, limits: [] },
          Array.from(found, ({ path }) => path),
          k,
        )
      }),
      { numRuns: 3000 },
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
          const { graph, question, limits, waypoints } = puzzle
          const searches = new ShortestPaths(graph)
          const { paths, proven } = limitedDisjointPaths(
            graph,
            searches,
            question,
            count,
            kind,
            limits,
            waypoints,
          )
          assert(proven)
          assertCheapestSet(puzzle, paths, count, kind)
        }),
        { numRuns: 1500 },
      )
    })
  }

  it("finds the cheapest set of paths that share no risk, with limits and without", () => {
    const ducts = fc.array(fc.uniqueArray(fc.nat(4), { maxLength: 2 }), {
      minLength: 15,
      maxLength: 15,
    })
    const questions = fc.tuple(puzzles, ducts, fc.integer({ min: 1, max: 3 }), fc.boolean())
    fc.assert(
      fc.property(questions, ([asked, groups, count, limited]) => {
        const puzzle = limited ? asked : plain(asked)
        const { graph, question, limits, waypoints } = puzzle
        const risks = new RiskGroups(groups)
        const { paths, proven } = riskDisjointPaths(
          graph,
          new ShortestPaths(graph),
          question,
          count,
          risks,
          limits,
          waypoints,
        )
        assert(proven)
        // By the groups themselves: the class is under test too.
        const clash = (a: LinkPath, b: LinkPath): boolean =>
          a.some((x) =>
            b.some((y) => x === y || groups[x]?.some((g) => groups[y]?.includes(g)) === true),
          )
        assertCheapestOf(puzzle, paths, count, clash)
      }),
      { numRuns: 4000 },
    )
  })
})
