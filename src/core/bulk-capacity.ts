// What links have for bulk orders as time goes by: what services leave of them now, less what is out by plan, and more or less
// where their rates are known beforehand. Changes nothing.

import type { Maintenance } from "../model/maintenance.js"
import type { NetworkLink } from "../model/network.js"
import {
  changesBetween,
  GRACE_MS,
  meanRate,
  rateAt,
  type RateProfile,
} from "../model/rate-profile.js"
import type { Service } from "../model/service.js"
import { promisableBps } from "./allocate.js"
import { linksOf, returns } from "./maintenance-windows.js"
import { groups } from "./memberships.js"
import { reservationsOf } from "./reservations.js"
import type { Turn } from "./turn.js"
import { GENERATING } from "./usable.js"

/** Changes of rate beyond this are not looked at: each costs every order a search. */
const MOST_CHANGES = 192
/** A link that is to make keys again is counted with from then on. */
const SOON_MS = 10_000

interface Profiled {
  readonly number: number
  readonly link: NetworkLink
  readonly profile: RateProfile
  /** Ms since the epoch: from then on the profile is counted with. */
  readonly fromMs: number
}

/**
 * Seconds from now at which something changes, and the rates of links from each of them on, bits per second.
 *
 * @param streams what they hold is to be shared out anew
 * @param untilMs how far profiles are followed, ms since the epoch; after that links make what they do on the average
 */
export function ratesOverTime(
  turn: Turn,
  streams: readonly Service[],
  maintenance: readonly Maintenance[],
  untilMs: number,
): { readonly times: readonly number[]; readonly rates: readonly Float64Array[] } {
  const { draft, now } = turn
  const { usable, all } = ratesLeft(turn, streams)
  const profiled = profiledLinks(turn, usable)
  const outs = maintenance.map((one) => ({
    beginMs: Date.parse(one.begin),
    endMs: Date.parse(one.end),
    links: linksOf(draft, one).flatMap((id) => draft.graph.linkNumber(id) ?? []),
  }))
  const { changes, endMs } = changesOf(profiled, now, untilMs)
  const turns = [...outs.flatMap((one) => [one.beginMs, one.endMs]), ...changes]
  const times = [now, ...new Set(turns.filter((ms) => ms > now).sort((x, y) => x - y))]
  const rates = times.map((ms) => {
    const then = all.map((bps, link) => (usable[link] === 1 ? bps : 0))
    for (const { number, link, profile, fromMs } of profiled) {
      const bps = ms >= endMs ? meanRate(profile) : rateAt(profile, ms)
      if (ms < fromMs || bps === undefined) continue
      const promisable = Math.floor(bps * (1 - turn.settings.reserveShare))
      then[number] = (all[number] ?? 0) - promisableBps(link, turn.settings) + promisable
    }
    for (const { beginMs, endMs: end, links } of outs)
      if (beginMs <= ms && ms < end) for (const link of links) then[link] = 0
    return then
  })
  return { times: times.map((ms) => (ms - now) / 1000), rates }
}

/** By link, what services leave; and which links can be counted with: of what is out by plan, as it will be afterwards. */
function ratesLeft(
  { draft }: Turn,
  streams: readonly Service[],
): { readonly usable: Uint8Array; readonly all: Float64Array } {
  const { graph } = draft
  const usable = Uint8Array.from(graph.linkIds, (_, link) =>
    graph.linkUse(link) >= GENERATING ? 1 : 0,
  )
  for (const id of draft.members(groups.maintainedLinks)) {
    const number = graph.linkNumber(id)
    const link = draft.link(id)
    if (number !== undefined && link !== undefined && returns(link)) usable[number] = 1
  }
  const all = graph.residual.slice()
  for (const stream of streams)
    for (const [qkdlId, bps] of reservationsOf(stream)) {
      const link = graph.linkNumber(qkdlId)
      if (link !== undefined) all[link] = (all[link] ?? 0) + bps
    }
  return { usable, all }
}

/** Links whose profile counts: those that make keys now, from its next change on, and those that by it make none now. */
function profiledLinks({ draft, now }: Turn, usable: Uint8Array): readonly Profiled[] {
  return draft.members(groups.profiledLinks).flatMap((id): Profiled[] => {
    const number = draft.graph.linkNumber(id)
    const link = draft.link(id)
    const profile = link?.rateProfile
    if (number === undefined || link === undefined || profile === undefined) return []
    const [next = Number.POSITIVE_INFINITY] = changesBetween(profile, now, LAST_MS, 1)
    const one = { number, link, profile }
    if (usable[number] === 1 && link.capacityBps !== undefined) return [{ ...one, fromMs: next }]
    // It makes keys, and nobody has measured how many: soon, as many as its profile says.
    if (usable[number] === 1) return [{ ...one, fromMs: Math.min(next, now + SOON_MS) }]
    if (!link.enabled) return []
    if (rateAt(profile, now) === 0) return [{ ...one, fromMs: next }]
    // Its time has just come: it may not have said so yet. Later it is a fault.
    return rateAt(profile, now - GRACE_MS) === 0 ? [{ ...one, fromMs: now + SOON_MS }] : []
  })
}

const LAST_MS = Date.parse("9999-12-31T23:59:59Z")

function changesOf(
  profiled: readonly Profiled[],
  now: number,
  untilMs: number,
): { readonly changes: readonly number[]; readonly endMs: number } {
  const each = profiled.flatMap(({ profile, fromMs }) => [
    ...(fromMs < untilMs ? [fromMs] : []),
    ...changesBetween(profile, now, untilMs, MOST_CHANGES),
  ])
  const found = [...new Set(each)].sort((x, y) => x - y)
  const cut = found[MOST_CHANGES]
  const endMs = cut ?? Math.max(now + 1, untilMs)
  const changes = found.slice(0, MOST_CHANGES)
  return { changes: profiled.length === 0 ? [] : [...changes, endMs], endMs }
}
