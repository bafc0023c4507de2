// A day of germany50 in simulated time: services come by a diurnal curve and go, every link's rate drifts through the day and
// is measured every minute, one link is cut for an hour, moves are planned every hour. Prints what became of guarantees,
// moves and stock, and draws it into docs/images. Run: npx tsx bench/allocation-day.ts [load] [--draw]

import { writeFileSync } from "node:fs"
import { loadLinearPrograms } from "../src/cli/highs.js"
import { Admission, type Outcome } from "../src/engine/admission.js"
import { carryOut, questionOf } from "../src/engine/admission-moves.js"
import { planMoves } from "../src/engine/reoptimise.js"
import { ShortestPaths } from "../src/engine/shortest.js"
import { firstRate, nextRate } from "../src/engine/steady-rate.js"
import { type Stock, stockLater, stockRateBps } from "../src/engine/stock-horizon.js"
import { NetworkLedger } from "../test/engine/network-ledger.js"
import { randomNetwork, seeded, sndlib } from "./allocation-cases.js"
import { linePlot } from "./line-plot.js"

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const PLAN_EVERY = 60
const HOLD_MINUTES = 240
const ABOUT = 400
const CUT = { from: 780, to: 840 } as const

const load = Number(process.argv.find((word) => /^[\d.]+$/.test(word)) ?? 1)
const random = seeded(11)
const network = sndlib("germany50") ?? randomNetwork(50, 1)
const { graph, capacity } = network
const base = capacity.rateBps
const measured = (link: number, minute: number, noise: number): number => {
  // Warm fibre in the afternoon makes less; each link at its own hour, and some noise on top.
  const hour = ((minute / DAY_MINUTES) * 24 + (link % 5) - 2) * (Math.PI / 12)
  return (base[link] ?? 0) * (0.85 + 0.12 * Math.cos(hour) + 0.1 * (noise - 0.5))
}
const rates = Array.from(base, (_, link) => firstRate(measured(link, 0, 0.5), 0))
const counted = Float64Array.from(rates, ({ countedBps }) => countedBps)
const searches = new ShortestPaths(graph)
const policy = { preempt: false, shareReserve: true, headroomShare: 0.25 }
const admission = new Admission(graph, { ...capacity, rateBps: counted }, policy)
const ledger = new NetworkLedger(graph, counted)
const make = await loadLinearPrograms()
const mean = base.reduce((sum, bps) => sum + bps, 0) / base.length
const stocks: Stock[] = Array.from(base, (bps) => ({
  milliBits: Math.round(bps) * 3600 * 1000,
  atMs: 0,
}))
const stockTerms = (
  link: number,
): { floorBits: number; capacityBits: number; horizonMs: number } => ({
  floorBits: Math.round(base[link] ?? 0) * 600,
  capacityBits: Math.round(base[link] ?? 0) * 7200,
  horizonMs: 3_600_000,
})

const leaves = new Map<string, number>()
let last = 0
let offered = 0
let refused = 0
let waitingMinutes = 0
let serviceMinutes = 0
let drifts = 0
let belowFloor = 0
const moved = { planned: new Array<number>(24).fill(0), forced: new Array<number>(24).fill(0) }
const back = { within: 0 }
const lastPath = new Map<string, { path: string; minute: number }[]>()
const lines = {
  minima: [] as number[],
  surplus: [] as number[],
  links: [] as number[],
  waiting: [] as number[],
}
const active: number[] = []

function note(outcomes: readonly Outcome[], minute: number): void {
  const hour = Math.floor(minute / 60)
  for (const { id, kind } of outcomes) {
    if (kind === "moved" || kind === "switched") moved.forced[hour] = (moved.forced[hour] ?? 0) + 1
    if (kind === "moved" || kind === "switched" || kind === "restored") where(id, minute)
  }
}

/** Counts whoever comes back within an hour to a path it has left. */
function where(id: string, minute: number): void {
  const path =
    admission
      .service(id)
      ?.paths.map((links) => links.join())
      .join(" ") ?? ""
  const seen = lastPath.get(id) ?? []
  if (seen.some((one) => one.path === path && minute - one.minute < 60)) back.within += 1
  lastPath.set(id, [...seen, { path, minute }])
}

