// Signing in and out over REST: a one-time code or a token becomes a cookie that scripts cannot read and other
// sites cannot send (THREATS.md T7).

import { demand, LOGIN_CODE_TTL_MS } from "./access.js"
import type { Access, Session } from "./access.js"
import type { Call, Handler } from "./call.js"
import { cookieOf } from "./credentials.js"
import type { NorthLog } from "./ports.js"
import { HttpFault } from "./problem.js"
import { assertShape } from "./validate.js"

export interface SessionOptions {
  readonly access: Access
  /** The cookie's name; asked late, since the port may be chosen late. */
  readonly cookie: () => string
  /** Set the `Secure` attribute: wherever TLS is spoken. */
  readonly secure: boolean
  readonly now: () => number
  readonly log: NorthLog
}

function infoOf(session: Session): object {
  return {
    name: session.principal.name,
    role: session.principal.role,
    expiresAt: new Date(session.expiresAtMs).toISOString(),
  }
}

/** The handlers under `/session`. */
export function sessionHandlers(
  options: SessionOptions,
): Readonly<Record<"openSession" | "getSession" | "closeSession" | "issueLoginCode", Handler>> {
  const { access, log, now } = options
  const attributes = {
    httpOnly: true,
    sameSite: "strict",
    path: "/",
    secure: options.secure,
  } as const

  const open = (call: Call): void => {
    const { body } = call
    assertShape("Login", body)
    const principal =
      body.code === undefined ? access.byToken(body.token ?? "") : access.tradeCode(body.code)
    if (principal === undefined) {
      log("warn", "login refused", { from: call.request.socket.remoteAddress ?? "" })
      throw new HttpFault(
        401,
        "access-denied",
        body.code === undefined
          ? "no such token"
          : "the login code was used, is too old or unknown",
      )
    }
    const { id, session } = access.openSession(principal)
    log("info", "signed in", { name: principal.name, role: principal.role })
    call.response
      .status(201)
      .cookie(options.cookie(), id, { ...attributes, maxAge: session.expiresAtMs - now() })
      .json(infoOf(session))
  }

  return {
    openSession: open,
    getSession: (call) => {
      const principal = demand(call.principal, "read")
      const expiresAtMs = call.sessionExpiresAtMs
      call.response.json(
        expiresAtMs === undefined
          ? { name: principal.name, role: principal.role }
          : infoOf({ principal, expiresAtMs }),
      )
    },
    closeSession: (call) => {
      demand(call.principal, "read")
      const id = cookieOf(call.request.headers, options.cookie())
      if (id !== undefined) access.closeSession(id)
      call.response.clearCookie(options.cookie(), attributes).status(204).end()
    },
    issueLoginCode: (call) => {
      const principal = demand(call.principal, "change")
      // A hijacked page could otherwise make itself a second, lasting way in.
      if (principal.by !== "token") {
        throw new HttpFault(403, "access-denied", "login codes are given to bearer tokens only")
      }
      const code = access.issueLoginCode(principal.role, principal.name)
      call.response
        .status(201)
        .json({ code, expiresAt: new Date(now() + LOGIN_CODE_TTL_MS).toISOString() })
    },
  }
}
