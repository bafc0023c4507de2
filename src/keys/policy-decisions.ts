// What the site policy lets a controller configure and a relay do (threats C1, C2, R3). Each answer names the
// clause of the policy that binds. What a controller may *starve* is not looked at: only what it could read,
// detour or add a listener to.

import { QkdError } from "../errors.js"
import type { AppConfig } from "../model/app.js"
import type { LinkConfig, PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { SitePolicy } from "./policy.js"

/** Whether, and by which clause (a JSON pointer into the policy) not. */
export type PolicyOutcome =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly clause: string; readonly reason: string }

const ALLOWED: PolicyOutcome = { allowed: true }

function refused(clause: string, reason: string): PolicyOutcome {
  return { allowed: false, clause, reason }
}

function firstRefusal(...outcomes: readonly PolicyOutcome[]): PolicyOutcome {
  return outcomes.find((outcome) => !outcome.allowed) ?? ALLOWED
}

/**
 * May this application association stand at this node?
 *
 * Exactly one of its SAEs is ours; the others are at an allowed end peer that may claim them (C2). So
 * nobody can be added to a pair, and keys of our SAE go to no site that is not the other SAE's home. An
 * association without a remote node (015 lets it be unknown) may stand as long as no link feeds it.
 */
export function mayConfigureApp(policy: SitePolicy, app: AppConfig): PolicyOutcome {
  if (app.localQkdnId !== undefined && app.localQkdnId !== policy.qkdnId) {
    return refused("/qkdnId", `local_qkdn_id ${app.localQkdnId} is not this node`)
  }
  return firstRefusal(appSaes(policy, app), appRate(policy, app))
}

function appSaes(policy: SitePolicy, app: AppConfig): PolicyOutcome {
  const named = [app.serverAppId, ...app.clientAppIds]
  const ours = named.filter((saeId) => policy.standsFor(saeId))
  const others = named.filter((saeId) => !policy.standsFor(saeId))
  if (app.type === "INTERNAL") {
    // Internal consumers are no SAEs: under this name an SAE's keys must not be had.
    const sae = named.find((saeId) => policy.homeOf(saeId) !== undefined)
    if (sae !== undefined) return refused("/saes", `internal application names the SAE ${sae}`)
    return app.remoteQkdnId === undefined
      ? ALLOWED
      : endPeer(policy, app.remoteQkdnId, "remote_qkdn_id")
  }
  if (ours.length === 0) return refused("/saes", "none of its SAEs belongs to this site")
  if (ours.length > 1) return refused("/saes", `${ours.join(" and ")} both belong to this site`)
  if (others.length === 0) return refused("/saes", "it names no SAE of another site")
  if (app.remoteQkdnId === undefined) {
    return app.backingQkdlIds.length === 0
      ? ALLOWED
      : refused("/peers", "links feed it, but its remote node is not known")
  }
  const { remoteQkdnId } = app
  const end = endPeer(policy, remoteQkdnId, "remote_qkdn_id")
  const claimed = others.map((saeId) =>
    policy.mayClaim(remoteQkdnId, saeId)
      ? ALLOWED
      : refused(peerClause(policy, remoteQkdnId, "saes"), `${remoteQkdnId} may not claim ${saeId}`),
  )
  return firstRefusal(end, ...claimed)
}

/**
 * May these links feed the application? Relayed keys take a scheme that the site allows, and as many paths as it
 * asks for; keys that no relay sees, over a direct link, are free of both. The key manager asks the same of each key.
 */
export function mayFeedApp(
  policy: SitePolicy,
  app: AppConfig,
  backing: readonly LinkConfig[],
): PolicyOutcome {
  if (backing.every((link) => link.type === "PHYS")) return ALLOWED
  const { relay, minimum } = policy.document
  const scheme = app.relayScheme ?? "hop-by-hop"
  if (relay.schemes?.includes(scheme) === false)
    return refused("/relay/schemes", `the relay scheme ${scheme} is not allowed`)
  const paths = app.keyCombination === "all" ? backing.length : 1
  const least = minimum?.disjointPaths ?? 1
  return paths < least
    ? refused("/minimum/disjointPaths", `its keys take ${paths} of at least ${least} paths`)
    : ALLOWED
}

