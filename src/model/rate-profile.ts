// What a link is expected to make over time, as far as that is known beforehand: passes of a satellite, days and nights.

export interface RateProfile {
  /** In order of time (RFC 3339): from then on it makes so much; before the first, what is measured. */
  readonly profile: readonly { readonly at: string; readonly skrBps: number }[]
  /** All of it comes again after so many seconds, and came before. */
  readonly repeatS?: number
}

/** A link that is to make keys again may take so long to say so; afterwards it is a fault. */
export const GRACE_MS = 60_000

/** A link that by its profile makes no keys: that it is down is as planned. */
export interface LinkRest {
  /** RFC 3339; absent where the profile knows of no time. */
  readonly until?: string
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

/** Whether by its profile a link need not be up at a time: it makes none, or made none a minute before. */
export function restAt(profile: RateProfile, ms: number): LinkRest | undefined {
  if (rateAt(profile, ms) !== 0)
    return rateAt(profile, ms - GRACE_MS) === 0 ? { until: lastChange(profile, ms) } : undefined
  const times = changesBetween(profile, ms, Number.POSITIVE_INFINITY, profile.profile.length)
  const until = times.find((at) => rateAt(profile, at) !== 0)
  return until === undefined ? {} : { until: new Date(until).toISOString() }
}

/** When that may be otherwise; undefined where it stays. */
export function nextRestChange(profile: RateProfile, ms: number): number | undefined {
  const most = 2 * profile.profile.length
  return changesBetween(profile, ms - GRACE_MS, Number.POSITIVE_INFINITY, most)
    .flatMap((at) => [at, at + GRACE_MS])
    .sort((x, y) => x - y)
    .find((at) => at > ms)
}

function lastChange(profile: RateProfile, ms: number): string {
  const times = changesBetween(profile, ms - GRACE_MS, ms + 1, profile.profile.length)
  return new Date(times.at(-1) ?? ms).toISOString()
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
