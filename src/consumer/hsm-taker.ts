// The opening end: fetches the keys its peer has made, puts them into the token, and proves that they are the same.
// Destroys a key only when the peer, who alone knows whether it has sealed something, says so.

import { timingSafeEqual } from "node:crypto"
import { QkdError } from "../errors.js"
import { allDone } from "./all-done.js"
import type { HsmIndex, IndexedKey } from "./hsm-index.js"
import type {
  Confirm,
  ConfirmAnswer,
  Kem,
  KemAnswer,
  KeyIds,
  Kind,
  MessageKinds,
  Offer,
  OfferAnswer,
} from "./hsm-messages.js"
import type { KeySource, Watch } from "./hsm-ports.js"
import { proofsOf } from "./hsm-proof.js"
import { type Mix, withImported } from "./hsm-mix.js"
import type { HsmToken } from "./hsm-token.js"
import { encapsulate } from "./kem.js"
import type { DeliveredKey } from "../etsi014/key-container.js"

export interface TakerSetting {
  readonly site: string
  readonly peer: string
  /** The peer's SAE: the master of its keys. */
  readonly peerSaeId: string
  /** This site's SAE. */
  readonly saeId: string
  /** Keys are mixed with ML-KEM secrets; none is taken without. */
  readonly hybrid: boolean
  readonly keySizeBits: number
}

export interface TakerPorts {
  readonly index: HsmIndex
  readonly token: HsmToken
  readonly source: KeySource
  readonly watch: Watch
  readonly random: (bytes: number) => Buffer
}

/** Offers that may be under way at once, and then some. */
const MAX_OFFERS = 8

/** What the maker must say of each key, by its id. */
type Round = ReadonlyMap<string, Buffer>

export class HsmTaker {
  readonly #setting: TakerSetting
  readonly #ports: TakerPorts
  /** Proofs that are under way, by the maker's nonce. */
  readonly #rounds = new Map<string, Round>()
  /** ML-KEM secrets for the next offers, by name. */
  readonly #kems = new Map<string, Mix>()
  /**
   * In the token, while the index has them as `importing`: writing `imported` would cost a sync between two others. A start
   * finds out the same by looking (reconcile).
   */
  readonly #here = new Set<string>()
  /** The last message about each key that is not answered yet. */
  readonly #busy = new Map<string, Promise<unknown>>()

  constructor(setting: TakerSetting, ports: TakerPorts) {
    this.#setting = setting
    this.#ports = ports
  }

