// What a key stream promises (ETSI GS QKD 004 V2.1.1, QoS of OPEN_CONNECT): what is asked for, held against what this
// site and the association allow, with the nearest that is possible where it is not. Numbers only.

/** 0, and "" of the type, leave a member to the node. Numbers are 32 bit. */
export interface StreamQos {
  /** Key_chunk_size: bytes of each chunk. */
  readonly chunkBytes: number
  /** Max_bps: most that an end may draw. 0 once settled: no ceiling. */
  readonly maxBps: number
  /** Min_bps: reserved for the stream by the controller. */
  readonly minBps: number
  /** Jitter, bit/s: how far what is delivered within a second may be from the rate. */
  readonly jitterBps: number
  /** Greater comes first. */
  readonly priority: number
  /** Timeout: how long a call may wait. */
  readonly timeoutMs: number
  /** TTL: how long chunks wait unread. */
  readonly ttlS: number
  /** Metadata_mimetype; "" for none. */
  readonly metadataMimetype: string
}

export const METADATA_TYPE = "application/json"
export const QOS_LIMITS = {
  defaultChunkBytes: 32,
  defaultTimeoutMs: 5000,
  maxTimeoutMs: 60_000,
  maxTtlS: 604_800,
} as const

/** What there is to be had. */
export interface QosBounds {
  readonly minChunkBytes: number
  readonly maxChunkBytes: number
  /** Ceiling of the association; absent: none. */
  readonly maxBps?: number
  /** What of the association's reserved rate no other stream has. */
  readonly floorBps: number
  /** For streams that name none. */
  readonly defaultTtlS: number
}

export interface SettledQos {
  /** What is asked for, or the counter proposal. */
  readonly qos: StreamQos
  /** Whether all that was asked for is met. */
  readonly met: boolean
}

/** For whoever opens a stream first. */
export function settleQos(asked: StreamQos, bounds: QosBounds): SettledQos {
  const { defaultChunkBytes, defaultTimeoutMs, maxTimeoutMs, maxTtlS } = QOS_LIMITS
  const { minChunkBytes, maxChunkBytes, floorBps } = bounds
  const wantedChunk = asked.chunkBytes || defaultChunkBytes
  const chunkBytes = Math.min(Math.max(wantedChunk, minChunkBytes), maxChunkBytes)
  const most = bounds.maxBps ?? Infinity
  const maxBps = Math.min(asked.maxBps || most, most)
  const qos: StreamQos = {
    chunkBytes,
    maxBps: Number.isFinite(maxBps) ? maxBps : 0,
    minBps: Math.floor(Math.min(asked.minBps, floorBps, maxBps)),
    // Chunks are delivered whole: within a second there may be one more of them, or less.
    jitterBps: asked.jitterBps === 0 ? 0 : Math.max(asked.jitterBps, chunkBytes * 8),
    priority: asked.priority,
    timeoutMs: Math.min(asked.timeoutMs || defaultTimeoutMs, maxTimeoutMs),
    ttlS: Math.min(asked.ttlS || bounds.defaultTtlS, maxTtlS),
    metadataMimetype: asked.metadataMimetype === "" ? "" : METADATA_TYPE,
  }
  return { qos, met: isMet(asked, qos) }
}

/** For whoever opens a stream that the other end has opened: chunks are as they are, and kept no longer. */
export function joinQos(asked: StreamQos, stream: StreamQos): SettledQos {
  const bounds: QosBounds = {
    minChunkBytes: stream.chunkBytes,
    maxChunkBytes: stream.chunkBytes,
    ...(stream.maxBps > 0 && { maxBps: stream.maxBps }),
    floorBps: stream.minBps,
    defaultTtlS: stream.ttlS,
  }
  const chunkBytes = asked.chunkBytes || stream.chunkBytes
  const { qos } = settleQos({ ...asked, chunkBytes }, bounds)
  const joined = { ...qos, ttlS: stream.ttlS }
  const longer = asked.ttlS > stream.ttlS
  // A lower ceiling of its own is this end's affair, a longer life of chunks is not.
  return { qos: joined, met: !longer && isMet({ ...asked, ttlS: 0 }, joined) }
}

function isMet(asked: StreamQos, qos: StreamQos): boolean {
  const members = ["chunkBytes", "maxBps", "minBps", "jitterBps", "timeoutMs", "ttlS"] as const
  return (
    members.every((name) => asked[name] === 0 || asked[name] === qos[name]) &&
    asked.metadataMimetype === qos.metadataMimetype
  )
}
