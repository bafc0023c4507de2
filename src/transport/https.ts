// Mutual-TLS HTTP/1.1, both ends, on bare node:https: limits, bodies, closing. Knows no API: what is asked
// and answered is the caller's.

import https from "node:https"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { TLSSocket, TlsOptions } from "node:tls"
import { QkdError } from "../errors.js"
import {
  asConnectError,
  clientTlsOptions,
  listen,
  peerIdentityOf,
  serverTlsOptions,
} from "./tls.js"
import type { MutualTls, PeerIdentity, RenewableTls, ServerProof } from "./tls.js"
import { httpFault, originForm } from "./http-rules.js"
import { joinWrites } from "./joined-writes.js"
import { linger } from "./linger.js"
import { DEFAULT_CONNECTION_LIMITS, guardIdentified, type ConnectionLimits } from "./tls-guard.js"
import { PskServer } from "./tls-psk.js"
import type { PreSharedKeys } from "./tls-psk.js"
import { renewable } from "./tls-renewal.js"

export interface HttpLimits extends ConnectionLimits {
  /** Request line and headers together. */
  readonly maxHeaderBytes: number
  /** From the first byte of a request to its last, body included. */
  readonly requestTimeoutMs: number
  /** An idle connection is closed after this. */
  readonly idleTimeoutMs: number
}

export const DEFAULT_HTTP_LIMITS: HttpLimits = {
  ...DEFAULT_CONNECTION_LIMITS,
  maxHeaderBytes: 8192,
  requestTimeoutMs: 10_000,
  idleTimeoutMs: 60_000,
}

export interface HttpsServer extends RenewableTls {
  readonly port: number
  /** Ends every connection and stops listening. */
  close(): Promise<void>
}

/** Listens nowhere: connections are handed to it. */
export interface HandedHttps extends RenewableTls {
  /** A connection of which nothing has been read. */
  take(socket: Socket): void
  /** Ends every connection. */
  close(): Promise<void>
}

export interface HttpsOptions {
  readonly tls: MutualTls
  readonly limits?: Partial<HttpLimits>
  /** Clients may show a pre-shared key instead of a certificate; `minVersion` of `tls` is for those who show one. */
  readonly preSharedKeys?: PreSharedKeys
  /** Clients may be known by other names than a common name: see `peerIdentityOf`. */
  readonly nameless?: boolean
  /**
   * The handler itself tells clients how long an idle connection stays (`keep-alive`): the socket's own timeout ends it,
   * which Node otherwise sets anew twice for each request.
   */
  readonly tellsIdleTimeout?: boolean
  /** Gets each request with the identity its connection proved; it must not throw. */
  readonly handler: (request: IncomingMessage, response: ServerResponse, peer: PeerIdentity) => void
}

/** Listens for HTTPS with client certificates. Port 0 picks a free one. */
export async function listenHttps(
  options: HttpsOptions & { readonly host: string; readonly port: number },
): Promise<HttpsServer> {
  const { server, renew, close } = makeServer(options)
  return { port: await listen(server, options.host, options.port), renew, close }
}

/** Serves HTTPS with client certificates on connections that somebody else has accepted. */
export function serveHttps(options: HttpsOptions): HandedHttps {
  const { server, renew, close } = makeServer(options)
  // Node begins to watch over the time that requests take when a server listens.
  server.emit("listening")
  return {
    take: (socket) => {
      server.emit("connection", socket)
    },
    renew,
    close,
  }
}

function makeServer(
  options: HttpsOptions,
): { readonly server: https.Server } & Omit<HandedHttps, "take"> {
  const limits = { ...DEFAULT_HTTP_LIMITS, ...options.limits }
  const peers = new WeakMap<object, PeerIdentity>()
  const { preSharedKeys } = options
  const psk = preSharedKeys && new PskServer(preSharedKeys, options.tls.minVersion ?? "TLSv1.3")
  const tlsOptions = (side: MutualTls): TlsOptions =>
    psk?.optionsWith(serverTlsOptions(side)) ?? serverTlsOptions(side)
  const server = https.createServer(
    {
      ...tlsOptions(options.tls),
      maxHeaderSize: limits.maxHeaderBytes,
      requestTimeout: limits.requestTimeoutMs,
      headersTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: options.tellsIdleTimeout === true ? 0 : limits.idleTimeoutMs,
      connectionsCheckingInterval: Math.min(limits.requestTimeoutMs, 2000),
    },
    (request, response) => {
      const peer = peers.get(request.socket)
      if (peer === undefined) request.socket.destroy()
      else if (obeysHttp(request, response)) options.handler(request, response, peer)
    },
  )
  const renew = renewable(server)
  // Nothing sent or received for so long, a stalled reader included: the connection ends.
  server.setTimeout(limits.idleTimeoutMs)
  const nameless = options.nameless === true
  const identify = (socket: TLSSocket): PeerIdentity =>
    psk?.peerOf(socket, nameless) ?? peerIdentityOf(socket, nameless)
  guardIdentified(server, limits, identify, (socket, peer) => {
    joinWrites(socket)
    peers.set(socket, peer)
  })
  return {
    server,
    renew: (side) => renew(tlsOptions(side), side.revocation),
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}

/** Otherwise it has been answered, and the connection ends. */
function obeysHttp(request: IncomingMessage, response: ServerResponse): boolean {
  const fault = httpFault(request)
  if (fault === undefined) {
    request.url = originForm(request.url ?? "")
    return true
  }
  response.shouldKeepAlive = false
  response.writeHead(fault, { "content-length": 0 }).end()
  return false
}

/**
 * The whole body of a request.
 *
 * @throws QkdError `too-big` beyond `maxBytes` (the rest is not kept), `operation-failed` app-tag `closed`
 * when the client went away.
 */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = Number(request.headers["content-length"] ?? 0) > maxBytes ? Infinity : 0
    let callOff: (() => void) | undefined
    const tooBig = (): void => {
      callOff?.()
      reject(new QkdError("too-big", `a request body has at most ${maxBytes} bytes`))
    }
    if (length > maxBytes) callOff = linger(tooBig)
    request.on("data", (chunk: Buffer) => {
      length += chunk.length
      if (length <= maxBytes) chunks.push(chunk)
      // Who is still sending does not read: an answer now would be lost with the connection. So the rest is let
      // pass unread for a moment.
      else callOff ??= linger(tooBig)
    })
    request.once("end", () => {
      if (length > maxBytes) tooBig()
      else resolve(Buffer.concat(chunks))
    })
    request.once("close", () => {
      callOff?.()
      reject(new QkdError("operation-failed", "the client went away", { appTag: "closed" }))
    })
    request.once("error", (cause) => {
      reject(new QkdError("operation-failed", "the client went away", { appTag: "closed", cause }))
    })
  })
}

