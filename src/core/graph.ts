// The network as path searches walk it: compressed sparse rows in typed arrays. It belongs to a picture and is
// shared by the drafts over it: entries touched since the last search are looked up again in the view that
// searches. Makes no choices.

import type { NetworkLink, NetworkNode } from "../model/network.js"
import { priceOf, residualBps, type Reservations } from "./allocate.js"
import { Heap } from "../engine/heap.js"
import type { Settings } from "./settings.js"

/** Link may carry new paths: not at all, from stock only, or because it generates. */
export const UNUSABLE = 0
export const FROM_STOCK = 1
export const GENERATING = 2

/** Node may be on a new path, and may be inside one. */
export const PRESENT = 1
export const RELAYS = 2

/** What the graph reads of the network. */
export interface GraphSource extends Reservations {
  node(qkdnId: string): NetworkNode | undefined
  link(qkdlId: string): NetworkLink | undefined
  nodeIds(): Iterable<string>
  linkIds(): Iterable<string>
}

export class Graph {
  nodeIds: string[] = []
  linkIds: string[] = []
  readonly #nodeNumbers = new Map<string, number>()
  readonly #linkNumbers = new Map<string, number>()

  /** Arcs of node n: `first[n]` to `first[n + 1]`, exclusive. */
  first = new Int32Array(1)
  arcTo = new Int32Array(0)
  arcLink = new Int32Array(0)

  linkA = new Int32Array(0)
  linkB = new Int32Array(0)
  linkUse = new Uint8Array(0)
  price = new Float64Array(0)
  residual = new Float64Array(0)
  epsilon = new Float64Array(0)
  nodeFlags = new Uint8Array(0)

  /** Buffers of the searches, as long as the nodes. */
  heap = new Heap(0)
  distance = new Float64Array(0)
  arrivedBy = new Int32Array(0)
  stamps = new Uint32Array(0)
  #stamp = 0

  #stale = true
  readonly #dirtyNodes = new Set<string>()
  readonly #dirtyLinks = new Set<string>()

  touchNode(qkdnId: string): void {
    this.#dirtyNodes.add(qkdnId)
  }

  touchLink(qkdlId: string): void {
    this.#dirtyLinks.add(qkdlId)
  }

