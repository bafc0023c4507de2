// The three calls of ETSI GS QKD 004 V2.1.1 for a caller whose SAE id is known, as bytes to send back. Out of the same
// association, store and audit trail as 014: no audit, no key (threat I3). Knows no socket.

import { asQkdError, QkdError } from "../errors.js"
import { base64Length, writeBase64 } from "../keys/base64.js"
import { RELAY_LIMITS } from "../keys/relay-header.js"
import { METADATA_TYPE, QOS_LIMITS } from "../keys/stream-qos.js"
import type { StreamQos } from "../keys/stream-qos.js"
import type { AppConfig } from "../model/app.js"
import type { DeliveryOptions } from "./etsi014-delivery.js"
import type { StreamCall } from "./etsi004-request.js"
import type { ChunkFacts, KeyStreams, OpenOutcome, ReadOutcome } from "./ports.js"
import { unmovedBuffer } from "../unmoved.js"

export interface StreamDeliveryOptions
  extends Pick<DeliveryOptions, "policy" | "desk" | "livesHere" | "audit" | "auditable" | "log"> {
  readonly streams: KeyStreams
}

/** One line, its end included. */
export interface StreamAnswer {
  readonly line: Uint8Array
  /** Holds a key: to be wiped once it has left. */
  readonly wipe?: boolean
  /** The connection ends after it. */
  readonly close?: boolean
}

export class StreamDelivery {
  readonly #options: StreamDeliveryOptions

  constructor(options: StreamDeliveryOptions) {
    this.#options = options
  }

  /** Never throws. */
  async answer(saeId: string, call: StreamCall): Promise<StreamAnswer> {
    try {
      switch (call.command) {
        case "OPEN_CONNECT":
          return openAnswer(await this.#open(saeId, call))
        case "GET_KEY":
          return await this.#getKey(saeId, call)
        case "CLOSE":
          await this.#options.streams.close(saeId, call.ksid)
          return plain({ status: 0 })
      }
    } catch (fault) {
      return this.#fault(saeId, call.command, fault)
    }
  }

  async #open(
    saeId: string,
    { source, destination, qos: asked, ksid }: Extract<StreamCall, { command: "OPEN_CONNECT" }>,
  ): Promise<OpenOutcome> {
    const { policy, streams, livesHere, log } = this.#options
    if (source === destination)
      throw new QkdError("invalid-value", "source and destination are the same", {
        path: "/data/destination",
      })
    if (source !== saeId && destination !== saeId)
      throw new QkdError("access-denied", "the caller is neither source nor destination", {
        path: "/data/source",
      })
    const peerSaeId = source === saeId ? destination : source
    const { minKeySizeBits, maxKeySizeBits } = policy().document.limits
    const waitMs = Math.min(asked.timeoutMs || QOS_LIMITS.defaultTimeoutMs, QOS_LIMITS.maxTimeoutMs)
    let app: AppConfig | undefined
    try {
      if (!livesHere(peerSaeId)) app = await this.#joined(saeId, peerSaeId, asked)
    } catch (fault) {
      const outcome = refusal(fault, ksid ?? "", asked)
      if (outcome === undefined) throw fault
      log.info({ saeId, peerSaeId, ...outcome }, "004 OPEN_CONNECT refused")
      return outcome
    }
    const outcome = await streams.open({
      ...{ saeId, peerSaeId, asked, waitMs },
      ...(app !== undefined && { app }),
      ...(ksid !== undefined && { ksid }),
      minChunkBytes: Math.ceil(minKeySizeBits / 8),
      maxChunkBytes: Math.min(Math.floor(maxKeySizeBits / 8), RELAY_LIMITS.bytes),
    })
    log.info({ saeId, peerSaeId, ...outcome }, "004 OPEN_CONNECT")
    return outcome
  }

