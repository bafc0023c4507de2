// Where a planning command has its network and its services from: files, or a running controller. Plans only what files
// leave open.

import { QkdError } from "../errors.js"
import type { Topology } from "../model/topology.js"
import { readServiceDemands, type ServiceDemand } from "../plan/demand-file.js"
import { liveNetwork } from "../plan/live-network.js"
import type { PlanNetwork } from "../plan/plan-network.js"
import { ServicePlanner } from "../plan/plan-services.js"
import type { Standing } from "../plan/standing.js"
import type { MakeLinearProgram } from "../engine/linear-program.js"
import { readFromController } from "./controller-client.js"
import { readJsonFile, readTopologyFile } from "./plan-files.js"

export interface SourceOptions {
  readonly topology?: string
  readonly controller?: string
  readonly tokenFile?: string
  readonly caFile?: string
}

export interface StandingOptions {
  readonly demands?: string
  readonly online?: boolean
  readonly split?: boolean
}

export interface PlanSource {
  readonly topology: Topology
  /** Of the running network; absent where files are asked. */
  readonly standing?: Standing
}

/** @throws QkdError when it is neither or both, or cannot be read. */
export async function readSource(options: SourceOptions): Promise<PlanSource> {
  const { topology, controller, tokenFile, caFile } = options
  if ((topology === undefined) === (controller === undefined))
    throw new QkdError("invalid-value", "either --topology or --controller says what network")
  if (topology !== undefined) return { topology: readTopologyFile(topology) }
  if (controller === undefined || tokenFile === undefined)
    throw new QkdError("missing-element", "--controller needs --token-file")
  const address = { controller, tokenFile, ...(caFile === undefined ? {} : { caFile }) }
  const live = liveNetwork(await readFromController(address, "/network"), new URL(controller).host)
  for (const notice of live.topology.notices) process.stderr.write(`keyloom: ${notice}\n`)
  return live
}

/** What a file asks for; without one, what the services that run ask for. */
export function demandsOn(
  source: PlanSource,
  network: PlanNetwork,
  file: string | undefined,
): readonly ServiceDemand[] {
  if (file !== undefined) return readServiceDemands(readJsonFile(file), network)
  if (source.standing !== undefined) return source.standing.services
  throw new QkdError("missing-element", "--demands is needed where no controller is asked")
}

/** Services as they run; or, where a file says what is asked, as a plan places them. */
export function standingOn(
  source: PlanSource,
  network: PlanNetwork,
  options: StandingOptions,
  make: MakeLinearProgram,
): Standing {
  const { demands, online = false, split = false } = options
  if (demands === undefined && source.standing !== undefined) return source.standing
  const services = demandsOn(source, network, demands)
  const { allocation } = new ServicePlanner(network, make).allocate(services, { online, split })
  return { services, allocation }
}
