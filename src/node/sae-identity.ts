// Which SAE a client certificate stands for (ETSI GS QKD 014, 5.1: the id is taken from the certificate; where in
// it, the standard leaves open). Decisions only.

import type { SitePolicy } from "../keys/policy.js"
import { saeUri } from "../transport/pki.js"
import type { PeerIdentity } from "../transport/tls.js"

/** Where in a certificate an SAE's id stands. */
export const SAE_IDENTITIES = ["common-name", "san-uri", "san-dns"] as const
export type SaeIdentity = (typeof SAE_IDENTITIES)[number]

/**
 * The SAE behind a certificate, judged anew at every request (threat N3): its key is pinned in the policy now
 * in force, it is within its time, and in the place agreed on it names that SAE, exactly, and no other.
 */
export function callerOf(
  peer: PeerIdentity,
  policy: SitePolicy,
  nowMs: number,
  where: SaeIdentity = "common-name",
): string | undefined {
  const saeId = policy.saeByPin(peer.spkiSha256)
  if (saeId === undefined || nowMs < peer.validFromMs || nowMs > peer.validToMs) return undefined
  const known = named.get(peer)
  if (known?.saeId === saeId && known.where === where) return known.isSo ? saeId : undefined
  const isSo = names(peer, where, saeId)
  named.set(peer, { saeId, where, isSo })
  return isSo ? saeId : undefined
}

/** What a certificate names never changes: looked at once for each connection. */
const named = new WeakMap<
  PeerIdentity,
  { readonly saeId: string; readonly where: SaeIdentity; readonly isSo: boolean }
>()

/** The SAE that named itself by its id and knew the pre-shared key that the policy now in force pins for it. */
export function callerByPsk(peer: PeerIdentity, policy: SitePolicy): string | undefined {
  const { commonName, pskSha256 } = peer
  const isPinned = pskSha256 !== undefined && policy.pinsPsk(commonName, pskSha256)
  return isPinned ? commonName : undefined
}

function names(peer: PeerIdentity, where: SaeIdentity, saeId: string): boolean {
  const { commonName, uris, dnsNames } = peer
  switch (where) {
    case "common-name":
      // A URN of ours beside it must not say otherwise.
      return (
        commonName === saeId &&
        uris.filter((uri) => uri.startsWith(saeUri(""))).every((urn) => urn === saeUri(saeId))
      )
    case "san-uri":
      return uris.length === 1 && (uris[0] === saeId || uris[0] === saeUri(saeId))
    case "san-dns":
      return dnsNames.length === 1 && dnsNames[0] === saeId
  }
}
