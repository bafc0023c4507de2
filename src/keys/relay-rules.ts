// What a node may do with a relay message: whether it is meant to be here, where it goes on, what this site
// accepts as destination, what it may send as source. Pure decisions over configuration and site policy; a
// breach throws, nothing is changed here.

import { QkdError } from "../errors.js"
import type { AppConfig } from "../model/app.js"
import type { LinkConfig, PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { PolicyView } from "./policy-view.js"
import type { Consignment, RelayHeader, RelayHop, Shipment } from "./relay-header.js"
import { sideOf } from "./half.js"

/** What the site is told to do (by its agent) and may do (by its policy). */
export interface RelaySite {
  readonly qkdnId: string
  readonly policy: PolicyView
  link(qkdlId: string): LinkConfig | undefined
  app(appId: string): AppConfig | undefined
  /** Associations that join these two SAEs. */
  appsJoining(saeId: string, peerSaeId: string): readonly AppConfig[]
}

/** The next node and the PHYS link to it, when the configuration says which; else any link to that node. */
export interface NextHop {
  readonly qkdnId: string
  readonly qkdlId?: string
}

/** The neighbour at the far end of a PHYS link, as seen from here; undefined when it is not this node's. */
export function neighbourOf(link: PhysLinkConfig, qkdnId: string): string | undefined {
  if (link.local.qkdnId === qkdnId) return link.remote.qkdnId
  return link.remote.qkdnId === qkdnId ? link.local.qkdnId : undefined
}

/**
 * A message that came over this connection and link is one for here, now. Before its tag is checked: only
 * what cannot be true of an honest message is refused, with `malformed-message`.
 */
export function checkAddressing(
  site: RelaySite,
  hop: RelayHop,
  shipments: readonly Shipment[],
  from: string,
  sessionId: Uint8Array,
  lastNumber: bigint,
): void {
  const fault = (why: string): never => {
    throw new QkdError("malformed-message", `relay message from ${from}: ${why}`)
  }
  if (hop.sender !== from || hop.receiver !== site.qkdnId) fault("sender or receiver")
  if (hop.direction !== (sideOf(from, site.qkdnId) === "low" ? 0 : 1)) fault("direction")
  if (Buffer.compare(hop.sessionId, sessionId) !== 0) fault("it is of another connection")
  if (hop.number <= lastNumber) fault("its number was used")
  for (const { nodes, source } of shipments)
    if (nodes.at(-1) !== from || nodes[0] !== source) fault("nodes passed")
}

/** Loops, the hop ceiling and the ends: the same for relays and destinations. `nodes` ends with this node. */
function checkPath(site: RelaySite, header: RelayHeader, next: string | undefined): void {
  const { policy, qkdnId } = site
  const nodes = [...header.nodes, qkdnId]
  if (new Set(nodes).size !== nodes.length || (next !== undefined && nodes.includes(next)))
    throw refused("the path loops")
  const hops = nodes.length - 1 + (next === undefined ? 0 : 1)
  if (hops > policy.maxHops) throw refused(`more than ${policy.maxHops} hops`)
  if (header.nodes.length > 0 && !policy.allowsNeighbour(header.sender))
    throw refused(`${header.sender} is no neighbour by policy`)
  if (next !== undefined && !policy.allowsNeighbour(next))
    throw refused(`${next} is no neighbour by policy`)
  const { source, destination } = header
  const reason = policy.refusesPath({
    source,
    destination,
    nodes,
    ...(next === undefined ? {} : { next }),
  })
  if (reason !== undefined) throw refused(reason)
  checkScheme(policy, header)
  if (nodes.length + (next === undefined ? 0 : 1) > 2 && header.signed !== true)
    throw new QkdError("access-denied", "relayed keys without their source's signature")
}

function checkScheme({ relaySchemes }: PolicyView, { scheme = "hop-by-hop" }: Consignment): void {
  if (relaySchemes?.includes(scheme) === false) throw refused(`the scheme ${scheme} is not allowed`)
}

/** Whether enough paths carry a share each; keys that no relay sees need one. */
function checkShares({ minDisjointPaths = 1 }: PolicyView, offer: Consignment): void {
  if (offer.signed === true && (offer.share?.count ?? 1) < minDisjointPaths)
    throw refused(`keys must be shared over ${minDisjointPaths} paths`)
}

/**
 * Where a message for another node goes on: by the VIRT entry of its path, away from where it came.
 *
 * @throws QkdError `no-path` (app-tag) without such an entry, `policy` when the policy refuses.
 */
export function nextHopOf(site: RelaySite, header: RelayHeader): NextHop {
  const entry = virtEntry(site, header)
  const next = oppositeHop(entry, header.sender)
  checkPath(site, header, next.qkdnId)
  return next
}

/** The hop of `entry` that is not `from`. @throws QkdError app-tag `no-path`. */
export function oppositeHop(entry: VirtLinkConfig, from: string): NextHop {
  if (entry.prevHop === from && entry.nextHops[0] !== undefined)
    return hop(entry.nextHops[0], entry.nextQkdlId)
  if (entry.nextHops.includes(from) && entry.prevHop !== undefined)
    return hop(entry.prevHop, entry.prevQkdlId)
  throw noPath(`path ${entry.qkdlId} does not lead on from ${from}`)
}

function virtEntry(site: RelaySite, header: Consignment): VirtLinkConfig {
  const entry = site.link(header.pathQkdlId)
  if (entry?.type !== "VIRT" || !entry.enabled) throw noPath(`no path ${header.pathQkdlId} here`)
  const ends = [entry.local.qkdnId, entry.remote.qkdnId]
  if (!ends.includes(header.source) || !ends.includes(header.destination))
    throw noPath(`path ${entry.qkdlId} joins other nodes`)
  return entry
}

/** Where the source sends: the neighbour itself over the PHYS link, or the first hop of the VIRT link. */
export function firstHopOf(site: RelaySite, entry: LinkConfig): NextHop {
  if (!entry.enabled) throw noPath(`link ${entry.qkdlId} is switched off`)
  if (entry.type === "PHYS") {
    const neighbour = neighbourOf(entry, site.qkdnId)
    if (neighbour === undefined) throw noPath(`link ${entry.qkdlId} does not end here`)
    return hop(neighbour, entry.qkdlId)
  }
  if (entry.nextHops[0] !== undefined) return hop(entry.nextHops[0], entry.nextQkdlId)
  if (entry.prevHop !== undefined) return hop(entry.prevHop, entry.prevQkdlId)
  throw noPath(`path ${entry.qkdlId} has no hop here`)
}

/** The node at the other end of an association's backing link. */
export function farEndOf(site: RelaySite, entry: LinkConfig): string {
  if (entry.local.qkdnId === site.qkdnId) return entry.remote.qkdnId
  if (entry.remote.qkdnId === site.qkdnId) return entry.local.qkdnId
  throw noPath(`link ${entry.qkdlId} does not end here`)
}

/** The first backing link of an association that can be used. @throws QkdError app-tag `no-path`. */
export function backingOf(site: RelaySite, app: AppConfig): LinkConfig {
  const entries = app.backingQkdlIds.map((id) => site.link(id))
  const entry = entries.find((link) => link?.enabled === true)
  if (entry === undefined) throw noPath(`association ${app.appId} has no backing link here`)
  return entry
}

/**
 * The links that carry a key of the association: one, or all where it is shared over them.
 *
 * @throws QkdError app-tag `no-path` when one of these cannot be used.
 */
export function backingsOf(site: RelaySite, app: AppConfig): readonly LinkConfig[] {
  if (app.keyCombination !== "all") return [backingOf(site, app)]
  const entries = app.backingQkdlIds.map((id) => site.link(id))
  const usable = entries.filter((link) => link !== undefined).filter((link) => link.enabled)
  if (usable.length === 0 || usable.length < entries.length)
    throw noPath(`association ${app.appId} has not all of its backing links here`)
  return usable
}

/** @throws QkdError app-tag `policy`, `no-path`. */
export function checkSource(site: RelaySite, offer: Consignment, first: string): void {
  const { policy, qkdnId } = site
  if (!policy.ownsSae(offer.masterSaeId)) throw refused(`${offer.masterSaeId} is not of this site`)
  if (checkParties(site, site.app(offer.appId), offer, offer.destination) === "wait")
    throw notOfThese(offer)
  if (!policy.allowsEnd(offer.destination))
    throw refused(`${offer.destination} may not share keys with this site`)
  if (!policy.allowsNeighbour(first)) throw refused(`${first} is no neighbour by policy`)
  const { source, destination } = offer
  const reason = policy.refusesPath({ source, destination, nodes: [qkdnId], next: first })
  if (reason !== undefined) throw refused(reason)
  checkScheme(policy, offer)
  checkShares(policy, offer)
}

/** The path an acknowledged batch took, ends included. @throws QkdError app-tag `policy`. */
export function checkTakenPath(
  site: RelaySite,
  offer: Consignment,
  nodes: readonly string[],
): void {
  const { source, destination } = offer
  if (nodes[0] !== source || nodes.at(-1) !== destination || new Set(nodes).size !== nodes.length)
    throw refused("the path that the keys took does not join the ends")
  if (nodes.length - 1 > site.policy.maxHops) throw refused(`more than ${site.policy.maxHops} hops`)
  const reason = site.policy.refusesPath({ source, destination, nodes })
  if (reason !== undefined) throw refused(reason)
}

/**
 * Whether this site takes the keys as their destination. `wait`: its configuration may be about to come.
 *
 * @throws QkdError app-tag `policy`, or `access-denied` for a mismatch with the association as configured.
 */
export function checkDestination(site: RelaySite, header: RelayHeader): "accept" | "wait" {
  const { policy } = site
  if (!policy.allowsEnd(header.source))
    throw refused(`${header.source} may not share keys with this site`)
  for (const sae of header.slaveSaeIds) {
    if (!policy.ownsSae(sae)) throw refused(`${sae} is not of this site`)
  }
  checkPath(site, header, undefined)
  checkShares(policy, header)
  const app = site.app(header.appId)
  const entry = site.link(header.pathQkdlId)
  if (app === undefined || entry === undefined || !app.backingQkdlIds.includes(entry.qkdlId))
    return "wait"
  const shares = app.keyCombination === "all" ? app.backingQkdlIds.length : 1
  if (shares !== (header.share?.count ?? 1)) return "wait"
  if (farEndOf(site, entry) !== header.source) throw refused("the path ends at another node")
  if (firstHopOf(site, entry).qkdnId !== header.sender)
    throw refused("the path comes from another neighbour")
  return checkParties(site, app, header, header.source)
}

/**
 * Master and slaves are joined by associations of this site (the roles are per call: ETSI GS QKD 014, 5.1): one of
 * the slaves by the association that is named, others of a group by their own with the same site. `wait`: one of
 * these is not here, or not yet.
 */
function checkParties(
  site: RelaySite,
  app: AppConfig | undefined,
  offer: Consignment,
  farEnd: string,
): "accept" | "wait" {
  if (app === undefined) throw noPath(`no association ${offer.appId} here`)
  const { masterSaeId, slaveSaeIds } = offer
  const named = [masterSaeId, ...slaveSaeIds]
  const parties = [app.serverAppId, ...app.clientAppIds]
  const theirs = slaveSaeIds.filter((sae) => !parties.includes(sae))
  if (
    new Set(named).size !== named.length ||
    !parties.includes(masterSaeId) ||
    theirs.length === slaveSaeIds.length
  )
    throw notOfThese(offer)
  const joined = theirs.every((sae) =>
    site.appsJoining(masterSaeId, sae).some(({ remoteQkdnId }) => remoteQkdnId === farEnd),
  )
  if (joined) return "accept"
  // A lone slave has but the one association: nothing to wait for.
  if (slaveSaeIds.length === 1) throw notOfThese(offer)
  return "wait"
}

function notOfThese({ appId }: Consignment): QkdError {
  return new QkdError("access-denied", `association ${appId} is not of these SAEs`)
}

function hop(qkdnId: string, qkdlId: string | undefined): NextHop {
  return qkdlId === undefined ? { qkdnId } : { qkdnId, qkdlId }
}

function refused(reason: string): QkdError {
  return new QkdError("access-denied", reason, { appTag: "policy" })
}

function noPath(reason: string): QkdError {
  return new QkdError("operation-failed", reason, { appTag: "no-path" })
}
