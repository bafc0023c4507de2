// Why there is no key path: the one thing that stands in the way, in words an operator can act on. Asked only
// after a search failed; takes its time.

import { spanOf } from "../model/maintenance.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import { residualBps, stockBps } from "./allocate.js"
import { conditionOfLink, isPresent, mayRelay, UNUSABLE, useOf } from "./usable.js"
import { groups } from "./memberships.js"
import { linkName, nodeName, pathName } from "./names.js"
import { type FoundPath, findPath } from "./path.js"
import type { PathQuery } from "./path-query.js"
import type { Settings } from "./settings.js"
import type { View } from "./view.js"

export interface NoPath {
  readonly appTag: "no-path" | "no-capacity"
  readonly reason: string
}

/** The binding reason why `query` has no answer in `view`, whose graph has been refreshed. */
export function explainNoPath(view: View, query: PathQuery, settings: Settings): NoPath {
  return (
    absentEnd(view, query) ??
    tooLittleRate(view, query, settings) ??
    tooManyHops(view, query) ??
    tooMuchEpsilon(view, query) ??
    avoidedNodes(view, query) ??
    limitsTogether(view, query) ??
    cutOff(view, query, settings) ??
    noRelay(view, query)
  )
}

function noPath(reason: string): NoPath {
  return { appTag: "no-path", reason }
}

/** `query` without one of its limits. */
function without(query: PathQuery, limit: "maxHops" | "maxEpsilon" | "avoidNodes"): PathQuery {
  const rest: { -readonly [K in keyof PathQuery]: PathQuery[K] } = { ...query }
  if (limit === "maxHops") delete rest.maxHops
  else if (limit === "maxEpsilon") delete rest.maxEpsilon
  else delete rest.avoidNodes
  return rest
}

function absentEnd(view: View, query: PathQuery): NoPath | undefined {
  for (const qkdnId of [query.from, query.to]) {
    const node = view.node(qkdnId)
    if (node === undefined) return noPath(`no path: node ${qkdnId} is not in the inventory`)
    if (!isPresent(node)) return noPath(`no path: ${whyAbsent(node)}`)
  }
  return undefined
}

/** `Betzdorf is unreachable: connection refused`. */
export function whyAbsent(node: NetworkNode): string {
  if (node.outOfService === true) return `${node.name} is out of service`
  if (node.reach !== "connected") {
    const state = node.reach === "connecting" ? "not connected yet" : node.reach
    const because = node.reachReason === undefined ? "" : `: ${node.reachReason}`
    return `${node.name} is ${state}${because}`
  }
  return `${node.name} reports ${node.status ?? "no status"}`
}

function tooLittleRate(view: View, query: PathQuery, settings: Settings): NoPath | undefined {
  if (query.rateBps <= 0) return undefined
  const unlimited = findPath(view.graph, { ...query, rateBps: 0 })
  if (unlimited === undefined) return undefined
  const best = widest(view, query) ?? { path: unlimited, bps: 0 }
  const unknown = unmeasuredOn(view, best.path)
  const over = pathName(view, best.path.nodes)
  const reason =
    best.bps === 0 && unknown !== undefined
      ? notKnown(view, unknown)
      : `best is ${best.bps} bit/s over ${over}${stockOver(view, best.path, settings)}`
  return { appTag: "no-capacity", reason: `no path with ${query.rateBps} bit/s: ${reason}` }
}

/** The link for whose rate nothing can be promised to a query yet, though it generates. */
export function unmeasured(view: View, query: Omit<PathQuery, "rateBps">): NetworkLink | undefined {
  const path = findPath(view.graph, { ...query, rateBps: 0 })
  return path === undefined ? undefined : unmeasuredOn(view, path)
}

function unmeasuredOn(view: View, { hops }: FoundPath): NetworkLink | undefined {
  return hops
    .flatMap(({ qkdlId }) => view.link(qkdlId) ?? [])
    .find(({ capacityBps }) => capacityBps === undefined)
}

export function notKnown(view: View, link: NetworkLink): string {
  return `the rate of ${linkName(view, link)} is not known yet`
}

/** What the stock of the links that have least would add for a while. */
function stockOver(view: View, { hops }: FoundPath, settings: Settings): string {
  const links = hops.flatMap(({ qkdlId }) => view.link(qkdlId) ?? [])
  const most = links.map((link) => {
    const free = Math.max(0, residualBps(view, link, settings))
    return { free, withStock: free + stockBps(link, settings, 1) }
  })
  const free = Math.min(...most.map((one) => one.free))
  const bps = Math.min(...most.map((one) => one.withStock)) - free
  if (bps <= 0) return ""
  const seconds = settings.stockHorizonMs / 1000
  return `; stock would add ${bps} bit/s for ${seconds} s, which is lent and never promised`
}

/** The path with the greatest free rate that keeps all other limits: a search over the rates that occur. */
function widest(view: View, query: PathQuery): { path: FoundPath; bps: number } | undefined {
  const graph = view.graph
  const rates = new Set<number>()
  graph.linkIds.forEach((id, link) => {
    const free = (graph.residual[link] ?? 0) + (query.credit?.get(id) ?? 0)
    if (free > 0) rates.add(free)
  })
  const sorted = [...rates].sort((a, b) => a - b)
  let best: { path: FoundPath; bps: number } | undefined
  let low = 0
  let high = sorted.length - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    const bps = sorted[middle] ?? 0
    const path = findPath(graph, { ...query, rateBps: bps })
    if (path === undefined) high = middle - 1
    else {
      best = { path, bps }
      low = middle + 1
    }
  }
  return best
}

