// Re-optimisation of a running network, in the background: services as a question to a planner outside the loop (a worker
// thread), its plan as a list that a person can read, and the moves ordered one after the other, each once the one
// before stands. The core judges every move anew: what no longer fits is refused, and the plan ends there.

import { promisableBps } from "../core/allocate.js"
import { GENERATING, isPresent, mayRelay, useOf } from "../core/usable.js"
import type { Settings } from "../core/settings.js"
import type { MovePlan, ReoptimiseTerms, StandingService } from "../engine/reoptimise.js"
import { QkdError } from "../errors.js"
import type { Network } from "../model/network.js"
import type { Service, ServiceTerms } from "../model/service.js"
import type { ControllerPort, InsightPort } from "./ports.js"

/** A question in arrays: it crosses to another thread. */
export interface MoveQuestion {
  readonly nodeCount: number
  readonly linkA: readonly number[]
  readonly linkB: readonly number[]
  readonly rateBps: Float64Array
  readonly passableNodes: Uint8Array
  readonly fixedBps: Float64Array
  readonly services: readonly StandingService[]
  readonly terms: ReoptimiseTerms
}

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
  /** Links; absent when it has none now. */
  readonly from?: readonly string[]
  readonly to: readonly string[]
  readonly group: number
}

/** What a re-optimisation would do, or has done. */
export interface Reoptimisation {
  readonly steps: readonly NamedStep[]
  readonly carriedBps: MovePlan["carriedBps"]
  readonly linkBps: MovePlan["linkBps"]
  readonly boundBps: number
  /** Services that were not looked at: on the move, or with terms that only a search can keep. */
  readonly leftAlone: number
}

export interface CarriedOut {
  readonly moved: number
  /** Why the rest was left. */
  readonly ended?: string
}

/** What it reads and orders. Orders may go another way than reads: behind a lock, say. */
export type ReoptimiserSide = Pick<ControllerPort, "network" | "submit" | "onNotice"> &
  Pick<InsightPort, "reservedBps" | "backupBps">

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
    const { question, services, linkIds, leftAlone } = this.#question()
    const plan = await this.#planner.plan(question)
    const names = (path: readonly number[]): string[] => path.map((link) => linkIds[link] ?? "")
    const steps = plan.steps.flatMap(({ service: number, from, to, group }): NamedStep[] => {
      const service = services[number]
      if (service === undefined) return []
      const step = {
        serviceId: service.serviceId,
        name: `${service.a.saeId} - ${service.b.saeId}`,
        rateBps: service.terms.minRateBps,
        to: names(to),
        group,
      }
      return [from === undefined ? step : { ...step, from: names(from) }]
    })
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
      if (now !== undefined && now.next === undefined && isOn(now, to) && now.state === "active") {
        // It was there already, or the nodes were quick.
        stands.forget()
        moved += 1
        continue
      }
      const after = await stands.outcome
      if (after?.path === undefined || !isOn(after, to))
        return { moved, ended: `${name}: ${after?.reason ?? "its new path did not come to stand"}` }
      moved += 1
    }
    return { moved }
  }

  /** @returns why not. */
  async #deploy(serviceId: string, qkdlIds: readonly string[]): Promise<string | undefined> {
    try {
      const reply = await this.#controller.submit({ kind: "path-deployed", serviceId, qkdlIds })
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
        if (service !== undefined && (service.next !== undefined || service.state === "pending"))
          return
        stop()
        resolve(service)
      })
      forget = stop
    })
    return { outcome, forget }
  }

  #question(): {
    readonly question: MoveQuestion
    readonly services: readonly Service[]
    readonly linkIds: readonly string[]
    readonly leftAlone: number
  } {
    const network = this.#controller.network()
    const nodeNumbers = new Map([...network.nodes.keys()].map((id, number) => [id, number]))
    const links = [...network.links.values()]
    const linkNumbers = new Map(links.map(({ qkdlId }, number) => [qkdlId, number]))
    const rateBps = Float64Array.from(links, (link) =>
      useOf(link, this.#settings) === GENERATING && link.hold?.held !== true
        ? promisableBps(link, this.#settings)
        : 0,
    )
    const fixedBps = Float64Array.from(
      links,
      ({ qkdlId }) => this.#controller.reservedBps(qkdlId) + this.#controller.backupBps(qkdlId),
    )
    const all = [...network.services.values()]
    const services = all.filter((service) => isMovable(network, service))
    const standing = services.map(({ a, b, path, terms }): StandingService => {
      const one = {
        from: nodeNumbers.get(a.qkdnId) ?? -1,
        to: nodeNumbers.get(b.qkdnId) ?? -1,
        rateBps: terms.minRateBps,
        priority: terms.priority,
      }
      if (path === undefined) return one
      const numbers = path.hops.map(({ qkdlId }) => linkNumbers.get(qkdlId) ?? -1)
      for (const link of numbers) fixedBps[link] = (fixedBps[link] ?? 0) - path.rateBps
      return { ...one, path: numbers }
    })
    return {
      question: {
        nodeCount: nodeNumbers.size,
        linkA: links.map(({ a }) => nodeNumbers.get(a.qkdnId) ?? -1),
        linkB: links.map(({ b }) => nodeNumbers.get(b.qkdnId) ?? -1),
        rateBps,
        passableNodes: Uint8Array.from(network.nodes.values(), (node) =>
          isPresent(node) && mayRelay(node) ? 1 : 0,
        ),
        fixedBps,
        services: standing,
        terms: this.#terms,
      },
      services,
      linkIds: links.map(({ qkdlId }) => qkdlId),
      leftAlone: all.length - services.length,
    }
  }
}

/** It stands or waits, and nothing but its rate says where it may be. */
function isMovable(network: Network, service: Service): boolean {
  const { a, b, path, next, state, terms, avoiding, beside, home } = service
  if (terms.minRateBps <= 0 || next !== undefined || (avoiding?.length ?? 0) > 0) return false
  // On several paths, with a backup, or about to return by itself.
  if (beside !== undefined || home !== undefined || hasOwnWay(terms)) return false
  const ends = [a.qkdnId, b.qkdnId].map((id) => network.nodes.get(id))
  if (a.qkdnId === b.qkdnId || ends.some((node) => node === undefined || !isPresent(node)))
    return false
  if (path === undefined) return state === "failed"
  return state === "active" && path.phase === "up" && path.rateBps === terms.minRateBps
}

function hasOwnWay(terms: ServiceTerms): boolean {
  const { avoidNodes, avoidLinks = [], requireNodes = [], protection, trustTolerance } = terms
  if (avoidNodes.length + avoidLinks.length + requireNodes.length > 0) return true
  if (protection !== undefined || trustTolerance !== undefined) return true
  return terms.maxHops !== undefined || terms.maxEpsilon !== undefined || terms.revertive === false
}

function isOn({ path }: Service, qkdlIds: readonly string[]): boolean {
  const hops = path?.hops.map(({ qkdlId }) => qkdlId) ?? []
  return hops.length === qkdlIds.length && hops.every((id, i) => id === qkdlIds[i])
}