function appRate(policy: SitePolicy, app: AppConfig): PolicyOutcome {
  const ceiling = policy.document.limits.maxBpsPerApp
  if (ceiling === undefined) return ALLOWED
  const asked = Math.max(app.qos.maxBps ?? 0, app.qos.minBps ?? 0)
  return asked > ceiling
    ? refused("/limits/maxBpsPerApp", `${asked} bit/s is above the ceiling of ${ceiling} bit/s`)
    : ALLOWED
}

/**
 * The rate that binds an application here: its own maximum or the site's ceiling, whichever is less, bit/s.
 * Undefined where neither binds.
 */
export function effectiveMaxBps(policy: SitePolicy, app: AppConfig): number | undefined {
  const ceiling = policy.document.limits.maxBpsPerApp
  if (ceiling === undefined || app.qos.maxBps === undefined) return app.qos.maxBps ?? ceiling
  return Math.min(ceiling, app.qos.maxBps)
}

/**
 * May this link stand at this node? PHYS: it starts here and ends at an allowed neighbour. VIRT: we are an
 * end and the other is an allowed end, or we relay and may; hops are allowed neighbours, and those that
 * are not ends are trusted as relays.
 */
export function mayConfigureLink(policy: SitePolicy, link: LinkConfig): PolicyOutcome {
  return link.type === "PHYS" ? mayConfigurePhys(policy, link) : mayConfigureVirt(policy, link)
}

function mayConfigurePhys(policy: SitePolicy, link: PhysLinkConfig): PolicyOutcome {
  if (link.local.qkdnId !== policy.qkdnId) {
    return refused("/qkdnId", `qkdl_local ${link.local.qkdnId} is not this node`)
  }
  return neighbour(policy, link.remote.qkdnId, "qkdl_remote")
}

function mayConfigureVirt(policy: SitePolicy, link: VirtLinkConfig): PolicyOutcome {
  const [next, ...more] = link.nextHops
  if (more.length > 0)
    return refused("/peers", "several next hops would give the key to more nodes")
  const ends = [link.local.qkdnId, link.remote.qkdnId]
  if (ends[0] === ends[1]) return refused("/qkdnId", "both ends are the same node")
  if (ends.includes(policy.qkdnId)) {
    const far = ends[0] === policy.qkdnId ? ends[1] : ends[0]
    const hop = link.prevHop ?? next
    if (hop === undefined) return refused("/peers", "an end needs the hop that it reaches")
    if (link.prevHop !== undefined && next !== undefined) {
      return refused("/relay/allowed", "an end has one hop: with two it would pass the key on")
    }
    return firstRefusal(endPeer(policy, far ?? "", "the far end"), hopPeer(policy, hop, ends))
  }
  if (!policy.document.relay.allowed) return refused("/relay/allowed", "this node does not relay")
  if (policy.document.relay.maxHops < 2) {
    return refused("/relay/maxHops", "a relayed path has at least two links")
  }
  if (link.prevHop === undefined || next === undefined) {
    return refused("/peers", "a relay needs a previous and a next hop")
  }
  if (link.prevHop === next) return refused("/peers", "previous and next hop are the same node")
  return firstRefusal(
    ...ends.map((end) => endPeer(policy, end, "an end")),
    hopPeer(policy, link.prevHop, ends),
    hopPeer(policy, next, ends),
  )
}

/** May the controller say where this node's key manager listens? Only of nodes the policy names at all. */
export function mayConfigurePeer(policy: SitePolicy, qkdnId: string): PolicyOutcome {
  return policy.peer(qkdnId) === undefined
    ? refused("/peers", `${qkdnId} is not in the policy`)
    : ALLOWED
}

