// What a node does with relay messages that come in: believes them or not, forwards them, or takes them in as
// their destination and acknowledges; and what travels along a path besides (acknowledgements, refusals, voids).
// A relay keeps nothing: end keys are wiped as soon as they are under the next link's pad.

import type { KeyObject } from "node:crypto"
import { asQkdError } from "../errors.js"
import type { QkdError } from "../errors.js"
import type { RelayHeader } from "../keys/relay-header.js"
import { parseRelay, unwrapRelay } from "../keys/relay-message.js"
import { checkAddressing, checkDestination, nextHopOf, oppositeHop } from "../keys/relay-rules.js"
import type { Secret } from "../keys/secret.js"
import type { EndKeys } from "./end-keys.js"
import type { KeyManagerAlarm, KeyManagerLimits } from "./key-manager-options.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { RelayPeer } from "./relay-peer.js"
import type { RelaySender } from "./relay-sender.js"
import { encodeAck, encodeNack } from "./relay-wire.js"
import type { Along, FrameKind, NackReason, Void } from "./relay-wire.js"
import { isVoidOf, signAck } from "./signing.js"

export interface RelayDeskOptions {
  readonly links: LinkTable
  readonly sender: RelaySender
  readonly endKeys: () => EndKeys
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly limits: KeyManagerLimits
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
}

interface Parked {
  readonly header: RelayHeader
  readonly keys: Secret
  readonly timer: NodeJS.Timeout
}

const MAX_PARKED = 256

export class RelayDesk {
  readonly #options: RelayDeskOptions
  readonly #parked = new Map<string, Parked>()

  constructor(options: RelayDeskOptions) {
    this.#options = options
  }

  /** @throws QkdError `malformed-message` for what is no relay message at all: close the connection. */
  onRelay(peer: RelayPeer, body: Buffer): void {
    const relay = parseRelay(body)
    const { header } = relay
    const { links, limits, log } = this.#options
    const keeper = links.keeper(header.qkdlId)
    if (keeper?.peer !== peer.qkdnId || !links.relays(keeper, limits.tagFailures)) {
      this.#refuse(peer.qkdnId, header, "no-path")
      return
    }
    try {
      checkAddressing(links, header, peer.qkdnId, peer.sessionId, keeper.lastNumber)
    } catch (cause) {
      // Replayed, reflected, of another connection: nothing happens.
      log.warn({ peer: peer.qkdnId, qkdlId: header.qkdlId }, asQkdError(cause).message)
      return
    }
    const bits = keeper.follow(header.pad, header.tagKey)
    if (bits === undefined) {
      this.#refuse(peer.qkdnId, header, "refused")
      return
    }
    const keys = unwrapRelay(relay, bits.pad, bits.tagKey)
    bits.pad.wipe()
    bits.tagKey.wipe()
    if (keys === undefined) {
      this.#tagFailed(keeper)
      return
    }
    keeper.lastNumber = header.number
    keeper.spend(header.pad, header.tagKey)
    // Header and its views belong to the receive buffer; what follows outlives it.
    if (header.destination === links.qkdnId) void this.#arrive(header, keys, "park")
    else void this.#forward(header, keys)
  }

  /** Acknowledgements and refusals for others, towards the source. */
  onward(from: string, kind: FrameKind, message: Along, body: Buffer): void {
    const { links, peer, log } = this.#options
    const entry = links.link(message.pathQkdlId)
    try {
      if (entry?.type !== "VIRT") return
      const ends = [entry.local.qkdnId, entry.remote.qkdnId]
      if (!ends.includes(message.source) || !ends.includes(message.destination)) return
      peer(oppositeHop(entry, from).qkdnId)?.send(kind, body)
    } catch (cause) {
      log.debug({ from, kind }, asQkdError(cause).message)
    }
  }

  async onVoid(from: string, message: Void, body: Buffer): Promise<void> {
    const { links, endKeys, log, onAlarm } = this.#options
    if (message.destination !== links.qkdnId) {
      this.onward(from, "void", message, body)
      return
    }
    const source = links.policy.peer(message.source)
    if (source === undefined || !isVoidOf(source, message, message.signature)) {
      log.warn({ from }, "a void is not signed by its source")
      return
    }
    const parked = this.#parked.get(message.transferId)
    if (parked?.header.source === message.source) this.#unpark(message.transferId)?.keys.wipe()
    const outcome = await endKeys().voidBatch(message.transferId, message.source)
    if (outcome === "too-late") {
      onAlarm({
        kind: "void-too-late",
        qkdnId: message.source,
        message: "keys that their source does not use were fetched here",
      })
    }
  }

