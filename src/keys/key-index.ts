// Where each end key of the books is: with which batch, or over. The newest that are over are remembered, so that none
// comes back; a key that was here is never anything else afterwards but over, or forgotten.

import { UUID_BYTES, writeUuid } from "./bytes.js"
import { IdTable } from "./id-table.js"

const WORDS = UUID_BYTES / 4
/** Owner of those that are over; their place is that in the line. */
const OVER = 0

export class KeyIndex<T> {
  readonly #table: IdTable
  /** By number; 0 is nobody's. */
  readonly #owners: (T | undefined)[] = [undefined]
  readonly #free: number[] = []
  readonly #line: Uint32Array
  readonly #ceiling: number
  /** How many have been put in the line. */
  #buried = 0
  #held = 0
  readonly #asked = Buffer.alloc(UUID_BYTES)
  readonly #askedWords = new Uint32Array(this.#asked.buffer, this.#asked.byteOffset, WORDS)

  /** @param ceiling how many are remembered that are over; @param seed see `IdTable` */
  constructor(ceiling: number, seed: number) {
    this.#table = new IdTable(seed)
    this.#ceiling = ceiling
    this.#line = new Uint32Array(ceiling * WORDS)
  }

  /** Keys with their batches. */
  get heldCount(): number {
    return this.#held
  }

  state(words: Uint32Array, nth: number): "held" | "over" | "unknown" {
    const slot = this.#table.find(words, nth * WORDS)
    if (slot < 0) return "unknown"
    return this.#table.ownerAt(slot) === OVER ? "over" : "held"
  }

  /** Takes in keys of a batch. Returns its number here, for `bury` and `leave`. */
  hold(words: Uint32Array, owner: T): number {
    const number = this.#free.pop() ?? this.#owners.length
    this.#owners[number] = owner
    const count = words.length / WORDS
    for (let nth = 0; nth < count; nth++) this.#table.set(words, nth * WORDS, number, nth)
    this.#held += count
    return number
  }

  /** Who holds the key with this id, and at which place; undefined when nobody does. */
  find(keyId: string): { readonly owner: T; readonly index: number } | undefined {
    if (!writeUuid(keyId, this.#asked, 0)) return undefined
    const slot = this.#table.find(this.#askedWords, 0)
    const owner = slot < 0 ? undefined : this.#owners[this.#table.ownerAt(slot)]
    return owner === undefined ? undefined : { owner, index: this.#table.placeAt(slot) }
  }

  /** The batch is over, and all of its keys. */
  leave(words: Uint32Array, number: number): void {
    this.#owners[number] = undefined
    this.#free.push(number)
    this.#held -= words.length / WORDS
    this.bury(words)
  }

  /** The batch was never here. */
  drop(words: Uint32Array, number: number): void {
    this.#owners[number] = undefined
    this.#free.push(number)
    this.#held -= words.length / WORDS
    for (let from = 0; from < words.length; from += WORDS) {
      const slot = this.#table.find(words, from)
      if (slot >= 0) this.#table.remove(slot)
    }
  }

  /** These are over. */
  bury(words: Uint32Array): void {
    for (let from = 0; from < words.length; from += WORDS) {
      const at = this.#buried % this.#ceiling
      if (this.#buried >= this.#ceiling) this.#forget(at)
      for (let i = 0; i < WORDS; i++) this.#line[at * WORDS + i] = words[from + i] ?? 0
      this.#table.set(words, from, OVER, at)
      this.#buried += 1
    }
  }

  /** The oldest that is over; not if it was buried once more since. */
  #forget(at: number): void {
    const slot = this.#table.find(this.#line, at * WORDS)
    if (slot < 0 || this.#table.ownerAt(slot) !== OVER || this.#table.placeAt(slot) !== at) return
    this.#table.remove(slot)
  }
}
