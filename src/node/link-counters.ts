// What is counted of one link at one end: bits, since the link was first configured here. Writes no store.

import type { KeyStore, StoreOp } from "./key-store.js"
import { decodeLinkRecord, encodeLinkRecord, linkKey } from "./records.js"
import type { LinkRecord } from "./records.js"

/** Counters of a link. */
export type LinkCounts = Omit<LinkRecord, "peer">

const NOTHING: LinkCounts = {
  generatedBits: 0n,
  consumedBits: 0n,
  authenticationBits: 0n,
  relayedBits: 0n,
  refusedBits: 0n,
  expiredBits: 0n,
}

export class LinkCounters {
  readonly #qkdlId: string
  #record: LinkRecord
  /** Something was counted that `op` was not asked for since. */
  dirty = false

  /** @param peer the neighbour where the store does not know the link yet */
  constructor(store: KeyStore, qkdlId: string, peer: string) {
    this.#qkdlId = qkdlId
    this.#record = { peer, ...NOTHING }
    store.get(linkKey(qkdlId))?.use((bytes) => {
      this.#record = decodeLinkRecord(bytes)
    })
  }

  /** Whom the link leads to, by what the store says. */
  get peer(): string {
    return this.#record.peer
  }

  set peer(peer: string) {
    this.#record = { ...this.#record, peer }
  }

  get counts(): LinkCounts {
    const { peer: _, ...counts } = this.#record
    return counts
  }

  count(more: Partial<LinkCounts>): void {
    const { peer, ...counts } = this.#record
    const sums = { ...counts }
    for (const name of Object.keys(NOTHING) as (keyof LinkCounts)[]) sums[name] += more[name] ?? 0n
    this.#record = { peer, ...sums }
    this.dirty = true
  }

  /** The record, for the store. */
  op(): StoreOp {
    this.dirty = false
    return { key: linkKey(this.#qkdlId), value: encodeLinkRecord(this.#record) }
  }
}
