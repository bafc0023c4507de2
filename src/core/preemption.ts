// Pre-emption, where policy has it: a service that finds no rate takes that of services of smaller priority, no more of
// them than it needs. Who is pre-empted loses its path at once, says so, and waits for room as any failed service.

import type { Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { groups } from "./memberships.js"
import { findPath } from "./path.js"
import { leaveLanes, put, remove } from "./phases.js"
import { reservationsOf } from "./reservations.js"
import { queryOf } from "./routing.js"
import type { Turn } from "./turn.js"
import { GENERATING } from "./usable.js"

/** Takes lesser services off the cheapest path that could carry this one. @returns their ids */
export function makeRoom(
  turn: Turn,
  service: Service,
  avoidLinks: readonly string[],
): readonly string[] {
  const { draft, settings } = turn
  const { minRateBps, priority } = service.terms
  if (settings.preemption === "never" || minRateBps === 0) return []
  const { graph } = draft
  graph.refresh(draft, settings)
  const avoiding = (service.avoiding ?? []).filter((node) => node.untilMs > turn.now)
  const query = queryOf(service, avoiding, avoidLinks)
  const credit = new Map(query.credit)
  for (const [number, qkdlId] of graph.linkIds.entries()) {
    if ((graph.residual[number] ?? 0) >= minRateBps || graph.linkUse(number) < GENERATING) continue
    const lesser = lesserOn(turn, qkdlId, priority)
    const bps = lesser.reduce((sum, one) => sum + (reservationsOf(one).get(qkdlId) ?? 0), 0)
    if (bps > 0) credit.set(qkdlId, (credit.get(qkdlId) ?? 0) + bps)
  }
  const found = findPath(graph, { ...query, credit })
  if (found === undefined) return []
  const displaced: string[] = []
  for (const { qkdlId } of found.hops) {
    for (const victim of lesserOn(turn, qkdlId, priority)) {
      const link = draft.link(qkdlId)
      if (link === undefined) break
      const own = query.credit?.get(qkdlId) ?? 0
      if (residualBps(draft, link, settings) + own >= minRateBps) break
      displace(turn, victim, service)
      displaced.push(victim.serviceId)
    }
  }
  return displaced
}

/** Services of smaller priority that reserve rate on a link: the least first, of equal ones the greatest rate. */
function lesserOn({ draft }: Turn, qkdlId: string, priority: number): Service[] {
  return draft
    .members(groups.servicesOn(qkdlId))
    .flatMap((id) => draft.service(id) ?? [])
    .filter((one) => one.terms.priority < priority && one.terms.minRateBps > 0)
    .sort(
      (x, y) =>
        x.terms.priority - y.terms.priority ||
        y.terms.minRateBps - x.terms.minRateBps ||
        (x.serviceId < y.serviceId ? -1 : 1),
    )
}

function displace(turn: Turn, victim: Service, by: Service): void {
  const reason = `pre-empted by service ${by.serviceId}: priority ${by.terms.priority} goes before ${victim.terms.priority}`
  turn.notify("service", "service.preempted", victim.serviceId, reason)
  if (victim.origin === "request") {
    remove(turn, victim, reason)
    return
  }
  const { backup: _backup, noBackup: _no, home: _home, ...rest } = leaveLanes(turn, victim, 0)
  put(turn, { ...rest, state: "failed", reason })
}
