// Whether a node is told something for good or only until every node of the change has its part (decision 0028).
// Answers questions; changes nothing.

import type { Service } from "../model/service.js"
import { nextsOf } from "./lanes.js"
import { groups } from "./memberships.js"
import { endsOf } from "./phases.js"
import type { Settings } from "./settings.js"
import type { View } from "./view.js"

/**
 * Seconds for which a node is to hold what it is told, undefined when it is told for good.
 *
 * Provisional while a path is being set up of which it has been told its part. For good all the same when anything at
 * the node waits to be kept or to be gone: both are confirmed together then, since a node has one provisional commit.
 */
export function holdSecondsAt(view: View, qkdnId: string, settings: Settings): number | undefined {
  if (settings.transaction === "desired-state") return undefined
  for (const serviceId of view.members(groups.servicesAwaiting(qkdnId))) {
    const service = view.service(serviceId)
    if (service === undefined) continue
    if (service.leaving.some((path) => path.awaiting.includes(qkdnId))) return undefined
    const keeps = nextsOf(service).some(
      ({ confirming, awaiting }) => confirming === true && awaiting.includes(qkdnId),
    )
    if (keeps) return undefined
  }
  const held = view.members(groups.servicesAt(qkdnId)).some((serviceId) => {
    const service = view.service(serviceId)
    const hurried = settings.transaction === "confirmed" && isAwaitedByAnSae(service)
    return !hurried && isTold(service, qkdnId)
  })
  return held ? settings.confirmTimeoutS : undefined
}

/** Somebody stands in an `enc_keys` call and waits for this path (ETSI GS QKD 014). */
function isAwaitedByAnSae(service: Service | undefined): boolean {
  return service?.origin === "request" && service.path === undefined
}

/** Whether the node has been told its part of a path that is not to be kept yet. */
function isTold(service: Service | undefined, qkdnId: string): boolean {
  return nextsOf(service).some((next) => {
    if (next.confirming === true || !next.nodes.includes(qkdnId)) return false
    return next.phase === "ends" || !endsOf(next).includes(qkdnId)
  })
}