  /** The configuration has changed: what waited for it is looked at again. */
  configured(): void {
    for (const [transferId, { header }] of Array.from(this.#parked)) {
      // Their time runs on: nobody keeps keys here for ever by configuring something else now and then.
      if (this.#waits(header)) continue
      const parked = this.#unpark(transferId)
      if (parked !== undefined) void this.#arrive(parked.header, parked.keys, "refuse")
    }
  }

  close(): void {
    for (const transferId of Array.from(this.#parked.keys())) this.#unpark(transferId)?.keys.wipe()
  }

  async #forward(header: RelayHeader, keys: Secret): Promise<void> {
    const { links, sender } = this.#options
    try {
      await sender.send(nextHopOf(links, header), header, [...header.nodes, links.qkdnId], keys)
    } catch (cause) {
      this.#fail(header, asQkdError(cause))
    } finally {
      keys.wipe()
    }
  }

  async #arrive(header: RelayHeader, keys: Secret, orElse: "park" | "refuse"): Promise<void> {
    const { links, endKeys, signKey, peer } = this.#options
    try {
      if (checkDestination(links, header) === "wait") {
        if (orElse === "park" && this.#parked.size < MAX_PARKED) this.#park(header, keys)
        else {
          keys.wipe()
          this.#refuse(header.sender, header, "no-path")
        }
        return
      }
      await endKeys().put(header, keys)
      keys.wipe()
      const nodes = [...header.nodes, links.qkdnId]
      const { transferId, pathQkdlId, source, destination } = header
      const signature = signAck(signKey, header, nodes)
      const ack = { transferId, pathQkdlId, source, destination, nodes, signature }
      peer(header.sender)?.send("ack", encodeAck(ack))
    } catch (cause) {
      keys.wipe()
      this.#fail(header, asQkdError(cause))
    }
  }

  #waits(header: RelayHeader): boolean {
    try {
      return checkDestination(this.#options.links, header) === "wait"
    } catch {
      return false
    }
  }

  #park(header: RelayHeader, keys: Secret): void {
    const timer = setTimeout(() => {
      const parked = this.#unpark(header.transferId)
      if (parked !== undefined) void this.#arrive(header, keys, "refuse")
    }, this.#options.limits.parkMs)
    this.#unpark(header.transferId)?.keys.wipe()
    this.#parked.set(header.transferId, { header, keys, timer })
  }

  #unpark(transferId: string): Parked | undefined {
    const parked = this.#parked.get(transferId)
    clearTimeout(parked?.timer)
    this.#parked.delete(transferId)
    return parked
  }

  #fail(header: RelayHeader, error: QkdError): void {
    this.#options.log.info(
      { transferId: header.transferId, tag: error.tag, appTag: error.appTag },
      `relay: ${error.message}`,
    )
    this.#refuse(header.sender, header, reasonOf(error))
  }

  #refuse(to: string, header: RelayHeader, reason: NackReason): void {
    const { links, peer } = this.#options
    const { transferId, pathQkdlId, source, destination } = header
    const nack = { transferId, pathQkdlId, source, destination, qkdnId: links.qkdnId, reason }
    peer(to)?.send("nack", encodeNack(nack))
  }

  #tagFailed(keeper: LinkKeeper): void {
    const { limits, onAlarm } = this.#options
    const { qkdlId, peer: qkdnId } = keeper
    keeper.tagFailures++
    onAlarm({
      kind: "tag-failure",
      qkdlId,
      qkdnId,
      message: `a relay message is forged, or the ends' keys differ (${keeper.tagFailures} of ${limits.tagFailures})`,
    })
    if (keeper.tagFailures < limits.tagFailures) return
    onAlarm({ kind: "link-closed", qkdlId, qkdnId, message: "the link does not relay any more" })
  }
}

function reasonOf(error: QkdError): NackReason {
  if (error.appTag === "policy") return "policy"
  if (error.appTag === "pool-empty") return "pool-empty"
  if (error.appTag === "no-path") return "no-path"
  return error.tag === "resource-denied" ? "busy" : "refused"
}
