// What a link is expected to make over time, as far as that is known beforehand: passes of a satellite, days and nights.

export interface RateProfile {
  /** In order of time (RFC 3339): from then on it makes so much; before the first, what is measured. */
  readonly profile: readonly { readonly at: string; readonly skrBps: number }[]
  /** All of it comes again after so many seconds, and came before. */
  readonly repeatS?: number
}

/** The rate at a time; undefined where nothing is said of it. */
export function rateAt({ profile, repeatS }: RateProfile, ms: number): number | undefined {
  const first = Date.parse(profile[0]?.at ?? "")
  if (Number.isNaN(first)) return undefined
  const period = (repeatS ?? 0) * 1000
  const within = repeatS === undefined ? ms : first + modulo(ms - first, period)
  return profile.findLast(({ at }) => Date.parse(at) <= within)?.skrBps
}

/** Times after `fromMs` and before `toMs` at which it changes, ms since the epoch, rising; at most so many. */
export function changesBetween(
  { profile, repeatS }: RateProfile,
  fromMs: number,
  toMs: number,
  most: number,
): number[] {
  const once = profile.map(({ at }) => Date.parse(at))
  const first = once[0] ?? Number.NaN
  if (Number.isNaN(first)) return []
  if (repeatS === undefined) return once.filter((ms) => ms > fromMs && ms < toMs).slice(0, most)
  const period = repeatS * 1000
  const found: number[] = []
  for (let round = Math.floor((fromMs - first) / period); found.length < most; round += 1) {
    const times = once.map((ms) => ms + round * period)
    if ((times[0] ?? toMs) >= toMs) break
    found.push(...times.filter((ms) => ms > fromMs && ms < toMs))
  }
  return found.slice(0, most)
}

/** What comes on the average in the long run: of one that does not come again, its last rate. */
export function meanRate({ profile, repeatS }: RateProfile): number {
  const last = profile.at(-1)
  if (last === undefined) return 0
  if (repeatS === undefined) return last.skrBps
  const end = Date.parse(profile[0]?.at ?? "") + repeatS * 1000
  const bits = profile.reduce((sum, { at, skrBps }, n) => {
    const until = n + 1 < profile.length ? Date.parse(profile[n + 1]?.at ?? "") : end
    return sum + (skrBps * (until - Date.parse(at))) / 1000
  }, 0)
  return bits / repeatS
}

function modulo(value: number, by: number): number {
  return ((value % by) + by) % by
}
