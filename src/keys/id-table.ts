// Finds ids of 128 bits by the thousand: each with two numbers, in flat pieces of memory. A Map from texts to objects would
// cost a text, an object and a hash over 36 characters for each key that passes.

import { UUID_BYTES } from "./bytes.js"

const WORDS = UUID_BYTES / 4
/** Two words of place, `owner + 1` and `at`; the first is 0 where nothing is. */
const PLACE = 2
const FEWEST_SLOTS = 256

/** Ids as words, four each, in the byte order of this machine: to be compared, not sent. */
export function wordsOf(idBytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(idBytes).buffer)
}

/** Open addressing: an id stands in the first free slot from its own on, and what follows moves up when one goes. */
export class IdTable {
  readonly #seed: number
  #ids = new Uint32Array(FEWEST_SLOTS * WORDS)
  #places = new Uint32Array(FEWEST_SLOTS * PLACE)
  #mask = FEWEST_SLOTS - 1
  #count = 0

  /** @param seed nobody outside knows it, so nobody can choose ids that all want one slot */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get count(): number {
    return this.#count
  }

  /** Slot of the id in `words` from `from` on, until the next change; -1 when it is not here. */
  find(words: Uint32Array, from: number): number {
    const slot = this.#slotFor(words, from)
    return this.#places[slot * PLACE] === 0 ? -1 : slot
  }

  ownerAt(slot: number): number {
    return (this.#places[slot * PLACE] ?? 0) - 1
  }

  placeAt(slot: number): number {
    return this.#places[slot * PLACE + 1] ?? 0
  }

  /** Of this id from now on, whether it was here or not. */
  set(words: Uint32Array, from: number, owner: number, at: number): void {
    let slot = this.#slotFor(words, from)
    if (this.#places[slot * PLACE] === 0) {
      this.#count += 1
      if (this.#count * 2 > this.#mask) {
        this.#grow()
        slot = this.#slotFor(words, from)
      }
      for (let i = 0; i < WORDS; i++) this.#ids[slot * WORDS + i] = words[from + i] ?? 0
    }
    this.#places[slot * PLACE] = owner + 1
    this.#places[slot * PLACE + 1] = at
  }

  remove(slot: number): void {
    this.#count -= 1
    let hole = slot
    for (let next = (slot + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      if (this.#places[next * PLACE] === 0) break
      const home = this.#homeOf(this.#ids, next * WORDS)
      // It may stand in the hole unless its own slot lies between the hole and where it is.
      if (((next - home) & this.#mask) < ((next - hole) & this.#mask)) continue
      this.#ids.copyWithin(hole * WORDS, next * WORDS, (next + 1) * WORDS)
      this.#places.copyWithin(hole * PLACE, next * PLACE, (next + 1) * PLACE)
      hole = next
    }
    this.#places[hole * PLACE] = 0
  }

  clear(): void {
    this.#count = 0
    this.#places.fill(0)
  }

  /** Where the id is, or would be put. */
  #slotFor(words: Uint32Array, from: number): number {
    const [a, b, c, d] = [words[from], words[from + 1], words[from + 2], words[from + 3]]
    let slot = this.#homeOf(words, from)
    for (;;) {
      if (this.#places[slot * PLACE] === 0) return slot
      const at = slot * WORDS
      const ids = this.#ids
      if (ids[at] === a && ids[at + 1] === b && ids[at + 2] === c && ids[at + 3] === d) return slot
      slot = (slot + 1) & this.#mask
    }
  }

  #homeOf(words: Uint32Array, from: number): number {
    let hash = this.#seed
    for (let i = 0; i < WORDS; i++) {
      hash = Math.imul(hash ^ (words[from + i] ?? 0), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash & this.#mask
  }

  #grow(): void {
    const [ids, places, slots] = [this.#ids, this.#places, (this.#mask + 1) * 2]
    this.#ids = new Uint32Array(slots * WORDS)
    this.#places = new Uint32Array(slots * PLACE)
    this.#mask = slots - 1
    for (let slot = 0; slot < slots / 2; slot++) {
      if (places[slot * PLACE] === 0) continue
      const to = this.#slotFor(ids, slot * WORDS)
      for (let i = 0; i < WORDS; i++) this.#ids[to * WORDS + i] = ids[slot * WORDS + i] ?? 0
      for (let i = 0; i < PLACE; i++) this.#places[to * PLACE + i] = places[slot * PLACE + i] ?? 0
    }
  }
}

const seen = new IdTable(0)

/** Whether one of these ids is there twice. */
export function hasTwins(idBytes: Uint8Array): boolean {
  if (idBytes.length <= UUID_BYTES) return false
  const words = wordsOf(idBytes)
  for (let from = 0; from < words.length; from += WORDS) seen.set(words, from, 0, 0)
  const different = seen.count
  seen.clear()
  return different * WORDS < words.length
}
