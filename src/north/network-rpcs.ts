// The operations an orchestrator calls (keyloom-connectivity): input to orders and questions of the core, answers back.
// What they order is decided in the core; candidates that were computed are remembered for the one who chooses.

import { randomUUID } from "node:crypto"
import type { ControllerPort, InsightPort, Reply } from "../controller/ports.js"
import type { Candidate } from "../core/candidates.js"
import type { OperatorEvent } from "../core/event.js"
import { QkdError } from "../errors.js"
import { compact, Reader } from "../model/etsi015-values.js"
import { placeInOrder, termsFrom } from "../model/keyloom-app-entry.js"
import { candidateData, type CandidatePath, pathIdOf } from "../model/keyloom-path-entry.js"
import { CONNECTIVITY_MODULE, entries } from "../model/keyloom-values.js"
import type { Hop } from "../model/service.js"
import type { JsonObject } from "../yang/json-text.js"

/** Applications whose candidates are remembered; the oldest answer goes first. */
const REMEMBERED_APPS = 1000
/** As many as `max_paths` allows. */
const MOST_PATHS = 16

export const CHANGING_RPCS: ReadonlySet<string> = new Set(
  ["register-application", "deploy-path", "move-service", "remove-application"].map(
    (name) => `${CONNECTIVITY_MODULE}:${name}`,
  ),
)

export class NetworkRpcs {
  readonly #controller: ControllerPort & InsightPort
  readonly #candidates = new Map<string, readonly Candidate[]>()

  constructor(controller: ControllerPort & InsightPort) {
    this.#controller = controller
  }

