// What an order would come to, worked out on a draft that is dropped: the path, and what each node on it would be
// when the path stands. Nothing changes.

import type { NodeConfig } from "../model/node.js"
import type { KeyPath, Service } from "../model/service.js"
import { decideOn } from "./decide.js"
import { desiredConfig } from "./desired.js"
import { Draft } from "./draft.js"
import { nextsOf, standingPaths, withLane } from "./lanes.js"
import { lanesOf } from "./memberships.js"
import type { Event, Reply } from "./event.js"
import type { Context } from "./turn.js"
import type { View } from "./view.js"

export interface RehearsedOrder {
  readonly reply: Reply
  /** As it would stand; without a path its `reason` says why there is none. */
  readonly service?: Service
  readonly path?: KeyPath
  /** What each node on its paths would be, from end to end. */
  readonly desired: readonly NodeConfig[]
}

export function rehearseOrder(
  view: View,
  order: Extract<Event, { readonly kind: "service-ordered" }>,
  context: Context,
): RehearsedOrder {
  const draft = new Draft(view)
  try {
    const { reply } = decideOn(draft, order, context)
    const service = reply.ok && reply.id !== undefined ? draft.service(reply.id) : undefined
    if (service === undefined) return { reply, desired: [] }
    if (nextsOf(service).length + standingPaths(service).length === 0)
      return { reply, service, desired: [] }
    const { reason: _reason, ...rest } = service
    let made: Service = { ...rest, state: "active", leaving: [] }
    for (const [place, { path, next }] of lanesOf(service).entries()) {
      const one = next ?? path
      const lane = one === undefined ? {} : { path: { ...one, phase: "up" as const, awaiting: [] } }
      made = withLane(made, place, lane)
    }
    draft.putService(made)
    const nodes = new Set(standingPaths(made).flatMap((path) => path.nodes))
    return {
      reply,
      service: made,
      ...(made.path === undefined ? {} : { path: made.path }),
      desired: [...nodes].map((qkdnId) => desiredConfig(draft, qkdnId)),
    }
  } finally {
    draft.drop()
  }
}
