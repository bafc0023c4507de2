// What every plugin is lent, made real: clock, sleep, log, randomness. After `close` each call is refused.

import { randomBytes } from "node:crypto"
import { QkdError } from "../errors.js"
import type { Host } from "./contract.js"
import { unmovedCopy } from "../unmoved.js"

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
  readonly close: () => Promise<void>
}

/** A plugin may write this much of a line, and this many lines at once, then about one a second. */
const MAX_TEXT = 500
const LOG_BURST = 200
const MAX_RANDOM_BYTES = 65_536

/** What a plugin gets that calls too late. */
export function closedError(): QkdError {
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
      return unmovedCopy(randomBytes(bytes))
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