  /** @param input valid by schema. @throws QkdError with the path of the parameter at fault. */
  async call(name: string, input: JsonObject): Promise<JsonObject> {
    const reader = new Reader(input, `/${name}`, CONNECTIVITY_MODULE)
    switch (name.slice(name.indexOf(":") + 1)) {
      case "register-application":
        return this.#register(reader)
      case "compute-candidate-paths":
        return this.#compute(reader)
      case "deploy-path":
        return this.#deploy(reader)
      case "move-service":
        await this.#order(reader, {
          kind: "service-moved",
          serviceId: reader.requiredUuid("app_id"),
          avoidNodes: reader.uuids("exclude_qkdn_id"),
          avoidLinks: reader.uuids("exclude_phys_link_id"),
        })
        return {}
      case "remove-application":
        await this.#order(reader, {
          kind: "service-cancelled",
          serviceId: reader.requiredUuid("app_id"),
        })
        return {}
      default:
        throw new QkdError("operation-not-supported", `${name} is not supported`)
    }
  }

  /** What was last computed for an application, as it stands to the path in use now. */
  candidatesOf(serviceId: string): readonly CandidatePath[] {
    const known = this.#candidates.get(serviceId)
    if (known === undefined) return []
    const path = this.#controller.network().services.get(serviceId)?.path
    const inUse = path === undefined ? "" : namesOf(path.hops)
    return known.map((one) => ({ ...one, deployed: namesOf(one.hops) === inUse }))
  }

  /** The application is gone. */
  forget(serviceId: string): void {
    this.#candidates.delete(serviceId)
  }

  async #register(input: Reader): Promise<JsonObject> {
    const id = await this.#order(input, {
      kind: "service-ordered",
      serviceId: input.uuid("app_id") ?? randomUUID(),
      aSaeId: input.string("server_app_id") ?? "",
      bSaeId: input.string("client_app_id") ?? "",
      terms: termsFrom(input),
    })
    const service = this.#controller.network().services.get(id)
    if (service === undefined) throw new QkdError("operation-failed", "it is already gone")
    return compact({
      app_id: service.serviceId,
      service_state: service.state,
      reason: service.reason,
    })
  }

  #compute(input: Reader): JsonObject {
    const appId = input.uuid("app_id")
    const order = input.child("order")
    const minStockBits = input.number("min_stock")
    const common = {
      count: input.number("max_paths") ?? 3,
      avoidNodes: input.uuids("exclude_qkdn_id"),
      avoidLinks: input.uuids("exclude_phys_link_id"),
      ...(minStockBits === undefined ? {} : { minStockBits }),
    }
    const answer = this.#controller.candidatePaths(
      appId === undefined
        ? {
            ...common,
            aSaeId: order.string("server_app_id") ?? "",
            bSaeId: order.string("client_app_id") ?? "",
            terms: termsFrom(order),
          }
        : { ...common, serviceId: appId },
    )
    if (answer === undefined) throw noApplication(input, appId ?? "")
    if (answer.none !== undefined) {
      if (appId !== undefined) this.#candidates.delete(appId)
      return { reason: answer.none.reason, reason_tag: answer.none.appTag }
    }
    if (appId !== undefined) this.#remember(appId, answer.candidates)
    return compact({ candidate_path: entries(answer.candidates.map(candidateData)) })
  }

  async #deploy(input: Reader): Promise<JsonObject> {
    const serviceId = input.requiredUuid("app_id")
    const pathId = input.uuid("path_id")
    const qkdlIds =
      pathId === undefined
        ? input.uuids("phys_link_id")
        : this.#candidate(input, serviceId, pathId).map((hop) => hop.qkdlId)
    await this.#order(input, { kind: "path-deployed", serviceId, qkdlIds })
    return {}
  }

  /** A candidate by name: a remembered one, or one that would be computed now, so that a restart loses none. */
  #candidate(input: Reader, serviceId: string, pathId: string): readonly Hop[] {
    const named = (one: Candidate): boolean => pathIdOf(one.hops) === pathId
    const known = this.#candidates.get(serviceId)?.find(named)
    if (known !== undefined) return known.hops
    const ask = { serviceId, count: MOST_PATHS, avoidNodes: [], avoidLinks: [] }
    const answer = this.#controller.candidatePaths(ask)
    if (answer === undefined) throw noApplication(input, serviceId)
    const found = answer.candidates?.find(named)
    if (found !== undefined) return found.hops
    throw new QkdError("data-missing", `${pathId} is no candidate of the application`, {
      path: `${input.path}/path_id`,
    })
  }

  #remember(serviceId: string, candidates: readonly Candidate[]): void {
    this.#candidates.delete(serviceId)
    this.#candidates.set(serviceId, candidates)
    if (this.#candidates.size <= REMEMBERED_APPS) return
    const oldest = this.#candidates.keys().next()
    if (oldest.done !== true) this.#candidates.delete(oldest.value)
  }

  /** @returns the id of what was decided on. */
  async #order(input: Reader, event: OperatorEvent): Promise<string> {
    const reply = await this.#controller.submit(event)
    if (reply.ok) return reply.id ?? ""
    throw refusal(reply, input.path)
  }
}

function noApplication(input: Reader, appId: string): QkdError {
  return new QkdError("data-missing", `there is no application ${appId}`, {
    path: `${input.path}/app_id`,
  })
}

function refusal(reply: Extract<Reply, { ok: false }>, path: string): QkdError {
  return new QkdError(reply.tag, reply.message, {
    ...(reply.appTag === undefined ? {} : { appTag: reply.appTag }),
    path: `${path}${parameterOf(reply.path)}`,
  })
}

/** Which parameter a path of the core speaks of. */
function parameterOf(path: string | undefined): string {
  const [, member, index] = /^\/(avoidNodes|avoidLinks|qkdlIds)(?:\/(\d+))?$/.exec(path ?? "") ?? []
  const leaf = {
    avoidNodes: "/exclude_qkdn_id",
    avoidLinks: "/exclude_phys_link_id",
    qkdlIds: "/phys_link_id",
  }[member ?? ""]
  if (leaf === undefined) return placeInOrder(path)
  return index === undefined ? leaf : `${leaf}[${Number(index) + 1}]`
}

function namesOf(hops: readonly Hop[]): string {
  return hops.map((hop) => hop.qkdlId).join(" ")
}