for (let minute = 0; minute < DAY_MINUTES; minute += 1) {
  const now = minute * MINUTE_MS
  for (const [id, end] of leaves)
    if (end <= minute) {
      leaves.delete(id)
      note(admission.leave(id), minute)
    }
  const diurnal = 1 + 0.6 * Math.sin(((minute / 60 - 8) * Math.PI) / 12)
  const arrivals = (ABOUT / HOLD_MINUTES) * diurnal
  const count = minute === 0 ? ABOUT / 2 : Math.floor(arrivals + random())
  for (let i = 0; i < count; i += 1) {
    const from = Math.floor(random() * graph.nodeCount)
    const to = (from + 1 + Math.floor(random() * (graph.nodeCount - 1))) % graph.nodeCount
    const minBps = Math.round((load * mean * 10 ** random()) / 60)
    last += 1
    const id = `s${last}`
    offered += 1
    const outcomes = admission.arrive(id, {
      from,
      to,
      minBps,
      maxBps: minBps * 3,
      priority: Math.floor(random() * 3),
      weight: 1,
      protection: "restore",
      tolerance: 0,
    })
    if (outcomes[0]?.kind === "admitted") {
      leaves.set(id, minute + Math.ceil(-HOLD_MINUTES * Math.log(1 - random())))
      where(id, minute)
    } else refused += 1
    note(outcomes.slice(1), minute)
  }
  for (const [link, rate] of rates.entries()) {
    const next = nextRate(rate, measured(link, minute, random()), now)
    rates[link] = next
    if (next.countedBps === rate.countedBps) continue
    drifts += 1
    ledger.drift(link, next.countedBps)
    note(admission.drift(link, next.countedBps), minute)
  }
  if (minute === CUT.from) {
    ledger.cut(7)
    note(admission.cut(7), minute)
  }
  if (minute === CUT.to) {
    ledger.mend(7)
    note(admission.mend(7), minute)
  }
  const services = [...admission.services()]
  if (minute % PLAN_EVERY === 0) {
    const question = questionOf(admission, graph, capacity.passableNodes)
    // Less than a hundredth of the services.
    const maxMoves = Math.floor(services.length * 0.009)
    const plan = planMoves(question, searches, make, { maxMoves, moveCost: 0.25 })
    const taken = carryOut(admission, question.ids, plan)
    if (taken < plan.steps.length) throw new Error("a step of a plan does not fit")
    for (const { service, from } of plan.steps) {
      where(question.ids[service] ?? "", minute)
      if (from !== undefined)
        moved.planned[Math.floor(minute / 60)] = (moved.planned[Math.floor(minute / 60)] ?? 0) + 1
    }
  }
  ledger.check(admission, false)
  const extra = stocks.map((stock, link) => stockRateBps(stock, stockTerms(link)))
  const surplus = admission.surplus(extra)
  const given = new Float64Array(base.length)
  let minima = 0
  let more = 0
  let waiting = 0
  for (const { id, terms, paths } of admission.services()) {
    const bps = terms.minBps + (surplus.get(id) ?? 0)
    if (paths.length === 0) waiting += 1
    else {
      minima += terms.minBps
      more += surplus.get(id) ?? 0
    }
    for (const link of paths.flat()) given[link] = (given[link] ?? 0) + bps
  }
  for (const [link, stock] of stocks.entries()) {
    const made = admission.rateOf(link)
    const later = stockLater(stock, made, given[link] ?? 0, now + MINUTE_MS, stockTerms(link))
    stocks[link] = later
    if (later.milliBits < stockTerms(link).floorBits * 1000) belowFloor += 1
  }
  waitingMinutes += waiting
  serviceMinutes += services.length
  active.push(services.length)
  lines.minima.push(minima / 1e6)
  lines.surplus.push((minima + more) / 1e6)
  lines.links.push(given.reduce((sum, bps) => sum + bps, 0) / 1e6)
  lines.waiting.push(waiting)
}

const share = (moves: readonly number[]): number[] =>
  moves.map((count, hour) => {
    const hours = active.slice(hour * 60, hour * 60 + 60)
    return (100 * count) / (hours.reduce((sum, n) => sum + n, 0) / hours.length)
  })
const planned = share(moved.planned)
const forced = share(moved.forced)
const most = (list: readonly number[]): string => Math.max(...list).toFixed(2)
const average = (list: readonly number[]): string =>
  (list.reduce((sum, n) => sum + n, 0) / list.length).toFixed(2)
console.log(
  `${network.name}, load ${load}: ${offered} services asked, ${refused} refused, ${Math.round(serviceMinutes / DAY_MINUTES)} at a time`,
)
console.log(
  `guaranteed minimum held: ${(100 - (100 * waitingMinutes) / serviceMinutes).toFixed(3)} % of service time; at most ${Math.max(...lines.waiting)} services without`,
)
console.log(
  `moved by plans: ${average(planned)} % an hour in the mean, ${most(planned)} % at most; because they had to: ${average(forced)} %, ${most(forced)} %`,
)
console.log(`services back on a path they had left less than an hour ago: ${back.within}`)
console.log(
  `counted rates changed ${(drifts / base.length).toFixed(1)} times a link in the day, of ${DAY_MINUTES} measurements each`,
)
console.log(
  `stocks below their floor: ${belowFloor} of ${DAY_MINUTES * base.length} minutes of links`,
)
if (process.argv.includes("--draw")) {
  const image = (name: string): URL => new URL(`../docs/images/${name}.svg`, import.meta.url)
  const day = { length: 24, unit: "h" }
  const rateLines = [
    { name: "minima", colour: "#1f6fb2", values: lines.minima },
    { name: "minima and surplus", colour: "#2a9d5c", values: lines.surplus },
  ]
  const moveLines = [
    { name: "by plans", colour: "#1f6fb2", values: planned },
    { name: "cut and drift", colour: "#c0392b", values: forced },
    {
      name: "waiting (services)",
      colour: "#999",
      values: lines.waiting.filter((_, i) => i % 60 === 0),
    },
  ]
  const rates = linePlot(`${network.name}: key rate of services`, "Mbit/s", rateLines, day)
  const moves = linePlot(`${network.name}: services moved`, "% an hour", moveLines, day)
  writeFileSync(image("allocation-day-rates"), rates)
  writeFileSync(image("allocation-day-moves"), moves)
}
