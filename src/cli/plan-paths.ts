// `keyloom plan paths`: requests from a file, answers as JSON or as lines to read.

import type { PathAnswer } from "../plan/plan-paths.js"
import { PathPlanner } from "../plan/plan-paths.js"
import { readPathRequests } from "../plan/path-request.js"
import { drawPaths } from "../plan/pictures.js"
import { planNetwork } from "../plan/plan-network.js"
import { readJsonFile, writePicture } from "./plan-files.js"
import { readSource, type SourceOptions } from "./plan-source.js"
import { progressOn } from "./progress.js"
import { figure } from "./table.js"

export interface PlanPathsOptions extends SourceOptions {
  readonly requests: string
  readonly json?: boolean
  /** Where a picture goes. */
  readonly svg?: string
  readonly progress?: boolean
}

/** @throws QkdError with the file and the place of the fault. */
export async function planPaths(options: PlanPathsOptions): Promise<void> {
  const { topology } = await readSource(options)
  const network = planNetwork(topology)
  const requests = readPathRequests(readJsonFile(options.requests), network)
  const planner = new PathPlanner(network)
  const progress = progressOn("request", options.progress ?? false)
  const answers = requests.map((request, done) => {
    progress(done, requests.length)
    return planner.answer(request)
  })
  progress(requests.length, requests.length)
  if (options.svg !== undefined) writePicture(options.svg, drawPaths(topology, network, answers))
  process.stdout.write(
    options.json === true ? `${JSON.stringify(answers)}\n` : answers.map(linesOf).join(""),
  )
}

function linesOf({ id, paths, reason }: PathAnswer): string {
  const rows = paths.map(
    (path) =>
      `  ${path.nodes.join(" - ")}  cost ${figure(path.cost)}, ${path.hops} hops, ${figure(path.lengthKm)} km, ${figure(path.rateBps)} bit/s, epsilon ${figure(path.epsilon)}${path.stockBits === undefined ? "" : `, stock ${figure(path.stockBits)} bit`}${path.links === undefined ? "" : `, over ${path.links.join(", ")}`}\n`,
  )
  return `${id}\n${rows.join("")}${reason === undefined ? "" : `  ${reason}\n`}`
}
