// What an edit of the configuration orders: the difference of two trees as events of the core, in an order in which
// each finds what it needs; and where in the tree a refused one stands. Decides nothing.

import type { OperatorEvent, Reply } from "../core/event.js"
import { QkdError } from "../errors.js"
import { appFromConfig, placeInOrder } from "../model/keyloom-app-entry.js"
import { linkFromConfig } from "../model/keyloom-link-entry.js"
import { differences } from "../model/keyloom-network.js"
import { nodeFromConfig } from "../model/keyloom-node-entry.js"
import { appPath, linkPath, nodePath } from "../model/keyloom-values.js"
import type { JsonObject } from "../yang/json-text.js"

/** One order with the entry it comes from. */
export interface PlacedOrder {
  readonly event: OperatorEvent
  readonly path: string
}

/**
 * All orders of an edit: services go before links, links before nodes; what comes, comes the other way round.
 *
 * @throws QkdError `invalid-value` for what no event can say: other SAEs for an application that is there.
 */
export function ordersBetween(previous: JsonObject, next: JsonObject): PlacedOrder[] {
  const { nodes, links, apps } = differences(previous, next)
  return [
    ...apps.removed.map(
      (id): PlacedOrder => ({
        event: { kind: "service-cancelled", serviceId: id },
        path: appPath(id),
      }),
    ),
    ...links.removed.map(
      (id): PlacedOrder => ({ event: { kind: "link-removed", qkdlId: id }, path: linkPath(id) }),
    ),
    ...nodes.removed.map(
      (id): PlacedOrder => ({ event: { kind: "node-removed", qkdnId: id }, path: nodePath(id) }),
    ),
    ...nodes.added.map(nodeOrder("node-added")),
    ...nodes.changed.map(({ after: entry }) => nodeOrder("node-changed")(entry)),
    ...links.added.map(linkOrder("link-added")),
    ...links.changed.map(({ after: entry }) => linkOrder("link-changed")(entry)),
    ...apps.added.map(appOrder),
    ...apps.changed.map(({ before: old, after: entry }) => appChange(old, entry)),
  ]
}

function nodeOrder(kind: "node-added" | "node-changed"): (entry: JsonObject) => PlacedOrder {
  return (entry) => {
    const node = nodeFromConfig(entry)
    return { event: { kind, node }, path: nodePath(node.qkdnId) }
  }
}

function linkOrder(kind: "link-added" | "link-changed"): (entry: JsonObject) => PlacedOrder {
  return (entry) => {
    const link = linkFromConfig(entry)
    return { event: { kind, link }, path: linkPath(link.qkdlId) }
  }
}

function appOrder(entry: JsonObject): PlacedOrder {
  const order = appFromConfig(entry)
  return {
    event: { kind: "service-ordered", keepsId: true, ...order },
    path: appPath(order.serviceId),
  }
}

function appChange(before: JsonObject, after: JsonObject): PlacedOrder {
  const { serviceId, aSaeId, bSaeId, terms } = appFromConfig(after)
  const old = appFromConfig(before)
  const path = appPath(serviceId)
  for (const [same, leaf] of [
    [old.aSaeId === aSaeId, "server_app_id"],
    [old.bSaeId === bSaeId, "client_app_id"],
  ] as const) {
    if (same) continue
    throw new QkdError(
      "invalid-value",
      "which applications share keys cannot be changed: remove the entry and order another",
      { path: `${path}/${leaf}` },
    )
  }
  return { event: { kind: "service-changed", serviceId, terms }, path }
}

/** A refusal as the edit's error. */
export function errorOfRefusal(
  reply: Extract<Reply, { ok: false }>,
  orders: readonly PlacedOrder[],
): QkdError {
  const order = orders[reply.part ?? 0]
  return new QkdError(reply.tag, reply.message, {
    ...(reply.appTag === undefined ? {} : { appTag: reply.appTag }),
    ...(order === undefined ? {} : { path: `${order.path}${placeInOrder(reply.path)}` }),
  })
}