/**
 * The whole body of a request that holds keys, in a buffer of its own: the caller wipes it. Received chunks are wiped
 * once they are copied.
 *
 * @throws QkdError `too-big` beyond `maxBytes`; app-tag `closed` when the client went away.
 */
export function readSecretBody(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  return collect(request, maxBytes, "a request body").catch((cause: unknown) => {
    if (cause instanceof QkdError) throw cause
    throw new QkdError("operation-failed", "the client went away", { appTag: "closed", cause })
  })
}

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  /** In a buffer of its own, outside Node's shared pool: the caller may wipe it. */
  readonly body: Uint8Array
}

export interface HttpRequest {
  readonly method: "GET" | "POST"
  /** Path and query, encoded. */
  readonly path: string
  /** JSON. Bytes are the caller's, who wipes them once the answer is there. */
  readonly body?: string | Uint8Array
  readonly timeoutMs?: number
}

export interface HttpsClientOptions {
  readonly host: string
  readonly port: number
  readonly tls: MutualTls
  readonly proof?: ServerProof
  /** Connections kept and at most opened. */
  readonly maxConnections?: number
  readonly timeoutMs: number
  readonly maxBodyBytes?: number
}

/** A client of one server, keeping connections. Received chunks are wiped once they are copied. */
export class HttpsClient {
  readonly #options: HttpsClientOptions
  readonly #agent: https.Agent

  constructor(options: HttpsClientOptions) {
    this.#options = options
    this.#agent = new https.Agent({
      ...clientTlsOptions(options.tls, options.host, options.proof),
      keepAlive: true,
      maxSockets: options.maxConnections ?? 8,
      maxCachedSessions: 0,
    })
  }

  /**
   * @throws QkdError app-tag `node-unreachable` or `timeout`, `access-denied` when the server is another than
   * expected, `too-big` beyond `maxBodyBytes`.
   */
  request(request: HttpRequest): Promise<HttpAnswer> {
    const { host, port } = this.#options
    return new Promise((resolve, reject) => {
      const outgoing = https.request(
        {
          agent: this.#agent,
          host,
          port,
          method: request.method,
          path: request.path,
          headers:
            request.body === undefined
              ? { accept: "application/json" }
              : {
                  accept: "application/json",
                  "content-type": "application/json",
                  "content-length": Buffer.byteLength(request.body),
                },
        },
        (incoming) => {
          collect(incoming, this.#options.maxBodyBytes ?? 1_048_576).then(
            (body) => {
              clearTimeout(timer)
              resolve({
                status: incoming.statusCode ?? 0,
                contentType: incoming.headers["content-type"] ?? "",
                body,
              })
            },
            (cause: unknown) => {
              fail(cause)
              outgoing.destroy()
            },
          )
        },
      )
      const fail = (cause: unknown): void => {
        clearTimeout(timer)
        reject(asConnectError(host, port, cause))
      }
      const timer = setTimeout(() => {
        fail(
          new QkdError("operation-failed", `${host}:${port} did not answer in time`, {
            appTag: "timeout",
          }),
        )
        outgoing.destroy()
      }, request.timeoutMs ?? this.#options.timeoutMs)
      outgoing.once("error", fail)
      // In a write of its own: written together with the headers, TLS would copy it into memory that nobody wipes.
      if (typeof request.body === "object") outgoing.flushHeaders()
      outgoing.end(request.body)
    })
  }

  /** Ends the kept connections. */
  close(): void {
    this.#agent.destroy()
  }
}

function collect(
  incoming: IncomingMessage,
  maxBytes: number,
  what = "an answer",
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const wipe = (): void => {
      for (const chunk of chunks) chunk.fill(0)
    }
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.length
      chunks.push(chunk)
      if (length > maxBytes) {
        wipe()
        reject(new QkdError("too-big", `${what} has at most ${maxBytes} bytes`))
      }
    })
    incoming.once("end", () => {
      const body = new Uint8Array(length)
      let at = 0
      for (const chunk of chunks) {
        body.set(chunk, at)
        at += chunk.length
      }
      wipe()
      resolve(body)
    })
    incoming.once("error", (cause) => {
      wipe()
      reject(cause)
    })
    incoming.once("close", () => {
      reject(new QkdError("operation-failed", "the connection ended", { appTag: "closed" }))
    })
  })
}
