// Who may do what on the north faces: bearer tokens, one-time login codes, cookie sessions, and the one check
// every face asks. It holds hashes only; it reads no headers and sets no cookies.

import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { QkdError } from "../errors.js"
import { HttpFault } from "./problem.js"

/** `observer` reads; `operator` also orders and cancels services and issues login codes. */
export type Role = "operator" | "observer"
export const ROLES: readonly Role[] = ["operator", "observer"]

/** Who is asking. `by` says how they proved it: only a cookie can be ridden by a foreign page. */
export interface Principal {
  readonly name: string
  readonly role: Role
  readonly by: "token" | "cookie"
}

/** A token as configured: the SHA-256 of the token in hex, never the token. */
export interface TokenEntry {
  readonly name: string
  readonly role: Role
  readonly sha256: string
}

export interface Session {
  readonly principal: Principal
  /** Milliseconds since the epoch. */
  readonly expiresAtMs: number
}

export const LOGIN_CODE_TTL_MS = 5 * 60_000
export const SESSION_TTL_MS = 12 * 3_600_000
const MAX_CODES = 64
const MAX_SESSIONS = 1024

function sha256(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest()
}

/** What to put into the configuration for a token. */
export function hashToken(token: string): string {
  return sha256(token).toString("hex")
}

export class Access {
  readonly #tokens: readonly { readonly entry: TokenEntry; readonly hash: Buffer }[]
  readonly #codes = new Map<
    string,
    { readonly principal: Principal; readonly expiresAtMs: number }
  >()
  readonly #sessions = new Map<string, Session>()
  readonly #now: () => number

  /** @throws QkdError `invalid-value` when a hash is not 64 hex digits. */
  constructor(tokens: readonly TokenEntry[], now: () => number = Date.now) {
    this.#now = now
    this.#tokens = tokens.map((entry, i) => {
      if (!/^[0-9a-f]{64}$/i.test(entry.sha256)) {
        throw new QkdError("invalid-value", "not a SHA-256 in hex", { path: `/tokens/${i}/sha256` })
      }
      return { entry, hash: Buffer.from(entry.sha256, "hex") }
    })
  }

  /** The holder of a bearer token. Every entry is compared, each in constant time. */
  byToken(token: string): Principal | undefined {
    const hash = sha256(token)
    let found: TokenEntry | undefined
    for (const each of this.#tokens) {
      if (timingSafeEqual(hash, each.hash)) found = each.entry
    }
    return found && { name: found.name, role: found.role, by: "token" }
  }

  /**
   * A code good for one login within five minutes. It travels in a URL's fragment, which browsers send to
   * no server, and is traded for a cookie by `POST /session`.
   */
  issueLoginCode(role: Role = "operator", name = "login"): string {
    this.#sweep()
    if (this.#codes.size >= MAX_CODES) {
      const oldest = this.#codes.keys().next()
      if (oldest.done !== true) this.#codes.delete(oldest.value)
    }
    const code = randomBytes(24).toString("base64url")
    this.#codes.set(hashToken(code), {
      principal: { name, role, by: "cookie" },
      expiresAtMs: this.#now() + LOGIN_CODE_TTL_MS,
    })
    return code
  }

  /** Spends a code: true once. Looked up by hash, so that timing tells nothing of the codes held. */
  tradeCode(code: string): Principal | undefined {
    const key = hashToken(code)
    const held = this.#codes.get(key)
    this.#codes.delete(key)
    return held !== undefined && held.expiresAtMs > this.#now() ? held.principal : undefined
  }

  /** Opens a cookie session; the returned id is shown to the browser once and kept here as a hash. */
  openSession(principal: Principal): { id: string; session: Session } {
    this.#sweep()
    if (this.#sessions.size >= MAX_SESSIONS) {
      throw new HttpFault(503, "resource-denied", "too many sessions are open")
    }
    const id = randomBytes(32).toString("base64url")
    const session = {
      principal: { ...principal, by: "cookie" as const },
      expiresAtMs: this.#now() + SESSION_TTL_MS,
    }
    this.#sessions.set(hashToken(id), session)
    return { id, session }
  }

  bySession(id: string): Session | undefined {
    const session = this.#sessions.get(hashToken(id))
    return session !== undefined && session.expiresAtMs > this.#now() ? session : undefined
  }

  closeSession(id: string): void {
    this.#sessions.delete(hashToken(id))
  }

  #sweep(): void {
    const now = this.#now()
    for (const map of [this.#codes, this.#sessions]) {
      for (const [key, { expiresAtMs }] of map) if (expiresAtMs <= now) map.delete(key)
    }
  }
}

/**
 * The one check of every face.
 *
 * @throws QkdError `access-denied`: 401 when nobody is known, 403 when the role does not allow it.
 */
export function demand(principal: Principal | undefined, what: "read" | "change"): Principal {
  if (principal === undefined) {
    throw new HttpFault(401, "access-denied", "a bearer token or a session is needed")
  }
  if (what === "change" && principal.role !== "operator") {
    throw new HttpFault(403, "access-denied", `role ${principal.role} may read only`)
  }
  return principal
}
