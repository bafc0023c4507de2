// An HTTP and WebSocket client that sends any header it likes: foreign Origins, other Hosts, ridden cookies. Knows
// nothing of Keyloom.

import http from "node:http"
import { WebSocket } from "ws"

export interface Reply {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

export interface Asked {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** One request on a connection of its own. A connection cut while sending still gives what was answered. */
export function ask(url: string, { method = "GET", headers = {}, body }: Asked): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => request.destroy(new Error("no answer")), 60_000)
    const request = http.request(url, { method, headers, agent: false }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("error", () => undefined)
      response.on("close", () => {
        clearTimeout(timer)
        request.destroy()
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      })
    })
    request.on("error", (error) => {
      clearTimeout(timer)
      // After an answer this changes nothing: the promise is settled.
      setTimeout(() => {
        reject(error)
      }, 200)
    })
    request.end(body)
  })
}

export interface SocketEnd {
  /** Status of a refused upgrade; 0 when it was a WebSocket. */
  readonly refused: number
  /** Close code; 0 when it was not closed in time. */
  readonly code: number
  readonly messages: readonly string[]
}

/** Opens a WebSocket, sends the words, and listens until it is closed or `met`, a minute at most. */
export function converse(
  url: string,
  headers: Readonly<Record<string, string>>,
  words: readonly (string | Buffer)[],
  met: (message: string) => boolean = () => false,
): Promise<SocketEnd> {
  return new Promise((resolve) => {
    const messages: string[] = []
    const socket = new WebSocket(url, "keyloom.v1", { headers, perMessageDeflate: false })
    const done = (refused: number, code: number): void => {
      clearTimeout(timer)
      resolve({ refused, code, messages })
      socket.terminate()
    }
    const timer = setTimeout(() => {
      done(0, 0)
    }, 60_000)
    socket.on("error", () => undefined)
    socket.on("unexpected-response", (_request, response) => {
      done(response.statusCode ?? -1, 0)
    })
    socket.on("message", (data: Buffer) => {
      messages.push(data.toString("utf8"))
      if (met(messages.at(-1) ?? "")) done(0, 0)
    })
    socket.once("open", () => {
      for (const word of words) socket.send(word)
    })
    socket.once("close", (code) => {
      done(0, code)
    })
  })
}
