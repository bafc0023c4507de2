// A second count of what services take of links, by nothing but their paths: the judge of admission. Knows no rule of it
// beyond what is promised. Used by the test of admission and by bench/allocation-events.ts.

import assert from "node:assert/strict"
import type { Admission } from "../../src/engine/admission.js"
import type { LinkPath } from "../../src/engine/path-question.js"
import type { PathGraph } from "../../src/engine/path-graph.js"
import type { RateService } from "../../src/engine/service-book.js"

export class NetworkLedger {
  readonly #graph: PathGraph
  readonly #rateBps: number[]
  readonly #down = new Set<number>()

  constructor(graph: PathGraph, rateBps: ArrayLike<number>) {
    this.#graph = graph
    this.#rateBps = Array.from(rateBps)
  }

  cut(link: number): void {
    this.#down.add(link)
  }

  mend(link: number): void {
    this.#down.delete(link)
  }

  drift(link: number, rateBps: number): void {
    this.#rateBps[link] = rateBps
  }

  rateOf(link: number): number {
    return this.#down.has(link) ? 0 : (this.#rateBps[link] ?? 0)
  }

  /** Fails where a promise is broken: a link is over, a path is none, shares meet, a reserve would not do. */
  check(admission: Admission, withSurplus: boolean): void {
    const taken = new Map<number, number>()
    for (const service of admission.services()) {
      this.#checkPaths(service)
      for (const path of service.paths) addAlong(taken, path, service.terms.minBps)
    }
    this.#checkLoad(taken, "minima")
    this.#checkReserves([...admission.services()], taken)
    if (!withSurplus) return
    for (const [id, bps] of admission.surplus()) {
      const service = admission.service(id)
      assert(service !== undefined && bps >= 0)
      assert(service.terms.minBps + bps <= service.terms.maxBps, `${id} has more than it wants`)
      for (const path of service.paths) addAlong(taken, path, bps)
    }
    this.#checkLoad(taken, "minima and surplus")
  }

  #checkLoad(load: ReadonlyMap<number, number>, what: string): void {
    for (const [link, bps] of load)
      assert(
        bps <= this.rateOf(link),
        `link ${link} carries ${bps} of ${this.rateOf(link)}: ${what}`,
      )
  }

  #checkPaths({ id, terms, paths, reserve }: RateService): void {
    const { from, to, protection, tolerance } = terms
    if (paths.length === 0) assert.equal(reserve, undefined, `${id} waits and holds a reserve`)
    else if (tolerance > 0) assert.equal(paths.length, tolerance + 1, `${id} lacks a share`)
    else assert(paths.length <= (protection === "1+1" ? 2 : 1), `${id} has a path too many`)
    const all = reserve === undefined ? paths : [...paths, reserve.path]
    for (const path of all) {
      const nodes = this.#graph.nodesOf(from, path)
      assert.equal(nodes.at(-1), to, `${id} ends elsewhere`)
      assert.equal(new Set(nodes).size, nodes.length, `${id} goes round`)
      for (const link of path) assert(!this.#down.has(link), `${id} stands on a cut link`)
    }
    const links = all.flat()
    assert.equal(new Set(links).size, links.length, `${id} has two paths over one link`)
    const relays = paths.flatMap((path) => this.#graph.nodesOf(from, path).slice(1, -1))
    if (tolerance > 0)
      assert.equal(new Set(relays).size, relays.length, `shares of ${id} meet in a node`)
  }

  /** Whatever single link fails, those who have a reserve for it fit on it beside all that stands. */
  #checkReserves(services: readonly RateService[], taken: ReadonlyMap<number, number>): void {
    const byFailure = new Map<number, Map<number, number>>()
    for (const { paths, reserve } of services)
      for (const failed of reserve === undefined ? [] : (paths[0] ?? [])) {
        const load = byFailure.get(failed) ?? new Map<number, number>()
        byFailure.set(failed, load)
        addAlong(load, reserve?.path ?? [], reserve?.rateBps ?? 0)
      }
    for (const [failed, load] of byFailure)
      for (const [link, bps] of load)
        assert(
          (taken.get(link) ?? 0) + bps <= this.rateOf(link),
          `when link ${failed} fails, link ${link} is over`,
        )
  }
}

function addAlong(load: Map<number, number>, path: LinkPath, bps: number): void {
  for (const link of path) load.set(link, (load.get(link) ?? 0) + bps)
}
