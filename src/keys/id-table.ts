// Finds ids of 128 bits by the thousand, in flat memory. Ids come in runs (the keys of one batch) whose words stay as they
// came; the table says of an id which run it is of and which place it has there, and reads the run to be sure. A Map from
// texts to objects would cost a text, an object and a hash over 36 characters for each key that passes.

import { UUID_BYTES } from "./bytes.js"

const WORDS = UUID_BYTES / 4
/** Ids of a run; as many numbers of runs as are left of 32 bits. */
const RUN_BITS = 10
export const RUN_IDS = 1 << RUN_BITS
/** Words of a slot: the id's hash, and its place, which is 0 where nothing is. */
const SLOT = 2
const FEWEST_SLOTS = 256

/** Ids as words, four each, in the byte order of this machine: to be compared, not sent. */
export function wordsOf(idBytes: Uint8Array): Int32Array {
  return new Int32Array(Uint8Array.from(idBytes).buffer)
}

/** Run and place in it. */
export function placeOf(number: number, nth: number): number {
  return (number << RUN_BITS) | nth
}

export const numberOf = (place: number): number => place >> RUN_BITS

export const nthOf = (place: number): number => place & (RUN_IDS - 1)

/** Open addressing: an id stands in the first free slot from its own on, and what follows moves up when one goes. */
export class IdTable {
  readonly #seed: number
  /** By number; 0 is nobody's. */
  readonly #runs: Int32Array[] = [new Int32Array(0)]
  readonly #free: number[] = []
  #slots = new Int32Array(FEWEST_SLOTS * SLOT)
  #mask = FEWEST_SLOTS - 1
  #count = 0

  /** @param seed nobody outside knows it, so nobody can choose ids that all want one slot */
  constructor(seed: number) {
    this.#seed = seed | 0
  }

  get count(): number {
    return this.#count
  }

  /** Place of the nth id in `words`; -1 when it is not here. */
  find(words: Int32Array, nth: number): number {
    const slot = this.#slotFor(words, nth, hashOf(words, nth, this.#seed))
    return (this.#slots[slot * SLOT + 1] ?? 0) || -1
  }

  /** Whether the nth id in `words` is the one at this place. */
  isAt(place: number, words: Int32Array, nth: number): boolean {
    const run = this.#runs[numberOf(place)]
    return run !== undefined && isSame(run, nthOf(place), words, nth)
  }

  /**
   * These ids, which stay the table's, are of a run of their own from now on, whether they were here or not. Returns its number.
   *
   * @throws RangeError for more than `RUN_IDS`
   */
  add(words: Int32Array): number {
    const count = words.length / WORDS
    if (count > RUN_IDS) throw new RangeError(`a run of ${count} ids`)
    const number = this.#take(words)
    for (let nth = 0; nth < count; nth++) this.#put(words, number, nth)
    return number
  }

  /** The number of a run of `RUN_IDS` places that `write` fills. */
  open(): number {
    return this.#take(new Int32Array(RUN_IDS * WORDS))
  }

  /** This id is at that place of an open run from now on. */
  write(number: number, nth: number, words: Int32Array, from: number): void {
    const run = this.#runs[number]
    if (run === undefined) return
    for (let i = 0; i < WORDS; i++) run[nth * WORDS + i] = words[from * WORDS + i] ?? 0
    this.#put(run, number, nth)
  }

  /** Those of its ids that are not another's by now go; the number is free. */
  remove(number: number): void {
    const words = this.#runs[number] ?? new Int32Array(0)
    const count = words.length / WORDS

    for (let nth = 0; nth < count; nth++) {
      const slot = this.#slotOf(placeOf(number, nth), hashOf(words, nth, this.#seed))
      if (slot >= 0) this.#empty(slot)
    }
    this.#runs[number] = new Int32Array(0)
    this.#free.push(number)
  }

  #take(words: Int32Array): number {
    const number = this.#free.pop() ?? this.#runs.length
    this.#runs[number] = words
    return number
  }

