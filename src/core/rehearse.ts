// What an order would come to, worked out on a draft that is dropped: the path, and what each node on it would be
// when the path stands. Nothing changes.

import type { NodeConfig } from "../model/node.js"
import type { KeyPath, Service } from "../model/service.js"
import { decideOn } from "./decide.js"
import { desiredConfig } from "./desired.js"
import { Draft } from "./draft.js"
import type { Event, Reply } from "./event.js"
import type { Context } from "./turn.js"
import type { View } from "./view.js"

export interface RehearsedOrder {
  readonly reply: Reply
  /** As it would stand; without a path its `reason` says why there is none. */
  readonly service?: Service
  readonly path?: KeyPath
  /** What each node on the path would be, from end to end. */
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
    const path = service.next ?? service.path
    if (path === undefined) return { reply, service, desired: [] }
    const standing: KeyPath = { ...path, phase: "up", awaiting: [] }
    const { next: _next, reason: _reason, ...rest } = service
    const made: Service = { ...rest, state: "active", path: standing, leaving: [] }
    draft.putService(made)
    return {
      reply,
      service: made,
      path: standing,
      desired: standing.nodes.map((qkdnId) => desiredConfig(draft, qkdnId)),
    }
  } finally {
    draft.drop()
  }
}
