// Labels of a search with limits, in a binary heap by what their path will cost at least. Searches nothing.

/** One way to a node, with what it cost and spent. */
export interface Label {
  readonly node: number
  readonly cost: number
  /** What a whole path behind this one costs at least. */
  readonly least: number
  readonly hops: number
  /** By limit. */
  readonly spent: readonly number[]
  /** Watched nodes it has been to, a bit each. */
  readonly seen: bigint
  /** The last link; -1 at the beginning. */
  readonly link: number
  readonly from: Label | undefined
}

export class LabelQueue {
  readonly #labels: Label[] = []

  push(label: Label): void {
    const labels = this.#labels
    let place = labels.length
    labels.push(label)
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = labels[parent]
      if (above === undefined || !isBefore(label, above)) break
      labels[place] = above
      place = parent
    }
    labels[place] = label
  }

  /** The first, taken out. */
  pop(): Label | undefined {
    const labels = this.#labels
    const top = labels[0]
    const last = labels.pop()
    if (top === undefined || last === undefined || labels.length === 0) return top
    let place = 0
    for (;;) {
      let child = place * 2 + 1
      let below = labels[child]
      if (below === undefined) break
      const right = labels[child + 1]
      if (right !== undefined && isBefore(right, below)) {
        child += 1
        below = right
      }
      if (!isBefore(below, last)) break
      labels[place] = below
      place = child
    }
    labels[place] = last
    return top
  }
}

function isBefore(a: Label, b: Label): boolean {
  return a.least < b.least || (a.least === b.least && a.hops < b.hops)
}
