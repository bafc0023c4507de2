// Configurations that the driver suite applies: a node with a direct link, a relay path and two applications,
// the same with less, and nothing. Data only.

import type { AppConfig } from "../model/app.js"
import type { PhysLinkConfig, VirtLinkConfig } from "../model/link.js"
import type { NodeConfig } from "../model/node.js"

const id = (n: number): string => `00000000-0000-4000-8000-${n.toString(16).padStart(12, "0")}`

export interface ApplySamples {
  readonly full: NodeConfig
  readonly smaller: NodeConfig
  readonly empty: NodeConfig
}

export function applySamples(qkdnId: string): ApplySamples {
  const neighbour = id(2)
  const far = id(3)
  const phys: PhysLinkConfig = {
    type: "PHYS",
    qkdlId: id(0x10),
    enabled: true,
    local: { qkdnId, qkdiId: 1 },
    remote: { qkdnId: neighbour, qkdiId: 4 },
    channelAttenuationDb: 5.5,
    wavelengthChannel: 34,
    role: "TRANSMITTER",
  }
  const disabled: PhysLinkConfig = {
    type: "PHYS",
    qkdlId: id(0x11),
    enabled: false,
    local: { qkdnId, qkdiId: 2 },
    remote: { qkdnId: far, qkdiId: 1 },
  }
  const virt: VirtLinkConfig = {
    type: "VIRT",
    qkdlId: id(0x20),
    enabled: true,
    local: { qkdnId },
    remote: { qkdnId: far },
    nextHops: [neighbour],
    bandwidthBps: 256,
    nextQkdlId: phys.qkdlId,
  }
  const direct: AppConfig = {
    appId: id(0x30),
    type: "CLIENT",
    serverAppId: "sae:bank?a=1&b=<2>",
    clientAppIds: ["sae:vault", "sae:archive"],
    priority: 7,
    expiresAt: "2031-01-01T00:00:00Z",
    qos: { maxBps: 10_000, minBps: 100, jitterMs: 50, ttlS: 3600, sharedPath: true },
    backingQkdlIds: [phys.qkdlId],
    localQkdnId: qkdnId,
    remoteQkdnId: neighbour,
  }
  const relayed: AppConfig = {
    appId: id(0x31),
    type: "CLIENT",
    serverAppId: "sae:bank",
    clientAppIds: ["sae:far"],
    priority: 0,
    qos: {},
    backingQkdlIds: [virt.qkdlId],
    localQkdnId: qkdnId,
    remoteQkdnId: far,
  }
  const peers = [
    { qkdnId: neighbour, host: "192.0.2.2", port: 5001 },
    { qkdnId: far, host: "qkd.example.net", port: 5002 },
  ]
  return {
    full: { qkdnId, links: [phys, disabled, virt], apps: [direct, relayed], peers },
    smaller: {
      qkdnId,
      links: [{ ...phys, wavelengthChannel: 36 }, disabled],
      apps: [direct],
      peers: peers.slice(0, 1),
    },
    empty: { qkdnId, links: [], apps: [], peers: [] },
  }
}
