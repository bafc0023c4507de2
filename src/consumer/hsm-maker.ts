// The sealing end: asks for keys ahead of use, puts them into the token, has the peer do the same and prove it, and only
// then calls them ready. Orders their end, too.

import { timingSafeEqual } from "node:crypto"
import { QkdError } from "../errors.js"
import { allDone } from "./all-done.js"
import type { HsmIndex, IndexedKey, KeyState } from "./hsm-index.js"
import { MAX_KEYS, type OfferAnswer } from "./hsm-messages.js"
import type { KeySource, PeerLine, Watch } from "./hsm-ports.js"
import { proofsOf } from "./hsm-proof.js"
import { type Mix, withImported } from "./hsm-mix.js"
import type { HsmToken } from "./hsm-token.js"
import { decapsulate, makeKemPair } from "./kem.js"
import type { DeliveredKey } from "../etsi014/key-container.js"

export interface MakerSetting {
  readonly site: string
  readonly peer: string
  /** The peer's SAE, as its key manager knows it. */
  readonly peerSaeId: string
  /** Ready keys to have, and how few of them are too few. */
  readonly count: number
  readonly lowWatermark: number
  /** This site's SAE. */
  readonly saeId: string
  /** Keys are mixed with ML-KEM secrets. */
  readonly hybrid: boolean
  readonly keySizeBits: number
  readonly lifetimeMs: number
  /** Keys of ours the token may hold, of all peers and states. */
  readonly maxTokenKeys: number
}

export interface MakerPorts {
  readonly index: HsmIndex
  readonly token: HsmToken
  readonly source: KeySource
  readonly line: PeerLine
  readonly watch: Watch
  readonly now: () => number
  readonly random: (bytes: number) => Buffer
}

/** A batch between the key manager's answer and its end; it owns the secrets. */
interface Batch {
  readonly keys: readonly DeliveredKey[]
  readonly entries: readonly IndexedKey[]
  readonly kem: { readonly name: string; readonly mix: Mix } | undefined
}

interface Offered {
  readonly nonce: string
  readonly answer: OfferAnswer
}

/** Ready, or on the way to it. */
const COMING: readonly KeyState[] = ["importing", "imported", "ready"]
/** In the token here when a proof is made; the index may still note that they are on the way there. */
const UNPROVEN: readonly KeyState[] = ["importing", "imported"]
/**
 * Made and proven together: each batch waits for the disk twice at each end. A slow token takes a tenth of a second a key,
 * and the peer waits for the answer.
 */
const BATCH_KEYS = 128
/** Batches between the key manager's answer and their proof at once. The peer keeps as many rounds open, and more. */
const MAX_UNDER_WAY = 2
/** How often the peer is asked whether it still has what is ready here. */
const CHECK_MS = 3_600_000

export class HsmMaker {
  readonly #setting: MakerSetting
  readonly #ports: MakerPorts
  #checkedAtMs: number | undefined
  /** Until there are `count`: what a restart or a fault broke off goes on. */
  #filling = true

  constructor(setting: MakerSetting, ports: MakerPorts) {
    this.#setting = setting
    this.#ports = ports
  }

  /**
   * One round: what is over goes, what the peer must know is told, what was begun is finished, what is lacking is made.
   * Safe to break off anywhere and to do again.
   *
   * @returns keys that became ready
   * @throws QkdError of the first thing that did not work; a later round goes on from there
   */
  async round(): Promise<number> {
    this.#expire()
    await this.#retire()
    await this.#tellUsed()
    await this.#check()
    return (await this.#proveAll()) + (await this.#fill())
  }

  /**
   * Batch after batch, some under way at once: while one goes into the tokens, both of them, the next is fetched and the
   * one before is proven, so that a token always has something to do.
   */
  async #fill(): Promise<number> {
    const under = new Set<Promise<void>>()
    const faults: unknown[] = []
    let ready = 0
    try {
      for (let lacking = this.#lacking(); lacking > 0; lacking ||= this.#lacking()) {
        const number = Math.min(lacking, this.#room(), BATCH_KEYS)
        if (number === 0) break
        const batch = await this.#begin(number)
        if (batch.keys.length === 0) break
        // The whole index is read again only when these are on their way.
        lacking = Math.max(0, lacking - batch.keys.length)
        const done: Promise<void> = this.#finish(batch)
          .then(
            (gained) => {
              ready += gained
            },
            (fault: unknown) => {
              faults.push(fault)
            },
          )
          .finally(() => under.delete(done))
        under.add(done)
        while (under.size >= MAX_UNDER_WAY) await Promise.race(under)
        if (faults.length > 0) break
      }
    } finally {
      await Promise.all(under)
    }
    if (faults.length > 0) throw faults[0]
    // What was only coming may have been lost.
    const { peer, count } = this.#setting
    if (this.#ports.index.of(peer, "out", "ready").length >= count) this.#filling = false
    return ready
  }

  /** How many keys the next round is to make. */
  get missing(): number {
    const { count, lowWatermark } = this.#setting
    const have = this.#coming()
    return (this.#filling || have <= lowWatermark) && have < count ? count - have : 0
  }

  #coming(): number {
    return this.#ports.index.of(this.#setting.peer, "out", ...COMING).length
  }

  /** Keys to make now: none above the low watermark, unless a filling has begun that did not reach its end. */
  #lacking(): number {
    const { count } = this.#setting
    const have = this.#coming()
    this.#filling ||= have <= this.#setting.lowWatermark
    return this.#filling ? Math.max(0, count - have) : 0
  }

  /** How many more the token may take. */
  #room(): number {
    const { peer, maxTokenKeys } = this.#setting
    const room = maxTokenKeys - this.#ports.index.size
    if (room > 0) return room
    this.#ports.watch.alarm("token-capacity", { peer, maxTokenKeys })
    this.#filling = false
    return 0
  }

