// A set that remembers the newest ids only: which blocks are spent, so that none comes back. Bounded.

/**
 * The order stands in a line beside the ids: a Set alone would do, but finding its oldest member walks over the places
 * of all that were taken out before, tens of thousands of them for every id once it is full.
 */
export class RecentIds {
  /** By id, the number under which it last came. */
  readonly #ids = new Map<string, number>()
  readonly #ceiling: number
  /** As they came; those that came again, or were taken out, are passed over. */
  #line: string[] = []
  /** Number of the first in the line. */
  #first = 0
  #gone = 0

  constructor(ceiling: number) {
    this.#ceiling = ceiling
  }

  get count(): number {
    return this.#ids.size
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Adds it as the newest; returns the id that had to be forgotten for it, if any. */
  add(id: string): string | undefined {
    this.#ids.set(id, this.#first + this.#line.length)
    this.#line.push(id)
    const forgotten = this.#ids.size > this.#ceiling ? this.#oldest() : undefined
    if (forgotten !== undefined) this.#ids.delete(forgotten)
    if (this.#line.length > 2 * this.#ceiling + 64) this.#shorten()
    return forgotten
  }

  delete(id: string): boolean {
    return this.#ids.delete(id)
  }

  /** Oldest first. */
  all(): string[] {
    return this.#line.filter((id, at) => this.#ids.get(id) === this.#first + at)
  }

  clear(): void {
    this.#ids.clear()
    this.#line = []
    this.#gone = 0
  }

  #oldest(): string | undefined {
    while (this.#gone < this.#line.length) {
      const at = this.#gone++
      const id = this.#line[at]
      if (id !== undefined && this.#ids.get(id) === this.#first + at) return id
    }
    return undefined
  }

  /** What is in the line, and nothing else. */
  #shorten(): void {
    const kept = this.all()
    this.#first += this.#line.length
    this.#line = kept
    this.#gone = 0
    for (const [at, id] of kept.entries()) this.#ids.set(id, this.#first + at)
  }
}
