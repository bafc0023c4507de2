// Call home, the manager's end (RFC 8071 section 2): takes TCP connections from devices and is their SSH or TLS client.
// Whoever calls proves by its host key, or its certificate, that it is one of those expected; before that no login and
// no message leaves. Strangers are dropped, cost one handshake at a time, and few of those. Knows no nodes: who is
// expected is asked, what opens is handed on.

import { createServer, type Server, type Socket } from "node:net"
import { QkdError, asQkdError } from "../errors.js"
import type { ClientSession } from "../netconf/client-session.js"
import { openNetconfSsh, type SshConnectOptions, type SshLogin } from "./ssh.js"
import { openNetconfTls, type TlsConnectOptions } from "./tls-client.js"
import { listen, type MutualTls } from "./tls.js"

export interface CallHomeLimits {
  /** Callers that have not proved yet who they are, in all and of one address. */
  readonly maxPending: number
  readonly maxPendingPerAddress: number
  /** Callers of one address that were turned away within a minute; then that address is not listened to for the rest of it. */
  readonly maxRefusedPerMinute: number
  /** From TCP to the exchanged hellos. */
  readonly handshakeTimeoutMs: number
}

export const DEFAULT_CALL_HOME_LIMITS: CallHomeLimits = {
  maxPending: 64,
  maxPendingPerAddress: 32,
  maxRefusedPerMinute: 60,
  handshakeTimeoutMs: 10_000,
}

export interface CallHomeRefusal {
  readonly address: string
  readonly reason: string
}

interface CallHomeListenOptions {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly limits?: Partial<CallHomeLimits>
  /** A device that is expected, with its session open. */
  readonly onSession: (id: string, session: ClientSession) => void
  /** Told of each one that was turned away, for log and alarm. Must not throw. */
  readonly onRefused?: (refused: CallHomeRefusal) => void
}

export interface SshCallHomeOptions extends CallHomeListenOptions {
  /** Which device has this host key, and how we log in there; undefined for a stranger. */
  readonly expected: (
    hostKeyFingerprint: string,
  ) => { readonly id: string; readonly login: SshLogin } | undefined
  readonly connect?: Omit<SshConnectOptions, "signal" | "connectTimeoutMs">
}

export interface TlsCallHomeOptions extends CallHomeListenOptions {
  /** What we show to every caller, and the authorities that devices' certificates must chain to. */
  readonly tls: MutualTls
  /** Which device has this key (SHA-256 of the SubjectPublicKeyInfo); undefined for a stranger. */
  readonly expected: (spkiSha256: string) => string | undefined
  readonly connect?: Omit<TlsConnectOptions, "signal" | "connectTimeoutMs">
}

export interface CallHomeListener {
  readonly port: number
  /** Callers that have not proved yet who they are. */
  pending(): number
  /** Stops listening, and ends callers that are still strangers. Sessions handed on are not touched. */
  close(): Promise<void>
}

/** @throws QkdError `in-use` or `operation-failed` when the port cannot be had. */
export function listenSshCallHome(options: SshCallHomeOptions): Promise<CallHomeListener> {
  return open(options, async (socket, peer, timing) => {
    let id: string | undefined
    const known = (fingerprint: string): SshLogin | undefined => {
      const found = options.expected(fingerprint)
      id = found?.id
      return found?.login
    }
    const session = await openNetconfSsh(socket, peer, known, { ...options.connect, ...timing })
    return { id, session }
  })
}

/** @throws QkdError `in-use` or `operation-failed` when the port cannot be had. */
export function listenTlsCallHome(options: TlsCallHomeOptions): Promise<CallHomeListener> {
  return open(options, async (socket, peer, timing) => {
    let id: string | undefined
    const accept = (key: string): boolean => (id = options.expected(key)) !== undefined
    const connect = { ...options.connect, ...timing }
    const session = await openNetconfTls(socket, peer, options.tls, accept, connect)
    return { id, session }
  })
}

type Handshake = (
  socket: Socket,
  peer: { readonly host: string; readonly port: number },
  timing: { readonly signal: AbortSignal; readonly connectTimeoutMs: number },
) => Promise<{ readonly id: string | undefined; readonly session: ClientSession }>

async function open(
  options: CallHomeListenOptions,
  handshake: Handshake,
): Promise<CallHomeListener> {
  const limits = { ...DEFAULT_CALL_HOME_LIMITS, ...options.limits }
  const doorman = new Doorman(limits)
  const pending = new Map<Socket, AbortController>()
  const refuse = (address: string, reason: string): void => {
    doorman.refused(address, Date.now())
    options.onRefused?.({ address, reason })
  }
  const server: Server = createServer({ noDelay: true, keepAlive: true })
  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? ""
    socket.on("error", () => undefined)
    if (!doorman.admits(address, Date.now())) {
      socket.destroy()
      return
    }
    const abort = new AbortController()
    pending.set(socket, abort)
    doorman.entered(address)
    const peer = { host: address, port: socket.remotePort ?? 0 }
    const timing = { signal: abort.signal, connectTimeoutMs: limits.handshakeTimeoutMs }
    handshake(socket, peer, timing)
      .then(({ id, session }) => {
        if (id === undefined) throw new QkdError("access-denied", "nobody we expect")
        options.onSession(id, session)
      })
      .catch((error: unknown) => {
        socket.destroy()
        if (!abort.signal.aborted) refuse(address, asQkdError(error).message)
      })
      .finally(() => {
        pending.delete(socket)
        doorman.left(address)
      })
  })
  const port = await listen(server, options.host, options.port)
  server.on("error", () => undefined)
  return {
    port,
    pending: () => pending.size,
    close: () =>
      new Promise((resolve) => {
        // Not its callback: that waits for the sessions that were handed on.
        server.close()
        for (const [socket, abort] of pending) {
          abort.abort()
          socket.destroy()
        }
        setImmediate(resolve)
      }),
  }
}

const MINUTE_MS = 60_000
/** Addresses remembered; beyond it everything is forgotten, which only lets more in. */
const MAX_ADDRESSES = 10_000

/** Who may knock: counts callers that have not said who they are, and those of late that turned out to be nobody. */
class Doorman {
  readonly #inside = new Map<string, number>()
  readonly #refused = new Map<string, { count: number; readonly sinceMs: number }>()
  #total = 0

  constructor(private readonly limits: CallHomeLimits) {}

  admits(address: string, nowMs: number): boolean {
    const { maxPending, maxPendingPerAddress, maxRefusedPerMinute } = this.limits
    const of = this.#refused.get(address)
    if (of !== undefined && nowMs - of.sinceMs >= MINUTE_MS) this.#refused.delete(address)
    else if (of !== undefined && of.count >= maxRefusedPerMinute) return false
    return this.#total < maxPending && (this.#inside.get(address) ?? 0) < maxPendingPerAddress
  }

  entered(address: string): void {
    this.#total += 1
    this.#inside.set(address, (this.#inside.get(address) ?? 0) + 1)
  }

  left(address: string): void {
    this.#total -= 1
    const inside = (this.#inside.get(address) ?? 1) - 1
    if (inside > 0) this.#inside.set(address, inside)
    else this.#inside.delete(address)
  }

  refused(address: string, nowMs: number): void {
    const of = this.#refused.get(address)
    if (of !== undefined && nowMs - of.sinceMs < MINUTE_MS) {
      of.count += 1
      return
    }
    if (this.#refused.size >= MAX_ADDRESSES) this.#refused.clear()
    this.#refused.set(address, { count: 1, sinceMs: nowMs })
  }
}
