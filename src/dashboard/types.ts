// The part of the API's shapes that the page reads. The page knows the controller by REST and WebSocket only,
// so these are written here and not imported; the checks look for the members the page relies on.

export type Reach = "connecting" | "connected" | "unreachable" | "unmanaged"
export type LinkStatus = "ACTIVE" | "PASSIVE" | "PENDING" | "OFF"
export type ServiceState = "pending" | "active" | "degraded" | "failed" | "removing"

export interface Node {
  readonly qkdnId: string
  readonly name: string
  readonly place?: string
  readonly lat?: number
  readonly lon?: number
  readonly operator?: string
  readonly relay: boolean
  readonly driver: string
  readonly netconf: { readonly host: string; readonly port: number }
  readonly reach: Reach
  readonly reachReason?: string
  readonly syncFault?: string
  readonly drift?: {
    readonly since: string
    readonly differences: readonly {
      readonly kind: string
      readonly id: string
      readonly change: string
    }[]
  }
  readonly status?: string
  readonly version?: string
  readonly saeIds: readonly string[]
  readonly lastHeardAt?: string
}

export interface Performance {
  readonly skrBps?: number
  readonly eskrBps?: number
  readonly qber?: number
  readonly stockBits?: number
}

export interface Link {
  readonly qkdlId: string
  readonly name?: string
  readonly a: { readonly qkdnId: string; readonly qkdiId: number }
  readonly b: { readonly qkdnId: string; readonly qkdiId: number }
  readonly lengthKm?: number
  readonly lossDb?: number
  readonly module?: string
  readonly enabled: boolean
  readonly endA: { readonly status?: LinkStatus }
  readonly endB: { readonly status?: LinkStatus }
  readonly status: LinkStatus
  readonly performance: Performance
  readonly capacityBps?: number
  readonly hold?: { readonly until: string; readonly flaps: number }
  readonly maintenance?: {
    readonly stage: "leaving" | "out"
    readonly begin: string
    readonly end: string
  }
  readonly reason?: string
  readonly changedAt?: string
}

export interface Hop {
  readonly qkdlId: string
  readonly from: string
  readonly to: string
}

export interface KeyPath {
  readonly qkdlId: string
  readonly hops: readonly Hop[]
  readonly nodes: readonly string[]
  readonly rateBps: number
  readonly phase: "relays" | "ends" | "up" | "leaving"
  readonly awaiting: readonly string[]
}

export interface Service {
  readonly serviceId: string
  readonly origin: "request" | "order" | "bulk"
  readonly a: { readonly saeId: string; readonly qkdnId: string }
  readonly b: { readonly saeId: string; readonly qkdnId: string }
  readonly terms: {
    readonly minRateBps: number
    readonly maxRateBps?: number
    readonly priority: number
    readonly ttlS?: number
    readonly avoidNodes: readonly string[]
    readonly maxHops?: number
    readonly maxEpsilon?: number
    readonly protection?: "restore" | "1+1"
    readonly trustTolerance?: number
  }
  readonly state: ServiceState
  readonly reason?: string
  readonly grantedBps?: number
  readonly path?: KeyPath
  readonly next?: KeyPath
  readonly beside?: readonly { readonly path?: KeyPath; readonly next?: KeyPath }[]
  readonly backup?: Pick<KeyPath, "nodes" | "hops">
  readonly noBackup?: string
  readonly leaving: readonly KeyPath[]
  readonly createdAt: string
  readonly changedAt: string
}

export type OrderState = "pending" | "inProgress" | "held" | "completed" | "cancelled"

/** A bulk key order. */
export interface BulkOrder {
  readonly orderId: string
  readonly from: { readonly saeId: string; readonly qkdnId: string }
  readonly to: { readonly saeId: string; readonly qkdnId: string }
  readonly volumeBits: number
  readonly deliveredBits: number
  readonly deadline: string
  readonly state: OrderState
  readonly late: boolean
  readonly reason?: string
  readonly forecast?: string
  readonly serviceId?: string
}

/** A link or a node is out by plan from one time to another. */
export interface Maintenance {
  readonly maintenanceId: string
  readonly qkdlId?: string
  readonly qkdnId?: string
  readonly begin: string
  readonly end: string
  readonly reason: string
  readonly by: string
  readonly state: "planned" | "draining" | "inProgress"
  readonly staying: readonly string[]
}

export interface Notice {
  readonly seq: number
  readonly time: string
  readonly topic: "node" | "link" | "service" | "order" | "maintenance" | "log"
  readonly type: string
  readonly id: string
  readonly value: unknown
  readonly message?: string
}

export interface Snapshot {
  readonly epoch: string
  readonly seq: number
  readonly nodes: readonly Node[]
  readonly links: readonly Link[]
  readonly services: readonly Service[]
  readonly orders: readonly BulkOrder[]
  readonly maintenance: readonly Maintenance[]
}

/** What is selected; the same on map, tables and details. */
export interface Selection {
  readonly kind: "node" | "link" | "service"
  readonly id: string
}

function has(value: unknown, ...names: readonly string[]): boolean {
  return value !== null && typeof value === "object" && names.every((name) => name in value)
}

export function isNode(value: unknown): value is Node {
  return has(value, "qkdnId", "name", "reach", "saeIds")
}

export function isLink(value: unknown): value is Link {
  return has(value, "qkdlId", "a", "b", "status", "performance")
}

export function isService(value: unknown): value is Service {
  return has(value, "serviceId", "a", "b", "terms", "state", "leaving")
}

export function isMaintenance(value: unknown): value is Maintenance {
  return has(value, "maintenanceId", "begin", "end", "state", "staying")
}

export function isBulkOrder(value: unknown): value is BulkOrder {
  return has(value, "orderId", "from", "to", "volumeBits", "deliveredBits", "state")
}