/** A path a key takes, as far as the judging node knows it. */
export interface RelayHop {
  readonly source: string
  readonly destination: string
  /** Nodes passed so far in order, the source first; holds this node. */
  readonly nodes: readonly string[]
  /** Where this node would send it; absent where the path ends. */
  readonly next?: string
}

/**
 * May this node take part in that path? Holds at the source before sending, at the source again with the
 * whole path, at each relay before forwarding, and at the destination before storing (threat R3).
 */
export function mayRelay(policy: SitePolicy, hop: RelayHop): PolicyOutcome {
  const path = hop.next === undefined ? hop.nodes : [...hop.nodes, hop.next]
  const { relay } = policy.document
  if (path[0] !== hop.source || !hop.nodes.includes(policy.qkdnId)) {
    return refused("/qkdnId", "the path does not lead from its source over this node")
  }
  if (new Set(path).size !== path.length) return refused("/relay/maxHops", "the path has a loop")
  const endsAt = path.indexOf(hop.destination)
  const goesOn = endsAt >= 0 ? endsAt !== path.length - 1 : hop.next === undefined
  if (goesOn || hop.source === hop.destination) {
    return refused("/qkdnId", "the path does not end where its destination is")
  }
  if (path.length - 1 > relay.maxHops) {
    return refused("/relay/maxHops", `the path has more than ${relay.maxHops} links`)
  }
  const here = path.indexOf(policy.qkdnId)
  const ends = [hop.source, hop.destination]
  if (!ends.includes(policy.qkdnId) && !relay.allowed) {
    return refused("/relay/allowed", "this node does not relay")
  }
  const adjacent = [path[here - 1], path[here + 1]].filter((node) => node !== undefined)
  return firstRefusal(
    ...ends.filter((end) => end !== policy.qkdnId).map((end) => endPeer(policy, end, "an end")),
    ...adjacent.map((node) => neighbour(policy, node, "a hop")),
    ...path
      .filter((node) => !ends.includes(node) && node !== policy.qkdnId)
      .map((node) => relayPeer(policy, node)),
  )
}

/** A refusal as the agent and the key manager report it, with where in the request it is. */
export function policyError(
  outcome: Extract<PolicyOutcome, { allowed: false }>,
  path: string,
): QkdError {
  const { clause, reason } = outcome
  return new QkdError("access-denied", `the site policy refuses (${clause}): ${reason}`, {
    appTag: "policy",
    path,
    info: { clause },
  })
}

function hopPeer(policy: SitePolicy, hop: string, ends: readonly string[]): PolicyOutcome {
  const adjacent = neighbour(policy, hop, "a hop")
  return ends.includes(hop) ? adjacent : firstRefusal(adjacent, relayPeer(policy, hop))
}

function neighbour(policy: SitePolicy, qkdnId: string, what: string): PolicyOutcome {
  return policy.hasRole(qkdnId, "neighbour")
    ? ALLOWED
    : refused(peerClause(policy, qkdnId, "roles"), `${what}, ${qkdnId}, is no allowed neighbour`)
}

function endPeer(policy: SitePolicy, qkdnId: string, what: string): PolicyOutcome {
  return policy.hasRole(qkdnId, "end")
    ? ALLOWED
    : refused(peerClause(policy, qkdnId, "roles"), `${what}, ${qkdnId}, is no allowed end`)
}

function relayPeer(policy: SitePolicy, qkdnId: string): PolicyOutcome {
  return policy.hasRole(qkdnId, "relay")
    ? ALLOWED
    : refused(peerClause(policy, qkdnId, "roles"), `${qkdnId} is not trusted as a relay`)
}

/** Where the policy speaks of that peer, or of peers when it does not name it. */
function peerClause(policy: SitePolicy, qkdnId: string, member: "roles" | "saes"): string {
  const at = policy.document.peers.findIndex((peer) => peer.qkdnId === qkdnId)
  return at < 0 ? "/peers" : `/peers/${at}/${member}`
}
