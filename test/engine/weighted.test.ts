// The searches over weights that change, against every path looked at one by one, and against graphlib.

import assert from "node:assert/strict"
import { alg, Graph as Graphlib } from "@dagrejs/graphlib"
import fc from "fast-check"
import { DisjointSearch } from "../../src/engine/disjoint-search.js"
import { KShortest } from "../../src/engine/k-shortest.js"
import { LandmarkBounds } from "../../src/engine/landmark-bounds.js"
import { Landmarks } from "../../src/engine/landmarks.js"
import { LedSearch } from "../../src/engine/led-search.js"
import { landmarksOf, LimitedPair } from "../../src/engine/limited-pair.js"
import { LimitedPaths } from "../../src/engine/limited-path.js"
import { LiveTree } from "../../src/engine/live-tree.js"
import { OnePair } from "../../src/engine/one-pair.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import { sumAlong } from "../../src/engine/path-question.js"
import { pathsInOrder } from "../../src/engine/paths-in-order.js"
import { Blocks, ShortestPaths } from "../../src/engine/shortest.js"
import { TwoEndedSearch } from "../../src/engine/two-ended-search.js"
import { WeightedGraph } from "../../src/engine/weighted-graph.js"
import { allPaths, type Puzzle, puzzles } from "./all-paths.js"
import { assertCheapestSet, assertFirstOf, close, plain } from "./assert-paths.js"

const NONE = Number.POSITIVE_INFINITY

interface Change {
  readonly link: number
  readonly cost: number | undefined
}

/** Links that get dearer, cheaper, close and open again. */
const someChanges = fc.array(
  fc.record({
    link: fc.nat(20),
    cost: fc.oneof(
      fc.constantFrom(0, 0.5, 1, 2, undefined),
      fc.double({ min: 0, max: 3, noNaN: true }),
    ),
  }),
  { maxLength: 8 },
)

/** Makes the changes in the graph, and a puzzle that begins with them. */
function changed(puzzle: Puzzle, weighted: WeightedGraph, list: readonly Change[]): Puzzle {
  const cost = puzzle.question.cost.slice()
  const usableLinks = puzzle.question.usableLinks.slice()
  const { linkCount } = puzzle.graph
  for (const { link: number, cost: value } of linkCount === 0 ? [] : list) {
    const link = number % linkCount
    if (value === undefined) {
      usableLinks[link] = 1 - (usableLinks[link] ?? 0)
      if (usableLinks[link] === 1) weighted.open(link)
      else weighted.close(link)
    } else {
      cost[link] = value
      weighted.setCost(link, value)
    }
  }
  return { ...plain(puzzle), question: { ...puzzle.question, cost, usableLinks } }
}

