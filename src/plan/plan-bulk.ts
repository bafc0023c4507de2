// Schedules bulk orders on what rate services leave: services stand on the network as its rates change, moving where they
// must; what is left of every link over time goes to the orders. Tells of every order whether it will be in time, when it
// ends, and what keeps it from it.

import { type BulkNetwork, type BulkOrder, cutAt, intervalCount } from "../engine/bulk-order.js"
import {
  type BulkOutcome,
  type BulkSchedule,
  deliverableAlone,
  scheduleBulk,
} from "../engine/bulk-schedule.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import type { BulkQuestion, BulkRequest } from "./bulk-file.js"
import type { PlanNetwork } from "./plan-network.js"
import type { Progress } from "./progress.js"
import { afterChange, loadOf, type Standing } from "./standing.js"

export interface BulkPlan {
  /** RFC 3339, as all times of the plan. */
  readonly startAt: string
  /** How far is looked. */
  readonly endAt: string
  readonly orders: readonly PlannedBulkOrder[]
}

export interface PlannedBulkOrder {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly volumeBits: number
  readonly deadline: string
  /** All of it comes by the deadline. */
  readonly met: boolean
  /** By `endAt`, what was delivered before counted in. */
  readonly deliveredBits: number
  /** When the schedule delivers the last of it; absent where that is after `endAt`. */
  readonly completesAt?: string
  /** The earliest end that can be promised, where the deadline cannot be met. */
  readonly earliestAt?: string
  /** Why the deadline cannot be met. */
  readonly reason?: string
  readonly schedule: readonly ScheduledSpan[]
}

/** A time in which an order has certain rates on certain paths. */
export interface ScheduledSpan {
  readonly from: string
  readonly to: string
  readonly paths: readonly { readonly nodes: readonly string[]; readonly rateBps: number }[]
}

/** @param standing services on the network at its topology's rates. */
export function planBulk(
  network: PlanNetwork,
  question: BulkQuestion,
  standing: Standing,
  make: MakeLinearProgram,
  progress: Progress = () => undefined,
): BulkPlan {
  const bulk = bulkNetwork(network, question, standing)
  const orders = question.orders.map((request) => orderOf(network, request))
  const schedule = scheduleBulk(bulk, orders, make, progress)
  return {
    startAt: timeWords(question.startS),
    endAt: timeWords(question.endS),
    orders: question.orders.map((request, i) => {
      const outcome = schedule.outcomes[i] ?? { met: false, deliveredBits: 0 }
      const { completesAt, earliestAt, met } = outcome
      const order = orders[i]
      const reason =
        met || order === undefined ? undefined : reasonFor(network, bulk, request, order, make)
      return {
        id: request.id,
        from: request.from,
        to: request.to,
        volumeBits: request.volumeBits,
        deadline: timeWords(request.deadlineS),
        met,
        deliveredBits: deliveredOf(request, outcome),
        ...(completesAt === undefined ? {} : { completesAt: endWords(completesAt, request, met) }),
        ...(earliestAt === undefined ? {} : { earliestAt: endWords(earliestAt, request, met) }),
        ...(reason === undefined ? {} : { reason }),
        schedule: spansOf(network, schedule, request, i),
      }
    }),
  }
}

function deliveredOf(request: BulkRequest, outcome: BulkOutcome): number {
  return Math.min(request.volumeBits, request.deliveredBits + outcome.deliveredBits)
}

function orderOf({ nodeNumbers }: PlanNetwork, request: BulkRequest): BulkOrder {
  return {
    from: nodeNumbers.get(request.from) ?? -1,
    to: nodeNumbers.get(request.to) ?? -1,
    volumeBits: request.volumeBits - request.deliveredBits,
    notBefore: request.notBeforeS,
    due: request.deadlineS,
    priority: request.priority,
    promised: request.promised,
  }
}

