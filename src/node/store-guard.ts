// Keeps rolled-back stores out of the network: tells neighbours, signed, how old this node's store is, remembers
// what they tell of theirs, and holds each against the other's memory when a connection is made (THREATS D2).
// What must then be voided, the key manager voids.

import type { KeyObject } from "node:crypto"
import { createPublicKey } from "node:crypto"
import { QkdError } from "../errors.js"
import type { PeerIdentity } from "../keys/policy-view.js"
import { ByteReader, ByteWriter } from "../keys/bytes.js"
import { compareMarks, readSignedMark, writeSignedMark } from "../keys/store-mark.js"
import type { SignedMark } from "../keys/store-mark.js"
import type { KeyStore } from "./key-store.js"
import { PEER_MARK_PREFIX, peerMarkKey, textInKey } from "./records.js"
import type { RelayPeer } from "./relay-peer.js"
import { encodeMark, NONCE_BYTES } from "./relay-wire.js"
import type { Hello } from "./relay-wire.js"
import { isMarkOf, isOwnMark, signMark } from "./signing.js"

export interface StoreGuardOptions {
  readonly qkdnId: string
  readonly store: KeyStore
  readonly signKey: KeyObject
  readonly random: (bytes: number) => Uint8Array
  readonly monotonicMs: () => number
  /** A neighbour proved that this store is a restored copy, older than `createdMs` or than it was. */
  readonly onRolledBack: (createdMs: number) => void
  /** Nothing that this node shares with the peer counts any more. */
  readonly onPeerStore: (qkdnId: string, why: "rolled-back" | "new") => void
}

/** After the first neighbour has confirmed this store, so long is waited for the others. */
const OTHERS_MS = 3000

export class StoreGuard {
  readonly #options: StoreGuardOptions
  readonly #ownPublicKey: KeyObject
  readonly #known = new Map<string, SignedMark>()
  /** Neighbours heard in this run, and when the first of them knew this store. */
  readonly #heard = new Set<string>()
  #firstConfirmedMs: number | undefined
  readonly #unsaved = new Set<string>()
  #own: SignedMark
  readonly #told = new WeakMap<RelayPeer, SignedMark>()

  constructor(options: StoreGuardOptions) {
    this.#options = options
    this.#ownPublicKey = createPublicKey(options.signKey)
    this.#own = signMark(options.signKey, options.qkdnId, options.store.mark)
    for (const { key } of options.store.list(PEER_MARK_PREFIX)) {
      options.store.get(key)?.use((bytes) => {
        const mark = readSignedMark(new ByteReader(bytes, "peer mark"))
        this.#known.set(textInKey(key), mark)
      })
    }
  }

  /**
   * Whether the neighbours have been asked if this store is a restored copy: all of `neighbours`, or some and
   * the rest had their time. Until then nothing from earlier runs may be handed out.
   */
  confirmed(neighbours: readonly string[]): boolean {
    if (this.#options.store.mark.generation === 1) return true
    if (neighbours.length > 0 && neighbours.every((id) => this.#heard.has(id))) return true
    const since = this.#firstConfirmedMs
    return since !== undefined && this.#options.monotonicMs() - since > OTHERS_MS
  }

  helloFor(peer: PeerIdentity): Hello {
    const { qkdnId, random } = this.#options
    const seen = this.#known.get(peer.qkdnId)
    const hello = { qkdnId, nonce: random(NONCE_BYTES), mark: this.#sign() }
    return seen === undefined ? hello : { ...hello, seen }
  }

  /** @throws QkdError: the connection must not be used. */
  async judge(peer: RelayPeer, hello: Hello): Promise<void> {
    const { identity } = peer
    const { store, qkdnId, onRolledBack, onPeerStore, monotonicMs } = this.#options
    if (!isMarkOf(identity, hello.mark))
      throw new QkdError("access-denied", `${identity.qkdnId} does not sign for its store`)
    // Only this node's own signature can prove anything about its own past: a lying peer has none.
    const { seen } = hello
    if (seen !== undefined && isOwnMark(this.#ownPublicKey, qkdnId, seen)) {
      if (!store.covers(seen.mark)) {
        onRolledBack(seen.mark.createdMs)
        throw new QkdError("operation-failed", "this node's store was rolled back")
      }
      this.#firstConfirmedMs ??= monotonicMs()
    }
    await this.#remember(identity, hello.mark, onPeerStore)
    this.#heard.add(identity.qkdnId)
  }

  /** A later mark, in the course of a connection. @throws QkdError `access-denied`. */
  onMark(peer: RelayPeer, mark: SignedMark): void {
    const { qkdnId } = peer.identity
    const known = this.#known.get(qkdnId)
    if (!isMarkOf(peer.identity, mark))
      throw new QkdError("access-denied", `${qkdnId} does not sign for its store`)
    if (known !== undefined && compareMarks(mark.mark, known.mark) !== "same-or-newer")
      throw new QkdError("access-denied", `${qkdnId} has another store than before`)
    this.#known.set(qkdnId, mark)
    this.#unsaved.add(qkdnId)
  }

  /** Tells those who do not know yet, and saves what was told here. */
  tick(peers: readonly RelayPeer[]): void {
    const unsaved = Array.from(this.#unsaved)
    this.#unsaved.clear()
    // A failing store shows at the next write that matters.
    if (unsaved.length > 0) this.#save(unsaved).catch(() => undefined)
    for (const peer of peers) {
      const mark = this.#sign()
      if (this.#told.get(peer) === mark) continue
      this.#told.set(peer, mark)
      peer.send("mark", encodeMark(mark))
    }
  }

  async #remember(
    { qkdnId }: PeerIdentity,
    mark: SignedMark,
    onPeerStore: StoreGuardOptions["onPeerStore"],
  ): Promise<void> {
    const known = this.#known.get(qkdnId)
    const verdict = known === undefined ? "same-or-newer" : compareMarks(mark.mark, known.mark)
    if (verdict === "older") {
      onPeerStore(qkdnId, "rolled-back")
      throw new QkdError("access-denied", `the store of ${qkdnId} was rolled back`)
    }
    if (verdict === "other") onPeerStore(qkdnId, "new")
    this.#known.set(qkdnId, mark)
    await this.#save([qkdnId])
  }

  #save(qkdnIds: readonly string[]): Promise<void> {
    const ops = qkdnIds.flatMap((qkdnId) => {
      const mark = this.#known.get(qkdnId)
      if (mark === undefined) return []
      const value = writeSignedMark(new ByteWriter(160), mark).finish()
      return [{ key: peerMarkKey(qkdnId), value }]
    })
    // Quiet: remembering each other's marks must not itself be news, or two nodes would never rest.
    return this.#options.store.commit(ops, { quiet: true })
  }

  #sign(): SignedMark {
    const { store, signKey, qkdnId } = this.#options
    const { mark } = store
    const { mark: last } = this.#own
    if (last.writes !== mark.writes || last.runId !== mark.runId)
      this.#own = signMark(signKey, qkdnId, mark)
    return this.#own
  }
}
