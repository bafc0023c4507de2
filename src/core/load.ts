// How much of what the network can promise is promised, and what follows in overload: a new service is refused a path that
// takes more from others than it gives (threshold rule, `engine/admit`). Services that have stood are never refused so.

import { costsOthersTooMuch } from "../engine/admit.js"
import type { Hop, Service } from "../model/service.js"
import { promisableBps, residualBps } from "./allocate.js"
import { heldByBulk } from "./bulk-room.js"
import type { NoPath } from "./explain.js"
import { pathName } from "./names.js"
import type { FoundPath } from "./path.js"
import type { Routed } from "./routing.js"
import type { Settings } from "./settings.js"
import type { Turn } from "./turn.js"
import { serves } from "./usable.js"
import type { View } from "./view.js"

/** Share of the promisable rate of all links that generate which is promised to paths; 0 while nothing is known. */
export function loadOf(view: View, settings: Settings): number {
  // Bulk orders give way to services.
  const held = heldByBulk(view)
  let promised = 0
  let promisable = 0
  for (const qkdlId of view.linkIds()) {
    const link = view.link(qkdlId)
    if (link === undefined || !serves(link)) continue
    promised += view.reservedBps(qkdlId) - (held.get(qkdlId) ?? 0)
    promisable += promisableBps(link, settings)
  }
  return promisable > 0 ? promised / promisable : 0
}

/** Says when the load crosses the upper bound from below, or the lower one from above. */
export function watchLoad(turn: Turn): void {
  const { draft, settings, context } = turn
  const load = loadOf(draft, settings)
  const before = context.overloaded === true
  const overloaded = before ? load >= settings.overloadBelow : load > settings.overloadAbove
  if (overloaded === before) return
  turn.effects.push({ kind: "load", overloaded })
  const type = overloaded ? "network.overloaded" : "network.relieved"
  const said = overloaded ? "the network is overloaded" : "the network is no longer overloaded"
  const told = `${said}: ${percent(load)} of what its links can promise is promised`
  turn.notify("log", type, "network", told)
  if (!overloaded) turn.retrySoon()
}

/** Why the paths are refused to the service in overload; undefined where they are not. */
export function refusedInOverload(
  { draft, settings, context }: Turn,
  {
    terms,
    admittedAt,
    path,
  }: Pick<Service, "terms"> & Partial<Pick<Service, "admittedAt" | "path">>,
  found: readonly FoundPath[],
): NoPath | undefined {
  // One that stands was let in, also where it was before that was written down.
  const isNew = admittedAt === undefined && path === undefined
  if (context.overloaded !== true || !isNew || terms.minRateBps === 0) return undefined
  const held = heldByBulk(draft)
  const used = ({ qkdlId }: Hop): number => {
    const link = draft.link(qkdlId)
    const promisable = link === undefined ? 0 : promisableBps(link, settings)
    if (link === undefined || promisable <= 0) return 1
    const left = residualBps(draft, link, settings) + (held.get(qkdlId) ?? 0)
    return Math.min(1, 1 - left / promisable)
  }
  const dear = found.find(({ hops }) => costsOthersTooMuch(hops.map(used)))
  if (dear === undefined) return undefined
  const nearlyFull = dear.hops.filter((hop) => used(hop) > settings.overloadAbove).length
  const load = percent(loadOf(draft, settings))
  return {
    appTag: "no-capacity",
    reason: `no path with ${terms.minRateBps} bit/s that spares others: the network is overloaded (${load} promised), and ${pathName(draft, dear.nodes)} has ${nearlyFull} nearly full links`,
  }
}

/** The path that was found, or why it is refused to the service in overload. */
export function unlessTooDear(
  turn: Turn,
  service: Parameters<typeof refusedInOverload>[1],
  routed: Routed,
): Routed {
  if (routed.found === undefined) return routed
  const none = refusedInOverload(turn, service, [routed.found])
  return none === undefined ? routed : { none }
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
