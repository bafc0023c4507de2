// `keyloom plan bulk`: volumes of key by deadline, scheduled; as JSON, as lines to read, as a picture.

import { type BulkQuestion, readBulkQuestion } from "../plan/bulk-file.js"
import { type BulkPlan, planBulk } from "../plan/plan-bulk.js"
import { type PlanNetwork, planNetwork } from "../plan/plan-network.js"
import { ServicePlanner } from "../plan/plan-services.js"
import { bitWords, drawSchedule } from "../plan/schedule-picture.js"
import type { Standing } from "../plan/standing.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import { loadLinearPrograms } from "./highs.js"
import { readJsonFile, writePicture } from "./plan-files.js"
import { type PlanSource, readSource, type SourceOptions } from "./plan-source.js"
import { progressOn } from "./progress.js"
import { table } from "./table.js"

export interface PlanBulkOptions extends SourceOptions {
  readonly orders: string
  readonly json?: boolean
  readonly svg?: string
  readonly progress?: boolean
}

/** @throws QkdError with the file and the place of the fault. */
export async function planBulkOrders(options: PlanBulkOptions): Promise<void> {
  const source = await readSource(options)
  const network = planNetwork(source.topology)
  const question = readBulkQuestion(readJsonFile(options.orders), network)
  const make = await loadLinearPrograms()
  const standing = standingOf(source, network, question, make)
  const progress = progressOn("order", options.progress ?? false)
  const plan = planBulk(network, question, standing, make, progress)
  progress(1, 1)
  if (options.svg !== undefined) writePicture(options.svg, drawSchedule(plan, source.topology.name))
  process.stdout.write(options.json === true ? `${JSON.stringify(plan)}\n` : wordsOf(plan))
}

/** Services of the file, else those that stand at the controller, else none. */
function standingOf(
  source: PlanSource,
  network: PlanNetwork,
  { services }: BulkQuestion,
  make: MakeLinearProgram,
): Standing {
  if (services === undefined) return source.standing ?? { services: [], allocation: [] }
  const options = { online: false, split: false }
  const { allocation } = new ServicePlanner(network, make).allocate(services, options)
  return { services, allocation }
}

function wordsOf({ startAt, endAt, orders }: BulkPlan): string {
  const right = { right: true }
  const met = orders.filter((order) => order.met).length
  const rows = orders.map((order) => [
    order.id,
    `${order.from} - ${order.to}`,
    bitWords(order.volumeBits),
    short(order.deadline),
    order.met ? "in time" : "late",
    order.completesAt === undefined ? "" : short(order.completesAt),
    order.earliestAt === undefined ? "" : short(order.earliestAt),
    order.met ? "" : bitWords(order.deliveredBits),
  ])
  const late = orders.filter((order) => !order.met)
  return [
    `${met} of ${orders.length} in time; looked at ${short(startAt)} to ${short(endAt)}\n`,
    table(
      [
        { head: "order" },
        { head: "between" },
        { head: "volume", ...right },
        { head: "deadline" },
        { head: "" },
        { head: "complete" },
        { head: "at the earliest" },
        { head: "delivered", ...right },
      ],
      rows,
    ),
    ...late.map(({ id, reason }) => `  ${id}: ${reason ?? ""}\n`),
  ].join("")
}

/** To the second. */
function short(time: string): string {
  return time.replace(/\.\d+Z$/, "Z")
}
