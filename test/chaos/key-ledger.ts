// The outside ledger of the key plane's chaos test: what was handed out to whom, as hashes only, and which bits of
// which link were used for which message, as seen on the wire. Throws as soon as a promise is broken.

import assert from "node:assert/strict"
import { createHash } from "node:crypto"
import type { RelayHop } from "../../src/keys/relay-header.js"

export interface LedgerReport {
  /** Keys handed to their master; of these, keys of groups. */
  handedOut: number
  groupKeys: number
  /** By slaves: keys of groups once by each member. */
  fetched: number
  fetchedByMembers: number
  /** Asked for when the answer was lost: burnt or not, nobody knows. */
  unsure: number
  /** Waited at a node whose store was replaced by an old copy: void there by design, and there alone. */
  voided: number
  messages: number
  padBytes: number
}

type State = "waiting" | "asked" | "unsure" | "fetched" | "voided"

interface Entry {
  readonly hash: string
  readonly master: string
  /** Of each slave that may fetch it: one, or the members of a group. */
  readonly states: Map<string, State>
}

export class KeyLedger {
  readonly report: LedgerReport = {
    handedOut: 0,
    groupKeys: 0,
    fetched: 0,
    fetchedByMembers: 0,
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

  /** The master got this key: each of the slaves may fetch it from now on. */
  handOut(keyId: string, key: Buffer, master: string, ...slaves: readonly string[]): void {
    assert.equal(this.#keys.has(keyId), false, `key ${keyId} was handed to its master twice`)
    const hash = hashOf(key)
    const states = new Map(slaves.map((slave) => [slave, "waiting" as const]))
    this.#keys.set(keyId, { hash, master, states })
    for (const slave of slaves) {
      const waiting = this.#waiting.get(slave) ?? new Set()
      this.#waiting.set(slave, waiting.add(keyId))
    }
    this.report.handedOut++
    if (slaves.length > 1) this.report.groupKeys++
  }

  /** Some keys that this slave can fetch from this master; they count as asked for. */
  some(slave: string, master: string, most: number): string[] {
    const ids: string[] = []
    for (const id of this.#waiting.get(slave) ?? []) {
      if (ids.length === most) break
      if (this.#keys.get(id)?.master === master) ids.push(id)
    }
    for (const id of ids) this.#move(id, slave, "asked")
    return ids
  }

  fetch(keyId: string, key: Buffer, slave: string): void {
    const entry = this.#keys.get(keyId)
    assert.ok(entry !== undefined, `key ${keyId} was never handed out`)
    const state = entry.states.get(slave)
    assert.ok(state !== undefined, `key ${keyId} went to another SAE`)
    assert.notEqual(state, "fetched", `key ${keyId} was delivered twice to ${slave}`)
    assert.equal(hashOf(key), entry.hash, `key ${keyId} differs at its ends`)
    this.#move(keyId, slave, "fetched")
    this.report.fetched++
    if (entry.states.size > 1) this.report.fetchedByMembers++
  }

  /** The answer was lost on its way, or there was none. */
  lost(keyIds: readonly string[], slave: string): void {
    for (const id of keyIds) {
      this.#move(id, slave, "unsure")
      this.report.unsure++
    }
  }

  /** Nothing of them was given; they wait on. */
  refused(keyIds: readonly string[], slave: string): void {
    for (const id of keyIds) this.#move(id, slave, "waiting")
  }

  /** Not there, says the node. Right only where the keys were void. */
  missing(keyIds: readonly string[], slave: string, isVoided: (keyId: string) => boolean): void {
    for (const id of keyIds) {
      const { master } = this.#keys.get(id) ?? {}
      assert.ok(isVoided(id), `key ${id} was promised by ${master} to ${slave} and is not there`)
      this.#move(id, slave, "voided")
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
  relayed(hop: RelayHop): void {
    this.report.messages++
    for (const { blockId, half, offset, length } of [...hop.tagKey, ...hop.pad]) {
      const name = `${hop.qkdlId}/${blockId}/${half}`
      const used = this.#usedUpTo.get(name) ?? 0
      assert.ok(
        offset >= used,
        `byte ${offset} of half-block ${name} was used before (up to ${used})`,
      )
      this.#usedUpTo.set(name, offset + length)
      this.report.padBytes += length
    }
  }

  #move(keyId: string, slave: string, state: State): void {
    const states = this.#keys.get(keyId)?.states
    const before = states?.get(slave)
    if (states === undefined || before === undefined || before === "fetched") return
    states.set(slave, state)
    const asked = this.#asked.get(slave) ?? new Set()
    this.#asked.set(slave, asked)
    if (state === "waiting") this.#waiting.get(slave)?.add(keyId)
    else this.#waiting.get(slave)?.delete(keyId)
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
