// What tests of the engine hold paths found against: all paths there are.

import assert from "node:assert/strict"
import { type LinkPath, sumAlong } from "../../src/engine/path-question.js"
import { allPaths, cheapestSet, type Puzzle, shares } from "./all-paths.js"

export function close(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-9 * Math.max(1, Math.abs(a))
}

export function plain(puzzle: Puzzle): Puzzle {
  return { ...puzzle, limits: [], waypoints: [] }
}

/** The costs are those of the first of all paths, and each path is one of them, once. */
export function assertFirstOf(puzzle: Puzzle, found: readonly LinkPath[], wanted: number): void {
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

export function assertCheapestSet(
  puzzle: Puzzle,
  found: readonly LinkPath[],
  wanted: number,
  kind: "link" | "node",
): void {
  assertCheapestOf(puzzle, found, wanted, (a, b) =>
    shares(puzzle.graph, puzzle.question, a, b, kind),
  )
}

/** No two of the set clash, and no such set of paths is greater, up to what was wanted, or cheaper. */
export function assertCheapestOf(
  puzzle: Puzzle,
  found: readonly LinkPath[],
  wanted: number,
  clash: (a: LinkPath, b: LinkPath) => boolean,
): void {
  const all = allPaths(puzzle)
  const { cost } = puzzle.question
  for (const [i, path] of found.entries()) {
    assert(
      all.some((other) => other.join() === path.join()),
      `${path.join()} is no path`,
    )
    for (const other of found.slice(i + 1)) assert(!clash(path, other))
  }
  let size = wanted
  while (size > 0 && cheapestSet(cost, all, size, clash) === undefined) size -= 1
  assert.equal(found.length, size)
  const sum = found.reduce((costs, path) => costs + sumAlong(path, cost), 0)
  assert(close(sum, cheapestSet(cost, all, size, clash) ?? 0), "another set is cheaper")
}
