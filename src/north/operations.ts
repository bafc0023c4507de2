// The operations of the REST face as data: what exists, what it takes and answers. The router binds a handler
// to each, requests are checked against it and the OpenAPI document is printed from it, so they cannot drift.

import { MAX_LIMIT } from "./lists.js"
import {
  header,
  IDEMPOTENCY_KEY,
  IF_NONE_MATCH,
  inPath,
  INTEGER,
  LIST,
  type Operation,
  query,
  unlessChanged,
  WAIT,
} from "./operation.js"

export const OPERATIONS = {
  getNetwork: {
    method: "get",
    path: "/network",
    summary: "Everything at once, with the number of the last notice it contains",
    access: "read",
    parameters: [],
    answers: { 200: { description: "The network", shape: "Network" } },
  },
  listNodes: {
    method: "get",
    path: "/nodes",
    summary: "SD-QKD nodes",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "NodeList" } },
  },
  getNode: {
    method: "get",
    path: "/nodes/{qkdnId}",
    summary: "One node",
    access: "read",
    parameters: [inPath("qkdnId", "Node id"), IF_NONE_MATCH],
    answers: { 200: { description: "The node", shape: "Node" }, 304: { description: "Unchanged" } },
  },
  listLinks: {
    method: "get",
    path: "/links",
    summary: "Physical QKD links",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "LinkList" } },
  },
  getLink: {
    method: "get",
    path: "/links/{qkdlId}",
    summary: "One link",
    access: "read",
    parameters: [inPath("qkdlId", "Link id"), IF_NONE_MATCH],
    answers: { 200: { description: "The link", shape: "Link" }, 304: { description: "Unchanged" } },
  },
  setRateProfile: {
    method: "put",
    path: "/links/{qkdlId}/rate-profile",
    summary: "What a link is expected to make over time: passes of a satellite, days and nights",
    description:
      "Bulk orders are scheduled with it: from its next change on a link is counted with the rate of the profile, until then with what is measured. A link that by its profile makes nothing now is no link that is gone. Services are promised rates by what is measured.",
    access: "change",
    parameters: [inPath("qkdlId", "Link id")],
    body: "RateProfile",
    answers: { 200: { description: "The link", shape: "Link" } },
  },
  deleteRateProfile: {
    method: "delete",
    path: "/links/{qkdlId}/rate-profile",
    summary: "Nothing is known any more of what the link will make",
    access: "change",
    parameters: [inPath("qkdlId", "Link id")],
    answers: { 204: { description: "Forgotten" } },
  },
  listServices: {
    method: "get",
    path: "/services",
    summary: "Key services",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "ServiceList" } },
  },
  orderService: {
    method: "post",
    path: "/services",
    summary: "Order a key service between two SAEs",
    description:
      "Answers at once with the service `pending`; with `Prefer: wait=N` it waits up to N seconds and answers 201 when the service is active, 202 when it is not yet. With `dryRun=true` nothing is ordered: the answer shows the path and each node's exact edit.",
    access: "change",
    parameters: [
      IDEMPOTENCY_KEY,
      WAIT,
      query("dryRun", "`true`: show what would be done, do nothing", "^(true|false)$"),
    ],
    body: "Order",
    answers: {
      200: { description: "What would be done; nothing was", shape: "DryRun" },
      201: { description: "Ordered; active when waited for", shape: "Service" },
      202: { description: "Ordered, not active within the time waited", shape: "Service" },
    },
  },
  getService: {
    method: "get",
    path: "/services/{serviceId}",
    summary: "One service",
    access: "read",
    parameters: [inPath("serviceId", "Service id"), IF_NONE_MATCH],
    answers: {
      200: { description: "The service", shape: "Service" },
      304: { description: "Unchanged" },
    },
  },
  cancelService: {
    method: "delete",
    path: "/services/{serviceId}",
    summary: "Cancel a service: it is taken down from the ends inwards, then it is gone",
    access: "change",
    parameters: [inPath("serviceId", "Service id"), unlessChanged("service")],
    answers: { 202: { description: "Being taken down" } },
  },
  listBulkOrders: {
    method: "get",
    path: "/bulk-orders",
    summary: "Bulk key orders: open ones, and those that are over and not deleted",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "BulkOrderList" } },
  },
  orderBulk: {
    method: "post",
    path: "/bulk-orders",
    summary: "Order so much key for a pair of SAEs by a deadline",
    description:
      "Taken on when it can be in time beside all that is promised, as the network is now. Else 409 `no-capacity` says how much could be delivered by the deadline (`info.bits-by-deadline`) and when all of it could be (`info.earliest-completion`); with `bestEffort` it is taken on nevertheless. With `dryRun=true` nothing is ordered: 200 shows the order as it would be.",
    access: "change",
    parameters: [
      IDEMPOTENCY_KEY,
      query("dryRun", "`true`: judge the order, do nothing", "^(true|false)$"),
    ],
    body: "BulkOrderRequest",
    answers: {
      200: { description: "As it would be; nothing was ordered", shape: "BulkOrder" },
      201: { description: "Taken on", shape: "BulkOrder" },
    },
  },
  getBulkOrder: {
    method: "get",
    path: "/bulk-orders/{orderId}",
    summary: "One bulk key order",
    access: "read",
    parameters: [inPath("orderId", "Order id"), IF_NONE_MATCH],
    answers: {
      200: { description: "The order", shape: "BulkOrder" },
      304: { description: "Unchanged" },
    },
  },
  cancelBulk: {
    method: "delete",
    path: "/bulk-orders/{orderId}",
    summary: "Cancel an open order: what is ready stays with its SAEs; forget one that is over",
    access: "change",
    parameters: [inPath("orderId", "Order id"), unlessChanged("order")],
    answers: { 204: { description: "Cancelled, or forgotten" } },
  },
  listMaintenance: {
    method: "get",
    path: "/maintenance",
    summary: "Planned maintenance that is not over",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "MaintenanceList" } },
  },
  planMaintenance: {
    method: "post",
    path: "/maintenance",
    summary: "Plan a link, or a node with all its links, out from one time to another",
    description:
      "Bulk orders are scheduled round it at once; those that will be late say so. Some time before it begins services are moved off, greatest priority first, each beside its old path; those that have no other path stay until it begins (`staying`) and are told.",
    access: "change",
    parameters: [
      header(
        "Idempotency-Key",
        "Repeating with the same key within 24 hours gives the first answer again",
        "^[\\x21-\\x7e]{1,255}$",
      ),
    ],
    body: "MaintenanceRequest",
    answers: { 201: { description: "Planned", shape: "Maintenance" } },
  },
  getMaintenance: {
    method: "get",
    path: "/maintenance/{maintenanceId}",
    summary: "One maintenance window",
    access: "read",
    parameters: [inPath("maintenanceId", "Maintenance id"), IF_NONE_MATCH],
    answers: {
      200: { description: "The window", shape: "Maintenance" },
      304: { description: "Unchanged" },
    },
  },
  changeMaintenance: {
    method: "put",
    path: "/maintenance/{maintenanceId}",
    summary: "Change a window: its times, its reason, what goes out",
    description:
      "Replaces what was planned; without `begin` it begins as before. One that has begun can be made longer, or over sooner. Who planned it stays.",
    access: "change",
    parameters: [
      inPath("maintenanceId", "Maintenance id"),
      header("If-Match", "The ETag last seen, or `*`; 412 when it has changed since"),
    ],
    body: "MaintenanceRequest",
    answers: { 200: { description: "As it is now", shape: "Maintenance" } },
  },
  cancelMaintenance: {
    method: "delete",
    path: "/maintenance/{maintenanceId}",
    summary: "Call maintenance off; where it has begun, it is over",
    access: "change",
    parameters: [
      inPath("maintenanceId", "Maintenance id"),
      header("If-Match", "The ETag last seen, or `*`; 412 when it has changed since"),
    ],
    answers: { 204: { description: "Called off" } },
  },
  reoptimise: {
    method: "post",
    path: "/reoptimisation",
    summary: "Better places for the services that stand: shown, or carried out",
    description:
      "With `dryRun` true, for any role, nothing changes. With false, for operators only, the moves are begun and shown at once (202); with `Prefer: wait=N` the answer waits up to N seconds for their end (200). 409 `in-use` while another re-optimisation is under way.",
    access: "read",
    parameters: [
      {
        ...IDEMPOTENCY_KEY,
        description:
          "Repeating with the same key within 24 hours gives the first answer again, moving nothing",
      },
      WAIT,
    ],
    body: "ReoptimisationOrder",
    answers: {
      200: { description: "What would be done, or was", shape: "Reoptimisation" },
      202: { description: "What is being done", shape: "Reoptimisation" },
    },
  },
  listApps: {
    method: "get",
    path: "/apps",
    summary: "The SAE registry: which application lives at which node",
    access: "read",
    parameters: LIST,
    answers: { 200: { description: "One page", shape: "AppList" } },
  },
  getEvents: {
    method: "get",
    path: "/events",
    summary: "The journal: notices after a number, or the last ones",
    description:
      "With an Upgrade header this address speaks the WebSocket protocol of `asyncapi.json`.",
    access: "read",
    parameters: [
      query("since", "The last number already seen", INTEGER),
      query("epoch", "The epoch that number belongs to"),
      query("without", "Types to leave out, joined by commas, such as `link.performance`"),
      query(
        "limit",
        `How many at most, 1 to ${MAX_LIMIT}; 100 unless told`,
        "^([1-9][0-9]{0,2}|1000)$",
      ),
    ],
    answers: { 200: { description: "Notices in order", shape: "Journal" } },
  },
  openSession: {
    method: "post",
    path: "/session",
    summary: "Trade a one-time code or a token for a session cookie",
    access: "open",
    parameters: [],
    body: "Login",
    answers: { 201: { description: "Signed in; sets the cookie", shape: "SessionInfo" } },
  },
  getSession: {
    method: "get",
    path: "/session",
    summary: "Who I am",
    access: "read",
    parameters: [],
    answers: { 200: { description: "The caller", shape: "SessionInfo" } },
  },
  closeSession: {
    method: "delete",
    path: "/session",
    summary: "Sign out",
    access: "read",
    parameters: [],
    answers: { 204: { description: "Signed out" } },
  },
  issueLoginCode: {
    method: "post",
    path: "/session/codes",
    summary: "A one-time login code for the page, good for five minutes; bearer tokens only",
    access: "change",
    parameters: [],
    answers: { 201: { description: "The code", shape: "LoginCode" } },
  },
  getOpenApi: {
    method: "get",
    path: "/openapi.json",
    summary: "This document",
    access: "open",
    parameters: [],
    answers: { 200: { description: "OpenAPI 3.1" } },
  },
  getAsyncApi: {
    method: "get",
    path: "/asyncapi.json",
    summary: "The WebSocket protocol of `/events`",
    access: "open",
    parameters: [],
    answers: { 200: { description: "AsyncAPI 3.0" } },
  },
  getHealth: {
    method: "get",
    path: "/healthz",
    summary: "Whether the controller answers",
    access: "open",
    parameters: [],
    answers: { 200: { description: "It does", shape: "Health" } },
  },
} as const satisfies Readonly<Record<string, Operation>>

export type OperationId = keyof typeof OPERATIONS

/** The operations with their ids, in the order written. */
export function operations(): { readonly id: OperationId; readonly operation: Operation }[] {
  return Object.entries(OPERATIONS).flatMap(([id, operation]) =>
    isOperationId(id) ? [{ id, operation }] : [],
  )
}

function isOperationId(id: string): id is OperationId {
  return Object.hasOwn(OPERATIONS, id)
}
