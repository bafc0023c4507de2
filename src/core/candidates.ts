// The k cheapest key paths that a service could take: each differs from the others in at least one link, none visits a
// node twice. What a path could carry and what it costs is told with it.
// Changes nothing: whoever asks chooses, and says so by an order of its own.

import type { Hop, Service, ServiceTerms } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { explainNoPath, type NoPath } from "./explain.js"
import { linkName, nodeName } from "./names.js"
import { type FoundPath, findPath, findPaths } from "./path.js"
import type { PathQuery } from "./path-query.js"
import { locate } from "./registry.js"
import { reservationsOf } from "./reservations.js"
import { queryOf, type Routable } from "./routing.js"
import type { Settings } from "./settings.js"
import type { View } from "./view.js"

/** Candidates of a service that stands or waits, or of one that could be ordered. */
export type CandidateAsk = (
  | { readonly serviceId: string }
  | { readonly aSaeId: string; readonly bSaeId: string; readonly terms: ServiceTerms }
) & {
  readonly count: number
  readonly avoidNodes: readonly string[]
  readonly avoidLinks: readonly string[]
  /** Key bits that every link must have in store, by its nodes' last word. Absent: none. */
  readonly minStockBits?: number
}

export interface Candidate {
  readonly hops: readonly Hop[]
  readonly nodes: readonly string[]
  /** The rate free on every link of it, what the service itself holds there included; bits per second. */
  readonly freeBps: number
  /** The least that a link of it has in store; absent where one of them does not tell. */
  readonly stockBits?: number
  /** Sums over the links; absent where one of them is not known. */
  readonly lengthKm?: number
  readonly latencyMs?: number
  readonly epsilon?: number
  /** The service's path in use. */
  readonly deployed: boolean
}

export type Candidates =
  | { readonly candidates: readonly Candidate[]; readonly none?: undefined }
  | {
      readonly candidates?: undefined
      readonly none: NoPath | { readonly appTag: "unknown-sae"; readonly reason: string }
    }
  | undefined

/** The cheapest candidates, or why there is none; undefined when the service is not there. */
export function candidatesFor(view: View, ask: CandidateAsk, settings: Settings): Candidates {
  const service = "serviceId" in ask ? view.service(ask.serviceId) : routable(view, ask)
  if (service === undefined) return undefined
  if (!("a" in service)) {
    return { none: { appTag: "unknown-sae", reason: service.reason } }
  }
  const { a, b } = service
  if (a.qkdnId === b.qkdnId) {
    const reason = `no path: ${a.saeId} and ${b.saeId} are both at ${nodeName(view, a.qkdnId)}`
    return { none: { appTag: "no-path", reason } }
  }
  view.graph.refresh(view, settings)
  const query = queryOf(service, ask.avoidNodes.map(asNode), ask.avoidLinks)
  const { minStockBits = 0 } = ask
  const avoidLinks = [...(query.avoidLinks ?? []), ...shortOf(view, minStockBits)]
  const found = findPaths(view.graph, { ...query, avoidLinks }, ask.count)
  if (found.length === 0)
    return {
      none: tooLittleStock(view, query, minStockBits) ?? explainNoPath(view, query, settings),
    }
  return { candidates: found.map((path) => describe(view, path, service, settings)) }
}

/** Links that have less in store, or do not tell. */
function shortOf(view: View, minStockBits: number): readonly string[] {
  if (minStockBits <= 0) return []
  return [...view.linkIds()].filter((id) => stockOf(view, id) < minStockBits)
}

function stockOf(view: View, qkdlId: string): number {
  return view.link(qkdlId)?.performance.stockBits ?? 0
}

/** Whether it is the stock that is wanting. */
function tooLittleStock(view: View, query: PathQuery, minStockBits: number): NoPath | undefined {
  const path = minStockBits > 0 ? findPath(view.graph, query) : undefined
  if (path === undefined) return undefined
  const short = path.hops.find(({ qkdlId }) => stockOf(view, qkdlId) < minStockBits)
  const link = view.link(short?.qkdlId ?? "")
  const has =
    link === undefined ? "" : `: ${linkName(view, link)} has ${stockOf(view, link.qkdlId)}`
  const reason = `no path over links with ${minStockBits} bit in store${has}`
  return { appTag: "no-capacity", reason }
}

function asNode(qkdnId: string): { readonly qkdnId: string } {
  return { qkdnId }
}

function routable(
  view: View,
  ask: { readonly aSaeId: string; readonly bSaeId: string; readonly terms: ServiceTerms },
): Routable | { readonly reason: string } {
  const a = locate(view, ask.aSaeId, "SAE")
  if (a.reason !== undefined) return { reason: a.reason }
  const b = locate(view, ask.bSaeId, "peer SAE")
  if (b.reason !== undefined) return { reason: b.reason }
  return {
    a: { saeId: ask.aSaeId, qkdnId: a.qkdnId },
    b: { saeId: ask.bSaeId, qkdnId: b.qkdnId },
    terms: ask.terms,
  }
}

function nameOf(path: FoundPath): string {
  return path.hops.map((hop) => hop.qkdlId).join(" ")
}

function describe(
  view: View,
  found: FoundPath,
  service: Routable | Service,
  settings: Settings,
): Candidate {
  const own = reservationsOf(service)
  const links = found.hops.map((hop) => view.link(hop.qkdlId))
  const free = links.map((link) =>
    link === undefined ? 0 : residualBps(view, link, settings) + (own.get(link.qkdlId) ?? 0),
  )
  const lengthKm = sum(links, (link) => link?.lengthKm)
  const latencyMs = sum(links, (link) => link?.latencyMs)
  const epsilon = sum(links, (link) => link?.epsilon)
  const stocks = links.flatMap((link) => link?.performance.stockBits ?? [])
  const inUse = service.path?.hops.map((hop) => hop.qkdlId).join(" ")
  return {
    hops: found.hops,
    nodes: found.nodes,
    freeBps: Math.max(0, Math.floor(Math.min(...free))),
    ...(stocks.length < links.length ? {} : { stockBits: Math.min(...stocks) }),
    ...(lengthKm === undefined ? {} : { lengthKm }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(epsilon === undefined ? {} : { epsilon }),
    deployed: inUse === nameOf(found),
  }
}

/** Undefined as soon as one part is not known. */
function sum<T>(parts: readonly T[], of: (part: T) => number | undefined): number | undefined {
  let total = 0
  for (const part of parts) {
    const value = of(part)
    if (value === undefined) return undefined
    total += value
  }
  return total
}
