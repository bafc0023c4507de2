// What the north faces need from inside, and the narrow writing side they make of the controller's `submit`.
// Nothing here decides anything.

import type {
  BulkOrderEvent,
  BulkVerdict,
  ControllerPort,
  OrderEvent,
  Rehearsal,
  Reply,
} from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { Service, ServiceTerms } from "../model/service.js"

/** An order as it arrives: two SAEs and terms, all names already turned into ids. */
export interface ServiceOrder {
  /** Chosen by the face, so that a repeated order with the same idempotency key names the same service. */
  readonly serviceId: string
  readonly aSaeId: string
  readonly bSaeId: string
  readonly terms: ServiceTerms
}

/** Where the faces report what happened; never given tokens, codes or cookies. */
export type NorthLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  facts?: Readonly<Record<string, string | number | boolean>>,
) => void

/** As the order's body spells it: flat, its ends called `a` and `b`. */
function pathInBody(path: string): string {
  return path.replace(/^\/terms(?=\/)/, "").replace(/^\/([ab])SaeId$/, "/$1")
}

/** The id of what was decided on. */
export function demandOk(reply: Reply): string | undefined {
  if (reply.ok) return reply.id
  throw new QkdError(reply.tag, reply.message, {
    ...(reply.appTag === undefined ? {} : { appTag: reply.appTag }),
    ...(reply.info === undefined ? {} : { info: reply.info }),
    ...(reply.path === undefined ? {} : { path: pathInBody(reply.path) }),
  })
}

/**
 * Orders a service and resolves once the decision is durable; the service is `pending` until every node on
 * its path has confirmed.
 *
 * @throws QkdError as the controller refused (`unknown-sae`, `no-path`, `no-capacity`), `data-exists` when the
 * id is taken, `resource-denied` when the controller's queue is full.
 */
export async function orderService(
  controller: ControllerPort,
  order: ServiceOrder,
): Promise<Service> {
  // A pair whose SAEs have asked already keeps that service, and its id: the order takes it over.
  const id = demandOk(await controller.submit({ kind: "service-ordered", ...order }))
  const service = controller.network().services.get(id ?? order.serviceId)
  if (service === undefined) throw new QkdError("operation-failed", "the service is already gone")
  return service
}

/**
 * What an order would come to; nothing changes.
 *
 * @throws QkdError as the order itself would be refused, `operation-not-supported` where it cannot be told.
 */
export async function rehearse(controller: ControllerPort, order: OrderEvent): Promise<Rehearsal> {
  const rehearsal = await controller.rehearse?.(order)
  if (rehearsal === undefined)
    throw new QkdError("operation-not-supported", "this controller cannot try an order")
  demandOk(rehearsal.reply)
  return rehearsal
}

/**
 * A bulk order tried; nothing changes.
 *
 * @throws QkdError `operation-not-supported` where it cannot be told.
 */
export function judgeBulk(controller: ControllerPort, order: BulkOrderEvent): BulkVerdict {
  const verdict = controller.judgeBulk?.(order)
  if (verdict === undefined)
    throw new QkdError("operation-not-supported", "this controller cannot try an order")
  return verdict
}

/**
 * Starts taking a service down.
 *
 * @throws QkdError `data-missing` when there is none.
 */
export async function cancelService(controller: ControllerPort, serviceId: string): Promise<void> {
  demandOk(await controller.submit({ kind: "service-cancelled", serviceId }))
}
