// Mutual TLS, both ends: who may connect and who they proved to be. Byte streams only: HTTP is https.ts,
// what a peer may do is the site policy's matter.
//
// Session resumption is off on both ends: with it a client that shows no certificate at all can read as
// authorised (threat N3). What a stranger can hold open is bounded in tls-guard.ts (threat N5).

import { constants, X509Certificate } from "node:crypto"
import type { Server as NetServer, Socket } from "node:net"
import tls from "node:tls"
import type { TLSSocket, TlsOptions } from "node:tls"
import { QkdError } from "../errors.js"
import { spkiSha256 } from "./pki.js"
import type { CertifiedKey } from "./pki.js"
import type { RevocationLists } from "./revocation.js"
import { DEFAULT_CONNECTION_LIMITS, guardIdentified, type ConnectionLimits } from "./tls-guard.js"
import { renewable } from "./tls-renewal.js"

export type TlsVersion = "TLSv1.2" | "TLSv1.3"

/** What one end shows and whom it believes. Server and client authorities are given apart on purpose. */
export interface MutualTls {
  readonly identity: CertifiedKey
  /** PEM of the authorities that the other end's certificate must chain to. No system store is used. */
  readonly authorities: readonly string[]
  /** Lowest version spoken; TLS 1.3 when absent. */
  readonly minVersion?: TlsVersion
  /** Whom the authorities no longer vouch for. */
  readonly revocation?: RevocationLists
}

/** Who the other end proved to be, from its certificate alone. */
export interface PeerIdentity {
  readonly commonName: string
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex. */
  readonly spkiSha256: string
  /** URIs of the subject alternative name. */
  readonly uris: readonly string[]
  /** DNS names of the subject alternative name. */
  readonly dnsNames: readonly string[]
  readonly validFromMs: number
  readonly validToMs: number
  /** It showed no certificate, but knew a pre-shared key with this SHA-256, lower-case hex; `commonName` is whose. */
  readonly pskSha256?: string
}

const CIPHERS = [
  "TLS_AES_256_GCM_SHA384",
  "TLS_AES_128_GCM_SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
].join(":")

/** Options common to both ends. */
function common(side: MutualTls): tls.SecureContextOptions {
  return {
    cert: side.identity.certificatePem,
    key: side.identity.privateKeyPem,
    ca: [...side.authorities],
    ...(side.revocation !== undefined && { crl: [...side.revocation.pems] }),
    minVersion: side.minVersion ?? "TLSv1.3",
    maxVersion: "TLSv1.3",
    ciphers: CIPHERS,
    ecdhCurve: "X25519:P-256:P-384",
    // Tickets would carry the session outside the server; without them and without a session store (none
    // is attached here) nothing can be resumed.
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** Options for a server that lets nobody in without a certificate. */
export function serverTlsOptions(side: MutualTls): TlsOptions {
  if (side.authorities.length === 0) {
    throw new QkdError("invalid-value", "a mutual TLS server needs a client authority")
  }
  return {
    ...common(side),
    requestCert: true,
    rejectUnauthorized: true,
    honorCipherOrder: true,
  }
}

/**
 * The identity behind an established connection.
 *
 * @param nameless a certificate without exactly one common name passes too, with "" for it
 * @throws QkdError `access-denied` without a verified certificate, on a resumed session, or when the
 * certificate names itself oddly (no or several common names).
 */
export function peerIdentityOf(socket: TLSSocket, nameless = false): PeerIdentity {
  const certificate = socket.getPeerX509Certificate()
  if (!socket.authorized || socket.isSessionReused() || certificate === undefined) {
    throw new QkdError("access-denied", "no verified certificate on this connection")
  }
  return identityIn(certificate, nameless)
}

function identityIn(certificate: X509Certificate, nameless: boolean): PeerIdentity {
  // Several CNs come as an array here, and a certificate may have no subject at all: no name to build entitlement on.
  const subject = certificate.toLegacyObject().subject as { readonly CN?: unknown } | undefined
  const named = typeof subject?.CN === "string" ? subject.CN : ""
  if (named === "" && !nameless) {
    throw new QkdError("access-denied", "the certificate does not have exactly one common name")
  }
  // Node separates alternative names by ", " and quotes those that hold odd characters.
  const names = (certificate.subjectAltName ?? "").split(", ")
  const ofType = (prefix: string): string[] =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length))
  return {
    commonName: named,
    spkiSha256: spkiSha256(certificate),
    uris: ofType("URI:"),
    dnsNames: ofType("DNS:"),
    validFromMs: Date.parse(certificate.validFrom),
    validToMs: Date.parse(certificate.validTo),
  }
}

/** Exchanges what a running server shows and believes; throws QkdError and changes nothing for what is unusable. */
export interface RenewableTls {
  /** @returns how many connections were cut off because their certificates are revoked now. */
  renew(tls: MutualTls): number
}

