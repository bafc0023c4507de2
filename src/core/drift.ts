// What a node holds against what it should hold. Only what the controller writes is compared, and of that only what
// the node takes; order does not matter. Changes nothing.

import type { AppConfig } from "../model/app.js"
import type { LinkConfig } from "../model/link.js"
import type { NodeConfig, NodeDifference, NodeState, PeerAddress } from "../model/node.js"

type Held = Pick<NodeConfig, "links" | "apps" | "peers"> & Pick<NodeState, "driven">

export function isAsDesired(state: Held, desired: NodeConfig): boolean {
  return differencesOf(state, desired, 1).length === 0
}

/** Whether two configurations mean the same. */
export function isSameConfig(one: NodeConfig, other: NodeConfig): boolean {
  return isAsDesired(one, other)
}

/** The entries that differ, at most `most` of them. */
export function differencesOf(
  state: Held,
  desired: NodeConfig,
  most = 100,
): readonly NodeDifference[] {
  const leftOut = new Set(state.driven?.leftOut)
  const found: NodeDifference[] = []
  const compare = <T>(
    kind: NodeDifference["kind"],
    has: readonly T[],
    wants: readonly T[],
    idOf: (one: T) => string,
    textOf: (one: T) => string,
  ): void => {
    const wanted = new Map(wants.map((one) => [idOf(one), one]))
    for (const one of has) {
      const id = idOf(one)
      const want = wanted.get(id)
      wanted.delete(id)
      if (want === undefined) found.push({ kind, id, change: "unexpected" })
      else if (textOf(want) !== textOf(one)) found.push({ kind, id, change: "changed" })
      if (found.length >= most) return
    }
    for (const id of wanted.keys()) found.push({ kind, id, change: "missing" })
  }
  compare(
    "link",
    state.links,
    desired.links,
    (link) => link.qkdlId,
    (link) => linkText(link, leftOut),
  )
  compare(
    "app",
    state.apps,
    desired.apps,
    (app) => app.appId,
    (app) => appText(app, leftOut),
  )
  if (!leftOut.has(KEYLOOM))
    compare("peer", state.peers, desired.peers, (peer) => peer.qkdnId, peerText)
  return found.slice(0, most)
}

/** All of that module, where a node has it not. */
const KEYLOOM = "keyloom-node"

/** A value under the name of its leaf in 015, left out where the node does not take that leaf. */
type Named = readonly [leaf: string, value: unknown]

function textOf(values: readonly Named[], leftOut: ReadonlySet<string>): string {
  return JSON.stringify(values.map(([leaf, value]) => (leftOut.has(leaf) ? null : (value ?? null))))
}

function linkText(link: LinkConfig, leftOut: ReadonlySet<string>): string {
  const { local, remote } = link
  const common: readonly Named[] = [
    ["qkdl_type", link.type],
    ["qkdl_enable", link.enabled],
    ["qkdl_local", local.qkdnId],
    ["qkdl_remote", remote.qkdnId],
  ]
  if (link.type === "PHYS")
    return textOf(
      [
        ...common,
        ["qkdi_id", local.qkdiId],
        ["qkdi_id", remote.qkdiId],
        ["phys_channel_att", link.channelAttenuationDb],
        ["phys_wavelength", link.wavelengthChannel],
        ["phys_qkd_role", link.role],
        [KEYLOOM, link.epsilon],
      ],
      leftOut,
    )
  return textOf(
    [
      ...common,
      ["virt_prev_hop", link.prevHop],
      ["virt_next_hop", [...link.nextHops].sort()],
      ["virt_bandwidth", link.bandwidthBps],
      [KEYLOOM, [link.prevQkdlId ?? null, link.nextQkdlId ?? null]],
    ],
    leftOut,
  )
}

function appText(app: AppConfig, leftOut: ReadonlySet<string>): string {
  const { qos } = app
  const ofQos: readonly Named[] = [
    ["max_bandwidth", qos.maxBps],
    ["min_bandwidth", qos.minBps],
    ["jitter", qos.jitterMs],
    ["ttl", qos.ttlS],
    ["clients_shared_path_enable", qos.sharedPath ?? false],
    ["clients_shared_keys_required", qos.sharedKeys ?? false],
  ]
  return textOf(
    [
      ["app_type", app.type],
      ["server_app_id", app.serverAppId],
      ["client_app_id", [...app.clientAppIds].sort()],
      ["app_priority", app.priority],
      ["expiration_time", app.expiresAt],
      ["app_qos", textOf(ofQos, leftOut)],
      ["backing_qkdl_id", [...app.backingQkdlIds].sort()],
      ["local_qkdn_id", app.localQkdnId],
      ["remote_qkdn_id", app.remoteQkdnId],
      [
        KEYLOOM,
        [
          app.keyCombination ?? "any",
          app.relayScheme ?? "hop-by-hop",
          app.ordered === undefined ? null : [app.ordered.keySizeBits, app.ordered.untilBits],
        ],
      ],
    ],
    leftOut,
  )
}

function peerText(peer: PeerAddress): string {
  return JSON.stringify([peer.host, peer.port])
}
