// A bulk key order: so many bits of key for a pair of SAEs by a deadline. What is ordered, when it is scheduled to be
// carried out, and what of it is at both sites. It is carried out over a key stream, a service of its own (`origin`
// `bulk`), that stands at the scheduled rate in the scheduled periods.

import type { Hop, ServiceEnd, ServiceTerms } from "./service.js"

/** What the stream of an order is bound to. */
export type BulkTerms = Pick<
  ServiceTerms,
  "priority" | "ttlS" | "avoidNodes" | "avoidLinks" | "maxHops" | "maxEpsilon"
> & {
  /** Its stream runs no faster, where its sites' policies have a ceiling for one application. */
  readonly mostBps?: number
}

/** The stream of an order runs at one rate over one path from `fromMs` to `toMs`, ms since the epoch. */
export interface BulkPeriod {
  readonly fromMs: number
  readonly toMs: number
  readonly rateBps: number
  readonly hops: readonly Hop[]
  /** qkdnIds from end to end. */
  readonly nodes: readonly string[]
}

/** What its stream really brings, measured while it stands. */
export interface BulkPace {
  readonly sinceMs: number
  /** Delivered until then. */
  readonly bits: number
  /** Bits per second over the last stretch that was measured, and what its stream was promised in it. */
  readonly bps?: number
  readonly promisedBps?: number
}

/**
 * Names of TM Forum's order states (TMF622, TMF641).
 *
 * - `pending`: accepted, its first period has not come
 * - `inProgress`: its stream is to run now
 * - `held`: nothing can be scheduled for it as the network is
 * - `completed`: all of it has been handed out or is ready at both sites
 * - `cancelled`: by whoever ordered it, or for it
 */
export type BulkState = "pending" | "inProgress" | "held" | "completed" | "cancelled"

export interface BulkOrder {
  readonly orderId: string
  /** Its SAE asks for the keys; the other one fetches them by their ids (ETSI GS QKD 014). */
  readonly from: ServiceEnd
  readonly to: ServiceEnd
  /** A whole number of keys. */
  readonly volumeBits: number
  /** Size of the keys that are made ready. */
  readonly keySizeBits: number
  /** RFC 3339. */
  readonly notBefore: string
  /** RFC 3339. */
  readonly deadline: string
  readonly terms: BulkTerms
  /** Taken on whether or not it can be in time. */
  readonly bestEffort: boolean
  /** The lesser is served first, where serving by deadline would break a promise. */
  readonly place: number
  readonly state: BulkState
  readonly reason?: string
  /** The stream that carries it out. */
  readonly serviceId?: string
  /** As scheduled last, from then on, in order of time. */
  readonly periods: readonly BulkPeriod[]
  /** Ms since the epoch. */
  readonly scheduledMs: number
  /** Handed to the SAE of `from` since the order began. */
  readonly takenBits: number
  /** Ready at both sites and not handed out yet. */
  readonly readyBits: number
  /** What the node of `from` had counted as handed out when it was last heard; absent before that. */
  readonly countedBits?: number
  /** What was ready already when its stream became its own: not of this order. */
  readonly beforeBits?: number
  /** Of a node that only keeps statistics (015 `app_statistics`): the end of the last period that was counted, RFC 3339. */
  readonly talliedTo?: string
  readonly pace?: BulkPace
  /** When all of it will be there, RFC 3339; absent while nobody can say, and when it is there. */
  readonly forecast?: string
  /** The forecast, or the completion, is after the deadline. */
  readonly late: boolean
  /** RFC 3339. */
  readonly createdAt: string
  readonly changedAt: string
  readonly completedAt?: string
}

export function isOpen({ state }: Pick<BulkOrder, "state">): boolean {
  return state !== "completed" && state !== "cancelled"
}

/** Of its volume, what is at both sites: handed out, or ready to be. */
export function deliveredBits({
  volumeBits,
  takenBits,
  readyBits,
  beforeBits = 0,
}: Pick<BulkOrder, "volumeBits" | "takenBits" | "readyBits" | "beforeBits">): number {
  return Math.max(0, Math.min(volumeBits, takenBits + readyBits - beforeBits))
}