export interface MutualTlsServer extends RenewableTls {
  readonly port: number
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/** Listens for bare mutual-TLS byte streams, such as relay peers. Port 0 picks a free one. */
export async function listenMutualTls(options: {
  readonly host: string
  readonly port: number
  readonly tls: MutualTls
  readonly limits?: Partial<ConnectionLimits>
  /** Clients may be known by other names than a common name: see `peerIdentityOf`. */
  readonly nameless?: boolean
  /** A client that sends no more is still answered: `onConnection` sees to the end of its connections. */
  readonly halfOpen?: boolean
  readonly onConnection: (socket: TLSSocket, peer: PeerIdentity) => void
}): Promise<MutualTlsServer> {
  const server = tls.createServer({
    ...serverTlsOptions(options.tls),
    allowHalfOpen: options.halfOpen === true,
  })
  const renew = renewable(server)
  const open = new Set<Socket>()
  ;(server as NetServer).on("connection", (raw: Socket) => {
    open.add(raw)
    raw.once("close", () => open.delete(raw))
  })
  guardIdentified(
    server,
    { ...DEFAULT_CONNECTION_LIMITS, ...options.limits },
    (socket) => peerIdentityOf(socket, options.nameless === true),
    options.onConnection,
  )
  return {
    port: await listen(server, options.host, options.port),
    renew: (side) => renew(serverTlsOptions(side), side.revocation),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        for (const socket of open) socket.destroy()
      }),
  }
}

/**
 * Binds and resolves with the port.
 *
 * @throws QkdError `operation-failed`, or `in-use` when the address is taken.
 */
export function listen(server: NetServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const tag = error.code === "EADDRINUSE" ? "in-use" : "operation-failed"
      reject(new QkdError(tag, `cannot listen on ${host}:${port}: ${error.message}`))
    }
    server.once("error", failed)
    server.listen(port, host, () => {
      server.off("error", failed)
      const address = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : port)
    })
  })
}

/**
 * How a client knows its server. With `pins` the key itself is what counts and the name in the certificate
 * is not looked at, unless `commonName` asks for it; without pins the certificate must name the host.
 */
export interface ServerProof {
  readonly pins?: readonly string[]
  readonly commonName?: string
}

/** Client options: resumption off, the server's certificate checked against authorities and `proof`. */
export function clientTlsOptions(
  side: MutualTls,
  host: string,
  proof: ServerProof = {},
): tls.ConnectionOptions {
  return {
    ...common(side),
    host,
    // SNI carries DNS names only (RFC 6066 section 3).
    servername: /^[0-9.]+$|:/.test(host) ? "" : host,
    rejectUnauthorized: true,
    checkServerIdentity: (_name, certificate) => {
      if (proof.commonName !== undefined && certificate.subject.CN !== proof.commonName) {
        return new QkdError("access-denied", `the server is not ${proof.commonName}`)
      }
      if (proof.pins === undefined) return tls.checkServerIdentity(host, certificate)
      return proof.pins.includes(spkiSha256(new X509Certificate(certificate.raw)))
        ? undefined
        : new QkdError("access-denied", "the server's key is not one of the pinned ones")
    },
  }
}

/**
 * Connects and resolves once the server has proved itself. With TLS 1.3 the server judges *our* certificate
 * only afterwards: a refusal shows as the end of the connection.
 *
 * @throws QkdError app-tag `node-unreachable`, `timeout`, or `access-denied` when the server is another.
 */
export function connectMutualTls(options: {
  readonly host: string
  readonly port: number
  readonly tls: MutualTls
  readonly proof?: ServerProof
  readonly timeoutMs: number
}): Promise<{ readonly socket: TLSSocket; readonly peer: PeerIdentity }> {
  const { host, port } = options
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ ...clientTlsOptions(options.tls, host, options.proof), port })
    const fail = (error: QkdError): void => {
      clearTimeout(timer)
      socket.destroy()
      reject(error)
    }
    const timer = setTimeout(() => {
      fail(
        new QkdError("operation-failed", `${host}:${port} did not finish the TLS handshake`, {
          appTag: "timeout",
        }),
      )
    }, options.timeoutMs)
    const onError = (cause: Error): void => {
      fail(asConnectError(host, port, cause))
    }
    socket.once("error", onError)
    socket.once("secureConnect", () => {
      clearTimeout(timer)
      try {
        const peer = peerIdentityOf(socket)
        socket.setNoDelay(true)
        socket.off("error", onError)
        // Until the caller listens, a reset must not become an uncaught error.
        socket.on("error", () => undefined)
        resolve({ socket, peer })
      } catch (cause) {
        fail(asConnectError(host, port, cause))
      }
    })
  })
}

/** Codes of a server certificate that did not convince us, as OpenSSL and Node name them. */
const DISTRUST = /^(CERT_|UNABLE_|SELF_SIGNED|DEPTH_ZERO|INVALID_|ERR_TLS_CERT)/

/** A socket's fault on connecting, as callers branch on it. */
export function asConnectError(host: string, port: number, cause: unknown): QkdError {
  if (cause instanceof QkdError) return cause
  if (cause instanceof Error && "code" in cause && DISTRUST.test(String(cause.code))) {
    return new QkdError("access-denied", `${host}:${port}: ${cause.message}`, { cause })
  }
  const message = cause instanceof Error ? cause.message : "connection failed"
  return new QkdError("operation-failed", `${host}:${port}: ${message}`, {
    appTag: "node-unreachable",
    cause,
  })
}
