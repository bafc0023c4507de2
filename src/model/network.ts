// The Network: the controller's picture of nodes, links and services. Read-only to all but the controller.
// One entry a thing; what several nodes report of the same link is brought together in one NetworkLink.

import type { BulkOrder } from "./bulk-order.js"
import type { LinkMaintenance, Maintenance, NodeMaintenance } from "./maintenance.js"
import type { Service } from "./service.js"
import type {
  KeyManagerInfo,
  NodeCapabilities,
  NodeDifference,
  NodeDriven,
  NodeStatus,
  QkdInterface,
} from "./node.js"
import type { LinkRest, RateProfile } from "./rate-profile.js"
import type { LinkPerformance, LinkStatus } from "./link.js"

/**
 * How to reach a node's agent: over SSH, or over TLS where `tls` is there; then the fields of SSH are empty.
 * Credentials are named, never held: `privateKeyFile` is a path.
 */
export interface NodeTarget {
  /** Empty for a node that calls home. */
  readonly host: string
  readonly port: number
  readonly username: string
  readonly privateKeyFile: string
  /** OpenSSH form, `SHA256:...`; the connection is refused on any other key. */
  readonly hostKeyFingerprint: string
  readonly tls?: NodeTlsTarget
  /** The node calls us (RFC 8071); nobody calls it. */
  readonly callHome?: true
}

/** NETCONF over TLS (RFC 7589). A node that calls home is shown the listener's certificate: no files are named then. */
export interface NodeTlsTarget {
  readonly certFile: string
  readonly keyFile: string
  readonly caFile: string
  /** SHA-256 of the server key's SubjectPublicKeyInfo, lower-case hex; any other key is refused. */
  readonly serverKeySha256: string
}

/**
 * - `connecting`: no session yet, or trying again
 * - `connected`: session up and state read
 * - `unreachable`: the session was lost; keys still flow, nothing is known
 * - `unmanaged`: its driver is missing, misfit or crashed
 */
export type Reach = "connecting" | "connected" | "unreachable" | "unmanaged"

/**
 * What is done about a node that somebody else has changed: made again what it should be; told and left as it is; or
 * taken over into the inventory where a link's switch or loss was changed, and told for the rest.
 */
export type DriftPolicy = "heal" | "report" | "adopt"

/** A node that held what it should, and holds something else now. */
export interface NodeDrift {
  /** RFC 3339. */
  readonly since: string
  readonly differences: readonly NodeDifference[]
}

export interface NetworkNode {
  readonly qkdnId: string
  readonly name: string
  readonly place?: string
  readonly lat?: number
  readonly lon?: number
  readonly operator?: string
  /** May relay for others, by inventory; the node's own capability must agree. */
  readonly relay: boolean
  /** Taken out of service by an operator: no new path begins, ends or passes here, and those that pass move away. */
  readonly outOfService?: true
  /** It is in maintenance that was planned; its links say so too. */
  readonly maintenance?: NodeMaintenance
  /** Its interfaces (`qkdi_id`) whose links are all out for maintenance. */
  readonly interfacesOut?: readonly number[]
  /** Name of the driver plugin. */
  readonly driver: string
  readonly target: NodeTarget
  readonly reach: Reach
  readonly reachReason?: string
  /** Why the node last refused the configuration it was to have; absent once it holds it. */
  readonly syncFault?: string
  /** For this node; the network's where absent. */
  readonly driftPolicy?: DriftPolicy
  /** How somebody else has changed it; absent while it is as it should be. */
  readonly drift?: NodeDrift
  /** How its driver speaks to it. */
  readonly driven?: NodeDriven
  readonly status?: NodeStatus
  readonly version?: string
  readonly capabilities?: NodeCapabilities
  readonly interfaces: readonly QkdInterface[]
  readonly keyManager?: KeyManagerInfo
  /** SAEs known to live here: from the node's own registry, or from inventory for plain 015 nodes. */
  readonly saeIds: readonly string[]
  /** What the inventory lists, where it lists any: kept beside `saeIds`, which a node may outrank. */
  readonly listedSaeIds?: readonly string[]
  /** RFC 3339; last time anything was heard from the node. */
  readonly lastHeardAt?: string
}

