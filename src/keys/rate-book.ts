// Which application may have how many key bits now (015 `max_bandwidth`, `min_bandwidth`; THREATS T4). The maximum is a
// token bucket. The minimum is a floor that others cannot take: what an application has not used of it lately is
// reserved for it in the links that its keys leave over. Numbers only.
//
//   request ── maximum ──▶ floor of its own ──▶ the rest only out of what is nobody's floor

import { TokenBucket } from "./token-bucket.js"

export interface RateTerms {
  readonly appId: string
  readonly minBps?: number
  readonly maxBps?: number
  /** PHYS links that its keys leave this site over. */
  readonly qkdlIds: readonly string[]
}

/** So many seconds of a maximum may be used at once, and of a floor be saved up. */
export const BURST_S = 10

/** Of what an application has drawn, so much counts still when it draws again. */
const REMEMBERED = 0.9

/** What key costs a link beside itself: tags, which single keys pay as much for as for themselves. */
class DrawCost {
  #keyBits = 0
  #linkBits = 0

  drew(keyBits: number, linkBits: number): void {
    this.#keyBits = REMEMBERED * this.#keyBits + keyBits
    this.#linkBits = REMEMBERED * this.#linkBits + linkBits
  }

  /** Bits of a link for a bit of key, as lately; 1 until something was drawn. */
  get factor(): number {
    return this.#keyBits === 0 ? 1 : this.#linkBits / this.#keyBits
  }
}

interface Entry {
  readonly terms: RateTerms
  readonly maximum: TokenBucket | undefined
  readonly floor: TokenBucket | undefined
  readonly cost: DrawCost
}

/** What a request may have. */
export interface Admission {
  /** Of its bits, those that are its application's floor. */
  readonly floorBits: number
}

export class RateBook {
  #apps = new Map<string, Entry>()
  #byLink = new Map<string, Entry[]>()

  /**
   * What applications were promised; those known keep what they have saved up unless their terms differ.
   *
   * @param savedBits of maxima, as kept from an earlier run; full where it is not known
   */
  configure(
    apps: readonly RateTerms[],
    nowMs: number,
    savedBits: (appId: string) => number | undefined = () => undefined,
  ): void {
    const before = this.#apps
    this.#apps = new Map()
    this.#byLink = new Map()
    for (const terms of apps) {
      const known = before.get(terms.appId)
      const entry: Entry = {
        terms,
        maximum:
          known?.terms.maxBps === terms.maxBps
            ? known?.maximum
            : bucket(terms.maxBps, savedBits(terms.appId) ?? Infinity, nowMs),
        floor: known?.terms.minBps === terms.minBps ? known?.floor : bucket(terms.minBps, 0, nowMs),
        cost: known?.cost ?? new DrawCost(),
      }
      this.#apps.set(terms.appId, entry)
      for (const qkdlId of entry.floor === undefined ? [] : terms.qkdlIds) {
        const users = this.#byLink.get(qkdlId)
        if (users === undefined) this.#byLink.set(qkdlId, [entry])
        else users.push(entry)
      }
    }
  }

  /** Undefined: more than the maximum allows now. */
  admit(appId: string, bits: number, nowMs: number): Admission | undefined {
    const entry = this.#apps.get(appId)
    if (entry?.maximum?.take(bits, nowMs) === false) return undefined
    return { floorBits: entry?.floor?.takeUpTo(bits, nowMs) ?? 0 }
  }

  /** An admitted request that got nothing. */
  refund(appId: string, bits: number, { floorBits }: Admission): void {
    const entry = this.#apps.get(appId)
    entry?.maximum?.giveBack(bits)
    entry?.floor?.giveBack(floorBits)
  }

  /** So many bits of its links went for keys of this application: its floor is kept in such bits. */
  drew(appId: string, keyBits: number, linkBits: number): void {
    this.#apps.get(appId)?.cost.drew(keyBits, linkBits)
  }

  /** Bits of this link that the floors of applications come to now, but for one's own. */
  reservedBits(qkdlId: string, appId: string | undefined, nowMs: number): number {
    let sum = 0
    for (const { terms, floor, cost } of this.#byLink.get(qkdlId) ?? [])
      if (terms.appId !== appId && floor !== undefined) sum += floor.level(nowMs) * cost.factor
    return sum
  }

  /** What of its floor it has not used. Undefined where it has none. */
  floorBits(appId: string, nowMs: number): number | undefined {
    return this.#apps.get(appId)?.floor?.level(nowMs)
  }

  /** What its maximum leaves now. Undefined where it has none. */
  maximumBits(appId: string, nowMs: number): number | undefined {
    return this.#apps.get(appId)?.maximum?.level(nowMs)
  }
}

function bucket(bps: number | undefined, bits: number, nowMs: number): TokenBucket | undefined {
  return bps === undefined || bps === 0
    ? undefined
    : new TokenBucket(bps, BURST_S * bps, bits, nowMs)
}
