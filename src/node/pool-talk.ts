// What the two ends of a link tell each other of its pool: from keeper to connection and back.

import { decodePoolMessage, encodePoolMessage } from "../keys/pool-message.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"
import type { RelayPeer } from "./relay-peer.js"

export class PoolTalk {
  readonly #links: LinkTable
  readonly #peer: (qkdnId: string) => RelayPeer | undefined

  constructor(links: LinkTable, peer: (qkdnId: string) => RelayPeer | undefined) {
    this.#links = links
    this.#peer = peer
  }

  /** @throws QkdError `malformed-message`: close the connection. */
  receive(peer: RelayPeer, body: Buffer): void {
    const { qkdlId, message } = decodePoolMessage(body)
    const keeper = this.#links.keeper(qkdlId)
    if (keeper?.peer === peer.qkdnId) keeper.receive(message)
    else if (message.kind === "sync")
      peer.send("pool", encodePoolMessage(qkdlId, { kind: "no-link" }))
  }

  connect(keeper: LinkKeeper): void {
    const peer = this.#peer(keeper.peer)
    if (peer === undefined) return
    keeper.connect((message) => peer.send("pool", encodePoolMessage(keeper.qkdlId, message)))
  }

  /** The link is not configured here any more. */
  leave(keeper: LinkKeeper): void {
    const body = encodePoolMessage(keeper.qkdlId, { kind: "no-link" })
    this.#peer(keeper.peer)?.send("pool", body)
    keeper.disconnect()
  }
}