  /** Messages about the same key one after the other; others beside each other. */
  answer<K extends Kind>(kind: K, message: MessageKinds[K]["ask"]): Promise<object> {
    const { from, to } = message
    const { site, peer } = this.#setting
    if (from !== peer || to !== site) {
      return Promise.reject(
        new QkdError("access-denied", `a message from ${from} to ${to} on the line of ${peer}`),
      )
    }
    if (kind === "kem") {
      return Promise.resolve().then(() => this.#encapsulate(message as Kem))
    }
    const keyIds = keyIdsOf(message as Offer | Confirm | KeyIds)
    const before = new Set(keyIds.flatMap((keyId) => this.#busy.get(keyId) ?? []))
    const next = Promise.allSettled(before).then(() => this.#do(kind, message))
    const settled = next.catch(() => undefined)
    for (const keyId of keyIds) this.#busy.set(keyId, settled)
    void settled.then(() => {
      for (const keyId of keyIds) if (this.#busy.get(keyId) === settled) this.#busy.delete(keyId)
    })
    return next
  }

  #do(kind: Exclude<Kind, "kem">, message: MessageKinds[Kind]["ask"]): Promise<object> {
    switch (kind) {
      case "offer":
        return this.#offer(message as Offer)
      case "confirm":
        return this.#confirm(message as Confirm)
      case "used":
        return Promise.resolve(this.#used(message as KeyIds))
      case "retire":
        return this.#retire(message as KeyIds)
      case "check":
        return this.#check(message as KeyIds)
    }
  }

  #encapsulate({ publicKey }: Kem): KemAnswer {
    const key = Buffer.from(publicKey, "base64")
    const { ciphertext, shared } = encapsulate(key)
    const name = this.#ports.random(32).toString("hex")
    this.#kems.set(name, { shared, transcript: Buffer.concat([key, ciphertext]) })
    for (const [oldest, mix] of this.#kems) {
      if (this.#kems.size <= MAX_OFFERS) break
      mix.shared.wipe()
      this.#kems.delete(oldest)
    }
    return { kem: name, ciphertext: Buffer.from(ciphertext).toString("base64") }
  }

  async #offer({ nonce, keys, hybrid, kem }: Offer): Promise<OfferAnswer> {
    const { index, token, watch, random } = this.#ports
    const { site, peer } = this.#setting
    const takerNonce = random(32).toString("hex")
    if (hybrid !== this.#setting.hybrid) {
      watch.alarm("hybrid-differs", { peer })
      this.#open(nonce, new Map())
      return { nonce: takerNonce, proofs: {}, missing: keys.map(idOf) }
    }
    const unknown = keys.filter(({ keyId }) => index.get(keyId) === undefined)
    const got = await this.#take(unknown, kem)
    const missing: string[] = []
    const held = keys.filter(({ keyId, expiresAtMs }) => {
      const known = index.get(keyId)
      const ours = known?.peer === peer && known.way === "in" && this.#isHere(known)
      if (ours && (got.has(keyId) || known.expiresAtMs === expiresAtMs)) return true
      missing.push(keyId)
      return false
    })
    const words = { maker: peer, taker: site, makerNonce: nonce, takerNonce }
    const wanted = new Map<string, Buffer>()
    const proofs: Record<string, string> = {}
    const prove = async ({ keyId, expiresAtMs }: Offer["keys"][number]): Promise<void> => {
      const { maker, taker } = await proofsOf(token, { ...words, keyId, expiresAtMs })
      wanted.set(keyId, maker)
      proofs[keyId] = taker.toString("hex")
    }
    await allDone(held.map(prove))
    this.#open(nonce, wanted)
    return { nonce: takerNonce, proofs, missing }
  }

  #isHere({ keyId, state }: IndexedKey): boolean {
    return state !== "importing" || this.#here.has(keyId)
  }

  /** A round of proofs, to be confirmed once. */
  #open(makerNonce: string, wanted: Round): void {
    this.#rounds.set(makerNonce, wanted)
    for (const oldest of this.#rounds.keys()) {
      if (this.#rounds.size <= MAX_OFFERS) break
      this.#rounds.delete(oldest)
    }
  }

  /** Fetches and imports what is not here yet. @returns ids that are now */
  async #take(keys: Offer["keys"], kem: string | undefined): Promise<ReadonlySet<string>> {
    const { site, saeId, peer, peerSaeId, keySizeBits, hybrid } = this.#setting
    const mix = this.#kems.get(kem ?? "")
    this.#kems.delete(kem ?? "")
    // Without the secret they were mixed with, the keys are of no use here.
    if (keys.length === 0 || (hybrid && mix === undefined)) {
      mix?.shared.wipe()
      return new Set()
    }
    const sites = { maker: peer, taker: site, makerSaeId: peerSaeId, takerSaeId: saeId }
    const { index, token } = this.#ports
    const expiry = new Map(keys.map(({ keyId, expiresAtMs }) => [keyId, expiresAtMs]))
    const fetched = await this.#fetch([...expiry.keys()])
    const entries = fetched.map(
      ({ keyId }): IndexedKey => ({
        keyId,
        peer,
        way: "in",
        state: "importing",
        expiresAtMs: expiry.get(keyId) ?? 0,
      }),
    )
    const keyIds = entries.map(({ keyId }) => keyId)
    try {
      const odd = fetched.find(
        ({ keyId, key }) => !expiry.has(keyId) || key.lengthBits !== keySizeBits,
      )
      if (odd !== undefined) {
        throw new QkdError("operation-failed", `the key manager gave another key than ${odd.keyId}`)
      }
      index.put(entries)
      await allDone(
        fetched.map(({ keyId, key }) =>
          withImported(key, keyId, mix, sites, (bytes) =>
            token.import({ keyId, peer, way: "in" }, bytes),
          ),
        ),
      )
      for (const keyId of keyIds) this.#here.add(keyId)
      return new Set(keyIds)
    } catch (fault) {
      for (const keyId of keyIds) await token.destroy(keyId)
      index.remove(keyIds)
      throw fault
    } finally {
      for (const { key } of fetched) key.wipe()
      mix?.shared.wipe()
    }
  }

  /** dec_keys is all or nothing: where one is gone, the rest is fetched one by one. */
  async #fetch(keyIds: readonly string[]): Promise<DeliveredKey[]> {
    const { source, watch } = this.#ports
    const { peer, peerSaeId } = this.#setting
    try {
      return await source.take(peerSaeId, keyIds)
    } catch (fault) {
      if (!(fault instanceof QkdError) || fault.tag !== "data-missing") throw fault
      if (keyIds.length === 1) {
        watch.note("key-not-found", { peer, keyId: keyIds[0] ?? "" })
        return []
      }
    }
    const found: DeliveredKey[] = []
    for (const keyId of keyIds) found.push(...(await this.#fetch([keyId])))
    return found
  }

  async #confirm({ nonce, proofs, refused }: Confirm): Promise<ConfirmAnswer> {
    const { index, watch } = this.#ports
    const { peer } = this.#setting
    const round = this.#rounds.get(nonce)
    if (round === undefined) {
      throw new QkdError("operation-failed", "no proof is under way with this nonce")
    }
    this.#rounds.delete(nonce)
    const good: string[] = []
    const bad = refused.filter((keyId) => round.has(keyId))
    for (const [keyId, said] of Object.entries(proofs)) {
      const wanted = round.get(keyId)
      if (wanted === undefined) continue
      if (timingSafeEqual(wanted, Buffer.from(said, "hex"))) good.push(keyId)
      else {
        bad.push(keyId)
        watch.alarm("keys-differ", { peer, keyId })
      }
    }
    index.change(good, ["importing", "imported"], (key) => ({ ...key, state: "ready" }))
    for (const keyId of good) this.#here.delete(keyId)
    // Proven before, by a round whose last answer was lost: still the same.
    const ready = good.filter((keyId) => {
      const state = index.get(keyId)?.state
      return state === "ready" || state === "used"
    })
    await this.#drop(bad, ["importing", "imported"])
    return { ready, refused: bad }
  }

  #used({ from, to, keyIds }: KeyIds): KeyIds {
    this.#ports.index.change(this.#ofPeer(keyIds), ["ready"], (key) => ({ ...key, state: "used" }))
    return { from, to, keyIds }
  }

  async #retire({ from, to, keyIds }: KeyIds): Promise<KeyIds> {
    await this.#drop(this.#ofPeer(keyIds), ["importing", "imported", "ready", "used", "retiring"])
    return { from, to, keyIds }
  }

