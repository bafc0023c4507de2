// What came of telling a node what it should be. A refusal is laid to the paths that were being set up there; when
// there were none, the node itself is at fault and is told again after a while.

import type { NetworkNode } from "../model/network.js"
import type { KeyPath, Service } from "../model/service.js"
import type { SyncError } from "./event.js"
import { nextsOf } from "./lanes.js"
import { groups } from "./memberships.js"
import { hopFailed } from "./service-life.js"
import { surplusRefused } from "./surplus-grants.js"
import type { Turn } from "./turn.js"

export function nodeSyncFailed(
  turn: Turn,
  node: NetworkNode,
  revision: number,
  error: SyncError,
): void {
  const { qkdnId } = node
  const unreachable = error.appTag === "node-unreachable"
  const suspects = suspectsAt(turn, qkdnId, revision)
  const named = suspects.filter((service) => names(error, service))
  const reason = unreachable
    ? `${node.name} is unreachable: ${error.message}`
    : `${node.name} refused: ${error.message}`
  for (const { serviceId } of named.length > 0 ? named : suspects) {
    const service = turn.draft.service(serviceId)
    if (service === undefined || nextsOf(service).length === 0) continue
    hopFailed(turn, service, qkdnId, { appTag: error.appTag ?? "no-path", reason })
  }
  // A node out of reach is read and compared when it comes back.
  if (unreachable) return
  if (suspects.length === 0 && surplusRefused(turn, qkdnId, revision, error)) {
    turn.notify("log", "surplus.refused", qkdnId, reason)
    return
  }
  const fault = error.path === undefined ? error.message : `${error.message} (${error.path})`
  const now = turn.draft.node(qkdnId)
  if (suspects.length === 0 && now !== undefined && now.syncFault !== fault) {
    turn.draft.putNode({ ...now, syncFault: fault })
    turn.notify("node", "node.sync-failed", qkdnId, fault)
  }
  // With suspects gone the node is told anew, as giving up their paths tells every node on them: what else it
  // should be was refused along with them (all or nothing). Without any, only time can help.
  if (suspects.length === 0) turn.wakeAt(turn.now + turn.settings.avoidMs)
}

/** Services with a path being set up that the failed configuration contained. */
function suspectsAt(turn: Turn, qkdnId: string, revision: number): Service[] {
  return turn.draft.members(groups.servicesAwaiting(qkdnId)).flatMap((serviceId) => {
    const service = turn.draft.service(serviceId)
    const waiting = nextsOf(service).some((next) => waits(next, qkdnId, revision))
    return service !== undefined && waiting ? [service] : []
  })
}

function waits(path: KeyPath, qkdnId: string, revision: number): boolean {
  return path.sinceRevision <= revision && path.awaiting.includes(qkdnId)
}

/** Whether the error points at this service's entries. */
function names(error: SyncError, service: Service): boolean {
  const where = error.path ?? ""
  return (
    where.includes(service.serviceId) ||
    nextsOf(service).some(({ qkdlId }) => where.includes(qkdlId))
  )
}

/** Nodes that refused, or that a path still waits for, are told again. */
export function syncAgain(turn: Turn): void {
  const { draft } = turn
  for (const qkdnId of draft.members(groups.faultyNodes)) {
    if (draft.node(qkdnId)?.reach === "connected") turn.sync(qkdnId)
  }
}
