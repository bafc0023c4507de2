// Paths in the numbers of the graph, side by side in one array: a cut goes through those of thousands of backups, and would
// otherwise wait for memory at each. Looks nothing up in the network.

import type { PlannedPath } from "../model/service.js"

/** What is remembered of a path. */
export interface KnownPath {
  /** Where its numbers begin. */
  readonly start: number
  readonly hops: number
  /** Its nodes without the ends. */
  readonly relays: readonly string[]
}

/** Where the numbers of a path lie: `hops` links from `start` on, then their `hops + 1` nodes. */
export interface PathNumbers {
  readonly values: Int32Array
  readonly start: number
  readonly hops: number
}

/** Beyond this, numbers of paths that are gone are worth clearing away; 4 bytes each. */
const MOST = 1 << 22

export class PathNumberBook {
  #known = new WeakMap<PlannedPath, KnownPath>()
  #values = new Int32Array(1024)
  #end = 0
  #numbering = 0

  /** Another one when all that was given out before is forgotten. */
  get numbering(): number {
    return this.#numbering
  }

  clear(): void {
    this.#numbering += 1
    this.#known = new WeakMap()
    // What was given out before stays as it is.
    this.#values = new Int32Array(1024)
    this.#end = 0
  }

  /** What `known` points into; another array once more paths have been asked for. */
  get values(): Int32Array {
    return this.#values
  }

  of(
    path: PlannedPath,
    linkNumbers: ReadonlyMap<string, number>,
    nodeNumbers: ReadonlyMap<string, number>,
  ): PathNumbers {
    const { start, hops } = this.known(path, linkNumbers, nodeNumbers)
    return { values: this.#values, start, hops }
  }

  known(
    path: PlannedPath,
    linkNumbers: ReadonlyMap<string, number>,
    nodeNumbers: ReadonlyMap<string, number>,
  ): KnownPath {
    const known = this.#known.get(path)
    if (known !== undefined) return known
    const size = path.hops.length * 2 + 1
    if (this.#end + size > MOST) this.clear()
    if (this.#end + size > this.#values.length) this.#grow(this.#end + size)
    const start = this.#end
    const values = this.#values
    let place = start
    for (const { qkdlId } of path.hops) {
      values[place] = linkNumbers.get(qkdlId) ?? -1
      place += 1
    }
    for (const qkdnId of path.nodes) {
      values[place] = nodeNumbers.get(qkdnId) ?? -1
      place += 1
    }
    this.#end = place
    const made = { start, hops: path.hops.length, relays: path.nodes.slice(1, -1) }
    this.#known.set(path, made)
    return made
  }

  #grow(least: number): void {
    const values = new Int32Array(Math.max(least, this.#values.length * 2))
    values.set(this.#values)
    this.#values = values
  }
}
