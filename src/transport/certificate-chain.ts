// The certificates behind a TLS connection, from the peer's own upwards, as Node found them. Proves nothing.

import { X509Certificate } from "node:crypto"
import type { DetailedPeerCertificate, TLSSocket } from "node:tls"

/** More than this no honest chain has. */
const MAX_LENGTH = 10

export function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let at: Partial<DetailedPeerCertificate> | undefined = socket.getPeerCertificate(true)
  while (at?.raw !== undefined && chain.length < MAX_LENGTH) {
    chain.push(new X509Certificate(at.raw))
    // A root is its own issuer.
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate
  }
  return chain
}
