// How much of what is possible is carried: online, re-optimised on one path each, re-optimised over several, beside the
// rules others use; and how long it takes. The bound is the optimum of the linear program in which demands may be split
// at will. Checks every allocation against the links. Prints tables, medians with the worst behind.
//
// Run: npx tsx bench/allocation.ts [seeds] [--in-order], or with --admission for the time of an admission alone.
// With --in-order also what a rule could carry that may move everything at every arrival, but refuses nothing that fits.

import { loadLinearPrograms } from "../src/cli/highs.js"
import { admit } from "../src/engine/admit.js"
import type { Allocation, Demand } from "../src/engine/demand.js"
import { FreeRate } from "../src/engine/free-rate.js"
import type { MakeLinearProgram } from "../src/engine/linear-program.js"
import {
  drawDemands,
  plantNetwork,
  randomNetwork,
  sndlib,
  type TestNetwork,
} from "./allocation-cases.js"
import {
  atLoad,
  boundOf,
  checked,
  LOADS,
  type Load,
  offerOf,
  optimised,
} from "./allocation-plans.js"
import { carriedByRule } from "./allocation-rules.js"

const COUNTS = [100, 500, 2000] as const

interface Result {
  readonly network: string
  readonly count: number
  readonly load: Load
  readonly boundOfOffer: number
  readonly fixed: number
  readonly fewest: number
  readonly widest: number
  readonly online: number
  readonly whole: number
  readonly split: number
  readonly admitUs: number
  readonly wholeMs: number
  readonly splitMs: number
  readonly inOrder?: number
}

function timedMs<Value>(work: () => Value): { readonly value: Value; readonly ms: number } {
  const start = process.hrtime.bigint()
  const value = work()
  return { value, ms: Number(process.hrtime.bigint() - start) / 1e6 }
}

function online(network: TestNetwork, demands: readonly Demand[]): Allocation {
  const free = new FreeRate(network.graph, network.capacity)
  return demands.map((demand) => admit(free, demand, { split: false, spare: true }))
}

/** Each demand in its order, taken whenever all taken so far and it could be routed together, split at will. */
function inOrder(
  make: MakeLinearProgram,
  network: TestNetwork,
  demands: readonly Demand[],
): number {
  const taken: Demand[] = []
  for (const demand of demands) {
    const all = [...taken, demand]
    if (boundOf(make, network, all) >= offerOf(all) * (1 - 1e-6)) taken.push(demand)
  }
  return offerOf(taken)
}

function run(
  make: MakeLinearProgram,
  network: TestNetwork,
  count: number,
  load: Load,
  seed: number,
  withOrder: boolean,
): Result {
  const demands = atLoad(make, network, count, LOADS[load], seed)
  const bound = boundOf(make, network, demands)
  const part = (carriedBps: number): number => carriedBps / bound
  const admitted = timedMs(() => online(network, demands))
  const whole = timedMs(() => optimised(make, network, demands, false))
  const split = timedMs(() => optimised(make, network, demands, true))
  return {
    network: network.name,
    count,
    load,
    boundOfOffer: bound / offerOf(demands),
    fixed: part(carriedByRule(network, demands, "fixed")),
    fewest: part(carriedByRule(network, demands, "fewest")),
    widest: part(carriedByRule(network, demands, "widest")),
    online: part(checked(network, demands, admitted.value)),
    whole: part(checked(network, demands, whole.value)),
    split: part(checked(network, demands, split.value)),
    admitUs: (admitted.ms * 1000) / count,
    wholeMs: whole.ms,
    splitMs: split.ms,
    ...(withOrder && count === 500 ? { inOrder: part(inOrder(make, network, demands)) } : {}),
  }
}

type Figure = "fixed" | "fewest" | "widest" | "online" | "whole" | "split" | "inOrder"
type Time = "admitUs" | "wholeMs" | "splitMs"

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

