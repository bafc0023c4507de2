// `keyloom plan grow`: which links to build or to make stronger; as JSON, as lines to read, as a picture.

import { QkdError } from "../errors.js"
import { keyRateSet } from "../model/key-rate.js"
import type { Topology } from "../model/topology.js"
import { type Candidate, candidatesByRule, readCandidates } from "../plan/candidates.js"
import type { ServiceDemand } from "../plan/demand-file.js"
import { grow, type GrowChoice, type GrowPlan, type GrowStep } from "../plan/grow.js"
import { rateWords } from "../plan/map-scales.js"
import { drawLoads } from "../plan/pictures.js"
import { type PlanNetwork, planNetwork } from "../plan/plan-network.js"
import { isBounded, type ServicePlanOptions, ServicePlanner } from "../plan/plan-services.js"
import { loadLinearPrograms } from "./highs.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import { readJsonFile, writePicture } from "./plan-files.js"
import { readSource, type SourceOptions, standingOn, type StandingOptions } from "./plan-source.js"
import { progressOn } from "./progress.js"
import { figure, table } from "./table.js"

export interface PlanGrowOptions extends SourceOptions, StandingOptions {
  readonly budget: number
  readonly tries: number
  readonly candidates?: string
  /** Of links built by rule. */
  readonly module?: string
  readonly json?: boolean
  readonly svg?: string
  readonly progress?: boolean
}

/** @throws QkdError with the file or option and the place of the fault. */
export async function planGrow(options: PlanGrowOptions): Promise<void> {
  const source = await readSource(options)
  const { topology } = source
  const network = planNetwork(topology)
  const make = await loadLinearPrograms()
  const { services } = standingOn(source, network, options, make)
  if (!isBounded(network, services))
    throw new QkdError("too-big", "the network or the demands are too many for the linear program")
  const candidates = candidatesOf(options, topology, network)
  const { online = false, split = false, budget, tries } = options
  const { plan, grown, chosen } = grow(
    topology,
    services,
    candidates,
    make,
    { online, split, budget, tries },
    progressOn("candidate", options.progress ?? false),
  )
  if (options.svg !== undefined)
    writePicture(options.svg, pictureOf(grown, services, chosen, plan, make, { online, split }))
  process.stdout.write(options.json === true ? `${JSON.stringify(plan)}\n` : wordsOf(plan))
}

function candidatesOf(
  { candidates, module }: PlanGrowOptions,
  topology: Topology,
  network: PlanNetwork,
): readonly Candidate[] {
  if (candidates !== undefined) return readCandidates(readJsonFile(candidates), topology, network)
  if (module !== undefined && keyRateSet(module) === undefined)
    throw new QkdError("invalid-value", `--module "${module}": no key rate set is called so`, {
      path: "/module",
    })
  if (topology.nodes.filter(({ lat, lon }) => lat !== undefined && lon !== undefined).length < 2)
    process.stderr.write(
      "keyloom: without coordinates no new links can be proposed, only stronger ones: --candidates names them\n",
    )
  return candidatesByRule(topology, network, module)
}

function wordsOf({ offeredBps, carriedBps, boundBps, candidates, steps }: GrowPlan): string {
  const right = { right: true }
  const columns = [
    { head: "" },
    { head: "what" },
    { head: "km", ...right },
    { head: "key rate", ...right },
    { head: "gains bit/s", ...right },
    { head: "carried then", ...right },
    { head: "at most", ...right },
    { head: "" },
  ]
  const rows = steps.flatMap((step, i) => [
    [
      String(i + 1),
      whatOf(step),
      figure(step.lengthKm),
      figure(step.skrBps),
      figure(step.gainBps),
      figure(step.carriedBps),
      figure(step.boundBps),
      provenWords(step),
    ],
    ...step.next.map((one) => [
      "",
      `  or ${whatOf(one)}`,
      figure(one.lengthKm),
      figure(one.skrBps),
      figure(one.gainBps),
    ]),
  ])
  return [
    `offered ${figure(offeredBps)} bit/s, carried ${figure(carriedBps)}, at most ${figure(boundBps)} can be; ${candidates} candidates\n`,
    table(columns, rows),
    steps.length === 0 ? "no candidate lets more be carried\n" : "",
  ].join("")
}

function whatOf({ kind, id, from, to }: GrowChoice): string {
  return kind === "add" ? `build ${from} - ${to}` : `strengthen ${id ?? ""}`
}

function provenWords({ proven, tried }: GrowStep): string {
  return proven ? `proven best, ${tried} tried` : `best of ${tried} tried`
}

/** The grown network, with its services and the new links in order. */
function pictureOf(
  grown: Topology,
  services: readonly ServiceDemand[],
  chosen: readonly Candidate[],
  plan: GrowPlan,
  make: MakeLinearProgram,
  options: ServicePlanOptions,
): string {
  const network = planNetwork(grown)
  const { allocation } = new ServicePlanner(network, make).allocate(services, options)
  const first = grown.links.length - chosen.length
  const after = plan.steps.at(-1)?.carriedBps ?? plan.carriedBps
  return drawLoads({
    title: `${grown.name}, grown by ${chosen.length} ${chosen.length === 1 ? "link" : "links"}`,
    subtitle: `${rateWords(plan.carriedBps)} carried before, ${rateWords(after)} after, of ${rateWords(plan.offeredBps)} asked for`,
    topology: grown,
    network,
    allocation,
    badges: new Map(chosen.map((_, i) => [first + i, String(i + 1)])),
    badgeRows: plan.steps.map((step, i) => ({
      sample: { kind: "badge", words: String(i + 1) },
      words: `${step.kind === "add" ? "" : "again "}${step.from} - ${step.to}, +${rateWords(step.gainBps)}`,
    })),
  })
}