  #put(run: Int32Array, number: number, nth: number): void {
    if ((this.#count + 1) * 2 > this.#mask) this.#grow()
    const hash = hashOf(run, nth, this.#seed)
    const at = this.#slotFor(run, nth, hash) * SLOT
    if (this.#slots[at + 1] === 0) this.#count += 1
    this.#slots[at] = hash
    this.#slots[at + 1] = placeOf(number, nth)
  }

  #empty(slot: number): void {
    const slots = this.#slots
    this.#count -= 1
    let hole = slot
    for (let next = (slot + 1) & this.#mask; ; next = (next + 1) & this.#mask) {
      const place = slots[next * SLOT + 1] ?? 0
      if (place === 0) break
      const hash = slots[next * SLOT] ?? 0
      // It may stand in the hole unless its own slot lies between the hole and where it is.
      if (((next - hash) & this.#mask) < ((next - hole) & this.#mask)) continue
      slots[hole * SLOT] = hash
      slots[hole * SLOT + 1] = place
      hole = next
    }
    slots[hole * SLOT + 1] = 0
  }

  /** Where it says that an id with this hash is at this place; -1 where it does not. */
  #slotOf(place: number, hash: number): number {
    const slots = this.#slots
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const there = slots[slot * SLOT + 1] ?? 0
      if (there === place) return slot
      if (there === 0) return -1
    }
  }

  /** Where the id is, or would be put. */
  #slotFor(words: Int32Array, nth: number, hash: number): number {
    const slots = this.#slots
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const place = slots[slot * SLOT + 1] ?? 0
      if (place === 0 || (slots[slot * SLOT] === hash && this.isAt(place, words, nth))) return slot
    }
  }

  #grow(): void {
    const [before, slots] = [this.#slots, (this.#mask + 1) * 2]
    const after = new Int32Array(slots * SLOT)
    const mask = slots - 1
    for (let at = 0; at < before.length; at += SLOT) {
      const [hash, place] = [before[at] ?? 0, before[at + 1] ?? 0]
      if (place === 0) continue
      let slot = hash & mask
      while (after[slot * SLOT + 1] !== 0) slot = (slot + 1) & mask
      after[slot * SLOT] = hash
      after[slot * SLOT + 1] = place
    }
    this.#slots = after
    this.#mask = mask
  }
}

/** 32 bits of it, with their sign: numbers that engines keep without an object for each. */
function hashOf(words: Int32Array, nth: number, seed: number): number {
  const from = nth * WORDS
  let hash = Math.imul(seed ^ (words[from] ?? 0), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ (words[from + 1] ?? 0), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ (words[from + 2] ?? 0), 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 15) ^ (words[from + 3] ?? 0), 0x9e3779b1)
  return hash ^ (hash >>> 15)
}

function isSame(one: Int32Array, nth: number, other: Int32Array, otherNth: number): boolean {
  const [a, b] = [nth * WORDS, otherNth * WORDS]
  return (
    one[a] === other[b] &&
    one[a + 1] === other[b + 1] &&
    one[a + 2] === other[b + 2] &&
    one[a + 3] === other[b + 3]
  )
}

/** For `hasTwins`: which id stands where, from 1; four slots an id at least. */
const seen = new Uint16Array(RUN_IDS * 4)
/** And the ids it looks at. */
const twins = new Int32Array(RUN_IDS * WORDS)

/** Whether one of these ids, of a run, is there twice. */
export function hasTwins(idBytes: Uint8Array): boolean {
  const count = idBytes.length / UUID_BYTES
  if (count <= 1) return false
  if (count > RUN_IDS) throw new RangeError(`a run of ${count} ids`)
  new Uint8Array(twins.buffer).set(idBytes)
  const words = twins
  let mask = 3
  while (mask < count * 4 - 1) mask = mask * 2 + 1
  seen.fill(0, 0, mask + 1)
  for (let nth = 0; nth < count; nth++) {
    let slot = hashOf(words, nth, 0) & mask
    for (; seen[slot] !== 0; slot = (slot + 1) & mask)
      if (isSame(words, (seen[slot] ?? 0) - 1, words, nth)) return true
    seen[slot] = nth + 1
  }
  return false
}
