// What operators know beforehand of the rate of a link. Bulk orders are scheduled with it, and a link is down by plan while it
// makes nothing by it; what services are promised goes by what is measured.

import type { NetworkLink } from "../model/network.js"
import { nextRestChange, type RateProfile, restAt } from "../model/rate-profile.js"
import { reschedule } from "./bulk-life.js"
import type { Reply } from "./event.js"
import { groups } from "./memberships.js"
import type { Turn } from "./turn.js"

/** As 015 carries rates. */
const MAX_BPS = 0xffffffff
export const MOST_RATES = 96
const MIN_REPEAT_S = 60

export function rateProfileSet(turn: Turn, qkdlId: string, profile: RateProfile | null): Reply {
  const link = turn.draft.link(qkdlId)
  if (link === undefined) return refused("data-missing", `there is no link ${qkdlId}`)
  const fault = profile === null ? undefined : faultOf(profile)
  if (fault !== undefined) return fault
  const { rateProfile: _before, rests: _rests, ...rest } = link
  turn.draft.putLink(profile === null ? rest : { ...rest, rateProfile: profile })
  const what =
    profile === null ? "no rates are known beforehand any more" : "rates are known beforehand"
  turn.notify("link", "link.rate-profile", qkdlId, what)
  tendRateProfiles(turn)
  reschedule(turn)
  return { ok: true, id: qkdlId }
}

/** At every wake: links that need not be up by their profile are marked so, and those no more that should be. */
export function tendRateProfiles(turn: Turn): void {
  for (const id of turn.draft.members(groups.profiledLinks)) {
    const link = turn.draft.link(id)
    if (link?.rateProfile === undefined) continue
    const nextMs = nextRestChange(link.rateProfile, turn.now)
    if (nextMs !== undefined) turn.wakeAt(nextMs)
    mark(turn, link, restAt(link.rateProfile, turn.now))
  }
}

function mark(turn: Turn, link: NetworkLink, rests: NetworkLink["rests"]): void {
  const { rests: before, ...rest } = link
  if (before === rests || (before && rests && before.until === rests.until)) return
  turn.draft.putLink(rests === undefined ? rest : { ...rest, rests })
  const { qkdlId, enabled, status } = link
  if (rests === undefined && enabled && status !== "ACTIVE")
    turn.notify("link", "link.down", qkdlId, `by its rate profile it is up, and it is ${status}`)
}

function faultOf({ profile, repeatS }: RateProfile): Reply | undefined {
  if (profile.length < 1 || profile.length > MOST_RATES)
    return refused("invalid-value", `a profile has 1 to ${MOST_RATES} rates`, "/profile")
  const times = profile.map(({ at }) => Date.parse(at))
  for (const [n, { skrBps }] of profile.entries()) {
    const ms = times[n] ?? Number.NaN
    if (Number.isNaN(ms)) return refused("invalid-value", "is no time", `/profile/${n}/at`)
    if (n > 0 && ms <= (times[n - 1] ?? 0))
      return refused("invalid-value", "is not after the entry before", `/profile/${n}/at`)
    if (!Number.isInteger(skrBps) || skrBps < 0 || skrBps > MAX_BPS)
      return refused("invalid-value", "a rate is a whole number", `/profile/${n}/skrBps`)
  }
  if (repeatS === undefined) return undefined
  const lengthS = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000
  if (!(repeatS >= MIN_REPEAT_S))
    return refused("invalid-value", `is at least ${MIN_REPEAT_S} seconds`, "/repeatS")
  if (lengthS >= repeatS)
    return refused("invalid-value", "is not longer than the profile", "/repeatS")
  return undefined
}

function refused(tag: "data-missing" | "invalid-value", message: string, path?: string): Reply {
  return { ok: false, tag, message, ...(path === undefined ? {} : { path }) }
}
