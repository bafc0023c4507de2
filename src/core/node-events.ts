// What the southbound side finds out about nodes: a session that stands, is lost, or cannot be had. Losing a session
// is not losing links: keys flow on, services stay, the node is merely out of reach.

import type { NetworkNode } from "../model/network.js"
import type { NodeConfig, NodeState } from "../model/node.js"
import { supplied, tallied } from "./bulk-life.js"
import { desiredConfig } from "./desired.js"
import { isAsDesired, isSameConfig } from "./drift.js"
import { drifted, noDrift } from "./drift-events.js"
import { nextsOf } from "./lanes.js"
import { groups } from "./memberships.js"
import { confirm, type Confirmation } from "./phases.js"
import { hopFailed } from "./service-life.js"
import { confirmSurplus } from "./surplus-grants.js"
import { linkNews } from "./topology-events.js"
import type { Turn } from "./turn.js"

export interface Reading {
  /** A new session has kept what the last one left provisional; during one, a reading says nothing of that. */
  readonly session: "new" | "same"
  /** What the node was last confirmed to be for good. */
  readonly confirmed: NodeConfig | undefined
}

/**
 * A node was read: at the start of a session, or again during one. What it holds is compared with what it
 * should hold, which heals drift and paths left half made.
 */
export function nodeRead(
  turn: Turn,
  node: NetworkNode,
  state: NodeState,
  { confirmed, session }: Reading,
): void {
  const { qkdnId } = node
  if (state.qkdnId !== qkdnId) {
    // Identity comes from the pinned transport and the inventory, never from content (THREATS N2).
    nodeUnmanaged(turn, node, `it calls itself ${state.qkdnId}`)
    return
  }
  const first = node.reach !== "connected"
  const known = adopt(turn, node, state)
  if (first) turn.notify("node", "node.connected", qkdnId)
  tellNeighbours(turn, node, known)
  for (const link of state.links) {
    if (link.type !== "PHYS") continue
    linkNews(turn, qkdnId, link.qkdlId, {
      performance: link.performance,
      atMs: turn.now,
      ...(link.status === undefined ? {} : { status: link.status }),
    })
  }
  for (const { appId, supply, statistics } of state.apps)
    if (supply !== undefined) supplied(turn, qkdnId, appId, supply)
    else if (statistics.length > 0) tallied(turn, qkdnId, appId, statistics)
  const desired = desiredConfig(turn.draft, qkdnId)
  if (isAsDesired(state, desired))
    held(turn, qkdnId, {
      revision: turn.draft.revision,
      by: session === "new" ? "first-reading" : "reading",
    })
  else if (isDrift(turn, known, desired, confirmed)) drifted(turn, known, state)
  else turn.sync(qkdnId)
  if (first) turn.retrySoon()
}

/**
 * Whether the node differs by somebody else's doing: it had confirmed all this, or was left so before. Not while a path
 * waits for it: then it is told, whatever else that puts right.
 */
function isDrift(
  turn: Turn,
  node: NetworkNode,
  desired: NodeConfig,
  confirmed: NodeConfig | undefined,
): boolean {
  if (turn.draft.members(groups.servicesAwaiting(node.qkdnId)).length > 0) return false
  return node.drift !== undefined || (confirmed !== undefined && isSameConfig(confirmed, desired))
}

/** Writes what the node says of itself; nothing when it says nothing new. */
function adopt(turn: Turn, node: NetworkNode, state: NodeState): NetworkNode {
  const {
    reachReason: _reason,
    status: _status,
    version: _version,
    driven: _driven,
    ...rest
  } = node
  const own = state.keyManager
  const known: NetworkNode = {
    ...rest,
    reach: "connected",
    ...(state.status === undefined ? {} : { status: state.status }),
    ...(state.version === undefined ? {} : { version: state.version }),
    capabilities: state.capabilities,
    interfaces: state.interfaces,
    ...(own === undefined ? {} : { keyManager: own, saeIds: own.saeIds }),
    ...(state.driven === undefined ? {} : { driven: state.driven }),
    lastHeardAt: turn.time(),
  }
  const comparable = (one: NetworkNode): string =>
    JSON.stringify([
      [one.reach, one.status ?? null, one.version ?? null, one.reachReason ?? null],
      one.capabilities ?? null,
      one.interfaces,
      one.keyManager ?? null,
      one.saeIds,
      one.driven ?? null,
    ])
  if (comparable(known) === comparable(node) && heardLately(turn, node)) return node
  turn.draft.putNode(known)
  return known
}