  /** The controller is asked to reserve what the streams of the pair want together. */
  async #joined(saeId: string, peerSaeId: string, { minBps }: StreamQos): Promise<AppConfig> {
    const { desk, streams } = this.#options
    const wish = minBps === 0 ? {} : { minBps: minBps + streams.reservedBps(saeId, peerSaeId) }
    return desk.request(saeId, [peerSaeId], wish)
  }

  async #getKey(
    saeId: string,
    { ksid, index, metadataBytes }: Extract<StreamCall, { command: "GET_KEY" }>,
  ): Promise<StreamAnswer> {
    const { streams, audit, auditable } = this.#options
    auditable?.()
    const metadataFault = (facts: ChunkFacts): number | undefined => {
      const needed = Buffer.byteLength(metadataText(facts))
      return metadataBytes !== undefined && needed > metadataBytes ? needed : undefined
    }
    const outcome = await streams.read({
      ...{ saeId, ksid },
      ...(index !== undefined && { index }),
      metadataFault,
    })
    if (outcome.status === 8) return plain({ status: 8, metadata: { size: outcome.neededBytes } })
    if (outcome.status !== 0) return plain({ status: outcome.status })
    const { key, facts, peerSaeId, qos } = outcome
    try {
      await audit({
        method: "get_key",
        ...{ saeId, peerSaeId, keyIds: [key.keyId], keySizeBits: key.key.lengthBits },
        ...{ keyStreamId: ksid, index: facts.index },
      })
      const wanted = metadataBytes !== undefined && qos.metadataMimetype === METADATA_TYPE
      return chunkAnswer(outcome, wanted ? metadataText(facts) : undefined)
    } finally {
      key.key.wipe()
    }
  }

  #fault(saeId: string, command: string, fault: unknown): StreamAnswer {
    const error = asQkdError(fault)
    const { tag, appTag, message, cause } = error
    const facts = { saeId, command, tag, appTag, reason: message }
    const ours = appTag === undefined && tag === "operation-failed"
    if (ours) this.#options.log.error({ ...facts, cause }, "004 call failed")
    else this.#options.log.info(facts, "004 call refused")
    // The network's faults have a status, what the caller can mend has words.
    if (appTag !== undefined) return plain({ status: statusOf(appTag) ?? 4 })
    if (ours || tag === "resource-denied")
      return errorAnswer(ours ? "internal error" : "the key manager is at its limits")
    return errorAnswer(message, error.path)
  }
}

/** No status: the standard has none for what is no call, or for streams that are not there. */
export function errorAnswer(message: string, path?: string, close = false): StreamAnswer {
  const error = { message, ...(path !== undefined && { path }) }
  return { ...plain({ error }), ...(close && { close }) }
}

/** What keeps an association from being there, as statuses of OPEN_CONNECT. */
function refusal(fault: unknown, ksid: string, asked: StreamQos): OpenOutcome | undefined {
  const { appTag } = asQkdError(fault)
  if (appTag === "no-capacity") return { status: 7, ksid, qos: { ...asked, minBps: 0 } }
  const status = appTag === undefined ? undefined : statusOf(appTag)
  return status === 4 || status === 6 ? { status, ksid, qos: asked } : undefined
}

function statusOf(appTag: string): 2 | 4 | 6 | undefined {
  switch (appTag) {
    case "timeout":
      return 6
    case "pool-empty":
    case "over-rate":
      return 2
    case "unknown-sae":
    case "no-path":
    case "no-capacity":
    case "node-unreachable":
    case "policy":
    case "unsupported":
    case "closed":
      return 4
    default:
      return undefined
  }
}

function openAnswer({ status, ksid, qos }: OpenOutcome): StreamAnswer {
  const opened = status === 0 || status === 1
  return plain({
    status,
    ...(opened && { key_stream_id: ksid }),
    ...((opened || status === 7) && {
      qos: {
        key_chunk_size: qos.chunkBytes,
        max_bps: qos.maxBps,
        min_bps: qos.minBps,
        jitter: qos.jitterBps,
        priority: qos.priority,
        timeout: qos.timeoutMs,
        ttl: qos.ttlS,
        metadata_mimetype: qos.metadataMimetype,
      },
    }),
  })
}

function metadataText({ ageMs, links, disjointPaths, epsilon }: ChunkFacts): string {
  return JSON.stringify({
    age_ms: ageMs,
    path_links: links,
    disjoint_paths: disjointPaths,
    epsilon,
  })
}

/** The key goes from Secret to these bytes and nowhere else; no string ever holds it. */
function chunkAnswer(
  { key: { key }, facts }: Extract<ReadOutcome, { status: 0 }>,
  metadata: string | undefined,
): StreamAnswer {
  const head = Buffer.from(`{"status":0,"index":${facts.index},"key_buffer":"`)
  const more =
    metadata === undefined
      ? ""
      : `,"metadata":${JSON.stringify({ size: Buffer.byteLength(metadata), buffer: metadata })}`
  const tail = Buffer.from(`"${more}}\n`)
  const keyLength = base64Length(key.lengthBytes)
  const line = unmovedBuffer(head.length + keyLength + tail.length)
  line.set(head)
  const at = key.use((bytes) => writeBase64(bytes, line, head.length))
  line.set(tail, at)
  return { line, wipe: true }
}

function plain(value: unknown): StreamAnswer {
  return { line: Buffer.from(`${JSON.stringify(value)}\n`) }
}
