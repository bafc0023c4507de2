// Ordering and cancelling services over REST: names to ids, idempotency, waiting for the outcome. What a
// service is and whether it may be is the controller's.

import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import type { Network } from "../model/network.js"
import type { Service, ServiceTerms } from "../model/service.js"
import { type Principal, demand } from "./access.js"
import { demandMatch, etagOf, found, type Handler } from "./call.js"
import { Idempotency, type KeptAnswer, reused, serviceIdOf } from "./idempotency.js"
import { cancelService, type NorthLog, orderService, rehearse, type ServiceOrder } from "./ports.js"
import type { ControllerPort } from "../controller/ports.js"
import { rehearsalView } from "./rehearsal-view.js"
import { serviceView } from "./views.js"
import { assertShape, type OrderBody } from "./validate.js"

const MAX_WAIT_S = 30

export function nodeId(network: Network, given: string, path: string): string {
  if (network.nodes.has(given)) return given
  const named = [...network.nodes.values()].filter((node) => node.name === given)
  const [node] = named
  if (node === undefined) throw new QkdError("invalid-value", `no node ${given}`, { path })
  if (named.length > 1) {
    throw new QkdError("invalid-value", `several nodes are called ${given}: give the id`, { path })
  }
  return node.qkdnId
}

export function linkId(network: Network, given: string, path: string): string {
  if (network.links.has(given)) return given
  const [link, other] = [...network.links.values()].filter(({ name }) => name === given)
  if (link === undefined) throw new QkdError("invalid-value", `no link ${given}`, { path })
  if (other !== undefined)
    throw new QkdError("invalid-value", `several links are called ${given}: give the id`, { path })
  return link.qkdlId
}

/** The terms of an order, ids in place of names. @throws QkdError with the JSON pointer of what cannot be. */
export function termsOf(network: Network, body: OrderBody): ServiceTerms {
  if (body.a === body.b) {
    throw new QkdError("invalid-value", "a service joins two different SAEs", { path: "/b" })
  }
  if (body.maxRateBps !== undefined && body.maxRateBps < body.minRateBps) {
    throw new QkdError("invalid-value", "maxRateBps is below minRateBps", { path: "/maxRateBps" })
  }
  const { protection = "none", trustTolerance = 0, revertive, holdOffS } = body
  const nodes = (member: "avoidNodes" | "requireNodes"): string[] => {
    const ids = (body[member] ?? []).map((given, i) => nodeId(network, given, `/${member}/${i}`))
    return [...new Set(ids)]
  }
  const avoidLinks = (body.avoidLinks ?? []).map((given, i) =>
    linkId(network, given, `/avoidLinks/${i}`),
  )
  const requireNodes = nodes("requireNodes")
  return {
    minRateBps: body.minRateBps,
    ...(body.maxRateBps === undefined ? {} : { maxRateBps: body.maxRateBps }),
    priority: body.priority ?? 0,
    ...(body.ttlS === undefined ? {} : { ttlS: body.ttlS }),
    avoidNodes: nodes("avoidNodes"),
    ...(avoidLinks.length === 0 ? {} : { avoidLinks: [...new Set(avoidLinks)] }),
    ...(requireNodes.length === 0 ? {} : { requireNodes }),
    ...(body.maxHops === undefined ? {} : { maxHops: body.maxHops }),
    ...(body.maxEpsilon === undefined ? {} : { maxEpsilon: body.maxEpsilon }),
    ...(protection === "none" ? {} : { protection }),
    ...(trustTolerance === 0 ? {} : { trustTolerance }),
    ...(revertive === undefined ? {} : { revertive }),
    ...(holdOffS === undefined ? {} : { holdOffS }),
  }
}

/** Seconds to wait by RFC 7240; 0 when not asked for. Other preferences are ignored, as they must be. */
export function waitOf(prefer: string | undefined): number {
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})"?(?:$|[,;\s])/i.exec(prefer ?? "")?.[1]
  return seconds === undefined ? 0 : Math.min(Number(seconds), MAX_WAIT_S)
}

/** The service once it is no longer `pending`, or as it stands when time is up or the client has gone. */
function settled(
  controller: ControllerPort,
  service: Service,
  waitS: number,
  gone: (leave: () => void) => void,
): Promise<Service> {
  const look = (): Service => controller.network().services.get(service.serviceId) ?? service
  if (waitS === 0 || look().state !== "pending") return Promise.resolve(look())
  return new Promise((resolve) => {
    const leave = (): void => {
      clearTimeout(timer)
      stop()
      resolve(look())
    }
    const timer = setTimeout(leave, waitS * 1000)
    const stop = controller.onNotice((notice) => {
      if (notice.topic !== "service" || notice.id !== service.serviceId) return
      if (look().state !== "pending") leave()
    })
    gone(leave)
  })
}

/** The handlers of `POST /services` and `DELETE /services/{serviceId}`. */
export function serviceHandlers(
  controller: ControllerPort,
  now: () => number,
  log: NorthLog,
): Readonly<Record<"orderService" | "cancelService", Handler>> {
  const kept = new Idempotency(now)

  const place = async (order: ServiceOrder, principal: Principal): Promise<Service> => {
    // The id belongs to the key: an order from before a restart is found again, not made twice.
    const known = controller.network().services.get(order.serviceId)
    if (known !== undefined) {
      const same =
        known.a.saeId === order.aSaeId &&
        known.b.saeId === order.bSaeId &&
        isDeepStrictEqual({ ...known.terms }, { ...order.terms })
      if (!same) throw reused()
      return known
    }
    const service = await orderService(controller, order)
    log("info", "service ordered", { serviceId: order.serviceId, by: principal.name })
    return service
  }

  return {
    orderService: async (call) => {
      const principal = demand(call.principal, "change")
      const { body, response } = call
      assertShape("Order", body)
      const terms = termsOf(controller.network(), body)
      if (call.query.dryRun === "true") {
        const order = { serviceId: randomUUID(), aSaeId: body.a, bSaeId: body.b, terms }
        const tried = await rehearse(controller, { kind: "service-ordered", ...order })
        response.status(200).json(rehearsalView(tried, controller.network()))
        return
      }
      const key = call.headers["Idempotency-Key"]
      const waitS = waitOf(call.headers.Prefer)
      const work = async (): Promise<KeptAnswer> => {
        const serviceId = key === undefined ? randomUUID() : serviceIdOf(principal.name, key)
        const order = { serviceId, aSaeId: body.a, bSaeId: body.b, terms }
        const placed = await place(order, principal)
        const service = serviceView(
          await settled(controller, placed, waitS, (leave) => {
            response.once("close", leave)
          }),
        )
        return {
          status: waitS > 0 && service.state !== "active" ? 202 : 201,
          headers: {
            Location: `/api/v1/services/${encodeURIComponent(service.serviceId)}`,
            ETag: etagOf(service),
            ...(waitS > 0 ? { "Preference-Applied": `wait=${waitS}` } : {}),
          },
          body: service,
        }
      }
      const answer =
        key === undefined ? await work() : await kept.run(principal.name, key, body, work)
      response.status(answer.status).set(answer.headers).json(answer.body)
    },

    cancelService: async (call) => {
      const principal = demand(call.principal, "change")
      const id = call.params.serviceId ?? ""
      const service = found(controller.network().services.get(id), "service", id)
      demandMatch(call, serviceView(service))
      await cancelService(controller, id)
      log("info", "service cancelled", { serviceId: id, by: principal.name })
      call.response.status(202).end()
    },
  }
}
