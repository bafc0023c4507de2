// Key paths beside Boost (C++), igraph (C), networkx, @dagrejs/graphlib and ngraph.path, in one run: the same graphs and the
// same pairs, handed to all in a file; answers compared exactly, question by question: one that differs ends the bench.
// Peers take turns in every round; printed are medians in microseconds and what the peer takes as a multiple of ours.
// Needs g++ and the Debian packages libboost-graph-dev, python3-igraph, python3-networkx; goes without what is missing.
// Run: npx tsx bench/paths.ts [1000] [10000] [100000] [carriers] [one] [eight] [pair] [limits] [update]; all unless said otherwise

import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import {
  type BenchGraph,
  carrier,
  chords,
  fibrePlant,
  LIMITED_UP_TO,
  writeGraph,
} from "./path-graphs.js"
import {
  type Answer,
  compileBoost,
  graphlibPeer,
  ngraphPeer,
  type Operation,
  type Peer,
  ProgramPeer,
  pythonScript,
} from "./path-peers.js"
import { anewPeer, ownPeer } from "./paths-own.js"

const ROUNDS = 5
/** A peer gets no more questions a round than it answers in this time. */
const ROUND_US = 400_000

const WORDS: Readonly<Record<Operation, string>> = {
  one: "one pair",
  eight: "8 shortest",
  pair: "disjoint pair",
  limits: "cost, loss and hops limited",
  update: "one link changes, tree kept",
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

const ALL = Object.keys(WORDS) as Operation[]
const chosen = ALL.filter((operation) => process.argv.includes(operation))
const operations = chosen.length > 0 ? chosen : ALL

/** What each peer answered to the questions it got, medians of their times. */
async function race(
  bench: BenchGraph,
  operation: Operation,
  peers: readonly Peer[],
): Promise<void> {
  const able = peers.filter(({ operations }) => operations.includes(operation))
  const known = new Map<number, { readonly value: number; readonly by: string }>()
  const times = new Map(able.map(({ name }) => [name, [] as number[]]))
  const own = able[0]
  if (own === undefined) return
  const share = bench.pairs.length / ROUNDS
  const check = (peer: Peer, first: number, answers: readonly Answer[]): void => {
    for (const [i, { value, us }] of answers.entries()) {
      const before = known.get(first + i)
      if (before === undefined) known.set(first + i, { value, by: peer.name })
      else if (before.value !== value)
        throw new Error(
          `${bench.name}, ${operation}, question ${first + i}: ${before.by} ${before.value}, ${peer.name} ${value}`,
        )
      times.get(peer.name)?.push(us)
    }
  }
  const counts = new Map<Peer, number>()
  // All peers see all changes, in one order: none may leave some out or see some twice.
  const fixed = operation !== "update" ? 0 : bench.graph.nodeCount > 10_000 ? 5 : share
  for (const peer of able) {
    // Warm first: caches, and what the compiler learns.
    const one = fixed > 0 ? 0 : ((await peer.ask(operation, 0, 1))[0]?.us ?? ROUND_US)
    const count = fixed > 0 ? fixed : Math.max(1, Math.min(share, Math.floor(ROUND_US / one)))
    if (count > 1) await peer.ask(operation, bench.pairs.length, count)
    counts.set(peer, count)
  }
  if (fixed === 0) await own.ask(operation, 0, bench.pairs.length)
  for (let round = 0; round < ROUNDS; round += 1)
    for (const peer of able) {
      const count = counts.get(peer) ?? 1
      // Another peer had the caches: some other questions first, untimed.
      if (fixed === 0 && count > 1)
        await peer.ask(operation, ((round + 1) % ROUNDS) * share, Math.ceil(count / 2))
      check(peer, round * share, await peer.ask(operation, round * share, count))
    }
  const ours = median(times.get(own.name) ?? [])
  const cells = able.slice(1).map(({ name }) => {
    const theirs = median(times.get(name) ?? [])
    return `${name} ${theirs.toFixed(theirs < 100 ? 1 : 0)} (${(theirs / ours).toFixed(1)}x)`
  })
  console.log(
    `  ${WORDS[operation].padEnd(28)} ${ours.toFixed(1).padStart(9)} us | ${cells.join(", ")}`,
  )
}

async function run(bench: BenchGraph, folder: string, boost: string | undefined): Promise<void> {
  const file = path.join(folder, "graph")
  writeGraph(file, bench)
  const { nodeCount, linkCount } = bench.graph
  console.log(`${bench.name}, ${linkCount} links`)
  const limited: Operation[] = nodeCount <= LIMITED_UP_TO / 10 ? ["limits"] : []
  const peers: Peer[] = [ownPeer(bench)]
  if (boost !== undefined)
    peers.push(
      new ProgramPeer("Boost", ["one", "eight", "pair", ...limited, "update"], [boost, file]),
    )
  // Theirs would take hours on the largest.
  const inOrder: Operation[] = nodeCount > 10_000 ? ["one"] : ["one", "eight"]
  const igraph = pythonScript("igraph")
  if (igraph !== undefined) peers.push(new ProgramPeer("igraph", inOrder, [...igraph, file]))
  const networkx = pythonScript("networkx")
  if (networkx !== undefined) {
    const small: Operation[] = nodeCount <= 1000 ? ["pair"] : []
    peers.push(new ProgramPeer("networkx", [...inOrder, ...small], [...networkx, file]))
  }
  peers.push(graphlibPeer(bench), ngraphPeer(bench), anewPeer(bench))
  try {
    for (const operation of operations)
      if (operation !== "limits" || nodeCount <= LIMITED_UP_TO) await race(bench, operation, peers)
  } finally {
    for (const peer of peers) peer.close()
  }
}

const asked = process.argv.slice(2)
const sizes = asked.map(Number).filter((size) => size > 0)
const all = sizes.length === 0 && !asked.includes("carriers")
const folder = mkdtempSync(path.join(tmpdir(), "keyloom-paths-"))
try {
  const boost = compileBoost(folder)
  if (all || asked.includes("carriers"))
    for (const name of ["nobel-germany", "geant", "cost266", "germany50"]) {
      const bench = carrier(name)
      if (bench === undefined) console.log(`without ${name}: its data is not beside the checkout`)
      else await run(bench, folder, boost)
    }
  for (const size of all ? [1000, 10_000, 100_000] : sizes)
    for (const make of [fibrePlant, chords]) await run(make(size), folder, boost)
} finally {
  rmSync(folder, { recursive: true })
}