/** What every link has left over time. */
function bulkNetwork(
  network: PlanNetwork,
  { startS, endS, stepS, links }: BulkQuestion,
  standing: Standing,
): BulkNetwork {
  const { linkCount } = network.graph
  const whole: BulkNetwork = {
    graph: network.graph,
    passableNodes: network.relays,
    times: [startS, endS],
    rateBps: [network.rateBps],
    stockBits: perLink(linkCount, links, ({ stockBits }) => stockBits),
    maxStockBits: perLink(linkCount, links, ({ maxStockBits }) => maxStockBits),
  }
  const changes = links.flatMap(({ rates }) => rates.map(({ atS }) => atS))
  const steps = Array.from(
    { length: Math.ceil((endS - startS) / stepS) },
    (_, i) => startS + i * stepS,
  )
  const cut = [...changes, ...steps].reduce(cutAt, whole)
  // Services are placed once for every set of rates.
  const known = new Map<string, Float64Array>()
  const rateBps = Array.from({ length: intervalCount(cut) }, (_, interval) => {
    const rates = network.rateBps.slice()
    for (const { link, rates: profile } of links)
      for (const { atS, skrBps } of profile)
        if (atS <= (cut.times[interval] ?? 0)) rates[link] = skrBps
    const words = rates.join()
    const left = known.get(words) ?? leftBeside({ ...network, rateBps: rates }, standing)
    known.set(words, left)
    return left
  })
  return { ...cut, rateBps }
}

function leftBeside(network: PlanNetwork, standing: Standing): Float64Array {
  const { allocation } = afterChange(network, standing, { split: false, admitNew: false })
  const load = loadOf(network, allocation)
  return network.rateBps.map((rateBps, link) => Math.max(0, rateBps - (load[link] ?? 0)))
}

function perLink(
  linkCount: number,
  links: BulkQuestion["links"],
  of: (link: BulkQuestion["links"][number]) => number,
): Float64Array {
  const values = new Float64Array(linkCount)
  for (const one of links) values[one.link] = of(one)
  return values
}

function reasonFor(
  network: PlanNetwork,
  bulk: BulkNetwork,
  { from, to }: BulkRequest,
  order: BulkOrder,
  make: MakeLinearProgram,
): string {
  const { bits, boundBy } = deliverableAlone(bulk, order, make)
  if (bits >= order.volumeBits * (1 - 1e-6))
    return "orders of greater priority or earlier deadline take the key: alone it would be in time"
  if (bits < 1) return `${from} and ${to} are not joined by links with any key left`
  const names = boundBy.slice(0, 4).map((link) => network.linkIds[link] ?? "")
  const more = boundBy.length > names.length ? ` and ${boundBy.length - names.length} more` : ""
  return `even alone only ${Math.floor(bits)} of ${Math.ceil(order.volumeBits)} bits come by the deadline: bound by ${names.join(", ")}${more}`
}

/** Intervals that follow each other with the same rates on the same paths are one span. */
function spansOf(
  { graph, nodeNames, nodeNumbers }: PlanNetwork,
  { network: { times }, flows }: BulkSchedule,
  request: BulkRequest,
  order: number,
): ScheduledSpan[] {
  const spans: { from: number; to: number; words: string; paths: ScheduledSpan["paths"] }[] = []
  const from = nodeNumbers.get(request.from) ?? -1
  for (let interval = 0; interval + 1 < times.length; interval += 1) {
    const [begin, end] = [times[interval] ?? 0, times[interval + 1] ?? 0]
    const paths = flows
      .filter((flow) => flow.order === order && flow.interval === interval)
      .map(({ path, bits }) => ({
        nodes: graph.nodesOf(from, path).map((node) => nodeNames[node] ?? ""),
        rateBps: Number((bits / (end - begin)).toPrecision(9)),
      }))
    if (paths.length === 0) continue
    const words = paths
      .map((one) => `${one.nodes.join("\n")} ${one.rateBps.toPrecision(6)}`)
      .sort()
      .join()
    const last = spans.at(-1)
    if (last?.to === begin && last.words === words) last.to = end
    else spans.push({ from: begin, to: end, words, paths })
  }
  return spans.map((span) => ({
    from: timeWords(span.from),
    to: timeWords(span.to),
    paths: span.paths,
  }))
}

/** To the second, never too early; what is met is met. */
function endWords(seconds: number, { deadlineS }: BulkRequest, met: boolean): string {
  const whole = Math.ceil(seconds - 1e-6)
  return timeWords(met ? Math.min(whole, deadlineS) : whole)
}

function timeWords(seconds: number): string {
  return new Date(Math.round(seconds * 1000)).toISOString()
}
