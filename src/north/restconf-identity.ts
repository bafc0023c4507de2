// Who asks by RESTCONF: the holder of a bearer token, or of a certificate that stands for a name (RFC 8040 section
// 2.5). No cookies: no page of ours asks here, so no page of others can ride on one. What they may do is the
// datastore's access control to say.

import type { X509Certificate } from "node:crypto"
import type { IncomingMessage } from "node:http"
import { TLSSocket } from "node:tls"
import type { Caller } from "../netconf/backend.js"
import type { Access } from "./access.js"

export interface Identity {
  readonly caller: Caller
  /** False for a role that only reads: refused before the datastore is asked. */
  readonly mayChange: boolean
}

export type Identify = (request: IncomingMessage) => Identity | undefined

/** RESTCONF has no sessions: 0, as RFC 6470 counts what is none. */
function callerOf(request: IncomingMessage, username: string, groups: readonly string[]): Caller {
  return { sessionId: 0, username, address: request.socket.remoteAddress ?? "", groups }
}

/** The controller's tokens; their role is a group for access control. */
export function byToken(access: Access): Identify {
  return (request) => {
    const { authorization } = request.headers
    const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? "")?.[1]
    const principal = token === undefined ? undefined : access.byToken(token)
    if (principal === undefined) return undefined
    return {
      caller: callerOf(request, principal.name, [principal.role]),
      mayChange: principal.role === "operator",
    }
  }
}

/**
 * A client certificate that chains to the server's client authorities.
 *
 * @param nameOf the user a certificate stands for (RFC 7407 section 4, `cert-to-name`); undefined: nobody. An empty
 *   name is nobody too.
 */
export function byCertificate(
  nameOf: (certificate: X509Certificate) => string | undefined,
): Identify {
  return (request) => {
    const { socket } = request
    // A token that is not good is not made good by a certificate.
    if (request.headers.authorization !== undefined || !(socket instanceof TLSSocket))
      return undefined
    const certificate = socket.getPeerX509Certificate()
    if (!socket.authorized || certificate === undefined || socket.isSessionReused())
      return undefined
    const name = nameOf(certificate)
    if (name === undefined || name === "") return undefined
    return { caller: callerOf(request, name, []), mayChange: true }
  }
}

/** The first that knows. */
export function anyOf(...ways: readonly Identify[]): Identify {
  return (request) => {
    for (const identify of ways) {
      const identity = identify(request)
      if (identity !== undefined) return identity
    }
    return undefined
  }
}
