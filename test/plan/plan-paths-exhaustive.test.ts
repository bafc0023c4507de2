// Requests with everything that can be asked for at once, on random small topologies, against every path looked at one by one
// by the words of the request.

import assert from "node:assert/strict"
import fc from "fast-check"
import { type Topology, topologyFromJson, type TopologyLink } from "../../src/model/topology.js"
import { type PathRequest, readPathRequests } from "../../src/plan/path-request.js"
import { planNetwork } from "../../src/plan/plan-network.js"
import { PathPlanner } from "../../src/plan/plan-paths.js"

const OPERATORS = ["North", "South"]
const name = (n: number): string => `n${n}`

/** Topology and request as files have them; some of the request is left out. */
const questions = fc.integer({ min: 3, max: 7 }).chain((size) => {
  const node = fc.nat(size - 1)
  const some = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
    fc.option(one, { nil: undefined, freq: 2 })
  const pair = fc
    .tuple(node, fc.integer({ min: 1, max: size - 1 }))
    .map(([a, step]): [string, string] => [name(a), name((a + step) % size)])
  return fc.record({
    nodes: fc.array(
      fc.record({
        operator: fc.constantFrom(undefined, ...OPERATORS),
        relay: fc.constantFrom(true, true, true, false),
      }),
      { minLength: size, maxLength: size },
    ),
    links: fc.array(
      fc.record({
        ends: pair,
        lengthKm: fc.constantFrom(0, 1, 1, 2, 5),
        skrBps: fc.constantFrom(0, 100, 2000),
        stockBits: fc.constantFrom(undefined, 0, 256, 4096),
        epsilon: fc.constantFrom(1e-10, 1e-9),
      }),
      { minLength: 2, maxLength: 13 },
    ),
    ends: pair,
    k: fc.constantFrom(undefined, 1, 3),
    weight: fc.constantFrom(undefined, "hops" as const, "lengthKm" as const),
    disjoint: fc.constantFrom("none" as const, "none" as const, "link" as const, "node" as const),
    requireOneOf: some(
      fc.array(
        fc.oneof(
          fc.uniqueArray(node.map(name), { minLength: 1, maxLength: 3 }),
          fc.constantFrom(...OPERATORS).map((operator) => ({ operator })),
        ),
        { maxLength: 2 },
      ),
    ),
    requireLinks: some(fc.array(fc.oneof(pair, fc.nat(12).map(String)), { maxLength: 2 })),
    avoidLinks: some(fc.array(fc.oneof(pair, fc.nat(12).map(String)), { maxLength: 1 })),
    requireNodes: some(fc.array(node.map(name), { maxLength: 1 })),
    minStockBits: some(fc.constantFrom(1, 256, 257)),
    minRateBps: some(fc.constantFrom(1, 100, 101)),
    maxHops: some(fc.integer({ min: 1, max: 4 })),
    maxEpsilon: some(fc.constantFrom(1e-9, 2.1e-9)),
  })
})

/** Whether a link is meant, by id or by its ends. */
function isNamed({ id, a, b }: TopologyLink, names: string | readonly [string, string]): boolean {
  if (typeof names === "string") return names === id
  return (names[0] === a && names[1] === b) || (names[0] === b && names[1] === a)
}

/** All paths that do as they are asked, by the words of the request; cheapest first. */
function allWays({ nodes, links }: Topology, request: PathRequest): TopologyLink[][] {
  const found: TopologyLink[][] = []
  const byName = new Map(nodes.map((node) => [node.name, node]))
  const usable = links.filter(
    (link) =>
      (link.stockBits ?? 0) >= (request.minStockBits ?? 0) &&
      (link.skrBps ?? 0) >= (request.minRateBps ?? 0) &&
      request.avoidLinks?.some((one) => isNamed(link, one)) !== true,
  )
  const walk = (been: readonly string[], over: readonly TopologyLink[]): void => {
    const here = been.at(-1) ?? ""
    if (here === request.to) {
      if (isGood(been, over)) found.push([...over])
      return
    }
    if (over.length > 0 && byName.get(here)?.relay !== true) return
    for (const link of usable) {
      const next = link.a === here ? link.b : link.b === here ? link.a : undefined
      if (next !== undefined && !been.includes(next)) walk([...been, next], [...over, link])
    }
  }
  const isGood = (been: readonly string[], over: readonly TopologyLink[]): boolean => {
    const epsilon = over.reduce((sum, link) => sum + (link.epsilon ?? 0), 0)
    return (
      over.length <= (request.maxHops ?? Number.POSITIVE_INFINITY) &&
      epsilon <= (request.maxEpsilon ?? 1) * (1 + 1e-9) &&
      (request.requireNodes ?? []).every((one) => been.includes(one)) &&
      (request.requireLinks ?? []).every((one) => over.some((link) => isNamed(link, one))) &&
      (request.requireOneOf ?? []).every((set) =>
        been.some((one) =>
          "operator" in set
            ? byName.get(one)?.operator === set.operator
            : "site" in set || set.includes(one),
        ),
      )
    )
  }
  walk([request.from], [])
  return found.sort((a, b) => costOf(request, a) - costOf(request, b))
}

