// Reads who is asking from the headers of a request, the same way for REST and for a WebSocket upgrade. It
// decides nothing about what they may do (access.ts).

import type { IncomingHttpHeaders } from "node:http"
import type { Access, Principal } from "./access.js"

/** The cookie's name carries the port: cookies know no ports, and two controllers may share a host. */
export function cookieName(port: number): string {
  return `keyloom-${port}`
}

/** The value of one cookie; the first wins. */
export function cookieOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  for (const part of (headers.cookie ?? "").split(";")) {
    const equals = part.indexOf("=")
    if (equals > 0 && part.slice(0, equals).trim() === name) return part.slice(equals + 1).trim()
  }
  return undefined
}

export interface Credentials {
  readonly principal?: Principal
  /** Something was shown, and it is not (or no longer) good. */
  readonly refused: boolean
  readonly expiresAtMs?: number
}

/** A bearer token goes before a cookie; a wrong one is not made good by a cookie. */
export function credentialsOf(
  access: Access,
  headers: IncomingHttpHeaders,
  cookie: string,
): Credentials {
  const { authorization } = headers
  if (authorization !== undefined) {
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization)?.[1]
    const principal = token === undefined ? undefined : access.byToken(token)
    return principal === undefined ? { refused: true } : { principal, refused: false }
  }
  const id = cookieOf(headers, cookie)
  if (id === undefined) return { refused: false }
  const session = access.bySession(id)
  if (session === undefined) return { refused: true }
  return { principal: session.principal, refused: false, expiresAtMs: session.expiresAtMs }
}
