// The live side of a node's links: status, rates, stock, and which 015 notifications their changes deserve.
// Time and figures are arguments; what is to be told comes back as events. Sends nothing itself.
//
//   module measurement ─▶ measured ─┐
//   module failed ──────▶ lost ─────┼─▶ status, smoothed rates ─▶ events (at most one kind a link and second)
//   once or twice a second ▶ tick ──┘
//
// There is no link-up notification in 015: a status that comes back is told as `event`.

import type { LinkConfig, LinkPerformance, LinkStatus } from "../model/link.js"
import type { LinkStock } from "../model/etsi015-link.js"
import type { NodeConfig, NodeEvent } from "../model/node.js"
import type { LinkMeasurement } from "../plugin/contract.js"
import { expectedConsumption, linksBelow } from "./agent-demand.js"
import { isMajorChange, Smoothed, sameFigures } from "./link-figures.js"
import { LinkPeriods, type PeriodLimits } from "./link-periods.js"
import type { PoolFigures } from "./ports.js"

/** A module that says nothing for so long does not generate. Modules report once a second. */
const SILENT_AFTER_MS = 5000
/** Rates are averaged over about this time. */
const RATE_TIME_MS = 2000
const USE_TIME_MS = 5000
/** Status and performance: at most one each a link in this time. */
const MIN_INTERVAL_MS = 1000
/** Small changes are told this late. */
const MAX_INTERVAL_MS = 5000

interface Live {
  config: LinkConfig
  generating: boolean
  everGenerated: boolean
  reason: string | undefined
  heardAt: number
  readonly skr: Smoothed
  readonly qber: Smoothed
  readonly authentication: Smoothed
  readonly use: Smoothed
  readonly periods: LinkPeriods
  figures: PoolFigures | undefined
  figuresAt: number
  expected: number
  /** As last told. */
  toldStatus: LinkStatus
  statusAt: number
  told: LinkPerformance
  toldAt: number
  overloadTold: number
}

export interface LinkNow {
  readonly status: LinkStatus
  readonly appIds: readonly string[]
  readonly performance: LinkPerformance
  readonly stock?: LinkStock
}

const DEFAULT_PERIODS: PeriodLimits = { periodS: 60, rows: 60 }

export class LinkBoard {
  readonly #periods: PeriodLimits
  readonly #links = new Map<string, Live>()
  #below: ReadonlyMap<string, readonly string[]> = new Map()
  #apps = new Map<string, string[]>()

  constructor(periods = DEFAULT_PERIODS) {
    this.#periods = periods
  }

