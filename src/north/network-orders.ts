// What an edit of the configuration orders: the difference of two trees as events of the core, in an order in which
// each finds what it needs; and where in the tree a refused one stands. Decides nothing.

import type { OperatorEvent, Reply } from "../core/event.js"
import { QkdError } from "../errors.js"
import { appFromConfig, placeInOrder } from "../model/keyloom-app-entry.js"
import { linkFromConfig } from "../model/keyloom-link-entry.js"
import {
  type ConfigList,
  differences,
  type EntryChange,
  LIST_KEYS,
} from "../model/keyloom-network.js"
import { nodeFromConfig } from "../model/keyloom-node-entry.js"
import { appPath, linkPath, nodePath } from "../model/keyloom-values.js"
import type { JsonObject } from "../yang/json-text.js"

/** One order with the entry it comes from. */
export interface PlacedOrder {
  readonly event: OperatorEvent
  readonly path: string
  /** What the edit makes of the entry. */
  readonly wanted: EntryChange
}

/**
 * All orders of an edit: services go before links, links before nodes; what comes, comes the other way round.
 *
 * @throws QkdError `invalid-value` for what no event can say: other SAEs for an application that is there, an id that is
 *   not in its canonical form.
 */
export function ordersBetween(previous: JsonObject, next: JsonObject): PlacedOrder[] {
  const { nodes, links, apps } = differences(previous, next)
  return [
    ...apps.removed.map((id) => gone("apps", id, { kind: "service-cancelled", serviceId: id })),
    ...links.removed.map((id) => gone("links", id, { kind: "link-removed", qkdlId: id })),
    ...nodes.removed.map((id) => gone("nodes", id, { kind: "node-removed", qkdnId: id })),
    ...nodes.added.map((entry) => canonical("nodes", entry, nodeOrder("node-added", entry))),
    ...nodes.changed.map(({ after }) => nodeOrder("node-changed", after)),
    ...links.added.map((entry) => canonical("links", entry, linkOrder("link-added", entry))),
    ...links.changed.map(({ after }) => linkOrder("link-changed", after)),
    ...apps.added.map((entry) => canonical("apps", entry, appOrder(entry))),
    ...apps.changed.map(({ before, after }) => appChange(before, after)),
  ]
}

const PATHS: Readonly<Record<ConfigList, (id: string) => string>> = {
  nodes: nodePath,
  links: linkPath,
  apps: appPath,
}

function gone(list: ConfigList, id: string, event: OperatorEvent): PlacedOrder {
  return { event, path: PATHS[list](id), wanted: { list, id, entry: null } }
}

/** Nodes and the network know one form of an id (RFC 6991 `uuid`): two entries must not be one thing. */
function canonical(list: ConfigList, entry: JsonObject, order: PlacedOrder): PlacedOrder {
  const written = entry[LIST_KEYS[list]]
  if (typeof written !== "string") return order
  if (written === order.wanted.id) return order
  throw new QkdError("invalid-value", "an id is written in lower case", {
    path: `${PATHS[list](written)}/${LIST_KEYS[list]}`,
  })
}

function nodeOrder(kind: "node-added" | "node-changed", entry: JsonObject): PlacedOrder {
  const node = nodeFromConfig(entry)
  const id = node.qkdnId
  return { event: { kind, node }, path: nodePath(id), wanted: { list: "nodes", id, entry } }
}

function linkOrder(kind: "link-added" | "link-changed", entry: JsonObject): PlacedOrder {
  const link = linkFromConfig(entry)
  const id = link.qkdlId
  return { event: { kind, link }, path: linkPath(id), wanted: { list: "links", id, entry } }
}

function appOrder(entry: JsonObject): PlacedOrder {
  const order = appFromConfig(entry)
  const id = order.serviceId
  return {
    event: { kind: "service-ordered", keepsId: true, ...order },
    path: appPath(id),
    wanted: { list: "apps", id, entry },
  }
}

function appChange(before: JsonObject, entry: JsonObject): PlacedOrder {
  const { serviceId: id, aSaeId, bSaeId, terms } = appFromConfig(entry)
  const old = appFromConfig(before)
  const path = appPath(id)
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
  return {
    event: { kind: "service-changed", serviceId: id, terms },
    path,
    wanted: { list: "apps", id, entry },
  }
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
