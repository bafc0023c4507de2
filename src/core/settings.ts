// The figures that decisions are tuned with. Values only: who uses them says why.

import type { DriftPolicy } from "../model/network.js"

export interface Settings {
  /** Share of a link's secret key rate that is never promised, for authentication tags and bad hours. */
  readonly reserveShare: number
  /** Time constant of the smoothed rate that admission counts with. */
  readonly smoothingMs: number
  /**
   * The steady rate of a link, out of which the surplus is shared: it follows down when the smoothed one is lower by
   * `fallShare`, and up when that has been higher by `riseShare` for `riseMs`.
   */
  readonly fallShare: number
  readonly riseShare: number
  readonly riseMs: number
  /** The surplus is shared anew at most this often. */
  readonly surplusBeatMs: number
  /** What a service may take is told anew when it differs by this share of it, or the links cannot bear it. */
  readonly surplusStepShare: number
  /** Share of what a link has left that is not lent: who has no maximum lives of it, and drifts are not told to anyone. */
  readonly surplusMarginShare: number
  /** Stock that is never lent, and for how long what lies above it must last. */
  readonly stockFloorBits: number
  readonly stockHorizonMs: number
  /**
   * Shares of all promisable rate that is promised: above the first, new services are refused paths over several nearly
   * full links; below the second no longer.
   */
  readonly overloadAbove: number
  readonly overloadBelow: number
  /** A figure that moved by less than this share is not news to anyone. */
  readonly significantShare: number
  /** A link's figures are told at most this often, unless one moved by more than `urgentShare`. */
  readonly quietMs: number
  readonly urgentShare: number
  /** A link that came back is avoided by new paths for this long; doubled for each flap, up to the maximum. */
  readonly holdOffMs: number
  readonly holdOffMaxMs: number
  /** A link that stayed up this long after its hold-off starts counting flaps anew. */
  readonly flapWindowMs: number
  /** A node that failed a path of a service is left out of that service's paths for this long. */
  readonly avoidMs: number
  /** Failed and degraded services are tried again this long after the network changed: gathers changes. */
  readonly retryMs: number
  /** A down link whose end reports key generation this long after the loss is taken to be up again. */
  readonly upByRateMs: number
  /** Error rates of a link's two ends differ when by more than this, and than this share of the greater one, for so long. */
  readonly doubtQber: number
  readonly doubtShare: number
  readonly doubtMs: number
  /** A node's last-heard time is written at most this often. */
  readonly heardMs: number
  /** Stock that a link which is not generating must hold before a best-effort path may use it. */
  readonly minStockBits: number
  /**
   * `confirmed`: what several nodes must take together is provisional at each until all of them have it, where they
   * offer that; but for the first path of a pair whose SAE is waiting, which takes the shortest way. `always-confirmed`:
   * that too. `desired-state`: each node is told for good, and a failure is undone by telling again.
   */
  readonly transaction: "confirmed" | "always-confirmed" | "desired-state"
  /** After so long a node takes a provisional change back by itself. */
  readonly confirmTimeoutS: number
  /**
   * What is kept for backups: `shared`: on each link as much as the worst single failure makes move there; `dedicated`:
   * the rate of every backup; `none`: nothing, a backup is used if there is room then.
   */
  readonly backupRate: "shared" | "dedicated" | "none"
  /** Backups sought in one decision: must not hold up the loop. */
  readonly backupsAtOnce: number
  /** Whether a service that finds no rate may take that of services of smaller priority. */
  readonly preemption: "never" | "lower-priority"
  /** A path that a revertive service left must have been whole for so long, where its terms do not say. */
  readonly revertMs: number
  /** Bulk orders: from telling the nodes of a path to its first key. */
  readonly bulkSetupMs: number
  /** Bulk orders are scheduled anew at least this often while there are any. */
  readonly bulkBeatMs: number
  /** So long before maintenance begins its links are drained. */
  readonly maintenanceLeadMs: number
  /** Maintenance that may be planned at once: each costs every schedule of bulk orders a stretch of time. */
  readonly maintenanceMost: number
  /** Bulk orders that may be open at once: each costs a share of every schedule. */
  readonly bulkMostOpen: number
  /** Completed and cancelled bulk orders that are still shown. */
  readonly bulkMostClosed: number
  /** For nodes whose inventory entry names no policy of its own. */
  readonly drift: DriftPolicy
}

export const DEFAULT_SETTINGS: Settings = {
  reserveShare: 0.1,
  smoothingMs: 10_000,
  fallShare: 0.03,
  riseShare: 0.05,
  riseMs: 60_000,
  surplusBeatMs: 10_000,
  surplusStepShare: 0.1,
  surplusMarginShare: 0.05,
  stockFloorBits: 1_000_000,
  stockHorizonMs: 600_000,
  overloadAbove: 0.8,
  overloadBelow: 0.7,
  significantShare: 0.01,
  quietMs: 1_000,
  urgentShare: 0.2,
  holdOffMs: 2_000,
  holdOffMaxMs: 60_000,
  flapWindowMs: 60_000,
  avoidMs: 30_000,
  retryMs: 250,
  upByRateMs: 5_000,
  doubtQber: 0.005,
  doubtShare: 0.25,
  doubtMs: 30_000,
  heardMs: 10_000,
  minStockBits: 4_096,
  transaction: "confirmed",
  confirmTimeoutS: 60,
  backupRate: "shared",
  backupsAtOnce: 64,
  preemption: "never",
  revertMs: 60_000,
  bulkSetupMs: 2_000,
  bulkBeatMs: 5_000,
  maintenanceLeadMs: 300_000,
  maintenanceMost: 64,
  bulkMostOpen: 256,
  bulkMostClosed: 1_000,
  drift: "heal",
}
