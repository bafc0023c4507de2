// A service: what is ordered (or asked for by an SAE's first request) and what the controller makes of it:
// an application association at the end nodes, fed over a key path with a reserved rate.

export interface ServiceEnd {
  readonly saeId: string
  readonly qkdnId: string
}

/**
 * What is kept ready against the failure of a path (RFC 4427, restoration and 1+1 protection):
 *
 * - `restore`: another path is worked out beforehand and its rate kept for it, told to nobody until it is needed
 * - `1+1`: two paths stand at once, and a key comes over whichever works
 */
export type Protection = "restore" | "1+1"

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
  /** Links (qkdlId) that must not carry the key. */
  readonly avoidLinks?: readonly string[]
  /** Nodes (qkdnId) that the path must pass. */
  readonly requireNodes?: readonly string[]
  readonly maxHops?: number
  /** Bound on the summed epsilon of the links on the path. */
  readonly maxEpsilon?: number
  /** Absent: nothing is kept ready; when the path fails, another is sought among what is left. */
  readonly protection?: Protection
  /**
   * So many relay nodes may work together and still learn no key: each key is the xor of one share over each of
   * `trustTolerance + 1` paths that have no relay node in common (key-relay, multipath). Absent: none may.
   */
  readonly trustTolerance?: number
  /**
   * After a failure: back to the path that was left, once it has been whole for `holdOffS`; or never back. Absent: back
   * to a path that spares relay nodes.
   */
  readonly revertive?: boolean
  readonly holdOffS?: number
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

/** A path that nobody has been told of. */
export interface PlannedPath {
  readonly hops: readonly Hop[]
  /** qkdnIds from end to end. */
  readonly nodes: readonly string[]
}

/**
 * The path a service moves to at once when its own fails, worked out beforehand. Its rate is kept for it:
 * as policy has it shared by services that no single failure hits together, its own, or not at all.
 */
export interface BackupPath extends PlannedPath {
  readonly rateBps: number
  /** How far it is apart from the path in use: no relay node and no link in common; no link; or not all links. */
  readonly disjoint: "node" | "link" | "part"
  /** Its links that are not of the path in use: there its rate is kept. */
  readonly keptOn: readonly string[]
  /**
   * The failures its rate is kept for: links, relay nodes and shared risks of the path in use; a single `*` where it is
   * not shared, nothing where no rate is kept.
   */
  readonly against: readonly string[]
}

/** One of several paths that an application stands on at once. */
export interface Lane {
  readonly path?: KeyPath
  readonly next?: KeyPath
}

/**
 * What a service has of the surplus of its links, above its guaranteed rate. The ends are told both together as the most
 * that the application may take (015 `max_bandwidth`).
 */
export interface Surplus {
  /** Whole bits per second. */
  readonly bps: number
  /** What the ends may still go by, until each of `awaiting` has confirmed what it was told in `sinceRevision`. */
  readonly beforeBps?: number
  readonly awaiting?: readonly string[]
  readonly sinceRevision?: number
  /** A node refused to allow more than this above the guaranteed rate. */
  readonly mostBps?: number
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

/** Keys that the node of one end is to have ready ahead of any request, for the bulk order `orderId`. */
export interface OrderedKeys {
  readonly orderId: string
  /** The node whose SAE asks for them. */
  readonly qkdnId: string
  readonly keySizeBits: number
  /** As soon as so many have been handed out there or are ready, no more are made: a mark on that node's own counter. */
  readonly untilBits: number
}

export interface Service {
  /** Also the 015 `app_id`. */
  readonly serviceId: string
  /**
   * `request`: an SAE asked (sdqkdn_application_new). `order`: an operator or orchestrator ordered it. `bulk`: it carries
   * out a bulk order.
   */
  readonly origin: "request" | "order" | "bulk"
  readonly a: ServiceEnd
  readonly b: ServiceEnd
  readonly terms: ServiceTerms
  /** Of a service that carries out a bulk order. */
  readonly ordered?: OrderedKeys
  readonly state: ServiceState
  readonly reason?: string
  /** The path the ends use. */
  readonly path?: KeyPath
  /** The path being set up beside it, or before the first stands. */
  readonly next?: KeyPath
  /**
   * The other lanes of a service that stands on several paths at once (1+1, or shares): `path` and `next` are the first
   * lane. The lanes have no link in common, shares no relay node either.
   */
  readonly beside?: readonly Lane[]
  /** Kept ready for a service with protection `restore`. */
  readonly backup?: BackupPath
  /** Why there is no backup where there should be one. */
  readonly noBackup?: string
  /** The path that a revertive service left when it failed. */
  readonly home?: PlannedPath
  /** Paths being taken down. */
  readonly leaving: readonly KeyPath[]
  readonly avoiding?: readonly AvoidedNode[]
  /** Of a service with a `maxRateBps` above its `minRateBps`, from when its ends are first told. */
  readonly surplus?: Surplus
  /** RFC 3339: when its first path stood. Absent: it has never stood. */
  readonly admittedAt?: string
  /** RFC 3339. */
  readonly createdAt: string
  readonly changedAt: string
}
