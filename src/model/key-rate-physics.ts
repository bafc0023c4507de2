// How much secret key a QKD system makes over a channel: the formulas, one function per protocol. Knows no
// system (`key-rate-sets`) and chooses none (`key-rate`). Losses are in dB, rates per second.
//
//   pulse ─▶ channel ─▶ receiver ─▶ gain Q, error E ─▶ bounds on what an eavesdropper can know ─▶ secret bits
//
// docs/KEY-RATES.md names the papers and says where a formula is a stand-in for a full proof.

/** Receiver and source figures that every protocol needs. */
export interface Optics {
  /** Optical pulses (or, for COW, bits) sent per second. */
  readonly clockHz: number
  /** Loss inside the receiver, before the detectors. */
  readonly receiverLossDb: number
  /** Probability that a photon reaching a detector clicks. */
  readonly detectorEfficiency: number
  /** Probability of a dark click in one clock period, all detectors together (Y0 of Ma 2005). */
  readonly darkPerClock: number
  /** Clicks that a click causes later on, on average: noise that grows with the signal. */
  readonly afterpulse: number
  /** Probability that a photon clicks in the wrong detector. */
  readonly misalignment: number
  readonly deadTimeS: number
  readonly detectors: number
  /** Error correction spends this many times the Shannon limit. */
  readonly errorCorrection: number
  /** Part of the time in which key is made: alignment, calibration, verification cost the rest. */
  readonly duty: number
}

export interface DecoyBb84 extends Optics {
  readonly protocol: "decoy-bb84"
  /** Mean photons of signal and weak decoy; the third intensity is vacuum. */
  readonly mu: number
  readonly nu: number
  readonly signalProbability: number
  readonly decoyProbability: number
  /** Part of the clicks in which both ends used the key basis (or, in plain BB84, the same basis). */
  readonly sifting: number
  /** Part of the clicks from which the phase error is estimated. */
  readonly testing: number
  /** Sifted bits distilled at once, and the longest time waited for them. */
  readonly blockBits: number
  readonly blockMaxS: number
  /** Failure probability of a block. */
  readonly epsilon: number
}

export interface Dps extends Optics {
  readonly protocol: "dps"
  readonly mu: number
}

export interface Cow extends Optics {
  readonly protocol: "cow"
  readonly mu: number
  readonly visibility: number
  /** Part of the sent sequences that are decoys. */
  readonly decoyFraction: number
}

export interface Sarg04 extends Optics {
  readonly protocol: "sarg04"
  readonly mu: number
}

/** A rate that falls with the loss and nothing else: a published law, no physics behind it. */
export interface Exponential {
  readonly protocol: "exponential"
  readonly rateAtZeroBps: number
  readonly qber: number
}

export type Physics = DecoyBb84 | Dps | Cow | Sarg04 | Exponential

export interface Rates {
  readonly skrBps: number
  readonly siftedBps: number
  /** Ratio, 0 to 0.5. */
  readonly qber: number
  /** What finite blocks leave of the rate that infinite ones would give; 1 where the formula has no blocks. */
  readonly finiteYield: number
}

/** Binary entropy in bits. */
export function entropy2(p: number): number {
  if (p <= 0 || p >= 1) return 0
  return -p * Math.log2(p) - (1 - p) * Math.log2(1 - p)
}

export function transmission(lossDb: number): number {
  return 10 ** (-lossDb / 10)
}

/** Rates over a channel of `lossDb`. A channel that is too long gives 0, never a negative rate. */
export function ratesOf(physics: Physics, lossDb: number): Rates {
  switch (physics.protocol) {
    case "decoy-bb84":
      return decoyBb84(physics, lossDb)
    case "dps":
      return dps(physics, lossDb)
    case "cow":
      return cow(physics, lossDb)
    case "sarg04":
      return sarg04(physics, lossDb)
    case "exponential": {
      const skrBps = physics.rateAtZeroBps * transmission(lossDb)
      return { skrBps, siftedBps: 3 * skrBps, qber: physics.qber, finiteYield: 1 }
    }
  }
}

