// How long the cheapest path of one pair takes, beside the general graph library. Checks that both find the same
// price; prints medians over pairs. Run: npx tsx bench/path.ts

import { alg, Graph as Reference } from "@dagrejs/graphlib"
import { findPath } from "../src/core/path.js"
import { DEFAULT_SETTINGS } from "../src/core/settings.js"
import { type Drawn, generated, germany50, picture, quantiles, timed } from "./graphs.js"

const PAIRS = 2000

function pairsOf(drawn: Drawn, count: number): [string, string][] {
  return Array.from({ length: count }, (_, n) => {
    const size = drawn.nodes.length
    const from = (n * 7919) % size
    const to = (from + 1 + ((n * 104_729) % (size - 1))) % size
    return [drawn.nodes[from] ?? "", drawn.nodes[to] ?? ""]
  })
}

function run(drawn: Drawn, referencePairs: number): void {
  const { picture: view } = picture(drawn)
  const graph = view.graph
  graph.refresh(view, DEFAULT_SETTINGS)
  const reference = new Reference({ directed: false, multigraph: true })
  drawn.nodes.forEach((node) => reference.setNode(node))
  for (const { id, a, b } of drawn.links) {
    reference.setEdge(a, b, graph.price[graph.linkNumber(id) ?? -1], id)
  }
  const weight = (edge: { v: string; w: string; name?: string }): number =>
    Number(reference.edge(edge))
  const edgesOf = (node: string): ReturnType<typeof reference.edges> =>
    reference.nodeEdges(node) ?? []

  const own: number[] = []
  const pairs = pairsOf(drawn, PAIRS)
  for (const [from, to] of pairs) findPath(graph, { from, to, rateBps: 0 })
  for (const [from, to] of pairs) {
    own.push(timed(() => findPath(graph, { from, to, rateBps: 0 })))
  }
  const theirs: number[] = []
  for (const [from, to] of pairs.slice(0, referencePairs)) {
    let price = 0
    theirs.push(
      timed(() => {
        price = alg.dijkstra(reference, from, weight, edgesOf)[to]?.distance ?? 0
      }),
    )
    const found = findPath(graph, { from, to, rateBps: 0 })?.price ?? 0
    if (Math.abs(found - price) > 1e-9 * price) throw new Error(`${from} to ${to}: prices differ`)
  }
  const ratio = middle(theirs) / middle(own)
  console.log(`${drawn.name}, ${drawn.links.length} links`)
  console.log(`  key path          ${quantiles(own)}`)
  console.log(`  @dagrejs/graphlib ${quantiles(theirs)}`)
  console.log(`  ratio of medians  ${ratio.toFixed(0)}`)
}

function middle(us: readonly number[]): number {
  return [...us].sort((x, y) => x - y)[us.length >> 1] ?? 0
}

const real = germany50()
if (real === undefined) console.log("germany50 is not here: generated networks only")
else run(real, 500)
run(generated(1000), 100)
run(generated(10_000), 10)
