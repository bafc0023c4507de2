// What is promised of every link, in whole bits per second so that sums are exact: rates taken by paths that carry, and
// rates held for paths that would carry if a link failed. Held rates may be shared: of two paths held for the failure of
// different links only one is ever needed, as long as one link fails at a time.

import type { FreeRate } from "./free-rate.js"
import type { LinkPath } from "./path-question.js"

/** A path held ready, and the path it stands in for. */
export interface Reserve {
  readonly path: LinkPath
  readonly instead: LinkPath
  readonly rateBps: number
}

export class LinkLedger {
  readonly #free: FreeRate
  readonly #shared: boolean
  /** By link, what is held on it for the failure of each other link. */
  readonly #heldFor: Map<number, number>[]
  /** By link, what is held on it in all. */
  readonly #held: Float64Array

  /** @param shared whether what is held for different failures counts once. */
  constructor(free: FreeRate, shared: boolean) {
    this.#free = free
    this.#shared = shared
    this.#heldFor = Array.from(free.free, () => new Map<number, number>())
    this.#held = new Float64Array(free.free.length)
  }

  /** What is neither taken nor held; below zero where the rate of a link fell under both. */
  freeOf(link: number): number {
    return this.#free.free[link] ?? 0
  }

  heldOn(link: number): number {
    return this.#held[link] ?? 0
  }

  take(path: LinkPath, rateBps: number): void {
    this.#free.take({ path, rateBps })
  }

  giveBack(path: LinkPath, rateBps: number): void {
    this.#free.giveBack({ path, rateBps })
  }

  /** What holding a path would take of a link beyond what is held there already. */
  moreFor(link: number, { instead, rateBps }: Omit<Reserve, "path">): number {
    if (!this.#shared) return rateBps
    const heldFor = this.#heldFor[link]
    let most = this.#held[link] ?? 0
    for (const failed of instead) most = Math.max(most, (heldFor?.get(failed) ?? 0) + rateBps)
    return most - (this.#held[link] ?? 0)
  }

  hold(reserve: Reserve): void {
    this.#change(reserve, reserve.rateBps)
  }

  letGo(reserve: Reserve): void {
    this.#change(reserve, -reserve.rateBps)
  }

  #change({ path, instead }: Reserve, rateBps: number): void {
    for (const link of path) {
      const before = this.#held[link] ?? 0
      const after = this.#shared ? this.#mostFor(link, instead, rateBps) : before + rateBps
      this.#held[link] = after
      this.#free.take({ path: [link], rateBps: after - before })
    }
  }

  #mostFor(link: number, instead: LinkPath, rateBps: number): number {
    const heldFor = this.#heldFor[link]
    if (heldFor === undefined) return 0
    for (const failed of instead) {
      const held = (heldFor.get(failed) ?? 0) + rateBps
      if (held > 0) heldFor.set(failed, held)
      else heldFor.delete(failed)
    }
    return Math.max(0, ...heldFor.values())
  }
}