/** Clicks per clock and their errors, background included, for a pulse of `mu` photons. */
interface Clicks {
  readonly gain: number
  readonly errors: number
}

/** Background per clock: dark clicks, and what all clicks leave behind (mean gain times afterpulses). */
function background(optics: Optics, meanGain: number): number {
  return Math.min(optics.darkPerClock + optics.afterpulse * meanGain, 0.5)
}

function clicks(optics: Optics, eta: number, mu: number, noise: number): Clicks {
  const signal = 1 - Math.exp(-eta * mu)
  return {
    gain: noise + signal - noise * signal,
    // A background click is random: wrong half the time.
    errors: 0.5 * noise + optics.misalignment * signal,
  }
}

/** Part of the clock periods in which a detector is ready (not paralysable: clicks do not prolong it). */
function live(optics: Optics, meanGain: number): number {
  return 1 / (1 + (optics.clockHz * meanGain * optics.deadTimeS) / optics.detectors)
}

function etaOf(optics: Optics, lossDb: number): number {
  return transmission(lossDb + optics.receiverLossDb) * optics.detectorEfficiency
}

/**
 * Vacuum and weak decoy (Ma, Qi, Zhao, Lo, Phys. Rev. A 72, 012326 (2005), eqs. 10, 11, 34, 37), with the
 * statistical fluctuation of finite blocks taken off every estimate as in its section V, and the fixed
 * costs of Lim et al., Phys. Rev. A 89, 022307 (2014), eq. 1.
 */
function decoyBb84(p: DecoyBb84, lossDb: number): Rates {
  const eta = etaOf(p, lossDb)
  const vacuumProbability = 1 - p.signalProbability - p.decoyProbability
  const meanSignal =
    p.signalProbability * (1 - Math.exp(-eta * p.mu)) +
    p.decoyProbability * (1 - Math.exp(-eta * p.nu))
  const noise = background(p, meanSignal + p.darkPerClock)
  const signal = clicks(p, eta, p.mu, noise)
  const decoy = clicks(p, eta, p.nu, noise)
  const meanGain =
    p.signalProbability * signal.gain + p.decoyProbability * decoy.gain + vacuumProbability * noise
  const clockHz = p.clockHz * live(p, meanGain) * p.duty
  const siftedBps = clockHz * p.signalProbability * signal.gain * p.sifting
  const qber = Math.min(signal.errors / signal.gain, 0.5)

  /** Secret bits per second when estimates rest on `seconds` of data; Infinity gives the limit. */
  const secretBps = (seconds: number): number => {
    const pulses = clockHz * seconds
    const sigmas = Math.sqrt(2 * Math.log(21 / p.epsilon))
    /** How far a rate seen in `trials` pulses may lie from the true one. */
    const margin = (rate: number, trials: number): number =>
      Number.isFinite(trials) ? sigmas * Math.sqrt(Math.max(rate, 0) / Math.max(trials, 1)) : 0
    const keyPulses = pulses * p.sifting
    const testPulses = pulses * p.testing
    const gainMu = signal.gain + margin(signal.gain, keyPulses * p.signalProbability)
    const gainNu = decoy.gain - margin(decoy.gain, keyPulses * p.decoyProbability)
    const noiseMargin = margin(noise, keyPulses * vacuumProbability)
    const noiseLow = Math.max(noise - noiseMargin, 0)
    const noiseHigh = noise + noiseMargin
    const { mu, nu } = p
    const yieldOne =
      (mu / (mu * nu - nu * nu)) *
      (gainNu * Math.exp(nu) -
        (gainMu * Math.exp(mu) * nu * nu) / (mu * mu) -
        ((mu * mu - nu * nu) / (mu * mu)) * noiseHigh)
    if (yieldOne <= 0) return 0
    /** Single photons' error is at most what all errors seen at one intensity leave room for (eq. 37). */
    const errorBound = (seen: Clicks, photons: number, probability: number): number =>
      ((seen.errors + margin(seen.errors, testPulses * probability)) * Math.exp(photons) -
        0.5 * noiseLow) /
      (yieldOne * photons)
    // The decoy's bound is the sharper one, the signal's rests on more data: both hold, the lower counts.
    const errorOne = Math.min(
      errorBound(decoy, nu, p.decoyProbability),
      errorBound(signal, mu, p.signalProbability),
    )
    if (errorOne >= 0.5) return 0
    const gainOne = yieldOne * mu * Math.exp(-mu)
    const secret =
      gainOne * (1 - entropy2(errorOne)) - p.errorCorrection * signal.gain * entropy2(qber)
    const fixedBits = 6 * Math.log2(21 / p.epsilon) + Math.log2(2 / p.epsilon)
    return Math.max(clockHz * p.signalProbability * p.sifting * secret - fixedBits / seconds, 0)
  }

  const blockS = Math.min(p.blockBits / siftedBps, p.blockMaxS)
  const skrBps = secretBps(blockS)
  const limitBps = secretBps(Number.POSITIVE_INFINITY)
  return { skrBps, siftedBps, qber, finiteYield: limitBps > 0 ? skrBps / limitBps : 0 }
}

