// Re-optimisation of a running network, in the background: services as a question to a planner outside the loop (a worker
// thread), its plan as a list that a person can read, and the moves ordered one after the other, each once the one
// before stands. The core judges every move anew: what no longer fits is refused, and the plan ends there.

import { nextsOf, standingPaths } from "../core/lanes.js"
import type { MoveChoice } from "../core/move-choices.js"
import type { Settings } from "../core/settings.js"
import type { MovePlan, ReoptimiseTerms } from "../engine/reoptimise.js"
import { QkdError } from "../errors.js"
import type { Service } from "../model/service.js"
import { askFor, type MoveQuestion, type MoveSource } from "./move-question.js"
import type { ControllerPort } from "./ports.js"

export interface MovePlanner {
  /** Never blocks the caller. Rejects when it is closed or fails. */
  plan(question: MoveQuestion): Promise<MovePlan>
  close(): Promise<void>
}

export interface NamedStep {
  readonly serviceId: string
  /** What it is called: its SAEs. */
  readonly name: string
  readonly rateBps: number
  /** Links of each of its paths, one for most; absent when it has none now. */
  readonly from?: MoveChoice
  readonly to: MoveChoice
  /** Nodes that are told to take part or to let go. */
  readonly nodes: number
  readonly group: number
}

/** What a re-optimisation would do, or has done. */
export interface Reoptimisation {
  readonly steps: readonly NamedStep[]
  readonly carriedBps: MovePlan["carriedBps"]
  readonly linkBps: MovePlan["linkBps"]
  readonly boundBps: number
  /** Services that were not looked at: on the move, degraded, about to return, or promised no rate. */
  readonly leftAlone: number
}

export interface CarriedOut {
  readonly moved: number
  /** Why the rest was left. */
  readonly ended?: string
}

/** What it reads and orders. Orders may go another way than reads: behind a lock, say. */
export type ReoptimiserSide = Pick<ControllerPort, "submit" | "onNotice"> & MoveSource

export class Reoptimiser {
  readonly #controller: ReoptimiserSide
  readonly #planner: MovePlanner
  readonly #settings: Settings
  readonly #terms: ReoptimiseTerms

  constructor(
    controller: ReoptimiserSide,
    planner: MovePlanner,
    settings: Settings,
    terms: ReoptimiseTerms,
  ) {
    this.#controller = controller
    this.#planner = planner
    this.#settings = settings
    this.#terms = terms
  }

  /** A plan on the network as it is now. Nothing changes. */
  async dryRun(): Promise<Reoptimisation> {
    const asked = await askFor(this.#controller, this.#settings, this.#terms)
    const plan = await this.#planner.plan(asked.question)
    const steps = plan.steps.flatMap(({ service: number, from, to, group }): NamedStep[] => {
      const service = asked.services[number]
      if (service === undefined) return []
      const old = from === undefined ? undefined : asked.waysOf(number, from)
      const ways = asked.waysOf(number, to)
      const step = {
        serviceId: service.serviceId,
        name: `${service.a.saeId} - ${service.b.saeId}`,
        rateBps: service.terms.minRateBps,
        to: ways,
        nodes: asked.nodesOn([...(old ?? []), ...ways]),
        group,
      }
      return [old === undefined ? step : { ...step, from: old }]
    })
    const { leftAlone } = asked
    const { carriedBps, linkBps, boundBps } = plan
    return { steps, carriedBps, linkBps, boundBps, leftAlone }
  }

  /** Orders the steps one by one. A step that is refused or comes to nothing ends it. */
  async carryOut({ steps }: Reoptimisation): Promise<CarriedOut> {
    let moved = 0
    for (const { serviceId, name, to } of steps) {
      const stands = this.#settled(serviceId)
      const refusal = await this.#deploy(serviceId, to)
      if (refusal !== undefined) {
        stands.forget()
        return { moved, ended: `${name}: ${refusal}` }
      }
      const now = this.#controller.network().services.get(serviceId)
      if (
        now !== undefined &&
        nextsOf(now).length === 0 &&
        isOn(now, to) &&
        now.state === "active"
      ) {
        // It was there already, or the nodes were quick.
        stands.forget()
        moved += 1
        continue
      }
      const after = await stands.outcome
      if (after === undefined || !isOn(after, to)) {
        const why = after?.reason ?? after?.avoiding?.at(-1)?.reason
        return { moved, ended: `${name}: ${why ?? "its new path did not come to stand"}` }
      }
      moved += 1
    }
    return { moved }
  }

  /** @returns why not. */
  async #deploy(
    serviceId: string,
    [qkdlIds = [], ...beside]: MoveChoice,
  ): Promise<string | undefined> {
    try {
      const reply = await this.#controller.submit({
        kind: "path-deployed",
        serviceId,
        qkdlIds,
        ...(beside.length > 0 && { besideQkdlIds: beside }),
        keepsProtection: true,
      })
      return reply.ok ? undefined : reply.message
    } catch (error) {
      // Somebody holds the lock, the queue is full, or the controller stops.
      if (error instanceof QkdError) return error.message
      throw error
    }
  }

  /** Resolves once the service has no path on the way any more. */
  #settled(serviceId: string): {
    readonly outcome: Promise<Service | undefined>
    forget(): void
  } {
    let forget = (): void => undefined
    const outcome = new Promise<Service | undefined>((resolve) => {
      const stop = this.#controller.onNotice((notice) => {
        if (notice.topic !== "service" || notice.id !== serviceId) return
        const service = this.#controller.network().services.get(serviceId)
        if (service !== undefined && (nextsOf(service).length > 0 || service.state === "pending"))
          return
        stop()
        resolve(service)
      })
      forget = stop
    })
    return { outcome, forget }
  }
}

function isOn(service: Service, ways: MoveChoice): boolean {
  const name = (links: readonly string[]): string => links.join(" ")
  const standing = standingPaths(service).map(({ hops }) => name(hops.map(({ qkdlId }) => qkdlId)))
  return standing.length === ways.length && ways.every((way) => standing.includes(name(way)))
}
