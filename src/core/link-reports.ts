// What the two ends of a link report, brought together: the worse of both counts. Says whether the link came up or
// went down; what follows from that is decided in `topology-events.ts`.

import { firstRate, nextRate, type SteadyTerms } from "../engine/steady-rate.js"
import type { LinkPerformance, LinkStatus } from "../model/link.js"
import type { LinkEndReport, NetworkLink } from "../model/network.js"
import { rateBps } from "./allocate.js"
import { doubtOf } from "./end-doubt.js"
import type { Settings } from "./settings.js"
import type { Turn } from "./turn.js"

export type LinkSide = "a" | "b"

/** News from one end. `status` absent: no news of it; `performance` absent likewise. */
export interface EndNews {
  readonly status?: LinkStatus
  readonly performance?: LinkPerformance
  readonly reason?: string
  readonly atMs: number
}

/** Worse is smaller: no keys at all, waiting, stock only, generating. */
const RANK: Readonly<Record<LinkStatus, number>> = { OFF: 0, PENDING: 1, PASSIVE: 2, ACTIVE: 3 }

export function sideOf(link: NetworkLink, qkdnId: string): LinkSide | undefined {
  if (link.a.qkdnId === qkdnId) return "a"
  return link.b.qkdnId === qkdnId ? "b" : undefined
}

/**
 * Takes the news into the link and writes it when it matters: a status always does, figures when one moved
 * by more than the significant share, and not more often than every `quietMs` unless it moved far.
 *
 * @returns the link as it now is.
 */
export function report(turn: Turn, link: NetworkLink, side: LinkSide, news: EndNews): NetworkLink {
  const before = side === "a" ? link.endA : link.endB
  const status = news.status ?? before.status
  const cameUp = status === "ACTIVE" && before.status !== "ACTIVE"
  const end: LinkEndReport = {
    performance: news.performance ?? (cameUp ? withoutRates(before) : before).performance,
    ...(status === undefined ? {} : { status }),
  }
  const merged = mergedStatus(
    turn,
    link,
    side === "a" ? end : link.endA,
    side === "b" ? end : link.endB,
  )
  const comesUp = merged === "ACTIVE" && link.status !== "ACTIVE"
  const other = side === "a" ? link.endB : link.endA
  const beside = comesUp ? withoutNone(other) : other
  const [endA, endB] = side === "a" ? [end, beside] : [beside, end]
  const figures = mergedPerformance(endA.performance, endB.performance)
  const moved = FIGURES.some((figure) => figures[figure] !== link.performance[figure])
  const performance = moved ? figures : link.performance
  const doubt =
    merged === "ACTIVE"
      ? doubtOf(link.doubt, endA.performance, endB.performance, news.atMs, turn.settings)
      : undefined
  // In doubt each end's own word counts, also where the worse of both stays as it is.
  const word = doubt !== undefined && end.performance.qber !== before.performance.qber
  const statusNews = status !== before.status || merged !== link.status
  const doubtNews = doubt !== link.doubt || word
  const told = statusNews || doubtNews || isNews(link, performance, news.atMs, turn.settings)
  if (!told) return link
  const { reason: oldReason, doubt: _, ...rest } = link
  const reason = merged === "ACTIVE" ? undefined : (news.reason ?? oldReason)
  const next: NetworkLink = {
    ...rest,
    endA,
    endB,
    status: merged,
    performance,
    ...(doubt === undefined ? {} : { doubt }),
    ...(reason === undefined ? {} : { reason }),
    ...(merged === link.status ? {} : { changedAt: new Date(news.atMs).toISOString() }),
    ...measured(link, merged, performance, news, turn.settings),
  }
  turn.draft.putLink(next)
  return next
}

/** What an end made while its link was down is no measurement of the link that generates. */
function withoutRates(end: LinkEndReport): LinkEndReport {
  const { skrBps: _skr, eskrBps: _eskr, ...performance } = end.performance
  return { ...end, performance }
}

/** What the other end told before the link was up: some is a measurement, since keys were made; none is not. */
function withoutNone(end: LinkEndReport): LinkEndReport {
  const { skrBps, eskrBps } = end.performance
  return skrBps === 0 || eskrBps === 0 ? withoutRates(end) : end
}

/** The worse of both ends. An end whose node is not connected is not asked when the other is. */
function mergedStatus(
  turn: Turn,
  link: NetworkLink,
  endA: LinkEndReport,
  endB: LinkEndReport,
): LinkStatus {
  const heard = (qkdnId: string): boolean => turn.draft.node(qkdnId)?.reach === "connected"
  const hearsA = heard(link.a.qkdnId)
  const hearsB = heard(link.b.qkdnId)
  const counted = [
    ...(hearsA || !hearsB ? [endA.status] : []),
    ...(hearsB || !hearsA ? [endB.status] : []),
  ].filter((status) => status !== undefined)
  const known = counted.length > 0 ? counted : [endA.status ?? endB.status ?? "PENDING"]
  return known.reduce((worst, status) => (RANK[status] < RANK[worst] ? status : worst))
}

