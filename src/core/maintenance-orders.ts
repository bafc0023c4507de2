// Maintenance as operators plan it and call it off: what is planned is durable, bulk orders are scheduled round it at once.

import type { Maintenance } from "../model/maintenance.js"
import { reschedule } from "./bulk-life.js"
import type { OperatorEvent, Reply } from "./event.js"
import { stateAt, tendMaintenance } from "./maintenance.js"
import { targetName } from "./maintenance-windows.js"
import { groups } from "./memberships.js"
import type { Turn } from "./turn.js"

type Planned = Extract<OperatorEvent, { readonly kind: "maintenance-planned" }>
type Changed = Extract<OperatorEvent, { readonly kind: "maintenance-changed" }>
type Refusal = Extract<Reply, { ok: false }>

/** As far ahead as bulk orders are scheduled. */
const MAX_AHEAD_MS = 366 * 86_400_000

export function maintenancePlanned(turn: Turn, planned: Planned): Reply {
  const fault = faultOfPlan(turn, planned)
  if (fault !== undefined) return fault
  const { draft, now } = turn
  const { maintenanceId = turn.context.newId(), target, beginMs = now, endMs } = planned
  const begin = new Date(beginMs).toISOString()
  const one: Maintenance = {
    maintenanceId,
    ...target,
    begin,
    end: new Date(endMs).toISOString(),
    reason: planned.reason,
    by: planned.by,
    state: stateAt(turn, { begin }),
    staying: [],
    createdAt: turn.time(),
  }
  draft.putMaintenance(one)
  const words = `${targetName(draft, one)}, ${begin} to ${one.end}: ${one.reason}`
  turn.notify("maintenance", "maintenance.planned", maintenanceId, words)
  tendMaintenance(turn)
  reschedule(turn)
  return { ok: true, id: maintenanceId }
}

/** What it means for links, nodes and services follows at once. */
export function maintenanceChanged(turn: Turn, changed: Changed): Reply {
  const { draft } = turn
  const { maintenanceId, target, reason, endMs } = changed
  const before = draft.maintenance(maintenanceId)
  if (before === undefined)
    return refused("data-missing", `there is no maintenance ${maintenanceId}`)
  const beginMs = changed.beginMs ?? Date.parse(before.begin)
  const fault = faultOf(turn, { target, beginMs, endMs })
  if (fault !== undefined) return fault
  const begin = new Date(beginMs).toISOString()
  const end = new Date(endMs).toISOString()
  const id = maintenanceId
  const same = before.begin === begin && before.end === end && before.reason === reason
  if (same && isTarget(before, target)) return { ok: true, id }
  const { qkdlId: _link, qkdnId: _node, triedMs: _tried, ...kept } = before
  // Who stays is found anew where it is still to begin.
  const found =
    stateAt(turn, { begin }) === "inProgress" && isTarget(before, target) ? before.staying : []
  const one: Maintenance = { ...kept, ...target, begin, end, reason, staying: found }
  draft.putMaintenance(one)
  const words = `${targetName(draft, one)}, ${begin} to ${end}: ${reason}`
  turn.notify("maintenance", "maintenance.changed", id, words)
  tendMaintenance(turn)
  reschedule(turn)
  return { ok: true, id }
}

function isTarget({ qkdlId, qkdnId }: Maintenance, target: Planned["target"]): boolean {
  return "qkdlId" in target ? qkdlId === target.qkdlId : qkdnId === target.qkdnId
}

/** What has begun is over with it. */
export function maintenanceCancelled(turn: Turn, maintenanceId: string): Reply {
  const { draft } = turn
  const one = draft.maintenance(maintenanceId)
  if (one === undefined) return refused("data-missing", `there is no maintenance ${maintenanceId}`)
  draft.removeMaintenance(maintenanceId)
  turn.notify("maintenance", "maintenance.cancelled", maintenanceId, targetName(draft, one))
  tendMaintenance(turn)
  reschedule(turn)
  return { ok: true, id: maintenanceId }
}

function faultOfPlan(turn: Turn, planned: Planned): Refusal | undefined {
  const { draft, settings } = turn
  const { maintenanceId = "" } = planned
  if (draft.maintenance(maintenanceId) !== undefined)
    return refused("data-exists", `maintenance ${maintenanceId} exists`)
  const fault = faultOf(turn, planned)
  if (fault !== undefined) return fault
  const open = draft.members(groups.maintenance).length
  if (open >= settings.maintenanceMost)
    return refused("resource-denied", `${open} windows are planned: there may be no more`)
  return undefined
}

function faultOf(
  { draft, now }: Turn,
  { target, beginMs = now, endMs }: Pick<Planned, "target" | "beginMs" | "endMs">,
): Refusal | undefined {
  if ("qkdlId" in target && draft.link(target.qkdlId) === undefined)
    return refused("data-missing", `there is no link ${target.qkdlId}`, "/link")
  if ("qkdnId" in target && draft.node(target.qkdnId) === undefined)
    return refused("data-missing", `there is no node ${target.qkdnId}`, "/node")
  if (!Number.isFinite(beginMs) || beginMs > now + MAX_AHEAD_MS)
    return refused("invalid-value", "it begins within 366 days from now", "/begin")
  if (!Number.isFinite(endMs) || endMs <= beginMs)
    return refused("invalid-value", "it ends after it begins", "/end")
  if (endMs <= now) return refused("invalid-value", "its end has passed", "/end")
  if (endMs > now + 2 * MAX_AHEAD_MS)
    return refused("invalid-value", "it ends within 732 days from now", "/end")
  return undefined
}

function refused(tag: Refusal["tag"], message: string, path?: string): Refusal {
  return { ok: false, tag, message, ...(path === undefined ? {} : { path }) }
}
