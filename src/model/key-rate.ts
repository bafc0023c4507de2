// The secret key rate to expect of a link: picks the parameter set for a module and channel and applies its
// formula. Used by topology files, planners and the simulated module alike. Measures nothing.

import { QkdError } from "../errors.js"
import { ratesOf, type Rates } from "./key-rate-physics.js"
import type { KeyRateSet } from "./key-rate-set.js"
import { KEY_RATE_SETS } from "./key-rate-sets.js"

export interface RateQuestion {
  /** Maker and model, as topologies write it. Unknown ones are answered like an absent one. */
  readonly module?: string
  /** Loss of the quantum channel. */
  readonly lossDb?: number
  /** Length of the fibre; used when the loss is not known. */
  readonly lengthKm?: number
}

export interface RateAnswer {
  /** Secret key rate; 0 where the channel is too long for the system. */
  readonly skrBps: number
  /** Ratio, 0 to 0.5. */
  readonly qber: number
  /** Name of the parameter set that was used. */
  readonly set: string
  /** Bits before error correction and privacy amplification. */
  readonly siftedBps: number
  readonly lossDb: number
  readonly epsilon?: number
}

/** Beyond this loss a link without a named module is taken as one with cooled detectors. */
export const LONG_HAUL_ABOVE_DB = 25

const byName = new Map<string, KeyRateSet>(
  KEY_RATE_SETS.flatMap((set) =>
    [set.name, ...set.aliases].map((name): [string, KeyRateSet] => [name.toLowerCase(), set]),
  ),
)

/** The set of a named system, if there is one. Case does not matter. */
export function keyRateSet(name: string): KeyRateSet | undefined {
  return byName.get(name.trim().toLowerCase())
}

/** The set for a link: the module's own, else by loss. */
export function setForLink(module: string | undefined, lossDb: number): KeyRateSet {
  const own = module === undefined ? undefined : keyRateSet(module)
  const set = own ?? keyRateSet(lossDb > LONG_HAUL_ABOVE_DB ? "long-haul" : "metro")
  if (set === undefined) throw new QkdError("data-missing", "the default key rate sets are missing")
  return set
}

/**
 * What a link of this module, loss and length will yield.
 *
 * @throws QkdError `missing-element` without loss and length; `invalid-value` when one is negative or not finite.
 */
export function rateModel(question: RateQuestion): RateAnswer {
  const { module, lossDb, lengthKm } = question
  for (const [name, value] of Object.entries({ lossDb, lengthKm })) {
    if (value !== undefined && (!Number.isFinite(value) || value < 0))
      throw new QkdError("invalid-value", `${name} is ${value}`, { path: `/${name}` })
  }
  const loss = lossDb ?? lossOfLength(module, lengthKm)
  const set = setForLink(module, loss)
  const rates: Rates = ratesOf(set.physics, loss)
  return {
    skrBps: rates.skrBps,
    qber: rates.qber,
    set: set.name,
    siftedBps: rates.siftedBps,
    lossDb: loss,
    ...(set.epsilon === undefined ? {} : { epsilon: set.epsilon }),
  }
}

/** Fibre of 0.2 dB/km, unless the named system was reported on other fibre. */
function lossOfLength(module: string | undefined, lengthKm: number | undefined): number {
  if (lengthKm === undefined)
    throw new QkdError("missing-element", "a key rate needs a loss or a length", {
      path: "/lossDb",
    })
  const own = module === undefined ? undefined : keyRateSet(module)
  return lengthKm * (own?.fibreDbPerKm ?? 0.2)
}

/**
 * The largest loss at which this set still yields a key, to a tenth of a dB; 100 dB where its law has no end.
 *
 * @throws QkdError `data-missing` for an unknown set.
 */
export function reachDb(setName: string): number {
  const set = keyRateSet(setName)
  if (set === undefined) throw new QkdError("data-missing", `no key rate set is called ${setName}`)
  let [low, high] = [0, 100]
  if (ratesOf(set.physics, high).skrBps > 0) return high
  while (high - low > 0.05) {
    const middle = (low + high) / 2
    if (ratesOf(set.physics, middle).skrBps > 0) low = middle
    else high = middle
  }
  return Math.floor(low * 10) / 10
}
