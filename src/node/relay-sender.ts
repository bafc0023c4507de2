// Sends end keys over one hop: picks the link, uses up pad and tag bits, wraps, writes. The same for the source and for
// relays. What is sent over a link in one turn of the event loop goes in one message, as far as it fits.

import { QkdError } from "../errors.js"
import { sideOf } from "../keys/half.js"
import { consignmentBytes, RELAY_LIMITS } from "../keys/relay-header.js"
import type { Consignment, RelayHop } from "../keys/relay-header.js"
import { load, loadedBytes, wrapRelay } from "../keys/relay-message.js"
import type { Cargo, Loaded } from "../keys/relay-message.js"
import type { NextHop } from "../keys/relay-rules.js"
import type { KeyManagerLimits } from "./key-manager-options.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"
import type { Pad } from "./pad-queue.js"
import type { RelayPeer } from "./relay-peer.js"
import { FRAME_HEAD_BYTES } from "./relay-wire.js"
import { TurnGatherer } from "./turn-gatherer.js"

interface Outgoing {
  readonly loaded: Loaded
  readonly sent: () => void
  readonly failed: (cause: unknown) => void
}

/** Keys of several services in one message: small enough that pads of tiny blocks still fit its header. */
const SHARED_KEY_BYTES = 1 << 14
/** What is to be sent over a link together may wait for key together where the link has so many times as much. */
const PLENTY = 4
/** Of all that a message says of them and carries. A frame takes twice as much. */
const SHARED_BYTES = 1 << 17

export class RelaySender {
  readonly #links: LinkTable
  readonly #limits: KeyManagerLimits
  readonly #peer: (qkdnId: string) => RelayPeer | undefined
  readonly #gatherers = new WeakMap<LinkKeeper, TurnGatherer<Outgoing>>()

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
    // Written out: a relay hands on what it got with all of the hop before.
    const shipment = {
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
      nodes,
      ...(epsilon !== undefined && { epsilon }),
    }
    const loaded = load(shipment, cargo)
    await new Promise<void>((sent, failed) => {
      this.#gathererOf(keeper).add({ loaded, sent, failed })
    })
  }

  #gathererOf(keeper: LinkKeeper): TurnGatherer<Outgoing> {
    const known = this.#gatherers.get(keeper)
    if (known !== undefined) return known
    const gatherer = new TurnGatherer<Outgoing>((all) => {
      for (const group of groupsOf(all)) this.#sendTogether(keeper, group)
    })
    this.#gatherers.set(keeper, gatherer)
    return gatherer
  }

  /** In one message where there is plenty or its pad is open now. Else what there is may be enough for some of them. */
  #sendTogether(keeper: LinkKeeper, group: readonly Outgoing[]): void {
    const [keyBytes, proofBytes] = amountOf(group)
    const write = (pad: Pad): void => {
      this.#write(keeper, group, pad)
    }
    const isPlenty = keeper.reachableBits >= PLENTY * 8 * (keyBytes + proofBytes)
    if (group.length > 1 && !isPlenty) {
      if (!keeper.drawNow(keyBytes, proofBytes, write)) this.#sendApart(keeper, group)
      return
    }
    keeper.draw(keyBytes, proofBytes, this.#limits.drawTimeoutMs, write).catch((cause: unknown) => {
      if (group.length > 1) this.#sendApart(keeper, group)
      else for (const { failed } of group) failed(cause)
    })
  }

  #sendApart(keeper: LinkKeeper, group: readonly Outgoing[]): void {
    for (const one of group) this.#sendTogether(keeper, [one])
  }

  #write(keeper: LinkKeeper, group: readonly Outgoing[], pad: Pad): void {
    const { qkdnId } = this.#links
    try {
      const peer = this.#peer(keeper.peer)
      if (peer === undefined) throw unreachable(keeper)
      const hop: RelayHop = {
        sessionId: peer.sessionId,
        number: keeper.nextNumber(),
        sender: qkdnId,
        receiver: keeper.peer,
        qkdlId: keeper.qkdlId,
        direction: sideOf(qkdnId, keeper.peer) === "low" ? 0 : 1,
        pad: pad.padSegments,
        tagKey: pad.tagSegments,
      }
      const loaded = group.map((one) => one.loaded)
      for (const { shipment } of loaded)
        if (shipment.source !== qkdnId) keeper.countRelayed(consignmentBytes(shipment))
      const message = wrapRelay(hop, loaded, pad.pad, pad.tagKey, FRAME_HEAD_BYTES)
      if (!peer.sendFramed("relay", message)) throw unreachable(keeper)
      for (const { sent } of group) sent()
    } catch (cause) {
      for (const { failed } of group) failed(cause)
    } finally {
      pad.pad.wipe()
      pad.tagKey.wipe()
    }
  }
}

/** As many in one as a message takes, in their order. */
function groupsOf(all: readonly Outgoing[]): Outgoing[][] {
  const groups: Outgoing[][] = []
  let [keyBytes, bytes] = [0, 0]
  for (const one of all) {
    const last = groups.at(-1)
    const keys = consignmentBytes(one.loaded.shipment)
    const size = loadedBytes(one.loaded)
    const fits =
      last !== undefined &&
      last.length < RELAY_LIMITS.shipments &&
      keyBytes + keys <= SHARED_KEY_BYTES &&
      bytes + size <= SHARED_BYTES
    if (fits) last.push(one)
    else {
      groups.push([one])
      keyBytes = 0
      bytes = 0
    }
    keyBytes += keys
    bytes += size
  }
  return groups
}

/** Bytes of keys, and of their proofs. */
function amountOf(group: readonly Outgoing[]): [number, number] {
  let [keyBytes, all] = [0, 0]
  for (const { loaded } of group) {
    keyBytes += consignmentBytes(loaded.shipment)
    all += loaded.cargo.secret.lengthBytes
  }
  return [keyBytes, all - keyBytes]
}

function unreachable({ peer }: LinkKeeper): QkdError {
  return new QkdError("operation-failed", `${peer} is not connected`, { appTag: "no-path" })
}
