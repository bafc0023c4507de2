// Which groups an entry of the network belongs to: the small questions ("what runs over this link?") that decisions ask
// again and again, kept as an index instead of searched for. Groups of services are in service-groups.ts.

import { type BulkOrder, isOpen } from "../model/bulk-order.js"
import type { NetworkLink, NetworkNode } from "../model/network.js"
import type { KeyPath, Lane, Service, ServiceState } from "../model/service.js"
import { isPresent, serves } from "./usable.js"

/** A group of one kind, by the name it goes by. */
export interface GroupMark {
  readonly name: string
  /** Written by who compares two services (service-groups.ts): in which comparison it was found last, and where. */
  seenIn: number
  was: boolean
  is: boolean
}

interface GroupKind {
  (id: string): string
  /** The mark of a group; the same until the next name is asked for. */
  mark(id: string): GroupMark
}

/**
 * Groups of one kind, by id. A name is made once: a service is in some hundred groups, and those of ten thousand
 * services would otherwise be a million strings, each with its own hash to work out.
 */
function named(kind: string): GroupKind {
  const marks = new Map<string, GroupMark>()
  const mark = (id: string): GroupMark => {
    const known = marks.get(id)
    if (known !== undefined) return known
    const made = { name: `${kind}:${id}`, seenIn: 0, was: false, is: false }
    marks.set(id, made)
    return made
  }
  const name = (id: string): string => {
    // Of links and nodes there are never so many at a time; names of those that are gone may go.
    if (marks.size >= MOST_NAMES) marks.clear()
    return mark(id).name
  }
  return Object.assign(name, { mark })
}

const MOST_NAMES = 100_000

/** Names of the groups. Ids in them are service, link or node ids as the comment says. */
export const groups = {
  /** Links that end at a node. */
  linksAt: named("at"),
  /** Links on one interface. */
  linksOnInterface: (qkdnId: string, qkdiId: number): string => `if:${qkdnId}#${qkdiId}`,
  /** Links back in service but held off. */
  heldLinks: "held",
  /** Links that share a risk. */
  linksAtRisk: named("srlg"),
  /** Nodes that name an SAE as theirs. */
  nodesOfSae: (saeId: string): string => `sae:${saeId}`,
  /** Nodes that refused what they should be. */
  faultyNodes: "faulty",
  /** Links that do not generate, are disabled, or in maintenance or about to be. */
  downLinks: "down",
  /** Nodes on which no path can begin, end or pass. */
  absentNodes: "absent",
  /** Services whose backup uses a link. */
  backupsOn: named("bon"),
  /** Services whose backup passes a node. */
  backupsAt: named("bof"),
  /** Services that should have a backup and for which none has been sought yet. */
  unprepared: "unprepared",
  /** Services for which no backup was found. */
  unbacked: "unbacked",
  /** Services that have left their path and are to return to it. */
  awayFromHome: "away",
  /** Services whose standing or next path uses a link. */
  servicesOn: named("on"),
  /** Services that put something into a node's configuration. */
  servicesAt: named("of"),
  /** Services that wait for a node's confirmation. */
  servicesAwaiting: named("wait"),
  /** Services of which a node holds a part provisionally. */
  servicesHeldAt: named("hold"),
  /** The service of an unordered pair of SAEs; none that is being removed. */
  serviceOfPair: (saeId: string, peerSaeId: string): string =>
    saeId < peerSaeId
      ? `pair:${JSON.stringify([saeId, peerSaeId])}`
      : `pair:${JSON.stringify([peerSaeId, saeId])}`,
  /** Services that ask for more than their guaranteed rate, or still have more. */
  elastic: "elastic",
  /** Services of which an end has yet to confirm another share of the surplus. */
  servicesLentAt: (qkdnId: string): string => `lent:${qkdnId}`,
  /** Bulk orders that are not completed or cancelled. */
  openOrders: "open",
  /** Those that are. */
  closedOrders: "closed",
  /** Planned maintenance that is not over. */
  maintenance: "maintenance",
  /** Links that it concerns now. */
  maintainedLinks: "maintained-links",
  /** Links whose rates over time are known beforehand. */
  profiledLinks: "profiled-links",
  /** Nodes that are in it, or interfaces of theirs. */
  maintainedNodes: "maintained-nodes",
  servicesInState: (state: ServiceState): string => `state:${state}`,
} as const

const OF_SERVICES = new Set(
  ["on", "of", "wait", "hold", "pair", "state", "bon", "bof", "lent"].concat(
    groups.elastic,
    groups.unprepared,
    groups.unbacked,
    groups.awayFromHome,
  ),
)

/** Whether a group holds services. */
export function isOfServices(group: string): boolean {
  const end = group.indexOf(":")
  return OF_SERVICES.has(end < 0 ? group : group.slice(0, end))
}

export function groupsOfNode(node: NetworkNode): ReadonlySet<string> {
  const found = new Set(node.saeIds.map((saeId) => groups.nodesOfSae(saeId)))
  if (node.syncFault !== undefined) found.add(groups.faultyNodes)
  if (!isPresent(node)) found.add(groups.absentNodes)
  if (node.maintenance !== undefined || node.interfacesOut !== undefined)
    found.add(groups.maintainedNodes)
  return found
}

export function groupsOfLink(link: NetworkLink): ReadonlySet<string> {
  const found = new Set([
    groups.linksAt(link.a.qkdnId),
    groups.linksAt(link.b.qkdnId),
    groups.linksOnInterface(link.a.qkdnId, link.a.qkdiId),
    groups.linksOnInterface(link.b.qkdnId, link.b.qkdiId),
  ])
  for (const risk of link.srlg) found.add(groups.linksAtRisk(risk))
  if (link.hold?.held === true) found.add(groups.heldLinks)
  if (link.maintenance !== undefined) found.add(groups.maintainedLinks)
  if (link.rateProfile !== undefined) found.add(groups.profiledLinks)
  if (link.maintenance !== undefined || !serves(link)) found.add(groups.downLinks)
  return found
}

const OPEN: ReadonlySet<string> = new Set([groups.openOrders])
const CLOSED: ReadonlySet<string> = new Set([groups.closedOrders])

export function groupsOfOrder(order: BulkOrder): ReadonlySet<string> {
  return isOpen(order) ? OPEN : CLOSED
}

const MAINTENANCE: ReadonlySet<string> = new Set([groups.maintenance])

export function groupsOfMaintenance(): ReadonlySet<string> {
  return MAINTENANCE
}

const NO_GROUPS: ReadonlySet<string> = new Set()

/** Calls `add` and `remove` for what differs between the groups of an entry before and after. */
export function compareGroups(
  before: ReadonlySet<string> = NO_GROUPS,
  after: ReadonlySet<string> = NO_GROUPS,
  add: (group: string) => void,
  remove: (group: string) => void,
): void {
  for (const group of before) if (!after.has(group)) remove(group)
  for (const group of after) if (!before.has(group)) add(group)
}

/** The paths that the application stands on, or will, lane by lane; the first one always is there. */
export function lanesOf(service: Partial<Pick<Service, "path" | "next" | "beside">>): Lane[] {
  return [service, ...(service.beside ?? [])]
}

/** Every path of a service, whatever its phase. */
export function pathsOf(service: Service): KeyPath[] {
  const paths = [...service.leaving]
  for (const { path, next } of lanesOf(service)) {
    if (path !== undefined) paths.push(path)
    if (next !== undefined) paths.push(next)
  }
  return paths
}
