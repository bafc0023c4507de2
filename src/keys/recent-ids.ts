// A set that remembers the newest ids only: which blocks are spent, so that none comes back. Bounded.

export class RecentIds {
  readonly #ids = new Set<string>()
  readonly #ceiling: number

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
    this.#ids.delete(id)
    this.#ids.add(id)
    if (this.#ids.size <= this.#ceiling) return undefined
    for (const oldest of this.#ids) {
      this.#ids.delete(oldest)
      return oldest
    }
    return undefined
  }

  delete(id: string): boolean {
    return this.#ids.delete(id)
  }

  /** Oldest first. */
  all(): string[] {
    return [...this.#ids]
  }

  clear(): void {
    this.#ids.clear()
  }
}
