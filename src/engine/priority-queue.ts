// What comes first, first: a binary heap over anything that can be compared. Searches nothing.

export class PriorityQueue<T> {
  readonly #items: T[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  push(item: T): void {
    const items = this.#items
    let place = items.length
    items.push(item)
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = items[parent]
      if (above === undefined || !this.#isBefore(item, above)) break
      items[place] = above
      place = parent
    }
    items[place] = item
  }

  /** The first, taken out. */
  pop(): T | undefined {
    const items = this.#items
    const top = items[0]
    const last = items.pop()
    if (top === undefined || last === undefined || items.length === 0) return top
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      let below = items[child]
      if (below === undefined) break
      const right = items[child + 1]
      if (right !== undefined && this.#isBefore(right, below)) {
        child += 1
        below = right
      }
      if (!this.#isBefore(below, last)) break
      items[place] = below
      place = child
    }
    items[place] = last
    return top
  }
}
