// Planned maintenance over REST: names to ids, idempotency. What follows from it is the controller's.

import { randomUUID } from "node:crypto"
import { isDeepStrictEqual } from "node:util"
import type { ControllerPort } from "../controller/ports.js"
import type { OperatorEvent } from "../core/event.js"
import { QkdError } from "../errors.js"
import type { Maintenance } from "../model/maintenance.js"
import type { Network } from "../model/network.js"
import { type Principal, demand } from "./access.js"
import { demandMatch, etagOf, found, type Handler } from "./call.js"
import { Idempotency, type KeptAnswer, reused, serviceIdOf } from "./idempotency.js"
import { demandOk, type NorthLog } from "./ports.js"
import { linkId, nodeId } from "./rest-services.js"
import { assertShape, type MaintenanceBody } from "./validate.js"
import { maintenanceView } from "./views.js"

type Planned = Extract<OperatorEvent, { readonly kind: "maintenance-planned" }>

type Wanted = Pick<Planned, "target" | "beginMs" | "endMs" | "reason">

/** @throws QkdError with the JSON pointer of what cannot be. */
function wantedOf(network: Network, { link, node, begin, end, reason }: MaintenanceBody): Wanted {
  if (link !== undefined && node !== undefined)
    throw new QkdError("invalid-value", "give either link or node", { path: "/node" })
  if (link === undefined && node === undefined)
    throw new QkdError("missing-element", "give what goes out, link or node", { path: "/link" })
  return {
    target:
      link === undefined
        ? { qkdnId: nodeId(network, node ?? "", "/node") }
        : { qkdlId: linkId(network, link, "/link") },
    ...(begin === undefined ? {} : { beginMs: Date.parse(begin) }),
    endMs: Date.parse(end),
    reason,
  }
}

function isSame(known: Maintenance, asked: Planned): boolean {
  const { qkdlId, qkdnId } = known
  const target = qkdlId === undefined ? { qkdnId } : { qkdlId }
  return (
    isDeepStrictEqual(target, { ...asked.target }) &&
    (asked.beginMs === undefined || Date.parse(known.begin) === asked.beginMs) &&
    Date.parse(known.end) === asked.endMs &&
    known.reason === asked.reason
  )
}

/** The handlers of `POST /maintenance`, `PUT` and `DELETE /maintenance/{maintenanceId}`. */
export function maintenanceHandlers(
  controller: ControllerPort,
  now: () => number,
  log: NorthLog,
): Readonly<Record<"planMaintenance" | "changeMaintenance" | "cancelMaintenance", Handler>> {
  const kept = new Idempotency(now)

  const plan = async (asked: Planned, principal: Principal): Promise<Maintenance> => {
    const { maintenanceId = "" } = asked
    // The id belongs to the key: what was planned before a restart is found again, not planned twice.
    const known = controller.network().maintenance.get(maintenanceId)
    if (known !== undefined) {
      if (!isSame(known, asked)) throw reused()
      return known
    }
    demandOk(await controller.submit(asked))
    const one = controller.network().maintenance.get(maintenanceId)
    if (one === undefined) throw new QkdError("operation-failed", "it is over already")
    log("info", "maintenance planned", { maintenanceId, by: principal.name })
    return one
  }

  return {
    planMaintenance: async (call) => {
      const principal = demand(call.principal, "change")
      const { body, response } = call
      assertShape("MaintenanceRequest", body)
      const key = call.headers["Idempotency-Key"]
      const work = async (): Promise<KeptAnswer> => {
        const { name } = principal
        const id = key === undefined ? randomUUID() : serviceIdOf(`maintenance\0${name}`, key)
        const wanted = wantedOf(controller.network(), body)
        const asked = {
          kind: "maintenance-planned",
          maintenanceId: id,
          ...wanted,
          by: name,
        } as const
        const view = maintenanceView(await plan(asked, principal))
        return {
          status: 201,
          headers: {
            Location: `/api/v1/maintenance/${encodeURIComponent(view.maintenanceId)}`,
            ETag: etagOf(view),
          },
          body: view,
        }
      }
      const answer =
        key === undefined ? await work() : await kept.run(principal.name, key, body, work)
      response.status(answer.status).set(answer.headers).json(answer.body)
    },

    changeMaintenance: async (call) => {
      const principal = demand(call.principal, "change")
      const { body, response } = call
      assertShape("MaintenanceRequest", body)
      const maintenanceId = call.params.maintenanceId ?? ""
      const window = (): Maintenance =>
        found(controller.network().maintenance.get(maintenanceId), "maintenance", maintenanceId)
      demandMatch(call, maintenanceView(window()))
      const wanted = wantedOf(controller.network(), body)
      demandOk(await controller.submit({ kind: "maintenance-changed", maintenanceId, ...wanted }))
      log("info", "maintenance changed", { maintenanceId, by: principal.name })
      const view = maintenanceView(window())
      response
        .status(200)
        .set({ ETag: etagOf(view) })
        .json(view)
    },

    cancelMaintenance: async (call) => {
      const principal = demand(call.principal, "change")
      const maintenanceId = call.params.maintenanceId ?? ""
      const known = controller.network().maintenance.get(maintenanceId)
      demandMatch(call, maintenanceView(found(known, "maintenance", maintenanceId)))
      demandOk(await controller.submit({ kind: "maintenance-cancelled", maintenanceId }))
      log("info", "maintenance called off", { maintenanceId, by: principal.name })
      call.response.status(204).end()
    },
  }
}
