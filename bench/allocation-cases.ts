// Networks and demands for the benches of allocation: carrier topologies of SNDlib where the shared data is there, and
// random graphs; link rates from the key rate model; demands drawn with a seed. Allocates nothing.

import { existsSync, readFileSync } from "node:fs"
import type { Capacity, Demand } from "../src/engine/demand.js"
import { PathGraph } from "../src/engine/path-graph.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { rateModel } from "../src/model/key-rate.js"
import { greatCircleKm } from "../src/model/topology.js"
import { readTopology } from "../src/model/topology-file.js"
import { fibrePlant } from "./path-graphs.js"

export interface TestNetwork {
  readonly name: string
  readonly graph: PathGraph
  readonly capacity: Capacity
  readonly nodeNames: readonly string[]
  /** By node, degrees; absent in random graphs. */
  readonly places?: readonly { readonly lat: number; readonly lon: number }[]
}

/** Longer spans are chains of equal sections, joined in trusted sites: what carriers build today. */
const SECTION_KM = 100

/** Secret key rate of a span of fibre. */
export function spanRateBps(lengthKm: number): number {
  const sections = Math.max(1, Math.ceil(lengthKm / SECTION_KM))
  return rateModel({ lengthKm: lengthKm / sections }).skrBps
}

const SNDLIB = new URL("../../shared/data/topologies/sndlib/", import.meta.url)

/** @returns undefined, and says so, where the shared data is not there. */
export function sndlib(name: string): TestNetwork | undefined {
  const file = new URL(`${name}.json`, SNDLIB)
  if (!existsSync(file)) {
    console.log(`${name}: not here, left out`)
    return undefined
  }
  const { nodes, links } = readTopology(readFileSync(file, "utf8"), `${name}.json`)
  const numbers = new Map(nodes.map((node, number) => [node.name, number]))
  const places = nodes.map(({ lat, lon }) => ({ lat: lat ?? 0, lon: lon ?? 0 }))
  const ends = links.map(({ a, b }) => [numbers.get(a) ?? 0, numbers.get(b) ?? 0] as const)
  const graph = new PathGraph(
    nodes.length,
    ends.map(([a]) => a),
    ends.map(([, b]) => b),
  )
  const lengths = links.map(({ lengthKm }, i) => {
    const [a, b] = ends[i] ?? [0, 0]
    const from = places[a]
    const to = places[b]
    return lengthKm ?? (from === undefined || to === undefined ? 0 : greatCircleKm(from, to))
  })
  return {
    name,
    graph,
    capacity: {
      rateBps: Float64Array.from(lengths, spanRateBps),
      passableNodes: new Uint8Array(nodes.length).fill(1),
    },
    nodeNames: nodes.map((node) => node.name),
    places,
  }
}

/** A random connected graph: a ring through all nodes and chords, mean degree four; spans of 20 to 100 km. */
export function randomNetwork(nodeCount: number, seed: number): TestNetwork {
  const random = seeded(seed)
  const order = Array.from({ length: nodeCount }, (_, node) => node)
  for (let i = nodeCount - 1; i > 0; i -= 1) {
    const j = Math.floor(random() * (i + 1))
    const held = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = held
  }
  const linkA: number[] = []
  const linkB: number[] = []
  const add = (a: number, b: number): void => {
    linkA.push(a)
    linkB.push(b)
  }
  for (let i = 0; i < nodeCount; i += 1) add(order[i] ?? 0, order[(i + 1) % nodeCount] ?? 0)
  while (linkA.length < nodeCount * 2) {
    const a = Math.floor(random() * nodeCount)
    const b = Math.floor(random() * nodeCount)
    if (a !== b) add(a, b)
  }
  return {
    name: `random ${nodeCount}`,
    graph: new PathGraph(nodeCount, linkA, linkB),
    capacity: {
      rateBps: Float64Array.from(linkA, () => spanRateBps(20 + 80 * random())),
      passableNodes: new Uint8Array(nodeCount).fill(1),
    },
    nodeNames: order.map((_, node) => `n${node}`),
  }
}

/** Sites in the plane, joined as fibre plants are, at the rates of fibres so long. */
export function plantNetwork(nodeCount: number, seed: number): TestNetwork {
  const { name, graph, cost } = fibrePlant(nodeCount, seed)
  return {
    name,
    graph,
    capacity: {
      rateBps: cost.map((metres) => spanRateBps(metres / 1000)),
      passableNodes: new Uint8Array(nodeCount).fill(1),
    },
    nodeNames: Array.from({ length: nodeCount }, (_, node) => `n${node}`),
  }
}

/**
 * Demands between random nodes, whole or not at all, rates spread evenly in the logarithm over a factor of ten.
 *
 * @param load what they would use of all links together, each on its fewest hops.
 */
export function drawDemands(
  network: TestNetwork,
  count: number,
  load: number,
  seed: number,
): Demand[] {
  const random = seeded(seed)
  const { graph, capacity } = network
  const searches = new ShortestPaths(graph)
  const question = {
    cost: new Float64Array(graph.linkCount).fill(1),
    usableLinks: new Uint8Array(graph.linkCount).fill(1),
    passableNodes: capacity.passableNodes,
  }
  let used = 0
  const drawn = Array.from({ length: count }, () => {
    const from = Math.floor(random() * graph.nodeCount)
    const to = (from + 1 + Math.floor(random() * (graph.nodeCount - 1))) % graph.nodeCount
    const weight = 10 ** random()
    used += weight * (searches.find({ ...question, from, to })?.length ?? 0)
    return { from, to, weight }
  })
  const all = capacity.rateBps.reduce((sum, rateBps) => sum + rateBps, 0)
  const scale = (load * all) / used
  return drawn.map(({ from, to, weight }) => ({
    from,
    to,
    rateBps: weight * scale,
    minRateBps: weight * scale,
  }))
}

/** Numbers from 0 to 1, the same for the same seed (Mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
