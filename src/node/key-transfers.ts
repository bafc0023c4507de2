// The source of end keys: draws them, sends them off, and gives them out only when the far end has said, signed,
// that it stored them. What is not acknowledged is voided and wiped, never sent again.
//
//   make ── relay ──▶ ... ──▶ destination stores durably
//        ◀── ack (signed by the destination) ──┘        then, and only then, the keys are handed out

import { QkdError } from "../errors.js"
import { uuidFrom } from "../keys/bytes.js"
import type { Consignment } from "../keys/relay-header.js"
import { sumEpsilon } from "../keys/epsilon.js"
import { RELAY_LIMITS, wholeOf } from "../keys/relay-header.js"
import { cargoOf } from "../keys/relay-message.js"
import { backingsOf, checkTakenPath, farEndOf, firstHopOf } from "../keys/relay-rules.js"
import type { NextHop } from "../keys/relay-rules.js"
import { Secret } from "../keys/secret.js"
import type { KeyObject } from "node:crypto"
import type { KeyManagerAlarm, KeyManagerLimits } from "./key-manager-options.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { EndKey } from "./ports.js"
import type { RelayPeer } from "./relay-peer.js"
import type { RelaySender } from "./relay-sender.js"
import { encodeVoid } from "./relay-wire.js"
import type { Ack, Nack, NackReason } from "./relay-wire.js"
import { checkDisjoint, parcelsOf } from "./relay-parcels.js"
import type { Parcel } from "./relay-parcels.js"
import { isAckOf, isNackOf, signVoid } from "./signing.js"
import type { Receipt } from "./signing.js"

export interface KeyTransfersOptions {
  readonly links: LinkTable
  readonly sender: RelaySender
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly random: (bytes: number) => Uint8Array
  readonly limits: KeyManagerLimits
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
}

/** How acknowledged keys came to the far end. */
export interface Carried extends Receipt {
  /** Paths without a common node that they were shared over. */
  readonly disjointPaths: number
}

/** One message on its way: keys, or a share of them. */
interface Transfer {
  readonly offer: Consignment
  readonly hop: NextHop
  /** Its message has left: it may arrive whatever happens here. */
  sent: boolean
  readonly done: (receipt: Receipt) => void
  readonly failed: (error: QkdError) => void
}

