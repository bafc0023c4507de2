// What a destination says of keys it has stored. All that became durable in one turn of the event loop and goes back the
// same way is signed once: a signature and its check cost more than everything else of a single key.

import type { KeyObject } from "node:crypto"
import type { RelayHeader } from "../keys/relay-header.js"
import type { RelayPeer } from "./relay-peer.js"
import { encodeAck, MAX_STORED } from "./relay-wire.js"
import type { StoredTransfer } from "./relay-wire.js"
import { ackDigest, signAck } from "./signing.js"
import type { Receipt } from "./signing.js"
import { TurnGatherer } from "./turn-gatherer.js"

/** Those that go back the same way. */
interface Way {
  /** The neighbour that the keys came from. */
  readonly to: string
  readonly header: RelayHeader
  readonly nodes: readonly string[]
}

export class RelayAcks {
  readonly #signKey: KeyObject
  readonly #peer: (qkdnId: string) => RelayPeer | undefined
  readonly #gatherer = new TurnGatherer<[Way, StoredTransfer]>((all) => {
    for (const [way, stored] of byWay(all)) this.#send(way, stored)
  })

  constructor(signKey: KeyObject, peer: (qkdnId: string) => RelayPeer | undefined) {
    this.#signKey = signKey
    this.#peer = peer
  }

  add(header: RelayHeader, receipt: Receipt): void {
    const { nodes, epsilon } = receipt
    const digest = ackDigest(header, receipt)
    const { transferId, sender: to } = header
    const stored = { transferId, ...(epsilon !== undefined && { epsilon }), digest }
    this.#gatherer.add([{ to, header, nodes }, stored])
  }

  #send({ to, header, nodes }: Way, all: readonly StoredTransfer[]): void {
    const { pathQkdlId, source, destination } = header
    for (let at = 0; at < all.length; at += MAX_STORED) {
      const stored = all.slice(at, at + MAX_STORED)
      const digests = stored.map(({ digest }) => digest)
      const signature = signAck(this.#signKey, digests)
      const ack = { pathQkdlId, source, destination, nodes, stored, signature }
      this.#peer(to)?.send("ack", encodeAck(ack))
    }
  }
}

function byWay(all: readonly (readonly [Way, StoredTransfer])[]): [Way, StoredTransfer[]][] {
  const groups = new Map<string, [Way, StoredTransfer[]]>()
  for (const [way, stored] of all) {
    const name = [way.to, way.header.pathQkdlId, ...way.nodes].join(" ")
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [way, [stored]])
    else group[1].push(stored)
  }
  return Array.from(groups.values())
}
