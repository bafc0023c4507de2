// What a change of the network does to the services on it: those that still stand stay, those that lost their path find
// another or are lost, and those that found none before may come in. Beside it, what a plan made anew would carry.

import type { Share } from "../engine/demand.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import type { ChangedNetwork } from "./network-change.js"
import type { PlanNetwork } from "./plan-network.js"
import { type ServicePlan, type ServicePlanOptions, ServicePlanner } from "./plan-services.js"
import {
  afterChange,
  type Effects,
  type LostService,
  type ReducedService,
  type Standing,
} from "./standing.js"

export interface WhatIf {
  readonly removed: readonly { readonly kind: string; readonly id: string }[]
  readonly added: readonly AddedLink[]
  readonly before: CarriedRate
  /** What stands stays: only services that must are moved. */
  readonly after: CarriedRate
  /** On the changed network, every service placed anew. */
  readonly plannedAnew: CarriedRate
  readonly lost: readonly LostService[]
  readonly reduced: readonly ReducedService[]
  readonly moved: readonly MovedService[]
  readonly gained: readonly GainedService[]
}

export interface AddedLink {
  readonly id: string
  readonly from: string
  readonly to: string
  readonly lengthKm: number
  readonly skrBps: number
}

export interface CarriedRate {
  readonly offeredBps: number
  readonly carriedBps: number
  readonly services: number
  /** As `keyloom plan services` has it; absent where what stands was given. */
  readonly boundBps?: number
}

export interface WayOf {
  readonly nodes: readonly string[]
  readonly rateBps: number
}

export interface MovedService {
  readonly id: string
  readonly from: readonly WayOf[]
  readonly to: readonly WayOf[]
}

export interface GainedService {
  readonly id: string
  readonly rateBps: number
  readonly paths: readonly WayOf[]
}

/** @param standing on the network before. */
export function whatIf(
  change: ChangedNetwork,
  standing: Standing,
  make: MakeLinearProgram,
  options: ServicePlanOptions,
): { readonly answer: WhatIf; readonly effects: Effects } {
  const { before, after } = change
  const { services } = standing
  const effects = afterChange(after, standing, { split: options.split, admitNew: true })
  const planned = new ServicePlanner(after, make).plan(services, options)
  const offeredBps = services.reduce((sum, { rateBps }) => sum + rateBps, 0)
  const carried = (allocation: Standing["allocation"]): CarriedRate => ({
    offeredBps,
    carriedBps: allocation.flat().reduce((sum, { rateBps }) => sum + rateBps, 0),
    services: allocation.filter((shares) => shares.length > 0).length,
  })
  const numbers = new Map(services.map(({ id }, number) => [id, number]))
  const ways = (allocation: Standing["allocation"], id: string): WayOf[] =>
    waysOf(before, standing, allocation, numbers.get(id) ?? -1)
  return {
    effects,
    answer: {
      removed: change.removed.map(({ kind, id }) => ({ kind, id })),
      added: change.added.map((link) => addedLink(after, link)),
      before: carried(standing.allocation),
      after: carried(effects.allocation),
      plannedAnew: rateOfPlan(planned),
      lost: effects.lost,
      reduced: effects.reduced,
      moved: effects.moved.map((id) => ({
        id,
        from: ways(standing.allocation, id),
        to: ways(effects.allocation, id),
      })),
      gained: effects.gained.map(({ id, rateBps }) => ({
        id,
        rateBps,
        paths: ways(effects.allocation, id),
      })),
    },
  }
}

function rateOfPlan({ offeredBps, carriedBps, boundBps, admitted }: ServicePlan): CarriedRate {
  const bound = boundBps === undefined ? {} : { boundBps }
  return { offeredBps, carriedBps, services: admitted.length, ...bound }
}

function addedLink(network: PlanNetwork, link: number): AddedLink {
  const { graph, nodeNames, linkIds, lengthKm, rateBps } = network
  return {
    id: linkIds[link] ?? "",
    from: nodeNames[graph.linkA[link] ?? -1] ?? "",
    to: nodeNames[graph.linkB[link] ?? -1] ?? "",
    lengthKm: lengthKm[link] ?? 0,
    skrBps: rateBps[link] ?? 0,
  }
}

function waysOf(
  { graph, nodeNames, nodeNumbers }: PlanNetwork,
  { services }: Standing,
  allocation: readonly (readonly Share[])[],
  number: number,
): WayOf[] {
  const from = nodeNumbers.get(services[number]?.from ?? "") ?? -1
  return (allocation[number] ?? []).map(({ path, rateBps }) => ({
    nodes: graph.nodesOf(from, path).map((node) => nodeNames[node] ?? ""),
    rateBps,
  }))
}
