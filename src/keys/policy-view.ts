// What the key manager asks of the site policy, as an interface. The signed policy itself, its parsing and its
// versions live in `policy.ts`; here is only the question list, so that the key plane can be tested without it.
// Asked anew at every use, never cached: a new policy version takes effect with the next question.

import type { RelayScheme } from "../model/app.js"

/** Another site's identity, as the signed policy names it. Never learned from the network. */
export interface PeerIdentity {
  readonly qkdnId: string
  /**
   * SHA-256 over the DER SubjectPublicKeyInfo of the peer's key manager certificate, lower-case hex (as
   * `spkiSha256` of transport/pki gives it). The transport's only source of identity (THREATS N2).
   */
  readonly spkiSha256: string
  /** Raw Ed25519 public key, 32 bytes: signs relay acknowledgements, voids and store marks of that site. */
  readonly signPublicKey: Uint8Array
}

/** A key on its way, as the node that judges it sees it. */
export interface RelayPath {
  readonly source: string
  readonly destination: string
  /** qkdnIds passed so far, in order: the source first, the judging node last. At the source, when the
   * acknowledgement is back: the whole path, ends included. */
  readonly nodes: readonly string[]
  /** The next node; absent where the path ends. */
  readonly next?: string
}

export interface PolicyView {
  /** The node this policy speaks for. */
  readonly qkdnId: string
  /** Longest path, counted in links; a direct link is 1. */
  readonly maxHops: number
  /** Relay schemes that keys which start, pass or end here may use; any where absent. */
  readonly relaySchemes?: readonly RelayScheme[]
  /** Paths without a common node that keys from or for this site must be shared over; 1 where absent. */
  readonly minDisjointPaths?: number
  /** Ceiling of every application's rate, bit/s; none where absent. */
  readonly maxBpsPerApp?: number | undefined
  /** A site that this one may deal with at all, as neighbour or as far end. */
  peer(qkdnId: string): PeerIdentity | undefined
  /** The site whose key manager certificate has this pin. */
  peerByPin(spkiSha256: string): PeerIdentity | undefined
  /** May share a link and a key management connection with this node. */
  allowsNeighbour(qkdnId: string): boolean
  /** May share end keys with this node. */
  allowsEnd(qkdnId: string): boolean
  /** This SAE is one of the site's own, or behind a domain that it stands for: keys may be made for it. */
  ownsSae(saeId: string): boolean
  /** The neighbouring domain that keys for this SAE are handed over to; undefined for the site's own. */
  domainOf?(saeId: string): string | undefined
  /**
   * Why this node must not take part in that path; undefined when it may. Asked at the source before
   * sending and again with the whole path before the key is used, at every relay before forwarding, and at
   * the destination before storing. The key manager itself checks hop ceiling, loops, `allowsNeighbour` of
   * the next hop and `allowsEnd` of the far end: here go relay rights and nodes to be avoided.
   */
  refusesPath(path: RelayPath): string | undefined
}
