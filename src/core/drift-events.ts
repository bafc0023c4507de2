// Somebody changed a node behind our back. It is told, its services say so, and by policy the node is made again what
// it should be, left as it is, or taken at its word where the inventory has a place for it. Told apart from a node that
// was only not told yet: drift is what differs although the node had confirmed exactly what it should be.

import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { NodeDifference, NodeState } from "../model/node.js"
import { desiredConfig } from "./desired.js"
import { differencesOf } from "./drift.js"
import { reviewAt } from "./service-life.js"
import { follow } from "./topology-events.js"
import type { Turn } from "./turn.js"

/** Entries that are kept and shown. */
const MOST_SHOWN = 20

/** The node was read and holds something else than it was confirmed to hold. */
export function drifted(turn: Turn, node: NetworkNode, state: NodeState): void {
  const { qkdnId } = node
  const policy = node.driftPolicy ?? turn.settings.drift
  if (policy === "adopt") adoptLinks(turn, qkdnId, state)
  const differences = differencesOf(state, desiredConfig(turn.draft, qkdnId), MOST_SHOWN)
  if (differences.length === 0) {
    noDrift(turn, qkdnId, "node.adopted")
    return
  }
  show(turn, qkdnId, differences)
  // What is left of an adopted change is not ours to judge: it is told, as `report` has it.
  if (policy === "heal") turn.sync(qkdnId)
}

/** The node holds what it should again. */
export function noDrift(turn: Turn, qkdnId: string, type = "node.healed"): void {
  const node = turn.draft.node(qkdnId)
  if (node?.drift === undefined) return
  const { drift: _, ...rest } = node
  turn.draft.putNode(rest)
  turn.notify("node", type, qkdnId)
  reviewAt(turn, qkdnId)
}

function show(turn: Turn, qkdnId: string, differences: readonly NodeDifference[]): void {
  const node = turn.draft.node(qkdnId)
  if (node === undefined) return
  const same = JSON.stringify(node.drift?.differences) === JSON.stringify(differences)
  if (same) return
  const since = node.drift?.since ?? turn.time()
  turn.draft.putNode({ ...node, drift: { since, differences } })
  const [first] = differences
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : ""
  const what = first === undefined ? "" : `${first.kind} ${first.id} ${first.change}${more}`
  turn.notify("node", "node.drifted", qkdnId, what)
  reviewAt(turn, qkdnId)
}

/** A link that was switched or measured anew at one end is so at both from now on. */
function adoptLinks(turn: Turn, qkdnId: string, state: NodeState): void {
  for (const held of state.links) {
    const link = turn.draft.link(held.qkdlId)
    if (held.type !== "PHYS" || link === undefined) continue
    const lossDb = held.channelAttenuationDb
    const changed: NetworkLink = {
      ...link,
      enabled: held.enabled,
      ...(lossDb === undefined || sameLoss(link.lossDb, lossDb) ? {} : { lossDb }),
    }
    if (changed.enabled === link.enabled && changed.lossDb === link.lossDb) continue
    turn.draft.putLink(changed)
    turn.sync(changed.a.qkdnId, changed.b.qkdnId)
    turn.notify("link", "link.adopted", link.qkdlId, `as ${turn.draft.node(qkdnId)?.name} has it`)
    follow(turn, link, changed)
  }
}

/** To the three digits that the model carries. */
function sameLoss(one: number | undefined, other: number): boolean {
  return one !== undefined && Math.round(one * 1000) === Math.round(other * 1000)
}
