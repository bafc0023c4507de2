// What connections to a TLS server may hold open: handshakes, connections per address and per certificate (threat N5).

import type { Server as NetServer, Socket } from "node:net"
import type { Server, TLSSocket } from "node:tls"

/** Ceilings on what strangers and clients may hold open. */
export interface ConnectionLimits {
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  readonly maxConnectionsPerCertificate: number
  /** From the TCP connection to the end of the TLS handshake, however slowly bytes drip in. */
  readonly handshakeTimeoutMs: number
  /** Addresses that may connect at all; any where absent. Others are let go before a word is said. */
  readonly from?: { has(address: string): boolean }
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = {
  maxConnections: 1024,
  maxConnectionsPerAddress: 256,
  maxConnectionsPerCertificate: 32,
  handshakeTimeoutMs: 5000,
}

/**
 * Bounds what connections to a TLS server may hold, from the TCP accept on. `onSecure` gets those that
 * passed, with their identity; all others are destroyed without an answer. `identify` throws for whom it does not know.
 */
export function guardIdentified<P extends { readonly spkiSha256: string }>(
  server: Server,
  limits: ConnectionLimits,
  identify: (socket: TLSSocket) => P,
  onSecure: (socket: TLSSocket, peer: P) => void,
): void {
  const perAddress = new Counter()
  const perCertificate = new Counter()
  /** Connections that have proven nothing yet, oldest first. */
  const handshakes = new Map<string, Handshake>()
  let open = 0
  /** Ends the oldest that has proven nothing, of this address or of any; false when there is none. */
  const giveWay = (address?: string): boolean => {
    const silent = oldest(handshakes, address)
    clearTimeout(silent?.deadline)
    silent?.raw.destroy()
    return silent !== undefined
  }

  // "connection" is the bare TCP socket; "secureConnection" comes with another object for the same peer.
  ;(server as NetServer).on("connection", (raw: Socket) => {
    const address = raw.remoteAddress ?? ""
    const from = `${address} ${raw.remotePort ?? 0}`
    if (limits.from?.has(address) === false) {
      raw.destroy()
      return
    }
    // Full: whoever has been silent longest gives way, so that a crowd of strangers keeps nobody out who has a certificate;
    // nor does one behind the same address.
    if (perAddress.held(address) >= limits.maxConnectionsPerAddress && !giveWay(address)) {
      raw.destroy()
      return
    }
    perAddress.take(address, Infinity)
    open += 1
    raw.once("close", () => {
      open -= 1
      perAddress.release(address)
      clearTimeout(handshakes.get(from)?.deadline)
      handshakes.delete(from)
    })
    if (open > limits.maxConnections && !giveWay()) {
      raw.destroy()
      return
    }
    const deadline = setTimeout(() => {
      raw.destroy()
    }, limits.handshakeTimeoutMs)
    handshakes.set(from, { raw, address, deadline })
  })

  server.on("secureConnection", (socket: TLSSocket) => {
    const from = `${socket.remoteAddress ?? ""} ${socket.remotePort ?? 0}`
    clearTimeout(handshakes.get(from)?.deadline)
    handshakes.delete(from)
    // A reset by the peer must not become an uncaught error before a protocol has its own listener.
    socket.on("error", () => undefined)
    let peer: P
    try {
      peer = identify(socket)
    } catch {
      socket.destroy()
      return
    }
    if (!perCertificate.take(peer.spkiSha256, limits.maxConnectionsPerCertificate)) {
      socket.destroy()
      return
    }
    socket.once("close", () => {
      perCertificate.release(peer.spkiSha256)
    })
    socket.setNoDelay(true)
    onSecure(socket, peer)
  })
  server.on("tlsClientError", () => undefined)
}

interface Handshake {
  readonly raw: Socket
  readonly address: string
  readonly deadline: NodeJS.Timeout
}

/** Takes it out: its end comes later. */
function oldest(waiting: Map<string, Handshake>, address?: string): Handshake | undefined {
  for (const [from, first] of waiting) {
    if (address !== undefined && first.address !== address) continue
    waiting.delete(from)
    return first
  }
  return undefined
}

class Counter {
  readonly #held = new Map<string, number>()

  held(key: string): number {
    return this.#held.get(key) ?? 0
  }

  take(key: string, ceiling: number): boolean {
    const held = this.held(key)
    if (held >= ceiling) return false
    this.#held.set(key, held + 1)
    return true
  }

  release(key: string): void {
    const held = (this.#held.get(key) ?? 1) - 1
    if (held === 0) this.#held.delete(key)
    else this.#held.set(key, held)
  }
}
