// The WebSocket face, `/api/v1/events`: who may connect, messages in, heartbeats, closing. What is told to a
// subscriber is subscriber.ts; the protocol's description is asyncapi.ts.

import type { IncomingMessage } from "node:http"
import type { Duplex } from "node:stream"
import { type RawData, WebSocket, WebSocketServer } from "ws"
import type { ControllerPort } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import { parseJson } from "../yang/json-text.js"
import type { Access, Principal } from "./access.js"
import { CLOSE, SUBPROTOCOL } from "./asyncapi.js"
import { type Credentials, credentialsOf } from "./credentials.js"
import { Feed } from "./feed.js"
import { hostIsOurs, originIsOurs, type OriginRule } from "./origin.js"
import type { NorthLog } from "./ports.js"
import { problemOf } from "./problem.js"
import { Subscriber, SUBSCRIBER_LIMITS, type SubscriberLimits } from "./subscriber.js"
import { assertShape } from "./validate.js"

export interface WebSocketLimits extends SubscriberLimits {
  readonly initTimeoutMs: number
  readonly heartbeatMs: number
  readonly maxMessageBytes: number
  readonly maxConnections: number
}

/** Heartbeats in a row without a sign of life from the subscriber. */
const MOST_PINGS_UNHEARD = 3

export const WEBSOCKET_LIMITS: WebSocketLimits = {
  ...SUBSCRIBER_LIMITS,
  initTimeoutMs: 5_000,
  heartbeatMs: 10_000,
  maxMessageBytes: 16 * 1024,
  maxConnections: 1024,
}

export interface WebSocketFaceOptions {
  readonly controller: ControllerPort
  readonly access: Access
  readonly cookie: () => string
  readonly origin: OriginRule
  readonly log: NorthLog
  readonly now: () => number
  readonly limits?: Partial<WebSocketLimits>
}

export interface WebSocketFace {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Tells everyone that we are going (1001) and lets go of those who do not answer. */
  close(): Promise<void>
}

/** Refuses an upgrade in plain HTTP. */
function refuse(socket: Duplex, status: number, text: string): void {
  const body = `${JSON.stringify({ title: text, status })}\n`
  socket.on("error", () => undefined)
  socket.end(
    [
      `HTTP/1.1 ${status} ${text}`,
      "Connection: close",
      "Content-Type: application/problem+json",
      `Content-Length: ${Buffer.byteLength(body)}`,
      "",
      body,
    ].join("\r\n"),
  )
}

function textOf(data: RawData, isBinary: boolean): string {
  if (isBinary) throw new QkdError("malformed-message", "messages are JSON text, not binary")
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8")
  return Buffer.from(data instanceof ArrayBuffer ? new Uint8Array(data) : data).toString("utf8")
}

function opOf(value: unknown): string {
  const op = value !== null && typeof value === "object" && "op" in value ? value.op : undefined
  if (typeof op !== "string") {
    throw new QkdError("missing-element", "a message is an object with `op`", { path: "/op" })
  }
  return op
}

