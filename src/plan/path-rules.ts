// A request for paths in numbers of the network: which links and nodes are open, which sums are bounded. Each rule can
// be left out, to find out which one leaves no path.

import type { Limit, PathQuestion } from "../engine/path-question.js"
import { eachOf, type Waypoint } from "../engine/waypoint.js"
import { linksNamed, nodesOf } from "./path-names.js"
import type { PathRequest, Weight } from "./path-request.js"
import type { PlanNetwork } from "./plan-network.js"

export type Rule =
  | "maxEpsilon"
  | "maxHops"
  | "maxLengthKm"
  | "maxLatencyMs"
  | LeastRule
  | "avoidNodes"
  | "avoidLinks"
  | WaypointRule
  | GroupRule
  | "relay"

/** Rules about the weakest link. */
export type LeastRule = "minRateBps" | "minStockBits"

/** Rules about what must be passed. */
export type WaypointRule = "requireNodes" | "requireOneOf" | "requireLinks"

/** Rules about whole groups of nodes or links. */
export type GroupRule = (typeof GROUP_RULES)[number]

const GROUP_RULES = [
  "avoidOperators",
  "onlyOperators",
  "avoidSites",
  "avoidMakers",
  "onlyMakers",
] as const

const LIST_RULES = [
  "avoidNodes",
  "avoidLinks",
  "requireNodes",
  "requireOneOf",
  "requireLinks",
  ...GROUP_RULES,
] as const

const SUM_RULES = ["maxEpsilon", "maxHops", "maxLengthKm", "maxLatencyMs"] as const

/** Rules that bound a sum along the path. */
export type SumRule = (typeof SUM_RULES)[number]

export interface RuledLimit extends Limit {
  readonly rule: SumRule
}

export interface RuledQuestion {
  readonly question: PathQuestion
  readonly limits: readonly RuledLimit[]
  readonly waypoints: readonly Waypoint[]
}

/** Of the rules that this request has. A node that may not relay is a rule of the network. */
export function rulesOf(request: PathRequest): Rule[] {
  const own = ([...SUM_RULES, "minRateBps", "minStockBits"] as const).filter(
    (rule) => request[rule] !== undefined,
  )
  const lists = LIST_RULES.filter((rule) => (request[rule]?.length ?? 0) > 0)
  return [...own, ...lists, "relay"]
}

/** By link. */
export function weightOf(network: PlanNetwork, weight: Weight): Float64Array {
  switch (weight) {
    case "hops":
      return new Float64Array(network.graph.linkCount).fill(1)
    case "lengthKm":
      return network.lengthKm
    case "lossDb":
      return network.lossDb
    case "inverseRate":
      return network.rateBps.map((rateBps) => 1 / rateBps)
  }
}

export function sumWeightOf(network: PlanNetwork, rule: SumRule): Float64Array {
  switch (rule) {
    case "maxEpsilon":
      return network.epsilon
    case "maxHops":
      return weightOf(network, "hops")
    case "maxLengthKm":
      return network.lengthKm
    case "maxLatencyMs":
      return network.latencyMs
  }
}

/** By link. */
export function leastOf(network: PlanNetwork, rule: LeastRule): (link: number) => number {
  const { rateBps, stockBits } = network
  return rule === "minRateBps" ? (link) => rateBps[link] ?? 0 : (link) => stockBits[link] ?? 0
}

/** Whether a rule is one that bounds a sum. */
export function isSumRule(rule: Rule): rule is SumRule {
  return SUM_RULES.some((one) => one === rule)
}

/** The question without some of its rules. */
export function ruledQuestion(
  network: PlanNetwork,
  request: PathRequest,
  without: ReadonlySet<Rule> = new Set(),
): RuledQuestion {
  const { graph, nodeNumbers } = network
  const inForce = (rule: Rule): boolean => !without.has(rule)
  const numberOf = (name: string): number => nodeNumbers.get(name) ?? -1
  const cost = weightOf(network, request.weight ?? "hops")
  const usableLinks = new Uint8Array(graph.linkCount).fill(1)
  const passableNodes = inForce("relay")
    ? network.relays.slice()
    : new Uint8Array(graph.nodeCount).fill(1)
  // A link without rate has no price by rate: it can carry nothing.
  for (const [link, price] of cost.entries()) if (!Number.isFinite(price)) usableLinks[link] = 0
  for (const rule of ["minRateBps", "minStockBits"] as const) {
    const min = inForce(rule) ? (request[rule] ?? 0) : 0
    const has = leastOf(network, rule)
    if (min > 0)
      for (let link = 0; link < graph.linkCount; link += 1)
        if (has(link) < min) usableLinks[link] = 0
  }
  const avoidNodes = inForce("avoidNodes") ? (request.avoidNodes ?? []) : []
  for (const name of avoidNodes) passableNodes[numberOf(name)] = 0
  const avoidLinks = inForce("avoidLinks") ? (request.avoidLinks ?? []) : []
  for (const name of avoidLinks) for (const link of linksNamed(network, name)) usableLinks[link] = 0
  const named = (rule: GroupRule): readonly string[] => (inForce(rule) ? (request[rule] ?? []) : [])
  const close = (
    open: Uint8Array,
    owners: readonly (string | undefined)[],
    avoid: readonly string[],
    only: readonly string[] = [],
  ): void => {
    for (const [number, owner = ""] of owners.entries())
      if (avoid.includes(owner) || (only.length > 0 && !only.includes(owner))) open[number] = 0
  }
  close(passableNodes, network.operators, named("avoidOperators"), named("onlyOperators"))
  close(passableNodes, network.sites, named("avoidSites"))
  close(usableLinks, network.makers, named("avoidMakers"), named("onlyMakers"))
  // An end that is to be avoided leaves no path at all.
  if ([request.from, request.to].some((end) => avoidNodes.includes(end))) usableLinks.fill(0)
  const sums = SUM_RULES.filter(inForce)
  return {
    question: {
      from: numberOf(request.from),
      to: numberOf(request.to),
      cost,
      usableLinks,
      passableNodes,
    },
    limits: sums.flatMap((rule) => {
      const max = request[rule]
      return max === undefined ? [] : [{ rule, weight: sumWeightOf(network, rule), max }]
    }),
    waypoints: waypointsOf(network, request, inForce),
  }
}

function waypointsOf(
  network: PlanNetwork,
  { requireNodes = [], requireOneOf = [], requireLinks = [] }: PathRequest,
  inForce: (rule: Rule) => boolean,
): Waypoint[] {
  const { nodeNumbers } = network
  const nodes = requireNodes.map((name) => nodeNumbers.get(name) ?? -1)
  const sets = requireOneOf.map((set) => ({ nodes: nodesOf(network, set) }))
  const links = requireLinks.map((name) => ({ links: linksNamed(network, name) }))
  return [
    ...(inForce("requireNodes") ? eachOf(nodes) : []),
    ...(inForce("requireOneOf") ? sets : []),
    ...(inForce("requireLinks") ? links : []),
  ]
}
