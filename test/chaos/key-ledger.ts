// The outside ledger of the key plane's chaos test: what was handed out to whom, as hashes only, and which bits of
// which link were used for which message, as seen on the wire. Throws as soon as a promise is broken.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { RelayHeader } from "../../src/keys/relay-header.js"

export interface LedgerReport {
  /** Keys handed to their master, and to their slave. */
  handedOut: number
  fetched: number
  /** Asked for when the answer was lost: burnt or not, nobody knows. */
  unsure: number
  /** Waited at a node whose store was replaced by an old copy: void by design. */
  voided: number
  messages: number
  padBytes: number
}

interface Entry {
  readonly hash: string
  readonly slave: string
  readonly master: string
  state: "waiting" | "asked" | "unsure" | "fetched" | "voided"
}

export class KeyLedger {
  readonly report: LedgerReport = {
    handedOut: 0,
    fetched: 0,
    unsure: 0,
    voided: 0,
    messages: 0,
    padBytes: 0,
  }
  readonly #keys = new Map<string, Entry>()
  /** By slave. */
  readonly #waiting = new Map<string, Set<string>>()
  readonly #asked = new Map<string, Set<string>>()
  /** First byte of each half-block that no message has used yet. */
  readonly #usedUpTo = new Map<string, number>()

  /** The master got this key: the slave may fetch it from now on. */
  handOut(keyId: string, key: Buffer, master: string, slave: string): void {
    assert.equal(this.#keys.has(keyId), false, `key ${keyId} was handed to its master twice`)
    const hash = hashOf(key)
    this.#keys.set(keyId, { hash, slave, master, state: "waiting" })
    const waiting = this.#waiting.get(slave) ?? new Set()
    this.#waiting.set(slave, waiting.add(keyId))
    this.report.handedOut++
  }

  /** Some keys that this slave can fetch from this master; they count as asked for. */
  some(slave: string, master: string, most: number): string[] {
    const ids: string[] = []
    for (const id of this.#waiting.get(slave) ?? []) {
      if (ids.length === most) break
      if (this.#keys.get(id)?.master === master) ids.push(id)
    }
    for (const id of ids) this.#move(id, "asked")
    return ids
  }

  fetch(keyId: string, key: Buffer, slave: string): void {
    const entry = this.#keys.get(keyId)
    assert.ok(entry !== undefined, `key ${keyId} was never handed out`)
    assert.equal(entry.slave, slave, `key ${keyId} went to another SAE`)
    assert.notEqual(entry.state, "fetched", `key ${keyId} was delivered twice`)
    assert.equal(hashOf(key), entry.hash, `key ${keyId} differs at its two ends`)
    this.#move(keyId, "fetched")
    this.report.fetched++
  }

  /** The answer was lost on its way, or there was none. */
  lost(keyIds: readonly string[]): void {
    for (const id of keyIds) {
      this.#move(id, "unsure")
      this.report.unsure++
    }
  }

  /** Nothing of them was given; they wait on. */
  refused(keyIds: readonly string[]): void {
    for (const id of keyIds) this.#move(id, "waiting")
  }

  /** Not there, says the node. Right only where the keys were void. */
  missing(keyIds: readonly string[], isVoided: (keyId: string) => boolean): void {
    for (const id of keyIds) {
      const { master, slave } = this.#keys.get(id) ?? {}
      assert.ok(isVoided(id), `key ${id} was promised by ${master} to ${slave} and is not there`)
      this.#move(id, "voided")
      this.report.voided++
    }
  }

  waitingFor(slave: string): readonly string[] {
    return Array.from(this.#waiting.get(slave) ?? [])
  }

  /** These, and those that are being asked for. */
  openFor(slave: string): readonly string[] {
    return [...this.waitingFor(slave), ...(this.#asked.get(slave) ?? [])]
  }

  /** A relay message as its sender put it on the wire. */
  relayed(header: RelayHeader): void {
    this.report.messages++
    for (const { blockId, half, offset, length } of [...header.tagKey, ...header.pad]) {
      const name = `${header.qkdlId}/${blockId}/${half}`
      const used = this.#usedUpTo.get(name) ?? 0
      assert.ok(
        offset >= used,
        `byte ${offset} of half-block ${name} was used before (up to ${used})`,
      )
      this.#usedUpTo.set(name, offset + length)
      this.report.padBytes += length
    }
  }

  #move(keyId: string, state: Entry["state"]): void {
    const entry = this.#keys.get(keyId)
    if (entry === undefined || entry.state === "fetched") return
    entry.state = state
    const asked = this.#asked.get(entry.slave) ?? new Set()
    this.#asked.set(entry.slave, asked)
    if (state === "waiting") this.#waiting.get(entry.slave)?.add(keyId)
    else this.#waiting.get(entry.slave)?.delete(keyId)
    if (state === "asked") asked.add(keyId)
    else asked.delete(keyId)
  }
}

/** The ledger never sees a key: twelve bytes of its hash are enough to tell two apart. */
function hashOf(key: Buffer): string {
  const hash = createHash("sha256").update(key).digest("base64").slice(0, 16)
  key.fill(0)
  return hash
}
