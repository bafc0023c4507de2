// The figures that decisions are tuned with. Values only: who uses them says why.

import type { DriftPolicy } from "../model/network.js"

export interface Settings {
  /** Share of a link's secret key rate that is never promised, for authentication tags and bad hours. */
  readonly reserveShare: number
  /** Time constant of the smoothed rate that admission counts with. */
  readonly smoothingMs: number
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
  /** For nodes whose inventory entry names no policy of its own. */
  readonly drift: DriftPolicy
}

export const DEFAULT_SETTINGS: Settings = {
  reserveShare: 0.1,
  smoothingMs: 10_000,
  significantShare: 0.01,
  quietMs: 1_000,
  urgentShare: 0.2,
  holdOffMs: 2_000,
  holdOffMaxMs: 60_000,
  flapWindowMs: 60_000,
  avoidMs: 30_000,
  retryMs: 250,
  upByRateMs: 5_000,
  heardMs: 10_000,
  minStockBits: 4_096,
  transaction: "confirmed",
  confirmTimeoutS: 60,
  backupRate: "shared",
  backupsAtOnce: 64,
  preemption: "never",
  revertMs: 60_000,
  drift: "heal",
}
