// Networks for long random tests: a ring and as many chords, rates over a factor of ten, the same for the same seed.

import type { Capacity, Demand } from "../../src/engine/demand.js"
import { PathGraph } from "../../src/engine/path-graph.js"
import { Dice } from "../core/dice.js"

export interface RingNetwork {
  readonly graph: PathGraph
  readonly capacity: Capacity
  /** From 0 to 1, exclusive. */
  readonly random: () => number
}

export interface RingOptions {
  /** Of links that make nothing, and of nodes that may not relay. */
  readonly deadShare?: number
}

export function ringNetwork(
  nodeCount: number,
  seed: number,
  { deadShare = 0 }: RingOptions = {},
): RingNetwork {
  const dice = new Dice(seed)
  const random = (): number => dice.below(2 ** 30) / 2 ** 30
  const linkA: number[] = []
  const linkB: number[] = []
  for (let link = 0; link < nodeCount * 2; link += 1) {
    const isRing = link < nodeCount
    const a = isRing ? link : dice.below(nodeCount)
    linkA.push(a)
    linkB.push((a + 1 + (isRing ? 0 : dice.below(nodeCount - 1))) % nodeCount)
  }
  const rateBps = Float64Array.from(linkA, () => (random() < deadShare ? 0 : 1000 * 10 ** random()))
  const passableNodes = Uint8Array.from({ length: nodeCount }, () => (random() < deadShare ? 0 : 1))
  return {
    graph: new PathGraph(nodeCount, linkA, linkB),
    capacity: { rateBps, passableNodes },
    random,
  }
}

/** Between any two nodes, whole or not at all, rates from `leastBps` to ten times that. */
export function drawnDemands(
  { graph, random }: RingNetwork,
  count: number,
  leastBps: number,
): Demand[] {
  const { nodeCount } = graph
  return Array.from({ length: count }, () => {
    const from = Math.floor(random() * nodeCount)
    const to = (from + 1 + Math.floor(random() * (nodeCount - 1))) % nodeCount
    const rateBps = leastBps * 10 ** random()
    return { from, to, rateBps, minRateBps: rateBps }
  })
}
