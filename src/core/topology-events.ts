// What links and interfaces report, and what follows: a link that goes down loses its services to other paths, one
// that comes back heals them. (015 notifications `sqdkdn_link_*`, `sdqkdn_interface_*`, alarm and event.)

import type { LinkPerformance, LinkStatus } from "../model/link.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { InterfaceStatus, QkdInterface } from "../model/node.js"
import { promisableBps } from "./allocate.js"
import { type EndNews, report, sideOf } from "./link-reports.js"
import { groups } from "./memberships.js"
import { linkName } from "./names.js"
import { thinBackups } from "./backups.js"
import { tendSoon } from "./bulk-life.js"
import { moveOff } from "./restoration.js"
import { rebalance, returnTo, shorten } from "./service-life.js"
import type { Turn } from "./turn.js"
import { conditionOfLink, serves } from "./usable.js"

/** News of a link from one of its nodes. Reports of links that are not in the inventory are told and left. */
export function linkNews(turn: Turn, qkdnId: string, qkdlId: string, news: EndNews): void {
  const link = turn.draft.link(qkdlId)
  const side = link === undefined ? undefined : sideOf(link, qkdnId)
  if (link === undefined || side === undefined) return
  follow(turn, link, report(turn, link, side, news))
}

/** What a change of a link means for the services. */
export function follow(turn: Turn, before: NetworkLink, after: NetworkLink): void {
  const was = serves(before)
  const is = serves(after)
  const { qkdlId } = after
  if (was && !is) {
    turn.notify("link", "link.down", qkdlId, after.reason ?? describe(after))
    moveOff(turn, qkdlId)
    tendSoon(turn)
  } else if (!was && is) {
    holdOff(turn, before, after)
    turn.notify("link", "link.up", qkdlId)
    returnTo(turn, qkdlId)
    tendSoon(turn)
  } else if (before.status !== after.status) {
    turn.notify("link", "link.status", qkdlId, describe(after))
  }
  const gained = promisableBps(after, turn.settings) - promisableBps(before, turn.settings)
  if (is && gained > promisableBps(before, turn.settings) * turn.settings.significantShare) {
    turn.retrySoon()
  }
  if (is && gained < 0) thinBackups(turn, qkdlId)
}

function describe(link: NetworkLink): string {
  // While it is out by plan its status is news all the same.
  return link.enabled && link.maintenance !== undefined ? link.status : conditionOfLink(link)
}

/**
 * Flap damping: a link that was up before, and comes back, is the last choice of new paths for a while, longer
 * each time it flaps. Services that stand on it return at once.
 */
function holdOff(turn: Turn, before: NetworkLink, after: NetworkLink): void {
  const { settings, now } = turn
  if (before.status === "PENDING") return
  const past = before.hold
  const flapping = past !== undefined && now - past.untilMs < settings.flapWindowMs
  const flaps = flapping ? past.flaps + 1 : 1
  const ms = Math.min(settings.holdOffMs * 2 ** Math.min(flaps - 1, 16), settings.holdOffMaxMs)
  turn.draft.putLink({ ...after, hold: { untilMs: now + ms, flaps, held: true } })
  turn.wakeAt(now + ms)
}

/** Ends the hold-off of links whose time is over; asks to be woken for the rest. */
export function releaseHeld(turn: Turn): void {
  const released: string[] = []
  for (const qkdlId of turn.draft.members(groups.heldLinks)) {
    const link = turn.draft.link(qkdlId)
    if (link?.hold === undefined) continue
    if (link.hold.untilMs > turn.now) {
      turn.wakeAt(link.hold.untilMs)
      continue
    }
    turn.draft.putLink({ ...link, hold: { ...link.hold, held: false } })
    if (serves(link)) released.push(qkdlId)
  }
  for (const qkdlId of released) shorten(turn, qkdlId)
}

