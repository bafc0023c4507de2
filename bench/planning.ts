// The planning tools beside the plain way of answering the same, in one run: single failures by keeping what stands beside a
// plan anew for each; the best new link by proven bounds beside solving every candidate; bulk orders by paths as they are
// needed beside the whole question over arcs. Answers are compared, medians and ratios printed.
//
//   node --import tsx bench/planning.ts

import { existsSync, readFileSync } from "node:fs"
import { loadLinearPrograms } from "../src/cli/highs.js"
import type { BulkNetwork, BulkOrder } from "../src/engine/bulk-order.js"
import { BulkProgram } from "../src/engine/bulk-program.js"
import type { MakeLinearProgram } from "../src/engine/linear-program.js"
import { readTopology } from "../src/model/topology-file.js"
import type { Topology } from "../src/model/topology.js"
import { candidatesByRule } from "../src/plan/candidates.js"
import type { ServiceDemand } from "../src/plan/demand-file.js"
import { singleFailures, withFailed } from "../src/plan/failure.js"
import { grow } from "../src/plan/grow.js"
import { type PlanNetwork, planNetwork } from "../src/plan/plan-network.js"
import { ServicePlanner } from "../src/plan/plan-services.js"
import { carriedBy } from "../src/plan/standing.js"
import { survive } from "../src/plan/survive.js"
import { plainOptimum } from "../test/engine/bulk-check.js"

const FILE = new URL("../../shared/data/topologies/sndlib/germany50.json", import.meta.url)
const ROUNDS = 5
const OPTIONS = { online: false, split: false }
const quiet = (): void => undefined

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? 0
}

function timed(work: () => number): { ms: number; answer: number } {
  const start = performance.now()
  const answer = work()
  return { ms: performance.now() - start, answer }
}

/** Runs ours and theirs in turn, and prints medians, ratio and both answers. */
function beside(what: string, ours: () => number, theirs: () => number, rounds = ROUNDS): void {
  const own: number[] = []
  const other: number[] = []
  let answers: [number, number] = [0, 0]
  for (let round = 0; round < rounds; round += 1) {
    const one = timed(ours)
    const two = timed(theirs)
    own.push(one.ms)
    other.push(two.ms)
    answers = [one.answer, two.answer]
  }
  const [a, b] = [median(own), median(other)]
  const words = answers.map((answer) => Math.round(answer)).join(" / ")
  console.log(`| ${what} | ${a.toFixed(0)} | ${b.toFixed(0)} | ${(b / a).toFixed(1)} | ${words} |`)
}

/** The same numbers on every machine. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

function demandsOn({ nodes }: Topology, count: number, unitBps: number): ServiceDemand[] {
  const roll = dice(7)
  return Array.from({ length: count }, (_, i) => {
    const from = roll(nodes.length)
    const to = (from + 1 + roll(nodes.length - 1)) % nodes.length
    const name = (n: number): string => nodes[n]?.name ?? ""
    return { id: `d${i}`, from: name(from), to: name(to), rateBps: (2 + roll(29)) * unitBps }
  })
}

function failures(topology: Topology, network: PlanNetwork, make: MakeLinearProgram): void {
  const services = demandsOn(topology, 500, 40)
  const planner = new ServicePlanner(network, make)
  const { allocation } = planner.allocate(services, OPTIONS)
  const all = singleFailures(topology, network)
  beside(
    `all ${all.length} single failures, 500 services; carried on average, bit/s`,
    () => {
      const told = survive(network, { services, allocation }, all, { split: false }, quiet)
      const carried = carriedBy(allocation)
      return told.failures.reduce((sum, { lostBps }) => sum + carried - lostBps, 0) / all.length
    },
    () => {
      const sums = all.map(({ links }) => {
        const anew = new ServicePlanner(withFailed(network, links), make)
        return carriedBy(anew.allocate(services, OPTIONS).allocation)
      })
      return sums.reduce((sum, carried) => sum + carried, 0) / all.length
    },
    3,
  )
}

function growth(topology: Topology, network: PlanNetwork, make: MakeLinearProgram): void {
  const services = demandsOn(topology, 300, 100)
  const candidates = candidatesByRule(topology, network, undefined)
  const options = { ...OPTIONS, budget: 1 }
  const gain = (list: typeof candidates, tries: number): number =>
    grow(topology, services, list, make, { ...options, tries }, quiet).plan.steps[0]?.gainBps ?? 0
  beside(
    `best of ${candidates.length} links, 300 services; gain, bit/s`,
    () => gain(candidates, candidates.length),
    // Every candidate alone: its bound cannot spare the others.
    () => Math.max(...candidates.map((one) => gain([one], 1))),
    1,
  )
}

function bulk(network: PlanNetwork, make: MakeLinearProgram): void {
  const roll = dice(11)
  const { graph, relays, rateBps } = network
  const hours = Array.from({ length: 25 }, (_, hour) => hour * 3600)
  const quest: BulkNetwork = {
    graph,
    passableNodes: relays,
    times: hours,
    rateBps: hours.slice(1).map(() => rateBps.map((rate) => rate * (0.5 + roll(100) / 100))),
    stockBits: new Float64Array(graph.linkCount),
    maxStockBits: new Float64Array(graph.linkCount),
  }
  const orders = Array.from({ length: 8 }, (): BulkOrder => {
    const from = roll(graph.nodeCount)
    const to = (from + 1 + roll(graph.nodeCount - 1)) % graph.nodeCount
    const volumeBits = (1 + roll(9)) * 1e9
    return { from, to, volumeBits, notBefore: 0, due: 3600 * (6 + roll(19)), priority: 0 }
  })
  beside(
    "8 bulk orders, 24 hours; most delivered in time, Mbit",
    () => {
      const program = new BulkProgram(quest, orders, make)
      const bits = program.solve()?.carriedBits.reduce((sum, one) => sum + one, 0) ?? 0
      program.close()
      return bits / 1e6
    },
    () =>
      (plainOptimum(
        {
          network: quest,
          orders,
          fixedBits: new Map(),
          endOf: (order) => orders[order]?.due ?? 0,
          worth: () => 1,
          most: (order) => orders[order]?.volumeBits ?? 0,
        },
        make,
      ) ?? 0) / 1e6,
    3,
  )
}

if (!existsSync(FILE)) console.log("skipped: germany50 is not there")
else {
  const topology = readTopology(readFileSync(FILE, "utf8"), "germany50.json")
  const network = planNetwork(topology)
  const make = await loadLinearPrograms()
  console.log(
    "| germany50 | ours, ms | plain, ms | ratio | answers, ours / plain |\n|---|---|---|---|---|",
  )
  failures(topology, network, make)
  bulk(network, make)
  growth(topology, network, make)
}
