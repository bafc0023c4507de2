// TLS of the north's HTTP servers: a certificate of ours, and client certificates where somebody vouches for them. Nobody
// must have one: a token, or the page's cookie, does as well. What a certificate is worth is restconf-identity's to say.

import { constants } from "node:crypto"
import type { TlsOptions } from "node:tls"
import type { MutualTls } from "../transport/tls.js"

/** Without authorities, certificates are not asked for. */
export type HttpsSide = Omit<MutualTls, "minVersion">

/** Who shows no certificate, or one nobody vouches for, is a stranger who may still have a token. */
export function httpsOptions({ identity, authorities, revocation }: HttpsSide): TlsOptions {
  return {
    cert: identity.certificatePem,
    key: identity.privateKeyPem,
    minVersion: "TLSv1.3",
    // No resumption: with it a client that shows no certificate could read as authorised (THREATS N3).
    secureOptions: constants.SSL_OP_NO_TICKET,
    ...(authorities.length > 0 && {
      requestCert: true,
      rejectUnauthorized: false,
      ca: [...authorities],
      ...(revocation !== undefined && { crl: [...revocation.pems] }),
    }),
  }
}