function tooManyHops(view: View, query: PathQuery): NoPath | undefined {
  if (query.maxHops === undefined) return undefined
  const most = view.graph.nodeIds.length
  if (findPath(view.graph, without(query, "maxHops")) === undefined) return undefined
  for (let hops = query.maxHops + 1; hops <= most; hops += 1) {
    const path = findPath(view.graph, { ...query, maxHops: hops })
    if (path === undefined) continue
    return noPath(
      `no path within ${query.maxHops} hops: the shortest has ${hops}, over ${pathName(view, path.nodes)}`,
    )
  }
  return undefined
}

function tooMuchEpsilon(view: View, query: PathQuery): NoPath | undefined {
  if (query.maxEpsilon === undefined) return undefined
  const path = findPath(view.graph, without(query, "maxEpsilon"))
  if (path === undefined) return undefined
  const unknown = path.hops
    .map((hop) => view.link(hop.qkdlId))
    .find((link) => link !== undefined && link.epsilon === undefined)
  const because =
    unknown === undefined
      ? `${pathName(view, path.nodes)} exceeds it`
      : `the epsilon of ${linkName(view, unknown)} is not known`
  return noPath(`no path within epsilon ${query.maxEpsilon}: ${because}`)
}

function avoidedNodes(view: View, query: PathQuery): NoPath | undefined {
  const path = findPath(view.graph, without(query, "avoidNodes"))
  if (path === undefined) return undefined
  const avoided = new Set(query.avoidNodes ?? [])
  const needed = path.nodes.filter((qkdnId) => avoided.has(qkdnId))
  return noPath(
    `no path that avoids ${needed.map((id) => nodeName(view, id)).join(", ")}: the best one left needs it`,
  )
}

/** There is a way, but it breaks more than one limit. */
function limitsTogether(view: View, query: PathQuery): NoPath | undefined {
  const { rateBps, maxHops, maxEpsilon, avoidNodes, ...rest } = query
  const path = findPath(view.graph, { ...rest, rateBps: 0 })
  if (path === undefined) return undefined
  const avoided = [...(avoidNodes ?? [])].map((qkdnId) => nodeName(view, qkdnId))
  const limits = [
    ...(rateBps > 0 ? [`${rateBps} bit/s`] : []),
    ...(maxHops === undefined ? [] : [`${maxHops} hops`]),
    ...(maxEpsilon === undefined ? [] : [`epsilon ${maxEpsilon}`]),
    ...(avoided.length === 0 ? [] : [`not over ${avoided.join(", ")}`]),
  ]
  return noPath(
    `no path keeps all of ${limits.join(", ")}: the best without limits is ${pathName(view, path.nodes)}`,
  )
}

/** An end none of whose links can be used, or, farther off, the links that are down. */
function cutOff(view: View, query: PathQuery, settings: Settings): NoPath | undefined {
  for (const qkdnId of [query.from, query.to]) {
    const links = view.members(groups.linksAt(qkdnId)).flatMap((id) => view.link(id) ?? [])
    if (links.some((link) => useOf(link, settings) !== UNUSABLE)) continue
    const name = nodeName(view, qkdnId)
    if (links.length === 0) return noPath(`no path: ${name} has no link`)
    const why = links.map((link) => `${linkName(view, link)} is ${conditionOfLink(link)}`)
    return noPath(`no path: ${name} is cut off: ${why.join(", ")}`)
  }
  return undefined
}

function noRelay(view: View, query: PathQuery): NoPath {
  const path = findPath(view.graph, { ...query, ignoreRelayRule: true })
  if (path !== undefined) {
    const stuck = path.nodes.slice(1, -1).filter((qkdnId) => {
      const node = view.node(qkdnId)
      return node !== undefined && !mayRelay(node)
    })
    return noPath(`no path: ${stuck.map((id) => nodeName(view, id)).join(", ")} may not relay`)
  }
  const down = [...view.linkIds()].flatMap((id) => {
    const link = view.link(id)
    if (link === undefined || (link.status === "ACTIVE" && link.maintenance === undefined))
      return []
    const { maintenance } = link
    const planned = maintenance === undefined ? "" : ` (maintenance ${spanOf(maintenance)})`
    return [`${linkName(view, link)}${planned}`]
  })
  const absent = [...view.nodeIds()].flatMap((id) => {
    const node = view.node(id)
    return node === undefined || isPresent(node) ? [] : [whyAbsent(node)]
  })
  const from = nodeName(view, query.from)
  const to = nodeName(view, query.to)
  const because = [
    ...(down.length === 0 ? [] : [`not generating: ${shortList(down)}`]),
    ...(absent.length === 0 ? [] : [shortList(absent)]),
  ]
  const tail = because.length === 0 ? "" : `: ${because.join("; ")}`
  return noPath(`no path: ${to} is cut off from ${from}${tail}`)
}

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ")
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