/**
 * Differential phase shift against individual attacks: Waks, Takesue, Yamamoto, Phys. Rev. A 73, 012344
 * (2006), the bound its experiments use. Weaker than the decoy analysis: it covers no coherent attack.
 */
function dps(p: Dps, lossDb: number): Rates {
  const { siftedBps, qber } = plainClicks(p, etaOf(p, lossDb), p.mu, 1)
  const collision = 1 - qber * qber - (1 - 6 * qber) ** 2 / 2
  const kept = qber < 1 / 6 ? -(1 - 2 * p.mu) * Math.log2(collision) : 0
  return secretOf(p, siftedBps, qber, kept)
}

/**
 * Coherent one-way against collective attacks of the kind in Branciard, Gisin, Scarani, New J. Phys. 10,
 * 013031 (2008), with the visibility of decoys and bit-straddling pairs bounding the eavesdropper.
 */
function cow(p: Cow, lossDb: number): Rates {
  const { siftedBps, qber } = plainClicks(p, etaOf(p, lossDb), p.mu, 1 - p.decoyFraction)
  const v = p.visibility
  const xi = (2 * v - 1) * Math.exp(-p.mu) - 2 * Math.sqrt((1 - Math.exp(-2 * p.mu)) * v * (1 - v))
  const kept = xi > 0 ? 1 - qber - (1 - qber) * entropy2((1 + xi) / 2) : 0
  return secretOf(p, siftedBps, qber, kept)
}

/**
 * SARG04 without decoys, an effective formula: on every pulse that had two or more photons a storing
 * eavesdropper learns 0.4 bit (Scarani et al., Phys. Rev. Lett. 92, 057901 (2004)) and she prefers those; errors cost as
 * in BB84. A quarter of the clicks survives sifting.
 */
function sarg04(p: Sarg04, lossDb: number): Rates {
  const { siftedBps, qber } = plainClicks(p, etaOf(p, lossDb), p.mu, 0.25)
  const several = 1 - Math.exp(-p.mu) * (1 + p.mu)
  const arriving = 1 - Math.exp(-p.mu * transmission(lossDb))
  const kept = 1 - 0.4 * Math.min(several / arriving, 1) - entropy2(qber)
  // Beyond the point where every arriving pulse may have had several photons, nothing is proven.
  return secretOf(p, siftedBps, qber, several < arriving ? kept : 0)
}

function plainClicks(
  p: Optics,
  eta: number,
  mu: number,
  sifting: number,
): { siftedBps: number; qber: number } {
  const noise = background(p, 1 - Math.exp(-eta * mu) + p.darkPerClock)
  const { gain, errors } = clicks(p, eta, mu, noise)
  const siftedBps = p.clockHz * live(p, gain) * p.duty * gain * sifting
  return { siftedBps, qber: Math.min(errors / gain, 0.5) }
}

function secretOf(p: Optics, siftedBps: number, qber: number, kept: number): Rates {
  const fraction = Math.max(kept - p.errorCorrection * entropy2(qber), 0)
  return { skrBps: siftedBps * fraction, siftedBps, qber, finiteYield: 1 }
}
