// Re-optimisation over REST: who may, repeats, waiting for the end. What is moved is the controller's.

import type { ControllerPort } from "../controller/ports.js"
import type { CarriedOut, Reoptimisation } from "../controller/reoptimiser.js"
import type { ReoptimisePort } from "../controller/reoptimiser-rounds.js"
import { reoptimisationText, worthOf } from "../controller/reoptimiser-text.js"
import { QkdError } from "../errors.js"
import type { Network } from "../model/network.js"
import { demand } from "./access.js"
import type { Handler } from "./call.js"
import { Idempotency, type KeptAnswer } from "./idempotency.js"
import type { NorthLog } from "./ports.js"
import { waitOf } from "./rest-services.js"
import { assertShape } from "./validate.js"

export interface ReoptimisationSide {
  readonly controller: ControllerPort
  readonly reoptimise: ReoptimisePort | undefined
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly log: NorthLog
}

/** The handler of `POST /reoptimisation`. */
export function reoptimisationHandlers(
  side: ReoptimisationSide,
): Readonly<Record<"reoptimise", Handler>> {
  const { controller, log } = side
  const kept = new Idempotency(side.now)

  const start = async (
    reoptimise: ReoptimisePort,
    by: string,
    waitS: number,
  ): Promise<KeptAnswer> => {
    const { plan, done } = await reoptimise.carryOut()
    log("info", "re-optimisation ordered", { by, moves: plan.steps.length })
    const outcome = plan.steps.length === 0 ? await done : await within(waitS, done)
    return {
      status: outcome === undefined ? 202 : 200,
      headers: waitS > 0 ? { "Preference-Applied": `wait=${waitS}` } : {},
      body: { ...planView(plan, controller.network()), outcome: outcomeView(outcome) },
    }
  }

  return {
    reoptimise: async (call) => {
      const { body, response, headers } = call
      assertShape("ReoptimisationOrder", body)
      const principal = demand(call.principal, body.dryRun ? "read" : "change")
      const { reoptimise } = side
      if (reoptimise === undefined)
        throw new QkdError("operation-not-supported", "this controller does not re-optimise")
      if (body.dryRun) {
        response.json(planView(await reoptimise.dryRun(), controller.network()))
        return
      }
      const key = headers["Idempotency-Key"]
      const work = (): Promise<KeptAnswer> =>
        start(reoptimise, principal.name, waitOf(headers.Prefer))
      const answer =
        key === undefined ? await work() : await kept.run(principal.name, key, body, work)
      response.status(answer.status).set(answer.headers).json(answer.body)
    },
  }
}

/** @returns undefined when it is not over by then. */
async function within(seconds: number, done: Promise<CarriedOut>): Promise<CarriedOut | undefined> {
  if (seconds === 0) return undefined
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, seconds * 1000, undefined)
  })
  try {
    return await Promise.race([done, late])
  } finally {
    clearTimeout(timer)
  }
}

function planView(plan: Reoptimisation, network: Network): object {
  const nameOf = (qkdlId: string): string | undefined => network.links.get(qkdlId)?.name
  const links = (path: readonly string[]): object[] =>
    path.map((qkdlId) => {
      const name = nameOf(qkdlId)
      return name === undefined ? { qkdlId } : { qkdlId, name }
    })
  const { carriedBps, linkBps, boundBps, leftAlone } = plan
  return {
    moves: plan.steps.map((step) => {
      const { serviceId, name, rateBps, from, to, nodes, group } = step
      const [way = [], ...beside] = to
      const [old = [], ...oldBeside] = from ?? []
      return {
        serviceId,
        name,
        rateBps,
        ...(from === undefined ? {} : { from: links(old) }),
        ...(oldBeside.length === 0 ? {} : { fromBeside: oldBeside.map(links) }),
        to: links(way),
        ...(beside.length === 0 ? {} : { toBeside: beside.map(links) }),
        nodes,
        group,
        worth: worthOf(plan, step),
      }
    }),
    carriedBps,
    linkBps,
    boundBps,
    leftAlone,
    text: reoptimisationText(plan, (qkdlId) => nameOf(qkdlId) ?? qkdlId),
  }
}

function outcomeView(outcome: CarriedOut | undefined): object {
  if (outcome === undefined) return { state: "moving" }
  const { moved, ended } = outcome
  return ended === undefined ? { state: "done", moved } : { state: "ended", moved, reason: ended }
}
