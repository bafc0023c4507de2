// What links are expected to make over time, over REST.

import type { ControllerPort } from "../controller/ports.js"
import { demand } from "./access.js"
import { found, type Handler } from "./call.js"
import { demandOk, type NorthLog } from "./ports.js"
import { assertShape } from "./validate.js"
import { linkView } from "./views.js"

/** The handlers of `PUT` and `DELETE /links/{qkdlId}/rate-profile`. */
export function rateProfileHandlers(
  controller: ControllerPort,
  log: NorthLog,
): Readonly<Record<"setRateProfile" | "deleteRateProfile", Handler>> {
  return {
    setRateProfile: async (call) => {
      const { name } = demand(call.principal, "change")
      const { body, params } = call
      assertShape("RateProfile", body)
      const qkdlId = params.qkdlId ?? ""
      found(controller.network().links.get(qkdlId), "link", qkdlId)
      demandOk(await controller.submit({ kind: "rate-profile-set", qkdlId, profile: body }))
      log("info", "rate profile set", { qkdlId, by: name })
      const link = found(controller.network().links.get(qkdlId), "link", qkdlId)
      call.response.status(200).json(linkView(link))
    },

    deleteRateProfile: async (call) => {
      const { name } = demand(call.principal, "change")
      const qkdlId = call.params.qkdlId ?? ""
      const link = found(controller.network().links.get(qkdlId), "link", qkdlId)
      found(link.rateProfile, "rate profile of link", qkdlId)
      demandOk(await controller.submit({ kind: "rate-profile-set", qkdlId, profile: null }))
      log("info", "rate profile forgotten", { qkdlId, by: name })
      call.response.status(204).end()
    },
  }
}
