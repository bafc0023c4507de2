// Which maintenance is planned, and which links it takes out when. Changes nothing.

import type { Maintenance } from "../model/maintenance.js"
import type { NetworkLink } from "../model/network.js"
import { groups } from "./memberships.js"
import { linkName, nodeName } from "./names.js"
import type { View } from "./view.js"

/** All that is not over, the earliest first. */
export function maintenanceOf(view: View): readonly Maintenance[] {
  return view
    .members(groups.maintenance)
    .flatMap((id) => view.maintenance(id) ?? [])
    .sort(
      (x, y) =>
        Date.parse(x.begin) - Date.parse(y.begin) || (x.maintenanceId < y.maintenanceId ? -1 : 1),
    )
}

/** The links that it takes out. */
export function linksOf(
  view: View,
  { qkdlId, qkdnId }: Pick<Maintenance, "qkdlId" | "qkdnId">,
): readonly string[] {
  if (qkdlId !== undefined) return view.link(qkdlId) === undefined ? [] : [qkdlId]
  return qkdnId === undefined ? [] : view.members(groups.linksAt(qkdnId))
}

/** What goes out, by the names that operators gave. */
export function targetName(
  view: View,
  { qkdlId, qkdnId }: Pick<Maintenance, "qkdlId" | "qkdnId">,
): string {
  if (qkdnId !== undefined) return nodeName(view, qkdnId)
  const link = view.link(qkdlId ?? "")
  return link === undefined ? (qkdlId ?? "") : linkName(view, link)
}

/**
 * Whether a link that is, or is about to be, in maintenance can be counted with before and afterwards: it generates, or it went
 * down when its window had begun.
 */
export function returns({ enabled, status, maintenance, changedAt }: NetworkLink): boolean {
  if (!enabled) return false
  if (status === "ACTIVE") return true
  // What is known of a link after a restart is that it is down: as planned, as far as anybody can say.
  return (
    maintenance?.stage === "out" &&
    (changedAt === undefined || Date.parse(changedAt) >= Date.parse(maintenance.begin))
  )
}
