// Why there is no path: which rule leaves none, and how near the best path comes to it. Rules are left out one at a
// time; where no single one is to blame, all of them are named.

import { LimitedPaths } from "../engine/limited-path.js"
import { type LinkPath, sumAlong } from "../engine/path-question.js"
import { Blocks, type ShortestPaths } from "../engine/shortest.js"
import { linkWords, setWords } from "./path-names.js"
import type { PathRequest } from "./path-request.js"
import {
  isSumRule,
  leastOf,
  type Rule,
  ruledQuestion,
  type RuledQuestion,
  rulesOf,
  type SumRule,
  sumWeightOf,
  type WaypointRule,
} from "./path-rules.js"
import type { PlanNetwork } from "./plan-network.js"

/** Words for the rule that leaves no path. The request has none: nothing is checked again. */
export function reasonForNone(
  network: PlanNetwork,
  searches: ShortestPaths,
  request: PathRequest,
): string {
  const first = ({ question, limits, waypoints }: RuledQuestion): LinkPath | undefined =>
    new LimitedPaths(network.graph, searches, question, limits, waypoints).find(
      question.from,
      [],
      new Blocks(network.graph),
      Number.POSITIVE_INFINITY,
    )
  const rules = rulesOf(request).filter((rule) => rule !== "relay" || network.relays.includes(0))
  if (first(ruledQuestion(network, request, new Set(rules))) === undefined)
    return `no links join ${request.from} and ${request.to}`
  const found = rules.flatMap((rule) => {
    const best = nearest(network, request, rule, first)
    return best === undefined ? [] : [wordsOf(network, request, rule, best)]
  })
  if (found.length > 0) return found.join("; ")
  return `no path keeps all of: ${rules.map((rule) => demandOf(request, rule)).join(", ")}`
}

/** The best path without the rule: the one that comes nearest to it. */
function nearest(
  network: PlanNetwork,
  request: PathRequest,
  rule: Rule,
  first: (ruled: RuledQuestion) => LinkPath | undefined,
): LinkPath | undefined {
  const without = ruledQuestion(network, request, new Set([rule]))
  if (isSumRule(rule)) {
    const question = { ...without.question, cost: sumWeightOf(network, rule) }
    return first({ ...without, question })
  }
  if (rule !== "minRateBps" && rule !== "minStockBits") return first(without)
  // The widest path: the greatest of the links' rates, or stocks, at which there still is one.
  const has = leastOf(network, rule)
  const all = Array.from({ length: network.graph.linkCount }, (_, link) => has(link))
  const rates = [...new Set(all)].sort((a, b) => a - b)
  let best: LinkPath | undefined
  for (let low = 0, high = rates.length; low < high; ) {
    const middle = (low + high) >> 1
    const at = first(ruledQuestion(network, { ...request, [rule]: rates[middle] ?? 0 }))
    if (at === undefined) high = middle
    else {
      best = at
      low = middle + 1
    }
  }
  return best
}

function wordsOf(network: PlanNetwork, request: PathRequest, rule: Rule, best: LinkPath): string {
  const { graph, nodeNames } = network
  const nodes = graph.nodesOf(network.nodeNumbers.get(request.from) ?? -1, best)
  const names = nodes.map((node) => nodeNames[node] ?? "")
  const inside = names.slice(1, -1)
  const via = inside.length === 0 ? "directly" : `via ${inside.join(", ")}`
  const sum = (one: SumRule): string => figure(sumAlong(best, sumWeightOf(network, one)))
  switch (rule) {
    case "maxEpsilon":
    case "maxHops":
    case "maxLengthKm":
    case "maxLatencyMs":
      return `no path with ${demandOf(request, rule)}: best is ${sum(rule)} ${via}`
    case "avoidOperators":
    case "onlyOperators":
    case "avoidSites":
    case "avoidMakers":
    case "onlyMakers":
      return `no path ${demandOf(request, rule)}: the best without that goes ${via}`
    case "minRateBps":
    case "minStockBits": {
      const least = Math.min(...best.map(leastOf(network, rule)))
      return `no path with ${demandOf(request, rule)}: best is ${figure(least)} ${via}`
    }
    case "avoidNodes": {
      const avoided = names.filter((name) => request.avoidNodes?.includes(name) === true)
      return `no path that avoids ${avoided.join(", ")}`
    }
    case "avoidLinks":
      return `no path over other links than those to avoid: the best would go ${via}`
    case "requireNodes":
    case "requireOneOf":
    case "requireLinks":
      return `no path that passes ${toPass(request, rule)}`
    case "relay": {
      const idle = inside.filter(
        (name) => network.relays[network.nodeNumbers.get(name) ?? -1] === 0,
      )
      return `no path without ${idle.join(", ")}, which may not relay`
    }
  }
}

function demandOf(request: PathRequest, rule: Rule): string {
  switch (rule) {
    case "maxEpsilon":
      return `epsilon <= ${figure(request.maxEpsilon ?? 0)}`
    case "maxHops":
      return `hops <= ${figure(request.maxHops ?? 0)}`
    case "maxLengthKm":
      return `length <= ${figure(request.maxLengthKm ?? 0)} km`
    case "maxLatencyMs":
      return `latency <= ${figure(request.maxLatencyMs ?? 0)} ms`
    case "avoidOperators":
      return `without nodes of ${list(request.avoidOperators)}`
    case "onlyOperators":
      return `over nodes of ${list(request.onlyOperators)} only`
    case "avoidSites":
      return `round ${list(request.avoidSites)}`
    case "avoidMakers":
      return `without modules of ${list(request.avoidMakers)}`
    case "onlyMakers":
      return `over modules of ${list(request.onlyMakers)} only`
    case "minRateBps":
      return `rate >= ${figure(request.minRateBps ?? 0)} bit/s`
    case "minStockBits":
      return `stock >= ${figure(request.minStockBits ?? 0)} bit`
    case "avoidNodes":
      return `avoiding ${(request.avoidNodes ?? []).join(", ")}`
    case "avoidLinks":
      return `avoiding ${(request.avoidLinks ?? []).map(linkWords).join(", ")}`
    case "requireNodes":
    case "requireOneOf":
    case "requireLinks":
      return `passing ${toPass(request, rule)}`
    case "relay":
      return "only nodes that relay"
  }
}

function toPass(request: PathRequest, rule: WaypointRule): string {
  switch (rule) {
    case "requireNodes":
      return list(request.requireNodes)
    case "requireOneOf":
      return (request.requireOneOf ?? []).map(setWords).join(", and ")
    case "requireLinks":
      return list((request.requireLinks ?? []).map(linkWords))
  }
}

function list(names: readonly string[] = []): string {
  return names.join(", ")
}

/** At most six digits that count: sums of decimal fractions have longer tails. */
function figure(value: number): string {
  return String(Number(value.toPrecision(6)))
}
