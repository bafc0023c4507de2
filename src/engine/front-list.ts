// An open list for searches that are led: the least node is held back before the heap, since what comes in last is mostly what goes
// out next, and then moves nothing. Blind searches are quicker with the heap alone. Knows nothing of graphs.

import { OpenList } from "./open-list.js"

export class FrontList {
  readonly #rest = new OpenList()
  /** No key of the rest is less; -1 where nothing is held. */
  #front = -1
  #frontKey = 0

  /** The least key; infinite when empty. */
  get leastKey(): number {
    return this.#front >= 0 ? this.#frontKey : this.#rest.leastKey
  }

  clear(): void {
    this.#front = -1
    this.#rest.clear()
  }

  push(node: number, key: number): void {
    if (this.#front >= 0 ? key >= this.#frontKey : key > this.#rest.leastKey) {
      this.#rest.push(node, key)
      return
    }
    if (this.#front >= 0) this.#rest.push(this.#front, this.#frontKey)
    this.#front = node
    this.#frontKey = key
  }

  /** The node of the least key, taken out; -1 when empty. */
  pop(): number {
    const front = this.#front
    if (front < 0) return this.#rest.pop()
    this.#front = -1
    return front
  }
}
