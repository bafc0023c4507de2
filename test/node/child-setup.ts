// What a key manager in a process of its own is told of its site and of the others.

import type { PolicyView } from "../../src/keys/policy-view.js"
import { spkiSha256 } from "../../src/transport/pki.js"
import type { SiteIdentity } from "./key-network.js"

export interface ChildSetup {
  readonly qkdnId: string
  readonly dir: string
  readonly sealing: string
  readonly certificatePem: string
  readonly privateKeyPem: string
  readonly signKeyPem: string
  readonly port: number
  readonly peers: readonly { qkdnId: string; spkiSha256: string; signPublicKey: string }[]
}

export function policyOf({ qkdnId, peers }: ChildSetup): PolicyView {
  const identities = peers.map((peer) => ({
    ...peer,
    signPublicKey: Buffer.from(peer.signPublicKey, "base64"),
  }))
  return {
    qkdnId,
    maxHops: 16,
    peer: (id) => identities.find((peer) => peer.qkdnId === id),
    peerByPin: (pin) => identities.find((peer) => peer.spkiSha256 === pin),
    allowsNeighbour: () => true,
    allowsEnd: () => true,
    ownsSae: (id) => id === `sae-${qkdnId}`,
    refusesPath: () => undefined,
  }
}

export function setupOf(
  site: SiteIdentity,
  all: readonly SiteIdentity[],
  dir: string,
  port: number,
): ChildSetup {
  return {
    qkdnId: site.qkdnId,
    dir,
    sealing: site.sealing.toString("base64"),
    ...site.tls,
    signKeyPem: site.signKey.export({ type: "pkcs8", format: "pem" }).toString(),
    port,
    peers: all.map(({ qkdnId, tls, signPublicKey }) => ({
      qkdnId,
      spkiSha256: spkiSha256(tls.certificatePem),
      signPublicKey: Buffer.from(signPublicKey).toString("base64"),
    })),
  }
}
