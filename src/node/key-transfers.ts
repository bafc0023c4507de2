// The source of end keys: draws them, sends them off, and gives them out only when the far end has said, signed,
// that it stored them. What is not acknowledged is voided and wiped, never sent again.
//
//   make ── relay ──▶ ... ──▶ destination stores durably
//        ◀── ack (signed by the destination) ──┘        then, and only then, the keys are handed out

import { QkdError } from "../errors.js"
import { uuidFrom } from "../keys/bytes.js"
import type { Consignment } from "../keys/relay-header.js"
import { RELAY_LIMITS } from "../keys/relay-header.js"
import {
  backingOf,
  checkSource,
  checkTakenPath,
  farEndOf,
  firstHopOf,
} from "../keys/relay-rules.js"
import type { NextHop } from "../keys/relay-rules.js"
import { Secret } from "../keys/secret.js"
import type { KeyObject } from "node:crypto"
import type { KeyManagerLimits } from "./key-manager-options.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { EndKey } from "./ports.js"
import type { RelayPeer } from "./relay-peer.js"
import type { RelaySender } from "./relay-sender.js"
import { encodeVoid } from "./relay-wire.js"
import type { Ack, Nack, NackReason } from "./relay-wire.js"
import { isAckOf, signVoid } from "./signing.js"

export interface KeyTransfersOptions {
  readonly links: LinkTable
  readonly sender: RelaySender
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly random: (bytes: number) => Uint8Array
  readonly limits: KeyManagerLimits
  readonly log: Log
}

interface Transfer {
  readonly offer: Consignment
  readonly hop: NextHop
  /** Its message has left: it may arrive whatever happens here. */
  sent: boolean
  readonly done: () => void
  readonly failed: (error: QkdError) => void
}

/** Key bytes in one message: small enough that pads of tiny blocks still fit its header. */
const MESSAGE_BYTES = 1 << 15
const MAX_PENDING_VOIDS = 1024
/** How often one request follows its association to another path. */
const MAX_MOVES = 2

export class KeyTransfers {
  readonly #options: KeyTransfersOptions
  readonly #open = new Map<string, Transfer>()
  /** Voids that could not be sent, by the neighbour they wait for. */
  #pendingVoids: { readonly hop: NextHop; readonly offer: Consignment }[] = []

  constructor(options: KeyTransfersOptions) {
    this.#options = options
  }

  get openCount(): number {
    return this.#open.size
  }

