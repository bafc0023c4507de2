// Planned maintenance: a link, or a node with all its links, is out from one time to another. Who asked for it and why; how far
// it is; and which services could not be moved off beforehand.

/**
 * - `planned`: nothing is done about it yet, but that bulk orders are scheduled round it
 * - `draining`: it begins soon: what can move has moved or does, and no new path is put there
 * - `inProgress`: what it takes out counts as gone, and that it is gone is no alarm
 */
export type MaintenanceState = "planned" | "draining" | "inProgress"

export interface Maintenance {
  readonly maintenanceId: string
  /** One of both is there. */
  readonly qkdlId?: string
  readonly qkdnId?: string
  /** RFC 3339. */
  readonly begin: string
  readonly end: string
  readonly reason: string
  /** Who planned it. */
  readonly by: string
  readonly state: MaintenanceState
  /** Services that stand on what goes out and have no other path, greatest priority first. */
  readonly staying: readonly string[]
  /** When those were tried last, ms since the epoch. */
  readonly triedMs?: number
  readonly createdAt: string
}

/** What maintenance means for a link now. */
export interface LinkMaintenance {
  /** `leaving`: its window is near; `out`: it has begun. */
  readonly stage: "leaving" | "out"
  readonly maintenanceId: string
  /** RFC 3339. */
  readonly begin: string
  readonly end: string
}

/** What maintenance that has begun means for a node. */
export type NodeMaintenance = Pick<LinkMaintenance, "maintenanceId" | "end">

/** `link-or-node A is in maintenance ...`: the times of a window, in words. */
export function spanOf({ begin, end }: Pick<LinkMaintenance, "begin" | "end">): string {
  return `from ${begin} until ${end}`
}
