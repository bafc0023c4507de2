// `keyloom plan services`: demands from a file, the plan as JSON or as lines to read.

import { rateWords } from "../plan/map-scales.js"
import { drawLoads } from "../plan/pictures.js"
import { planNetwork } from "../plan/plan-network.js"
import { PARTS } from "../plan/progress.js"
import { BOUND_LIMITS, isBounded, type ServicePlan, ServicePlanner } from "../plan/plan-services.js"
import { loadLinearPrograms } from "./highs.js"
import { writePicture } from "./plan-files.js"
import { demandsOn, readSource, type SourceOptions } from "./plan-source.js"
import { progressOn } from "./progress.js"
import { figure } from "./table.js"

export interface PlanServicesOptions extends SourceOptions {
  readonly demands?: string
  readonly online?: boolean
  readonly split?: boolean
  readonly json?: boolean
  /** Where a picture goes. */
  readonly svg?: string
  readonly progress?: boolean
}

/** @throws QkdError with the file and the place of the fault. */
export async function planServices(options: PlanServicesOptions): Promise<void> {
  const source = await readSource(options)
  const { topology } = source
  const network = planNetwork(topology)
  const demands = demandsOn(source, network, options.demands)
  if (!isBounded(network, demands))
    process.stderr.write(
      `keyloom: more than ${BOUND_LIMITS.demands} demands or ${BOUND_LIMITS.links} links: planned by price, without the bound\n`,
    )
  const planner = new ServicePlanner(network, await loadLinearPrograms())
  const { online = false, split = false } = options
  const progress = progressOn("part", options.progress ?? false)
  const placed = planner.allocate(demands, { online, split }, progress)
  const plan = planner.plan(demands, { online, split }, placed, progress)
  progress(PARTS, PARTS)
  if (options.svg !== undefined) {
    const bound = plan.boundBps === undefined ? "" : `, at most ${rateWords(plan.boundBps)} can be`
    const subtitle = `${plan.admitted.length} of ${demands.length} services, ${rateWords(plan.carriedBps)} of ${rateWords(plan.offeredBps)}${bound}`
    const title = `Services on ${topology.name}`
    const { allocation } = placed
    writePicture(options.svg, drawLoads({ title, subtitle, topology, network, allocation }))
  }
  process.stdout.write(options.json === true ? `${JSON.stringify(plan)}\n` : wordsOf(plan))
}

function wordsOf(plan: ServicePlan): string {
  const bound = plan.boundBps === undefined ? "" : `, at most ${figure(plan.boundBps)} can be`
  const admitted = plan.admitted.map(
    ({ id, paths }) =>
      `  ${id}\n${paths.map(({ nodes, rateBps }) => `    ${figure(rateBps)} bit/s  ${nodes.join(" - ")}\n`).join("")}`,
  )
  const refused = plan.refused.map(({ id, reason }) => `  ${id}: ${reason}\n`)
  return [
    `offered ${figure(plan.offeredBps)} bit/s, carried ${figure(plan.carriedBps)}${bound}\n`,
    `admitted ${admitted.length}\n`,
    ...admitted,
    `refused ${refused.length}\n`,
    ...refused,
  ].join("")
}
