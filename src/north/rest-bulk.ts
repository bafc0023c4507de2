// Bulk key orders over REST: names to ids, idempotency, dry runs. Whether an order can be in time is the controller's.

import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import type { ControllerPort } from "../controller/ports.js"
import type { OperatorEvent } from "../core/event.js"
import { QkdError } from "../errors.js"
import type { BulkOrder, BulkTerms } from "../model/bulk-order.js"
import type { Network } from "../model/network.js"
import { type Principal, demand } from "./access.js"
import { demandMatch, etagOf, found, type Handler } from "./call.js"
import { Idempotency, type KeptAnswer, reused, serviceIdOf } from "./idempotency.js"
import { demandOk, judgeBulk, type NorthLog } from "./ports.js"
import { linkId, nodeId } from "./rest-services.js"
import { assertShape, type BulkOrderBody } from "./validate.js"
import { bulkOrderView } from "./views.js"

type BulkOrdered = Extract<OperatorEvent, { readonly kind: "bulk-ordered" }>

const KEY_SIZE_BITS = 256

/** @throws QkdError with the JSON pointer of what cannot be. */
function orderOf(network: Network, orderId: string, body: BulkOrderBody): BulkOrdered {
  const { from, to, keys, keySizeBits = KEY_SIZE_BITS, volumeBits, notBefore } = body
  if ((keys === undefined) === (volumeBits === undefined))
    throw new QkdError("invalid-value", "give either volumeBits or keys", {
      path: keys === undefined ? "/volumeBits" : "/keys",
    })
  const deadlineMs = Date.parse(body.deadline)
  return {
    kind: "bulk-ordered",
    orderId,
    fromSaeId: from,
    toSaeId: to,
    volumeBits: volumeBits ?? (keys ?? 0) * keySizeBits,
    keySizeBits,
    deadlineMs,
    ...(notBefore === undefined ? {} : { notBeforeMs: Date.parse(notBefore) }),
    terms: termsOf(network, body),
    bestEffort: body.bestEffort ?? false,
  }
}

function termsOf(network: Network, body: BulkOrderBody): BulkTerms {
  const avoidNodes = (body.avoidNodes ?? []).map((given, i) =>
    nodeId(network, given, `/avoidNodes/${i}`),
  )
  const avoidLinks = (body.avoidLinks ?? []).map((given, i) =>
    linkId(network, given, `/avoidLinks/${i}`),
  )
  return {
    priority: body.priority ?? 0,
    ...(body.mostBps === undefined ? {} : { mostBps: body.mostBps }),
    ...(body.ttlS === undefined ? {} : { ttlS: body.ttlS }),
    avoidNodes: [...new Set(avoidNodes)],
    ...(avoidLinks.length === 0 ? {} : { avoidLinks: [...new Set(avoidLinks)] }),
    ...(body.maxHops === undefined ? {} : { maxHops: body.maxHops }),
    ...(body.maxEpsilon === undefined ? {} : { maxEpsilon: body.maxEpsilon }),
  }
}

function isSame(known: BulkOrder, asked: BulkOrdered): boolean {
  return (
    known.from.saeId === asked.fromSaeId &&
    known.to.saeId === asked.toSaeId &&
    known.volumeBits === asked.volumeBits &&
    known.keySizeBits === asked.keySizeBits &&
    Date.parse(known.deadline) === asked.deadlineMs &&
    known.bestEffort === asked.bestEffort &&
    isDeepStrictEqual({ ...known.terms }, { ...asked.terms })
  )
}

/** The handlers of `POST /bulk-orders` and `DELETE /bulk-orders/{orderId}`. */
export function bulkHandlers(
  controller: ControllerPort,
  now: () => number,
  log: NorthLog,
): Readonly<Record<"orderBulk" | "cancelBulk", Handler>> {
  const kept = new Idempotency(now)

  const place = async (asked: BulkOrdered, principal: Principal): Promise<BulkOrder> => {
    const { orderId = "" } = asked
    // The id belongs to the key: an order from before a restart is found again, not made twice.
    const known = controller.network().orders.get(orderId)
    if (known !== undefined) {
      if (!isSame(known, asked)) throw reused()
      return known
    }
    demandOk(await controller.submit(asked))
    const order = controller.network().orders.get(orderId)
    if (order === undefined) throw new QkdError("operation-failed", "the order is already gone")
    log("info", "bulk order taken on", { orderId, by: principal.name })
    return order
  }

  return {
    orderBulk: async (call) => {
      const principal = demand(call.principal, "change")
      const { body, response } = call
      assertShape("BulkOrderRequest", body)
      if (call.query.dryRun === "true") {
        const asked = orderOf(controller.network(), randomUUID(), body)
        const { reply, order } = judgeBulk(controller, asked)
        demandOk(reply)
        response.status(200).json(bulkOrderView(found(order, "bulk order", asked.orderId ?? "")))
        return
      }
      const key = call.headers["Idempotency-Key"]
      const work = async (): Promise<KeptAnswer> => {
        const orderId =
          key === undefined ? randomUUID() : serviceIdOf(`bulk\0${principal.name}`, key)
        const asked = orderOf(controller.network(), orderId, body)
        const order = bulkOrderView(await place(asked, principal))
        return {
          status: 201,
          headers: {
            Location: `/api/v1/bulk-orders/${encodeURIComponent(order.orderId)}`,
            ETag: etagOf(order),
          },
          body: order,
        }
      }
      const answer =
        key === undefined ? await work() : await kept.run(principal.name, key, body, work)
      response.status(answer.status).set(answer.headers).json(answer.body)
    },

    cancelBulk: async (call) => {
      const principal = demand(call.principal, "change")
      const orderId = call.params.orderId ?? ""
      const order = found(controller.network().orders.get(orderId), "bulk order", orderId)
      demandMatch(call, bulkOrderView(order))
      demandOk(await controller.submit({ kind: "bulk-cancelled", orderId }))
      log("info", "bulk order cancelled", { orderId, by: principal.name })
      call.response.status(204).end()
    },
  }
}
