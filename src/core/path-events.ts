// What an operator orders of a service's path: exactly this one, or another than the one in use. The path is judged
// as the search would judge it; it is set up beside the standing one, which leaves when the new one stands. It is
// not pinned: when it fails, the service moves on as any other.

import type { Hop, Service } from "../model/service.js"
import { residualBps } from "./allocate.js"
import { withBackup } from "./backups.js"
import type { OperatorEvent, Reply } from "./event.js"
import { explainNoPath, whyAbsent } from "./explain.js"
import { GENERATING, isPresent, mayRelay, useOf } from "./usable.js"
import { reservationsOf } from "./memberships.js"
import { linkName, nodeName } from "./names.js"
import { type FoundPath, findPaths } from "./path.js"
import { isOnSeveral } from "./lanes.js"
import { abandonNext, beginPath, sameLinks } from "./phases.js"
import { queryOf, route } from "./routing.js"
import { stay } from "./service-life.js"
import { brokenTerm } from "./term-check.js"
import type { Turn } from "./turn.js"

type Refusal = Extract<Reply, { ok: false }>

export function pathDeployed(turn: Turn, serviceId: string, qkdlIds: readonly string[]): Reply {
  const service = standingService(turn, serviceId)
  if ("tag" in service) return service
  const path = walk(turn, service, qkdlIds)
  if ("tag" in path) return path
  const fault = unfit(turn, service, path)
  if (fault !== undefined) return fault
  return take(turn, service, path, "deployed by order")
}

export function serviceMoved(
  turn: Turn,
  order: Extract<OperatorEvent, { kind: "service-moved" }>,
): Reply {
  const service = standingService(turn, order.serviceId)
  if ("tag" in service) return service
  for (const [index, qkdnId] of order.avoidNodes.entries()) {
    const path = `/avoidNodes/${index}`
    if (turn.draft.node(qkdnId) === undefined)
      return refused("data-missing", `there is no node ${qkdnId}`, path)
    if (qkdnId === service.a.qkdnId || qkdnId === service.b.qkdnId) {
      const message = `${nodeName(turn.draft, qkdnId)} is an end of the service`
      return refused("invalid-value", message, path)
    }
  }
  for (const [index, qkdlId] of order.avoidLinks.entries()) {
    if (turn.draft.link(qkdlId) === undefined)
      return refused("data-missing", `there is no link ${qkdlId}`, `/avoidLinks/${index}`)
  }
  const anywhere = order.avoidNodes.length + order.avoidLinks.length === 0
  const found = anywhere ? another(turn, service) : around(turn, service, order)
  if ("tag" in found) return found
  return take(turn, service, found, "moved by order")
}

function standingService(turn: Turn, serviceId: string): Service | Refusal {
  const service = turn.draft.service(serviceId)
  if (service === undefined) return refused("data-missing", `there is no service ${serviceId}`)
  if (service.state === "removing")
    return refused("in-use", `service ${serviceId} is being removed`)
  if (isOnSeveral(service)) {
    const message = `service ${serviceId} stands on several paths: which ones is worked out together`
    return refused("operation-not-supported", message)
  }
  return service
}

/** The cheapest path that is not the one in use. */
function another(turn: Turn, service: Service): FoundPath | Refusal {
  const { draft, settings } = turn
  draft.graph.refresh(draft, settings)
  const query = queryOf(service, [], [])
  const paths = findPaths(draft.graph, query, 2)
  const now = service.path
  const found = paths.find((path) => now === undefined || !sameLinks(path.hops, now.hops))
  if (found !== undefined) return found
  if (paths.length === 0) {
    const { appTag, reason } = explainNoPath(draft, query, settings)
    return { ...refused("resource-denied", reason), appTag }
  }
  const reason = "no path: there is none but the one in use"
  return { ...refused("resource-denied", reason), appTag: "no-path" }
}

function around(
  turn: Turn,
  service: Service,
  order: { readonly avoidNodes: readonly string[]; readonly avoidLinks: readonly string[] },
): FoundPath | Refusal {
  const { terms } = service
  const avoidNodes = [...terms.avoidNodes, ...order.avoidNodes]
  const routed = route(turn, { ...service, terms: { ...terms, avoidNodes } }, order.avoidLinks)
  if (routed.found !== undefined) return routed.found
  const { appTag, reason } = routed.none
  return { ...refused("resource-denied", reason), appTag }
}

