// What `keyloom plan services` is asked: the form of the file, and the names in it against the network. Plans nothing.

import { Ajv } from "ajv"
import { QkdError } from "../errors.js"
import type { PlanNetwork } from "./plan-network.js"
import { refuseForm } from "./refuse-form.js"

export interface ServiceDemand {
  readonly id: string
  readonly from: string
  readonly to: string
  /** Wanted, bits per second. */
  readonly rateBps: number
  /** Less is refused; all of `rateBps` unless said otherwise. */
  readonly minRateBps?: number
  /** Greater goes first; 0 unless said otherwise. */
  readonly priority?: number
}

const check = new Ajv({ allErrors: false }).compile<ServiceDemand[]>({
  type: "array",
  maxItems: 1_000_000,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["id", "from", "to", "rateBps"],
    properties: {
      id: { type: "string" },
      from: { type: "string" },
      to: { type: "string" },
      rateBps: { type: "number", exclusiveMinimum: 0 },
      minRateBps: { type: "number", minimum: 0 },
      priority: { type: "integer", minimum: 0 },
    },
  },
})

/**
 * Demands from a parsed JSON value.
 *
 * @throws QkdError `invalid-value` with the JSON pointer of the first fault: form, doubled ids, unknown names.
 */
export function readServiceDemands(value: unknown, network: PlanNetwork): readonly ServiceDemand[] {
  if (!check(value)) return refuseForm("demands", check.errors?.[0])
  const ids = new Set<string>()
  for (const [i, demand] of value.entries()) {
    const refuse = (path: string, message: string): never => {
      throw new QkdError("invalid-value", `demands /${i}${path}: ${message}`, {
        path: `/${i}${path}`,
      })
    }
    if (ids.has(demand.id)) refuse("/id", `a second demand is called "${demand.id}"`)
    ids.add(demand.id)
    for (const end of ["from", "to"] as const)
      if (!network.nodeNumbers.has(demand[end]))
        refuse(`/${end}`, `no node is called "${demand[end]}"`)
    if (demand.from === demand.to) refuse("/to", "is the node it begins at")
    if ((demand.minRateBps ?? 0) > demand.rateBps) refuse("/minRateBps", "is more than rateBps")
  }
  return value
}
