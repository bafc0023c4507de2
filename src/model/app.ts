// A QKD application association as one node holds it (ETSI GS QKD 015 V2.1.1 `qkd_app`), in native types.

/** APP-STATUS-TYPES. */
export type AppStatus = "ON" | "DISCONNECTED" | "OUT-OF-TIME" | "ZOMBIE"

/** `app_qos`. */
export interface AppQos {
  readonly maxBps?: number
  readonly minBps?: number
  readonly jitterMs?: number
  readonly ttlS?: number
  readonly sharedPath?: boolean
  readonly sharedKeys?: boolean
}

/** `key_combination` of keyloom-node: a key over one of the links, or as the xor of a share over each. */
export type KeyCombination = "any" | "all"
/** `relay_scheme` of keyloom-node: the schemes of ITU-T Y.3803 that are offered here. */
export type RelayScheme = "hop-by-hop" | "destination-combines"
export const RELAY_SCHEMES = [
  "hop-by-hop",
  "destination-combines",
] as const satisfies readonly RelayScheme[]

export interface AppConfig {
  readonly appId: string
  readonly type: "CLIENT" | "INTERNAL"
  /** The SAE that asked for the association. */
  readonly serverAppId: string
  /** The other SAEs entitled to its keys. */
  readonly clientAppIds: readonly string[]
  readonly priority: number
  readonly expiresAt?: string
  readonly qos: AppQos
  /** Links that feed this association at this node: a PHYS link for neighbours, else a VIRT link. */
  readonly backingQkdlIds: readonly string[]
  /** `any` where absent. */
  readonly keyCombination?: KeyCombination
  /** `hop-by-hop` where absent. */
  readonly relayScheme?: RelayScheme
  /** Keys that this node is to have ready, for the SAE that is at home here as master. */
  readonly ordered?: { readonly keySizeBits: number; readonly untilBits: number }
  readonly localQkdnId?: string
  readonly remoteQkdnId?: string
}

/** One row of `app_statistics`. Times are RFC 3339. */
export interface AppStatistics {
  readonly startTime: string
  readonly endTime: string
  readonly consumedBits: number
}

/** What a node gives its SAEs of one application as masters (`keyloom-node`). */
export interface AppSupply {
  /** Handed out since the application was configured there; falls back to 0 when it is configured anew. */
  readonly suppliedBits: number
  /** Relayed ahead of demand, at both sites and not handed out yet. */
  readonly readyBits: number
}

export type AppState = AppConfig & {
  readonly supply?: AppSupply
  readonly status?: AppStatus
  readonly createdAt?: string
  readonly statistics: readonly AppStatistics[]
}
