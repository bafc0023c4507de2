// A key association link as one node holds it (ETSI GS QKD 015 V2.1.1 `qkd_link`), in native types.

/** QKD-LINK-TYPES: PHYS is a direct quantum channel, VIRT a relay path over several nodes. */
export type LinkType = "PHYS" | "VIRT"
/** LINK-STATUS-TYPES: generating; not generating but keys in store; waiting for activation; neither. */
export type LinkStatus = "ACTIVE" | "PASSIVE" | "PENDING" | "OFF"
/** QKD-ROLE-TYPES. */
export type ModuleRole = "TRANSMITTER" | "RECEIVER" | "TRANSCEIVER"

export interface LinkEnd {
  readonly qkdnId: string
  readonly qkdiId?: number
}

/** `qkdl_performance`, with the stock that module `keyloom-node` adds. */
export interface LinkPerformance {
  /** Sum of the rates promised to applications on this link. */
  readonly expectedConsumptionBps?: number
  /** Secret key rate generated. */
  readonly skrBps?: number
  /** Rate left after the link's own use (authentication of relay messages). */
  readonly eskrBps?: number
  /** Quantum bit error rate as a ratio, 0 to 1. */
  readonly qber?: number
  readonly snrDb?: number
  /** Unused secret bits in store, usable in either direction. */
  readonly stockBits?: number
}

/** Configuration of one end of a PHYS link. */
export interface PhysLinkConfig {
  readonly type: "PHYS"
  readonly qkdlId: string
  readonly enabled: boolean
  readonly local: LinkEnd
  readonly remote: LinkEnd
  readonly channelAttenuationDb?: number
  /** WDM channel number. */
  readonly wavelengthChannel?: number
  readonly role?: ModuleRole
  /** `keyloom-node`: security parameter of one block of the link's key, 0 to 1. */
  readonly epsilon?: number
}

/**
 * Configuration of one node's part of a VIRT link.
 *
 * An end node has exactly one of `prevHop` / `nextHops[0]`; a relay node has both. `local`/`remote` name
 * the two END nodes of the relay path on every node that holds the entry.
 */
export interface VirtLinkConfig {
  readonly type: "VIRT"
  readonly qkdlId: string
  readonly enabled: boolean
  readonly local: LinkEnd
  readonly remote: LinkEnd
  readonly prevHop?: string
  readonly nextHops: readonly string[]
  readonly bandwidthBps?: number
  /** `keyloom-node`: which PHYS link to use towards the previous and next hop, where several run in parallel. */
  readonly prevQkdlId?: string
  readonly nextQkdlId?: string
}

export type LinkConfig = PhysLinkConfig | VirtLinkConfig

/** Configuration plus state. `qkdl_status` is configuration in the standard's model but describes state. */
export type LinkState = LinkConfig & {
  readonly status?: LinkStatus
  readonly appIds: readonly string[]
  readonly performance: LinkPerformance
}