  /** An ML-KEM secret for the next batch; the pair is used once. */
  async #exchange(): Promise<{ readonly name: string; readonly mix: Mix }> {
    const { site, peer } = this.#setting
    const pair = makeKemPair()
    try {
      const publicKey = Buffer.from(pair.publicKey).toString("base64")
      const { kem, ciphertext } = await this.#ports.line.ask("kem", {
        from: site,
        to: peer,
        publicKey,
      })
      const bytes = Buffer.from(ciphertext, "base64")
      const shared = decapsulate(bytes, pair.secretKey)
      return { name: kem, mix: { shared, transcript: Buffer.concat([pair.publicKey, bytes]) } }
    } finally {
      pair.secretKey.wipe()
    }
  }

  /** Keys of the key manager, noted before anybody is told of them. */
  async #begin(number: number): Promise<Batch> {
    const { peer, peerSaeId, keySizeBits, lifetimeMs, hybrid } = this.#setting
    const { index, source, now } = this.#ports
    const kem = hybrid ? await this.#exchange() : undefined
    let keys: readonly DeliveredKey[] = []
    try {
      keys = await source.make(peerSaeId, number, keySizeBits)
      if (keys.some(({ keyId }) => index.get(keyId) !== undefined)) {
        throw new QkdError("data-exists", "the key manager gave a key id twice")
      }
      const expiresAtMs = now() + lifetimeMs
      const entries = keys.map(
        ({ keyId }): IndexedKey => ({ keyId, peer, way: "out", state: "importing", expiresAtMs }),
      )
      index.put(entries)
      return { keys, entries, kem }
    } catch (fault) {
      for (const { key } of keys) key.wipe()
      kem?.mix.shared.wipe()
      throw fault
    }
  }

  /** Into both tokens at once, then proven. @returns keys that became ready */
  async #finish(batch: Batch): Promise<number> {
    const { entries, kem } = batch
    const answering = this.#offer(entries, kem?.name)
    // Looked at once the keys are in the token here.
    answering.catch(() => undefined)
    try {
      await this.#import(batch)
    } catch (fault) {
      await answering.catch(() => undefined)
      // The peer may have them: it is told to destroy them, when they are gone here.
      const keyIds = entries.map(({ keyId }) => keyId)
      this.#ports.index.change(keyIds, ["importing"], (key) => ({ ...key, state: "retiring" }))
      throw fault
    }
    const gained = await this.#proveNew(entries, answering)
    // Going on would only burn keys.
    if (gained === 0) {
      throw new QkdError(
        "operation-failed",
        `none of ${entries.length} keys is the same at both ends`,
      )
    }
    return gained
  }

  async #import({ keys, kem }: Batch): Promise<void> {
    const { site, saeId, peer, peerSaeId } = this.#setting
    const { token } = this.#ports
    const sites = { maker: site, taker: peer, makerSaeId: saeId, takerSaeId: peerSaeId }
    try {
      // Together: the token takes one after the other, and the next is there when it asks.
      await allDone(
        keys.map(({ keyId, key }) =>
          withImported(key, keyId, kem?.mix, sites, (bytes) =>
            token.import({ keyId, peer, way: "out" }, bytes),
          ),
        ),
      )
    } finally {
      for (const { key } of keys) key.wipe()
      kem?.mix.shared.wipe()
    }
  }

  /** Ready at once where all goes well; else a later round proves them. Every write to the index waits for the disk. */
  async #proveNew(keys: readonly IndexedKey[], answering: Promise<Offered>): Promise<number> {
    try {
      return await this.#prove(keys, await answering)
    } finally {
      const keyIds = keys.map(({ keyId }) => keyId)
      this.#ports.index.change(keyIds, ["importing"], (key) => ({ ...key, state: "imported" }))
    }
  }

  async #proveAll(): Promise<number> {
    const { index } = this.#ports
    const waiting = index.of(this.#setting.peer, "out", "imported")
    let ready = 0
    for (let at = 0; at < waiting.length; at += MAX_KEYS) {
      const keys = waiting.slice(at, at + MAX_KEYS)
      ready += await this.#prove(keys, await this.#offer(keys))
    }
    return ready
  }

  /** The peer takes what is new to it, and proves what it has. */
  async #offer(keys: readonly IndexedKey[], kem?: string): Promise<Offered> {
    const { site, peer, hybrid } = this.#setting
    const { line, random } = this.#ports
    const nonce = random(32).toString("hex")
    const offer = keys.map(({ keyId, expiresAtMs }) => ({ keyId, expiresAtMs }))
    const named = kem === undefined ? { hybrid } : { hybrid, kem }
    const answer = await line.ask("offer", { from: site, to: peer, nonce, ...named, keys: offer })
    return { nonce, answer }
  }

  /** Both ends prove to have the same, and say so, before either uses it. */
  async #prove(keys: readonly IndexedKey[], { nonce, answer }: Offered): Promise<number> {
    const { site, peer } = this.#setting
    const { index, token, line, watch } = this.#ports
    const words = { maker: site, taker: peer, makerNonce: nonce, takerNonce: answer.nonce }
    const missing = new Set(answer.missing)
    const refused: string[] = []
    const proofs: Record<string, string> = {}
    const judge = async ({ keyId, expiresAtMs }: IndexedKey): Promise<void> => {
      const said = answer.proofs[keyId]
      if (said === undefined || missing.has(keyId)) return
      const wanted = await proofsOf(token, { ...words, keyId, expiresAtMs })
      if (timingSafeEqual(wanted.taker, Buffer.from(said, "hex"))) {
        proofs[keyId] = wanted.maker.toString("hex")
        return
      }
      refused.push(keyId)
      watch.alarm("keys-differ", { peer, keyId })
    }
    await allDone(keys.map(judge))
    const confirmed = await line.ask("confirm", { from: site, to: peer, nonce, proofs, refused })
    const ready = confirmed.ready.filter((keyId) => proofs[keyId] !== undefined)
    const readied = index.change(ready, UNPROVEN, (key) => ({ ...key, state: "ready" }))
    const bad = [...missing, ...refused, ...confirmed.refused]
    if (bad.length > 0) {
      watch.note("keys-dropped", { peer, count: bad.length })
      index.change(bad, UNPROVEN, (key) => ({ ...key, state: "retiring" }))
      await this.#retire()
    }
    return readied.length
  }

  #expire(): void {
    const { index, now, watch } = this.#ports
    const { peer } = this.#setting
    const over = index
      .of(peer, "out", "imported", "ready")
      .filter(({ expiresAtMs }) => expiresAtMs <= now())
      .map(({ keyId }) => keyId)
    if (over.length === 0) return
    watch.note("keys-expired", { peer, count: over.length })
    index.change(over, ["imported", "ready"], (key) => ({ ...key, state: "retiring" }))
  }

  /** Here first: what is not in this token any more cannot be used here, whatever the peer still has. */
  async #retire(): Promise<void> {
    const { index, token } = this.#ports
    const retiring = index.of(this.#setting.peer, "out", "retiring").map(({ keyId }) => keyId)
    for (const keyId of retiring) await token.destroy(keyId)
    await this.#tell("retire", retiring, (keyIds) => {
      index.remove(keyIds)
    })
  }

  async #tellUsed(): Promise<void> {
    const { index } = this.#ports
    const untold = index
      .of(this.#setting.peer, "out", "used")
      .filter(({ told }) => told !== true)
      .map(({ keyId }) => keyId)
    await this.#tell("used", untold, (keyIds) => {
      index.change(keyIds, ["used"], (key) => ({ ...key, told: true }))
    })
  }

  /** A peer whose token was replaced could open nothing that is sealed from now on. */
  async #check(): Promise<void> {
    const { index, line, now, watch } = this.#ports
    const { site, peer } = this.#setting
    if (this.#checkedAtMs !== undefined && now() - this.#checkedAtMs < CHECK_MS) return
    const ready = index.of(peer, "out", "ready").map(({ keyId }) => keyId)
    for (let at = 0; at < ready.length; at += MAX_KEYS) {
      const keyIds = ready.slice(at, at + MAX_KEYS)
      const held = new Set((await line.ask("check", { from: site, to: peer, keyIds })).keyIds)
      const lost = keyIds.filter((keyId) => !held.has(keyId))
      if (lost.length === 0) continue
      watch.alarm("keys-lost-at-peer", { peer, count: lost.length })
      index.change(lost, ["ready"], (key) => ({ ...key, state: "retiring" }))
    }
    this.#checkedAtMs = now()
    await this.#retire()
  }

  async #tell(
    kind: "used" | "retire",
    all: readonly string[],
    done: (keyIds: readonly string[]) => void,
  ): Promise<void> {
    const { site, peer } = this.#setting
    for (let at = 0; at < all.length; at += MAX_KEYS) {
      const keyIds = all.slice(at, at + MAX_KEYS)
      await this.#ports.line.ask(kind, { from: site, to: peer, keyIds })
      done(keyIds)
    }
  }
}
