// The path engine against every path looked at one by one, on thousands of random graphs.

import assert from "node:assert/strict"
import fc from "fast-check"
import { disjointPaths } from "../../src/engine/disjoint.js"
import { limitedDisjointPaths } from "../../src/engine/disjoint-limited.js"
import { LimitedPaths } from "../../src/engine/limited-path.js"
import { type LinkPath, sumAlong } from "../../src/engine/path-question.js"
import { pathsInOrder } from "../../src/engine/paths-in-order.js"
import { ShortestPaths } from "../../src/engine/shortest.js"
import { allPaths, cheapestSet, type Puzzle, puzzles, shares } from "./all-paths.js"

const RUNS = 4000

function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a))
}

function plain(puzzle: Puzzle): Puzzle {
  return { ...puzzle, limits: [], required: [] }
}

/** The costs are those of the first of all paths, and each path is one of them, once. */
function assertFirstOf(puzzle: Puzzle, found: readonly LinkPath[], wanted: number): void {
  const all = allPaths(puzzle)
  const { cost } = puzzle.question
  const words = (path: LinkPath): string => path.join()
  assert.equal(found.length, Math.min(all.length, wanted))
  assert.equal(new Set(found.map(words)).size, found.length)
  for (const [i, path] of found.entries()) {
    assert(
      all.some((other) => words(other) === words(path)),
      `${words(path)} is no path`,
    )
    assert(
      close(sumAlong(path, cost), sumAlong(all[i] ?? [], cost)),
      `path ${i} is not the cheapest`,
    )
  }
}

function assertCheapestSet(
  puzzle: Puzzle,
  found: readonly LinkPath[],
  wanted: number,
  kind: "link" | "node",
): void {
  const all = allPaths(puzzle)
  const { graph, question } = puzzle
  for (const [i, path] of found.entries()) {
    assert(
      all.some((other) => other.join() === path.join()),
      `${path.join()} is no path`,
    )
    for (const other of found.slice(i + 1)) assert(!shares(graph, question, path, other, kind))
  }
  let size = wanted
  while (size > 0 && cheapestSet(puzzle, all, size, kind) === undefined) size -= 1
  assert.equal(found.length, size)
  const cost = found.reduce((sum, path) => sum + sumAlong(path, question.cost), 0)
  assert(close(cost, cheapestSet(puzzle, all, size, kind) ?? 0), "another set is cheaper")
}

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