function share(results: readonly Result[], figure: Figure): string {
  const values = results.flatMap((result) => result[figure] ?? [])
  if (values.length === 0) return "-"
  const digits = figure === "split" || figure === "whole" ? 4 : 3
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)})`
}

function time(results: readonly Result[], figure: Time): string {
  const values = results.map((result) => result[figure])
  const digits = figure === "admitUs" ? 1 : 0
  return `${median(values).toFixed(digits)} (${Math.max(...values).toFixed(digits)})`
}

function row(name: string, results: readonly Result[]): string {
  const cells = [
    name,
    median(results.map(({ boundOfOffer }) => boundOfOffer)).toFixed(2),
    ...(["fixed", "fewest", "widest", "online", "whole", "split"] as const).map((figure) =>
      share(results, figure),
    ),
    ...(["admitUs", "wholeMs", "splitMs"] as const).map((figure) => time(results, figure)),
  ]
  return `| ${cells.join(" | ")} |`
}

const HEAD = [
  "| demands, load | bound / offer | fewest hops, fixed | fewest hops that fit | widest, then shortest | online | re-optimised, one path | re-optimised, split | us an admission | ms one path | ms split |",
  "|---|---|---|---|---|---|---|---|---|---|---|",
]

/** Admissions on a network about half full, so that searches are of the usual length. */
function admissionUs(network: TestNetwork, count: number): number[] {
  const demands = drawDemands(network, count, 0.3, 7)
  const free = new FreeRate(network.graph, network.capacity)
  return demands.map(
    (demand) => timedMs(() => admit(free, demand, { split: false, spare: true })).ms * 1000,
  )
}

function printAdmissions(): void {
  console.log("\nOne admission on a network in use, us: median, 99 %")
  for (const [network, count] of [
    [randomNetwork(50, 1), 2000],
    [randomNetwork(1000, 1), 5000],
    [plantNetwork(1000, 1), 5000],
  ] as const) {
    admissionUs(network, count)
    const us = admissionUs(network, count).sort((a, b) => a - b)
    console.log(
      `  ${network.name}: ${median(us).toFixed(1)}, ${(us[Math.floor(us.length * 0.99)] ?? 0).toFixed(1)}`,
    )
  }
}

const options = process.argv.slice(2)
const withOrder = options.includes("--in-order")
if (options.includes("--admission")) {
  printAdmissions()
  process.exit()
}
const seeds = Number(options.find((option) => /^\d+$/.test(option)) ?? 3)
const make = await loadLinearPrograms()
const networks = [
  ...["nobel-germany", "germany50", "cost266", "geant"].flatMap((name) => sndlib(name) ?? []),
  randomNetwork(50, 1),
  randomNetwork(100, 2),
]
// Once before it counts, so that the first rows are not those of cold code.
for (const network of networks) online(network, drawDemands(network, 2000, 0.5, 1))
optimised(make, randomNetwork(50, 3), drawDemands(randomNetwork(50, 3), 500, 0.5, 1), true)

const results: Result[] = []
for (const network of networks)
  for (const count of COUNTS)
    for (const load of Object.keys(LOADS) as Load[])
      for (let seed = 1; seed <= seeds; seed += 1)
        results.push(run(make, network, count, load, seed, withOrder))

console.log(`Carried / bound, median (worst) over ${networks.length} networks, ${seeds} seeds each`)
console.log(HEAD.join("\n"))
for (const count of COUNTS)
  for (const load of Object.keys(LOADS) as Load[])
    console.log(
      row(
        `${count}, ${load}`,
        results.filter((result) => result.count === count && result.load === load),
      ),
    )
console.log("\nThe same by network, 500 and 2,000 demands, all loads")
console.log(HEAD.join("\n").replace("demands, load", "network"))
for (const { name } of networks)
  console.log(
    row(
      name,
      results.filter(({ network, count }) => network === name && count >= 500),
    ),
  )
const aimed = results.filter(({ count, boundOfOffer }) => count >= 500 && boundOfOffer >= 0.85)
const reached = aimed.filter((result) => result.online >= 0.97).length
console.log(
  `\nonline, 500 demands and more, bound at least 85 % of the offer: ${share(aimed, "online")}; 0.97 and more in ${reached} of ${aimed.length}`,
)
if (withOrder) {
  const ordered = aimed.filter(({ inOrder: figure }) => figure !== undefined)
  console.log(
    `of these with 500 demands: online ${share(ordered, "online")}; in order, moving everything at every arrival ${share(ordered, "inOrder")}`,
  )
  for (const { network, load, online: ours, inOrder: best } of ordered)
    if (ours < 0.97)
      console.log(
        `  ${network}, ${load}: online ${ours.toFixed(3)}, in order ${(best ?? 0).toFixed(3)}`,
      )
}
printAdmissions()
