// The north HTTP server: plain on loopback, TLS elsewhere; connection limits, the REST router, the WebSocket
// upgrade, the page, and a prompt close. What is served is decided in router.ts and websocket.ts.

import http from "node:http"
import https from "node:https"
import type { AddressInfo } from "node:net"
import { QkdError } from "../errors.js"
import type { Access } from "./access.js"
import { cookieName } from "./credentials.js"
import { HTTP_LIMITS, guard, type HttpServerLimits } from "./http-limits.js"
import { httpsOptions, type HttpsSide } from "./https-options.js"
import { isLoopback } from "./origin.js"
import { pageFiles } from "./page-files.js"
import { renewable } from "../transport/tls-renewal.js"
import type { ControllerPort } from "../controller/ports.js"
import type { ReoptimisePort } from "../controller/reoptimiser-rounds.js"
import type { NorthLog } from "./ports.js"
import type { RestconfFace } from "./restconf.js"
import { bulkHandlers } from "./rest-bulk.js"
import { maintenanceHandlers } from "./rest-maintenance.js"
import { rateProfileHandlers } from "./rest-rate-profiles.js"
import { readHandlers } from "./rest-read.js"
import { reoptimisationHandlers } from "./rest-reoptimisation.js"
import { serviceHandlers } from "./rest-services.js"
import { sessionHandlers } from "./rest-session.js"
import { buildRouter } from "./router.js"
import { openWebSocketFace, type WebSocketLimits } from "./websocket.js"

export interface StartHttpOptions {
  readonly controller: ControllerPort
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  readonly access: Access
  /** Needed unless `host` is loopback. */
  readonly tls?: HttpsSide
  /** Further origins of the page, such as a reverse proxy's. */
  readonly origins?: readonly string[]
  /** The built page; without it `/` says so. */
  readonly pageFolder?: string
  readonly log?: NorthLog
  readonly now?: () => number
  readonly limits?: Partial<HttpServerLimits>
  readonly webSocketLimits?: Partial<WebSocketLimits>
  /** Served on the same port, under its own paths. */
  readonly restconf?: RestconfFace
  /** Without it re-optimisation is not supported. */
  readonly reoptimise?: ReoptimisePort
}

export interface RunningHttp {
  readonly url: string
  readonly port: number
  /**
   * Exchanges what is shown and believed over TLS.
   *
   * @returns how many connections were cut off because their certificates are revoked now.
   * @throws QkdError `invalid-value` for what is unusable; those before stay in force.
   */
  renewTls(side: HttpsSide): number
  /** Within a second: answers under way are finished, subscribers told, everything else let go. */
  close(): Promise<void>
}

function createServer(
  options: StartHttpOptions,
  limits: HttpServerLimits,
): http.Server | https.Server {
  const common = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.max(250, Math.min(limits.headersTimeoutMs / 4, 2000)),
    noDelay: true,
  }
  if (options.tls === undefined) {
    if (!isLoopback(options.host)) {
      throw new QkdError("invalid-value", "plain HTTP is spoken on loopback only: give TLS files", {
        path: "/tls",
      })
    }
    return http.createServer(common)
  }
  return https.createServer({
    ...common,
    ...httpsOptions(options.tls),
    handshakeTimeout: limits.headersTimeoutMs,
  })
}

/** The address to show: IPv6 in brackets. */
function urlOf(tls: boolean, host: string, port: number): string {
  return `${tls ? "https" : "http"}://${host.includes(":") ? `[${host}]` : host}:${port}`
}

/**
 * Starts REST, WebSocket and page on one port.
 *
 * @throws QkdError `invalid-value` for plain HTTP beyond loopback, `in-use` when the port is taken.
 */
export async function startHttp(options: StartHttpOptions): Promise<RunningHttp> {
  const limits = { ...HTTP_LIMITS, ...options.limits }
  const log: NorthLog = options.log ?? (() => undefined)
  const now = options.now ?? Date.now
  const { access, controller } = options
  const server = createServer(options, limits)
  guard(server, limits)
  const renew = server instanceof https.Server ? renewable(server) : undefined

  let port = options.port
  const cookie = (): string => cookieName(port)
  const origin = { loopbackOnly: options.tls === undefined, origins: options.origins ?? [] }
  const secure = options.tls !== undefined
  const router = buildRouter({
    handlers: {
      ...readHandlers(controller),
      ...serviceHandlers(controller, now, log),
      ...bulkHandlers(controller, now, log),
      ...maintenanceHandlers(controller, now, log),
      ...rateProfileHandlers(controller, log),
      ...reoptimisationHandlers({ controller, reoptimise: options.reoptimise, now, log }),
      ...sessionHandlers({ access, cookie, secure, now, log }),
    },
    access,
    cookie,
    origin,
    log,
    loginsPerMinute: limits.loginsPerMinute,
    page: pageFiles(options.pageFolder),
  })
  const face = openWebSocketFace({
    controller,
    access,
    cookie,
    origin,
    log,
    now,
    ...(options.webSocketLimits === undefined ? {} : { limits: options.webSocketLimits }),
  })
  server.on("request", (request, response) => {
    if (options.restconf?.owns(request) === true) options.restconf.serve(request, response)
    else router(request, response)
  })
  server.on("upgrade", (request, socket, head) => {
    face.upgrade(request, socket, head)
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400
    if (socket.writable) socket.end(`HTTP/1.1 ${status} Bad Request\r\nConnection: close\r\n\r\n`)
    else socket.destroy()
  })

  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === "EADDRINUSE"
      reject(
        new QkdError(
          taken ? "in-use" : "operation-failed",
          taken ? `port ${options.port} is taken` : `cannot listen on ${options.host}`,
          { path: "/port", cause },
        ),
      )
    })
    server.listen(options.port, options.host, resolve)
  })
  port = addressOf(server).port

  return {
    url: urlOf(secure, options.host, port),
    port,
    renewTls: (side) => renew?.(httpsOptions(side), side.revocation) ?? 0,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      const letGo = setTimeout(() => {
        server.closeAllConnections()
      }, 500)
      server.closeIdleConnections()
      options.restconf?.close()
      await face.close()
      await closed
      clearTimeout(letGo)
    },
  }
}

function addressOf(server: http.Server | https.Server): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === "string") {
    throw new QkdError("operation-failed", "not listening on a port")
  }
  return address
}
