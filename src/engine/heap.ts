// A 4-ary heap of numbered items with decrease-key, on typed arrays. Buffers are kept between uses and stamped
// instead of cleared. Knows nothing of graphs.

export class Heap {
  readonly #items: Int32Array
  /** Where an item sits in `#items`; meaningful while `#stamps` says so. */
  readonly #places: Int32Array
  readonly #stamps: Uint32Array
  readonly #keys: Float64Array
  #stamp = 0
  #size = 0

  /** @param capacity items are numbered from 0 up to this, exclusive */
  constructor(capacity: number) {
    this.#items = new Int32Array(capacity)
    this.#places = new Int32Array(capacity)
    this.#stamps = new Uint32Array(capacity)
    this.#keys = new Float64Array(capacity)
  }

  clear(): void {
    this.#size = 0
    this.#stamp += 1
    if (this.#stamp === 0xffffffff) {
      this.#stamps.fill(0)
      this.#stamp = 1
    }
  }

  /** Puts an item in, or lowers its key. A greater key than the item has is ignored. */
  push(item: number, key: number): void {
    let place: number
    if (this.#stamps[item] === this.#stamp) {
      place = this.#places[item] ?? -1
      if (place < 0 || key >= (this.#keys[item] ?? 0)) return
    } else {
      this.#stamps[item] = this.#stamp
      place = this.#size
      this.#size += 1
    }
    this.#keys[item] = key
    this.#rise(place, item, key)
  }

  /** The item with the least key, taken out; -1 when empty. It does not come in again before `clear`. */
  pop(): number {
    if (this.#size === 0) return -1
    const first = this.#items[0] ?? -1
    this.#places[first] = -1
    this.#size -= 1
    if (this.#size > 0) this.#sink(this.#items[this.#size] ?? -1)
    return first
  }

  #rise(from: number, item: number, key: number): void {
    const items = this.#items
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 2
      const above = items[parent] ?? 0
      if ((this.#keys[above] ?? 0) <= key) break
      items[place] = above
      this.#places[above] = place
      place = parent
    }
    items[place] = item
    this.#places[item] = place
  }

  #sink(item: number): void {
    const items = this.#items
    const keys = this.#keys
    const key = keys[item] ?? 0
    let place = 0
    for (;;) {
      const firstChild = place * 4 + 1
      if (firstChild >= this.#size) break
      const end = Math.min(firstChild + 4, this.#size)
      let best = firstChild
      let bestKey = keys[items[firstChild] ?? 0] ?? 0
      for (let child = firstChild + 1; child < end; child += 1) {
        const childKey = keys[items[child] ?? 0] ?? 0
        if (childKey < bestKey) {
          best = child
          bestKey = childKey
        }
      }
      if (bestKey >= key) break
      const below = items[best] ?? 0
      items[place] = below
      this.#places[below] = place
      place = best
    }
    items[place] = item
    this.#places[item] = place
  }
}
