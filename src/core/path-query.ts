// What is asked of a path search, in ids, and the same as a question to the engine. What a query leaves out is taken out
// of the graph's own masks for as long as it is answered, and put back. Searches nothing itself.

import type { Limit, PathQuestion } from "../engine/path-question.js"
import type { Waypoint } from "../engine/waypoint.js"
import type { Graph } from "./graph.js"
import { FROM_STOCK, GENERATING } from "./usable.js"

export interface PathQuery {
  readonly from: string
  readonly to: string
  /** Rate every link must have free, bits per second; 0 asks for none. */
  readonly rateBps: number
  readonly avoidNodes?: Iterable<string>
  readonly avoidLinks?: Iterable<string>
  /** Nodes the path must pass, in any order. */
  readonly requireNodes?: readonly string[]
  readonly maxHops?: number
  /** Bound on the sum of epsilon; links of unknown epsilon are left out. */
  readonly maxEpsilon?: number
  /** Also links that do not generate but hold stock. */
  readonly allowStock?: boolean
  /** Rate that counts as free on top, by link: what the asker itself holds there. */
  readonly credit?: ReadonlyMap<string, number>
  /** Rate that counts as free on top, for links that lack it. */
  readonly slackBps?: (qkdlId: string) => number
  /** Added to the price, by link: what a path should rather not take. */
  readonly surcharge?: ReadonlyMap<string, number>
  /** What is kept for backups counts as free: for a service that has lost its path. */
  readonly overBackups?: boolean
  /** Go through nodes that may not relay. To find out why there is no path; never for a path to use. */
  readonly ignoreRelayRule?: boolean
}

/** A query as the engine takes it. */
export interface Ruled {
  readonly question: PathQuestion
  readonly limits: readonly Limit[]
  readonly waypoints: readonly Waypoint[]
}

/**
 * What `answer` says to the query; undefined when an end is unknown, absent or avoided, or both are one, or a required
 * node is unknown. The question holds only until `answer` returns. The graph must have been refreshed.
 */
export function ask<T>(
  graph: Graph,
  query: PathQuery,
  answer: (ruled: Ruled) => T | undefined,
): T | undefined {
  const from = graph.nodeNumber(query.from)
  const to = graph.nodeNumber(query.to)
  if (from === undefined || to === undefined || from === to) return undefined
  if (graph.present[from] !== 1 || graph.present[to] !== 1) return undefined
  const waypoints: Waypoint[] = []
  for (const id of query.requireNodes ?? NOTHING) {
    const number = graph.nodeNumber(id)
    if (number === undefined) return undefined
    waypoints.push({ nodes: [number] })
  }
  const minUse = query.allowStock === true ? FROM_STOCK : GENERATING
  const overBackups = query.overBackups === true
  const usableLinks = graph.usableLinks(minUse, query.rateBps, overBackups)
  const left = overBackups ? graph.free : graph.residual
  const passableNodes = query.ignoreRelayRule === true ? graph.present.slice() : graph.passable
  const out = new Patches()
  try {
    for (const id of query.avoidNodes ?? NOTHING) {
      const number = graph.nodeNumber(id)
      if (number === from || number === to) return undefined
      if (number !== undefined) out.write(passableNodes, number, 0)
    }
    for (const [id, bps] of query.credit ?? NO_RATES) {
      const number = graph.linkNumber(id)
      if (number === undefined || usableLinks[number] === 1) continue
      const free = (left[number] ?? 0) + bps
      if (graph.linkUse(number) >= minUse && free >= query.rateBps)
        out.write(usableLinks, number, 1)
    }
    if (query.slackBps !== undefined && query.rateBps > 0) {
      for (let link = 0; link < usableLinks.length; link += 1) {
        if (usableLinks[link] === 1 || graph.linkUse(link) < minUse) continue
        const free = (left[link] ?? 0) + query.slackBps(graph.linkIds[link] ?? "")
        if (free >= query.rateBps) out.write(usableLinks, link, 1)
      }
    }
    for (const id of query.avoidLinks ?? NOTHING) {
      const number = graph.linkNumber(id)
      if (number !== undefined) out.write(usableLinks, number, 0)
    }
    for (const [id, price] of query.surcharge ?? NO_RATES) {
      const number = graph.linkNumber(id)
      if (number !== undefined) out.write(graph.price, number, (graph.price[number] ?? 0) + price)
    }
    const question = { from, to, cost: graph.price, usableLinks, passableNodes }
    return answer({ question, limits: limitsOf(graph, query), waypoints })
  } finally {
    out.undo()
  }
}

const NO_LIMITS: readonly Limit[] = []
const NOTHING: readonly string[] = []
const NO_RATES: ReadonlyMap<string, number> = new Map()

function limitsOf(graph: Graph, { maxHops, maxEpsilon }: PathQuery): readonly Limit[] {
  if (maxHops === undefined && maxEpsilon === undefined) return NO_LIMITS
  return [
    ...(maxHops === undefined ? [] : [{ weight: graph.ones, max: maxHops }]),
    ...(maxEpsilon === undefined ? [] : [{ weight: graph.epsilon, max: maxEpsilon }]),
  ]
}

type Mask = Uint8Array | Float64Array

/** Entries of masks that are otherwise for a while. */
class Patches {
  readonly #written: {
    readonly mask: Mask
    readonly place: number
    readonly before: number
  }[] = []

  write(mask: Mask, place: number, value: number): void {
    this.#written.push({ mask, place, before: mask[place] ?? 0 })
    mask[place] = value
  }

  undo(): void {
    for (let i = this.#written.length - 1; i >= 0; i -= 1) {
      const one = this.#written[i]
      if (one !== undefined) one.mask[one.place] = one.before
    }
  }
}