/** Neighbours must know where the node's key manager listens. */
function tellNeighbours(turn: Turn, before: NetworkNode, now: NetworkNode): void {
  const old = before.keyManager
  const own = now.keyManager
  if (old?.relayHost === own?.relayHost && old?.relayPort === own?.relayPort) return
  for (const qkdlId of turn.draft.members(groups.linksAt(now.qkdnId))) {
    const link = turn.draft.link(qkdlId)
    if (link === undefined) continue
    const peer = link.a.qkdnId === now.qkdnId ? link.b.qkdnId : link.a.qkdnId
    if (turn.draft.node(peer)?.reach === "connected") turn.sync(peer)
  }
}

/** Something was heard from the node; written now and then, for viewers. */
export function nodeHeard(turn: Turn, qkdnId: string): void {
  const node = turn.draft.node(qkdnId)
  if (node === undefined || heardLately(turn, node)) return
  turn.draft.putNode({ ...node, lastHeardAt: turn.time() })
}

function heardLately(turn: Turn, node: NetworkNode): boolean {
  const { lastHeardAt } = node
  return lastHeardAt !== undefined && turn.now - Date.parse(lastHeardAt) < turn.settings.heardMs
}

/** No session. One that never was stays `connecting`, with the step that failed. */
export function nodeLost(turn: Turn, node: NetworkNode, reason: string): void {
  const reach = node.reach === "connecting" ? "connecting" : "unreachable"
  if (node.reach === reach && node.reachReason === reason) return
  turn.draft.putNode({ ...node, reach, reachReason: reason })
  if (node.reach !== reach) turn.notify("node", "node.unreachable", node.qkdnId, reason)
  dropSetups(turn, node.qkdnId, `${node.name} is unreachable: ${reason}`)
}

export function nodeUnmanaged(turn: Turn, node: NetworkNode, reason: string): void {
  if (node.reach === "unmanaged" && node.reachReason === reason) return
  turn.draft.putNode({ ...node, reach: "unmanaged", reachReason: reason })
  turn.notify("node", "node.unmanaged", node.qkdnId, reason)
  dropSetups(turn, node.qkdnId, `${node.name} is unmanaged: ${reason}`)
}

/**
 * Paths that wait for a node out of reach are set up another way, and so are those it held provisionally: with the
 * session it takes its part back. Paths that leave it wait.
 */
function dropSetups(turn: Turn, qkdnId: string, reason: string): void {
  const waiting = turn.draft.members(groups.servicesAwaiting(qkdnId))
  const holding = turn.draft.members(groups.servicesHeldAt(qkdnId))
  for (const serviceId of new Set([...waiting, ...holding])) {
    const service = turn.draft.service(serviceId)
    const lost = nextsOf(service).some(
      ({ awaiting, holding }) => awaiting.includes(qkdnId) || holding?.includes(qkdnId) === true,
    )
    if (service === undefined || !lost) continue
    hopFailed(turn, service, qkdnId, { appTag: "node-unreachable", reason })
  }
}

/** The node holds everything it should, as of now. */
export function held(turn: Turn, qkdnId: string, confirmation: Confirmation): void {
  noDrift(turn, qkdnId)
  const node = turn.draft.node(qkdnId)
  if (node?.syncFault !== undefined) {
    const { syncFault: _, ...healed } = node
    turn.draft.putNode(healed)
    turn.notify("node", "node.synced", qkdnId)
    turn.retrySoon()
  }
  for (const serviceId of turn.draft.members(groups.servicesAwaiting(qkdnId))) {
    confirm(turn, serviceId, qkdnId, confirmation)
  }
  confirmSurplus(turn, qkdnId, confirmation.revision)
}
