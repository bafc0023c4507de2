// The inventory as operators keep it: nodes and links added, changed, removed. What is in use is not removed; a link
// is emptied by disabling it first.

import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { LinkInventory, NodeInventory, Reply } from "./event.js"
import { groups } from "./memberships.js"
import { dropMaintenance, tendMaintenance } from "./maintenance.js"
import { linkName, nodeName } from "./names.js"
import { moveOffNode } from "./restoration.js"
import { returnToNode } from "./service-life.js"
import { follow } from "./topology-events.js"
import type { Turn } from "./turn.js"

function refused(
  tag: "data-exists" | "data-missing" | "in-use" | "invalid-value",
  message: string,
): Reply {
  return { ok: false, tag, message }
}

export function nodeAdded(turn: Turn, entered: NodeInventory): Reply {
  const { qkdnId } = entered
  if (turn.draft.node(qkdnId) !== undefined) return refused("data-exists", `node ${qkdnId} exists`)
  turn.draft.putNode({ ...enteredNode(entered), reach: "connecting", interfaces: [] })
  return { ok: true, id: qkdnId }
}

/** A changed address or driver starts a new session; what is known of the node stays. */
export function nodeChanged(turn: Turn, entered: NodeInventory): Reply {
  const { qkdnId } = entered
  const before = turn.draft.node(qkdnId)
  if (before === undefined) return refused("data-missing", `there is no node ${qkdnId}`)
  const { reach, interfaces, keyManager } = before
  const moved = movesSession(before, entered)
  const node: NetworkNode = {
    ...enteredNode(entered),
    reach: moved ? "connecting" : reach,
    interfaces,
    // SAEs come from the node itself where it names its own.
    saeIds: keyManager?.saeIds ?? entered.saeIds,
    ...kept(before, moved),
  }
  if (JSON.stringify(sorted(node)) === JSON.stringify(sorted(before)))
    return { ok: true, id: qkdnId }
  turn.draft.putNode(node)
  if (node.outOfService === true && before.outOfService !== true) moveOffNode(turn, qkdnId)
  if (node.outOfService !== true && before.outOfService === true) returnToNode(turn, qkdnId)
  turn.retrySoon()
  return { ok: true, id: qkdnId }
}

/** What was entered, as the network holds it. */
function enteredNode({
  enabled,
  ...entered
}: NodeInventory): Omit<NetworkNode, "reach" | "interfaces"> {
  return {
    ...entered,
    ...(enabled === false ? { outOfService: true } : {}),
    ...(entered.saeIds.length === 0 ? {} : { listedSaeIds: entered.saeIds }),
  }
}

/** Whether the node is reached another way from now on. */
export function movesSession(
  before: Pick<NetworkNode, "driver" | "target">,
  after: Pick<NetworkNode, "driver" | "target">,
): boolean {
  return (
    before.driver !== after.driver ||
    JSON.stringify(sorted(before.target)) !== JSON.stringify(sorted(after.target))
  )
}

function sorted(record: object): [string, unknown][] {
  return Object.entries(record).sort(([x], [y]) => (x < y ? -1 : 1))
}

