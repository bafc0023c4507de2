// Bulk orders of `keyloom consumer hsm` at the network's controller, over REST.

import type { HsmSettings } from "../consumer/hsm-config.js"
import type { OrderDesk, PlacedOrder } from "../consumer/hsm-ports.js"
import { QkdError } from "../errors.js"
import { isArray, isObject, type JsonValue } from "../yang/json-text.js"
import { askController } from "./controller-client.js"

export function orderDeskAt({
  url,
  tokenFile,
  caFile,
}: NonNullable<HsmSettings["controller"]>): OrderDesk {
  const address = { controller: url, tokenFile, ...(caFile === undefined ? {} : { caFile }) }
  return {
    place: async ({ fromSaeId, toSaeId, keys, keySizeBits, deadlineMs }) => {
      const body = {
        from: fromSaeId,
        to: toSaeId,
        keys,
        keySizeBits,
        deadline: new Date(deadlineMs).toISOString(),
        bestEffort: true,
      }
      return orderOf(await askController(address, "/bulk-orders", { method: "POST", body }))
    },
    find: async (fromSaeId, toSaeId) => {
      // A comma ends a filter's value: such ids are looked for below.
      const filter = [fromSaeId, toSaeId].some((id) => id.includes(","))
        ? ""
        : `&filter=fromSaeId:${encodeURIComponent(fromSaeId)},toSaeId:${encodeURIComponent(toSaeId)}`
      const resource = `/bulk-orders?limit=1000&sort=-createdAt${filter}`
      const answer = await askController(address, resource, { method: "GET" })
      const items = isObject(answer) && isArray(answer["items"]) ? answer["items"] : []
      const own = items.filter(
        (item) =>
          isObject(item) &&
          isObject(item["from"]) &&
          isObject(item["to"]) &&
          item["from"]["saeId"] === fromSaeId &&
          item["to"]["saeId"] === toSaeId &&
          item["state"] !== "completed" &&
          item["state"] !== "cancelled",
      )
      const [open] = own
      return open === undefined ? undefined : orderOf(open)
    },
    look: async (orderId) => {
      const resource = `/bulk-orders/${encodeURIComponent(orderId)}`
      const found = await askController(address, resource, { method: "GET", absent: 404 })
      return found === undefined ? undefined : orderOf(found)
    },
  }
}

function orderOf(json: JsonValue): PlacedOrder {
  if (isObject(json)) {
    const { orderId, state, keys, keySizeBits, deliveredBits, late, forecast } = json
    if (
      typeof orderId === "string" &&
      typeof state === "string" &&
      typeof keys === "number" &&
      typeof keySizeBits === "number" &&
      typeof deliveredBits === "number" &&
      typeof late === "boolean"
    )
      return {
        ...{ orderId, state, keys, late },
        deliveredKeys: Math.floor(deliveredBits / keySizeBits),
        ...(typeof forecast === "string" ? { forecast } : {}),
      }
  }
  throw new QkdError("malformed-message", "the controller's answer is no bulk order")
}
