// What a rate service is promised, and by which policy a network keeps its promises. Types, and what does not go together.

export interface RateTerms {
  readonly from: number
  readonly to: number
  /** Guaranteed, whole bits per second; zero promises nothing but a path. */
  readonly minBps: number
  /** Where there is room; at least `minBps`. */
  readonly maxBps: number
  /** Greater goes first. */
  readonly priority: number
  /** Part in what is left above the minima; more than zero. */
  readonly weight: number
  /**
   * When its path fails: nothing; another path is sought; one is held ready; keys come over two disjoint paths all the
   * time.
   */
  readonly protection: "none" | "restore" | "reserved" | "1+1"
  /**
   * So many relay nodes may be bad together and learn nothing: keys are sums of shares over one more node-disjoint path
   * than that, and each carries the whole rate.
   */
  readonly tolerance: number
}

export interface AdmissionPolicy {
  /** Whether greater priority pushes lesser off its links where there is no other room. */
  readonly preempt: boolean
  /** Whether paths held ready for failures that cannot happen together stand on the same rate. */
  readonly shareReserve: boolean
  /** Of a link's rate, kept from services that arrive: what drifts away later is then nobody's. None where absent. */
  readonly headroomShare?: number
}

/** Why these terms cannot be kept by anybody; undefined when they can. */
export function faultOf(terms: RateTerms): string | undefined {
  const { from, to, minBps, maxBps, weight, tolerance, protection } = terms
  if (from === to) return "both ends are one node"
  if (!Number.isSafeInteger(minBps) || minBps < 0)
    return "minBps is not a whole number of bits per second"
  if (!Number.isSafeInteger(maxBps) || maxBps < minBps)
    return "maxBps is not a whole number of bits per second from minBps on"
  if (!(weight > 0)) return "weight is not more than zero"
  if (!Number.isSafeInteger(tolerance) || tolerance < 0) return "tolerance is not a whole number"
  if (tolerance > 0 && (protection === "1+1" || protection === "reserved"))
    return "shares over disjoint paths have no second set of paths: tolerance goes with protection none or restore"
  return undefined
}

/** Paths that carry the service at the same time, and what they must not share. */
export function pathsNeeded({ tolerance, protection }: RateTerms): {
  readonly count: number
  readonly kind: "link" | "node"
} {
  if (tolerance > 0) return { count: tolerance + 1, kind: "node" }
  return { count: protection === "1+1" ? 2 : 1, kind: "link" }
}

/** Words for a service that found no paths. */
export function noRoomFor(terms: RateTerms): string {
  const { count, kind } = pathsNeeded(terms)
  const room = `${terms.minBps} bit/s free`
  if (count > 1) return `there are no ${count} ${kind}-disjoint paths with ${room}`
  return terms.protection === "reserved"
    ? `there is no path with ${room} and another beside it to hold ready`
    : `no path has ${room}`
}
