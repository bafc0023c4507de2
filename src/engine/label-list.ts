// Labels of a search that keeps limits: each one way to a node, with what it has paid and spent and what it has passed. All in typed
// arrays that grow, so that a label costs no object. By node, the labels that were gone on from. Searches nothing.

export class LabelList {
  /** By label: the node; the link it came by, -1 at the beginning; the label before it; how many links since the beginning. */
  node: Int32Array = new Int32Array(0)
  link: Int32Array = new Int32Array(0)
  before: Int32Array = new Int32Array(0)
  hops: Int32Array = new Int32Array(0)
  cost: Float64Array = new Float64Array(0)
  /** By label, `sums` numbers each. */
  spent: Float64Array = new Float64Array(0)
  /** By label, `metWords` words of waypoints it has passed, then `seenWords` of watched nodes it has been to; a bit each. */
  marks: Int32Array = new Int32Array(0)
  readonly #sums: number
  #metWords = 0
  #seenWords = 0
  #size = 0
  /** By node, the last label gone on from, and by label the one before it at the same node; -1 at the end. */
  readonly #last: Int32Array
  #next: Int32Array = new Int32Array(0)
  #touched: number[] = []

  constructor(nodeCount: number, sums: number) {
    this.#sums = sums
    this.#last = new Int32Array(nodeCount).fill(-1)
  }

  /** Forgets all; the next labels carry so many words. */
  clear(metWords: number, seenWords: number): void {
    for (const node of this.#touched) this.#last[node] = -1
    this.#touched = []
    this.#size = 0
    this.#metWords = metWords
    this.#seenWords = seenWords
    this.#grow(Math.max(64, this.node.length))
  }

  /** The number of a new label, to be filled in by who asked. */
  add(): number {
    if (this.#size === this.node.length) this.#grow(this.#size * 2)
    this.#size += 1
    return this.#size - 1
  }

  /** Takes back the label added last. */
  drop(): void {
    this.#size -= 1
  }

  /** The label is gone on from: others at its node are held against it. */
  keep(label: number): void {
    const node = this.node[label] ?? -1
    const last = this.#last[node] ?? -1
    if (last < 0) this.#touched.push(node)
    this.#next[label] = last
    this.#last[node] = label
  }

  /** Whether some label kept at the same node is as good in all that counts: whatever follows this one may as well follow that. */
  isBeaten(label: number): boolean {
    for (
      let other = this.#last[this.node[label] ?? -1] ?? -1;
      other >= 0;
      other = this.#next[other] ?? -1
    )
      if (this.#beats(other, label)) return true
    return false
  }

  /** The links from the beginning on. */
  linksTo(label: number): number[] {
    const links: number[] = []
    for (let at = label; (this.link[at] ?? -1) >= 0; at = this.before[at] ?? -1)
      links.push(this.link[at] ?? -1)
    return links.reverse()
  }

  #beats(other: number, label: number): boolean {
    if ((this.cost[other] ?? 0) > (this.cost[label] ?? 0)) return false
    const { spent, marks } = this
    const sums = this.#sums
    for (let i = 0; i < sums; i += 1)
      if ((spent[other * sums + i] ?? 0) > (spent[label * sums + i] ?? 0)) return false
    const words = this.#metWords + this.#seenWords
    // It must have passed what the other has passed, and be free to go wherever the other still may.
    for (let word = 0; word < words; word += 1) {
      const its = marks[other * words + word] ?? 0
      const theirs = marks[label * words + word] ?? 0
      if ((word < this.#metWords ? theirs & ~its : its & ~theirs) !== 0) return false
    }
    return true
  }

  #grow(capacity: number): void {
    const words = this.#metWords + this.#seenWords
    this.node = grown(this.node, capacity)
    this.link = grown(this.link, capacity)
    this.before = grown(this.before, capacity)
    this.hops = grown(this.hops, capacity)
    this.#next = grown(this.#next, capacity)
    this.marks = grown(this.marks, capacity * words)
    this.cost = grownSums(this.cost, capacity)
    this.spent = grownSums(this.spent, capacity * this.#sums)
  }
}

function grown(values: Int32Array, length: number): Int32Array {
  if (values.length >= length) return values
  const more = new Int32Array(length)
  more.set(values)
  return more
}

function grownSums(values: Float64Array, length: number): Float64Array {
  if (values.length >= length) return values
  const more = new Float64Array(length)
  more.set(values)
  return more
}
