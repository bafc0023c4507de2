// Call home, the device's end (RFC 8071 section 3): opens TCP to a manager, hands the connection to the SSH or TLS
// server that would have accepted it, and calls again when it is over. Above TCP the roles are as always: the manager
// logs in. Knows no NETCONF and no keys.
//
//   calling ──connected──▶ served ──over──▶ waiting (backoff, or the period) ──▶ calling

import { connect, type Socket } from "node:net"

/** IANA's ports for call home. */
export const CALL_HOME_PORTS = { ssh: 4334, tls: 4335 } as const

/** A manager to call, as configured. */
export interface CallHomeManager {
  readonly name: string
  readonly transport: "ssh" | "tls"
  readonly host: string
  readonly port: number
  /** Milliseconds from the end of a connection to the next; persistent when absent. */
  readonly periodMs?: number
  readonly idleMs?: number
}

/** Serves a connection that is there; the NETCONF servers over SSH and TLS do. */
interface Server {
  serve(socket: Socket): void
}

/**
 * Calls all of them, each to be served by the server of its transport; without that it is not called.
 *
 * @param report told of changes, for the log. Must not throw.
 */
export function callManagers(
  managers: readonly CallHomeManager[],
  servers: { readonly ssh: Server; readonly tls: Server | undefined },
  report: (manager: string, report: CallHomeReport) => void,
  timings: Partial<CallHomeTimings> = {},
): CallHome {
  const calls = managers.flatMap(({ name, transport, ...where }) => {
    const server = servers[transport]
    if (server === undefined) return []
    return callHome({
      ...{ ...where, timings },
      serve: (socket) => {
        server.serve(socket)
      },
      report: (change) => {
        report(name, change)
      },
    })
  })
  return {
    stop: () => {
      for (const call of calls) call.stop()
    },
  }
}

export interface CallHomeOptions {
  readonly host: string
  readonly port: number
  /** Takes the connection and serves it like one that came in. */
  readonly serve: (socket: Socket) => void
  /** Periodic connections (RFC 8071 section 3.2): milliseconds from the end of one to the next. Persistent when absent. */
  readonly periodMs?: number
  /** A connection on which nothing came for so long is cut, and made anew; any sign of life counts. Never when absent. */
  readonly idleMs?: number
  readonly timings?: Partial<CallHomeTimings>
  /** 0 to 1, for jitter. */
  readonly random?: () => number
  /** Told of changes, for the log. Must not throw. */
  readonly report?: (report: CallHomeReport) => void
}

export interface CallHomeTimings {
  /** Until TCP stands. */
  readonly connectMs: number
  readonly backoffFirstMs: number
  readonly backoffMaxMs: number
  /** A connection that lasted so long was a good one: the backoff begins anew. */
  readonly goodMs: number
  /** Silence before TCP asks whether the other side is there; SSH and TLS ask by themselves as well. */
  readonly keepaliveMs: number
}

export const CALL_HOME_TIMINGS: CallHomeTimings = {
  connectMs: 10_000,
  backoffFirstMs: 1_000,
  backoffMaxMs: 60_000,
  goodMs: 30_000,
  keepaliveMs: 30_000,
}

export type CallHomeReport =
  | { readonly kind: "connected" }
  | { readonly kind: "over"; readonly afterMs: number; readonly waitMs: number }
  | { readonly kind: "failed"; readonly reason: string; readonly waitMs: number }

export interface CallHome {
  /** Calls no more, and cuts a connection that stands. */
  stop(): void
}

/** Begins to call, and goes on until it is stopped. */
export function callHome(options: CallHomeOptions): CallHome {
  const caller = new Caller(options)
  caller.call()
  return caller
}

class Caller implements CallHome {
  readonly #o: CallHomeOptions
  readonly #timings: CallHomeTimings
  #backoffMs: number
  #socket: Socket | undefined
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(options: CallHomeOptions) {
    this.#o = options
    this.#timings = { ...CALL_HOME_TIMINGS, ...options.timings }
    this.#backoffMs = this.#timings.backoffFirstMs
  }

  call(): void {
    if (this.#stopped) return
    const { host, port, serve } = this.#o
    const startedAt = Date.now()
    let reason = "connection closed"
    let connected = false
    const socket = connect({
      ...{ host, port, noDelay: true },
      ...{ keepAlive: true, keepAliveInitialDelay: this.#timings.keepaliveMs },
    })
    this.#socket = socket
    this.#timer = setTimeout(() => {
      reason = `no connection within ${this.#timings.connectMs} ms`
      socket.destroy()
    }, this.#timings.connectMs)
    socket.on("error", (error) => {
      reason = error.message
    })
    socket.once("connect", () => {
      clearTimeout(this.#timer)
      connected = true
      this.#report({ kind: "connected" })
      serve(socket)
      if (this.#o.idleMs !== undefined) cutWhenIdle(socket, this.#o.idleMs)
    })
    socket.once("close", () => {
      clearTimeout(this.#timer)
      if (this.#stopped) return
      const afterMs = Date.now() - startedAt
      const waitMs = this.#wait(connected, afterMs)
      this.#report(
        connected ? { kind: "over", afterMs, waitMs } : { kind: "failed", reason, waitMs },
      )
      this.#timer = setTimeout(() => {
        this.call()
      }, waitMs)
    })
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#socket?.destroy()
  }

  /** Jitter: a hundred nodes that lost their manager together must not all come back in the same millisecond. */
  #wait(connected: boolean, afterMs: number): number {
    const { backoffFirstMs, backoffMaxMs, goodMs } = this.#timings
    const { periodMs, random = Math.random } = this.#o
    if (connected && periodMs !== undefined) {
      this.#backoffMs = backoffFirstMs
      return periodMs
    }
    if (connected && afterMs >= goodMs) this.#backoffMs = backoffFirstMs
    const waitMs = this.#backoffMs * (0.5 + random())
    this.#backoffMs = Math.min(this.#backoffMs * 2, backoffMaxMs)
    return waitMs
  }

  #report(report: CallHomeReport): void {
    this.#o.report?.(report)
  }
}

/** Looks at what has come, not at what was sent: a manager that is gone takes everything. */
function cutWhenIdle(socket: Socket, idleMs: number): void {
  let seen = socket.bytesRead
  const timer = setInterval(() => {
    if (socket.bytesRead === seen) socket.destroy()
    seen = socket.bytesRead
  }, idleMs)
  socket.once("close", () => {
    clearInterval(timer)
  })
}
