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
  readonly localQkdnId?: string
  readonly remoteQkdnId?: string
}

/** One row of `app_statistics`. Times are RFC 3339. */
export interface AppStatistics {
  readonly startTime: string
  readonly endTime: string
  readonly consumedBits: number
}

export type AppState = AppConfig & {
  readonly status?: AppStatus
  readonly createdAt?: string
  readonly statistics: readonly AppStatistics[]
}
