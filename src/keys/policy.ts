// The site policy, parsed: which SAEs are the site's own, which sites it deals with and how, and the ceilings.
// Lookups only: parsing is policy-document.ts, signatures policy-signature.ts, decisions policy-decisions.ts.

import type { RelayScheme } from "../model/app.js"

/** What this site lets another do: share end keys; share a link; see keys of others on the way. */
export type PeerRole = "end" | "neighbour" | "relay"

export interface PolicySae {
  readonly saeId: string
  /** SHA-256 of the SubjectPublicKeyInfo of each certificate the SAE may show, lower-case hex. */
  readonly spkiSha256: readonly string[]
  /** SHA-256 of each pre-shared key it may show where certificates cannot be (SKIP), lower-case hex. */
  readonly pskSha256?: readonly string[]
}

export interface PolicyPeer {
  readonly qkdnId: string
  /** Of the key manager's certificate, lower-case hex. */
  readonly relaySpkiSha256: string
  /** Ed25519 SubjectPublicKeyInfo, base64: signs acknowledgements of that site. */
  readonly ackPublicKey: string
  readonly roles: readonly PeerRole[]
  /** SAEs the site may claim. Absent: any that is neither ours nor listed for another site. */
  readonly saes?: readonly string[]
}

/** A neighbouring domain's key manager in the same secured place (ETSI GS QKD 020), and whom we stand for behind it. */
export interface PolicyDomain {
  readonly name: string
  /** Of the certificates it may show, as server and as client, lower-case hex. */
  readonly spkiSha256: readonly string[]
  /** Origin of its interface; callbacks go there and nowhere else. */
  readonly url: string
  /** SAEs that lie behind it. No other may be named as of that domain. */
  readonly saes: readonly string[]
}

export interface PolicyLimits {
  /** Ceiling of an application's `max_bandwidth` and `min_bandwidth`, bit/s. */
  readonly maxBpsPerApp?: number
  readonly minKeySizeBits: number
  readonly maxKeySizeBits: number
  readonly maxKeysPerRequest: number
}

/** Exactly what the signers signed, members in the order of the documentation. */
export interface PolicyDocument {
  /** Only grows. */
  readonly version: number
  readonly qkdnId: string
  readonly saes: readonly PolicySae[]
  readonly peers: readonly PolicyPeer[]
  readonly relay: {
    /** May this node relay for others. */
    readonly allowed: boolean
    /** Longest path of keys that start, end or pass here, in links. */
    readonly maxHops: number
    /** Schemes that keys which start, end or pass here may use; any when absent. */
    readonly schemes?: readonly RelayScheme[]
  }
  readonly limits: PolicyLimits
  readonly domains?: readonly PolicyDomain[]
  readonly minimum?: {
    /** Lowest TLS version at key delivery; 1.3 when absent. */
    readonly deliveryTls?: "TLSv1.2" | "TLSv1.3"
    /** Paths without a common node that relayed keys of this site's SAEs are shared over; 1 when absent. */
    readonly disjointPaths?: number
  }
}

/** A checked policy with its lookups. Made by `parsePolicy` only. */
export class SitePolicy {
  readonly #saes: ReadonlyMap<string, PolicySae>
  readonly #saeByPin: ReadonlyMap<string, string>
  readonly #peers: ReadonlyMap<string, PolicyPeer>
  readonly #peerByPin: ReadonlyMap<string, PolicyPeer>
  readonly #claims: ReadonlyMap<string, string>
  readonly #domains: ReadonlyMap<string, PolicyDomain>
  readonly #domainBySae: ReadonlyMap<string, PolicyDomain>
  readonly #domainByPin: ReadonlyMap<string, PolicyDomain>

  constructor(readonly document: PolicyDocument) {
    this.#saes = new Map(document.saes.map((sae) => [sae.saeId, sae]))
    this.#saeByPin = new Map(
      document.saes.flatMap((sae) => sae.spkiSha256.map((pin) => [pin, sae.saeId])),
    )
    this.#peers = new Map(document.peers.map((peer) => [peer.qkdnId, peer]))
    this.#peerByPin = new Map(document.peers.map((peer) => [peer.relaySpkiSha256, peer]))
    this.#claims = new Map(
      document.peers.flatMap((peer) => (peer.saes ?? []).map((saeId) => [saeId, peer.qkdnId])),
    )
    const domains = document.domains ?? []
    this.#domains = new Map(domains.map((domain) => [domain.name, domain]))
    this.#domainBySae = new Map(domains.flatMap((d) => d.saes.map((saeId) => [saeId, d])))
    this.#domainByPin = new Map(domains.flatMap((d) => d.spkiSha256.map((pin) => [pin, d])))
  }

  get version(): number {
    return this.document.version
  }

  get qkdnId(): string {
    return this.document.qkdnId
  }

  ownsSae(saeId: string): boolean {
    return this.#saes.has(saeId)
  }

  /** One of the site's own, or one behind a neighbouring domain that this site stands for in its network. */
  standsFor(saeId: string): boolean {
    return this.#saes.has(saeId) || this.#domainBySae.has(saeId)
  }

  domain(name: string): PolicyDomain | undefined {
    return this.#domains.get(name)
  }

  /** The domain behind which this SAE lies. */
  domainOf(saeId: string): PolicyDomain | undefined {
    return this.#domainBySae.get(saeId)
  }

  domainByPin(spkiSha256: string): PolicyDomain | undefined {
    return this.#domainByPin.get(spkiSha256)
  }

  /** The SAE whose certificate has this pin. */
  saeByPin(spkiSha256: string): string | undefined {
    return this.#saeByPin.get(spkiSha256)
  }

  /** Whether this SAE of ours may show a pre-shared key with that SHA-256. */
  pinsPsk(saeId: string, pskSha256: string): boolean {
    return this.#saes.get(saeId)?.pskSha256?.includes(pskSha256) === true
  }

  peer(qkdnId: string): PolicyPeer | undefined {
    return this.#peers.get(qkdnId)
  }

  peerByPin(spkiSha256: string): PolicyPeer | undefined {
    return this.#peerByPin.get(spkiSha256)
  }

  hasRole(qkdnId: string, role: PeerRole): boolean {
    return this.#peers.get(qkdnId)?.roles.includes(role) ?? false
  }

  /** The site that the policy lists as this SAE's home: ours, a peer, or undefined when it is not said. */
  homeOf(saeId: string): string | undefined {
    return this.standsFor(saeId) ? this.qkdnId : this.#claims.get(saeId)
  }

  /** May the site `qkdnId` act as the home of this SAE (threat C2)? */
  mayClaim(qkdnId: string, saeId: string): boolean {
    const peer = this.#peers.get(qkdnId)
    if (peer === undefined) return false
    const home = this.homeOf(saeId)
    return peer.saes === undefined ? home === undefined : home === qkdnId
  }
}
