// What nodes report of applications (015 `sdqkdn_application_*`): a request for keys with a peer, a change of its
// terms, its end. The peer's node comes from the SAE registry at the first request, so that ETSI 014 can answer it
// (015 sheet, 4.1: waiting for the second end's request, as the standard draws it, cannot serve 014).

import type { AppConfig } from "../model/app.js"
import type { NodeEvent } from "../model/node.js"
import type { Service, ServiceTerms } from "../model/service.js"
import { routeBesideBulk } from "./bulk-room.js"
import { unlessTooDear } from "./load.js"
import { groups } from "./memberships.js"
import { nodeName } from "./names.js"
import { beginPath, endsOf, remove } from "./phases.js"
import { changeTerms } from "./service-terms.js"
import { locate } from "./registry.js"
import { seekPath } from "./service-life.js"
import type { Turn } from "./turn.js"

type AppNew = Extract<NodeEvent, { kind: "app-new" }>

export function appNew(turn: Turn, qkdnId: string, event: AppNew): void {
  const refuse = (appTag: string, reason: string): void => {
    const { serverAppId, clientAppIds } = event
    turn.refuse({ qkdnId, serverAppId, clientAppIds, appTag, reason })
    turn.notify("log", "request.refused", qkdnId, `${serverAppId}: ${reason}`)
  }
  const [peerSaeId, ...more] = event.clientAppIds
  const saeId = event.serverAppId
  if (event.appType !== "CLIENT" || peerSaeId === undefined || more.length > 0) {
    refuse("unsupported", "one peer and application type CLIENT are supported")
    return
  }
  if (peerSaeId === saeId) {
    refuse("unknown-sae", `${saeId} asks for keys with itself`)
    return
  }
  const homes = turn.draft.members(groups.nodesOfSae(saeId))
  if (homes.length > 0 && !homes.includes(qkdnId)) {
    const homeNames = homes.map((id) => nodeName(turn.draft, id)).join(", ")
    refuse("unknown-sae", `SAE ${saeId} is registered at ${homeNames}, not here`)
    return
  }
  const peer = locate(turn.draft, peerSaeId, "peer SAE")
  if (peer.reason !== undefined) {
    refuse("unknown-sae", peer.reason)
    return
  }
  const [existing] = turn.draft.members(groups.serviceOfPair(saeId, peerSaeId))
  const service = existing === undefined ? undefined : turn.draft.service(existing)
  if (service !== undefined) {
    serveAgain(turn, service, refuse)
    return
  }
  const wanted = {
    a: { saeId, qkdnId },
    b: { saeId: peerSaeId, qkdnId: peer.qkdnId },
    terms: termsOf(event),
  }
  const routed = unlessTooDear(turn, wanted, routeBesideBulk(turn, wanted))
  if (routed.found === undefined) {
    refuse(routed.none.appTag, routed.none.reason)
    return
  }
  const time = turn.time()
  const created: Service = {
    serviceId: turn.context.newId(),
    origin: "request",
    ...wanted,
    state: "pending",
    leaving: [],
    createdAt: time,
    changedAt: time,
  }
  beginPath(turn, created, routed.found)
  turn.notify("service", "service.requested", created.serviceId, `by ${saeId}`)
}

/** The pair has its service: both ends are told again; one that found no path tries now. */
function serveAgain(
  turn: Turn,
  service: Service,
  refuse: (appTag: string, reason: string) => void,
): void {
  if (service.path !== undefined) {
    turn.sync(...endsOf(service.path))
    return
  }
  if (service.next === undefined) seekPath(turn, service)
  const now = turn.draft.service(service.serviceId)
  if (now?.state === "failed") refuse("no-path", now.reason ?? "no path")
}

/** 014 carries no quality of service: what is not asked for is not promised. */
function termsOf(event: AppNew): ServiceTerms {
  const { qos } = event
  return {
    minRateBps: qos.minBps ?? 0,
    ...(qos.maxBps === undefined ? {} : { maxRateBps: qos.maxBps }),
    priority: event.priority,
    ...(qos.ttlS === undefined ? {} : { ttlS: qos.ttlS }),
    avoidNodes: [],
  }
}

/**
 * `sdqkdn_application_qos_update`: admitted and carried to the peer, or refused by writing the old values back.
 */
export function appQosUpdate(
  turn: Turn,
  qkdnId: string,
  appId: string,
  qos: AppConfig["qos"],
  priority: number | undefined,
): void {
  const service = serviceOfApp(turn, qkdnId, appId)
  if (service === undefined) return
  if (service.origin === "bulk") {
    turn.notify("log", "qos.refused", appId, "it carries out a bulk order, which sets its terms")
    turn.sync(qkdnId)
    return
  }
  const terms: ServiceTerms = {
    ...service.terms,
    ...(qos.minBps === undefined ? {} : { minRateBps: qos.minBps }),
    ...(qos.maxBps === undefined ? {} : { maxRateBps: qos.maxBps }),
    ...(qos.ttlS === undefined ? {} : { ttlS: qos.ttlS }),
    ...(priority === undefined ? {} : { priority }),
  }
  const reply = changeTerms(turn, service, terms)
  if (reply.ok) return
  turn.notify("log", "qos.refused", service.serviceId, reply.message)
  turn.sync(qkdnId)
}

/** `sdqkdn_application_disconnected`: a request ends with its application; an order stands until it is cancelled. */
export function appDisconnected(turn: Turn, qkdnId: string, appId: string): void {
  const service = serviceOfApp(turn, qkdnId, appId)
  if (service === undefined) return
  const told = `application disconnected at ${nodeName(turn.draft, qkdnId)}`
  if (service.origin === "request") {
    remove(turn, service, told)
    return
  }
  turn.notify("log", "app.disconnected", service.serviceId, told)
  turn.sync(qkdnId)
}

/** The service of an application, if the node is one of its ends: a node speaks for no other. */
function serviceOfApp(turn: Turn, qkdnId: string, appId: string): Service | undefined {
  const service = turn.draft.service(appId)
  if (service === undefined || service.state === "removing") return undefined
  return service.a.qkdnId === qkdnId || service.b.qkdnId === qkdnId ? service : undefined
}
