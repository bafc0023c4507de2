// The open event streams of RESTCONF clients: how many, how far behind, whether anybody is still there. What is told is
// decided in `restconf/streams.ts`.

import type { ServerResponse } from "node:http"
import { RestconfFault } from "../restconf/fault.js"
import type { RestconfAnswer } from "../restconf/message.js"
import type { NorthLog } from "./ports.js"
import type { Identity } from "./restconf-identity.js"

export interface StreamLimits {
  readonly maxStreams: number
  readonly maxStreamsPerUser: number
  /** Unread bytes beyond which a reader is let go (THREATS N5). */
  readonly maxBacklogBytes: number
  /** A comment goes out so often, so that a peer that is gone is noticed. */
  readonly heartbeatMs: number
}

export const STREAM_LIMITS: StreamLimits = {
  maxStreams: 512,
  maxStreamsPerUser: 128,
  maxBacklogBytes: 8 * 1024 * 1024,
  heartbeatMs: 15_000,
}

export class OpenStreams {
  readonly #limits: StreamLimits
  readonly #log: NorthLog
  readonly #open = new Map<ServerResponse, string>()

  constructor(limits: StreamLimits, log: NorthLog) {
    this.#limits = limits
    this.#log = log
  }

  /** @throws RestconfFault 503 `resource-denied` beyond the ceilings. */
  refuseBeyond(identity: Identity | undefined): void {
    const user = identity?.caller.username ?? ""
    const ofUser = [...this.#open.values()].filter((name) => name === user).length
    if (this.#open.size >= this.#limits.maxStreams || ofUser >= this.#limits.maxStreamsPerUser)
      throw new RestconfFault(503, "resource-denied", "too many event streams are open")
  }

  open(response: ServerResponse, answer: RestconfAnswer, identity: Identity | undefined): void {
    const { stream, headers } = answer
    if (stream === undefined || response.destroyed) return
    const user = identity?.caller.username ?? ""
    this.#open.set(response, user)
    // Told now: a client must see that it is heard before anything happens. No proxy may keep it.
    response.writeHead(200, {
      ...headers,
      "X-Content-Type-Options": "nosniff",
      "X-Accel-Buffering": "no",
    })
    // A first comment too: some clients show nothing, not even a head, before the first byte of a body.
    response.write(":\n\n")
    // The server's own timeouts are for requests; this one is over.
    response.socket?.setTimeout(0)
    const untilMs = identity?.untilMs ?? Number.POSITIVE_INFINITY
    const beat = setInterval(() => {
      // Whose proof has run out hears no more.
      if (Date.now() >= untilMs) response.end()
      else response.write(":\n\n")
    }, this.#limits.heartbeatMs)
    let stop: () => void = () => undefined
    response.once("close", () => {
      clearInterval(beat)
      this.#open.delete(response)
      stop()
    })
    stop = stream({
      write: (text) => {
        if (response.destroyed || response.writableEnded) return
        if (response.writableLength > this.#limits.maxBacklogBytes) {
          this.#log("warn", "an event stream is not read fast enough, and ended", { user })
          response.destroy()
          return
        }
        response.write(text)
      },
      end: () => {
        response.end()
      },
    })
  }

  close(): void {
    for (const response of this.#open.keys()) response.end()
  }
}
