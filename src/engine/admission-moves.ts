// Re-optimisation of what an admission holds: its services as a question, and the moves of a plan carried out on it.

import type { Admission } from "./admission.js"
import type { PathGraph } from "./path-graph.js"
import type { MovePlan, ReoptimiseQuestion, StandingService } from "./reoptimise.js"
import { pathsNeeded } from "./service-terms.js"

export interface AdmissionQuestion extends ReoptimiseQuestion {
  /** By service of the question, its id. */
  readonly ids: readonly string[]
}

/**
 * Services on one path without a reserve may be moved, and those that wait for one path let in; all others stay. Rates
 * held for reserves stay too.
 */
export function questionOf(
  admission: Admission,
  graph: PathGraph,
  passableNodes: Uint8Array,
): AdmissionQuestion {
  const rateBps = new Float64Array(graph.linkCount)
  const fixedBps = new Float64Array(graph.linkCount)
  for (let link = 0; link < graph.linkCount; link += 1) {
    rateBps[link] = admission.rateOf(link)
    fixedBps[link] = admission.rateOf(link) - admission.freeOf(link)
  }
  const ids: string[] = []
  const services: StandingService[] = []
  for (const { id, terms, paths, reserve } of admission.services()) {
    const { from, to, minBps, priority, protection } = terms
    if (minBps === 0 || pathsNeeded(terms).count > 1) continue
    if (protection === "reserved" || reserve !== undefined) continue
    const [path] = paths
    for (const link of path ?? []) fixedBps[link] = (fixedBps[link] ?? 0) - minBps
    ids.push(id)
    const service = { from, to, rateBps: minBps, priority }
    services.push(path === undefined ? service : { ...service, path })
  }
  return { graph, capacity: { rateBps, passableNodes }, fixedBps, services, ids }
}

/** Takes the steps in their order, up to the first that does not fit any more. @returns how many were taken. */
export function carryOut(admission: Admission, ids: readonly string[], plan: MovePlan): number {
  let done = 0
  for (const { service, to } of plan.steps) {
    if (!admission.move(ids[service] ?? "", [to])) return done
    done += 1
  }
  return done
}
