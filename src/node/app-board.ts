// The live side of a node's applications: status, creation time, statistics by period, expiry. Time and
// figures are arguments; what is to be told comes back as events.

import type { AppConfig, AppState, AppStatistics, AppStatus, AppSupply } from "../model/app.js"
import type { AppDelivery } from "../model/etsi015-app.js"
import type { NodeEvent } from "../model/node.js"

interface Live {
  config: AppConfig
  readonly createdAt: string
  readonly rows: AppStatistics[]
  periodStart: number
  bitsAtStart: bigint
  refusedRequests: number
  expiryTold: boolean
  /** What was told of keys ordered ahead. */
  suppliedTold?: AppSupply & { readonly atMs: number }
}

/** Of keys ordered ahead it is told at most so often. */
const SUPPLY_INTERVAL_MS = 1000

export interface AppBoardLimits {
  readonly periodS: number
  readonly rows: number
}

export class AppBoard {
  readonly #apps = new Map<string, Live>()

  constructor(private readonly limits: AppBoardLimits) {}

  /** The configuration has changed. @param createdAt creation times that are known, RFC 3339 */
  configure(
    apps: readonly AppConfig[],
    createdAt: Readonly<Record<string, string>>,
    now: number,
    deliveredBits: (appId: string) => bigint,
  ): void {
    const kept = new Set(apps.map((app) => app.appId))
    for (const appId of this.#apps.keys()) if (!kept.has(appId)) this.#apps.delete(appId)
    for (const config of apps) {
      const live = this.#apps.get(config.appId)
      if (live !== undefined) {
        if (live.config.expiresAt !== config.expiresAt) live.expiryTold = false
        live.config = config
        continue
      }
      this.#apps.set(config.appId, {
        config,
        createdAt: createdAt[config.appId] ?? new Date(now).toISOString(),
        rows: [],
        periodStart: now,
        bitsAtStart: deliveredBits(config.appId),
        refusedRequests: 0,
        // Expired before it came to us: known to whoever wrote it.
        expiryTold: isExpired(config, now),
      })
    }
  }

  /** Ends periods that are over, and tells of applications whose time is over. */
  tick(now: number, deliveredBits: (appId: string) => bigint): NodeEvent[] {
    const events: NodeEvent[] = []
    for (const live of this.#apps.values()) {
      this.#endPeriod(live, now, deliveredBits(live.config.appId))
      if (live.expiryTold || !isExpired(live.config, now)) continue
      live.expiryTold = true
      const { appId } = live.config
      events.push(
        { kind: "app-disconnected", appId },
        {
          kind: "event",
          resource: { kind: "app", appId, status: "OUT-OF-TIME" },
          message: "expiration_time has passed",
          severity: "MINOR",
        },
      )
    }
    return events
  }

  /** What has become of keys ordered ahead, where it differs from what was told last. */
  supplies(now: number, supplyOf: (appId: string) => AppSupply | undefined): NodeEvent[] {
    const events: NodeEvent[] = []
    for (const live of this.#apps.values()) {
      const { appId, ordered } = live.config
      if (ordered === undefined) {
        delete live.suppliedTold
        continue
      }
      const told = live.suppliedTold
      if (told !== undefined && now - told.atMs < SUPPLY_INTERVAL_MS) continue
      const supply = supplyOf(appId)
      if (supply === undefined) continue
      if (told?.suppliedBits === supply.suppliedBits && told.readyBits === supply.readyBits)
        continue
      live.suppliedTold = { ...supply, atMs: now }
      events.push({ kind: "app-supply", appId, supply })
    }
    return events
  }

  /** A request of this application's SAEs got no key. */
  refused(appId: string): void {
    const live = this.#apps.get(appId)
    if (live !== undefined) live.refusedRequests += 1
  }

  now(
    appId: string,
    nowMs: number,
    deliveredBits: bigint,
    supply?: AppSupply,
  ):
    | (Pick<AppState, "status" | "createdAt" | "statistics"> & { delivery: AppDelivery })
    | undefined {
    const live = this.#apps.get(appId)
    if (live === undefined) return undefined
    return {
      status: appStatus(live.config, nowMs),
      createdAt: live.createdAt,
      statistics: live.rows,
      delivery: {
        deliveredBits,
        refusedRequests: live.refusedRequests,
        ...supply,
      },
    }
  }

  /** Periods without consumption leave no row: a node with a thousand idle applications stays readable. */
  #endPeriod(live: Live, now: number, bits: bigint): void {
    const periodMs = this.limits.periodS * 1000
    if (now - live.periodStart < periodMs) return
    const consumedBits = Number(bits - live.bitsAtStart)
    if (consumedBits > 0) {
      live.rows.push({
        startTime: new Date(live.periodStart).toISOString(),
        endTime: new Date(now).toISOString(),
        consumedBits,
      })
      if (live.rows.length > this.limits.rows) live.rows.shift()
    }
    live.periodStart = now
    live.bitsAtStart = bits
  }
}

export function isExpired(app: AppConfig, nowMs: number): boolean {
  return app.expiresAt !== undefined && Date.parse(app.expiresAt) <= nowMs
}

/** APP-STATUS-TYPES: without a link behind it an application is disconnected. */
export function appStatus(app: AppConfig, nowMs: number): AppStatus {
  if (isExpired(app, nowMs)) return "OUT-OF-TIME"
  return app.backingQkdlIds.length === 0 ? "DISCONNECTED" : "ON"
}