/** Opens the face; sockets come from the HTTP server's `upgrade`. */
export function openWebSocketFace(options: WebSocketFaceOptions): WebSocketFace {
  const { controller, access, origin, log, now } = options
  const limits = { ...WEBSOCKET_LIMITS, ...options.limits }
  const feed = new Feed(controller)
  const subscribers = new Map<WebSocket, Subscriber>()
  const server = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    clientTracking: true,
    handleProtocols: () => SUBPROTOCOL,
  })
  const stopListening = controller.onNotice((notice) => {
    for (const subscriber of subscribers.values()) subscriber.notice(notice)
  })

  const end = (ws: WebSocket, code: number, reason: string): void => {
    subscribers.delete(ws)
    ws.close(code, reason.slice(0, 120))
    // A peer that does not read never answers the close.
    setTimeout(() => {
      ws.terminate()
    }, 1000).unref()
  }

  const serve = (
    ws: WebSocket,
    socket: Duplex,
    shown: Credentials,
    stillGood: () => boolean,
  ): void => {
    let principal: Principal | undefined = shown.principal
    let proof = stillGood
    let pingsUnheard = 0
    const subscriber = new Subscriber(
      controller,
      feed,
      {
        write: (frame) => {
          // Our frames and those of ws are both written whole, and in the same tick: they never mix.
          if (ws.readyState === WebSocket.OPEN) socket.write(frame)
        },
        get pendingBytes() {
          return socket.writableLength
        },
        tooSlow: (reason) => {
          log("warn", "subscriber too slow", { name: principal?.name ?? "" })
          end(ws, CLOSE.tooSlow, reason)
        },
      },
      limits,
    )
    const welcome = (who: Principal): void => {
      principal = who
      clearTimeout(waiting)
      subscribers.set(ws, subscriber)
      subscriber.say({
        op: "ready",
        epoch: controller.epoch,
        seq: controller.lastSeq(),
        role: who.role,
      })
    }
    const hear = (value: unknown): void => {
      const op = opOf(value)
      if (op === "init") {
        assertShape("Init", value)
        if (principal !== undefined) {
          throw new QkdError("operation-failed", "already signed in", { path: "/op" })
        }
        const { token } = value
        const who = access.byToken(token)
        if (who === undefined) {
          end(ws, CLOSE.unauthorized, "no such token")
          return
        }
        proof = () => access.byToken(token) !== undefined
        welcome(who)
      } else if (principal === undefined) {
        end(ws, CLOSE.unauthorized, "init first")
      } else if (op === "subscribe") {
        assertShape("Subscribe", value)
        subscriber.subscribe(value)
      } else if (op === "unsubscribe") {
        assertShape("Unsubscribe", value)
        subscriber.unsubscribe()
        subscriber.say({ op: "unsubscribed", id: value.id })
      } else {
        throw new QkdError("invalid-value", "op is init, subscribe or unsubscribe", { path: "/op" })
      }
    }
    const waiting = setTimeout(() => {
      end(ws, CLOSE.initTimeout, "no init in time")
    }, limits.initTimeoutMs)
    const beating = setInterval(() => {
      if (principal === undefined) return
      // Counted, not timed: when this process has stood still, answers that came meanwhile are read before the next beat.
      if (pingsUnheard >= MOST_PINGS_UNHEARD) {
        subscribers.delete(ws)
        ws.terminate()
      } else if (!proof()) end(ws, CLOSE.unauthorized, "the session is over")
      else {
        pingsUnheard += 1
        ws.ping()
        subscriber.say({
          op: "heartbeat",
          epoch: controller.epoch,
          seq: subscriber.toldSeq,
          time: new Date(now()).toISOString(),
        })
      }
    }, limits.heartbeatMs)

    socket.on("drain", () => {
      pingsUnheard = 0
      if (subscribers.has(ws)) subscriber.catchUp()
    })
    ws.on("pong", () => {
      pingsUnheard = 0
    })
    ws.on("error", () => undefined)
    ws.on("close", () => {
      clearTimeout(waiting)
      clearInterval(beating)
      subscribers.delete(ws)
    })
    ws.on("message", (data, isBinary) => {
      pingsUnheard = 0
      if (ws.readyState !== WebSocket.OPEN) return
      try {
        const text = textOf(data, isBinary)
        hear(parseJson(text, { maxBytes: limits.maxMessageBytes, maxDepth: 8 }))
      } catch (error) {
        const problem = problemOf(error)
        if (!(error instanceof QkdError)) {
          log("error", "message failed", {
            cause: error instanceof Error ? (error.stack ?? error.message) : String(error),
          })
        }
        subscriber.say({ op: "error", problem })
        end(ws, CLOSE.badMessage, `${problem.path ?? ""} ${problem.detail}`.trim())
      }
    })
    if (shown.refused) end(ws, CLOSE.unauthorized, "the session is over")
    else if (principal !== undefined) welcome(principal)
  }

  return {
    upgrade: (request, socket, head) => {
      const { headers } = request
      const path = (request.url ?? "").split("?")[0]
      const offered = headers["sec-websocket-protocol"]
      if (path !== "/api/v1/events") refuse(socket, 404, "Not Found")
      else if (!hostIsOurs(origin, headers.host)) refuse(socket, 421, "Misdirected Request")
      else if (
        headers.origin !== undefined &&
        !originIsOurs(origin, headers.origin, headers.host)
      ) {
        refuse(socket, 403, "Forbidden")
      } else if (
        offered !== undefined &&
        !offered.split(",").some((each) => each.trim() === SUBPROTOCOL)
      ) {
        refuse(socket, 400, "Bad Request")
      } else if (server.clients.size >= limits.maxConnections) {
        refuse(socket, 503, "Service Unavailable")
      } else {
        const look = (): Credentials => credentialsOf(access, headers, options.cookie())
        const shown = look()
        // A cookie rides along whoever opened the socket: only a page of ours says so.
        const ridden = shown.principal?.by === "cookie" && headers.origin === undefined
        if (ridden) refuse(socket, 403, "Forbidden")
        // Browsers cannot see a status here: a stale cookie is told by close code instead.
        else if (shown.refused && headers.authorization !== undefined) {
          refuse(socket, 401, "Unauthorized")
        } else {
          server.handleUpgrade(request, socket, head, (ws) => {
            serve(ws, socket, shown, () => look().principal !== undefined)
          })
        }
      }
    },
    close: async () => {
      stopListening()
      const open = [...server.clients]
      for (const ws of open) ws.close(CLOSE.goingAway, "the controller is stopping")
      const waiting = setTimeout(() => {
        for (const ws of open) ws.terminate()
      }, 300)
      await new Promise<void>((resolve) => {
        server.close(() => {
          resolve()
        })
      })
      clearTimeout(waiting)
    },
  }
}
