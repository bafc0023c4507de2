// The nodes a search has met and not gone on from, least key first: a 4-ary heap on typed arrays in which a node may stand
// several times. Moving fewer places than a heap that lowers keys, it is quicker where few keys are lowered, as in networks; who
// takes a node out must see whether its key still counts. Knows nothing of graphs.

export class OpenList {
  #nodes: Int32Array
  #keys: Float64Array
  #size = 0

  constructor(capacity = 64) {
    this.#nodes = new Int32Array(capacity)
    this.#keys = new Float64Array(capacity)
  }

  get size(): number {
    return this.#size
  }

  /** The least key; infinite when empty. */
  get leastKey(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : (this.#keys[0] ?? 0)
  }

  clear(): void {
    this.#size = 0
  }

  push(node: number, key: number): void {
    if (this.#size === this.#nodes.length) this.#grow()
    const nodes = this.#nodes
    const keys = this.#keys
    let place = this.#size
    this.#size = place + 1
    while (place > 0) {
      const parent = (place - 1) >> 2
      const above = keys[parent] ?? 0
      if (above <= key) break
      keys[place] = above
      nodes[place] = nodes[parent] ?? 0
      place = parent
    }
    keys[place] = key
    nodes[place] = node
  }

  /** The node of the least key, taken out; -1 when empty. */
  pop(): number {
    const size = this.#size - 1
    if (size < 0) return -1
    this.#size = size
    const nodes = this.#nodes
    const keys = this.#keys
    const top = nodes[0] ?? -1
    const node = nodes[size] ?? 0
    const key = keys[size] ?? 0
    let place = 0
    for (;;) {
      let child = place * 4 + 1
      if (child >= size) break
      const end = child + 4 < size ? child + 4 : size
      let least = keys[child] ?? 0
      for (let other = child + 1; other < end; other += 1) {
        const otherKey = keys[other] ?? 0
        if (otherKey < least) {
          least = otherKey
          child = other
        }
      }
      if (least >= key) break
      keys[place] = least
      nodes[place] = nodes[child] ?? 0
      place = child
    }
    keys[place] = key
    nodes[place] = node
    return top
  }

  #grow(): void {
    const nodes = new Int32Array(this.#nodes.length * 2)
    const keys = new Float64Array(this.#keys.length * 2)
    nodes.set(this.#nodes)
    keys.set(this.#keys)
    this.#nodes = nodes
    this.#keys = keys
  }
}
