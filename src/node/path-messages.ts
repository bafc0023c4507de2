// What travels along a relay path besides keys: acknowledgements and refusals towards the source, voids towards the
// destination, news of a store and of key streams from one end to the other. Passes on what is for others; decides nothing.

import { asQkdError } from "../errors.js"
import { ByteReader } from "../keys/bytes.js"
import { oppositeHop } from "../keys/relay-rules.js"
import type { SiteStreams } from "./key-streams.js"
import type { KeyTransfers } from "./key-transfers.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import type { RelayDesk } from "./relay-desk.js"
import type { RelayPeer } from "./relay-peer.js"
import { decodeAck, decodeNack, decodeVoid, decodeVoided, readAlong } from "./relay-wire.js"
import type { FrameKind, Way } from "./relay-wire.js"
import type { StoreNews } from "./store-news.js"

export interface PathMessagesOptions {
  readonly links: LinkTable
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly transfers: KeyTransfers
  readonly desk: RelayDesk
  readonly news: StoreNews
  readonly streams: SiteStreams
  readonly log: Log
  readonly onStoreFault: (cause: unknown) => void
}

export type PathMessageKind = Extract<
  FrameKind,
  "ack" | "nack" | "void" | "voided" | "store" | "stream"
>

export class PathMessages {
  readonly #options: PathMessagesOptions

  constructor(options: PathMessagesOptions) {
    this.#options = options
  }

  /** @throws QkdError `malformed-message`: close the connection. */
  onFrame(from: string, kind: PathMessageKind, body: Buffer): void {
    const { links, transfers, desk, news, streams, log, onStoreFault } = this.#options
    switch (kind) {
      case "ack": {
        const ack = decodeAck(body)
        if (ack.source === links.qkdnId) transfers.onAck(ack)
        else this.#onward(from, kind, ack, body)
        return
      }
      case "nack": {
        const nack = decodeNack(body)
        if (nack.source === links.qkdnId) transfers.onNack(nack)
        else this.#onward(from, kind, nack, body)
        return
      }
      case "void": {
        const message = decodeVoid(body)
        if (message.destination !== links.qkdnId) this.#onward(from, kind, message, body)
        else desk.onVoid(message, from).catch(onStoreFault)
        return
      }
      case "voided": {
        const message = decodeVoided(body)
        if (message.source === links.qkdnId) transfers.onVoided(message)
        else this.#onward(from, kind, message, body)
        return
      }
      case "stream": {
        const message = readAlong(new ByteReader(body, "key stream"))
        if (message.destination === links.qkdnId) streams.onNews(body)
        else this.#onward(from, kind, message, body)
        return
      }
      case "store": {
        const message = decodeVoid(body)
        if (message.source !== links.qkdnId) this.#onward(from, kind, message, body)
        else if (!news.hear(message)) log.warn({ from }, "news of a store are not its node's")
      }
    }
  }

  #onward(from: string, kind: FrameKind, message: Way, body: Buffer): void {
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
}
