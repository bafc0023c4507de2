// The two plugin contracts. A node driver runs in the controller and never meets a key; a QKD module
// driver runs in a trusted site, beside the key manager, and is where link keys come from.
// Types only: no implementation here. Contract version 1.

import type { Secret } from "../keys/secret.js"
import type { ModuleRole } from "../model/link.js"
import type { NodeTarget } from "../model/network.js"
import type { NodeConfig, NodeEvent, NodePlan, NodeState, Technology } from "../model/node.js"
import type { NetconfClientSession } from "../netconf/client.js"

/** What a plugin is lent. Refuses calls after `signal` aborts. Never hands out key material to the log. */
export interface Host {
  /** Milliseconds since the epoch. */
  now(): number
  /** Resolves after `ms`, or rejects with `QkdError` `closed` on abort. */
  sleep(ms: number): Promise<void>
  log(
    level: "debug" | "info" | "warn" | "error",
    message: string,
    facts?: Readonly<Record<string, string | number | boolean>>,
  ): void
  /** Cryptographically secure random bytes. */
  random(bytes: number): Uint8Array
  readonly signal: AbortSignal
}

/** What a node driver is lent on top: an authenticated NETCONF session to its own target, no other. */
export interface DriverHost extends Host {
  openNetconf(): Promise<NetconfClientSession>
  /** The controller and its term: for nodes that obey the latest only. Terms grow, also over restarts. */
  readonly leader?: { readonly term: number; readonly leaderId: string }
}

export interface NodeDriver {
  readonly name: string
  readonly contract: 1
  connect(target: NodeTarget, host: DriverHost): Promise<NodeConnection>
}

export interface NodeConnection {
  /** Configuration and state of the whole node. @throws QkdError `node-unreachable` (app-tag) when the session ended. */
  read(): Promise<NodeState>
  /**
   * Make the node's links, applications and peers equal to `desired`.
   *
   * Idempotent. Resolves only once the node has confirmed; on any rejection the node is unchanged.
   * Never resolves for a part it could not do.
   *
   * @throws QkdError with the node's own tag and app-tag if it refused (`access-denied` / `policy`), or
   * app-tag `node-unreachable` if the connection ended.
   */
  apply(desired: NodeConfig): Promise<void>
  /**
   * Optional ability: as `apply`, but provisional. The node takes it back by itself when no `apply` confirms it within
   * `timeoutS` seconds, be there a connection or not; a new connection that comes in time keeps it. An `apply` of the
   * same confirms it, an `apply` of what was there before takes it back. Several in a row are confirmed together.
   *
   * @returns false when nothing of it is provisional: the node was so already.
   */
  readonly hold?: (desired: NodeConfig, timeoutS: number) => Promise<boolean>
  /** Optional ability: what `apply` would send now. Changes nothing. Throws as `apply` for what it could not do. */
  readonly plan?: (desired: NodeConfig) => Promise<NodePlan>
  /** Ends when the connection does. Each notification arrives once, typed, in the order sent. */
  readonly events: AsyncIterable<NodeEvent>
  /**
   * Optional ability: tell the node that a request it raised with `app-new` is refused, so that the SAE
   * waiting there gets its answer. Absent where the node's model has no such call.
   */
  readonly refuse?: (request: {
    serverAppId: string
    clientAppIds: readonly string[]
    appTag: string
    reason: string
  }) => Promise<void>
  /** Optional ability: the smallest round trip the node offers, to see that it lives. Absent: `read` is used. */
  readonly ping?: () => Promise<void>
  close(): Promise<void>
}

/** Which module, where: `options` is the plugin's own, validated by the plugin, refused when unknown. */
export interface ModuleTarget {
  readonly qkdiId: number
  readonly options: Readonly<Record<string, unknown>>
}

/** What a module says of itself once open (015 `qkd_interface`). */
export interface ModuleDescription {
  readonly model: string
  readonly technology: Technology
  readonly role: ModuleRole
  readonly wavelengthRange?: string
  readonly maxAbsorptionDb?: number
}

/** Generate or not, in which role, for which link. */
export interface ModuleConfig {
  readonly enabled: boolean
  readonly qkdlId: string
  readonly role?: ModuleRole
  readonly wavelengthChannel?: number
  readonly channelAttenuationDb?: number
}

export interface LinkMeasurement {
  /** Whether keys are being made right now. */
  readonly generating: boolean
  readonly skrBps: number
  /** Ratio 0 to 1; absent when nothing is received. */
  readonly qber?: number
  readonly reason?: string
}

/** A block of link key. `id` and the bytes are the same at both ends of the link; each block is given once. */
export interface KeyBlock {
  readonly id: string
  readonly key: Secret
}

export interface QkdModuleDriver {
  readonly name: string
  readonly contract: 1
  open(target: ModuleTarget, host: Host): Promise<QkdModule>
}

export interface QkdModule {
  readonly description: ModuleDescription
  /** Idempotent. `null` lets the module rest. */
  configure(desired: ModuleConfig | null): Promise<void>
  /** At least one a second while configured, and at once when `generating` changes. */
  readonly measurements: AsyncIterable<LinkMeasurement>
  /** Not read fast enough: the module holds back, it drops nothing that the other end was given. */
  readonly keys: AsyncIterable<KeyBlock>
  /**
   * Optional ability, of a module whose maker hands keys out by id: the other end of the link holds blocks with these
   * ids. It gives those it can, once each. Ids it gave already, or that its maker does not have, are passed over: the
   * same are named again after either end started anew. Returns at once.
   */
  readonly offered?: (blockIds: readonly string[]) => void
  close(): Promise<void>
}
