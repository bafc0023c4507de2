// A node whose key store is new, because it was restored or lost, has none of the end keys that others made with it
// and keep ready. Neighbours see it when they connect; far ends are told along every path that joins them, signed, for
// as long as the store is young (THREATS D2). What was told once is not news again.

import type { KeyObject } from "node:crypto"
import { farEndOf, firstHopOf } from "../keys/relay-rules.js"
import type { KeyStore } from "./key-store.js"
import type { LinkTable } from "./link-table.js"
import type { RelayPeer } from "./relay-peer.js"
import { encodeVoid } from "./relay-wire.js"
import type { Void } from "./relay-wire.js"
import { isStoreNewsOf, signStoreNews } from "./signing.js"

export interface StoreNewsOptions {
  readonly links: LinkTable
  readonly store: KeyStore
  readonly signKey: KeyObject
  readonly steadyMs: () => number
  /** Keys that were made with this node before are void there. */
  readonly onLost: (qkdnId: string) => void
}

/** Longer than any path stays broken that is worth waiting for; keys kept ready are not older either. */
const YOUNG_MS = 600_000

export class StoreNews {
  readonly #options: StoreNewsOptions
  readonly #storeOf = new Map<string, string>()

  constructor(options: StoreNewsOptions) {
    this.#options = options
  }

  /** Now and then, and when the peer has just connected. */
  tell(peers: readonly RelayPeer[]): void {
    const { links, store, signKey, steadyMs } = this.#options
    const { storeId, createdMs } = store.mark
    if (steadyMs() - createdMs > YOUNG_MS) return
    for (const entry of links.paths()) {
      if (![entry.local.qkdnId, entry.remote.qkdnId].includes(links.qkdnId)) continue
      const hop = firstHopOf(links, entry)
      const news = {
        transferId: storeId,
        pathQkdlId: entry.qkdlId,
        source: farEndOf(links, entry),
        destination: links.qkdnId,
      }
      for (const peer of peers) {
        if (peer.qkdnId !== hop.qkdnId) continue
        peer.send("store", encodeVoid({ ...news, signature: signStoreNews(signKey, news) }))
      }
    }
  }

  /** False when it is not the word of the node whose store it is about. */
  hear(news: Void): boolean {
    const peer = this.#options.links.policy.peer(news.destination)
    if (peer === undefined || !isStoreNewsOf(peer, news)) return false
    if (this.#storeOf.get(news.destination) === news.transferId) return true
    this.#storeOf.set(news.destination, news.transferId)
    this.#options.onLost(news.destination)
    return true
  }
}
