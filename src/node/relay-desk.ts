// What a node does with relay messages that come in: believes them or not, forwards them, or hands them to
// `RelayArrivals` as their destination. What travels along a path besides is `PathMessages`' matter.
// A relay keeps nothing: end keys are wiped as soon as they are under the next link's pad. On the way through it
// looks whether they are what their source has signed, so that a node that alters keys is named by the next one.

import type { KeyObject } from "node:crypto"
import { asQkdError } from "../errors.js"
import type { QkdError } from "../errors.js"
import { hopEpsilon, sumEpsilon } from "../keys/epsilon.js"
import { lengthOf } from "../keys/half.js"
import { consignmentBytes } from "../keys/relay-header.js"
import type { RelayHeader } from "../keys/relay-header.js"
import { parseRelay, unwrapRelay } from "../keys/relay-message.js"
import type { Cargo } from "../keys/relay-message.js"
import { checkAddressing, nextHopOf } from "../keys/relay-rules.js"
import type { Secret } from "../keys/secret.js"
import type { KeyDeposit } from "./border.js"
import type { KeyManagerAlarm, KeyManagerLimits } from "./key-manager-options.js"
import type { LinkKeeper } from "./link-keeper.js"
import type { LinkTable } from "./link-table.js"
import type { Log } from "./log.js"
import { reasonOf, RelayArrivals } from "./relay-arrivals.js"
import type { RelayPeer } from "./relay-peer.js"
import type { RelaySender } from "./relay-sender.js"
import { encodeNack, encodeVoided } from "./relay-wire.js"
import type { NackReason, Void } from "./relay-wire.js"
import type { TransitRates } from "./transit-rates.js"
import { areContentsOf, isVoidOf, signVoided } from "./signing.js"

export interface RelayDeskOptions {
  readonly links: LinkTable
  readonly sender: RelaySender
  readonly transit: TransitRates
  readonly endKeys: () => KeyDeposit
  readonly peer: (qkdnId: string) => RelayPeer | undefined
  readonly signKey: KeyObject
  readonly limits: KeyManagerLimits
  readonly log: Log
  readonly onAlarm: (alarm: KeyManagerAlarm) => void
}

export class RelayDesk {
  readonly #options: RelayDeskOptions
  readonly #arrivals: RelayArrivals

  constructor(options: RelayDeskOptions) {
    this.#options = options
    this.#arrivals = new RelayArrivals(options)
  }

  /** @throws QkdError `malformed-message` for what is no relay message at all: close the connection. */
  onRelay(peer: RelayPeer, body: Buffer): void {
    const relay = parseRelay(body)
    const { hop, headers } = relay
    const { links, limits, log } = this.#options
    const keeper = links.keeper(hop.qkdlId)
    if (keeper?.peer !== peer.qkdnId || !links.relays(keeper, limits.tagFailures)) {
      for (const header of headers) this.#refuse(peer.qkdnId, header, "no-path")
      return
    }
    try {
      checkAddressing(links, hop, headers, peer.qkdnId, peer.sessionId, keeper.lastNumber)
    } catch (cause) {
      // Replayed, reflected, of another connection: nothing happens.
      log.warn({ peer: peer.qkdnId, qkdlId: hop.qkdlId }, asQkdError(cause).message)
      return
    }
    const bits = keeper.follow(hop.pad, hop.tagKey)
    if (bits === undefined) {
      for (const header of headers) this.#refuse(peer.qkdnId, header, "refused")
      return
    }
    const arrives = (header: RelayHeader): boolean => header.destination === links.qkdnId
    const cargoes = unwrapRelay(relay, bits.pad, bits.tagKey, arrives)
    bits.pad.wipe()
    bits.tagKey.wipe()
    if (cargoes === undefined) {
      this.#tagFailed(keeper)
      return
    }
    keeper.lastNumber = hop.number
    const keyBytes = headers.reduce((sum, header) => sum + consignmentBytes(header), 0)
    keeper.spend(hop.pad, hop.tagKey, lengthOf(hop.pad) - keyBytes)
    for (const [at, header] of headers.entries()) {
      const cargo = cargoes[at]
      if (cargo !== undefined) this.#accept(keeper, header, cargo, body.length)
    }
  }

