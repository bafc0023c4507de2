// Where each end key of the books is: with which batch, or over. The newest that are over are remembered, so that none
// comes back, batch by batch; a key that was here is never anything else afterwards but over, or forgotten.

import { UUID_BYTES, writeUuid, writeUuids } from "./bytes.js"
import { IdTable, nthOf, numberOf, RUN_IDS } from "./id-table.js"

const WORDS = UUID_BYTES / 4
/** Batches of fewer keys are put together once they are over: what one costs besides its ids is more than they are. */
const FEW = 64

/** Ids that are over and are forgotten together: a batch's, or those of several small ones. */
interface Grave {
  readonly number: number
  count: number
}

export class KeyIndex<T> {
  readonly #table: IdTable
  /** By number; undefined are those that are over. */
  readonly #owners: (T | undefined)[] = []
  /** Oldest first; those before `#first` are forgotten. */
  readonly #line: Grave[] = []
  #first = 0
  /** Where small batches go. */
  #shared: Grave | undefined
  readonly #ceiling: number
  #over = 0
  #held = 0
  /** Ids that are asked for, and which of them are none; undefined when all are. */
  #asked = new Int32Array(WORDS)
  #isId: readonly boolean[] | undefined

  /** @param ceiling so many at least are remembered that are over; @param seed see `IdTable` */
  constructor(ceiling: number, seed: number) {
    this.#table = new IdTable(seed)
    this.#ceiling = ceiling
  }

  /** Keys with their batches. */
  get heldCount(): number {
    return this.#held
  }

  state(words: Int32Array, nth: number): "held" | "over" | "unknown" {
    const place = this.#table.find(words, nth)
    if (place < 0) return "unknown"
    return this.#owners[numberOf(place)] === undefined ? "over" : "held"
  }

  /** What those that are known are; undefined when none is. */
  stateOfAny(words: Int32Array): "held" | "over" | undefined {
    for (let nth = 0; nth * WORDS < words.length; nth++) {
      const state = this.state(words, nth)
      if (state !== "unknown") return state
    }
    return undefined
  }

  /** Takes in keys of a batch; the words are taken over. Returns its number here, for `leave` and `drop`. */
  hold(words: Int32Array, owner: T): number {
    const number = this.#table.add(words)
    this.#owners[number] = owner
    this.#held += words.length / WORDS
    return number
  }

  /** `find` is about these from now on. */
  ask(keyIds: readonly string[]): void {
    const words = keyIds.length * WORDS
    if (this.#asked.length < words) this.#asked = new Int32Array(words)
    const bytes = new Uint8Array(this.#asked.buffer)
    this.#isId = writeUuids(keyIds, bytes)
      ? undefined
      : keyIds.map((id, nth) => writeUuid(id, bytes, nth * UUID_BYTES))
  }

  /**
   * Where the nth of the keys asked for is, for `ownerAt` and `indexAt`; -1 when it is nowhere, or over.
   *
   * @param guess where it is likely to be: whoever asks for keys of a batch asks for them in order
   */
  find(nth: number, guess = -1): number {
    if (this.#isId?.[nth] === false) return -1
    const isGuess = guess >= 0 && this.#table.isAt(guess, this.#asked, nth)
    const place = isGuess ? guess : this.#table.find(this.#asked, nth)
    return place < 0 || this.#owners[numberOf(place)] === undefined ? -1 : place
  }

  ownerAt(place: number): T | undefined {
    return this.#owners[numberOf(place)]
  }

  indexAt(place: number): number {
    return nthOf(place)
  }

  /** The batch is over, and all of its keys. */
  leave(words: Int32Array, number: number): void {
    this.#held -= words.length / WORDS
    this.#owners[number] = undefined
    if (words.length >= FEW * WORDS) this.#line.push({ number, count: words.length / WORDS })
    else {
      this.#table.remove(number)
      this.#buryFew(words)
    }
    this.#countOver(words)
  }

  /** The batch was never here. */
  drop(words: Int32Array, number: number): void {
    this.#owners[number] = undefined
    this.#held -= words.length / WORDS
    this.#table.remove(number)
  }

  /** These are over. */
  bury(words: Int32Array): void {
    this.#buryFew(words)
    this.#countOver(words)
  }

  #buryFew(words: Int32Array): void {
    for (let nth = 0; nth * WORDS < words.length; nth++) {
      let grave = this.#shared
      if (grave === undefined || grave.count === RUN_IDS) {
        grave = this.#shared = { number: this.#table.open(), count: 0 }
        this.#owners[grave.number] = undefined
        this.#line.push(grave)
      }
      this.#table.write(grave.number, grave.count++, words, nth)
    }
  }

  #countOver(words: Int32Array): void {
    this.#over += words.length / WORDS
    for (;;) {
      const oldest = this.#line[this.#first]
      if (oldest === undefined || this.#over - oldest.count < this.#ceiling) break
      this.#table.remove(oldest.number)
      this.#over -= oldest.count
      this.#first += 1
      if (oldest === this.#shared) this.#shared = undefined
    }
    if (this.#first * 2 <= this.#line.length) return
    this.#line.splice(0, this.#first)
    this.#first = 0
  }
}
