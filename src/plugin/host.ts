// What a plugin is lent, made real: clock, sleep, log, randomness, and for drivers an authenticated NETCONF
// session. Ends with the node connection: after `close` every call is refused and every open session is ended.

import { randomBytes } from "node:crypto"
import { QkdError } from "../errors.js"
import type { NetconfClientSession } from "../netconf/client.js"
import type { DriverHost, Host } from "./contract.js"

export type LogLevel = Parameters<Host["log"]>[0]
export type LogFacts = Readonly<Record<string, string | number | boolean>>

export interface HostOptions {
  readonly log: (level: LogLevel, message: string, facts: LogFacts) => void
  /** Milliseconds since the epoch; the system's clock where absent. */
  readonly now?: () => number
  /** Aborts the host from outside, as `close` does. */
  readonly signal?: AbortSignal
}

export interface LentHost<H extends Host> {
  readonly host: H
  /** Takes everything back: sleeps reject, sessions end, later calls throw `closed`. Harmless when repeated. */
  close(): Promise<void>
}

/** A plugin may write this much of a line, and this many lines at once, then about one a second. */
const MAX_TEXT = 500
const LOG_BURST = 200
const MAX_RANDOM_BYTES = 65_536

function closedError(): QkdError {
  return new QkdError("operation-failed", "this plugin's host has been taken back", {
    appTag: "closed",
  })
}

/** A host for a QKD module. */
export function lendHost(options: HostOptions): LentHost<Host> {
  const controller = new AbortController()
  const { signal } = controller
  const now = options.now ?? Date.now
  let lines = LOG_BURST
  let refilledMs = now()

  const open = (): void => {
    if (signal.aborted) throw closedError()
  }
  const mayLog = (): boolean => {
    const passedS = Math.max(now() - refilledMs, 0) / 1000
    lines = Math.min(lines + passedS, LOG_BURST)
    refilledMs = now()
    if (lines < 1) return false
    lines -= 1
    return true
  }
  const host: Host = {
    signal,
    now: () => {
      open()
      return now()
    },
    sleep: (ms) => sleep(ms, signal),
    log: (level, message, facts) => {
      open()
      if (mayLog()) options.log(level, message.slice(0, MAX_TEXT), plainFacts(facts ?? {}))
    },
    random: (bytes) => {
      open()
      if (!Number.isInteger(bytes) || bytes < 0 || bytes > MAX_RANDOM_BYTES)
        throw new QkdError("invalid-value", `not a number of random bytes: ${bytes}`)
      return new Uint8Array(randomBytes(bytes))
    },
  }
  const end = (): void => {
    options.signal?.removeEventListener("abort", end)
    controller.abort(closedError())
  }
  options.signal?.addEventListener("abort", end, { once: true })
  if (options.signal?.aborted === true) end()
  const close = (): Promise<void> => {
    end()
    return Promise.resolve()
  }
  return { host, close }
}

export interface DriverHostOptions extends HostOptions {
  /** Opens a session to the one target this driver was given; `signal` aborts the attempt. */
  readonly openNetconf: (signal: AbortSignal) => Promise<NetconfClientSession>
}

/** A host for a node driver: sessions opened through it end with it, at once and without a farewell. */
export function lendDriverHost(options: DriverHostOptions): LentHost<DriverHost> {
  const lent = lendHost(options)
  const { signal } = lent.host
  const sessions = new Set<NetconfClientSession>()
  const taken = (): boolean => signal.aborted
  const openNetconf = async (): Promise<NetconfClientSession> => {
    if (taken()) throw closedError()
    const session = await options.openNetconf(signal)
    sessions.add(session)
    void session.closedReason.then(() => sessions.delete(session))
    if (taken()) {
      endAll()
      throw closedError()
    }
    return session
  }
  const endAll = (): void => {
    for (const session of sessions) void session.close().catch(() => undefined)
  }
  signal.addEventListener("abort", endAll, { once: true })
  return {
    host: { ...lent.host, openNetconf },
    close: async () => {
      const ending = [...sessions].map((session) => session.closedReason)
      await lent.close()
      await Promise.all(ending)
    },
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(closedError())
      return
    }
    const abort = (): void => {
      clearTimeout(timer)
      reject(closedError())
    }
    const timer = setTimeout(
      () => {
        signal.removeEventListener("abort", abort)
        resolve()
      },
      Math.max(ms, 0),
    )
    signal.addEventListener("abort", abort, { once: true })
  })
}

/** Only what the contract lets through, whatever an untyped plugin hands over. */
function plainFacts(facts: LogFacts): LogFacts {
  const plain: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(facts)) {
    if (typeof value === "string") plain[name] = value.slice(0, MAX_TEXT)
    else if (typeof value === "number" || typeof value === "boolean") plain[name] = value
  }
  return plain
}
