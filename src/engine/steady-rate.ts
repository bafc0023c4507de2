// The rate of a link that promises are counted with: measured rates smoothed, and changed only when they have moved far
// enough and, upwards, stayed there. So nothing is placed and moved again with every measurement. Time is an argument.

export interface SteadyTerms {
  /** Time constant of the smoothing. */
  readonly smoothingMs: number
  /** The counted rate follows down when the smoothed one is lower by this share of it. */
  readonly fallShare: number
  /** It follows up when the smoothed one is higher by this share of it ... */
  readonly riseShare: number
  /** ... and has been for so long. */
  readonly riseMs: number
}

export const STEADY_TERMS: SteadyTerms = {
  smoothingMs: 60_000,
  fallShare: 0.03,
  riseShare: 0.05,
  riseMs: 300_000,
}

export interface SteadyRate {
  /** Whole bits per second; at most what was smoothed when it was last changed. */
  readonly countedBps: number
  readonly smoothedBps: number
  readonly atMs: number
  /** Since when the smoothed rate has been higher by `riseShare`. */
  readonly higherSinceMs?: number
}

/** The first measurement counts at once. */
export function firstRate(measuredBps: number, nowMs: number): SteadyRate {
  return { countedBps: Math.floor(measuredBps), smoothedBps: measuredBps, atMs: nowMs }
}

/** After a further measurement; an earlier `nowMs` than the last counts as the same time. */
export function nextRate(
  before: SteadyRate,
  measuredBps: number,
  nowMs: number,
  terms: SteadyTerms = STEADY_TERMS,
): SteadyRate {
  const elapsedMs = Math.max(0, nowMs - before.atMs)
  const weight = 1 - Math.exp(-elapsedMs / terms.smoothingMs)
  const smoothedBps = before.smoothedBps + (measuredBps - before.smoothedBps) * weight
  const { countedBps } = before
  const now = { smoothedBps, atMs: before.atMs + elapsedMs }
  if (smoothedBps < countedBps * (1 - terms.fallShare))
    return { ...now, countedBps: Math.floor(smoothedBps) }
  if (smoothedBps <= countedBps * (1 + terms.riseShare)) return { ...now, countedBps }
  const higherSinceMs = before.higherSinceMs ?? now.atMs
  if (now.atMs - higherSinceMs < terms.riseMs) return { ...now, countedBps, higherSinceMs }
  return { ...now, countedBps: Math.floor(smoothedBps) }
}
