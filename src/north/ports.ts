// What the north faces need from inside, as interfaces: reading comes from the controller's own port, writing
// is the narrow desk below. Nothing here decides anything.

import type { ControllerPort } from "../controller/ports.js"
import type { Service, ServiceTerms } from "../model/service.js"

/** An order as it arrives: two SAEs and terms, all names already turned into ids. */
export interface ServiceOrder {
  /** Chosen by the face, so that a repeated order with the same idempotency key names the same service. */
  readonly serviceId: string
  readonly aSaeId: string
  readonly bSaeId: string
  readonly terms: ServiceTerms
}

/** The writing side. Each call resolves once the decision is durable. */
export interface ServiceDesk {
  /**
   * Orders a service; it is `pending` until every node on its path has confirmed.
   *
   * @throws QkdError app-tag `unknown-sae`, `no-path`, `no-capacity`; `data-exists` when the id is taken.
   */
  order(order: ServiceOrder): Promise<Service>
  /**
   * Starts taking a service down.
   *
   * @throws QkdError `data-missing` when there is none.
   */
  cancel(serviceId: string): Promise<void>
}

/** Reads and writes of one controller. */
export interface North {
  readonly controller: ControllerPort
  readonly desk: ServiceDesk
}

/** Where the faces report what happened; never given tokens, codes or cookies. */
export type NorthLog = (
  level: "debug" | "info" | "warn" | "error",
  message: string,
  facts?: Readonly<Record<string, string | number | boolean>>,
) => void
