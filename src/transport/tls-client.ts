// NETCONF over TLS, the client's end (RFC 7589): a connection of its own or one that came in (call home), a server
// that must have the pinned key, our certificate as the login. The server's end is tls-server.ts.

import { connect, type Socket } from "node:net"
import tls from "node:tls"
import { QkdError } from "../errors.js"
import { ClientSession, type ClientOptions } from "../netconf/client-session.js"
import { spkiSha256 } from "./pki.js"
import { SocketPipe } from "./socket-pipe.js"
import { systemClock } from "./ssh-clock.js"
import { asConnectError, clientTlsOptions, type MutualTls } from "./tls.js"
import { readTlsFiles, type TlsFiles } from "./tls-files.js"

export interface TlsTarget extends TlsFiles {
  readonly host: string
  readonly port: number
  /** SHA-256 of the SubjectPublicKeyInfo, lower-case hex; any other key is refused. */
  readonly serverKeySha256: string
}

export interface TlsConnectOptions extends ClientOptions {
  /** Ends the attempt, and later the session. */
  readonly signal?: AbortSignal
  /** From the TCP connection to the exchanged hellos; default 10 s. */
  readonly connectTimeoutMs?: number
}

/**
 * Opens a session.
 *
 * @throws QkdError `access-denied` when the server's key is not the pinned one or our certificate is refused;
 * `operation-failed` with app-tag `node-unreachable` when there is no connection or no NETCONF in time, with
 * app-tag `closed` on abort; `invalid-value` for unusable files.
 */
export async function connectNetconfTls(
  target: TlsTarget,
  options: TlsConnectOptions = {},
): Promise<ClientSession> {
  const side = await readTlsFiles(target)
  if (options.signal?.aborted === true) throw aborted()
  const socket = connect({ host: target.host, port: target.port, noDelay: true, keepAlive: true })
  const accept = (key: string): boolean => key === target.serverKeySha256
  return openNetconfTls(socket, target, side, accept, options)
}

/** Where a connection leads, for messages. */
export interface Peer {
  readonly host: string
  readonly port: number
}

/**
 * The same over a TCP connection that is there, or on its way.
 *
 * @param accept whether the server's key is one we look for; asked once its chain has been verified.
 */
export async function openNetconfTls(
  socket: Socket,
  peer: Peer,
  side: MutualTls,
  accept: (spkiSha256: string) => boolean,
  options: TlsConnectOptions = {},
): Promise<ClientSession> {
  const { signal } = options
  const timeoutMs = options.connectTimeoutMs ?? 10_000
  let session: ClientSession | undefined
  let failed: (error: QkdError) => void = () => undefined
  const failure = new Promise<never>((_resolve, reject) => (failed = reject))
  failure.catch(() => undefined)
  const end = (error: QkdError): void => {
    failed(error)
    session?.abort(error)
    socket.destroy()
  }
  const onAbort = (): void => {
    end(aborted())
  }
  signal?.addEventListener("abort", onAbort)
  const deadline = setTimeout(() => {
    end(unreachable(peer, `no session within ${timeoutMs} ms`))
  }, timeoutMs)
  socket.once("close", () => {
    signal?.removeEventListener("abort", onAbort)
    failed(unreachable(peer, "connection closed"))
  })
  socket.on("error", (cause) => {
    end(unreachable(peer, cause.message, cause))
  })
  try {
    const secure = await Promise.race([handshake(socket, peer, side, accept), failure])
    const pipe = new SocketPipe(secure, "TLS")
    session = new ClientSession(pipe, systemClock, {
      ...options,
      limits: { ...options.limits, helloTimeoutMs: timeoutMs },
    })
    pipe.attach(session)
    await Promise.race([session.ready(), failure])
    return session
  } catch (error) {
    socket.destroy()
    const lost = error instanceof QkdError && error.appTag === "closed" && signal?.aborted !== true
    // With TLS 1.3 a server judges our certificate after the handshake: its no is an end without a hello.
    throw lost ? unreachable(peer, error.message, error) : error
  } finally {
    clearTimeout(deadline)
  }
}

function handshake(
  socket: Socket,
  peer: Peer,
  side: MutualTls,
  accept: (spkiSha256: string) => boolean,
): Promise<tls.TLSSocket> {
  const { host, port } = peer
  return new Promise((resolve, reject) => {
    const secure = tls.connect({
      ...clientTlsOptions(side, "", { pins: [] }),
      socket,
      // The key counts, not the name: it is asked about below, when the chain has been verified.
      checkServerIdentity: () => undefined,
    })
    secure.on("error", (cause) => {
      reject(asConnectError(host, port, cause))
    })
    secure.once("secureConnect", () => {
      const certificate = secure.getPeerX509Certificate()
      const key = certificate === undefined ? "" : spkiSha256(certificate)
      if (secure.authorized && !secure.isSessionReused() && accept(key)) {
        resolve(secure)
        return
      }
      secure.destroy()
      reject(
        new QkdError(
          "access-denied",
          `${host}:${port} has key ${key}, which is not the pinned one`,
        ),
      )
    })
  })
}

function unreachable({ host, port }: Peer, why: string, cause?: unknown): QkdError {
  return new QkdError("operation-failed", `${host}:${port}: ${why}`, {
    appTag: "node-unreachable",
    cause,
  })
}

function aborted(): QkdError {
  return new QkdError("operation-failed", "aborted", { appTag: "closed" })
}
