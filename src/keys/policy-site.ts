// The site policy as the key manager asks it: PolicyView over whichever version is in force at the moment.

import { createPublicKey } from "node:crypto"
import { RELAY_SCHEMES } from "../model/app.js"
import { mayRelay } from "./policy-decisions.js"
import type { PeerIdentity, PolicyView, RelayPath } from "./policy-view.js"
import type { PolicyPeer, SitePolicy } from "./policy.js"

/** @param current gives the policy in force; called anew at every question. */
export function sitePolicyView(current: () => SitePolicy): PolicyView {
  // Keys are decoded once a peer entry; a new policy brings new entries.
  const identities = new WeakMap<PolicyPeer, PeerIdentity>()
  const identity = (peer: PolicyPeer | undefined): PeerIdentity | undefined => {
    if (peer === undefined) return undefined
    const known = identities.get(peer)
    if (known !== undefined) return known
    const made = {
      qkdnId: peer.qkdnId,
      spkiSha256: peer.relaySpkiSha256,
      signPublicKey: rawEd25519(peer.ackPublicKey),
    }
    identities.set(peer, made)
    return made
  }
  return {
    get qkdnId() {
      return current().qkdnId
    },
    get maxHops() {
      return current().document.relay.maxHops
    },
    get relaySchemes() {
      return current().document.relay.schemes ?? RELAY_SCHEMES
    },
    get minDisjointPaths() {
      return current().document.minimum?.disjointPaths ?? 1
    },
    get maxBpsPerApp() {
      return current().document.limits.maxBpsPerApp
    },
    peer: (qkdnId) => identity(current().peer(qkdnId)),
    peerByPin: (spkiSha256) => identity(current().peerByPin(spkiSha256)),
    allowsNeighbour: (qkdnId) => current().hasRole(qkdnId, "neighbour"),
    allowsEnd: (qkdnId) => current().hasRole(qkdnId, "end"),
    ownsSae: (saeId) => current().standsFor(saeId),
    domainOf: (saeId) => current().domainOf(saeId)?.name,
    refusesPath: (path: RelayPath) => {
      const outcome = mayRelay(current(), path)
      return outcome.allowed ? undefined : `${outcome.reason} (${outcome.clause})`
    },
  }
}

/** RFC 8410: the 32 key bytes are what the `x` member of the JWK form holds. */
function rawEd25519(spkiBase64: string): Uint8Array {
  const key = createPublicKey({
    key: Buffer.from(spkiBase64, "base64"),
    format: "der",
    type: "spki",
  })
  return new Uint8Array(Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url"))
}