  /** A shipment of a genuine message. Header and its views belong to the receive buffer; what follows outlives it. */
  #accept(keeper: LinkKeeper, header: RelayHeader, cargo: Cargo, messageBytes: number): void {
    const arrives = header.destination === this.#options.links.qkdnId
    if (!arrives) keeper.countRelayed(consignmentBytes(header))
    const epsilon = sumEpsilon([
      header.epsilon ?? noneBefore(header),
      this.#epsilonOf(header, messageBytes),
    ])
    const seesKeys = arrives || header.scheme !== "destination-combines"
    if (seesKeys && !this.#isAsSigned(header, cargo.secret)) this.#altered(keeper, header, cargo)
    else if (arrives) {
      const keys = withoutProof(header, cargo.secret)
      void this.#arrivals.take({ header, keys, epsilon })
    } else void this.#forward(header, cargo, epsilon)
  }

  /** Keys that came here, or still come, are taken back by who says he is their source. */
  async onVoid(message: Void, from: string): Promise<void> {
    const { links, endKeys, log, onAlarm, peer, signKey } = this.#options
    const source = links.policy.peer(message.source)
    if (source === undefined || !isVoidOf(source, message, message.signature)) {
      log.warn({ source: message.source }, "a void is not signed by its source")
      return
    }
    this.#arrivals.drop(message.transferId, message.source)
    const outcome = await endKeys().voidBatch(message.transferId, message.source)
    const { transferId, pathQkdlId, destination } = message
    const said = { transferId, pathQkdlId, source: message.source, destination, outcome }
    peer(from)?.send("voided", encodeVoided({ ...said, signature: signVoided(signKey, said) }))
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
    this.#arrivals.configured()
  }

  close(): void {
    this.#arrivals.close()
  }

  async #forward(header: RelayHeader, cargo: Cargo, epsilon: number | undefined): Promise<void> {
    const { links, sender, transit, limits } = this.#options
    let takeBack: (() => void) | undefined
    try {
      const nodes = [...header.nodes, links.qkdnId]
      const hop = nextHopOf(links, header)
      const keeper = links.linkFor(hop, limits.tagFailures)
      takeBack = transit.admit(header, keeper)
      await sender.send({ ...hop, qkdlId: keeper.qkdlId }, header, nodes, cargo, epsilon)
    } catch (cause) {
      takeBack?.()
      this.#fail(header, asQkdError(cause))
    } finally {
      cargo.secret.wipe()
    }
  }

  #epsilonOf(header: RelayHeader, messageBytes: number): number | undefined {
    const link = this.#options.links.link(header.qkdlId)
    const linkEpsilon = link?.type === "PHYS" ? link.epsilon : undefined
    // The third part under the tag is no longer than the message.
    return hopEpsilon(linkEpsilon, [...header.pad, ...header.tagKey], 2 * messageBytes)
  }

  /** Unsigned keys are what the sender, their source, says: nobody stands between. `checkPath` refuses others. */
  #isAsSigned(header: RelayHeader, payload: Secret): boolean {
    if (header.signed !== true) return true
    const source = this.#options.links.policy.peer(header.source)
    const size = consignmentBytes(header)
    return (
      source !== undefined &&
      payload.use((bytes) =>
        areContentsOf(source, header, bytes.subarray(0, size), bytes.subarray(size)),
      )
    )
  }

  #altered(keeper: LinkKeeper, header: RelayHeader, { secret }: Cargo): void {
    secret.wipe()
    const { links, onAlarm } = this.#options
    const { sender, source, pathQkdlId, nodes } = header
    const isNamed = header.scheme !== "destination-combines"
    const who = isNamed ? sender : nodes.slice(1).join(", ")
    onAlarm({
      kind: "keys-altered",
      qkdlId: isNamed ? keeper.qkdlId : pathQkdlId,
      qkdnId: sender,
      pathQkdlId,
      message: `keys from ${source} were altered on path ${pathQkdlId}, by ${who}`,
    })
    if (header.destination === links.qkdnId) this.#arrivals.altered(header)
    else this.#refuse(sender, header, "altered")
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

/** The keys of a payload, which is taken over. */
function withoutProof(header: RelayHeader, payload: Secret): Secret {
  const size = consignmentBytes(header)
  if (payload.lengthBytes === size) return payload
  const keys = payload.slice(0, size)
  payload.wipe()
  return keys
}

/** At the first hop there is nothing to add up yet. */
function noneBefore(header: RelayHeader): number | undefined {
  return header.nodes.length === 1 ? 0 : undefined
}
