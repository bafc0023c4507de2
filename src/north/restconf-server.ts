// RESTCONF on a port of its own: TLS with tokens or client certificates, plain on loopback with tokens. The controller
// serves it beside REST instead (`http.ts`); nodes and tests use this.

import http from "node:http"
import https from "node:https"
import { QkdError } from "../errors.js"
import { listen } from "../transport/tls.js"
import { HTTP_LIMITS, guard, type HttpServerLimits } from "./http-limits.js"
import { httpsOptions, type HttpsSide } from "./https-options.js"
import { isLoopback } from "./origin.js"
import { restconfFace, type RestconfFaceOptions } from "./restconf.js"

export interface StartRestconfOptions extends Omit<RestconfFaceOptions, "origin"> {
  readonly host: string
  /** 0 picks a free one. */
  readonly port: number
  /** Needed unless `host` is loopback. */
  readonly tls?: HttpsSide
  readonly limits?: Partial<HttpServerLimits>
}

export interface RunningRestconf {
  /** Base URL, entry point included. */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** @throws QkdError `invalid-value` for plain HTTP beyond loopback, `in-use` when the port is taken. */
export async function startRestconf(options: StartRestconfOptions): Promise<RunningRestconf> {
  const limits = { ...HTTP_LIMITS, ...options.limits }
  const { tls, host } = options
  if (tls === undefined && !isLoopback(host))
    throw new QkdError("invalid-value", "plain HTTP is spoken on loopback only: give a certificate")
  const common = {
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: limits.keepAliveMs,
    noDelay: true,
  }
  const server =
    tls === undefined
      ? http.createServer(common)
      : https.createServer({
          ...common,
          ...httpsOptions(tls),
          handshakeTimeout: limits.headersTimeoutMs,
        })
  guard(server, limits)
  const face = restconfFace({
    ...options,
    origin: { loopbackOnly: tls === undefined, origins: [] },
  })
  server.on("request", (request, response) => {
    if (face.owns(request)) face.serve(request, response)
    else response.writeHead(404, { "Content-Length": "0" }).end()
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : 400
    if (socket.writable) socket.end(`HTTP/1.1 ${status} Bad Request\r\nConnection: close\r\n\r\n`)
    else socket.destroy()
  })
  const port = await listen(server, host, options.port)
  const name = host.includes(":") ? `[${host}]` : host
  return {
    url: `${tls === undefined ? "http" : "https"}://${name}:${port}${options.restconf.root}`,
    port,
    close: () =>
      new Promise((resolve) => {
        face.close()
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
