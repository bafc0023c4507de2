// The slow, obvious reference: every path between two nodes, looked at one by one. And random questions to ask.

import fc from "fast-check"
import type { Disjointness } from "../../src/engine/disjoint.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import type { Waypoint } from "../../src/engine/waypoint.js"
import {
  comparePaths,
  isWithin,
  type Limit,
  type LinkPath,
  type PathQuestion,
  sumAlong,
} from "../../src/engine/path-question.js"

export interface Puzzle {
  readonly graph: PathGraph
  readonly question: PathQuestion
  readonly limits: readonly Limit[]
  readonly waypoints: readonly Waypoint[]
}

/** Small graphs with ties, parallel links, weights of zero, closed links and nodes, parts that do not hang together. */
export const puzzles: fc.Arbitrary<Puzzle> = fc
  .integer({ min: 2, max: 8 })
  .chain((nodeCount) => puzzlesOn(nodeCount, 15, 2))

/** Many things to pass, so that walks would go back and forth. */
export const windingPuzzles: fc.Arbitrary<Puzzle> = fc
  .integer({ min: 6, max: 9 })
  .chain((nodeCount) => puzzlesOn(nodeCount, 20, 5))

function puzzlesOn(
  nodeCount: number,
  linkCount: number,
  waypointCount: number,
): fc.Arbitrary<Puzzle> {
  const node = fc.integer({ min: 0, max: nodeCount - 1 })
  const link = fc.record({
    a: node,
    step: fc.integer({ min: 1, max: nodeCount - 1 }),
    cost: fc.oneof(fc.constantFrom(0, 1, 1, 2), fc.double({ min: 0, max: 3, noNaN: true })),
    length: fc.constantFrom(0, 1, 2, 0.1),
    epsilon: fc.constantFrom(1e-10, 1e-9, 3e-9),
    usable: fc.constantFrom(1, 1, 1, 1, 0),
  })
  return fc
    .record({
      links: fc.array(link, { minLength: linkCount - 15, maxLength: linkCount }),
      from: node,
      step: fc.integer({ min: 1, max: nodeCount - 1 }),
      passable: fc.array(fc.constantFrom(1, 1, 1, 1, 0), {
        minLength: nodeCount,
        maxLength: nodeCount,
      }),
      limits: fc.record({
        hops: fc.option(fc.integer({ min: 1, max: 5 })),
        length: fc.option(fc.constantFrom(0, 1, 2.1, 3)),
        epsilon: fc.option(fc.constantFrom(1e-9, 3e-9, 5e-9)),
      }),
      waypoints: fc.array(
        fc.oneof(
          fc.record({ nodes: fc.tuple(node) }),
          fc.record({ nodes: fc.uniqueArray(node, { minLength: 2, maxLength: 3 }) }),
          fc.record({ links: fc.uniqueArray(fc.nat(14), { minLength: 1, maxLength: 2 }) }),
        ),
        { maxLength: waypointCount },
      ),
    })
    .map(({ links, from, step, passable, limits, waypoints }): Puzzle => {
      const weights = (pick: (one: (typeof links)[number]) => number): Float64Array =>
        Float64Array.from(links, pick)
      const bound = (max: number | null, weight: Float64Array): Limit[] =>
        max === null ? [] : [{ weight, max }]
      return {
        graph: new PathGraph(
          nodeCount,
          links.map(({ a }) => a),
          links.map(({ a, step: far }) => (a + far) % nodeCount),
        ),
        question: {
          from,
          to: (from + step) % nodeCount,
          cost: weights(({ cost }) => cost),
          usableLinks: Uint8Array.from(links, ({ usable }) => usable),
          passableNodes: Uint8Array.from(passable),
        },
        limits: [
          ...bound(
            limits.hops,
            weights(() => 1),
          ),
          ...bound(
            limits.length,
            weights(({ length }) => length),
          ),
          ...bound(
            limits.epsilon,
            weights(({ epsilon }) => epsilon),
          ),
        ],
        // Links by numbers that exist.
        waypoints:
          links.length === 0
            ? []
            : waypoints.map((one) =>
                "links" in one ? { links: one.links.map((link) => link % links.length) } : one,
              ),
      }
    })
}

/** Every path that keeps the limits and passes what it must, cheapest first. */
export function allPaths({ graph, question, limits, waypoints }: Puzzle): LinkPath[] {
  const { from, to, usableLinks, passableNodes, cost } = question
  const found: LinkPath[] = []
  const walk = (nodes: readonly number[], links: readonly number[]): void => {
    const node = nodes.at(-1) ?? -1
    if (node === to) {
      const keeps = limits.every(({ weight, max }) => isWithin(sumAlong(links, weight), max))
      const passes = ({ nodes: some = [], links: over = [] }: Waypoint): boolean =>
        some.some((one) => nodes.includes(one)) || over.some((one) => links.includes(one))
      if (keeps && waypoints.every(passes)) found.push(links)
      return
    }
    if (node !== from && passableNodes[node] === 0) return
    for (let link = 0; link < graph.linkCount; link += 1) {
      if (graph.linkA[link] !== node && graph.linkB[link] !== node) continue
      const next = graph.otherEnd(link, node)
      if (usableLinks[link] === 1 && !nodes.includes(next)) walk([...nodes, next], [...links, link])
    }
  }
  walk([from], [])
  return found.sort((a, b) =>
    comparePaths({ path: a, cost: sumAlong(a, cost) }, { path: b, cost: sumAlong(b, cost) }),
  )
}

/** The least cost of a set of `size` of these paths of which no two clash; undefined when there is no such set. */
export function cheapestSet(
  cost: Float64Array,
  paths: readonly LinkPath[],
  size: number,
  clash: (a: LinkPath, b: LinkPath) => boolean,
): number | undefined {
  if (size === 0) return 0
  let best: number | undefined
  for (const [i, path] of paths.entries()) {
    const apart = paths.slice(i + 1).filter((other) => !clash(path, other))
    const rest = cheapestSet(cost, apart, size - 1, clash)
    if (rest === undefined) continue
    const sum = rest + sumAlong(path, cost)
    if (best === undefined || sum < best) best = sum
  }
  return best
}

/** Whether two paths share a link, or a node between the ends. */
export function shares(
  graph: PathGraph,
  { from, to }: PathQuestion,
  a: LinkPath,
  b: LinkPath,
  kind: Disjointness,
): boolean {
  if (a.some((link) => b.includes(link))) return true
  if (kind === "link") return false
  const inside = graph.nodesOf(from, a).filter((node) => node !== from && node !== to)
  const others = graph.nodesOf(from, b)
  return inside.some((node) => others.includes(node))
}
