// What an edit of the configuration orders: the difference of two trees as events of the core, in an order in which
// each finds what it needs; and where in the tree a refused one stands. Decides nothing.

import type { OperatorEvent, Reply } from "../core/event.js"
import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import { appFromConfig, placeInOrder } from "../model/keyloom-app-entry.js"
import { linkFromConfig } from "../model/keyloom-link-entry.js"
import {
  type ConfigList,
  differences,
  type EntryChange,
  LIST_KEYS,
} from "../model/keyloom-network.js"
import { placeInProfile, rateProfileFromConfig, saySame } from "../model/keyloom-rate-profile.js"
import { placeInWindow, windowFromConfig } from "../model/keyloom-window-entry.js"
import { nodeFromConfig } from "../model/keyloom-node-entry.js"
import { appPath, linkPath, nodePath, windowPath } from "../model/keyloom-values.js"
import type { JsonObject } from "../yang/json-text.js"

/** One order with the entry it comes from. */
export interface PlacedOrder {
  readonly event: OperatorEvent
  readonly path: string
  /** What the edit makes of the entry. */
  readonly wanted: EntryChange
  /** Where in the entry something stands that the core names. */
  place(path: string | undefined): string
}

/**
 * All orders of an edit: services go before links, links before nodes; what comes, comes the other way round. Maintenance is
 * called off first, and planned before services come, so that they go round it.
 *
 * @param by who edits
 * @throws QkdError `invalid-value` for what no event can say: other SAEs for an application that is there, an id that is
 *   not in its canonical form.
 */
export function ordersBetween(previous: JsonObject, next: JsonObject, by: string): PlacedOrder[] {
  const { nodes, links, apps, windows } = differences(previous, next)
  return [
    ...windows.removed.map((id) =>
      gone("windows", id, { kind: "maintenance-cancelled", maintenanceId: id }),
    ),
    ...apps.removed.map((id) => gone("apps", id, { kind: "service-cancelled", serviceId: id })),
    ...links.removed.map((id) => gone("links", id, { kind: "link-removed", qkdlId: id })),
    ...nodes.removed.map((id) => gone("nodes", id, { kind: "node-removed", qkdnId: id })),
    ...nodes.added.map((entry) => canonical("nodes", entry, nodeOrder("node-added", entry))),
    ...nodes.changed.map(({ after }) => nodeOrder("node-changed", after)),
    ...links.added.flatMap((entry) => [
      canonical("links", entry, linkOrder("link-added", entry)),
      ...(rateProfileFromConfig(entry) === null ? [] : [profileOrder(entry)]),
    ]),
    ...links.changed.flatMap(({ before, after }) => linkChange(before, after)),
    ...windows.added.map((entry) => canonical("windows", entry, windowOrder(entry, by))),
    ...windows.changed.map(({ after }) => windowChange(after)),
    ...apps.added.map((entry) => canonical("apps", entry, appOrder(entry))),
    ...apps.changed.map(({ before, after }) => appChange(before, after)),
  ]
}

const PATHS: Readonly<Record<ConfigList, (id: string) => string>> = {
  nodes: nodePath,
  links: linkPath,
  apps: appPath,
  windows: windowPath,
}

function gone(list: ConfigList, id: string, event: OperatorEvent): PlacedOrder {
  return placed(event, list, id, null)
}

function placed(
  event: OperatorEvent,
  list: ConfigList,
  id: string,
  entry: JsonObject | null,
  place: PlacedOrder["place"] = () => "",
): PlacedOrder {
  return { event, path: PATHS[list](id), wanted: { list, id, entry }, place }
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
  return placed({ kind, node }, "nodes", node.qkdnId, entry)
}

function linkOrder(kind: "link-added" | "link-changed", entry: JsonObject): PlacedOrder {
  const link = linkFromConfig(entry)
  return placed({ kind, link }, "links", link.qkdlId, entry)
}

/** What is known of its rate is an order of its own. */
function linkChange(before: JsonObject, after: JsonObject): PlacedOrder[] {
  const isKnown = saySame(rateProfileFromConfig(before), rateProfileFromConfig(after))
  const isAsIs = isDeepStrictEqual(linkFromConfig(before), linkFromConfig(after))
  return [
    ...(isAsIs && !isKnown ? [] : [linkOrder("link-changed", after)]),
    ...(isKnown ? [] : [profileOrder(after)]),
  ]
}

function profileOrder(entry: JsonObject): PlacedOrder {
  const { qkdlId } = linkFromConfig(entry)
  const profile = rateProfileFromConfig(entry)
  return placed({ kind: "rate-profile-set", qkdlId, profile }, "links", qkdlId, entry, (path) =>
    placeInProfile(profile, path),
  )
}

function windowOrder(entry: JsonObject, by: string): PlacedOrder {
  const window = windowFromConfig(entry)
  const event = { kind: "maintenance-planned", ...window, by } as const
  return placed(event, "windows", window.maintenanceId, entry, placeInWindow)
}

function windowChange(entry: JsonObject): PlacedOrder {
  const window = windowFromConfig(entry)
  const event = { kind: "maintenance-changed", ...window } as const
  return placed(event, "windows", window.maintenanceId, entry, placeInWindow)
}

function appOrder(entry: JsonObject): PlacedOrder {
  const order = appFromConfig(entry)
  const id = order.serviceId
  const event = { kind: "service-ordered", keepsId: true, ...order } as const
  return placed(event, "apps", id, entry, placeInOrder)
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
  const event = { kind: "service-changed", serviceId: id, terms } as const
  return placed(event, "apps", id, entry, placeInOrder)
}

/** A refusal as the edit's error. */
export function errorOfRefusal(
  reply: Extract<Reply, { ok: false }>,
  orders: readonly PlacedOrder[],
): QkdError {
  const order = orders[reply.part ?? 0]
  return new QkdError(reply.tag, reply.message, {
    ...(reply.appTag === undefined ? {} : { appTag: reply.appTag }),
    ...(order === undefined ? {} : { path: `${order.path}${order.place(reply.path)}` }),
  })
}
