// What a server reports of its sessions to whoever logs or audits. Types only.

import type { QkdError } from "../errors.js"
import type { Caller } from "./backend.js"

/** What there is to log or audit; nothing of it changes what the server does. */
export type SessionReport =
  | { readonly kind: "opened"; readonly caller: Caller }
  | { readonly kind: "ended"; readonly caller: Caller; readonly reason: QkdError }
  /** Something that is not a QkdError was thrown; the client got `operation-failed` without details. */
  | { readonly kind: "bug"; readonly caller: Caller; readonly error: unknown }
  /**
   * An unconfirmed commit could not be undone; it is tried again. Or it, or a candidate, could not take a change
   * of the owner.
   */
  | { readonly kind: "rollback-failed"; readonly error: unknown }
  /** An event of the server's own, or an update, could not be told. */
  | { readonly kind: "untold"; readonly error: unknown }
