// `keyloom plan survive`: every single failure and what it breaks; as JSON, as a table to read, as a picture.

import { singleFailures } from "../plan/failure.js"
import { drawSurvival } from "../plan/pictures.js"
import { planNetwork } from "../plan/plan-network.js"
import { type FailureEffects, survive, type Survival } from "../plan/survive.js"
import { loadLinearPrograms } from "./highs.js"
import { writePicture } from "./plan-files.js"
import { readSource, type SourceOptions, standingOn, type StandingOptions } from "./plan-source.js"
import { progressOn } from "./progress.js"
import { figure, percent, table } from "./table.js"

export interface PlanSurviveOptions extends SourceOptions, StandingOptions {
  readonly json?: boolean
  readonly svg?: string
  readonly progress?: boolean
}

/** @throws QkdError with the file and the place of the fault. */
export async function planSurvive(options: PlanSurviveOptions): Promise<void> {
  const source = await readSource(options)
  const { topology } = source
  const network = planNetwork(topology)
  const standing = standingOn(source, network, options, await loadLinearPrograms())
  const survival = survive(
    network,
    standing,
    singleFailures(topology, network),
    { split: options.split ?? false },
    progressOn("failure", options.progress ?? false),
  )
  if (options.svg !== undefined)
    writePicture(options.svg, drawSurvival(topology, network, survival))
  process.stdout.write(options.json === true ? `${JSON.stringify(survival)}\n` : wordsOf(survival))
}

function wordsOf({ carriedBps, services, failures, fragile }: Survival): string {
  const harmful = failures.filter(({ lostBps }) => lostBps > 0)
  const right = { right: true }
  const row = (one: FailureEffects): string[] => [
    `${one.kind} ${one.id}`,
    String(one.interrupted),
    String(one.moved),
    String(one.reduced.length),
    String(one.broken.length),
    figure(one.lostBps),
    percent(carriedBps === 0 ? 0 : one.lostBps / carriedBps),
    one.endingThereBps === 0 ? "" : figure(one.endingThereBps),
  ]
  return [
    `${services} services carry ${figure(carriedBps)} bit/s; ${failures.length} single failures looked at, ${harmful.length} lose rate\n`,
    table(
      [
        { head: "failure" },
        { head: "interrupted", ...right },
        { head: "moved", ...right },
        { head: "reduced", ...right },
        { head: "broken", ...right },
        { head: "lost bit/s", ...right },
        { head: "of all", ...right },
        { head: "of it ending there", ...right },
      ],
      harmful.map(row),
    ),
    `${fragile.length} services are broken by some failure although both their ends live\n`,
    ...fragile.map(({ id, by }) => `  ${id}: ${by.join(", ")}\n`),
  ].join("")
}
