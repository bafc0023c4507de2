// What is left of a request's body when the answer is a refusal: let pass unread for a moment. Who is still sending does
// not read; an answer sent meanwhile would be lost with the connection. Keeps nothing.

import type { IncomingMessage, ServerResponse } from "node:http"

/** How long a body may go on arriving before its sender is answered all the same. */
const LINGER_MS = 1000
/** In so many parts: a process that stands still meanwhile has let one of them pass, not all. */
const LINGER_PARTS = 10

/**
 * Resolves when the body is over, its sender is gone, or the moment has passed; then the connection closes with the
 * answer.
 */
export function letPass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    let parts = 0
    const timer = setInterval(() => {
      if (++parts < LINGER_PARTS) return
      if (!response.headersSent) response.setHeader("Connection", "close")
      over()
    }, LINGER_MS / LINGER_PARTS)
    const over = (): void => {
      clearInterval(timer)
      request.off("end", over).off("close", over).off("error", over)
      resolve()
    }
    request.on("end", over).on("close", over).on("error", over)
    request.resume()
  })
}