  /** The configuration has changed. New entries start quiet: who wrote them knows of them. */
  configure(
    config: NodeConfig,
    now: number,
    figures: (qkdlId: string) => PoolFigures | undefined,
  ): NodeEvent[] {
    this.#below = linksBelow(config)
    const expected = expectedConsumption(config, this.#below)
    this.#apps = new Map()
    for (const app of config.apps) {
      for (const qkdlId of app.backingQkdlIds) {
        const appIds = this.#apps.get(qkdlId)
        if (appIds === undefined) this.#apps.set(qkdlId, [app.appId])
        else appIds.push(app.appId)
      }
    }
    const kept = new Set(config.links.map((link) => link.qkdlId))
    for (const qkdlId of this.#links.keys()) if (!kept.has(qkdlId)) this.#links.delete(qkdlId)
    const events: NodeEvent[] = []
    for (const link of config.links) {
      const live = this.#links.get(link.qkdlId) ?? newLive(link, now, this.#periods)
      this.#links.set(link.qkdlId, live)
      live.config = link
      live.expected = expected.get(link.qkdlId) ?? 0
      const fresh = live.figures === undefined
      live.figures = figures(link.qkdlId) ?? live.figures
      if (fresh) {
        live.toldStatus = statusOf(live)
        live.told = performanceOf(live)
      } else if (link.type === "PHYS") {
        events.push(...this.#statusEvents(live, now), ...overload(live))
      }
    }
    return events
  }

  /** A module reported on its link. Unknown links are none of ours any more. */
  measured(qkdlId: string, measurement: LinkMeasurement, now: number): NodeEvent[] {
    const live = this.#links.get(qkdlId)
    if (live === undefined) return []
    live.heardAt = now
    live.generating = measurement.generating
    live.reason = measurement.reason
    if (measurement.generating) {
      live.everGenerated = true
      live.skr.add(measurement.skrBps, now)
      if (measurement.qber !== undefined) live.qber.add(measurement.qber, now)
    } else {
      live.skr.reset()
      live.qber.reset()
      if (measurement.qber !== undefined) live.qber.add(measurement.qber, now)
    }
    return this.#statusEvents(live, now)
  }

  /** The link's module failed or was closed. */
  lost(qkdlId: string, reason: string, now: number): NodeEvent[] {
    return this.measured(qkdlId, { generating: false, skrBps: 0, reason }, now)
  }

  /** Regular look at stock, silence and slow changes. */
  tick(now: number, figures: (qkdlId: string) => PoolFigures | undefined): NodeEvent[] {
    const events: NodeEvent[] = []
    for (const live of this.#links.values()) {
      if (live.config.type !== "PHYS") continue
      takeFigures(live, figures(live.config.qkdlId), now)
      if (live.generating && now - live.heardAt > SILENT_AFTER_MS) {
        events.push(...this.lost(live.config.qkdlId, "the module is silent", now))
      } else events.push(...this.#statusEvents(live, now))
      events.push(...performanceEvents(live, now), ...overload(live))
    }
    return events
  }

  /** What `get` shows of a link; undefined for one that is not configured. */
  now(qkdlId: string): LinkNow | undefined {
    const live = this.#links.get(qkdlId)
    if (live === undefined) return undefined
    const appIds = this.#apps.get(qkdlId) ?? []
    if (live.config.type === "VIRT") return { ...this.#virtual(live), appIds }
    const stock = stockOf(live)
    return {
      status: statusOf(live),
      appIds,
      performance: performanceOf(live),
      ...(stock !== undefined && { stock }),
    }
  }

  /** A virtual link is as good as the worst physical link it uses here; the node sees no further. */
  #virtual(live: Live): Omit<LinkNow, "appIds"> {
    const order: readonly LinkStatus[] = ["ACTIVE", "PASSIVE", "PENDING", "OFF"]
    const below = (this.#below.get(live.config.qkdlId) ?? []).flatMap((qkdlId) => {
      const link = this.#links.get(qkdlId)
      return link === undefined ? [] : [link]
    })
    const worst = Math.max(...below.map((link) => order.indexOf(statusOf(link))), 0)
    const open = live.config.enabled && below.length > 0
    const rate = Math.min(...below.map((link) => performanceOf(link).eskrBps ?? 0))
    const bound = live.config.type === "VIRT" ? live.config.bandwidthBps : undefined
    const rateBps = open ? Math.min(rate, bound ?? rate) : 0
    return {
      status: open ? (order[worst] ?? "OFF") : "OFF",
      performance: {
        expectedConsumptionBps: live.expected,
        skrBps: rateBps,
        eskrBps: rateBps,
      },
    }
  }

  #statusEvents(live: Live, now: number): NodeEvent[] {
    const status = statusOf(live)
    const before = live.toldStatus
    if (status === before || now - live.statusAt < MIN_INTERVAL_MS) return []
    live.toldStatus = status
    live.statusAt = now
    const { qkdlId } = live.config
    const reason = live.reason ?? "key generation stopped"
    const said: NodeEvent = {
      kind: "event",
      resource: { kind: "link", qkdlId, status },
      message: status === "ACTIVE" ? "keys are being generated" : reason,
      severity: "MINOR",
    }
    // "Gone down unexpectedly" (015 V2.1.1): not where it was switched off.
    if (before === "ACTIVE" && live.config.enabled)
      return [{ kind: "link-down", qkdlId, reason }, said]
    if (before === "PASSIVE" && status !== "ACTIVE" && live.config.enabled)
      return [{ ...said, kind: "alarm", message: "no key left", severity: "MAJOR" }]
    return [said]
  }
}

function newLive(config: LinkConfig, now: number, periods: PeriodLimits): Live {
  return {
    config,
    generating: false,
    everGenerated: false,
    reason: undefined,
    heardAt: now,
    skr: new Smoothed(RATE_TIME_MS),
    qber: new Smoothed(RATE_TIME_MS),
    authentication: new Smoothed(USE_TIME_MS, now),
    use: new Smoothed(USE_TIME_MS, now),
    periods: new LinkPeriods(periods),
    figures: undefined,
    figuresAt: now,
    expected: 0,
    toldStatus: "PENDING",
    statusAt: Number.NEGATIVE_INFINITY,
    told: {},
    toldAt: Number.NEGATIVE_INFINITY,
    overloadTold: 0,
  }
}

/** LINK-STATUS-TYPES. A link that never ran is waiting; one that ran, stopped and has no key left is off. */
function statusOf(live: Live): LinkStatus {
  if (live.config.enabled && live.generating) return "ACTIVE"
  if ((live.figures?.stockBits ?? 0) > 0) return "PASSIVE"
  return live.config.enabled && !live.everGenerated ? "PENDING" : "OFF"
}

function performanceOf(live: Live): LinkPerformance {
  const active = live.config.enabled && live.generating
  const skrBps = active ? live.skr.value : 0
  const qber = active ? live.qber.value : undefined
  return {
    expectedConsumptionBps: live.expected,
    skrBps,
    eskrBps: Math.max(0, skrBps - live.authentication.value),
    ...(qber !== undefined && live.qber.known && { qber }),
    ...(live.figures !== undefined && { stockBits: live.figures.stockBits }),
  }
}

function stockOf(live: Live): LinkStock | undefined {
  const { figures } = live
  if (figures === undefined) return undefined
  const drain = live.use.value - (performanceOf(live).skrBps ?? 0)
  return {
    storedBits: figures.stockBits,
    generatedBits: figures.generatedBits,
    consumedBits: figures.consumedBits,
    authenticationBits: figures.authenticationBits,
    ...(figures.relayedBits !== undefined && { relayedBits: figures.relayedBits }),
    ...(figures.refusedBits !== undefined && { refusedBits: figures.refusedBits }),
    ...(figures.expiredBits !== undefined && { expiredBits: figures.expiredBits }),
    ...(live.periods.rows.length > 0 && { periods: live.periods.rows }),
    ...(drain > 0 && { timeToEmptyS: Math.floor(figures.stockBits / drain) }),
  }
}

function takeFigures(live: Live, figures: PoolFigures | undefined, now: number): void {
  const before = live.figures
  if (figures !== undefined && before !== undefined && now > live.figuresAt) {
    const seconds = (now - live.figuresAt) / 1000
    const tags = Number(figures.authenticationBits - before.authenticationBits)
    const pads = Number(figures.consumedBits - before.consumedBits)
    live.authentication.add(tags / seconds, now)
    live.use.add((tags + pads) / seconds, now)
  }
  live.periods.look(figures, now)
  live.figures = figures
  live.figuresAt = now
}

function performanceEvents(live: Live, now: number): NodeEvent[] {
  const performance = performanceOf(live)
  const wait = isMajorChange(live.told, performance) ? MIN_INTERVAL_MS : MAX_INTERVAL_MS
  if (now - live.toldAt < wait || sameFigures(live.told, performance)) return []
  live.told = performance
  live.toldAt = now
  return [{ kind: "link-performance", qkdlId: live.config.qkdlId, performance }]
}

/** Told when demand first exceeds the link, and again when it has grown since. */
function overload(live: Live): NodeEvent[] {
  const performance = performanceOf(live)
  const over = statusOf(live) === "ACTIVE" && live.expected > (performance.eskrBps ?? 0)
  if (!over) {
    // Re-armed below 95 %, so that a rate around the limit does not chatter.
    if (live.expected < 0.95 * (performance.eskrBps ?? 0)) live.overloadTold = 0
    return []
  }
  if (live.expected <= live.overloadTold) return []
  live.overloadTold = live.expected
  return [{ kind: "link-overloaded", qkdlId: live.config.qkdlId, performance }]
}
