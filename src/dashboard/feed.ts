// The page's WebSocket: subscribes, keeps its place, and after a break asks for what it missed. A break is always
// shown; nothing is ever filled in.

import {
  isBulkOrder,
  isLink,
  isMaintenance,
  isNode,
  isService,
  type Notice,
  type Snapshot,
} from "./types.js"
import type { Store } from "./store.js"

const PROTOCOL = "keyloom.v1"
const FIRST_RETRY_MS = 500
const LAST_RETRY_MS = 8000
/** Heartbeats come every 10 seconds. */
const SILENCE_MS = 25_000

interface Message {
  readonly op: string
  readonly [member: string]: unknown
}

function isMessage(value: unknown): value is Message {
  return value !== null && typeof value === "object" && "op" in value
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function snapshotOf(message: Message): Snapshot {
  const network = message.network
  const parts: Partial<Record<string, unknown>> =
    network !== null && typeof network === "object" ? { ...network } : {}
  return {
    epoch: String(message.epoch),
    seq: Number(message.seq),
    nodes: list(parts.nodes).filter(isNode),
    links: list(parts.links).filter(isLink),
    services: list(parts.services).filter(isService),
    orders: list(parts.orders).filter(isBulkOrder),
    maintenance: list(parts.maintenance).filter(isMaintenance),
  }
}

const TOPICS: readonly Notice["topic"][] = ["node", "link", "service", "order", "maintenance"]

function noticeOf(message: Message): Notice {
  const { topic, type, id, time, seq, value } = message
  return {
    seq: Number(seq),
    time: String(time),
    topic: TOPICS.find((one) => one === topic) ?? "log",
    type: String(type),
    id: String(id),
    value,
    ...(typeof message.message === "string" ? { message: message.message } : {}),
  }
}

export interface FeedOptions {
  readonly store: Store
  /** The session is over: sign in again. */
  readonly onSignedOut: () => void
  /** A first snapshot has come. */
  readonly onFirst: () => void
}

/** Connects and stays connected. Returns the way to stop. */
export function openFeed({ store, onSignedOut, onFirst }: FeedOptions): () => void {
  let socket: WebSocket | undefined
  let retryMs = FIRST_RETRY_MS
  let retry: number | undefined
  let watchdog: number | undefined
  let stopped = false
  let first = true

  const hear = (message: Message): void => {
    store.heardAtMs = Date.now()
    if (message.op === "snapshot") {
      store.snapshot(snapshotOf(message))
      if (first) onFirst()
      first = false
    } else if (message.op === "notice") store.notice(noticeOf(message))
    else if (message.op === "heartbeat") store.beat(Number(message.seq))
    if (message.op !== "ready" && store.connection.kind !== "live") {
      retryMs = FIRST_RETRY_MS
      store.connection = { kind: "live" }
    }
    store.changed()
  }

  const guard = (): void => {
    clearTimeout(watchdog)
    watchdog = setTimeout(() => socket?.close(), SILENCE_MS)
  }

  const connect = (): void => {
    const address = new URL("/api/v1/events", location.href)
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:"
    const ws = new WebSocket(address, PROTOCOL)
    socket = ws
    guard()
    ws.addEventListener("open", () => {
      const since = store.position
      const wish = { op: "subscribe", id: "page", topics: ["*"], ...(since && { since }) }
      ws.send(JSON.stringify(wish))
    })
    ws.addEventListener("message", (event: MessageEvent<unknown>) => {
      guard()
      const value: unknown = typeof event.data === "string" ? JSON.parse(event.data) : undefined
      if (isMessage(value)) hear(value)
    })
    ws.addEventListener("close", (event) => {
      clearTimeout(watchdog)
      if (stopped) return
      if (event.code === 4401) {
        onSignedOut()
        return
      }
      const waitMs = retryMs * (0.75 + Math.random() / 2)
      retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)
      const reason = event.reason === "" ? "no connection to the controller" : event.reason
      store.connection = { kind: "lost", retryAtMs: Date.now() + waitMs, reason }
      store.changed()
      retry = setTimeout(connect, waitMs)
    })
  }
  connect()

  return () => {
    stopped = true
    clearTimeout(retry)
    clearTimeout(watchdog)
    socket?.close()
  }
}