  /**
   * See `KeyManager.makeKeys`. When the association was moved to another path meanwhile, fresh keys are made
   * over that one: what failed on the old path is void and never sent again.
   */
  async make(
    appId: string,
    masterSaeId: string,
    slaveSaeIds: readonly string[],
    count: number,
    keySizeBits: number,
  ): Promise<EndKey[]> {
    checkAmount(count, keySizeBits, this.#options.limits.pool.maxHeldBytes)
    for (let moves = 0; ; moves += 1) {
      const path = this.#pathOf(appId)
      try {
        return await this.#makeOver(appId, masterSaeId, slaveSaeIds, count, keySizeBits)
      } catch (fault) {
        if (moves >= MAX_MOVES || path === this.#pathOf(appId) || !isOfPath(fault)) throw fault
      }
    }
  }

  /**
   * Transfers that still wait for key on a path their association has left fail at once, so that they begin
   * again on the new one. What has been sent is left to arrive: the old path stands a while longer.
   */
  configured(): void {
    for (const { offer, failed, sent } of this.#open.values()) {
      if (sent || this.#pathOf(offer.appId) === offer.pathQkdlId) continue
      failed(noPath("the path was moved"))
    }
  }

  #pathOf(appId: string): string | undefined {
    const { links } = this.#options
    const app = links.app(appId)
    try {
      return app === undefined ? undefined : backingOf(links, app).qkdlId
    } catch {
      return undefined
    }
  }

  async #makeOver(
    appId: string,
    masterSaeId: string,
    slaveSaeIds: readonly string[],
    count: number,
    keySizeBits: number,
  ): Promise<EndKey[]> {
    const { links, random, limits } = this.#options
    const app = links.app(appId)
    if (app === undefined) throw noPath(`no association ${appId} here`)
    const entry = backingOf(links, app)
    const hop = firstHopOf(links, entry)
    const perMessage = Math.max(1, Math.min(1024, Math.floor(MESSAGE_BYTES / (keySizeBits / 8))))
    const batches: { offer: Consignment; keys: Secret }[] = []
    for (let made = 0; made < count; made += perMessage) {
      const size = Math.min(perMessage, count - made)
      const ids = random(size * 16)
      const offer: Consignment = {
        transferId: uuidFrom(random(16)),
        appId,
        pathQkdlId: entry.qkdlId,
        source: links.qkdnId,
        destination: farEndOf(links, entry),
        masterSaeId,
        slaveSaeIds,
        keyIds: Array.from({ length: size }, (_, i) => uuidFrom(ids.subarray(i * 16))),
        keySizeBits,
        ttlS: app.qos.ttlS === undefined || app.qos.ttlS === 0 ? limits.defaultTtlS : app.qos.ttlS,
      }
      checkSource(links, offer, hop.qkdnId)
      batches.push({ offer, keys: Secret.take(random((size * keySizeBits) / 8)) })
    }
    const outcomes = await Promise.allSettled(
      batches.map(({ offer, keys }) => this.#transfer(offer, hop, keys)),
    )
    const fault = outcomes.find((outcome) => outcome.status === "rejected")
    if (fault === undefined) return batches.flatMap(({ offer, keys }) => cut(offer, keys))
    for (const [index, { offer, keys }] of batches.entries()) {
      keys.wipe()
      // Those that failed have been voided already.
      if (outcomes[index]?.status === "fulfilled") this.#void(hop, offer)
    }
    throw fault.reason
  }

  /** @returns false when it is not for this node's own transfer. */
  onAck(ack: Ack): void {
    const transfer = this.#open.get(ack.transferId)
    if (transfer === undefined) return
    const { links, log } = this.#options
    const { offer } = transfer
    const peer = links.policy.peer(offer.destination)
    if (peer === undefined || !isAckOf(peer, offer, ack.nodes, ack.signature)) {
      log.warn({ transferId: offer.transferId }, "an acknowledgement is not the destination's")
      return
    }
    try {
      checkTakenPath(links, offer, ack.nodes)
      transfer.done()
    } catch (cause) {
      transfer.failed(cause instanceof QkdError ? cause : noPath("the path was refused"))
    }
  }

  onNack(nack: Nack): void {
    const transfer = this.#open.get(nack.transferId)
    transfer?.failed(nackError(nack.reason, nack.qkdnId))
  }

  /** What was sent through this neighbour will not be acknowledged any more. */
  peerDown(qkdnId: string): void {
    for (const { hop, failed } of this.#open.values()) {
      if (hop.qkdnId === qkdnId) failed(noPath(`the connection with ${qkdnId} broke`))
    }
  }

  peerUp(qkdnId: string): void {
    const due = this.#pendingVoids.filter(({ hop }) => hop.qkdnId === qkdnId)
    this.#pendingVoids = this.#pendingVoids.filter(({ hop }) => hop.qkdnId !== qkdnId)
    for (const { hop, offer } of due) this.#void(hop, offer)
  }

  close(error: QkdError): void {
    for (const { failed } of this.#open.values()) failed(error)
  }

  async #transfer(offer: Consignment, hop: NextHop, keys: Secret): Promise<void> {
    const { sender, links, limits } = this.#options
    let over = false
    let timer: NodeJS.Timeout | undefined
    try {
      const acknowledged = new Promise<void>((resolve, reject) => {
        this.#open.set(offer.transferId, { offer, hop, sent: false, done: resolve, failed: reject })
        timer = setTimeout(() => {
          reject(
            new QkdError("operation-failed", `${offer.destination} did not acknowledge in time`, {
              appTag: "timeout",
            }),
          )
        }, limits.transferTimeoutMs)
      })
      const sending = sender.send(hop, offer, [links.qkdnId], keys).then(() => {
        const transfer = this.#open.get(offer.transferId)
        if (transfer !== undefined) transfer.sent = true
        if (over) this.#void(hop, offer)
      })
      // It may fail while the pad is still being waited for; whatever is sent after that is void.
      await Promise.all([sending, acknowledged])
    } catch (cause) {
      over = true
      if (this.#open.get(offer.transferId)?.sent === true) this.#void(hop, offer)
      throw cause
    } finally {
      clearTimeout(timer)
      this.#open.delete(offer.transferId)
    }
  }

  #void(hop: NextHop, offer: Consignment): void {
    const { peer, signKey } = this.#options
    const { transferId, pathQkdlId, source, destination } = offer
    const message = { transferId, pathQkdlId, source, destination }
    const body = encodeVoid({ ...message, signature: signVoid(signKey, message) })
    if (peer(hop.qkdnId)?.send("void", body) === true) return
    // The far end keeps keys that nobody knows of until then, or until they expire.
    if (this.#pendingVoids.length < MAX_PENDING_VOIDS) this.#pendingVoids.push({ hop, offer })
  }
}

/** Faults that another path may not have. */
function isOfPath(fault: unknown): boolean {
  const appTag = fault instanceof QkdError ? fault.appTag : undefined
  return appTag === "no-path" || appTag === "pool-empty" || appTag === "timeout"
}

function checkAmount(count: number, keySizeBits: number, mostBytes: number): void {
  if (!Number.isInteger(count) || count < 1)
    throw new QkdError("invalid-value", "the number of keys is a positive integer")
  if (!Number.isInteger(keySizeBits) || keySizeBits < 8 || keySizeBits % 8 !== 0)
    throw new QkdError("invalid-value", "size shall be a multiple of 8")
  if (keySizeBits / 8 > RELAY_LIMITS.bytes)
    throw new QkdError("too-big", `keys have at most ${RELAY_LIMITS.bytes * 8} bits`)
  // No link ever holds more: refused before memory is taken for it (THREATS T4).
  if ((count * keySizeBits) / 8 > mostBytes)
    throw new QkdError("resource-denied", "a link's stock is less than these keys together", {
      appTag: "pool-empty",
    })
}

/** The batch's keys one by one; the batch is wiped. */
function cut(offer: Consignment, keys: Secret): EndKey[] {
  const size = offer.keySizeBits / 8
  const cuts = offer.keyIds.map((keyId, index) => ({ keyId, key: keys.slice(index * size, size) }))
  keys.wipe()
  return cuts
}

function nackError(reason: NackReason, qkdnId: string): QkdError {
  switch (reason) {
    case "pool-empty":
      return new QkdError("resource-denied", `${qkdnId} has too little key in stock`, {
        appTag: "pool-empty",
      })
    case "policy":
      return new QkdError("access-denied", `${qkdnId} refuses by its policy`, { appTag: "policy" })
    case "busy":
      return new QkdError("resource-denied", `${qkdnId} is overloaded`, { appTag: "no-path" })
    case "no-path":
      return noPath(`the path ends at ${qkdnId}`)
    case "refused":
      return noPath(`${qkdnId} does not take the keys`)
  }
}

function noPath(message: string): QkdError {
  return new QkdError("operation-failed", message, { appTag: "no-path" })
}
