// NETCONF over TLS, the server's end (RFC 7589): takes connections it accepts or is handed (call home), lets in who
// shows a certificate that is believed and maps to a user, and only then opens a NETCONF session. Does not know what
// the sessions do. Bounds on strangers are those of tls.ts.

import type { X509Certificate } from "node:crypto"
import type { Socket } from "node:net"
import tls, { type TLSSocket } from "node:tls"
import { QkdError } from "../errors.js"
import { chainOf } from "./certificate-chain.js"
import { checkCertToName, usernameOf, verifiedChain, type CertToName } from "./certificate-names.js"
import { spkiSha256 } from "./pki.js"
import { SocketPipe } from "./socket-pipe.js"
import { systemClock } from "./ssh-clock.js"
import type { SessionOpener } from "./ssh-server.js"
import { listen, serverTlsOptions, type MutualTls, type RenewableTls } from "./tls.js"
import { DEFAULT_CONNECTION_LIMITS, guardIdentified, type ConnectionLimits } from "./tls-guard.js"
import { renewable } from "./tls-renewal.js"

export interface NetconfTlsOptions {
  readonly server: SessionOpener
  readonly tls: MutualTls
  readonly certToName: readonly CertToName[]
  /** Whom to let in; every name that a certificate gives when absent. */
  readonly isUser?: (username: string) => boolean
  readonly limits?: Partial<ConnectionLimits>
  /** Told of everyone who is turned away after the handshake, for log and alarm. Must not throw. */
  readonly onRefused?: (refused: TlsRefusal) => void
}

export interface TlsRefusal {
  readonly address: string
  readonly why: "certificate" | "no user by that certificate" | "too many sessions"
  /** What OpenSSL found wrong with a certificate: CERT_REVOKED, CERT_HAS_EXPIRED, CRL_HAS_EXPIRED and others. */
  readonly fault?: string
}

interface Peer {
  readonly username: string
  readonly spkiSha256: string
  readonly validToMs: number
}

export class NetconfTlsServer implements RenewableTls {
  readonly #options: NetconfTlsOptions
  readonly #server: tls.Server
  readonly #renew: ReturnType<typeof renewable>
  readonly #open = new Set<Socket>()

  /** @throws QkdError `invalid-value` for fingerprints that nothing can match, or without an authority. */
  constructor(options: NetconfTlsOptions) {
    checkCertToName(options.certToName)
    this.#options = options
    // Judged in #identify all the same, where it is known who asks and what was wrong with the certificate.
    this.#server = tls.createServer({
      ...serverTlsOptions(options.tls),
      rejectUnauthorized: false,
    })
    this.#renew = renewable(this.#server)
    const limits = { ...DEFAULT_CONNECTION_LIMITS, ...options.limits }
    const bare: NodeJS.EventEmitter = this.#server
    bare.on("connection", (raw: Socket) => {
      this.#open.add(raw)
      raw.once("close", () => this.#open.delete(raw))
      raw.on("error", () => undefined)
    })
    guardIdentified(
      this.#server,
      limits,
      (socket) => this.#identify(socket),
      (socket, peer) => {
        this.#serve(socket, peer)
      },
    )
  }

  /** @throws QkdError `in-use` or `operation-failed` when the port cannot be had. @returns the port. */
  listen(host: string, port: number): Promise<number> {
    return listen(this.#server, host, port)
  }

  /** A connection that came about otherwise: we called (RFC 8071 section 3). */
  serve(socket: Socket): void {
    this.#server.emit("connection", socket)
  }

  /** TCP connections now, authenticated or not. */
  connections(): number {
    return this.#open.size
  }

  renew(side: MutualTls): number {
    return this.#renew(serverTlsOptions(side), side.revocation)
  }

  /** Ends every connection and stops listening. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      // Never listening is no reason to hang.
      this.#server.close(() => {
        resolve()
      })
      for (const socket of this.#open) socket.destroy()
    })
  }

  /** @throws QkdError `access-denied` for whom no certificate, or no entry, makes somebody. */
  #identify(socket: TLSSocket): Peer {
    const address = socket.remoteAddress ?? ""
    const certificate = socket.getPeerX509Certificate()
    if (!socket.authorized || socket.isSessionReused() || certificate === undefined) {
      const fault = certificate === undefined ? "none was shown" : String(socket.authorizationError)
      this.#refused({ address, why: "certificate", fault })
      throw new QkdError("access-denied", "no verified certificate on this connection")
    }
    const chain: readonly X509Certificate[] = verifiedChain(chainOf(socket))
    const { certToName, isUser } = this.#options
    const username = usernameOf(chain, certToName)
    if (username === undefined || isUser?.(username) === false) {
      this.#refused({ address, why: "no user by that certificate" })
      throw new QkdError("access-denied", "no user by that certificate")
    }
    return {
      username,
      spkiSha256: spkiSha256(certificate),
      validToMs: Date.parse(certificate.validTo),
    }
  }

  #serve(socket: TLSSocket, { username, validToMs }: Peer): void {
    const address = socket.remoteAddress ?? ""
    const pipe = new SocketPipe(socket, "TLS")
    try {
      pipe.attach(this.#options.server.open(pipe, { username, address, transport: "netconf-tls" }))
    } catch (error) {
      if (!(error instanceof QkdError)) throw error
      this.#refused({ address, why: "too many sessions" })
      pipe.close()
      return
    }
    // A session must not outlive what it stands on (THREATS N3).
    const cancel = systemClock.after(validToMs - Date.now(), () => socket.destroy())
    socket.once("close", cancel)
  }

  #refused(refusal: TlsRefusal): void {
    this.#options.onRefused?.(refusal)
  }
}
