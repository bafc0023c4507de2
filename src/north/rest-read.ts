// The reading operations of the REST face: the network, its lists, single things, the journal, the documents.

import { asyncApiDocument } from "./asyncapi.js"
import { answerOne, type Call, found, type Handler } from "./call.js"
import { APPS, BULK_ORDERS, LINKS, MAINTENANCE, NODES, SERVICES } from "./collections.js"
import { type Collection, DEFAULT_LIMIT, page } from "./lists.js"
import { openApiDocument } from "./openapi.js"
import type { OperationId } from "./operations.js"
import { HttpFault } from "./problem.js"
import {
  appViews,
  bulkOrderView,
  linkView,
  maintenanceView,
  networkView,
  nodeView,
  noticeView,
  serviceView,
} from "./views.js"
import type { ControllerPort, Notice } from "../controller/ports.js"

export type ReadOperation = Extract<
  OperationId,
  | `list${string}`
  | "getNetwork"
  | "getNode"
  | "getLink"
  | "getService"
  | "getBulkOrder"
  | "getMaintenance"
  | "getEvents"
  | "getOpenApi"
  | "getAsyncApi"
  | "getHealth"
>

/** The farthest back that is looked for notices. */
const JOURNAL_REACH = 1 << 14

/** Everything still held, as far as a power of two reaches. */
function held(controller: ControllerPort): readonly Notice[] {
  const last = controller.lastSeq()
  for (let back = JOURNAL_REACH; back >= 1; back >>= 1) {
    const notices = controller.noticesSince(Math.max(0, last - back))
    if (notices !== null) return notices
  }
  return []
}

function journal(controller: ControllerPort, call: Call): void {
  const { epoch, since, without } = call.query
  const limit = Number(call.query.limit ?? DEFAULT_LIMIT)
  if (epoch !== undefined && since !== undefined && epoch !== controller.epoch) {
    throw new HttpFault(409, "data-missing", "that number is of another epoch: read /network", {
      path: "?epoch",
      info: { epoch: controller.epoch },
    })
  }
  const notices = since === undefined ? held(controller) : controller.noticesSince(Number(since))
  if (notices === null) {
    throw new HttpFault(409, "data-missing", "the journal no longer holds these: read /network", {
      path: "?since",
    })
  }
  const unwanted = new Set(without?.split(","))
  const wanted = notices.filter((notice) => !unwanted.has(notice.type))
  call.response.json({
    epoch: controller.epoch,
    seq: controller.lastSeq(),
    items: (since === undefined ? wanted.slice(-limit) : wanted.slice(0, limit)).map(noticeView),
  })
}

/** The handlers of everything that only reads. */
export function readHandlers(controller: ControllerPort): Readonly<Record<ReadOperation, Handler>> {
  const openApi = openApiDocument()
  const asyncApi = asyncApiDocument()

  const list = <T extends object>(
    call: Call,
    collection: Collection<T>,
    all: Iterable<T>,
  ): void => {
    const { items, next } = page(collection, all, call.query)
    if (next !== undefined) {
      const url = new URL(call.request.originalUrl, "http://keyloom")
      url.searchParams.set("cursor", next)
      call.response.set("Link", `<${url.pathname}${url.search}>; rel="next"`)
    }
    call.response.json({
      epoch: controller.epoch,
      seq: controller.lastSeq(),
      items,
      ...(next === undefined ? {} : { next }),
    })
  }

  return {
    getNetwork: ({ response }) => {
      response.json(networkView(controller.network(), controller.epoch, controller.lastSeq()))
    },
    listNodes: (call) => {
      list(call, NODES, [...controller.network().nodes.values()].map(nodeView))
    },
    listLinks: (call) => {
      list(call, LINKS, [...controller.network().links.values()].map(linkView))
    },
    listServices: (call) => {
      list(call, SERVICES, [...controller.network().services.values()].map(serviceView))
    },
    listBulkOrders: (call) => {
      list(call, BULK_ORDERS, [...controller.network().orders.values()].map(bulkOrderView))
    },
    listMaintenance: (call) => {
      list(call, MAINTENANCE, [...controller.network().maintenance.values()].map(maintenanceView))
    },
    listApps: (call) => {
      list(call, APPS, appViews(controller.network()))
    },
    getNode: (call) => {
      const id = call.params.qkdnId ?? ""
      answerOne(call, nodeView(found(controller.network().nodes.get(id), "node", id)))
    },
    getLink: (call) => {
      const id = call.params.qkdlId ?? ""
      answerOne(call, linkView(found(controller.network().links.get(id), "link", id)))
    },
    getService: (call) => {
      const id = call.params.serviceId ?? ""
      answerOne(call, serviceView(found(controller.network().services.get(id), "service", id)))
    },
    getBulkOrder: (call) => {
      const id = call.params.orderId ?? ""
      answerOne(call, bulkOrderView(found(controller.network().orders.get(id), "bulk order", id)))
    },
    getMaintenance: (call) => {
      const id = call.params.maintenanceId ?? ""
      const one = found(controller.network().maintenance.get(id), "maintenance", id)
      answerOne(call, maintenanceView(one))
    },
    getEvents: (call) => {
      journal(controller, call)
    },
    getOpenApi: ({ response }) => {
      response.json(openApi)
    },
    getAsyncApi: ({ response }) => {
      response.json(asyncApi)
    },
    getHealth: ({ response }) => {
      response.json({ status: "ok" })
    },
  }
}
