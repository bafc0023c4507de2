// What an operator orders of a service's path: exactly this one, or another than the one in use. The path is judged
// as the search would judge it; it is set up beside the standing one, which leaves when the new one stands. It is
// not pinned: when it fails, the service moves on as any other.

import type { Service } from "../model/service.js"
import { isAsFarApart, withBackup } from "./backups.js"
import { Draft } from "./draft.js"
import type { OperatorEvent, Reply } from "./event.js"
import { explainNoPath } from "./explain.js"
import { givenPath, type Refusal, refused, unfit } from "./given-path.js"
import { isOnSeveral } from "./lanes.js"
import { lanesDeployed } from "./lane-moves.js"
import { nodeName } from "./names.js"
import { type FoundPath, findPaths } from "./path.js"
import { abandonNext, beginPath, put, sameLinks } from "./phases.js"
import { queryOf, route } from "./routing.js"
import { stay } from "./service-life.js"
import { Turn } from "./turn.js"

export function pathDeployed(
  turn: Turn,
  order: Extract<OperatorEvent, { kind: "path-deployed" }>,
): Reply {
  const { serviceId, qkdlIds, besideQkdlIds, keepsProtection } = order
  if (besideQkdlIds !== undefined)
    return lanesDeployed(turn, serviceId, [qkdlIds, ...besideQkdlIds])
  const service = standingService(turn, serviceId)
  if ("tag" in service) return service
  const path = givenPath(turn, service, qkdlIds)
  if ("tag" in path) return path
  if (keepsProtection === true) return takeIfAsSafe(turn, service, path)
  return unfit(turn, service, path) ?? take(turn, service, path, "deployed by order")
}

/** Only where what is kept ready for the new path is no less than what is for the old one. */
function takeIfAsSafe(turn: Turn, service: Service, path: FoundPath): Reply {
  if (service.next === undefined && service.path !== undefined)
    if (sameLinks(path.hops, service.path.hops)) return { ok: true, id: service.serviceId }
  const draft = new Draft(turn.draft, turn.draft.revision)
  const trial = new Turn(draft, turn.context)
  try {
    const reply = tryIt(trial, service, path)
    if (!reply.ok) return reply
    for (const change of draft.changes()) turn.draft.write(change)
    turn.effects.push(...trial.effects)
    return reply
  } finally {
    draft.drop()
  }
}

function tryIt(trial: Turn, service: Service, path: FoundPath): Reply {
  // What its backup keeps is free for the new path and for the next backup.
  const { backup: _backup, noBackup: _no, ...bare } = service
  const free = service.backup === undefined ? service : put(trial, bare)
  const reply = unfit(trial, free, path) ?? take(trial, free, path, "to a better place")
  if (!reply.ok) return reply
  const after = trial.draft.service(service.serviceId)
  if (service.backup === undefined || isAsFarApart(after?.backup, service.backup)) return reply
  const why = after?.noBackup ?? "its backup would be nearer to its path than it is now"
  return {
    ...refused("resource-denied", `less would be kept ready for it: ${why}`),
    appTag: "no-path",
  }
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
