// How the parts of a trusted site see one another. `agent` holds configuration and speaks 015; `key-manager`
// holds pools, relays and keeps end keys; `etsi014` delivers; `modules` feeds link keys in.

import type { AppConfig, AppQos, AppSupply } from "../model/app.js"
import type { LinkConfig, LinkPerformance, LinkStatus } from "../model/link.js"
import type { PeerAddress } from "../model/node.js"
import type { KeyPathFacts } from "../keys/delivery.js"
import type { KeyTerms } from "../keys/key-terms.js"
import type { Secret } from "../keys/secret.js"
import type { StreamQos } from "../keys/stream-qos.js"
import type { BorderDesk } from "./border-ports.js"
import type { KeyLots } from "./lot-ports.js"

/** What the agent tells the key manager after every durable change of configuration. */
export interface KeyManagerConfig {
  readonly links: readonly LinkConfig[]
  readonly apps: readonly AppConfig[]
  readonly peers: readonly PeerAddress[]
}

/** Figures of one PHYS link's pool, for 015 statistics. Bits since the node was made, exact. */
export interface PoolFigures {
  /** Unused bits that both ends hold, in both directions. */
  readonly stockBits: number
  readonly generatedBits: bigint
  /** Pad bits spent on relayed and delivered keys. */
  readonly consumedBits: bigint
  /** Bits spent on authentication tags. */
  readonly authenticationBits: bigint
  /** Of the consumed ones, those of keys that this node merely passed on. */
  readonly relayedBits?: bigint
  /** Bits of keys that were to pass over this link and were refused: more than their paths were given. */
  readonly refusedBits?: bigint
  /** Bits that both ends had and that were erased unused because they were too old. */
  readonly expiredBits?: bigint
}

/** One end key, as it is handed out. */
export interface EndKey extends KeyPathFacts {
  readonly keyId: string
  readonly key: Secret
}

/** What a master SAE of this site asks for. */
export interface KeyOrder {
  readonly masterSaeId: string
  /**
   * Who may fetch the keys, each by its id once. `appId`: the association that joins it to the master; absent for an
   * SAE of this site itself.
   */
  readonly slaves: readonly { readonly saeId: string; readonly appId?: string }[]
  readonly count: number
  readonly keySizeBits: number
  readonly terms?: KeyTerms
}

export interface KeyManager {
  configure(config: KeyManagerConfig): void
  /** A module's block arrived. Resolves once it is durable (the module may forget it). */
  addLinkKey(qkdlId: string, blockId: string, key: Secret): Promise<void>
  poolFigures(qkdlId: string): PoolFigures | undefined
  /** Bits of end keys delivered to SAEs of this application here, either way, since it was configured. */
  deliveredBits(appId: string): bigint
  /** Of `deliveredBits`, what was given to masters; and what was relayed ahead of demand and waits here for it. */
  supply(appId: string): AppSupply
  /** Keys deliverable now over the backing link of this application, at `keySizeBits` each. */
  deliverableCount(appId: string, keySizeBits: number): number
  /**
   * Keys that all of the slaves' sites have stored durably: the caller may hand them out, once. From what was relayed
   * ahead of demand where there is some, else made now. A group gets the same keys; each site gets them once. On
   * failure nothing is handed out and what was sent is voided.
   *
   * @throws QkdError app-tag `pool-empty`, `no-path`, `timeout`, `policy`, `over-rate`; `terms` when no key meets
   * the terms.
   */
  supplyKeys(order: KeyOrder): Promise<EndKey[]>
  /**
   * What `supplyKeys` would give without making any, given without waiting.
   *
   * @returns undefined, and nothing is charged, where that is not all that was asked for
   * @throws QkdError app-tag `over-rate`, `closed`
   */
  readyKeys(order: KeyOrder): EndKey[] | undefined
  /**
   * `supplyKeys` to slaves of one association, on no terms.
   *
   * @throws QkdError as `supplyKeys`.
   */
  makeKeys(
    appId: string,
    masterSaeId: string,
    slaveSaeIds: readonly string[],
    count: number,
    keySizeBits: number,
  ): Promise<EndKey[]>
  /**
   * Takes keys that were relayed here for `slaveSaeId` from `masterSaeId`: all or none, each once per
   * entitled SAE, the mark durable before this resolves.
   *
   * @throws QkdError `data-missing` when any id is unknown, spent or expired; `access-denied` when the
   * caller was not named for one of them, or the master differs.
   */
  takeKeys(slaveSaeId: string, masterSaeId: string, keyIds: readonly string[]): Promise<EndKey[]>
  close(): Promise<void>
}