  async #check({ from, to, keyIds }: KeyIds): Promise<KeyIds> {
    const inToken = new Set((await this.#ports.token.keys()).map(({ keyId }) => keyId))
    return { from, to, keyIds: this.#ofPeer(keyIds).filter((keyId) => inToken.has(keyId)) }
  }

  #ofPeer(keyIds: readonly string[]): string[] {
    return keyIds.filter((keyId) => {
      const key = this.#ports.index.get(keyId)
      return key?.peer === this.#setting.peer && key.way === "in"
    })
  }

  async #drop(keyIds: readonly string[], states: readonly IndexedKey["state"][]): Promise<void> {
    const { index, token } = this.#ports
    const going = index.change(keyIds, states, (key) => ({ ...key, state: "retiring" }))
    for (const { keyId } of going) {
      this.#here.delete(keyId)
      await token.destroy(keyId)
    }
    index.remove(going.map(({ keyId }) => keyId))
  }
}

function idOf({ keyId }: { readonly keyId: string }): string {
  return keyId
}

function keyIdsOf(message: Offer | Confirm | KeyIds): readonly string[] {
  if ("keyIds" in message) return message.keyIds
  if ("keys" in message) return message.keys.map(idOf)
  return [...Object.keys(message.proofs), ...message.refused]
}
