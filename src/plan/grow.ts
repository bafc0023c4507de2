// Which link to build, or which to make stronger, so that a network carries the most: every candidate gets a proven bound
// of its gain, the most promising are evaluated exactly, and the search ends when no other can be better. For several
// links one after the other, each the best beside those before.

import { Columns } from "../engine/columns.js"
import type { Capacity, Demand } from "../engine/demand.js"
import { gainBounds } from "../engine/link-worth.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import { PathGraph } from "../engine/path-graph.js"
import { ShortestPaths } from "../engine/shortest.js"
import type { Topology } from "../model/topology.js"
import type { Candidate } from "./candidates.js"
import type { ServiceDemand } from "./demand-file.js"
import { changeLinks } from "./network-change.js"
import { type PlanNetwork, planNetwork } from "./plan-network.js"
import { type ServicePlanOptions, ServicePlanner } from "./plan-services.js"
import type { Progress } from "./progress.js"
import { carriedBy, rankedDemand } from "./standing.js"

export interface GrowPlan {
  readonly offeredBps: number
  /** By the plan, whole or split as asked. */
  readonly carriedBps: number
  /** The optimum when services may be split at will: what gains are measured by. */
  readonly boundBps: number
  readonly candidates: number
  /** In the order they are to be built. Fewer than asked for when nothing more gains anything. */
  readonly steps: readonly GrowStep[]
}

export interface GrowChoice {
  readonly kind: "add" | "upgrade"
  /** Of the link that is upgraded. */
  readonly id?: string
  readonly from: string
  readonly to: string
  readonly lengthKm: number
  /** Of the new link, or what is added to the old one. */
  readonly skrBps: number
  /** What the optimum gains. */
  readonly gainBps: number
}

export interface GrowStep extends GrowChoice {
  /** With it. */
  readonly boundBps: number
  readonly carriedBps: number
  /** No candidate gains more. False when the search was ended by `tries`. */
  readonly proven: boolean
  /** Candidates that were evaluated exactly. */
  readonly tried: number
  /** The next best that were evaluated. */
  readonly next: readonly GrowChoice[]
}

export interface GrowOptions extends ServicePlanOptions {
  /** How many links. */
  readonly budget: number
  /** Candidates evaluated exactly a step, at most. */
  readonly tries: number
}

const NEXT_SHOWN = 5
/** Relative: less is the solver's tolerance. */
const NOTHING = 1e-6

export function grow(
  topology: Topology,
  services: readonly ServiceDemand[],
  candidates: readonly Candidate[],
  make: MakeLinearProgram,
  options: GrowOptions,
  progress: Progress,
): { readonly plan: GrowPlan; readonly grown: Topology; readonly chosen: readonly Candidate[] } {
  const first = planNetwork(topology)
  const demands = services.map((service) => rankedDemand(first, service))
  const carried = (network: PlanNetwork): number =>
    carriedBy(new ServicePlanner(network, make).allocate(services, options).allocation)
  const steps: GrowStep[] = []
  const chosen: Candidate[] = []
  let left = candidates
  let grown = topology
  let boundBps = optimum(first, demands, make).boundBps
  const plan = {
    offeredBps: demands.reduce((sum, { rateBps }) => sum + rateBps, 0),
    carriedBps: carried(first),
    boundBps,
    candidates: candidates.length,
  }
  while (steps.length < options.budget) {
    const network = planNetwork(grown)
    const search = bestOf(network, demands, left, make, options.tries, (done, total) => {
      progress(steps.length * total + done, options.budget * total)
    })
    const [best, ...others] = search.evaluated
    if (best === undefined || best.gainBps <= NOTHING * Math.max(1, plan.offeredBps)) break
    grown = changeLinks(grown, [], [best.candidate.link]).topology
    left = left.filter((one) => one !== best.candidate)
    chosen.push(best.candidate)
    boundBps += best.gainBps
    steps.push({
      ...choiceOf(network, best),
      boundBps,
      carriedBps: carried(planNetwork(grown)),
      proven: search.proven,
      tried: search.evaluated.length,
      next: others.slice(0, NEXT_SHOWN).map((one) => choiceOf(network, one)),
    })
  }
  progress(1, 1)
  return { plan: { ...plan, steps }, grown, chosen }
}