/** OPEN_CONNECT of ETSI GS QKD 004 by an SAE of this site. */
export interface StreamOrder {
  readonly saeId: string
  readonly peerSaeId: string
  /** The association that joins them; absent for an SAE of this site itself. */
  readonly app?: AppConfig
  /** Key_stream_ID, where the applications have agreed on one. */
  readonly ksid?: string
  readonly asked: StreamQos
  readonly minChunkBytes: number
  readonly maxChunkBytes: number
  readonly waitMs: number
}

/** Statuses are the standard's (clause 6); `qos` is what holds, or with 7 what could be had. */
export interface OpenOutcome {
  readonly status: 0 | 1 | 4 | 5 | 6 | 7
  readonly ksid: string
  readonly qos: StreamQos
}

/** GET_KEY. */
export interface ReadOrder {
  readonly saeId: string
  readonly ksid: string
  /** The next unread chunk where absent, or where that one was read already. */
  readonly index?: number
  /** Bytes that the metadata would need, where there is not room for them. */
  readonly metadataFault?: (facts: ChunkFacts) => number | undefined
}

/** What is told of a chunk. */
export interface ChunkFacts extends KeyPathFacts {
  readonly index: number
  /** Since it came to this site. */
  readonly ageMs: number
}

export type ReadOutcome =
  | {
      readonly status: 0
      readonly key: EndKey
      readonly facts: ChunkFacts
      readonly peerSaeId: string
      readonly qos: StreamQos
    }
  | { readonly status: 2 | 3 | 4 | 6 }
  | { readonly status: 8; readonly neededBytes: number }

export interface KeyStreams {
  /** What open streams of this SAE with that one have reserved together, bit/s. */
  reservedBps(saeId: string, peerSaeId: string): number
  /** @throws QkdError `resource-denied` when this site or the SAE has too many */
  open(order: StreamOrder): Promise<OpenOutcome>
  /** @throws QkdError `data-missing` when the SAE has no such stream */
  read(order: ReadOrder): Promise<ReadOutcome>
  /** This end only. @throws QkdError `data-missing` */
  close(saeId: string, ksid: string): Promise<void>
}

export interface RunningKeyManager extends KeyManager {
  /** Where other key managers reach this one. */
  readonly relayPort: number
  /** Neighbours with whom a connection is up. */
  connectedPeers(): string[]
  /** End keys that wait here for their SAEs. */
  readonly waitingKeys: number
  /** End keys made here ahead of demand. */
  readonly stockedKeys: number
  /** What crosses to and from neighbouring domains. */
  readonly border: BorderDesk
  /** Keys handed to outlets ahead of demand. */
  readonly lots: KeyLots
  /** Key streams of this site's SAEs. */
  readonly streams: KeyStreams
}

/** What 014 needs from the agent: the application association for a pair, asked for when it is missing. */
export interface ApplicationDesk {
  /** The configured association that joins these SAEs and has a backing link here, if any. */
  find(saeId: string, peerSaeId: string): AppConfig | undefined
  /**
   * Finds it, or raises `sdqkdn_application_new` and waits until the controller has configured it.
   *
   * @throws QkdError app-tag `unknown-sae`, `no-path`, `no-capacity` as the controller refused; `timeout`.
   */
  request(saeId: string, peerSaeIds: readonly string[], qos: AppQos): Promise<AppConfig>
}

/** What the agent learns from below, to put into 015 state and notifications. */
export interface LinkReport {
  readonly qkdlId: string
  readonly status: LinkStatus
  readonly performance: LinkPerformance
  readonly reason?: string
}
