// The connections to the neighbouring key managers: mutual TLS 1.3, pinned both ways by the site policy, one a
// pair (the end with the lower qkdnId dials), redialled, cut when silent. Owns sockets and timers; what frames
// mean is the key manager's matter.
//
// Certificates are not chained to an authority here: the signed policy names each peer's key itself. TLS 1.3
// proves in each handshake that the peer has the private key; sessions are never resumed (THREATS N3).

import { constants, X509Certificate } from "node:crypto"
import type { Server as NetServer, Socket } from "node:net"
import tls from "node:tls"
import type { TLSSocket } from "node:tls"
import { asQkdError, QkdError } from "../errors.js"
import type { PeerIdentity, PolicyView } from "../keys/policy-view.js"
import type { PeerAddress } from "../model/node.js"
import { spkiSha256 } from "../transport/pki.js"
import type { CertifiedKey } from "../transport/pki.js"
import { listen } from "../transport/tls.js"
import type { KeyManagerClock, KeyManagerLimits } from "./key-manager-options.js"
import type { Log } from "./log.js"
import { RelayPeer } from "./relay-peer.js"
import type { RelayPeerOwner } from "./relay-peer.js"
import type { Frame, Hello } from "./relay-wire.js"

export interface RelayMeshOwner {
  /** The first words to this peer. */
  helloFor(peer: PeerIdentity): Hello
  onHello(peer: RelayPeer, hello: Hello): Promise<void>
  onUp(peer: RelayPeer): void
  onFrame(peer: RelayPeer, frame: Frame): void
  /** Only for peers that were up. */
  onDown(peer: RelayPeer): void
}

export interface RelayMeshOptions {
  readonly qkdnId: string
  readonly tls: CertifiedKey
  readonly listen: { readonly host: string; readonly port: number }
  readonly policy: PolicyView
  readonly clock: KeyManagerClock
  readonly random: (bytes: number) => Uint8Array
  readonly limits: KeyManagerLimits
  readonly log: Log
  readonly owner: RelayMeshOwner
}

interface Dial {
  address: PeerAddress
  waitMs: number
  timer: NodeJS.Timeout | undefined
  socket: TLSSocket | undefined
}

/** What strangers may hold open, in all and from one address, until their handshake fails or runs out of time. */
const MAX_CONNECTIONS = 512
const MAX_PER_ADDRESS = 64
/** Connections of one neighbour that are not up (yet). */
const MAX_PER_PEER = 4

export class RelayMesh implements RelayPeerOwner {
  readonly #options: RelayMeshOptions
  readonly #secure: tls.SecureContextOptions
  readonly #server: tls.Server
  /** The connection in use with each neighbour. */
  readonly #up = new Map<string, RelayPeer>()
  /** Every connection whose other end is known, and when the certificate that proved it expires. */
  readonly #all = new Map<RelayPeer, number>()
  readonly #dials = new Map<string, Dial>()
  /** Accepted TCP connections, whatever came of them, by their far end. */
  readonly #raw = new Map<string, { readonly socket: Socket; readonly deadline: NodeJS.Timeout }>()
  #port = 0
  #closed = false

  static async open(options: RelayMeshOptions): Promise<RelayMesh> {
    const mesh = new RelayMesh(options)
    mesh.#port = await listen(mesh.#server, options.listen.host, options.listen.port)
    return mesh
  }