interface Evaluated {
  readonly candidate: Candidate
  readonly gainBps: number
}

/** Best first. */
function bestOf(
  network: PlanNetwork,
  demands: readonly Demand[],
  candidates: readonly Candidate[],
  make: MakeLinearProgram,
  tries: number,
  progress: Progress,
): { readonly evaluated: readonly Evaluated[]; readonly proven: boolean } {
  const before = optimum(network, demands, make)
  const { graph, nodeNumbers, rateBps, relays } = network
  const bounds = gainBounds(
    graph,
    new ShortestPaths(graph),
    { rateBps, passableNodes: relays },
    demands,
    before.price,
    candidates.map(({ link, rateBps: more }) => ({
      a: nodeNumbers.get(link.a) ?? -1,
      b: nodeNumbers.get(link.b) ?? -1,
      rateBps: more,
    })),
  )
  const order = [...bounds.keys()]
    .filter((number) => (bounds[number] ?? 0) > 0)
    .sort((a, b) => (bounds[b] ?? 0) - (bounds[a] ?? 0) || a - b)
  const evaluated: Evaluated[] = []
  const grain = NOTHING * Math.max(1, before.boundBps)
  let best = 0
  let proven = true
  for (const number of order) {
    const candidate = candidates[number]
    if (candidate === undefined || (bounds[number] ?? 0) <= best + grain) break
    if (evaluated.length >= tries) {
      proven = false
      break
    }
    const after = optimum(withLink(network, candidate), demands, make)
    const gainBps = Math.max(0, after.boundBps - before.boundBps)
    evaluated.push({ candidate, gainBps })
    best = Math.max(best, gainBps)
    progress(evaluated.length, Math.min(tries, order.length))
  }
  // Among equals the shortest.
  const grains = ({ gainBps }: Evaluated): number => Math.round(gainBps / grain)
  evaluated.sort((a, b) => grains(b) - grains(a) || a.candidate.lengthKm - b.candidate.lengthKm)
  return { evaluated, proven }
}

/** What can be carried when every service may be split at will, and what the links are worth then. */
function optimum(
  { graph, rateBps, relays }: Pick<PlanNetwork, "graph" | "rateBps" | "relays">,
  demands: readonly Demand[],
  make: MakeLinearProgram,
): { readonly boundBps: number; readonly price: Float64Array } {
  const capacity: Capacity = { rateBps, passableNodes: relays }
  const columns = new Columns(graph, new ShortestPaths(graph), capacity, demands, make)
  try {
    const solution = columns.solve()
    const none = new Float64Array(graph.linkCount)
    const price = solution === undefined ? none : columns.pricesOf(solution).link
    return { boundBps: columns.boundBps, price }
  } finally {
    columns.close()
  }
}

function withLink(
  { graph, rateBps, relays, nodeNumbers }: PlanNetwork,
  { link, rateBps: more }: Candidate,
): Pick<PlanNetwork, "graph" | "rateBps" | "relays"> {
  return {
    graph: new PathGraph(
      graph.nodeCount,
      [...graph.linkA, nodeNumbers.get(link.a) ?? -1],
      [...graph.linkB, nodeNumbers.get(link.b) ?? -1],
    ),
    rateBps: Float64Array.from([...rateBps, more]),
    relays,
  }
}

function choiceOf({ linkIds }: PlanNetwork, { candidate, gainBps }: Evaluated): GrowChoice {
  const { link, upgrades, lengthKm, rateBps } = candidate
  return {
    kind: upgrades === undefined ? "add" : "upgrade",
    ...(upgrades === undefined ? {} : { id: linkIds[upgrades] ?? "" }),
    from: link.a,
    to: link.b,
    lengthKm,
    skrBps: rateBps,
    gainBps,
  }
}