function kept(before: NetworkNode, moved: boolean): Partial<NetworkNode> {
  const { status, version, capabilities, keyManager, lastHeardAt, syncFault, reachReason } = before
  const { drift, driven, maintenance, interfacesOut } = before
  return {
    ...(status === undefined ? {} : { status }),
    ...(version === undefined ? {} : { version }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(keyManager === undefined ? {} : { keyManager }),
    ...(lastHeardAt === undefined ? {} : { lastHeardAt }),
    ...(syncFault === undefined ? {} : { syncFault }),
    ...(drift === undefined ? {} : { drift }),
    ...(maintenance === undefined ? {} : { maintenance }),
    ...(interfacesOut === undefined ? {} : { interfacesOut }),
    ...(driven === undefined || moved ? {} : { driven }),
    ...(reachReason === undefined || moved ? {} : { reachReason }),
  }
}

export function nodeRemoved(turn: Turn, qkdnId: string): Reply {
  const node = turn.draft.node(qkdnId)
  if (node === undefined) return refused("data-missing", `there is no node ${qkdnId}`)
  const [qkdlId] = turn.draft.members(groups.linksAt(qkdnId))
  const link = qkdlId === undefined ? undefined : turn.draft.link(qkdlId)
  if (link !== undefined) {
    return refused("in-use", `${node.name} still has link ${linkName(turn.draft, link)}`)
  }
  const services = turn.draft.members(groups.servicesAt(qkdnId))
  if (services.length > 0) {
    return refused("in-use", `${node.name} still serves service ${services.join(", ")}`)
  }
  dropMaintenance(turn, { qkdnId })
  turn.draft.removeNode(qkdnId)
  return { ok: true, id: qkdnId }
}

export function linkAdded(turn: Turn, entered: LinkInventory): Reply {
  const { qkdlId } = entered
  if (turn.draft.link(qkdlId) !== undefined) return refused("data-exists", `link ${qkdlId} exists`)
  const fault = faultOfEnds(turn, entered)
  if (fault !== undefined) return fault
  turn.draft.putLink({
    ...inventoryOf(entered),
    endA: { performance: {} },
    endB: { performance: {} },
    status: "PENDING",
    performance: {},
  })
  turn.sync(entered.a.qkdnId, entered.b.qkdnId)
  // A node at its end may be in maintenance.
  tendMaintenance(turn)
  return { ok: true, id: qkdlId }
}

/** Its ends stay: a link between other modules is another link. Disabling moves its services off. */
export function linkChanged(turn: Turn, entered: LinkInventory): Reply {
  const { qkdlId } = entered
  const before = turn.draft.link(qkdlId)
  if (before === undefined) return refused("data-missing", `there is no link ${qkdlId}`)
  for (const end of ["a", "b"] as const) {
    const same =
      before[end].qkdnId === entered[end].qkdnId && before[end].qkdiId === entered[end].qkdiId
    if (!same) return refused("invalid-value", `end ${end} of link ${qkdlId} cannot be changed`)
  }
  const { endA, endB, status, performance, steady, measuredAtMs, hold, reason, changedAt } = before
  const { maintenance, rateProfile, rests } = before
  const measured = measuredAtMs === undefined ? undefined : before.capacityBps
  const after: NetworkLink = {
    ...inventoryOf(entered),
    endA,
    endB,
    status,
    performance,
    ...(measuredAtMs === undefined ? {} : { measuredAtMs }),
    ...(measured === undefined ? {} : { capacityBps: measured }),
    ...(steady === undefined ? {} : { steady }),
    ...(hold === undefined ? {} : { hold }),
    ...(maintenance === undefined ? {} : { maintenance }),
    ...(rateProfile === undefined ? {} : { rateProfile }),
    ...(rests === undefined ? {} : { rests }),
    ...(reason === undefined ? {} : { reason }),
    ...(changedAt === undefined ? {} : { changedAt }),
  }
  turn.draft.putLink(after)
  turn.sync(after.a.qkdnId, after.b.qkdnId)
  follow(turn, before, after)
  return { ok: true, id: qkdlId }
}

export function linkRemoved(turn: Turn, qkdlId: string): Reply {
  const link = turn.draft.link(qkdlId)
  if (link === undefined) return refused("data-missing", `there is no link ${qkdlId}`)
  const services = turn.draft.members(groups.servicesOn(qkdlId))
  if (services.length > 0) {
    const name = linkName(turn.draft, link)
    return refused(
      "in-use",
      `${name} still carries service ${services.join(", ")}: disable it first`,
    )
  }
  dropMaintenance(turn, { qkdlId })
  turn.draft.removeLink(qkdlId)
  tendMaintenance(turn)
  turn.sync(link.a.qkdnId, link.b.qkdnId)
  return { ok: true, id: qkdlId }
}

function faultOfEnds(turn: Turn, entered: LinkInventory): Reply | undefined {
  const { a, b } = entered
  if (a.qkdnId === b.qkdnId) return refused("invalid-value", "a link joins two nodes")
  for (const end of [a, b]) {
    if (turn.draft.node(end.qkdnId) === undefined) {
      return refused("data-missing", `there is no node ${end.qkdnId}`)
    }
    const [taken] = turn.draft.members(groups.linksOnInterface(end.qkdnId, end.qkdiId))
    if (taken === undefined) continue
    const name = nodeName(turn.draft, end.qkdnId)
    return refused("in-use", `interface ${end.qkdiId} of ${name} belongs to link ${taken}`)
  }
  return undefined
}

function inventoryOf(
  entered: LinkInventory,
): Omit<NetworkLink, "endA" | "endB" | "status" | "performance"> {
  const { skrBps, ...rest } = entered
  return {
    ...rest,
    srlg: entered.srlg ?? [],
    enabled: entered.enabled ?? true,
    ...(skrBps === undefined ? {} : { expectedBps: skrBps, capacityBps: skrBps }),
  }
}
