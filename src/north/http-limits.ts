// Ceilings on what strangers and clients of the north HTTP servers may hold open, and their keeping.

import type http from "node:http"
import type https from "node:https"
import type { Socket } from "node:net"

export interface HttpServerLimits {
  /** All connections, WebSockets included. */
  readonly maxConnections: number
  readonly maxConnectionsPerAddress: number
  /** From the connection or the last answer to the end of the headers. */
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly keepAliveMs: number
  readonly maxHeaderBytes: number
  readonly loginsPerMinute: number
}

export const HTTP_LIMITS: HttpServerLimits = {
  maxConnections: 2048,
  maxConnectionsPerAddress: 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveMs: 15_000,
  maxHeaderBytes: 8192,
  loginsPerMinute: 20,
}

/** Counts connections per address and drops those beyond the limits, before a byte is read (N5). */
export function guard(server: http.Server | https.Server, limits: HttpServerLimits): void {
  const held = new Map<string, number>()
  server.maxConnections = limits.maxConnections
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress ?? ""
    const count = (held.get(address) ?? 0) + 1
    if (count > limits.maxConnectionsPerAddress) {
      socket.destroy()
      return
    }
    held.set(address, count)
    socket.once("close", () => {
      const left = (held.get(address) ?? 1) - 1
      if (left === 0) held.delete(address)
      else held.set(address, left)
    })
  })
}
