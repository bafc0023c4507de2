// A service: what is ordered (or asked for by an SAE's first request) and what the controller makes of it:
// an application association at the end nodes, fed over a key path with a reserved rate.

export interface ServiceEnd {
  readonly saeId: string
  readonly qkdnId: string
}

/** What the customer wants. Absent limits do not bind. */
export interface ServiceTerms {
  /** Guaranteed end-to-end key rate. */
  readonly minRateBps: number
  readonly maxRateBps?: number
  /** Greater wins (015 leaves the order open; ours is written here). */
  readonly priority: number
  /** Longest time an unused key may wait. */
  readonly ttlS?: number
  /** Nodes (qkdnId) that must not see the key. */
  readonly avoidNodes: readonly string[]
  readonly maxHops?: number
  /** Bound on the summed epsilon of the links on the path. */
  readonly maxEpsilon?: number
}

/** One hop of a key path: over `qkdlId` (a PHYS link) from one node to the next. */
export interface Hop {
  readonly qkdlId: string
  readonly from: string
  readonly to: string
}

/**
 * One deployment of a key path. A path of one hop uses the PHYS link itself (`qkdlId` is the link's);
 * a longer one is a VIRT link with its own id.
 *
 * - `relays`: the relay nodes are being told; the ends know nothing yet
 * - `ends`: every relay has confirmed; the ends are being told
 * - `up`: every node has confirmed
 * - `leaving`: the ends have been told to let go; relays follow, then it is gone
 */
export interface KeyPath {
  readonly qkdlId: string
  readonly hops: readonly Hop[]
  /** qkdnIds from end to end. */
  readonly nodes: readonly string[]
  readonly rateBps: number
  readonly phase: "relays" | "ends" | "up" | "leaving"
  /** Nodes whose confirmation is still awaited in this phase. */
  readonly awaiting: readonly string[]
  /** Nodes that hold their part provisionally: they take it back unless it is confirmed (RFC 6241 section 8.4). */
  readonly holding?: readonly string[]
  /** Every node has its part; those awaited are being told to keep it. */
  readonly confirming?: true
  /** The network revision in which this phase began: a node's confirmation counts from this one on. */
  readonly sinceRevision: number
}

/** A node that refused or failed a path of this service, and is left out for a while. */
export interface AvoidedNode {
  readonly qkdnId: string
  readonly untilMs: number
  readonly reason: string
}

/**
 * - `pending`: a path is being set up, none stands
 * - `active`: a path stands and every link on it generates
 * - `degraded`: a path stands but a link on it is not generating, and no other path exists: keys come from stock
 * - `failed`: no path; `reason` says why; tried again when the network changes
 * - `removing`: the path is being taken down
 */
export type ServiceState = "pending" | "active" | "degraded" | "failed" | "removing"

export interface Service {
  /** Also the 015 `app_id`. */
  readonly serviceId: string
  /** `request`: an SAE asked (sdqkdn_application_new). `order`: an operator or orchestrator ordered it. */
  readonly origin: "request" | "order"
  readonly a: ServiceEnd
  readonly b: ServiceEnd
  readonly terms: ServiceTerms
  readonly state: ServiceState
  readonly reason?: string
  /** The path the ends use. */
  readonly path?: KeyPath
  /** The path being set up beside it, or before the first stands. */
  readonly next?: KeyPath
  /** Paths being taken down. */
  readonly leaving: readonly KeyPath[]
  readonly avoiding?: readonly AvoidedNode[]
  /** RFC 3339. */
  readonly createdAt: string
  readonly changedAt: string
}
