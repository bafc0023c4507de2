// Labels that wait to be gone on from: the least first, of equals the one with fewer hops. A 4-ary heap on typed arrays. Knows
// nothing of graphs.

export class LabelQueue {
  #labels = new Int32Array(64)
  #keys = new Float64Array(64)
  #hops = new Int32Array(64)
  #size = 0

  clear(): void {
    this.#size = 0
  }

  push(label: number, key: number, hops: number): void {
    if (this.#size === this.#labels.length) this.#grow()
    const labels = this.#labels
    const keys = this.#keys
    const ties = this.#hops
    let place = this.#size
    this.#size = place + 1
    while (place > 0) {
      const parent = (place - 1) >> 2
      const above = keys[parent] ?? 0
      if (above < key || (above === key && (ties[parent] ?? 0) <= hops)) break
      keys[place] = above
      ties[place] = ties[parent] ?? 0
      labels[place] = labels[parent] ?? 0
      place = parent
    }
    keys[place] = key
    ties[place] = hops
    labels[place] = label
  }

  /** The first label, taken out; -1 when empty. */
  pop(): number {
    const size = this.#size - 1
    if (size < 0) return -1
    this.#size = size
    const labels = this.#labels
    const keys = this.#keys
    const ties = this.#hops
    const top = labels[0] ?? -1
    const key = keys[size] ?? 0
    const hops = ties[size] ?? 0
    let place = 0
    for (;;) {
      let child = place * 4 + 1
      if (child >= size) break
      const end = child + 4 < size ? child + 4 : size
      let least = keys[child] ?? 0
      let fewest = ties[child] ?? 0
      for (let other = child + 1; other < end; other += 1) {
        const otherKey = keys[other] ?? 0
        const otherHops = ties[other] ?? 0
        if (otherKey > least || (otherKey === least && otherHops >= fewest)) continue
        least = otherKey
        fewest = otherHops
        child = other
      }
      if (least > key || (least === key && fewest >= hops)) break
      keys[place] = least
      ties[place] = fewest
      labels[place] = labels[child] ?? 0
      place = child
    }
    keys[place] = key
    ties[place] = hops
    labels[place] = labels[size] ?? 0
    return top
  }

  #grow(): void {
    const length = this.#labels.length * 2
    const labels = new Int32Array(length)
    const keys = new Float64Array(length)
    const hops = new Int32Array(length)
    labels.set(this.#labels)
    keys.set(this.#keys)
    hops.set(this.#hops)
    this.#labels = labels
    this.#keys = keys
    this.#hops = hops
  }
}
