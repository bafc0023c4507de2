// Why a service has no place any more after a change: its end is down, nothing joins its ends, or what is free is too
// little. Searches no more than it must.

import type { Demand } from "../engine/demand.js"
import type { FreeRate } from "../engine/free-rate.js"
import type { ServiceDemand } from "./demand-file.js"
import type { PlanNetwork } from "./plan-network.js"

/** @param free what is left beside all other services. */
export function reasonForLoss(
  network: PlanNetwork,
  free: FreeRate,
  { from, to }: ServiceDemand,
  demand: Demand,
): string {
  for (const [name, node] of [
    [from, demand.from],
    [to, demand.to],
  ] as const)
    if (!hasRate(network, node)) return `no link of ${name} has any rate`
  const best = free.widest(demand, Math.max(demand.minRateBps, Number.MIN_VALUE))
  const asked = Number(demand.minRateBps.toPrecision(6))
  if (best === undefined)
    return isJoined(network, demand)
      ? `no path has any of the ${asked} bit/s free`
      : `nothing else joins ${from} and ${to}`
  const via = network.graph
    .nodesOf(demand.from, best.path)
    .slice(1, -1)
    .map((node) => network.nodeNames[node] ?? "")
  const way = via.length === 0 ? "directly" : `via ${via.join(", ")}`
  return `no path has ${asked} bit/s free: the most is ${Number(best.rateBps.toPrecision(6))} bit/s ${way}`
}

function hasRate({ graph, rateBps }: PlanNetwork, node: number): boolean {
  for (let arc = graph.first[node] ?? 0; arc < (graph.first[node + 1] ?? 0); arc += 1)
    if ((rateBps[graph.arcLink[arc] ?? -1] ?? 0) > 0) return true
  return false
}

/** Over links that have any rate, whatever rides on them, through nodes that relay. */
function isJoined({ graph, rateBps, relays }: PlanNetwork, { from, to }: Demand): boolean {
  const seen = new Set([from])
  for (const node of seen) {
    if (node !== from && relays[node] === 0) continue
    for (let arc = graph.first[node] ?? 0; arc < (graph.first[node + 1] ?? 0); arc += 1)
      if ((rateBps[graph.arcLink[arc] ?? -1] ?? 0) > 0) seen.add(graph.arcTo[arc] ?? -1)
  }
  return seen.has(to)
}
