// What a key manager is made from, and the limits it works in. Types and defaults only.

import type { KeyObject } from "node:crypto"
import type { PolicyView } from "../keys/policy-view.js"
import { DEFAULT_POOL_LIMITS } from "../keys/pool-step.js"
import type { PoolLimits } from "../keys/pool-step.js"
import type { Secret } from "../keys/secret.js"
import type { CertifiedKey } from "../transport/pki.js"
import type { Log } from "./log.js"

export interface KeyManagerClock {
  /** Milliseconds since the epoch; may jump. */
  now(): number
  /** Milliseconds from some start; never jumps. */
  monotonicMs(): number
}

export interface KeyManagerAlarm {
  readonly kind: /** A relay message on this link had a wrong tag. */
    | "tag-failure"
    /** Keys on their way through or to here are not those that their source has signed: a node on the path did it. */
    | "keys-altered"
    /** A share of keys did not come, though the others did: its path loses what it carries. */
    | "share-missing"
    /** A neighbour sends more over a path than it was given, of key that others need: the excess is refused. */
    | "path-over-rate"
    /** So many had that the link no longer relays until it is switched off and on. */
    | "link-closed"
    /** This node's store is a restored copy: all keys are void. */
    | "store-rolled-back"
    /** A neighbour's store is: the keys of the links to it are void. */
    | "peer-rolled-back"
    /** A neighbour began a new store: the keys of the links to it are void. */
    | "peer-store-new"
    /** A module gave what cannot be key: stuck, biased or text. It is started anew. */
    | "weak-key"
    /** The store cannot be read or written: nothing works until restart. */
    | "store-failed"
    /** The wall clock jumped; key lifetimes do not follow it. */
    | "clock-jumped"
    /** The source voids keys of which one was fetched here. */
    | "void-too-late"
  readonly message: string
  readonly qkdlId?: string
  readonly qkdnId?: string
  /** The relay path at fault. */
  readonly pathQkdlId?: string
}

/** End keys relayed ahead of demand. */
export interface StockLimits {
  /** Ceiling for one pair and key size; 0: nothing is kept ready. */
  readonly maxKeys: number
  /** The same where a controller has ordered them ahead. */
  readonly maxOrderedKeys: number
  /** Ceiling of all key bytes together. */
  readonly maxBytes: number
  /** Pairs and key sizes together; the one unused longest goes first. */
  readonly maxShelves: number
  /** Key sizes of one association. */
  readonly maxShelvesPerApp: number
  /** The upper watermark covers so many seconds of use, and of the rate that the association was promised. */
  readonly coverS: number
  /** Older keys are not handed out. Half of the association's ttl where that is less. */
  readonly maxAgeMs: number
}

export interface KeyManagerLimits {
  readonly pool: PoolLimits
  readonly stock: StockLimits
  /** From makeKeys to the acknowledgement. */
  readonly transferTimeoutMs: number
  /** How long a message waits for pad bytes that exist but are not open yet. */
  readonly drawTimeoutMs: number
  /** How long keys wait at the destination for its configuration to come. */
  readonly parkMs: number
  /** How long shares wait at the destination for the others; less than a transfer may take. */
  readonly gatherMs: number
  /** Keys whose association names no ttl. */
  readonly defaultTtlS: number
  /** Wrong tags on a link before it is closed for relay. */
  readonly tagFailures: number
  /** From the TCP connection to the end of the TLS handshake, however slowly bytes drip in. */
  readonly handshakeTimeoutMs: number
  /** From the end of the TLS handshake to a good hello. */
  readonly helloTimeoutMs: number
  readonly pingMs: number
  readonly redialMinMs: number
  readonly redialMaxMs: number
  readonly sweepMs: number
}

export const DEFAULT_LIMITS: KeyManagerLimits = {
  pool: DEFAULT_POOL_LIMITS,
  // Nothing ahead of demand unless its maker says how much: see the node's `key_stock`.
  stock: {
    maxKeys: 0,
    maxOrderedKeys: 65_536,
    maxBytes: 8 << 20,
    maxShelves: 4096,
    maxShelvesPerApp: 4,
    coverS: 2,
    maxAgeMs: 3_600_000,
  },
  transferTimeoutMs: 3000,
  drawTimeoutMs: 1500,
  parkMs: 2000,
  gatherMs: 2000,
  defaultTtlS: 86_400,
  tagFailures: 3,
  handshakeTimeoutMs: 5000,
  helloTimeoutMs: 5000,
  pingMs: 2000,
  redialMinMs: 100,
  redialMaxMs: 3000,
  sweepMs: 1000,
}

export interface KeyManagerOptions {
  readonly qkdnId: string
  /** Folder of the sealed store; without it nothing survives (benches, tests). */
  readonly dir?: string
  /** 32 bytes; lent for the life of the key manager. Not needed without `dir`. */
  readonly sealingKey?: Secret
  readonly identity: {
    /** Certificate and key towards other key managers, whose policies pin it. */
    readonly tls: CertifiedKey
    /** Ed25519 private key: acknowledgements, voids, store marks. */
    readonly signKey: KeyObject
  }
  readonly listen: { readonly host: string; readonly port: number }
  readonly policy: PolicyView
  readonly clock?: KeyManagerClock
  readonly random?: (bytes: number) => Uint8Array
  readonly log?: Log
  readonly onAlarm?: (alarm: KeyManagerAlarm) => void
  /** A chunk of a key stream was asked for and not had, by an SAE of this application. */
  readonly onChunkRefused?: (appId: string) => void
  /** The other end of this link holds blocks that never came here: their module may be asked for them. */
  readonly onLacking?: (qkdlId: string, blockIds: readonly string[]) => void
  /** `limits.pool.maxAgeMs` of single links, by qkdl_id. */
  readonly linkMaxAgeMs?: ReadonlyMap<string, number>
  readonly limits?: Partial<Omit<KeyManagerLimits, "pool" | "stock">> & {
    readonly pool?: Partial<PoolLimits>
    readonly stock?: Partial<StockLimits>
  }
}

/** The defaults with others over them. */
export function limitsWith(over: KeyManagerOptions["limits"] = {}): KeyManagerLimits {
  const pool = { ...DEFAULT_LIMITS.pool, ...over.pool }
  const stock = { ...DEFAULT_LIMITS.stock, ...over.stock }
  return { ...DEFAULT_LIMITS, ...over, pool, stock }
}
