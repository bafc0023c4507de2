// An order that was tried without consequences, as REST shows it: the path, and each node's edit.

import type { Rehearsal } from "../controller/ports.js"
import type { Network } from "../model/network.js"
import { serviceView } from "./views.js"

export function rehearsalView(tried: Rehearsal, network: Network): object {
  const service = tried.service === undefined ? undefined : serviceView(tried.service)
  return {
    ...(service === undefined ? {} : { service }),
    ...(service?.path === undefined ? {} : { path: service.path }),
    ...(service?.path === undefined && service?.reason !== undefined
      ? { reason: service.reason }
      : {}),
    nodes: tried.nodes.map(({ qkdnId, plan, fault }) => ({
      qkdnId,
      name: network.nodes.get(qkdnId)?.name ?? qkdnId,
      ...(plan === undefined ? {} : plan),
      ...(fault === undefined ? {} : { fault }),
    })),
  }
}
