// What is left of a request's body when the answer is a refusal: let pass unread for a moment. Who is still sending does
// not read; an answer sent meanwhile would be lost with the connection. Keeps nothing.

import type { IncomingMessage, ServerResponse } from "node:http"
import { linger } from "../transport/linger.js"

/**
 * Resolves when the body is over, its sender is gone, or the moment has passed; then the connection closes with the
 * answer.
 */
export function letPass(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.complete || request.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const callOff = linger(() => {
      if (!response.headersSent) response.setHeader("Connection", "close")
      over()
    })
    const over = (): void => {
      callOff()
      request.off("end", over).off("close", over).off("error", over)
      resolve()
    }
    request.on("end", over).on("close", over).on("error", over)
    request.resume()
  })
}