describe("the path engine over weights that change", () => {
  it("finds the cheapest path from one end led by landmarks, and from both ends", () => {
    fc.assert(
      fc.property(puzzles, someChanges, (before, changes) => {
        const weighted = WeightedGraph.of(before.graph, before.question)
        const bounds = new LandmarkBounds(new Landmarks(weighted, 3))
        const searches = [new LedSearch(weighted, bounds), new TwoEndedSearch(weighted)]
        for (const list of [[], changes]) {
          const puzzle = changed(before, weighted, list)
          const { from, to } = puzzle.question
          const start = weighted.inside[from] ?? -1
          const goal = weighted.inside[to] ?? -1
          for (const search of searches) {
            const found = search.find(start, goal, NONE)
            assertFirstOf(puzzle, found === undefined ? [] : [found.path], 1)
            if (found === undefined) continue
            assert(close(found.cost, sumAlong(found.path, puzzle.question.cost)))
            // From both ends a path is summed where they meet: the last digit may differ.
            const again = search.find(start, goal, found.cost)
            const least = found.cost * (1 - 1e-12)
            assert(again === undefined || again.cost >= least, "none is cheaper")
          }
        }
      }),
      { numRuns: 4000 },
    )
  })

  it("finds the k cheapest in order, each once, or all there are", () => {
    fc.assert(
      fc.property(puzzles, someChanges, fc.integer({ min: 1, max: 12 }), (before, changes, k) => {
        const weighted = WeightedGraph.of(before.graph, before.question)
        const landmarks = new Landmarks(weighted, 3)
        const led = new KShortest(weighted, landmarks)
        const blind = new KShortest(weighted)
        for (const list of [[], changes]) {
          const puzzle = changed(before, weighted, list)
          const { from, to } = puzzle.question
          for (const search of [led, blind]) {
            const found = Array.from(search.paths(from, to, k), ({ path }) => path)
            assertFirstOf(puzzle, found, k)
          }
        }
      }),
      { numRuns: 4000 },
    )
  })

  it("finds the cheapest path that keeps several limits, led by landmarks of each, and by exact bounds when it tires", () => {
    fc.assert(
      fc.property(
        puzzles,
        someChanges,
        fc.constantFrom(0, 3, 10, NONE),
        (before, changes, most) => {
          const { graph, limits } = before
          const weighted = WeightedGraph.of(graph, before.question)
          const limited = limits.map(({ weight }) => ({
            weight,
            landmarks: landmarksOf(graph, weight),
          }))
          const search = new LimitedPair(weighted, new Landmarks(weighted, 3), limited, most)
          for (const list of [[], changes]) {
            const puzzle = { ...changed(before, weighted, list), limits }
            const { from, to, cost } = puzzle.question
            const max = limits.map((limit) => limit.max)
            const found = search.find(from, to, max)
            assertFirstOf(puzzle, found === undefined ? [] : [found], 1)
            if (found === undefined) continue
            assert.equal(
              search.find(from, to, max, sumAlong(found, cost)),
              undefined,
              "none is cheaper",
            )
          }
        },
      ),
      { numRuns: 4000 },
    )
  })

  for (const kind of ["link", "node"] as const) {
    it(`finds the cheapest set of ${kind}-disjoint paths, led and blind, one question after the other`, () => {
      fc.assert(
        fc.property(
          puzzles,
          someChanges,
          fc.integer({ min: 1, max: 4 }),
          (before, changes, count) => {
            const weighted = WeightedGraph.of(before.graph, before.question)
            const search = new DisjointSearch(weighted, new Landmarks(weighted, 3))
            for (const list of [[], changes]) {
              const puzzle = changed(before, weighted, list)
              const { from, to } = puzzle.question
              assertCheapestSet(puzzle, search.find(from, to, count, kind), count, kind)
            }
          },
        ),
        { numRuns: 4000 },
      )
    })
  }

  it("ends a tree of cheapest ways at a bound: nearer nodes are told as without, of others only that they are farther", () => {
    fc.assert(
      fc.property(puzzles, fc.integer({ min: 0, max: 12 }), (before, most) => {
        const { graph, question } = plain(before)
        const searches = new ShortestPaths(graph)
        const whole = searches.treeFrom(question)
        const paths = Array.from({ length: graph.nodeCount }, (_, node) => whole.pathTo(node))
        const distance = new Float64Array(graph.nodeCount)
        const bound = searches.treeFrom(question, most, distance)
        assert.equal(bound.distance, distance)
        for (const [node, path] of paths.entries()) {
          const least = whole.distance[node] ?? NONE
          if (least > most) assert((distance[node] ?? 0) > most)
          else assert.deepEqual([distance[node], bound.pathTo(node)], [least, path])
        }
      }),
      { numRuns: 2000 },
    )
  })

  it("keeps a tree of cheapest ways true through every change", () => {
    fc.assert(
      fc.property(puzzles, someChanges, (before, changes) => {
        const weighted = WeightedGraph.of(before.graph, before.question)
        const tree = new LiveTree(weighted, before.question.from)
        let puzzle = plain(before)
        for (const change of [undefined, ...changes]) {
          if (change !== undefined) puzzle = changed(puzzle, weighted, [change])
          const { from, cost } = puzzle.question
          const anew = new ShortestPaths(puzzle.graph).treeFrom(puzzle.question)
          for (let node = 0; node < puzzle.graph.nodeCount; node += 1) {
            const least = anew.distance[node] ?? NONE
            const path = tree.pathTo(node)
            assert.equal(path === undefined, least === NONE)
            assert(least === NONE || close(tree.distanceTo(node), least))
            if (path === undefined || node === from) continue
            assert(close(sumAlong(path, cost), least))
            const all = allPaths({ ...puzzle, question: { ...puzzle.question, to: node } })
            assert(all.some((one) => one.join() === path.join()))
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  it("agrees with graphlib on networks in the plane, where landmarks lead", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(30), fc.nat(30)), { minLength: 20, maxLength: 40 }),
        fc.nat(),
        fc.nat(),
        (places, a, b) => {
          const { weighted, lengths, model } = inThePlane(places)
          const landmarks = new Landmarks(weighted)
          const from = a % places.length
          const to = b % places.length
          const cost = alg.dijkstra(
            model,
            String(from),
            (edge) => Number(model.edge(edge)),
            (node) => model.nodeEdges(node) ?? [],
          )[String(to)]?.distance
          const found = new OnePair(weighted, landmarks).find(from, to)
          assert.equal(found?.cost ?? (from === to ? 0 : NONE), cost)
          for (const kind of ["link", "node"] as const) {
            const costOf = (search: DisjointSearch): number =>
              search.find(from, to, 3, kind).reduce((sum, path) => sum + sumAlong(path, lengths), 0)
            assert.equal(
              costOf(new DisjointSearch(weighted, landmarks)),
              costOf(new DisjointSearch(weighted)),
            )
          }
          const inOrder = new KShortest(weighted, landmarks)
          const blind = new KShortest(weighted)
          assert.deepEqual(
            Array.from(inOrder.paths(from, to, 8), (one) => one.cost),
            Array.from(blind.paths(from, to, 8), (one) => one.cost),
          )
        },
      ),
      { numRuns: 300 },
    )
  })

  it("agrees with the searches that know nothing beforehand, where links join anything with anything", () => {
    const question = fc.record({ ring: rings, slack: fc.integer({ min: 0, max: 4 }) })
    fc.assert(
      fc.property(question, ({ ring: { chords, costs, losses, size, from, step }, slack }) => {
        const ends = Array.from({ length: size }, (_, n) => [n, 1] as const)
        const links = [...ends, ...chords]
        const graph = new PathGraph(
          size,
          links.map(([a]) => a),
          links.map(([a, far]) => (a + far) % size),
        )
        const cost = Float64Array.from(links, (_, n) => costs[n] ?? 0)
        const loss = Float64Array.from(links, (_, n) => losses[n] ?? 0)
        const hops = new Float64Array(links.length).fill(1)
        const to = (from + step) % size
        const weighted = new WeightedGraph(graph, cost)
        const landmarks = new Landmarks(weighted)
        const searches = new ShortestPaths(graph)
        const plainly = { from, to, ...weighted.asQuestion() }
        const toGo = searches.distancesTo(plainly)
        const inOrder = pathsInOrder(
          graph,
          plainly,
          (at, _root, blocks, bound) =>
            searches.find({ ...plainly, from: at }, blocks, toGo, bound),
          8,
        )
        const expected = Array.from(inOrder, (one) => one.cost)
        for (const search of [new KShortest(weighted, landmarks), new KShortest(weighted)])
          assert.deepEqual(
            Array.from(search.paths(from, to, 8), (one) => one.cost),
            expected,
          )
        const limits = [
          {
            weight: loss,
            max: (searches.distancesTo({ ...plainly, cost: loss })[from] ?? 0) + slack,
          },
          {
            weight: hops,
            max: (searches.distancesTo({ ...plainly, cost: hops })[from] ?? 0) + slack,
          },
        ]
        const exact = new LimitedPaths(graph, searches, plainly, limits)
        const led = new LimitedPair(
          weighted,
          landmarks,
          limits.map(({ weight }) => ({ weight, landmarks: landmarksOf(graph, weight) })),
        )
        const one = exact.find(from, [], new Blocks(graph), NONE)
        const other = led.find(
          from,
          to,
          limits.map(({ max }) => max),
        )
        assert.equal(other === undefined, one === undefined)
        assert.equal(sumAlong(other ?? [], cost), sumAlong(one ?? [], cost))
        for (const { weight, max } of limits) assert(sumAlong(other ?? [], weight) <= max)
      }),
      { numRuns: 400 },
    )
  })
})

/** A ring with chords to anywhere, in which landmarks know little. */
const rings = fc.integer({ min: 30, max: 90 }).chain((size) =>
  fc.record({
    chords: fc.array(fc.tuple(fc.nat(size - 1), fc.integer({ min: 2, max: size - 2 })), {
      minLength: size >> 1,
      maxLength: size,
    }),
    costs: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 2 * size, maxLength: 2 * size }),
    losses: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 2 * size, maxLength: 2 * size }),
    size: fc.constant(size),
    from: fc.nat(size - 1),
    step: fc.integer({ min: 1, max: size - 1 }),
  }),
)

/** Each place joined to its four nearest, as long as it is far; whole numbers, so that sums are exact. */
function inThePlane(places: readonly (readonly [number, number])[]): {
  weighted: WeightedGraph
  lengths: Float64Array
  model: Graphlib
} {
  const model = new Graphlib({ directed: false, multigraph: true })
  const links: { a: number; b: number; cost: number }[] = []
  for (const [a, [x, y]] of places.entries()) {
    model.setNode(String(a))
    const near = places
      .map(([u, v], b) => ({ b, cost: Math.round(100 * Math.hypot(u - x, v - y)) }))
      .filter(({ b }) => b !== a)
      .sort((one, other) => one.cost - other.cost)
    for (const { b, cost } of near.slice(0, 4)) links.push({ a, b, cost })
  }
  for (const [i, { a, b, cost }] of links.entries())
    model.setEdge(String(a), String(b), cost, String(i))
  const graph = new PathGraph(
    places.length,
    links.map(({ a }) => a),
    links.map(({ b }) => b),
  )
  const cost = Float64Array.from(links, (link) => link.cost)
  return { weighted: new WeightedGraph(graph, cost), lengths: cost, model }
}
