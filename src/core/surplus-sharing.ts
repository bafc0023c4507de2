// The surplus of links, shared among services that ask for more than their guaranteed rate: max-min fair by weight, told to
// their ends only where it differs enough, and never more than a link has. Less is told first; more when there is room for
// it beside what the ends may still go by.

import { fairShares } from "../engine/fair-share.js"
import { isElastic, mostSurplusBps, surplusOf } from "../model/granted.js"
import type { Service, ServiceTerms } from "../model/service.js"
import { byPriority } from "./priority-order.js"
import { groups } from "./memberships.js"
import { lend, roomOn, withoutSurplus } from "./surplus-grants.js"
import { linksInUse } from "./surplus-rates.js"
import type { Turn } from "./turn.js"

/** The least priority has weight 1; each step up adds as much. */
const MAX_WEIGHT = 100

export function weightOf({ priority }: Pick<ServiceTerms, "priority">): number {
  return Math.min(priority + 1, MAX_WEIGHT)
}

interface Sharer {
  readonly service: Service
  /** In numbers of the graph. */
  readonly links: readonly number[]
  readonly mostBps: number
  /** Undefined: its ends have been told its maximum, by a controller that did not share. */
  readonly hasBps: number | undefined
}

export function shareSurplus(turn: Turn): void {
  const sharers = sharersOf(turn)
  if (sharers.length === 0) return
  const { draft, settings } = turn
  const room = draft.graph.linkIds.map((id) => {
    const link = draft.link(id)
    return link === undefined ? { mostBps: 0, sharedBps: 0 } : roomOn(turn, link)
  })
  const fair = fairShares(
    sharers.map(({ service, links, mostBps }) => ({
      paths: [links],
      weight: weightOf(service.terms),
      mostBps,
    })),
    room.map(({ sharedBps }) => sharedBps),
  )
  const fairOf = (number: number): number => fair[number] ?? 0
  const wanted = sharers.map((sharer, number) =>
    sharer.hasBps !== undefined && isNear(sharer, fairOf(number), settings.surplusStepShare)
      ? sharer.hasBps
      : fairOf(number),
  )
  // Who may keep more than its share does so only where every link can bear it.
  const lent = sums(room.length, sharers, (_, number) => wanted[number] ?? 0)
  const isOver = (link: number): boolean => (lent[link] ?? 0) > (room[link]?.mostBps ?? 0)
  for (const [number, { links }] of sharers.entries())
    if ((wanted[number] ?? 0) > fairOf(number) && links.some(isOver))
      wanted[number] = fairOf(number)

  const counted = sums(room.length, sharers, ({ service, hasBps = 0 }) =>
    Math.max(hasBps, service.surplus?.beforeBps ?? 0),
  )
  for (const [number, sharer] of sharers.entries()) {
    const bps = wanted[number] ?? 0
    const { links, hasBps } = sharer
    if (hasBps !== undefined && bps >= hasBps) continue
    tell(turn, sharer, bps)
    if (hasBps === undefined) for (const link of links) counted[link] = (counted[link] ?? 0) + bps
  }
  for (const [number, sharer] of sharers.entries()) {
    const { links, hasBps, service } = sharer
    if (hasBps === undefined || (wanted[number] ?? 0) <= hasBps) continue
    const own = Math.max(hasBps, service.surplus?.beforeBps ?? 0)
    let bps = wanted[number] ?? 0
    for (const link of links)
      bps = Math.min(bps, (room[link]?.mostBps ?? 0) - (counted[link] ?? 0) + own)
    if (bps <= hasBps || isNear(sharer, bps, settings.surplusStepShare)) continue
    tell(turn, sharer, bps)
    const more = Math.max(0, bps - own)
    for (const link of links) counted[link] = (counted[link] ?? 0) + more
  }
}

/** Greater priority first. Who asks for no surplus any more, or has no path to take it over, has none. */
function sharersOf(turn: Turn): Sharer[] {
  const { draft, settings } = turn
  const { graph } = draft
  graph.refresh(draft, settings)
  const services = draft.members(groups.elastic).flatMap((id) => draft.service(id) ?? [])
  return services.sort(byPriority).flatMap((service) => {
    const links = linksInUse(service).map((id) => graph.linkNumber(id) ?? -1)
    if (!isElastic(service) || links.length === 0 || links.includes(-1)) {
      withoutSurplus(turn, service)
      return []
    }
    const mostBps = mostSurplusBps(service)
    const hasBps = service.surplus === undefined ? undefined : surplusOf(service)
    return [{ service, links, mostBps, hasBps }]
  })
}

/** Not worth telling: a small part of all it may take, unless its whole maximum is to be had. */
function isNear({ service, mostBps, hasBps = 0 }: Sharer, bps: number, step: number): boolean {
  if (bps === hasBps) return true
  if (bps === mostBps) return false
  return Math.abs(bps - hasBps) <= step * (service.terms.minRateBps + Math.max(bps, hasBps))
}

function sums(
  linkCount: number,
  sharers: readonly Sharer[],
  of: (sharer: Sharer, number: number) => number,
): Float64Array {
  const sum = new Float64Array(linkCount)
  for (const [number, sharer] of sharers.entries()) {
    const bps = of(sharer, number)
    for (const link of sharer.links) sum[link] = (sum[link] ?? 0) + bps
  }
  return sum
}

function tell(turn: Turn, { service }: Sharer, bps: number): void {
  const { serviceId, a, b, terms } = lend(turn, service, bps)
  turn.sync(a.qkdnId, b.qkdnId)
  const all = terms.minRateBps + bps
  const told = `takes up to ${all} bit/s: ${terms.minRateBps} guaranteed, ${bps} of the surplus`
  turn.notify("service", "service.granted", serviceId, told)
}
