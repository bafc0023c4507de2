// Whether a node is what it should be: its read state against its desired configuration. Only what the controller
// writes is compared; order does not matter. Changes nothing.

import type { AppConfig } from "../model/app.js"
import type { LinkConfig } from "../model/link.js"
import type { NodeConfig, NodeState, PeerAddress } from "../model/node.js"

export function isAsDesired(state: NodeState, desired: NodeConfig): boolean {
  return (
    same(state.links, desired.links, linkText) &&
    same(state.apps, desired.apps, appText) &&
    same(state.peers, desired.peers, peerText)
  )
}

function same<T>(has: readonly T[], wants: readonly T[], text: (one: T) => string): boolean {
  if (has.length !== wants.length) return false
  const texts = new Set(has.map(text))
  return texts.size === has.length && wants.every((one) => texts.has(text(one)))
}

function linkText(link: LinkConfig): string {
  const { local, remote } = link
  const common = [link.qkdlId, link.type, link.enabled, local.qkdnId, remote.qkdnId]
  return link.type === "PHYS"
    ? JSON.stringify([
        ...common,
        local.qkdiId ?? null,
        remote.qkdiId ?? null,
        link.channelAttenuationDb ?? null,
        link.wavelengthChannel ?? null,
        link.role ?? null,
      ])
    : JSON.stringify([
        ...common,
        link.prevHop ?? null,
        [...link.nextHops].sort(),
        link.bandwidthBps ?? null,
        link.prevQkdlId ?? null,
        link.nextQkdlId ?? null,
      ])
}

function appText(app: AppConfig): string {
  const { qos } = app
  return JSON.stringify([
    app.appId,
    app.type,
    app.serverAppId,
    [...app.clientAppIds].sort(),
    app.priority,
    app.expiresAt ?? null,
    [qos.maxBps ?? null, qos.minBps ?? null, qos.jitterMs ?? null, qos.ttlS ?? null],
    [qos.sharedPath ?? false, qos.sharedKeys ?? false],
    [...app.backingQkdlIds].sort(),
    app.localQkdnId ?? null,
    app.remoteQkdnId ?? null,
  ])
}

function peerText(peer: PeerAddress): string {
  return JSON.stringify([peer.qkdnId, peer.host, peer.port])
}
