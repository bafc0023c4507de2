// Sends a batch of end keys over one hop: picks the link, uses up pad and tag bits, wraps, writes. The same for
// the source and for relays.

import { QkdError } from "../errors.js"
import { sideOf } from "../keys/half.js"
import { consignmentBytes, payloadBytes } from "../keys/relay-header.js"
import type { Consignment } from "../keys/relay-header.js"
import { wrapRelay } from "../keys/relay-message.js"
import type { Cargo } from "../keys/relay-message.js"
import type { NextHop } from "../keys/relay-rules.js"
import type { KeyManagerLimits } from "./key-manager-options.js"
import type { LinkTable } from "./link-table.js"
import type { RelayPeer } from "./relay-peer.js"

export class RelaySender {
  readonly #links: LinkTable
  readonly #limits: KeyManagerLimits
  readonly #peer: (qkdnId: string) => RelayPeer | undefined

  constructor(
    links: LinkTable,
    limits: KeyManagerLimits,
    peer: (qkdnId: string) => RelayPeer | undefined,
  ) {
    this.#links = links
    this.#limits = limits
    this.#peer = peer
  }

  /**
   * Resolves when the message is on its way. `cargo` is lent. `nodes` are those passed so far, this one last, and
   * `epsilon` is that of their hops. Pad bits that were drawn are used up, sent or not.
   *
   * @throws QkdError app-tag `no-path`, `pool-empty`; `resource-denied` when the neighbour does not keep up.
   */
  async send(
    hop: NextHop,
    offer: Consignment,
    nodes: readonly string[],
    cargo: Cargo,
    epsilon: number | undefined,
  ): Promise<void> {
    const keeper = this.#links.linkFor(hop, this.#limits.tagFailures)
    if (this.#peer(hop.qkdnId)?.busy === true)
      throw new QkdError("resource-denied", `${hop.qkdnId} does not keep up`)
    const { drawTimeoutMs } = this.#limits
    const keyBytes = consignmentBytes(offer)
    const proofBytes = payloadBytes(offer) - keyBytes
    const pad = await keeper.draw(keyBytes, drawTimeoutMs, proofBytes)
    try {
      const peer = this.#peer(hop.qkdnId)
      if (peer === undefined) throw unreachable(hop)
      const header = {
        transferId: offer.transferId,
        appId: offer.appId,
        pathQkdlId: offer.pathQkdlId,
        source: offer.source,
        destination: offer.destination,
        masterSaeId: offer.masterSaeId,
        slaveSaeIds: offer.slaveSaeIds,
        keyIds: offer.keyIds,
        keySizeBits: offer.keySizeBits,
        ttlS: offer.ttlS,
        ...(offer.scheme !== undefined && { scheme: offer.scheme }),
        ...(offer.share !== undefined && { share: offer.share }),
        ...(offer.signed !== undefined && { signed: offer.signed }),
        ...(offer.extensions !== undefined && { extensions: offer.extensions }),
        sessionId: peer.sessionId,
        number: keeper.nextNumber(),
        sender: this.#links.qkdnId,
        receiver: hop.qkdnId,
        qkdlId: keeper.qkdlId,
        direction: sideOf(this.#links.qkdnId, hop.qkdnId) === "low" ? (0 as const) : (1 as const),
        nodes,
        ...(epsilon !== undefined && { epsilon }),
        pad: pad.padSegments,
        tagKey: pad.tagSegments,
      }
      if (offer.source !== this.#links.qkdnId) keeper.countRelayed(keyBytes)
      if (!peer.send("relay", wrapRelay(header, cargo, pad.pad, pad.tagKey))) throw unreachable(hop)
    } finally {
      pad.pad.wipe()
      pad.tagKey.wipe()
    }
  }
}

function unreachable(hop: NextHop): QkdError {
  return new QkdError("operation-failed", `${hop.qkdnId} is not connected`, { appTag: "no-path" })
}
