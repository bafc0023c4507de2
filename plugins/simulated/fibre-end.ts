// A module's connection to its end of a simulated fibre. Attaches, tells of light and of lines from the other
// end, and attaches again with growing pauses when the plant goes away. Knows nothing of keys.

import { connect, type Socket } from "node:net"
import type { Host } from "../../src/plugin/index.js"
import { type Attach, type Light, LineReader, parseLight } from "./lines.js"

export interface FibreEvents {
  light(light: Light): void
  /** A line from the other end. */
  line(line: string): void
  /** Not attached any more, or not yet; it is being tried again. */
  detached(reason: string): void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2000

export class FibreEnd {
  readonly #where: { readonly host: string; readonly port: number }
  readonly #attach: Attach
  readonly #host: Host
  readonly #events: FibreEvents
  #socket: Socket | undefined
  #closed = false

  constructor(
    where: { readonly host: string; readonly port: number },
    attach: Attach,
    host: Host,
    events: FibreEvents,
  ) {
    this.#where = where
    this.#attach = attach
    this.#host = host
    this.#events = events
    void this.#keepAttached()
  }

  /** Sends a line to the other end; lost without a word when there is no light. */
  send(line: string): void {
    this.#socket?.write(`${line}\n`, "latin1")
  }

  /** Detaches for good: the other end loses the light. */
  close(): void {
    this.#closed = true
    this.#socket?.destroy()
  }

  async #keepAttached(): Promise<void> {
    let pauseMs = FIRST_PAUSE_MS
    while (!this.#closed && !this.#host.signal.aborted) {
      const outcome = await this.#once()
      if (this.#over()) return
      this.#events.detached(outcome.reason)
      if (outcome.lit) pauseMs = FIRST_PAUSE_MS
      try {
        await this.#host.sleep(pauseMs)
      } catch {
        return
      }
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
    }
  }

  #over(): boolean {
    return this.#closed || this.#host.signal.aborted
  }

  /** One connection, from attempt to end. `lit`: it got as far as hearing of the light. */
  #once(): Promise<{ reason: string; lit: boolean }> {
    return new Promise((resolve) => {
      const socket = connect({ ...this.#where, noDelay: true })
      const reader = new LineReader()
      let reason = "the fibre plant cannot be reached"
      let lit = false
      this.#socket = socket
      const abort = (): void => {
        socket.destroy()
      }
      this.#host.signal.addEventListener("abort", abort, { once: true })
      socket.on("connect", () => {
        reason = "the fibre plant hung up"
        socket.write(`${JSON.stringify(this.#attach)}\n`, "latin1")
      })
      socket.on("data", (chunk) => {
        const lines = reader.push(chunk)
        if (lines === null) socket.destroy()
        for (const line of lines ?? []) {
          if (this.#over()) return
          const rest = line.slice(1)
          if (line.startsWith("f")) this.#events.line(rest)
          else if (line.startsWith("r")) reason = `the fibre plant refused: ${rest}`
          else if (line.startsWith("l")) {
            const light = parseLight(rest)
            if (light === undefined) continue
            lit = true
            this.#events.light(light)
          }
        }
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        this.#host.signal.removeEventListener("abort", abort)
        if (this.#socket === socket) this.#socket = undefined
        resolve({ reason, lit })
      })
    })
  }
}
