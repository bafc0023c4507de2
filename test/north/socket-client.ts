// A WebSocket client for tests: keeps every message, and waits for the one asked for.

import { once } from "node:events"
import { type ClientOptions, WebSocket } from "ws"
import { SUBPROTOCOL } from "../../src/north/asyncapi.js"

export interface Message {
  readonly op: string
  readonly seq?: number
  readonly [member: string]: unknown
}

function isMessage(value: unknown): value is Message {
  return value !== null && typeof value === "object" && "op" in value
}

export class SocketClient {
  readonly ws: WebSocket
  readonly messages: Message[] = []
  closed: { code: number; reason: string } | undefined
  /** Set when the upgrade was answered with a status instead. */
  refused: number | undefined
  readonly #watchers = new Set<() => void>()

  constructor(url: string, headers: Record<string, string> = {}, options: ClientOptions = {}) {
    const address = `${url.replace(/^http/, "ws")}/api/v1/events`
    this.ws = new WebSocket(address, [SUBPROTOCOL], { headers, ...options })
    this.ws.on("message", (data) => {
      const text = Buffer.isBuffer(data) ? data.toString("utf8") : ""
      const value: unknown = JSON.parse(text)
      if (!isMessage(value)) throw new Error(`no message: ${text}`)
      this.messages.push(value)
      this.#wake()
    })
    this.ws.on("unexpected-response", (request, response) => {
      this.refused = response.statusCode
      this.closed = { code: 1006, reason: "refused" }
      response.resume()
      request.destroy()
      this.#wake()
    })
    this.ws.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString("utf8") }
      this.#wake()
    })
    this.ws.on("error", () => undefined)
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher()
  }

  async opened(): Promise<this> {
    if (this.ws.readyState === WebSocket.CONNECTING) await once(this.ws, "open")
    return this
  }

  send(message: object | string): void {
    this.ws.send(typeof message === "string" ? message : JSON.stringify(message))
  }

  /** Resolves once `holds` does; it is asked after every message and at the end. */
  until(holds: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (holds()) {
          this.#watchers.delete(look)
          resolve()
        } else if (this.closed !== undefined) {
          this.#watchers.delete(look)
          reject(new Error(`closed: ${JSON.stringify(this.closed)}`))
        }
      }
      this.#watchers.add(look)
      look()
    })
  }

  async next(op: string): Promise<Message> {
    await this.until(() => this.messages.some((message) => message.op === op))
    const at = this.messages.findIndex((message) => message.op === op)
    const [found] = this.messages.splice(at, 1)
    if (found === undefined) throw new Error("unreachable")
    return found
  }

  ended(): Promise<{ code: number; reason: string }> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.closed !== undefined) resolve(this.closed)
      }
      this.#watchers.add(look)
      look()
    })
  }

  get seqs(): number[] {
    return this.messages.filter(({ op }) => op === "notice").map(({ seq }) => seq ?? -1)
  }
}