/** Key bytes in one message: small enough that pads of tiny blocks still fit its header. */
const MESSAGE_BYTES = 1 << 15
/** The same where each hop adds a ciphertext of that size: as many as a path may have fit a frame. */
const COMBINED_BYTES = 3072
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
      if (sent || this.#pathOf(offer.appId)?.split(" ").includes(offer.pathQkdlId)) continue
      failed(noPath("the path was moved"))
    }
  }

  #pathOf(appId: string): string | undefined {
    const { links } = this.#options
    const app = links.app(appId)
    try {
      if (app === undefined) return undefined
      return backingsOf(links, app)
        .map(({ qkdlId }) => qkdlId)
        .join(" ")
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
    const [entry] = backingsOf(links, app)
    if (entry === undefined) throw noPath(`association ${appId} has no backing link here`)
    // Where the destination combines, a message grows with every hop.
    const most = app.relayScheme === "destination-combines" ? COMBINED_BYTES : MESSAGE_BYTES
    const perMessage = Math.max(1, Math.min(1024, Math.floor(most / (keySizeBits / 8))))
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
      batches.push({ offer, keys: Secret.take(random((size * keySizeBits) / 8)) })
    }
    const outcomes = await Promise.allSettled(
      batches.map(({ offer, keys }) => this.#transfer(offer, keys)),
    )
    const fault = outcomes.find((outcome) => outcome.status === "rejected")
    if (fault === undefined)
      return batches.flatMap(({ offer, keys }, index) => {
        const outcome = outcomes[index]
        return cut(offer, keys, outcome?.status === "fulfilled" ? outcome.value : undefined)
      })
    for (const [index, { offer, keys }] of batches.entries()) {
      keys.wipe()
      // Those that failed have been voided already.
      if (outcomes[index]?.status === "fulfilled") this.#voidWhole(offer)
    }
    throw fault.reason
  }

  onAck(ack: Ack): void {
    const transfer = this.#open.get(ack.transferId)
    if (transfer === undefined) return
    const { links, log } = this.#options
    const { offer } = transfer
    const peer = links.policy.peer(offer.destination)
    if (peer === undefined || !isAckOf(peer, offer, ack, ack.signature)) {
      log.warn({ transferId: offer.transferId }, "an acknowledgement is not the destination's")
      return
    }
    try {
      checkTakenPath(links, offer, ack.nodes)
      transfer.done(ack)
    } catch (cause) {
      transfer.failed(cause instanceof QkdError ? cause : noPath("the path was refused"))
    }
  }

  onNack(nack: Nack): void {
    const transfer = this.#open.get(nack.transferId)
    if (transfer === undefined) return
    transfer.failed(nackError(nack.reason, nack.qkdnId))
    if (nack.reason === "altered" || nack.reason === "incomplete") this.#blame(transfer, nack)
  }

  /** Only the destination's own word names a path; anybody between may say that something is wrong on his. */
  #blame({ offer }: Transfer, nack: Nack): void {
    const peer = this.#options.links.policy.peer(offer.destination)
    const isProven = peer !== undefined && isNackOf(peer, nack)
    const kind = nack.reason === "altered" ? "keys-altered" : "share-missing"
    const what = kind === "keys-altered" ? "keys were altered" : "a share of keys was lost"
    for (const pathQkdlId of isProven ? (nack.paths ?? []) : [offer.pathQkdlId]) {
      this.#options.onAlarm({
        kind,
        qkdlId: pathQkdlId,
        pathQkdlId,
        qkdnId: nack.qkdnId,
        message: `${what} on path ${pathQkdlId}, as ${nack.qkdnId} says`,
      })
    }
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

  /** All shares of the keys, or nothing: a fault of one voids them all. */
  async #transfer(offer: Consignment, keys: Secret): Promise<Carried> {
    const { links, signKey, random } = this.#options
    const parcels = parcelsOf(links, signKey, random, offer, keys)
    const outcomes = await Promise.allSettled(parcels.map((parcel) => this.#send(parcel)))
    const receipts = outcomes.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
    try {
      for (const one of outcomes) if (one.status === "rejected") throw one.reason
      checkDisjoint(receipts.map(({ nodes }) => nodes))
    } catch (cause) {
      for (const [index, one] of outcomes.entries()) {
        const parcel = parcels[index]
        // Those that failed have been voided already.
        if (one.status === "fulfilled" && parcel !== undefined) this.#void(parcel.hop, parcel.offer)
      }
      throw cause
    }
    const epsilon = sumEpsilon(receipts.map((receipt) => receipt.epsilon))
    return {
      nodes: Array.from(new Set(receipts.flatMap(({ nodes }) => nodes))),
      ...(epsilon !== undefined && { epsilon }),
      disjointPaths: receipts.length,
    }
  }

  async #send({ offer, hop, payload }: Parcel): Promise<Receipt> {
    const { sender, links, limits } = this.#options
    let over = false
    let timer: NodeJS.Timeout | undefined
    try {
      const acknowledged = new Promise<Receipt>((resolve, reject) => {
        this.#open.set(offer.transferId, { offer, hop, sent: false, done: resolve, failed: reject })
        timer = setTimeout(() => {
          reject(
            new QkdError("operation-failed", `${offer.destination} did not acknowledge in time`, {
              appTag: "timeout",
            }),
          )
        }, limits.transferTimeoutMs)
      })
      const sending = sender
        .send(hop, offer, [links.qkdnId], cargoOf(payload), undefined)
        .finally(() => {
          payload.wipe()
        })
        .then(() => {
          const transfer = this.#open.get(offer.transferId)
          if (transfer !== undefined) transfer.sent = true
          if (over) this.#void(hop, offer)
        })
      // It may fail while the pad is still being waited for; whatever is sent after that is void.
      const [, receipt] = await Promise.all([sending, acknowledged])
      return receipt
    } catch (cause) {
      over = true
      if (this.#open.get(offer.transferId)?.sent === true) this.#void(hop, offer)
      throw cause
    } finally {
      clearTimeout(timer)
      this.#open.delete(offer.transferId)
      if (over) this.#failShares(offer.share?.groupId)
    }
  }

  /** The other shares of keys of which one has failed are of no use. */
  #failShares(groupId: string | undefined): void {
    if (groupId === undefined) return
    for (const { offer, failed } of this.#open.values())
      if (offer.share?.groupId === groupId) failed(noPath("another share of the keys failed"))
  }

  /** Over every path there is now: one of those that carried the shares may not carry this. */
  #voidWhole(offer: Consignment): void {
    const { links } = this.#options
    const app = links.app(offer.appId)
    if (app === undefined) return
    try {
      for (const entry of backingsOf(links, app))
        this.#void(firstHopOf(links, entry), { ...offer, pathQkdlId: entry.qkdlId })
    } catch (cause) {
      this.#options.log.warn({ err: cause }, "keys could not be voided: they expire unused")
    }
  }

  #void(hop: NextHop, offer: Consignment): void {
    const { peer, signKey } = this.#options
    const { pathQkdlId, source, destination } = offer
    const message = { transferId: wholeOf(offer).transferId, pathQkdlId, source, destination }
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
function cut(offer: Consignment, keys: Secret, carried: Carried | undefined): EndKey[] {
  const size = offer.keySizeBits / 8
  const known = carried?.epsilon === undefined ? {} : { epsilon: carried.epsilon }
  const cuts = offer.keyIds.map((keyId, index) => ({
    keyId,
    key: keys.slice(index * size, size),
    ...known,
  }))
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
    case "altered":
      return noPath(`${qkdnId} got other keys than were sent`)
    case "incomplete":
      return noPath(`${qkdnId} did not get all shares`)
  }
}

function noPath(message: string): QkdError {
  return new QkdError("operation-failed", message, { appTag: "no-path" })
}
