// Who asks by RESTCONF: the holder of a bearer token, or of a certificate that stands for a name (RFC 8040 section
// 2.5). No cookies: no page of ours asks here, so no page of others can ride on one. What they may do is the
// datastore's access control to say.

import type { IncomingMessage } from "node:http"
import { TLSSocket } from "node:tls"
import type { Caller } from "../netconf/backend.js"
import { chainOf } from "../transport/certificate-chain.js"
import {
  checkCertToName,
  usernameOf,
  verifiedChain,
  type CertToName,
} from "../transport/certificate-names.js"
import type { Access } from "./access.js"

export interface Identity {
  readonly caller: Caller
  /** False for a role that only reads: refused before the datastore is asked. */
  readonly mayChange: boolean
  /** When the proof runs out, milliseconds since the epoch; absent: not by itself. */
  readonly untilMs?: number
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
 * A client certificate that chains to the server's client authorities, and the user it stands for by the entries of
 * RFC 7407 section 4. Who none of them names is nobody.
 *
 * @param groups that access control may know a user by; undefined for who is no user. Absent: any name is one, in none.
 * @throws QkdError `invalid-value` for a fingerprint that nothing can match.
 */
export function byCertificate(
  entries: readonly CertToName[],
  groups: (username: string) => readonly string[] | undefined = () => [],
  now: () => number = Date.now,
): Identify {
  checkCertToName(entries)
  // One connection carries many requests, and its certificate never changes.
  const known = new WeakMap<TLSSocket, { readonly name?: string; readonly untilMs: number }>()
  const proofOf = (socket: TLSSocket): { readonly name?: string; readonly untilMs: number } => {
    const chain = verifiedChain(chainOf(socket))
    const good = socket.authorized && !socket.isSessionReused()
    const name = good ? usernameOf(chain, entries) : undefined
    const untilMs = Date.parse(chain[0]?.validTo ?? "")
    return { ...(name === undefined ? {} : { name }), untilMs }
  }
  return (request) => {
    const { socket } = request
    // A token that is not good is not made good by a certificate.
    if (request.headers.authorization !== undefined || !(socket instanceof TLSSocket))
      return undefined
    const proof = known.get(socket) ?? proofOf(socket)
    known.set(socket, proof)
    const { name, untilMs } = proof
    if (name === undefined || !(untilMs > now())) return undefined
    const inGroups = groups(name)
    if (inGroups === undefined) return undefined
    return { caller: callerOf(request, name, inGroups), mayChange: true, untilMs }
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
