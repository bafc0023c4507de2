// What a link is expected to make, as container `rate_profile` of keyloom-maintenance in the link's entry.

import type { JsonObject } from "../yang/json-text.js"
import { compact, Reader } from "./etsi015-values.js"
import { dateAndTime, linkPath, MAINTENANCE_MODULE } from "./keyloom-values.js"
import type { RateProfile } from "./rate-profile.js"

const NAME = `${MAINTENANCE_MODULE}:rate_profile`

/** The member of a link's entry; nothing where nothing is known. */
export function rateProfileConfig(known: RateProfile | undefined): JsonObject {
  if (known === undefined) return {}
  const rate = known.profile.map(({ at, skrBps }) => ({ at: dateAndTime(at), skr: skrBps }))
  return { [NAME]: compact({ rate, repeat: known.repeatS }) }
}

/** What a valid entry of a link says, in order of time however it is written; null: nothing. */
export function rateProfileFromConfig(entry: JsonObject): RateProfile | null {
  if (entry[NAME] === undefined) return null
  const path = linkPath(typeof entry.phys_link_id === "string" ? entry.phys_link_id : "")
  const known = new Reader(entry[NAME], `${path}/${NAME}`, MAINTENANCE_MODULE)
  const repeatS = known.number("repeat")
  const profile = known
    .entries("rate", "at")
    .map((rate) => ({ at: rate.string("at") ?? "", skrBps: rate.number("skr") ?? 0 }))
    .sort((x, y) => Date.parse(x.at) - Date.parse(y.at) || 0)
  return { profile, ...(repeatS === undefined ? {} : { repeatS }) }
}

/** Whether both say the same, in whatever form. */
export function saySame(one: RateProfile | null, other: RateProfile | null): boolean {
  if (one === null || other === null) return one === other
  const text = ({ profile, repeatS }: RateProfile): string =>
    JSON.stringify([profile.map(({ at, skrBps }) => [Date.parse(at), skrBps]), repeatS])
  return text(one) === text(other)
}

/** Where a member of a profile that the core names stands below the link's entry: `/profile/2/at`, `/repeatS`. */
export function placeInProfile(profile: RateProfile | null, path: string | undefined): string {
  if (path === "/repeatS") return `/${NAME}/repeat`
  const [, n, member] = /^\/profile\/(\d+)\/(at|skrBps)$/.exec(path ?? "") ?? []
  const at = n === undefined ? undefined : profile?.profile[Number(n)]?.at
  if (at === undefined) return `/${NAME}`
  return `/${NAME}/rate[at='${at}']/${member === "at" ? "at" : "skr"}`
}
