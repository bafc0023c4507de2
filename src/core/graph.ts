// The network as the path engine reads it: its shape, and by link and node what may be used and what it costs, in
// typed arrays. It belongs to a picture and is shared by the drafts over it: entries touched since the last search are
// looked up again in the view that searches; the rest stays. Makes no choices.

import { PathGraph } from "../engine/path-graph.js"
import { RoomSearch } from "../engine/room-search.js"
import { ShortestPaths } from "../engine/shortest.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { PlannedPath } from "../model/service.js"
import { freeBps, priceOf, promisableBps, type Reservations } from "./allocate.js"
import type { Settings } from "./settings.js"
import { type KnownPath, PathNumberBook, type PathNumbers } from "./path-numbers.js"
import { isPresent, mayRelay, UNUSABLE, useOf } from "./usable.js"

/** What the graph reads of the network. */
export interface GraphSource extends Reservations {
  node(qkdnId: string): NetworkNode | undefined
  link(qkdlId: string): NetworkLink | undefined
  nodeIds(): Iterable<string>
  linkIds(): Iterable<string>
  /** Adds up what was put off; links touched by that are told to the graph. */
  settle(): void
}

export class Graph {
  nodeIds: string[] = []
  linkIds: string[] = []
  readonly #nodeNumbers = new Map<string, number>()
  readonly #linkNumbers = new Map<string, number>()

  shape = new PathGraph(0, [], [])
  searches = new ShortestPaths(this.shape)
  pair = new RoomSearch(this.shape)

  /** By link. */
  price = new Float64Array(0)
  residual = new Float64Array(0)
  /** By link: the residual rate, and what is kept for backups. */
  free = new Float64Array(0)
  epsilon = new Float64Array(0)
  /** By link, one each: hops as a weight. */
  ones = new Float64Array(0)
  #linkUse = new Uint8Array(0)
  /** By node: 1 where a new path may begin or end. */
  present = new Uint8Array(0)
  /** By node: 1 where a new path may pass. */
  passable = new Uint8Array(0)