  /** Brings the arrays in step with `view`. Every search begins with it. */
  refresh(view: GraphSource, settings: Settings): void {
    if (!this.#stale) this.#stale = this.#structureChanged(view)
    if (this.#stale) this.#rebuild(view)
    const { nodes, links } = this.#dirty()
    for (const number of nodes) this.#lookUpNode(view, number)
    for (const number of links) this.#lookUpLink(view, number, settings)
    this.#dirtyNodes.clear()
    this.#dirtyLinks.clear()
  }

  nodeNumber(qkdnId: string): number | undefined {
    return this.#nodeNumbers.get(qkdnId)
  }

  linkNumber(qkdlId: string): number | undefined {
    return this.#linkNumbers.get(qkdlId)
  }

  /** A fresh mark for `stamps`. */
  nextStamp(): number {
    this.#stamp += 1
    if (this.#stamp === 0xffffffff) {
      this.stamps.fill(0)
      this.#stamp = 1
    }
    return this.#stamp
  }

  #dirty(): { nodes: number[]; links: number[] } {
    const numbers = (ids: Iterable<string>, table: ReadonlyMap<string, number>): number[] =>
      [...ids].flatMap((id) => table.get(id) ?? [])
    return {
      nodes: numbers(this.#dirtyNodes, this.#nodeNumbers),
      links: numbers(this.#dirtyLinks, this.#linkNumbers),
    }
  }

  #structureChanged(view: GraphSource): boolean {
    for (const id of this.#dirtyNodes) {
      if ((view.node(id) !== undefined) !== this.#nodeNumbers.has(id)) return true
    }
    for (const id of this.#dirtyLinks) {
      const link = view.link(id)
      const number = this.#linkNumbers.get(id)
      if (link === undefined || number === undefined) {
        if (link !== undefined || number !== undefined) return true
        continue
      }
      if (this.nodeIds[this.linkA[number] ?? -1] !== link.a.qkdnId) return true
      if (this.nodeIds[this.linkB[number] ?? -1] !== link.b.qkdnId) return true
    }
    return false
  }

  #rebuild(view: GraphSource): void {
    this.nodeIds = [...view.nodeIds()]
    this.linkIds = [...view.linkIds()]
    renumber(this.#nodeNumbers, this.nodeIds)
    renumber(this.#linkNumbers, this.linkIds)
    const nodeCount = this.nodeIds.length
    const linkCount = this.linkIds.length
    this.linkA = new Int32Array(linkCount)
    this.linkB = new Int32Array(linkCount)
    this.linkUse = new Uint8Array(linkCount)
    this.price = new Float64Array(linkCount)
    this.residual = new Float64Array(linkCount)
    this.epsilon = new Float64Array(linkCount)
    this.nodeFlags = new Uint8Array(nodeCount)
    this.heap = new Heap(nodeCount)
    this.distance = new Float64Array(nodeCount)
    this.arrivedBy = new Int32Array(nodeCount)
    this.stamps = new Uint32Array(nodeCount)
    this.#stamp = 0
    this.#layRows(view, nodeCount, linkCount)
    this.nodeIds.forEach((id) => this.#dirtyNodes.add(id))
    this.linkIds.forEach((id) => this.#dirtyLinks.add(id))
    this.#stale = false
  }

  #layRows(view: GraphSource, nodeCount: number, linkCount: number): void {
    const first = new Int32Array(nodeCount + 1)
    this.linkIds.forEach((id, number) => {
      const link = view.link(id)
      const a = this.#nodeNumbers.get(link?.a.qkdnId ?? "") ?? -1
      const b = this.#nodeNumbers.get(link?.b.qkdnId ?? "") ?? -1
      this.linkA[number] = a
      this.linkB[number] = b
      if (a < 0 || b < 0) return
      first[a + 1] = (first[a + 1] ?? 0) + 1
      first[b + 1] = (first[b + 1] ?? 0) + 1
    })
    for (let n = 0; n < nodeCount; n += 1) first[n + 1] = (first[n + 1] ?? 0) + (first[n] ?? 0)
    const fill = first.slice()
    this.first = first
    this.arcTo = new Int32Array(first[nodeCount] ?? 0)
    this.arcLink = new Int32Array(first[nodeCount] ?? 0)
    const lay = (from: number, to: number, link: number): void => {
      const place = fill[from] ?? 0
      fill[from] = place + 1
      this.arcTo[place] = to
      this.arcLink[place] = link
    }
    for (let link = 0; link < linkCount; link += 1) {
      const a = this.linkA[link] ?? -1
      const b = this.linkB[link] ?? -1
      if (a < 0 || b < 0) continue
      lay(a, b, link)
      lay(b, a, link)
    }
  }

  #lookUpNode(view: GraphSource, number: number): void {
    const node = view.node(this.nodeIds[number] ?? "")
    this.nodeFlags[number] =
      node === undefined ? 0 : (isPresent(node) ? PRESENT : 0) | (mayRelay(node) ? RELAYS : 0)
  }

  #lookUpLink(view: GraphSource, number: number, settings: Settings): void {
    const link = view.link(this.linkIds[number] ?? "")
    if (link === undefined) return
    const residual = residualBps(view, link, settings)
    this.linkUse[number] = useOf(link, settings)
    this.residual[number] = residual
    this.price[number] = priceOf(residual, link.hold?.held === true)
    // A link whose epsilon is not known cannot keep any bound.
    this.epsilon[number] = link.epsilon ?? Number.POSITIVE_INFINITY
  }
}

function renumber(table: Map<string, number>, ids: readonly string[]): void {
  table.clear()
  ids.forEach((id, number) => table.set(id, number))
}

/** Whether a node can be told to take part in a new path. */
export function isPresent(node: NetworkNode): boolean {
  return (
    node.reach === "connected" &&
    node.outOfService !== true &&
    node.status !== "DOWN" &&
    node.status !== "FAILURE" &&
    node.status !== "OUT"
  )
}

/** By inventory and by the node's own word (015 `key_relay_mode_enable`, which is also a policy switch). */
export function mayRelay(node: NetworkNode): boolean {
  return node.relay && node.capabilities?.keyRelay !== false
}

/** What new paths may do with a link. */
export function useOf(link: NetworkLink, settings: Settings): number {
  if (!link.enabled) return UNUSABLE
  if (link.status === "ACTIVE") return GENERATING
  const stock = link.performance.stockBits ?? 0
  return link.status === "PASSIVE" && stock >= settings.minStockBits ? FROM_STOCK : UNUSABLE
}
