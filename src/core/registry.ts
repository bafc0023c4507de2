// Which node an SAE lives at, by the nodes' own word (site policy, `keyloom-node`) or by inventory for plain 015
// nodes. An SAE that two nodes claim lives nowhere: neither is believed. Changes nothing.

import { groups } from "./memberships.js"
import { nodeName } from "./names.js"
import type { View } from "./view.js"

export type Located =
  | { readonly qkdnId: string; readonly reason?: undefined }
  | { readonly qkdnId?: undefined; readonly reason: string }

export function locate(view: View, saeId: string, role: "SAE" | "peer SAE"): Located {
  const nodes = view.members(groups.nodesOfSae(saeId))
  const [qkdnId, other] = nodes
  if (qkdnId === undefined) return { reason: `${role} ${saeId} is not registered at any node` }
  if (other === undefined) return { qkdnId }
  const claimed = nodes.map((id) => nodeName(view, id)).join(" and ")
  return { reason: `${role} ${saeId} is claimed by ${claimed}` }
}