function take(turn: Turn, service: Service, path: FoundPath, why: string): Reply {
  const { serviceId } = service
  const done: Reply = { ok: true, id: serviceId }
  const onTheWay = service.next !== undefined && sameLinks(path.hops, service.next.hops)
  const inUse = service.path !== undefined && sameLinks(path.hops, service.path.hops)
  if (onTheWay) return done
  const free = abandonNext(turn, service)
  if (inUse) {
    stay(turn, free)
    return done
  }
  const { home: _home, ...chosen } = free
  withBackup(turn, beginPath(turn, chosen, path))
  const type = service.path === undefined ? "service.pending" : "service.moving"
  turn.notify("service", type, serviceId, why)
  return done
}

/** The links as a path from end a to end b, or the first thing that makes them none. */
function walk(turn: Turn, service: Service, qkdlIds: readonly string[]): FoundPath | Refusal {
  const { draft } = turn
  const hops: Hop[] = []
  const nodes = [service.a.qkdnId]
  let here = service.a.qkdnId
  for (const [index, qkdlId] of qkdlIds.entries()) {
    const at = `/qkdlIds/${index}`
    const link = draft.link(qkdlId)
    if (link === undefined) return refused("data-missing", `there is no link ${qkdlId}`, at)
    const there = link.a.qkdnId === here ? link.b.qkdnId : link.a.qkdnId
    if (link.a.qkdnId !== here && link.b.qkdnId !== here) {
      const message = `${linkName(draft, link)} does not go on from ${nodeName(draft, here)}`
      return refused("invalid-value", message, at)
    }
    if (nodes.includes(there)) {
      const message = `the path comes back to ${nodeName(draft, there)}`
      return refused("invalid-value", message, at)
    }
    hops.push({ qkdlId, from: here, to: there })
    nodes.push(there)
    here = there
  }
  if (here !== service.b.qkdnId) {
    const wanted = nodeName(draft, service.b.qkdnId)
    const message = `the path ends at ${nodeName(draft, here)}, not at ${wanted}`
    return refused("invalid-value", message, "/qkdlIds")
  }
  return { hops, nodes, price: 0 }
}

/** What forbids the path now; the same rules as the search's. */
function unfit(turn: Turn, service: Service, path: FoundPath): Refusal | undefined {
  const { draft, settings } = turn
  const noPath = (reason: string, index?: number): Refusal => ({
    ...refused(
      "resource-denied",
      `no path: ${reason}`,
      index === undefined ? "/qkdlIds" : `/qkdlIds/${index}`,
    ),
    appTag: "no-path",
  })
  for (const [place, qkdnId] of path.nodes.entries()) {
    const node = draft.node(qkdnId)
    if (node === undefined) return noPath(`node ${qkdnId} is not in the inventory`)
    if (!isPresent(node)) return noPath(whyAbsent(node))
    const inside = place > 0 && place < path.nodes.length - 1
    if (inside && !mayRelay(node)) return noPath(`${node.name} may not relay`)
  }
  const { terms } = service
  const own = reservationsOf(service)
  for (const [index, { qkdlId }] of path.hops.entries()) {
    const link = draft.link(qkdlId)
    if (link === undefined) continue
    if (useOf(link, settings) < GENERATING) {
      const state = link.enabled ? link.status : "disabled"
      return noPath(`${linkName(draft, link)} is ${state}`, index)
    }
    const free = Math.max(0, residualBps(draft, link, settings) + (own.get(qkdlId) ?? 0))
    if (terms.minRateBps > 0 && free < terms.minRateBps) {
      const message = `${linkName(draft, link)} has ${free} of ${terms.minRateBps} bit/s free`
      return {
        ...refused("resource-denied", message, `/qkdlIds/${index}`),
        appTag: "no-capacity",
      }
    }
  }
  const broken = brokenTerm(draft, terms, { ...path, rateBps: terms.minRateBps })
  return broken === undefined
    ? undefined
    : refused("invalid-value", broken.replace("its path", "the path"), "/qkdlIds")
}

function refused(
  tag: "data-missing" | "in-use" | "invalid-value" | "operation-not-supported" | "resource-denied",
  message: string,
  path?: string,
): Refusal {
  return { ok: false, tag, message, ...(path === undefined ? {} : { path }) }
}