/** Rates and stock: the lesser. Error rate and consumption: the greater. */
function mergedPerformance(a: LinkPerformance, b: LinkPerformance): LinkPerformance {
  const merged: { -readonly [K in keyof LinkPerformance]: LinkPerformance[K] } = {}
  for (const figure of FIGURES) {
    const x = a[figure]
    const y = b[figure]
    if (x === undefined && y === undefined) continue
    const greater = figure === "qber" || figure === "expectedConsumptionBps"
    merged[figure] = greater
      ? Math.max(x ?? Number.NEGATIVE_INFINITY, y ?? Number.NEGATIVE_INFINITY)
      : Math.min(x ?? Number.POSITIVE_INFINITY, y ?? Number.POSITIVE_INFINITY)
  }
  return merged
}

const FIGURES = [
  "expectedConsumptionBps",
  "skrBps",
  "eskrBps",
  "qber",
  "snrDb",
  "stockBits",
] as const satisfies readonly (keyof LinkPerformance)[]

function isNews(
  link: NetworkLink,
  performance: LinkPerformance,
  atMs: number,
  settings: Settings,
): boolean {
  let moved = 0
  for (const figure of FIGURES) {
    const before = link.performance[figure]
    const after = performance[figure]
    if (before === after) continue
    if (before === undefined || after === undefined) return true
    const scale = Math.max(Math.abs(before), Math.abs(after))
    moved = Math.max(moved, Math.abs(after - before) / scale)
  }
  const follows = lags(link, performance, settings) || rises(link, atMs, settings)
  if (moved <= settings.significantShare && !follows) return false
  const quiet = link.measuredAtMs !== undefined && atMs - link.measuredAtMs < settings.quietMs
  return !quiet || moved > settings.urgentShare
}

/** The smoothed rate is still on its way to the measured one, which itself stands still. */
function lags(link: NetworkLink, performance: LinkPerformance, settings: Settings): boolean {
  const { status, measuredAtMs, capacityBps } = link
  const rate = rateBps({ ...link, performance })
  if (status !== "ACTIVE" || measuredAtMs === undefined || rate === undefined) return false
  if (capacityBps === undefined) return true
  return Math.abs(capacityBps - rate) > settings.significantShare * Math.max(capacityBps, rate)
}

/** The steady rate has waited long enough to follow one that stands higher. */
function rises({ status, steady }: NetworkLink, atMs: number, settings: Settings): boolean {
  const since = steady?.higherSinceMs
  return status === "ACTIVE" && since !== undefined && atMs - since >= settings.riseMs
}

/** The smoothed and the steady rate follow the measured one while the link generates; otherwise they are kept. */
function measured(
  link: NetworkLink,
  status: LinkStatus,
  performance: LinkPerformance,
  news: EndNews,
  settings: Settings,
): Pick<NetworkLink, "capacityBps" | "steady" | "measuredAtMs"> {
  const { measuredAtMs, capacityBps, steady } = link
  // What one end told before the link was up as a whole is counted with as soon as it is, where nothing else is known.
  const isNew = news.performance !== undefined || (status === "ACTIVE" && steady === undefined)
  const rate = isNew ? rateBps({ ...link, performance }) : undefined
  if (rate === undefined) return {}
  if (status !== "ACTIVE") return measuredAtMs === undefined ? {} : { measuredAtMs: news.atMs }
  // The inventory's estimate is no measurement: the first one replaces it.
  const isFirst = measuredAtMs === undefined || capacityBps === undefined || steady === undefined
  // What a link tells in its first moments covers part of a period only: higher figures that follow are no rise.
  const upMs = link.changedAt === undefined ? Infinity : news.atMs - Date.parse(link.changedAt)
  const isStarting = upMs < settings.smoothingMs && rate > (capacityBps ?? 0)
  const now =
    isFirst || isStarting
      ? firstRate(rate, news.atMs)
      : nextRate(
          {
            countedBps: steady.bps,
            smoothedBps: capacityBps,
            atMs: measuredAtMs,
            ...(steady.higherSinceMs === undefined ? {} : { higherSinceMs: steady.higherSinceMs }),
          },
          rate,
          news.atMs,
          steadyTerms(settings),
        )
  return {
    capacityBps: now.smoothedBps,
    steady: {
      bps: now.countedBps,
      ...(now.higherSinceMs === undefined ? {} : { higherSinceMs: now.higherSinceMs }),
    },
    measuredAtMs: now.atMs,
  }
}

function steadyTerms({ smoothingMs, fallShare, riseShare, riseMs }: Settings): SteadyTerms {
  return { smoothingMs, fallShare, riseShare, riseMs }
}
