// One window of keyloom-maintenance: what an operator plans (configuration) and how far it is (state); and what windows mean for
// links and nodes now.

import type { JsonObject } from "../yang/json-text.js"
import { compact, compactOrNone, Reader } from "./etsi015-values.js"
import { MAINTENANCE_MODULE, texts, windowPath } from "./keyloom-values.js"
import type {
  LinkMaintenance,
  Maintenance,
  MaintenanceState,
  NodeMaintenance,
} from "./maintenance.js"
import type { LinkRest } from "./rate-profile.js"

/** What is planned. */
export interface WindowOrder {
  readonly maintenanceId: string
  readonly target: { readonly qkdlId: string } | { readonly qkdnId: string }
  /** Ms since the epoch; absent: at once, or as before. */
  readonly beginMs?: number
  readonly endMs: number
  readonly reason: string
}

const STATES: Readonly<Record<MaintenanceState, string>> = {
  planned: "planned",
  draining: "draining",
  inProgress: "in-progress",
}

/** The entry as configuration, its beginning written out. */
export function windowConfig(one: Maintenance): JsonObject {
  return compact({
    maintenance_id: one.maintenanceId,
    phys_link_id: one.qkdlId,
    qkdn_id: one.qkdnId,
    begin: one.begin,
    end: one.end,
    reason: one.reason,
  })
}

/** What a valid entry plans. */
export function windowFromConfig(entry: JsonObject): WindowOrder {
  const path = windowPath(typeof entry.maintenance_id === "string" ? entry.maintenance_id : "")
  const window = new Reader(entry, path, MAINTENANCE_MODULE)
  const qkdlId = window.uuid("phys_link_id")
  const begin = window.string("begin")
  return {
    maintenanceId: window.requiredUuid("maintenance_id"),
    target: qkdlId === undefined ? { qkdnId: window.requiredUuid("qkdn_id") } : { qkdlId },
    ...(begin === undefined ? {} : { beginMs: Date.parse(begin) }),
    endMs: Date.parse(window.string("end") ?? ""),
    reason: window.string("reason") ?? "",
  }
}

/** What stands beside the configuration: the key and `state`. */
export function windowState(one: Maintenance): JsonObject {
  return {
    maintenance_id: one.maintenanceId,
    state: compact({
      window_state: STATES[one.state],
      planned_by: one.by,
      created: one.createdAt,
      staying_app_id: texts(one.staying),
    }),
  }
}

/** What a notification tells of it. */
export function windowNews(one: Maintenance | null): JsonObject {
  if (one === null) return { removed: true }
  const { phys_link_id, qkdn_id, begin, end } = windowConfig(one)
  return compact({
    ...{ removed: false, phys_link_id, qkdn_id, begin, end },
    window_state: STATES[one.state],
    staying_app_id: texts(one.staying),
  })
}

/** Members of a link's `state`. */
export function linkOutlook(maintenance?: LinkMaintenance, rests?: LinkRest): JsonObject {
  return compact({
    [`${MAINTENANCE_MODULE}:maintenance`]:
      maintenance === undefined
        ? undefined
        : {
            stage: maintenance.stage,
            maintenance_id: maintenance.maintenanceId,
            begin: maintenance.begin,
            end: maintenance.end,
          },
    [`${MAINTENANCE_MODULE}:rests`]:
      rests === undefined ? undefined : compact({ until: rests.until }),
  })
}

/** Members of a node's `state`. */
export function nodeOutlook(maintenance?: NodeMaintenance): JsonObject {
  return compact({
    [`${MAINTENANCE_MODULE}:maintenance`]: compactOrNone({
      maintenance_id: maintenance?.maintenanceId,
      end: maintenance?.end,
    }),
  })
}

/** Where a member of a window that the core names stands in the tree: `/end`, `/link`. */
export function placeInWindow(path: string | undefined): string {
  return (
    { "/begin": "/begin", "/end": "/end", "/link": "/phys_link_id", "/node": "/qkdn_id" }[
      path ?? ""
    ] ?? ""
  )
}
