// A queue with one writer and one reader: how drivers and modules give their events, measurements and keys.
// Bounded only if its writer looks at `length`; it never drops by itself unless told to.

export class Channel<T> implements AsyncIterable<T> {
  #held: T[] = []
  readonly #waiting: ((result: IteratorResult<T, undefined>) => void)[] = []
  readonly #onRoom: (() => void) | undefined
  #ended = false

  /** @param onRoom called after the reader has taken something, so that a waiting writer can go on */
  constructor(onRoom?: () => void) {
    this.#onRoom = onRoom
  }

  /** Things not read yet. */
  get length(): number {
    return this.#held.length
  }

  get ended(): boolean {
    return this.#ended
  }

  /** False when the channel has ended: the thing was not taken. */
  push(thing: T): boolean {
    if (this.#ended) return false
    const reader = this.#waiting.shift()
    if (reader === undefined) this.#held.push(thing)
    else reader({ value: thing, done: false })
    return true
  }

  /** As `push`, but keeps at most `most` unread things, forgetting the oldest: for reports, never for keys. */
  pushLatest(thing: T, most: number): boolean {
    const taken = this.push(thing)
    if (this.#held.length > most) this.#held.splice(0, this.#held.length - most)
    return taken
  }

  /** Nothing more comes. What is held can still be read. */
  end(): void {
    this.#ended = true
    for (const reader of this.#waiting.splice(0)) reader({ value: undefined, done: true })
  }

  /** Nothing more comes, and what was not read is handed back to be got rid of. */
  abandon(): readonly T[] {
    this.end()
    const rest = this.#held
    this.#held = []
    return rest
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => this.#next(),
      return: () => Promise.resolve({ value: undefined, done: true as const }),
    }
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const first = this.#held.shift()
    if (first !== undefined) {
      this.#onRoom?.()
      return Promise.resolve({ value: first, done: false })
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
