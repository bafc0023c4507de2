// Everything that may happen to the network, as plain data: what an operator orders, what a node says, what the
// southbound side found out, a deadline. Types only; the deciding is in `decide.ts`.

import type { AppTag, ErrorTag } from "../errors.js"
import type { LinkInventory, NodeInventory } from "../model/inventory.js"
import type { LinkPerformance } from "../model/link.js"
import type { NodeConfig, NodeEvent, NodeState } from "../model/node.js"
import type { BulkTerms } from "../model/bulk-order.js"
import type { RateProfile } from "../model/rate-profile.js"
import type { ServiceTerms } from "../model/service.js"

export type { LinkInventory, NodeInventory } from "../model/inventory.js"

/** What an operator or an orchestrator wants. `…-changed` replaces the whole entry. */
export type OperatorEvent =
  | { readonly kind: "node-added"; readonly node: NodeInventory }
  | { readonly kind: "node-changed"; readonly node: NodeInventory }
  | { readonly kind: "node-removed"; readonly qkdnId: string }
  | { readonly kind: "link-added"; readonly link: LinkInventory }
  | { readonly kind: "link-changed"; readonly link: LinkInventory }
  | { readonly kind: "link-removed"; readonly qkdlId: string }
  | {
      readonly kind: "service-ordered"
      /** Chosen by the caller, or made here. */
      readonly serviceId?: string
      /**
       * `serviceId` is the caller's name for the service: where the pair's SAEs have a service of their own under
       * another id, the order is refused instead of taking that one over.
       */
      readonly keepsId?: true
      readonly aSaeId: string
      readonly bSaeId: string
      readonly terms: ServiceTerms
    }
  | { readonly kind: "service-changed"; readonly serviceId: string; readonly terms: ServiceTerms }
  | { readonly kind: "service-cancelled"; readonly serviceId: string }
  | {
      readonly kind: "bulk-ordered"
      /** Chosen by the caller, or made here. */
      readonly orderId?: string
      readonly fromSaeId: string
      readonly toSaeId: string
      readonly volumeBits: number
      readonly keySizeBits: number
      /** Ms since the epoch; absent: at once. */
      readonly notBeforeMs?: number
      readonly deadlineMs: number
      readonly terms: BulkTerms
      readonly bestEffort: boolean
    }
  /** Of an order that is over: it is no longer shown. */
  | { readonly kind: "bulk-cancelled"; readonly orderId: string }
  /** What a link is expected to make over time; null: nothing is known any more. */
  | {
      readonly kind: "rate-profile-set"
      readonly qkdlId: string
      readonly profile: RateProfile | null
    }
  | {
      readonly kind: "maintenance-planned"
      /** Chosen by the caller, or made here. */
      readonly maintenanceId?: string
      /** What goes out: a link, or a node with all its links. */
      readonly target: { readonly qkdlId: string } | { readonly qkdnId: string }
      /** Ms since the epoch; absent: at once. */
      readonly beginMs?: number
      readonly endMs: number
      readonly reason: string
      /** Who plans it. */
      readonly by: string
    }
  /** Replaces what was planned; who planned it stays. */
  | {
      readonly kind: "maintenance-changed"
      readonly maintenanceId: string
      readonly target: { readonly qkdlId: string } | { readonly qkdnId: string }
      /** Absent: as before. */
      readonly beginMs?: number
      readonly endMs: number
      readonly reason: string
    }
  /** Called off; where it has begun, it is over. */
  | { readonly kind: "maintenance-cancelled"; readonly maintenanceId: string }
  /** Exactly this path, PHYS links in order from end a. */
  | {
      readonly kind: "path-deployed"
      readonly serviceId: string
      readonly qkdlIds: readonly string[]
      /** For a service on several paths: those beside the first one, in any order. */
      readonly besideQkdlIds?: readonly (readonly string[])[]
      /** Refused where no backup as good as the one kept now could be kept ready for the new path. */
      readonly keepsProtection?: true
    }
  /** Another path than the one in use, clear of these. */
  | {
      readonly kind: "service-moved"
      readonly serviceId: string
      readonly avoidNodes: readonly string[]
      readonly avoidLinks: readonly string[]
    }

/** Several orders that are one: all of them happen, in this order, or none does. */
export interface Transaction {
  readonly kind: "transaction"
  readonly parts: readonly OperatorEvent[]
}

/** Why a node did not become what it should be. */
export interface SyncError {
  readonly tag: ErrorTag
  readonly appTag?: AppTag
  readonly message: string
  readonly path?: string
}

export interface PerformanceReport {
  readonly qkdnId: string
  readonly qkdlId: string
  readonly performance: LinkPerformance
}

/** What the southbound side submits. `atMs`: when it was heard, ms since the epoch. */
export type SouthEvent =
  | {
      readonly kind: "node-connected"
      readonly qkdnId: string
      readonly state: NodeState
      /** What it was last confirmed to be for good; nothing was asked of it since. */
      readonly confirmed?: NodeConfig
    }
  /** Read again while connected: after lost notifications, or as a backup. No status: no news of it. */
  | {
      readonly kind: "node-read"
      readonly qkdnId: string
      readonly state: NodeState
      readonly confirmed?: NodeConfig
    }
  /** No session: it ended, or could not be had. */
  | { readonly kind: "node-lost"; readonly qkdnId: string; readonly reason: string }
  | { readonly kind: "node-unmanaged"; readonly qkdnId: string; readonly reason: string }
  | {
      readonly kind: "node-event"
      readonly qkdnId: string
      readonly atMs: number
      readonly event: NodeEvent
    }
  /** Performance reports of many links, gathered: at most one a link and end. */
  | { readonly kind: "performance"; readonly reports: readonly PerformanceReport[] }
  | {
      readonly kind: "node-synced"
      readonly qkdnId: string
      readonly revision: number
      /** The node takes it back unless it is told again, for good. */
      readonly provisional?: true
    }
  | {
      readonly kind: "node-sync-failed"
      readonly qkdnId: string
      readonly revision: number
      readonly error: SyncError
    }

export type Event =
  | OperatorEvent
  | Transaction
  | SouthEvent
  | { readonly kind: "wake" }
  /** Some time after the network has changed: what links have left is shared anew, and the load looked at. */
  | { readonly kind: "surplus-due" }

/** The answer to whoever submitted the event. */
export type Reply =
  | { readonly ok: true; readonly id?: string }
  | {
      readonly ok: false
      readonly tag: ErrorTag
      readonly appTag?: AppTag
      readonly message: string
      readonly path?: string
      /** Details for programs. */
      readonly info?: Readonly<Record<string, string>>
      /** Which part of a transaction was refused, from 0. */
      readonly part?: number
    }

/** Something to do, once the changes are durable. */
export type Effect =
  /** Make the node what `desiredConfig` says. */
  | { readonly kind: "sync-node"; readonly qkdnId: string }
  /** Name a change for subscribers, or (`log`) tell what changes nothing. */
  | {
      readonly kind: "notify"
      readonly topic: "node" | "link" | "service" | "order" | "maintenance" | "log"
      readonly type: string
      readonly id: string
      readonly message?: string
    }
  /** Come back with a `wake` event at this time, ms since the epoch. */
  | { readonly kind: "wake"; readonly atMs: number }
  /** From now on decisions are made in overload, or no longer (`Context.overloaded`). */
  | { readonly kind: "load"; readonly overloaded: boolean }
  /** The answer to a request that a node raised. */
  | {
      readonly kind: "refuse"
      readonly qkdnId: string
      readonly serverAppId: string
      readonly clientAppIds: readonly string[]
      readonly appTag: string
      readonly reason: string
    }