/** `sqdkdn_link_down`. The notification has no status: keys in store, if any, remain usable. */
export function linkDown(
  turn: Turn,
  qkdnId: string,
  qkdlId: string,
  atMs: number,
  reason?: string,
): void {
  const link = turn.draft.link(qkdlId)
  if (link === undefined) return
  const status: LinkStatus = link.performance.stockBits === 0 ? "OFF" : "PASSIVE"
  linkNews(turn, qkdnId, qkdlId, { status, reason: reason ?? "link down", atMs })
}

/**
 * `sqdkdn_link_perf_update`. 015 has no notification for a link that is up again: keys being made some time
 * after the loss say so.
 */
export function linkPerformance(
  turn: Turn,
  qkdnId: string,
  qkdlId: string,
  performance: LinkPerformance,
  atMs: number,
): void {
  const link = turn.draft.link(qkdlId)
  const side = link === undefined ? undefined : sideOf(link, qkdnId)
  if (link === undefined || side === undefined) return
  const end = side === "a" ? link.endA : link.endB
  const downMs = link.changedAt === undefined ? 0 : atMs - Date.parse(link.changedAt)
  const up =
    end.status !== "ACTIVE" && (performance.skrBps ?? 0) > 0 && downMs >= turn.settings.upByRateMs
  linkNews(turn, qkdnId, qkdlId, { performance, atMs, ...(up ? { status: "ACTIVE" } : {}) })
}

/** `sqdkdn_link_overloaded`: demand exceeds the link. */
export function linkOverloaded(
  turn: Turn,
  qkdnId: string,
  qkdlId: string,
  performance: LinkPerformance,
  atMs: number,
): void {
  linkPerformance(turn, qkdnId, qkdlId, performance, atMs)
  const link = turn.draft.link(qkdlId)
  if (link === undefined) return
  const wanted = performance.expectedConsumptionBps ?? 0
  const made = performance.eskrBps ?? performance.skrBps ?? 0
  const told = `${linkName(turn.draft, link)}: ${wanted} bit/s wanted, ${made} bit/s made`
  turn.notify("log", "link.overloaded", qkdlId, told)
  const excess = Math.max(
    wanted - made,
    turn.draft.reservedBps(qkdlId) - promisableBps(link, turn.settings),
  )
  if (excess > 0) rebalance(turn, qkdlId, excess)
}

/** `sdqkdn_interface_new`. A link that waited for it may now be configured. */
export function interfaceNew(turn: Turn, node: NetworkNode, added: QkdInterface): void {
  const others = node.interfaces.filter((other) => other.qkdiId !== added.qkdiId)
  turn.draft.putNode({ ...node, interfaces: [...others, added] })
  turn.notify("node", "interface.new", node.qkdnId, `interface ${added.qkdiId}`)
  turn.sync(node.qkdnId)
}

/** `sdqkdn_interface_down`, `sdqkdn_interface_out` and alarms on an interface. */
export function interfaceNews(
  turn: Turn,
  node: NetworkNode,
  qkdiId: number,
  how: "out" | InterfaceStatus,
  atMs: number,
  reason?: string,
): void {
  const known = node.interfaces.find((one) => one.qkdiId === qkdiId)
  const others = node.interfaces.filter((one) => one.qkdiId !== qkdiId)
  if (known !== undefined && known.status !== how) {
    const kept = how === "out" ? [] : [{ ...known, status: how }]
    turn.draft.putNode({ ...node, interfaces: [...others, ...kept] })
    const told = reason === undefined ? `interface ${qkdiId}` : `interface ${qkdiId}: ${reason}`
    turn.notify("node", `interface.${how.toLowerCase()}`, node.qkdnId, told)
  }
  if (how === "ENABLED") return
  const why = how === "out" ? "is gone" : "is down"
  const because = `interface ${qkdiId} of ${node.name} ${reason === undefined ? why : `${why}: ${reason}`}`
  for (const qkdlId of turn.draft.members(groups.linksOnInterface(node.qkdnId, qkdiId))) {
    if (how === "out") linkNews(turn, node.qkdnId, qkdlId, { status: "OFF", reason: because, atMs })
    else linkDown(turn, node.qkdnId, qkdlId, atMs, because)
  }
}
