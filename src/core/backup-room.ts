// Whether backups can be used as they were prepared: rate is counted as they are taken, in numbers of the graph, and each
// node is told once of all that begins there.

import type { AvoidedNode, BackupPath, KeyPath, PlannedPath, Service } from "../model/service.js"
import type { PathNumbers } from "./path-numbers.js"
import type { Turn } from "./turn.js"
import { GENERATING } from "./usable.js"

/** Below anything that could be left. */
const UNFIT = Number.NEGATIVE_INFINITY

export class BackupRoom {
  readonly #turn: Turn
  /** By link, what is left; `UNFIT` where the link is of no use. */
  #left = new Float64Array(0)
  /** By node: 1 when it was told of a path that begins. */
  #told = new Uint8Array(0)
  #current = false

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** Others have taken or given rate meanwhile. */
  changed(): void {
    this.#current = false
  }

  /**
   * Takes the backup if it can be used; the nodes that a path over it begins with are told.
   *
   * @param left the path that it was for, where the service has just given that up
   * @returns these nodes; undefined when it cannot be used
   */
  take(
    { path, terms, avoiding }: Pick<Service, "path" | "terms" | "avoiding">,
    backup: BackupPath,
    left: KeyPath | undefined,
  ): readonly string[] | undefined {
    if (backup.rateBps < terms.minRateBps) return undefined
    const { graph } = this.#turn.draft
    if (!this.#current) this.#look()
    // What it has in common with the path in use is the service's already.
    const mayShare = backup.disjoint === "part" || left !== undefined
    const own = mayShare && path !== undefined ? linksOf(graph.numbersOf(path)) : undefined
    const { start, hops, relays } = graph.known(backup)
    if (avoiding !== undefined && this.#avoids(avoiding, backup)) return undefined
    if (!this.#takeAt(start, hops, terms.minRateBps, own)) return undefined
    // A path without relays begins with its ends (phases.ts).
    return hops > 1 ? relays : backup.nodes
  }

  /** The same for a service of which `ready` says that it is, by its number. */
  takeReady(number: number): boolean {
    const { graph, ready } = this.#turn.draft
    if (!this.#current) this.#look()
    const start = ready.startOf(number, graph)
    const own = ready.ownLinks(number, graph)
    return this.#takeAt(start, ready.hopCount(number), ready.rateBps(number), own)
  }

  #takeAt(start: number, hops: number, rateBps: number, own: Int32Array | undefined): boolean {
    const free = this.#left
    const { present, passable, pathValues: values } = this.#turn.draft.graph
    const end = start + hops
    for (let place = start; place < end; place += 1) {
      const link = values[place] ?? -1
      const bps = free[link] ?? UNFIT
      if (bps === UNFIT) return false
      if (bps < rateBps && rateBps > 0 && own?.includes(link) !== true) return false
    }
    const last = end + hops
    if (present[values[end] ?? -1] !== 1 || present[values[last] ?? -1] !== 1) return false
    for (let place = end + 1; place < last; place += 1)
      if (passable[values[place] ?? -1] !== 1) return false
    for (let place = start; place < end; place += 1) {
      const link = values[place] ?? -1
      if (own?.includes(link) !== true) free[link] = (free[link] ?? 0) - rateBps
    }
    // A path without relays begins with its ends (phases.ts).
    if (hops > 1) this.#tell(values, end + 1, last)
    else this.#tell(values, end, last + 1)
    return true
  }

  /** Each node once a cut. */
  #tell(values: Int32Array, from: number, to: number): void {
    const told = this.#told
    for (let place = from; place < to; place += 1) {
      const node = values[place] ?? -1
      if (told[node] === 1) continue
      told[node] = 1
      this.#turn.sync(this.#turn.draft.graph.nodeIds[node] ?? "")
    }
  }

  #look(): void {
    const { draft, settings } = this.#turn
    const { graph } = draft
    graph.refresh(draft, settings)
    this.#left = graph.free.map((bps, link) => (graph.linkUse(link) < GENERATING ? UNFIT : bps))
    if (this.#told.length !== graph.nodeIds.length)
      this.#told = new Uint8Array(graph.nodeIds.length)
    this.#current = true
  }

  #avoids(avoiding: readonly AvoidedNode[], { nodes }: PlannedPath): boolean {
    return avoiding.some(
      ({ qkdnId, untilMs }) => untilMs > this.#turn.now && nodes.includes(qkdnId),
    )
  }
}

function linksOf({ values, start, hops }: PathNumbers): Int32Array {
  return values.subarray(start, start + hops)
}
