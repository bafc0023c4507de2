// The source's side of every transfer of end keys: sends them off, whole or in shares, and believes that they arrived
// only when the far end has said so, signed. What is not acknowledged is voided, never sent again.
//
//   transfer ── relay ──▶ ... ──▶ destination stores durably
//            ◀── ack (signed by the destination) ──┘        then, and only then, the keys may be handed out

import { QkdError } from "../errors.js"
import type { Consignment } from "../keys/relay-header.js"
import { sumEpsilon } from "../keys/epsilon.js"
import { wholeOf } from "../keys/relay-header.js"
import { cargoOf } from "../keys/relay-message.js"
import { backingsOf, checkTakenPath, firstHopOf } from "../keys/relay-rules.js"
import type { NextHop } from "../keys/relay-rules.js"
import { Secret } from "../keys/secret.js"
import type { KeyObject } from "node:crypto"
import type { KeyManagerAlarm, KeyManagerLimits } from "./key-manager-options.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { RelayPeer } from "./relay-peer.js"
import type { RelaySender } from "./relay-sender.js"
import { encodeVoid } from "./relay-wire.js"
import type { Ack, Nack, NackReason, StoredTransfer, Voided } from "./relay-wire.js"
import { checkDisjoint, parcelsOf } from "./relay-parcels.js"
import type { Parcel } from "./relay-parcels.js"
import { ackDigest, isAckOf, isNackOf, isVoidedOf, signVoid } from "./signing.js"
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
  /** Paths without a common node that they were shared over, ends included. */
  readonly paths: readonly (readonly string[])[]
  /** The links that backed them. */
  readonly pathQkdlIds: readonly string[]
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

const MAX_PENDING_VOIDS = 1024
export class KeyTransfers {
  readonly #options: KeyTransfersOptions
  readonly #open = new Map<string, Transfer>()
  /** Voids that could not be sent, by the neighbour they wait for. */
  #pendingVoids: { readonly hop: NextHop; readonly offer: Consignment }[] = []

  /** Keys taken back whose destination has not said so yet. */
  readonly #voiding = new Map<
    string,
    { readonly offer: Consignment; readonly heard: (isVoid: boolean) => void }
  >()

  constructor(options: KeyTransfersOptions) {
    this.#options = options
  }

  get openCount(): number {
    return this.#open.size
  }

  /**
   * Transfers that still wait for key on a path their association has left fail at once, so that they begin
   * again on the new one. What has been sent is left to arrive: the old path stands a while longer.
   */
  configured(): void {
    for (const { offer, failed, sent } of this.#open.values()) {
      if (sent || this.pathOf(offer.appId)?.split(" ").includes(offer.pathQkdlId)) continue
      failed(noPath("the path was moved"))
    }
  }

  /** The links that back the association now, joined by spaces; undefined without one. */
  pathOf(appId: string): string | undefined {
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

  onAck(ack: Ack): void {
    const { links } = this.#options
    const ours = ack.stored.filter(({ transferId }) => this.#open.has(transferId))
    if (ours.length === 0) return
    const peer = links.policy.peer(ack.destination)
    const digests = ack.stored.map(({ digest }) => digest)
    if (peer === undefined || !isAckOf(peer, digests, ack.signature)) {
      this.#notAcknowledged(ours)
      return
    }
    for (const stored of ours) this.#acknowledged(ack, stored)
  }

  /** The destination has said something of it: whether it is this. */
  #acknowledged({ destination, nodes }: Ack, stored: StoredTransfer): void {
    const transfer = this.#open.get(stored.transferId)
    if (transfer === undefined) return
    const { epsilon } = stored
    const receipt: Receipt = { nodes, ...(epsilon !== undefined && { epsilon }) }
    const { offer } = transfer
    if (
      offer.destination !== destination ||
      Buffer.compare(ackDigest(offer, receipt), stored.digest) !== 0
    ) {
      this.#notAcknowledged([stored])
      return
    }
    try {
      checkTakenPath(this.#options.links, offer, nodes)
      transfer.done(receipt)
    } catch (cause) {
      transfer.failed(cause instanceof QkdError ? cause : noPath("the path was refused"))
    }
  }

  #notAcknowledged(stored: readonly StoredTransfer[]): void {
    const transferIds = stored.map(({ transferId }) => transferId)
    this.#options.log.warn({ transferIds }, "an acknowledgement is not the destination's")
  }

  onNack(nack: Nack): void {
    const transfer = this.#open.get(nack.transferId)
    if (transfer === undefined) return
    const path = this.#options.links.link(transfer.offer.pathQkdlId)
    // Who was never given a rate has not exceeded one: there is too little left for him.
    const hasRate = path?.type === "VIRT" && (path.bandwidthBps ?? 0) > 0
    if (nack.reason === "over-rate" && !hasRate) transfer.failed(keptForOthers(nack.qkdnId))
    else transfer.failed(nackError(nack.reason, nack.qkdnId))
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
    for (const { heard } of Array.from(this.#voiding.values())) heard(false)
  }

  /**
   * `keys` are lent. All shares of them, or nothing: a fault of one voids them all.
   *
   * @throws QkdError app-tag `pool-empty`, `no-path`, `timeout`, `policy`.
   */
  async transfer(offer: Consignment, keys: Secret): Promise<Carried> {
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
      paths: receipts.map(({ nodes }) => nodes),
      pathQkdlIds: parcels.map((parcel) => parcel.offer.pathQkdlId),
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
  voidWhole(offer: Consignment): void {
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

  /** Takes keys back and waits for their destination's word: true when nobody there has one of them. */
  async voidedAt(offer: Consignment): Promise<boolean> {
    const { transferId } = offer
    return new Promise<boolean>((resolve) => {
      const heard = (isVoid: boolean): void => {
        clearTimeout(timer)
        this.#voiding.delete(transferId)
        resolve(isVoid)
      }
      const timer = setTimeout(heard, this.#options.limits.transferTimeoutMs, false)
      this.#voiding.set(transferId, { offer, heard })
      this.voidWhole(offer)
    })
  }

  onVoided(message: Voided): void {
    const { transferId, destination, outcome } = message
    const voiding = this.#voiding.get(transferId)
    const peer = this.#options.links.policy.peer(destination)
    if (voiding?.offer.destination !== destination || peer === undefined) return
    if (isVoidedOf(peer, message)) voiding.heard(outcome !== "too-late")
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

function keptForOthers(qkdnId: string): QkdError {
  return new QkdError("resource-denied", `${qkdnId} keeps what is left on the path for others`, {
    appTag: "pool-empty",
  })
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
    case "over-rate":
      return new QkdError("resource-denied", `${qkdnId} holds the path to its rate`, {
        appTag: "over-rate",
      })
    case "incomplete":
      return noPath(`${qkdnId} did not get all shares`)
  }
}

function noPath(message: string): QkdError {
  return new QkdError("operation-failed", message, { appTag: "no-path" })
}
