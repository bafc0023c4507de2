// `keyloom plan services`: demands from a file, the plan as JSON or as lines to read.

import { readServiceDemands } from "../plan/demand-file.js"
import { BOUND_LIMITS, isBounded, type ServicePlan, ServicePlanner } from "../plan/plan-services.js"
import { loadLinearPrograms } from "./highs.js"
import { readJsonFile, readNetwork } from "./plan-files.js"

export interface PlanServicesOptions {
  readonly topology: string
  readonly demands: string
  readonly online?: boolean
  readonly split?: boolean
  readonly json?: boolean
}

/** @throws QkdError with the file and the place of the fault. */
export async function planServices(options: PlanServicesOptions): Promise<void> {
  const network = readNetwork(options.topology)
  const demands = readServiceDemands(readJsonFile(options.demands), network)
  if (!isBounded(network, demands))
    process.stderr.write(
      `keyloom: more than ${BOUND_LIMITS.demands} demands or ${BOUND_LIMITS.links} links: planned by price, without the bound\n`,
    )
  const planner = new ServicePlanner(network, await loadLinearPrograms())
  const { online = false, split = false } = options
  const plan = planner.plan(demands, { online, split })
  process.stdout.write(options.json === true ? `${JSON.stringify(plan)}\n` : wordsOf(plan))
}

function wordsOf(plan: ServicePlan): string {
  const figure = (value: number): string => String(Number(value.toPrecision(6)))
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
