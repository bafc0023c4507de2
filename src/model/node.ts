// A node as ETSI GS QKD 015 V2.1.1 sees it, in native types: what is read from it, what it is told to be,
// and what it reports. Wire names stay in `etsi015.ts`.

import type { AppConfig, AppState, AppSupply } from "./app.js"
import type { LinkConfig, LinkState, ModuleRole } from "./link.js"

/** QKDN-STATUS-TYPES (015 V2.1.1 node types). */
export type NodeStatus = "NEW" | "OPERATING" | "DOWN" | "FAILURE" | "OUT"
/** QKD-TECHNOLOGY-TYPES. */
export const TECHNOLOGIES = ["CV-QKD", "DV-QKD", "DV-QKD-COW", "DV-QKD-2Ws"] as const
export type Technology = (typeof TECHNOLOGIES)[number]
/** IFACE-STATUS-TYPES. */
export type InterfaceStatus = "ENABLED" | "DISABLED" | "FAILED"
/** SEVERITY-TYPES. */
export type Severity = "MAJOR" | "MINOR"

/** One QKD module of a node (015 `qkd_interface`). */
export interface QkdInterface {
  readonly qkdiId: number
  readonly model?: string
  readonly technology?: Technology
  readonly attachment?: { readonly device?: string; readonly port?: number }
  readonly role?: ModuleRole
  /** WDM channels, such as `1,12-20,40`. */
  readonly wavelengthRange?: string
  readonly maxAbsorptionDb?: number
  readonly status?: InterfaceStatus
}

export interface NodeCapabilities {
  readonly linkStats: boolean
  readonly applicationStats: boolean
  readonly keyRelay: boolean
}

/** What module `keyloom-node` adds to a plain 015 node; absent for nodes of other makers. */
export interface KeyManagerInfo {
  /** Base URL of ETSI 014, without the trailing `/api/v1/keys`. */
  readonly etsi014Url: string
  /** Where other key managers reach this one. */
  readonly relayHost: string
  readonly relayPort: number
  /** SAEs that the site's signed policy names as its own. */
  readonly saeIds: readonly string[]
  readonly policyVersion: number
  /** Neighbouring networks at a border node. What a node tells of them is for people: it is not read back. */
  readonly domains?: readonly DomainInfo[]
}

export interface DomainInfo {
  readonly name: string
  readonly saeIds: readonly string[]
  /** Transfers given to it that are not over. */
  readonly handovers: number
  /** Key ids taken from it that are remembered. */
  readonly intakes: number
}

/** Everything read from a node: configuration and state. */
export interface NodeState {
  readonly qkdnId: string
  readonly status?: NodeStatus
  readonly version?: string
  readonly locationId?: string
  readonly capabilities: NodeCapabilities
  readonly interfaces: readonly QkdInterface[]
  readonly links: readonly LinkState[]
  readonly apps: readonly AppState[]
  readonly peers: readonly PeerAddress[]
  readonly keyManager?: KeyManagerInfo
  /** From the driver, not from the node: what of a configuration cannot be found there again. */
  readonly driven?: NodeDriven
}

/** How a driver speaks to a node. */
export interface NodeDriven {
  /** Name of the device profile. */
  readonly profile: string
  /** Leaves that are not written because the node does not take them; `keyloom-node` for all of that module. */
  readonly leftOut: readonly string[]
}

/** An entry that a node holds otherwise than it should. */
export interface NodeDifference {
  readonly kind: "link" | "app" | "peer"
  readonly id: string
  readonly change: "missing" | "unexpected" | "changed"
}

/** What would be written to a node, before anything is sent. */
export interface NodePlan {
  /** How it would be written, in words. */
  readonly way: string
  readonly edits: readonly {
    readonly operation: "create" | "replace" | "delete"
    /** Of the entry in the node's own tree. */
    readonly path: string
  }[]
  /** Exactly what would be sent, in the node's own language; empty when nothing would change. */
  readonly payload: string
}

/** Where a neighbouring node's key manager listens. Only nodes with module `keyloom-node` take it. */
export interface PeerAddress {
  readonly qkdnId: string
  readonly host: string
  readonly port: number
}

/** What the controller wants a node to be. Everything of these kinds that is not listed is to be removed. */
export interface NodeConfig {
  readonly qkdnId: string
  readonly links: readonly LinkConfig[]
  readonly apps: readonly AppConfig[]
  readonly peers: readonly PeerAddress[]
}

export interface AlarmBody {
  readonly resource:
    | { readonly kind: "link"; readonly qkdlId: string; readonly status?: LinkState["status"] }
    | { readonly kind: "interface"; readonly qkdiId: number; readonly status?: InterfaceStatus }
    | { readonly kind: "app"; readonly appId: string; readonly status?: AppState["status"] }
  readonly message?: string
  readonly severity?: Severity
}

/** What a node reports (015 notifications), typed. The driver adds neither node id nor time: the fleet does. */
export type NodeEvent =
  | {
      readonly kind: "app-new"
      readonly serverAppId: string
      readonly clientAppIds: readonly string[]
      readonly appType: "CLIENT" | "INTERNAL"
      readonly priority: number
      readonly qos: AppConfig["qos"]
    }
  | {
      readonly kind: "app-qos-update"
      readonly appId: string
      readonly priority?: number
      readonly qos: AppConfig["qos"]
    }
  | { readonly kind: "app-disconnected"; readonly appId: string }
  /** What became of keys that were ordered ahead (`AppConfig.ordered`); `keyloom-node` only. */
  | { readonly kind: "app-supply"; readonly appId: string; readonly supply: AppSupply }
  | { readonly kind: "interface-new"; readonly qkdInterface: QkdInterface }
  | { readonly kind: "interface-down"; readonly qkdiId: number; readonly reason?: string }
  | { readonly kind: "interface-out"; readonly qkdiId: number }
  | { readonly kind: "link-down"; readonly qkdlId: string; readonly reason?: string }
  | {
      readonly kind: "link-performance"
      readonly qkdlId: string
      readonly performance: LinkState["performance"]
    }
  | {
      readonly kind: "link-overloaded"
      readonly qkdlId: string
      readonly performance: LinkState["performance"]
    }
  | ({ readonly kind: "alarm" } & AlarmBody)
  | ({ readonly kind: "event" } & AlarmBody)
  /** Notifications may have been lost: whoever listens must read the node again. */
  | { readonly kind: "resync" }
