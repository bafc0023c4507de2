// What one service has of the surplus: when its ends are first told, when its terms or path change, when its ends have
// confirmed, and when one refuses. How the surplus is shared among all is decided in `surplus-sharing.ts`.

import { isElastic, mostSurplusBps, surplusOf } from "../model/granted.js"
import type { NetworkLink } from "../model/network.js"
import type { Service, ServiceTerms, Surplus } from "../model/service.js"
import { type Room, roomOf } from "./allocate.js"
import type { SyncError } from "./event.js"
import { groups } from "./memberships.js"
import { linksInUse, linksToUse } from "./surplus-rates.js"
import type { Turn } from "./turn.js"

/** What a link has to lend now. */
export function roomOn({ draft, settings }: Turn, link: NetworkLink): Room {
  const hears = (qkdnId: string): boolean => draft.node(qkdnId)?.reach === "connected"
  return roomOf(draft, link, settings, hears(link.a.qkdnId) && hears(link.b.qkdnId))
}

/**
 * What the links that it uses now have left that is lent to nobody: at most what it has, where it has been told before.
 * Whoever is to share with it does so when the surplus is next shared.
 */
export function lendAtOnce(turn: Turn, service: Service): Service {
  const { draft } = turn
  if (!isElastic(service)) return withoutSurplus(turn, service)
  const own = surplusOf(service)
  const isFirst = service.surplus === undefined
  let bps = isFirst ? mostSurplusBps(service) : own
  // On the path that it leaves it takes no more than before.
  for (const qkdlId of isFirst ? linksInUse(service) : linksToUse(service)) {
    const link = draft.link(qkdlId)
    if (link === undefined) continue
    const lent = draft.surplusBps(qkdlId) - own
    bps = Math.min(bps, roomOn(turn, link).sharedBps - lent)
  }
  return lend(turn, service, Math.max(0, bps))
}

/** Takes effect at both ends, which whoever calls tells: unless they have confirmed, what they had counts as well. */
export function lend(turn: Turn, service: Service, bps: number): Service {
  const { a, b, surplus } = service
  if (surplus?.bps === bps) return service
  const { mostBps } = surplus ?? {}
  const told: Surplus = {
    bps,
    ...(surplus === undefined
      ? {}
      : {
          beforeBps: Math.max(surplus.bps, surplus.beforeBps ?? 0),
          awaiting: [a.qkdnId, b.qkdnId],
          sinceRevision: turn.draft.revision,
        }),
    ...(mostBps === undefined ? {} : { mostBps }),
  }
  const lent = { ...service, surplus: told }
  turn.draft.putService(lent)
  return lent
}

export function withoutSurplus(turn: Turn, service: Service): Service {
  if (service.surplus === undefined) return service
  const { surplus: _surplus, ...rest } = service
  turn.draft.putService(rest)
  return rest
}

/**
 * With other terms: what a node has refused to the old ones says nothing, and what they had above the new maximum is gone for
 * good. It comes back only where there is room for it then.
 */
export function withTerms(turn: Turn, service: Service, terms: ServiceTerms): Service {
  const { surplus, a, b } = service
  if (surplus === undefined) return { ...service, terms }
  const { mostBps: _most, ...rest } = surplus
  const had = surplusOf(service)
  const bps = Math.min(had, mostSurplusBps({ terms }))
  const lowered = {
    bps,
    beforeBps: Math.max(had, surplus.beforeBps ?? 0),
    awaiting: [a.qkdnId, b.qkdnId],
    sinceRevision: turn.draft.revision,
  }
  return { ...service, terms, surplus: bps === had ? { ...rest, bps } : lowered }
}

/** An end has what it was told in this revision, or later. */
export function confirmSurplus(turn: Turn, qkdnId: string, revision: number): void {
  for (const serviceId of turn.draft.members(groups.servicesLentAt(qkdnId))) {
    const service = turn.draft.service(serviceId)
    if (service?.surplus === undefined || !isAwaited(service.surplus, qkdnId, revision)) continue
    const { awaiting = [], beforeBps: _b, sinceRevision: _s, ...rest } = service.surplus
    const others = awaiting.filter((id) => id !== qkdnId)
    const surplus = others.length === 0 ? rest : { ...service.surplus, awaiting: others }
    turn.draft.putService({ ...service, surplus })
  }
}

function isAwaited({ awaiting, sinceRevision = 0 }: Surplus, qkdnId: string, revision: number) {
  return sinceRevision <= revision && awaiting?.includes(qkdnId) === true
}

/**
 * A node refused what it was to be: where that is the greater rate of a service, such as beyond the ceiling of its site, the
 * service is told what it had and is offered no more.
 *
 * @returns whether that was it
 */
export function surplusRefused(
  turn: Turn,
  qkdnId: string,
  revision: number,
  { path = "" }: SyncError,
): boolean {
  const raised = turn.draft.members(groups.servicesLentAt(qkdnId)).flatMap((serviceId) => {
    const service = turn.draft.service(serviceId)
    const { surplus } = service ?? {}
    if (service === undefined || surplus === undefined) return []
    const isRaise = surplus.bps > (surplus.beforeBps ?? surplus.bps)
    return isRaise && isAwaited(surplus, qkdnId, revision) ? [{ service, surplus }] : []
  })
  const named = raised.filter(({ service }) => path.includes(service.serviceId))
  const refused = named.length > 0 ? named : raised.length === 1 ? raised : []
  for (const { service, surplus } of refused) {
    const mostBps = surplus.beforeBps ?? 0
    const lowered = lend(turn, { ...service, surplus: { ...surplus, mostBps } }, mostBps)
    turn.sync(lowered.a.qkdnId, lowered.b.qkdnId)
  }
  return refused.length > 0
}