/** A PHYS link, both ends in one. `VIRT` links live inside services (`KeyPath`). */
export interface NetworkLink {
  readonly qkdlId: string
  /** The topology's own name of the link, where it has one. */
  readonly name?: string
  readonly a: { readonly qkdnId: string; readonly qkdiId: number }
  readonly b: { readonly qkdnId: string; readonly qkdiId: number }
  readonly lengthKm?: number
  readonly lossDb?: number
  /** Maker and model of the modules. */
  readonly module?: string
  readonly epsilon?: number
  readonly latencyMs?: number
  readonly srlg: readonly string[]
  readonly enabled: boolean
  /** The rate entered with the link: `capacityBps` begins with it. */
  readonly expectedBps?: number
  /** What each end last reported. */
  readonly endA: LinkEndReport
  readonly endB: LinkEndReport
  /** Brought together: the worse of both ends. */
  readonly status: LinkStatus
  readonly performance: LinkPerformance
  /**
   * The rate that admission counts with: what was measured, smoothed; before the first measurement the
   * estimate given with the inventory. Absent: not known.
   */
  readonly capacityBps?: number
  /** The same rate with hysteresis, out of which the surplus is shared. Absent before the first measurement. */
  readonly steady?: SteadyLinkRate
  /** When performance was last recorded, ms since the epoch. */
  readonly measuredAtMs?: number
  readonly doubt?: LinkDoubt
  /** Planned maintenance of the link, or of a node at its end, that has begun or is near. */
  readonly maintenance?: LinkMaintenance
  /** What it is expected to make over time; bulk orders are scheduled with it. */
  readonly rateProfile?: RateProfile
  /** By its rate profile it need not be up now. */
  readonly rests?: LinkRest
  /** Flap damping: after it came back, new paths avoid the link until `untilMs` if they can. */
  readonly hold?: { readonly untilMs: number; readonly flaps: number; readonly held: boolean }
  readonly reason?: string
  readonly changedAt?: string
}

/** The ends of a link that generates tell different error rates. */
export interface LinkDoubt {
  /** Ms since the epoch. */
  readonly sinceMs: number
  /** For so long that it is no matter of reports that crossed. */
  readonly stands: boolean
  /** As told when it began to stand. */
  readonly qberA: number
  readonly qberB: number
}

/** A rate that follows the smoothed measurements only when these have moved far enough and, upwards, stayed there. */
export interface SteadyLinkRate {
  readonly bps: number
  /** Since when the smoothed rate has been higher by so much that it will be followed, ms since the epoch. */
  readonly higherSinceMs?: number
}

export interface LinkEndReport {
  readonly status?: LinkStatus
  readonly performance: LinkPerformance
}

export interface Network {
  /** Grows by one with each commit. */
  readonly revision: number
  readonly nodes: ReadonlyMap<string, NetworkNode>
  readonly links: ReadonlyMap<string, NetworkLink>
  readonly services: ReadonlyMap<string, Service>
  readonly orders: ReadonlyMap<string, BulkOrder>
  readonly maintenance: ReadonlyMap<string, Maintenance>
}

/** One entry written or removed by a decision; exactly these are stored and told to subscribers. */
export type Change =
  | { readonly kind: "node"; readonly id: string; readonly value: NetworkNode | null }
  | { readonly kind: "link"; readonly id: string; readonly value: NetworkLink | null }
  | { readonly kind: "service"; readonly id: string; readonly value: Service | null }
  | { readonly kind: "order"; readonly id: string; readonly value: BulkOrder | null }
  | { readonly kind: "maintenance"; readonly id: string; readonly value: Maintenance | null }