  private constructor(options: RelayMeshOptions) {
    this.#options = options
    this.#secure = {
      cert: options.tls.certificatePem,
      key: options.tls.privateKeyPem,
      minVersion: "TLSv1.3",
      maxVersion: "TLSv1.3",
      ciphers: "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
      secureOptions: constants.SSL_OP_NO_TICKET,
    }
    this.#server = tls.createServer({
      ...this.#secure,
      requestCert: true,
      rejectUnauthorized: false,
    })
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.on("secureConnection", (socket) => {
      clearTimeout(this.#raw.get(farEndOf(socket))?.deadline)
      this.#adopt(socket, undefined)
    })
    this.#server.on("tlsClientError", () => undefined)
    ;(this.#server as NetServer).on("connection", (raw) => {
      this.#accept(raw)
    })
  }

  get port(): number {
    return this.#port
  }

  peer(qkdnId: string): RelayPeer | undefined {
    return this.#up.get(qkdnId)
  }

  peers(): RelayPeer[] {
    return Array.from(this.#up.values())
  }

  /** The neighbours as configured; those this end is to dial are dialled until they answer. */
  neighbours(addresses: readonly PeerAddress[]): void {
    const wanted = new Map(
      addresses.filter(({ qkdnId }) => this.#options.qkdnId < qkdnId).map((a) => [a.qkdnId, a]),
    )
    for (const [qkdnId, dial] of this.#dials) {
      const address = wanted.get(qkdnId)
      if (address?.host === dial.address.host && address.port === dial.address.port) continue
      clearTimeout(dial.timer)
      dial.socket?.destroy()
      this.#dials.delete(qkdnId)
    }
    for (const [qkdnId, address] of wanted) {
      if (this.#dials.has(qkdnId)) continue
      const waitMs = this.#options.limits.redialMinMs
      const dial: Dial = { address, waitMs, timer: undefined, socket: undefined }
      this.#dials.set(qkdnId, dial)
      this.#connect(dial)
    }
  }

  /** Ends every connection with this peer; it is dialled again if this end dials. */
  drop(qkdnId: string, error: QkdError): void {
    for (const peer of this.#all.keys()) {
      if (peer.qkdnId === qkdnId) peer.close(error)
    }
  }

  /** Once a ping interval: signs of life, silence, pins that the policy has withdrawn, expired certificates. */
  tick(): void {
    const { policy, clock } = this.#options
    for (const [peer, expiresMs] of this.#all) {
      const { qkdnId, spkiSha256: pin } = peer.identity
      if (policy.peerByPin(pin)?.qkdnId !== qkdnId || !policy.allowsNeighbour(qkdnId))
        peer.close(new QkdError("access-denied", "no longer in the policy", { appTag: "policy" }))
      else if (clock.now() > expiresMs)
        peer.close(new QkdError("access-denied", "its certificate has expired"))
      else if (!peer.ping())
        peer.close(new QkdError("operation-failed", `${qkdnId} is silent`, { appTag: "timeout" }))
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const dial of this.#dials.values()) {
      clearTimeout(dial.timer)
      dial.socket?.destroy()
    }
    this.#dials.clear()
    const closing = new QkdError("operation-failed", "shutting down", { appTag: "closed" })
    for (const peer of this.#all.keys()) peer.close(closing)
    // Farewells have a moment; handshakes that are under way do not.
    setTimeout(() => {
      for (const { socket } of this.#raw.values()) socket.destroy()
    }, 200).unref()
    await new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
  }

  onHello(peer: RelayPeer, hello: Hello): Promise<void> {
    return this.#options.owner.onHello(peer, hello)
  }

  onUp(peer: RelayPeer): void {
    const former = this.#up.get(peer.qkdnId)
    this.#up.set(peer.qkdnId, peer)
    if (former !== undefined) {
      // The same site again: the older connection is a dead one whose end was not noticed.
      this.#options.owner.onDown(former)
      former.close(new QkdError("operation-failed", "replaced", { appTag: "closed" }))
    }
    const dial = this.#dials.get(peer.qkdnId)
    if (dial !== undefined) dial.waitMs = this.#options.limits.redialMinMs
    this.#options.owner.onUp(peer)
  }

  onFrame(peer: RelayPeer, frame: Frame): void {
    this.#options.owner.onFrame(peer, frame)
  }

  onClosed(peer: RelayPeer, error: QkdError): void {
    this.#all.delete(peer)
    this.#options.log.debug({ peer: peer.qkdnId, tag: error.tag }, `relay peer: ${error.message}`)
    if (this.#up.get(peer.qkdnId) !== peer) return
    this.#up.delete(peer.qkdnId)
    this.#options.owner.onDown(peer)
  }

  #connect(dial: Dial): void {
    if (this.#closed) return
    dial.timer = undefined
    const { host, port } = dial.address
    const socket = tls.connect({
      ...this.#secure,
      host,
      port,
      servername: "",
      // Judged by pin in #adopt, before anything is said.
      rejectUnauthorized: false,
      checkServerIdentity: () => undefined,
    })
    dial.socket = socket
    const timeout = setTimeout(() => {
      socket.destroy()
    }, this.#options.limits.handshakeTimeoutMs)
    socket.on("error", () => undefined)
    socket.once("secureConnect", () => {
      clearTimeout(timeout)
      this.#adopt(socket, dial.address.qkdnId)
    })
    socket.once("close", () => {
      clearTimeout(timeout)
      if (this.#closed || this.#dials.get(dial.address.qkdnId) !== dial) return
      // Full jitter within the second half, so that many ends do not dial in step.
      const share = 0.5 + (this.#options.random(1)[0] ?? 0) / 512
      dial.timer = setTimeout(() => {
        this.#connect(dial)
      }, dial.waitMs * share)
      dial.waitMs = Math.min(dial.waitMs * 2, this.#options.limits.redialMaxMs)
    })
  }

  /** Bounds what a stranger holds. `handshakeTimeout` of node:tls only reports: the socket would stay open. */
  #accept(socket: Socket): void {
    const { remoteAddress } = socket
    const open = Array.from(this.#raw.values())
    if (
      open.filter((raw) => raw.socket.remoteAddress === remoteAddress).length >= MAX_PER_ADDRESS
    ) {
      socket.destroy()
      return
    }
    const from = farEndOf(socket)
    const deadline = setTimeout(() => {
      socket.destroy()
    }, this.#options.limits.handshakeTimeoutMs)
    this.#raw.set(from, { socket, deadline })
    socket.once("close", () => {
      clearTimeout(deadline)
      this.#raw.delete(from)
    })
  }

  #adopt(socket: TLSSocket, expected: string | undefined): void {
    socket.on("error", () => undefined)
    try {
      if (this.#closed) throw new QkdError("operation-failed", "shutting down")
      const { identity, expiresMs } = this.#identify(socket, expected)
      const same = Array.from(this.#all.keys()).filter(
        (peer) => peer.qkdnId === identity.qkdnId && !peer.up,
      )
      if (same.length >= MAX_PER_PEER)
        throw new QkdError("resource-denied", `${identity.qkdnId} has too many connections`)
      const hello = this.#options.owner.helloFor(identity)
      const { helloTimeoutMs } = this.#options.limits
      this.#all.set(new RelayPeer(socket, identity, hello, this, helloTimeoutMs), expiresMs)
    } catch (cause) {
      const { message } = asQkdError(cause)
      this.#options.log.warn({ from: socket.remoteAddress }, `relay connection refused: ${message}`)
      socket.destroy()
    }
  }

  /** Who is there, by certificate and policy alone. */
  #identify(
    socket: TLSSocket,
    expected: string | undefined,
  ): { readonly identity: PeerIdentity; readonly expiresMs: number } {
    const { policy, clock, qkdnId } = this.#options
    const denied = (why: string): QkdError => new QkdError("access-denied", why)
    const certificate: X509Certificate | undefined = socket.getPeerX509Certificate()
    if (certificate === undefined || socket.isSessionReused()) throw denied("no certificate")
    const now = clock.now()
    const expiresMs = Date.parse(certificate.validTo)
    // A time that cannot be read is no time: written so that it is refused as well.
    if (!(now >= Date.parse(certificate.validFrom) && now <= expiresMs))
      throw denied("the certificate's time is not now")
    const identity = policy.peerByPin(spkiSha256(certificate))
    if (identity === undefined || identity.qkdnId === qkdnId)
      throw denied("a key that the policy does not name")
    if (expected !== undefined && identity.qkdnId !== expected)
      throw denied(`${identity.qkdnId} answers in place of ${expected}`)
    if (!policy.allowsNeighbour(identity.qkdnId))
      throw denied(`${identity.qkdnId} is no neighbour by policy`)
    return { identity, expiresMs }
  }
}

/** The bare socket and the TLS socket above it are two objects: this is the same for both. */
function farEndOf({ remoteAddress = "", remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