function costOf({ weight }: PathRequest, path: readonly TopologyLink[]): number {
  return path.reduce((sum, link) => sum + (weight === "lengthKm" ? (link.lengthKm ?? 0) : 1), 0)
}

/** The least cost of so many ways that share no link, or no node but the ends. */
function cheapestSet(
  request: PathRequest,
  ways: readonly TopologyLink[][],
  size: number,
): number | undefined {
  if (size === 0) return 0
  const inside = (way: readonly TopologyLink[]): string[] =>
    way.flatMap(({ a, b }) => [a, b]).filter((one) => one !== request.from && one !== request.to)
  let best: number | undefined
  for (const [i, way] of ways.entries()) {
    const nodes = inside(way)
    const apart = ways
      .slice(i + 1)
      .filter(
        (other) =>
          !other.some((link) => way.includes(link)) &&
          (request.disjoint === "link" || !inside(other).some((one) => nodes.includes(one))),
      )
    const rest = cheapestSet(request, apart, size - 1)
    if (rest === undefined) continue
    const cost = rest + costOf(request, way)
    if (best === undefined || cost < best) best = cost
  }
  return best
}

describe("plan paths with everything asked at once", () => {
  it("answers as every path looked at one by one would have it", () => {
    let withPath = 0
    let without = 0
    fc.assert(
      fc.property(questions, ({ nodes, links, ends: [from, to], ...asked }) => {
        const topology = topologyFromJson({
          name: "random",
          nodes: nodes.map((node, n) => defined({ name: name(n), ...node })),
          links: links.map(({ ends: [a, b], ...link }, n) =>
            defined({ id: String(n), a, b, ...link }),
          ),
        })
        // Names that mean nothing are refused; that is another test.
        const known = (one: string | readonly [string, string]): boolean =>
          topology.links.some((link) => isNamed(link, one))
        const request = defined({
          id: "q",
          from,
          to,
          ...asked,
          requireLinks: asked.requireLinks?.filter(known),
          avoidLinks: asked.avoidLinks?.filter(known),
          requireOneOf: asked.requireOneOf?.filter(
            (set) =>
              !("operator" in set) ||
              topology.nodes.some(({ operator }) => operator === set.operator),
          ),
        })
        const network = planNetwork(topology)
        const [read] = readPathRequests([request], network)
        assert(read !== undefined)
        const { paths, reason } = new PathPlanner(network).answer(read)
        const ways = allWays(topology, read)
        if (ways.length > 0) withPath += 1
        else without += 1
        if (read.disjoint === "none") {
          assert.deepEqual(
            paths.map(({ cost }) => cost),
            ways.slice(0, read.k ?? 1).map((way) => costOf(read, way)),
          )
          assert.equal(reason === undefined, ways.length > 0)
        } else {
          let size = read.k ?? 2
          while (size > 0 && cheapestSet(read, ways, size) === undefined) size -= 1
          assert.equal(paths.length, size)
          assert.equal(
            paths.reduce((sum, { cost }) => sum + cost, 0),
            cheapestSet(read, ways, size),
          )
          assert.equal(reason === undefined, size === (read.k ?? 2))
        }
      }),
      { numRuns: 1500 },
    )
    assert(withPath > 250 && without > 250, `${withPath} with a path, ${without} without`)
  })
})

/** Without the members that are undefined: files have none. */
function defined<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T
}
