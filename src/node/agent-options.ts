// What the agent is handed, and what it expects of the key manager and the modules below it. Types only.

import type { AppSupply } from "../model/app.js"
import type { KeyManagerInfo, NodeConfig } from "../model/node.js"
import type { Caller } from "../netconf/backend.js"
import type { NetconfClock } from "../netconf/clock.js"
import type { Datastore } from "../netconf/datastore.js"
import type { JsonObject } from "../yang/json-text.js"
import type { Schema } from "../yang/schema.js"
import type { SitePolicyGuard } from "./agent-policy.js"
import type { ConfigStore } from "./config-store.js"
import type { LeaderTerms } from "./leader-terms.js"
import type { Log } from "./log.js"
import type { PoolFigures } from "./ports.js"

export interface AgentOptions {
  readonly qkdnId: string
  /** `qkdn_version`. */
  readonly version: string
  /** First value of `qkdn_location_id`. */
  readonly location?: string
  /** The node's modules: interfaces exist for these and no others. */
  readonly qkdiIds: readonly number[]
  readonly statisticsPeriodS: number
  readonly statisticsRows: number
  readonly requestTimeoutMs: number
  /** Start with the access rules a new node has, whatever was configured. */
  readonly resetAccess?: boolean
  /** etsi-qkd-sdn-node with keyloom-node, compiled. */
  readonly schema: Schema
  readonly store: ConfigStore
  readonly guard: SitePolicyGuard
  /** Which controller leads; none that is remembered where absent. */
  readonly leaders?: LeaderTerms
  readonly clock: NetconfClock
  readonly log: Log
}

/** What the agent needs of the NETCONF server that serves it (`NetconfServer` fits). */
export interface AgentServer {
  readonly datastore: Pick<Datastore, "update">
  /** Who is connected. */
  readonly sessions: readonly Caller[]
  end(sessionId: number, why: string): void
  /** Who listens to notifications. */
  readonly audience: readonly Caller[]
  notify(event: JsonObject): void
  /** State may have changed. */
  stateChanged(): void
}

/** The key manager and the module host, as the agent sees them. */
export interface AgentBelow {
  /** `keyloom-node:key_manager`; undefined while there is none. */
  info(): KeyManagerInfo | undefined
  /** After every durable change, and when an application's time is over. */
  configure(effective: NodeConfig): void
  /** Resolves when what was configured is in force in every process of this node. */
  inForce?(): Promise<void>
  poolFigures(qkdlId: string): PoolFigures | undefined
  deliveredBits(appId: string): bigint
  /** What its masters were given here, and what is ready for them. */
  supply?(appId: string): AppSupply
}
