// An undirected multigraph as searches walk it: compressed sparse rows in typed arrays. Nodes and links are numbers,
// parallel links are links of their own. Holds no weights: those come with each question.

/** Links by their two ends, and at each node the arcs that leave it. */
export class PathGraph {
  readonly nodeCount: number
  readonly linkCount: number
  readonly linkA: Int32Array
  readonly linkB: Int32Array
  /** Arcs of node n: `first[n]` to `first[n + 1]`, exclusive. */
  readonly first: Int32Array
  readonly arcTo: Int32Array
  readonly arcLink: Int32Array

  /** @param linkA,linkB the ends of each link: different numbers from 0 up to `nodeCount`, exclusive. */
  constructor(nodeCount: number, linkA: ArrayLike<number>, linkB: ArrayLike<number>) {
    this.nodeCount = nodeCount
    this.linkCount = linkA.length
    this.linkA = Int32Array.from(linkA)
    this.linkB = Int32Array.from(linkB)
    this.first = new Int32Array(nodeCount + 1)
    this.arcTo = new Int32Array(this.linkCount * 2)
    this.arcLink = new Int32Array(this.linkCount * 2)
    const { first } = this
    const count = (node: number): void => {
      first[node + 1] = (first[node + 1] ?? 0) + 1
    }
    this.linkA.forEach(count)
    this.linkB.forEach(count)
    for (let node = 0; node < nodeCount; node += 1)
      first[node + 1] = (first[node + 1] ?? 0) + (first[node] ?? 0)
    const next = first.slice()
    for (let link = 0; link < this.linkCount; link += 1) {
      const a = this.linkA[link] ?? 0
      const b = this.linkB[link] ?? 0
      this.#addArc(next, a, b, link)
      this.#addArc(next, b, a, link)
    }
  }

  otherEnd(link: number, node: number): number {
    const a = this.linkA[link] ?? -1
    return a === node ? (this.linkB[link] ?? -1) : a
  }

  /** The nodes along links that follow each other, beginning at `from`. */
  nodesOf(from: number, links: readonly number[]): number[] {
    const nodes = [from]
    let node = from
    for (const link of links) {
      node = this.otherEnd(link, node)
      nodes.push(node)
    }
    return nodes
  }

  #addArc(next: Int32Array, from: number, to: number, link: number): void {
    const place = next[from] ?? 0
    next[from] = place + 1
    this.arcTo[place] = to
    this.arcLink[place] = link
  }
}
