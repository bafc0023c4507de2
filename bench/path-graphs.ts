// Graphs for bench/paths.ts, with the questions asked of them, and the file that hands both to every peer. All weights are whole
// numbers, so that sums are exact whoever adds them up. Measures nothing.

import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { PathGraph } from "../src/engine/path-graph.js"
import { sumAlong } from "../src/engine/path-question.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { readTopology } from "../src/model/topology-file.js"
import { planNetwork } from "../src/plan/plan-network.js"

export interface BenchPair {
  readonly from: number
  readonly to: number
  /** Bounds that bind: between what the cheapest path takes and the least there is. */
  readonly maxLoss: number
  readonly maxHops: number
}

export interface BenchGraph {
  readonly name: string
  readonly graph: PathGraph
  /** By link: metres, and loss in thousandths of a decibel. */
  readonly cost: Float64Array
  readonly loss: Float64Array
  readonly pairs: readonly BenchPair[]
  /** Links that change, one after the other, and what they cost then. */
  readonly changes: readonly { readonly link: number; readonly cost: number }[]
  /** Where nodes are, in a unit square, if they are anywhere. */
  readonly places?: { readonly x: Float64Array; readonly y: Float64Array }
}

/** Numbers between 0 and 1, the same at every run (mulberry32). */
export function drawn(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

interface Links {
  readonly a: number[]
  readonly b: number[]
  readonly cost: number[]
}

/**
 * Sites at random places; a fibre between two where no third site lies in the circle over them (Gabriel's graph, which
 * resembles carriers' fibre plants in degree and detours; mean degree near 4). Fibres are 1.1 to 1.7 times as long as the crow flies.
 */
export function fibrePlant(size: number, seed = 1): BenchGraph {
  const random = drawn(seed)
  const x = Float64Array.from({ length: size }, random)
  const y = Float64Array.from({ length: size }, random)
  const side = Math.max(1, Math.floor(Math.sqrt(size / 2)))
  const cells: number[][] = Array.from({ length: side * side }, () => [])
  const cellOf = (value: number): number => Math.min(side - 1, Math.floor(value * side))
  for (let n = 0; n < size; n += 1) cells[cellOf(y[n] ?? 0) * side + cellOf(x[n] ?? 0)]?.push(n)
  const near = (node: number): number[] => {
    const cx = cellOf(x[node] ?? 0)
    const cy = cellOf(y[node] ?? 0)
    const found: number[] = []
    for (let row = Math.max(0, cy - 3); row <= Math.min(side - 1, cy + 3); row += 1)
      for (let column = Math.max(0, cx - 3); column <= Math.min(side - 1, cx + 3); column += 1)
        found.push(...(cells[row * side + column] ?? []))
    return found
  }
  const links: Links = { a: [], b: [], cost: [] }
  for (let a = 0; a < size; a += 1) {
    const others = near(a)
    for (const b of others) {
      if (b <= a) continue
      const middleX = ((x[a] ?? 0) + (x[b] ?? 0)) / 2
      const middleY = ((y[a] ?? 0) + (y[b] ?? 0)) / 2
      const square = ((x[a] ?? 0) - (x[b] ?? 0)) ** 2 + ((y[a] ?? 0) - (y[b] ?? 0)) ** 2
      const between = others.some(
        (c) =>
          c !== a &&
          c !== b &&
          ((x[c] ?? 0) - middleX) ** 2 + ((y[c] ?? 0) - middleY) ** 2 < square / 4,
      )
      if (between) continue
      links.a.push(a)
      links.b.push(b)
      const spacing = Math.sqrt(square * size)
      links.cost.push(Math.round(spacing * 20_000 * (1.1 + 0.6 * random())))
    }
  }
  return { ...asked(`fibre plant, ${size} nodes`, size, links, random), places: { x, y } }
}

/** A ring with chords to anywhere, mean degree 4, lengths at random: short paths, and no geometry to lead a search. */
export function chords(size: number, seed = 2): BenchGraph {
  const random = drawn(seed)
  const links: Links = { a: [], b: [], cost: [] }
  const known = new Set<number>()
  const add = (a: number, b: number): void => {
    const key = Math.min(a, b) * size + Math.max(a, b)
    if (a === b || known.has(key)) return
    known.add(key)
    links.a.push(a)
    links.b.push(b)
    links.cost.push(5_000 + Math.floor(random() * 75_000))
  }
  for (let n = 0; n < size; n += 1) add(n, (n + 1) % size)
  for (let n = 0; n < size; n += 1) add(n, Math.floor(random() * size))
  return asked(`ring with chords, ${size} nodes`, size, links, random)
}

const SNDLIB = new URL("../../shared/data/topologies/sndlib/", import.meta.url)

/** A carrier's network; undefined where the data is not beside the checkout. */
export function carrier(name: string): BenchGraph | undefined {
  const file = new URL(`${name}.json`, SNDLIB)
  if (!existsSync(file)) return undefined
  const { graph, lengthKm } = planNetwork(readTopology(readFileSync(file, "utf8"), `${name}.json`))
  const links: Links = {
    a: [...graph.linkA],
    b: [...graph.linkB],
    cost: Array.from(lengthKm, (km) => Math.round(km * 1000)),
  }
  return asked(`${name}, ${graph.nodeCount} nodes`, graph.nodeCount, links, drawn(3))
}

const PAIRS = 200
/** Questions with limits are not asked of larger graphs. */
export const LIMITED_UP_TO = 10_000
const CHANGES = 400

function asked(name: string, size: number, links: Links, random: () => number): BenchGraph {
  const graph = new PathGraph(size, links.a, links.b)
  const cost = Float64Array.from(links.cost)
  // Metres at 0.2 dB per kilometre, spliced well or badly.
  const loss = cost.map((metres) => Math.round(metres * 0.2 * (0.8 + 0.9 * random())))
  const hops = new Float64Array(cost.length).fill(1)
  const searches = new ShortestPaths(graph)
  const open = {
    usableLinks: new Uint8Array(graph.linkCount).fill(1),
    passableNodes: new Uint8Array(size).fill(1),
  }
  const pairs: BenchPair[] = []
  while (pairs.length < PAIRS) {
    const from = Math.floor(random() * size)
    const to = Math.floor(random() * size)
    if (from === to) continue
    const question = { from, to, cost, ...open }
    const path = searches.find(question)
    if (path === undefined) continue
    if (size > LIMITED_UP_TO) {
      pairs.push({ from, to, maxLoss: 0, maxHops: 0 })
      continue
    }
    // Where the least loss is far below what the cheapest path has, the bound cuts it off.
    const bound = (weight: Float64Array): number => {
      const least = searches.find({ ...question, cost: weight }) ?? path
      const low = sumAlong(least, weight)
      return Math.floor(low + 0.6 * (sumAlong(path, weight) - low))
    }
    pairs.push({ from, to, maxLoss: bound(loss), maxHops: Math.ceil(bound(hops) * 1.1) })
  }
  const now = cost.slice()
  const changes = Array.from({ length: CHANGES }, () => {
    const link = Math.floor(random() * graph.linkCount)
    const base = cost[link] ?? 0
    // Dearer or cheaper, and back again when it comes up a second time.
    now[link] = now[link] === base ? Math.round(base * (0.5 + 1.5 * random())) : base
    return { link, cost: now[link] }
  })
  return { name, graph, cost, loss, pairs, changes }
}

/** One line of sizes; a line a link; a line a pair; a line a change. */
export function writeGraph(file: string, { graph, cost, loss, pairs, changes }: BenchGraph): void {
  const lines = [`${graph.nodeCount} ${graph.linkCount} ${pairs.length} ${changes.length}`]
  for (let link = 0; link < graph.linkCount; link += 1)
    lines.push(
      `${graph.linkA[link] ?? 0} ${graph.linkB[link] ?? 0} ${cost[link] ?? 0} ${loss[link] ?? 0}`,
    )
  for (const { from, to, maxLoss, maxHops } of pairs)
    lines.push(`${from} ${to} ${maxLoss} ${maxHops}`)
  for (const { link, cost: value } of changes) lines.push(`${link} ${value}`)
  writeFileSync(file, `${lines.join("\n")}\n`)
}
