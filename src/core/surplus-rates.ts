// How much of each link is lent as surplus to services above their guaranteed rates. Adds up; decides nothing.

import { surplusOf } from "../model/granted.js"
import type { Service } from "../model/service.js"
import { lanesOf } from "./memberships.js"

/** The links that its application takes keys over: of paths that stand, and of those the ends have been told. */
export function linksInUse(service: Partial<Pick<Service, "path" | "next" | "beside">>): string[] {
  const found = new Set<string>()
  for (const { path, next } of lanesOf(service)) {
    for (const one of [path, next?.phase === "ends" ? next : undefined])
      for (const { qkdlId } of one?.hops ?? []) found.add(qkdlId)
  }
  return [...found]
}

/** The links that it takes keys over as soon as its ends have what they have been told. */
export function linksToUse(service: Partial<Pick<Service, "path" | "next" | "beside">>): string[] {
  return lanesOf(service).flatMap(({ path, next }) => {
    const hops = (next?.phase === "ends" ? next : path)?.hops ?? []
    return hops.map(({ qkdlId }) => qkdlId)
  })
}

export class SurplusRates {
  readonly #under: SurplusRates | undefined
  /** By link, bits per second: what differs from below. */
  readonly #byLink = new Map<string, number>()

  constructor(under?: SurplusRates) {
    this.#under = under
  }

  enter(before: Service | undefined, after: Service | null): void {
    this.#add(before, -1)
    this.#add(after ?? undefined, 1)
  }

  /** Bits per second lent on a link. */
  bps(qkdlId: string): number {
    return (this.#byLink.get(qkdlId) ?? 0) + (this.#under?.bps(qkdlId) ?? 0)
  }

  #add(service: Service | undefined, sign: 1 | -1): void {
    if (service?.surplus === undefined) return
    const bps = surplusOf(service)
    if (bps === 0) return
    for (const qkdlId of linksInUse(service)) {
      const sum = (this.#byLink.get(qkdlId) ?? 0) + sign * bps
      if (sum === 0) this.#byLink.delete(qkdlId)
      else this.#byLink.set(qkdlId, sum)
    }
  }
}
