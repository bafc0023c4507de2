// Starts the north faces on a fake controller for a test, and closes everything afterwards.

import { Access, hashToken } from "../../src/north/access.js"
import { type RunningHttp, type StartHttpOptions, startHttp } from "../../src/north/http.js"
import { FakeController } from "./fake-controller.js"
import { luxembourg } from "./topologies.js"

export const OPERATOR = "operator-token-0123456789"
export const OBSERVER = "observer-token-0123456789"

export interface House {
  readonly controller: FakeController
  readonly access: Access
  readonly http: RunningHttp
  readonly log: readonly string[]
  /** Milliseconds added to the clock. */
  readonly advance: (ms: number) => void
  readonly call: (path: string, init?: CallOptions) => Promise<Answer>
}

export interface CallOptions {
  readonly method?: string
  readonly token?: string | null
  readonly headers?: Record<string, string>
  readonly body?: unknown
  /** Sent as it is. */
  readonly text?: string
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

const open = new Set<RunningHttp>()

/** Closes what a test left open. Call in `afterEach`. */
export async function closeAll(): Promise<void> {
  const all = [...open]
  open.clear()
  await Promise.all(all.map((http) => http.close()))
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object"
}

export async function house(
  options: Partial<Omit<StartHttpOptions, "controller">> & {
    controller?: FakeController
  } = {},
): Promise<House> {
  const controller = options.controller ?? new FakeController(luxembourg)
  let nowMs = Date.parse("2026-03-02T09:00:00Z")
  const now = (): number => nowMs
  const access = new Access(
    [
      { name: "ops", role: "operator", sha256: hashToken(OPERATOR) },
      { name: "eye", role: "observer", sha256: hashToken(OBSERVER) },
    ],
    now,
  )
  const log: string[] = []
  const http = await startHttp({
    host: "127.0.0.1",
    port: 0,
    access,
    now,
    log: (level, message, facts) => {
      log.push(`${level} ${message} ${JSON.stringify(facts ?? {})}`)
    },
    ...options,
    controller,
  })
  open.add(http)
  return {
    controller,
    access,
    http,
    log,
    advance: (ms) => {
      nowMs += ms
    },
    call: async (path, init = {}) => {
      const token = init.token === undefined ? OPERATOR : init.token
      const body = init.text ?? (init.body === undefined ? undefined : JSON.stringify(init.body))
      const response = await fetch(`${http.url}${path}`, {
        method: init.method ?? "GET",
        headers: {
          ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          ...init.headers,
        },
        ...(body === undefined ? {} : { body }),
        redirect: "manual",
      })
      const text = await response.text()
      const isJson = /json/.test(response.headers.get("content-type") ?? "")
      const value: unknown = isJson && text !== "" ? JSON.parse(text) : {}
      return {
        status: response.status,
        headers: response.headers,
        text,
        json: isRecord(value) ? value : {},
      }
    },
  }
}
