// Which services there are, over which paths they stand, and who is on a link; every change of a path goes through here, so
// that book and ledger never differ.

import type { LinkLedger, Reserve } from "./link-ledger.js"
import type { LinkPath } from "./path-question.js"
import type { RateTerms } from "./service-terms.js"

export interface RateService {
  readonly id: string
  readonly terms: RateTerms
  /** Each carries `minBps`; none while it waits. */
  readonly paths: readonly LinkPath[]
  /** Held ready for the one path it has. */
  readonly reserve?: Reserve
}

export class ServiceBook {
  readonly #ledger: LinkLedger
  readonly #services = new Map<string, RateService>()
  /** By link, who is on it or has a reserve on it. */
  readonly #on: Set<string>[]
  readonly #waiting = new Set<string>()
  /** Without a second path or reserve that their terms have. */
  readonly #unprotected = new Set<string>()

  constructor(ledger: LinkLedger, linkCount: number) {
    this.#ledger = ledger
    this.#on = Array.from({ length: linkCount }, () => new Set<string>())
  }

  get(id: string): RateService | undefined {
    return this.#services.get(id)
  }

  all(): IterableIterator<RateService> {
    return this.#services.values()
  }

  /** Those without a path, in no order. */
  waiting(): RateService[] {
    return this.#named(this.#waiting)
  }

  isUnprotected(id: string): boolean {
    return this.#unprotected.has(id)
  }

  unprotected(): RateService[] {
    return this.#named(this.#unprotected)
  }

  /** Those that have a path or a reserve over the link, in no order. */
  on(link: number): RateService[] {
    return this.#named(this.#on[link] ?? new Set())
  }

  /** A new service, or other terms for one that holds nothing: it waits. */
  enter(id: string, terms: RateTerms): void {
    this.#write({ id, terms, paths: [] })
  }

  /** It holds nothing any more and is forgotten. */
  strike(id: string): void {
    this.setReserve(id, undefined)
    this.setPaths(id, [])
    this.#services.delete(id)
    this.#waiting.delete(id)
    this.#unprotected.delete(id)
  }

  setPaths(id: string, paths: readonly LinkPath[]): void {
    const service = this.#services.get(id)
    if (service === undefined) return
    const { minBps } = service.terms
    for (const path of service.paths) this.#ledger.giveBack(path, minBps)
    for (const path of paths) this.#ledger.take(path, minBps)
    this.#write({ ...service, paths })
  }

  setReserve(id: string, reserve: Reserve | undefined): void {
    const service = this.#services.get(id)
    if (service === undefined) return
    if (service.reserve !== undefined) this.#ledger.letGo(service.reserve)
    if (reserve !== undefined) this.#ledger.hold(reserve)
    const { reserve: _, ...rest } = service
    this.#write(reserve === undefined ? rest : { ...rest, reserve })
  }

  #write(service: RateService): void {
    const { id, terms, paths, reserve } = service
    const before = this.#services.get(id)
    const links = (one: RateService | undefined): number[] => [
      ...(one?.paths.flat() ?? []),
      ...(one?.reserve?.path ?? []),
    ]
    for (const link of links(before)) this.#on[link]?.delete(id)
    for (const link of links(service)) this.#on[link]?.add(id)
    this.#services.set(id, service)
    put(this.#waiting, id, paths.length === 0)
    const bare =
      (terms.protection === "1+1" && paths.length === 1) ||
      (terms.protection === "reserved" && paths.length > 0 && reserve === undefined)
    put(this.#unprotected, id, bare)
  }

  #named(ids: ReadonlySet<string>): RateService[] {
    return [...ids].flatMap((id) => this.#services.get(id) ?? [])
  }
}

function put(set: Set<string>, id: string, belongs: boolean): void {
  if (belongs) set.add(id)
  else set.delete(id)
}

/** Greater priority first; equal ones in a fixed order. */
export function byPriority(a: RateService, b: RateService): number {
  return b.terms.priority - a.terms.priority || (a.id < b.id ? -1 : 1)
}
