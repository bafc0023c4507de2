// Draws what three searches look at for one pair of a fibre plant: docs/images/path-searches.svg. From distances, by what each
// search settles, so that it is no search's own account. Run: npx tsx bench/path-picture.ts

import { writeFileSync } from "node:fs"
import { LandmarkBounds } from "../src/engine/landmark-bounds.js"
import { Landmarks } from "../src/engine/landmarks.js"
import { OnePair } from "../src/engine/one-pair.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { WeightedGraph } from "../src/engine/weighted-graph.js"
import { fibrePlant } from "./path-graphs.js"

const SIZE = 260
const { graph, cost, pairs, places } = fibrePlant(1000)
const nodes = Array.from({ length: graph.nodeCount }, (_, node) => node)
const at = (node: number): string =>
  `${((places?.x[node] ?? 0) * SIZE).toFixed(1)} ${((places?.y[node] ?? 0) * SIZE).toFixed(1)}`
const weighted = new WeightedGraph(graph, cost)
const landmarks = new Landmarks(weighted)
const onePair = new OnePair(weighted, landmarks)
const open = {
  cost,
  usableLinks: new Uint8Array(graph.linkCount).fill(1),
  passableNodes: new Uint8Array(graph.nodeCount).fill(1),
}
const searches = new ShortestPaths(graph)
const bounds = new LandmarkBounds(landmarks)

/** What A* looks at: nodes through which, for all that the bounds know, a path might be as cheap. */
function led(from: number, to: number, length: number): number[] {
  const { distance } = searches.treeFrom({ from, ...open })
  bounds.aim(weighted.inside[from] ?? 0, weighted.inside[to] ?? 0)
  return nodes.filter(
    (node) => (distance[node] ?? 0) + bounds.toGo(weighted.inside[node] ?? 0) <= length,
  )
}

// A pair that is far apart as pairs go, and of these one for which A* looks at as much as it does for the median.
const { from, to, length } = pairs
  .map((pair) => ({ ...pair, length: onePair.find(pair.from, pair.to)?.cost ?? 0 }))
  .sort((a, b) => a.length - b.length)
  .slice(100, 140)
  .map((pair) => ({ ...pair, seen: led(pair.from, pair.to, pair.length).length }))
  .sort((a, b) => a.seen - b.seen)[20] ?? { from: 0, to: 1, length: 0 }
const ahead = searches.treeFrom({ from, ...open }).distance
const back = searches.treeFrom({ from: to, ...open }).distance
const distance = (list: Float64Array, node: number): number => list[node] ?? 0
const panels = [
  {
    title: "Dijkstra from one end",
    seen: nodes.filter((node) => distance(ahead, node) < length),
  },
  {
    title: "from both ends",
    seen: nodes.filter(
      (node) => Math.min(distance(ahead, node), distance(back, node)) < length / 2,
    ),
  },
  {
    title: "A* with landmarks",
    seen: led(from, to, length),
  },
]
const fibres = Array.from(graph.linkA, (a, link) => `M${at(a)}L${at(graph.linkB[link] ?? 0)}`).join(
  "",
)
const way = graph
  .nodesOf(from, onePair.find(from, to)?.path ?? [])
  .map((node, i) => `${i === 0 ? "M" : "L"}${at(node)}`)
  .join("")
const drawn = panels.map(({ title, seen }, i) =>
  [
    `<g transform="translate(${10 + i * (SIZE + 20)} 30)">`,
    `<text x="0" y="-10">${title}: ${seen.length} nodes</text>`,
    `<use href="#fibres"/>`,
    `<path class="seen" d="${seen.map((node) => `M${at(node)}h0`).join("")}"/>`,
    `<path class="way" d="${way}"/>`,
    `<path class="end" d="M${at(from)}h0M${at(to)}h0"/>`,
    `</g>`,
  ].join("\n"),
)
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${3 * (SIZE + 20)} ${SIZE + 45}" role="img" aria-label="Nodes that three searches look at for one pair">
<style>rect{fill:#fff}text{font:13px sans-serif;fill:#222}path{fill:none;stroke-linecap:round;stroke-linejoin:round}.fibres{stroke:#d5d9de;stroke-width:.6}.seen{stroke:#3b78c2;stroke-width:3.4}.way{stroke:#d9480f;stroke-width:1.6}.end{stroke:#d9480f;stroke-width:7}</style>
<rect width="100%" height="100%"/>
<defs><path id="fibres" class="fibres" d="${fibres}"/></defs>
${drawn.join("\n")}
</svg>
`
writeFileSync(new URL("../docs/images/path-searches.svg", import.meta.url), svg)
console.log(
  panels.map(({ title, seen }) => `${title}: ${seen.length} of ${nodes.length} nodes`).join("\n"),
)
