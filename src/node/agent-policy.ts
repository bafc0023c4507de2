// The site policy as the agent asks it: may this link, application, peer be configured here? The signed policy
// itself is `keys/policy`; this file only turns its answers into NETCONF refusals (THREATS C1, C2, R3).

import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import type { AppConfig } from "../model/app.js"
import type { LinkConfig } from "../model/link.js"
import type { NodeConfig, PeerAddress } from "../model/node.js"

/** Why not; undefined is yes. */
export type Refusal = string | undefined

/** Asked anew at every edit: a new policy version takes effect with the next question. */
export interface SitePolicyGuard {
  readonly version: number
  /** The site's own SAEs, and those behind domains that it stands for. */
  readonly saeIds: readonly string[]
  mayConfigureLink(link: LinkConfig): Refusal
  mayConfigureApp(app: AppConfig): Refusal
  /** @param backing the application's links as they would be configured */
  mayFeedApp?(app: AppConfig, backing: readonly LinkConfig[]): Refusal
  mayConfigurePeer(peer: PeerAddress): Refusal
}

/** What an edit would break, for the refusal and for the alarm that goes with it. */
export interface PolicyViolation {
  readonly path: string
  readonly reason: string
  readonly resource:
    | { readonly kind: "link"; readonly qkdlId: string }
    | { readonly kind: "app"; readonly appId: string }
    | { readonly kind: "peer"; readonly qkdnId: string }
}

/**
 * The first new or changed entry that the policy forbids. Entries that an edit leaves alone are not judged
 * again: a policy that has become stricter must not block the edits that would make the node obey it.
 */
export function findViolation(
  guard: SitePolicyGuard,
  next: NodeConfig,
  previous: NodeConfig,
): PolicyViolation | undefined {
  for (const link of changed(next.links, previous.links, (item) => item.qkdlId)) {
    const reason = guard.mayConfigureLink(link)
    if (reason !== undefined)
      return {
        path: linkPath(link.qkdlId),
        reason,
        resource: { kind: "link", qkdlId: link.qkdlId },
      }
  }
  for (const app of changed(next.apps, previous.apps, (item) => item.appId)) {
    const backing = next.links.filter(({ qkdlId }) => app.backingQkdlIds.includes(qkdlId))
    const reason = guard.mayConfigureApp(app) ?? guard.mayFeedApp?.(app, backing)
    if (reason !== undefined)
      return { path: appPath(app.appId), reason, resource: { kind: "app", appId: app.appId } }
  }
  for (const peer of changed(next.peers, previous.peers, (item) => item.qkdnId)) {
    const reason = guard.mayConfigurePeer(peer)
    if (reason !== undefined)
      return {
        path: peerPath(peer.qkdnId),
        reason,
        resource: { kind: "peer", qkdnId: peer.qkdnId },
      }
  }
  return undefined
}

/**
 * The configuration without what the policy forbids now: what may reach the key manager. Needed where
 * entries were accepted under an earlier policy.
 */
export function withinPolicy(guard: SitePolicyGuard, config: NodeConfig): NodeConfig {
  return {
    ...config,
    links: config.links.filter((link) => guard.mayConfigureLink(link) === undefined),
    apps: config.apps.filter((app) => guard.mayConfigureApp(app) === undefined),
    peers: config.peers.filter((peer) => guard.mayConfigurePeer(peer) === undefined),
  }
}

/** The refusal a controller gets. */
export function policyError(violation: PolicyViolation): QkdError {
  return new QkdError("access-denied", `the site policy forbids it: ${violation.reason}`, {
    appTag: "policy",
    path: violation.path,
  })
}

export function linkPath(qkdlId: string): string {
  return `/etsi-qkd-sdn-node:qkd_node/qkd_links/qkd_link[qkdl_id='${qkdlId}']`
}

export function appPath(appId: string): string {
  return `/etsi-qkd-sdn-node:qkd_node/qkd_applications/qkd_app[app_id='${appId}']`
}

export function peerPath(qkdnId: string): string {
  return `/etsi-qkd-sdn-node:qkd_node/keyloom-node:peers/peer[qkdn_id='${qkdnId}']`
}

function changed<T>(next: readonly T[], previous: readonly T[], key: (item: T) => string): T[] {
  const kept = new Set(previous)
  const fresh = next.filter((item) => !kept.has(item))
  if (fresh.length === 0) return []
  const before = new Map(previous.map((item) => [key(item), item]))
  return fresh.filter((item) => !isDeepStrictEqual(before.get(key(item)), item))
}
