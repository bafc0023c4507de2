// How a simulated link's rate and error rate move from second to second: shot noise of the photons that are
// detected, and a slow drift of the alignment. Pure: time steps and uniform random numbers are arguments.

export interface Expected {
  readonly skrBps: number
  readonly siftedBps: number
  readonly qber: number
}

export interface Interval {
  /** Secret bits made in the interval. */
  readonly bits: number
  /** The rate this makes, over the interval. */
  readonly skrBps: number
  readonly qber: number
}

/** A number from [0, 1). */
export type Uniform = () => number

/** Alignment returns to its mean within minutes and strays by some 4 %. */
const DRIFT_TIME_S = 120
const DRIFT_SPREAD = 0.04
/** Part of the sifted bits that is compared to estimate errors. */
const SAMPLED = 0.05

export class Detection {
  #drift = 0

  /** What `seconds` of light yield. */
  step(expected: Expected, seconds: number, uniform: Uniform): Interval {
    if (seconds <= 0 || expected.skrBps <= 0)
      return { bits: 0, skrBps: 0, qber: Math.min(expected.qber, 0.5) }
    const pull = Math.exp(-seconds / DRIFT_TIME_S)
    this.#drift = this.#drift * pull + DRIFT_SPREAD * Math.sqrt(1 - pull * pull) * gaussian(uniform)
    const clicks = poisson(expected.siftedBps * seconds, uniform)
    const secretPerClick = expected.skrBps / expected.siftedBps
    // More errors cost more error correction and privacy amplification.
    const bits = clicks * secretPerClick * Math.exp(-0.8 * this.#drift)
    const trueQber = expected.qber * Math.exp(this.#drift)
    const sample = Math.max(clicks * SAMPLED, 50)
    const spread = Math.sqrt((trueQber * (1 - trueQber)) / sample)
    const qber = Math.min(Math.max(trueQber + spread * gaussian(uniform), 0), 0.5)
    return { bits, skrBps: bits / seconds, qber }
  }
}

/** Standard normal (Box-Muller). */
export function gaussian(uniform: Uniform): number {
  return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

/** Exact for small means (Knuth), the normal limit for large ones. */
export function poisson(mean: number, uniform: Uniform): number {
  if (mean > 50) return Math.max(Math.round(mean + Math.sqrt(mean) * gaussian(uniform)), 0)
  const limit = Math.exp(-mean)
  let count = 0
  for (let product = uniform(); product > limit; product *= uniform()) count += 1
  return count
}