  /** By link: 1 where the last question could go; kept for the next one that asks for the same. */
  readonly #usable = {
    links: new Uint8Array(0),
    minUse: -1,
    rateBps: 0,
    overBackups: false,
  }

  readonly #numbers = new PathNumberBook()
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
    view.settle()
    if (!this.#stale) this.#stale = this.#structureChanged(view)
    if (this.#stale) this.#rebuild(view)
    for (const id of this.#dirtyNodes) {
      const number = this.#nodeNumbers.get(id)
      if (number !== undefined) this.#lookUpNode(view, id, number)
    }
    for (const id of this.#dirtyLinks) {
      const number = this.#linkNumbers.get(id)
      if (number !== undefined) this.#lookUpLink(view, id, number, settings)
    }
    this.#dirtyNodes.clear()
    this.#dirtyLinks.clear()
  }

  nodeNumber(qkdnId: string): number | undefined {
    return this.#nodeNumbers.get(qkdnId)
  }

  linkNumber(qkdlId: string): number | undefined {
    return this.#linkNumbers.get(qkdlId)
  }

  /**
   * By link: 1 where it is of so much use and has so much left. Whoever writes to it puts it back.
   *
   * @param overBackups what is kept for backups counts as left
   */
  usableLinks(minUse: number, rateBps: number, overBackups: boolean): Uint8Array {
    const usable = this.#usable
    const same = usable.minUse === minUse && usable.rateBps === rateBps
    if (same && usable.overBackups === overBackups) return usable.links
    usable.minUse = minUse
    usable.rateBps = rateBps
    usable.overBackups = overBackups
    for (let link = 0; link < usable.links.length; link += 1) this.#markUsable(link)
    return usable.links
  }

  /** Numbers along a path, remembered while both are what they are; -1 for what is not there. */
  numbersOf(path: PlannedPath): PathNumbers {
    return this.#numbers.of(path, this.#linkNumbers, this.#nodeNumbers)
  }

  /** Among others where the numbers of a path begin in `pathValues`, which is to be read after this. */
  known(path: PlannedPath): KnownPath {
    return this.#numbers.known(path, this.#linkNumbers, this.#nodeNumbers)
  }

  /** What `known` says holds as long as this is the same. */
  get numbering(): number {
    return this.#numbers.numbering
  }

  /** Whether all nodes and links have had their numbers. */
  get isNumbered(): boolean {
    return !this.#stale
  }

  get pathValues(): Int32Array {
    return this.#numbers.values
  }

  linkUse(link: number): number {
    return this.#linkUse[link] ?? UNUSABLE
  }

  #markUsable(link: number): void {
    const { links, minUse, rateBps, overBackups } = this.#usable
    const left = (overBackups ? this.free : this.residual)[link] ?? 0
    links[link] = (rateBps <= 0 || left >= rateBps) && this.linkUse(link) >= minUse ? 1 : 0
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
      if (this.nodeIds[this.shape.linkA[number] ?? -1] !== link.a.qkdnId) return true
      if (this.nodeIds[this.shape.linkB[number] ?? -1] !== link.b.qkdnId) return true
    }
    return false
  }

  #rebuild(view: GraphSource): void {
    this.nodeIds = [...view.nodeIds()]
    renumber(this.#nodeNumbers, this.nodeIds)
    const linkA: number[] = []
    const linkB: number[] = []
    this.linkIds = []
    for (const id of view.linkIds()) {
      const link = view.link(id)
      const a = this.#nodeNumbers.get(link?.a.qkdnId ?? "")
      const b = this.#nodeNumbers.get(link?.b.qkdnId ?? "")
      if (a === undefined || b === undefined || a === b) continue
      this.linkIds.push(id)
      linkA.push(a)
      linkB.push(b)
    }
    renumber(this.#linkNumbers, this.linkIds)
    this.#numbers.clear()
    this.shape = new PathGraph(this.nodeIds.length, linkA, linkB)
    this.searches = new ShortestPaths(this.shape)
    this.pair = new RoomSearch(this.shape)
    const linkCount = linkA.length
    this.#linkUse = new Uint8Array(linkCount)
    this.price = new Float64Array(linkCount)
    this.residual = new Float64Array(linkCount)
    this.free = new Float64Array(linkCount)
    this.epsilon = new Float64Array(linkCount)
    this.ones = new Float64Array(linkCount).fill(1)
    this.#usable.links = new Uint8Array(linkCount)
    this.#usable.minUse = -1
    this.present = new Uint8Array(this.nodeIds.length)
    this.passable = new Uint8Array(this.nodeIds.length)
    this.nodeIds.forEach((id) => this.#dirtyNodes.add(id))
    this.linkIds.forEach((id) => this.#dirtyLinks.add(id))
    this.#stale = false
  }

  #lookUpNode(view: GraphSource, id: string, number: number): void {
    const node = view.node(id)
    const present = node !== undefined && isPresent(node)
    this.present[number] = present ? 1 : 0
    this.passable[number] = present && mayRelay(node) ? 1 : 0
  }

  #lookUpLink(view: GraphSource, id: string, number: number, settings: Settings): void {
    const link = view.link(id)
    if (link === undefined) return
    const free = freeBps(view, link, settings)
    const residual = free - view.backupBps(id)
    this.#linkUse[number] = useOf(link, settings)
    this.residual[number] = residual
    this.free[number] = free
    this.price[number] = priceOf(residual, promisableBps(link, settings), link.hold?.held === true)
    // A link whose epsilon is not known cannot keep any bound.
    this.epsilon[number] = link.epsilon ?? Number.POSITIVE_INFINITY
    this.#markUsable(number)
  }
}

function renumber(table: Map<string, number>, ids: readonly string[]): void {
  table.clear()
  ids.forEach((id, number) => table.set(id, number))
}
