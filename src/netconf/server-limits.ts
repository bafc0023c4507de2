// What a server gives its sessions at most: their number, what waits, what lies unread.

import { SERVER_LIMITS, type SessionLimits } from "./session.js"

export interface ServerLimits extends SessionLimits {
  /** Sessions at the same time, of all users. */
  readonly maxSessions: number
  readonly maxSessionsPerUser: number
  /** Requests read ahead of their turn; then reading stops. */
  readonly maxWaitingRpcs: number
  readonly maxWaitingBytes: number
  /** Unread replies beyond which the next request waits, for at most `drainTimeoutMs`. */
  readonly maxReplyBacklogBytes: number
  readonly drainTimeoutMs: number
  /** Unread bytes beyond which a notification ends the session (THREATS N5). */
  readonly maxNotificationBacklogBytes: number
}

export const DEFAULT_SERVER_LIMITS: ServerLimits = {
  ...SERVER_LIMITS,
  maxSessions: 64,
  maxSessionsPerUser: 16,
  maxWaitingRpcs: 256,
  maxWaitingBytes: 1024 * 1024,
  maxReplyBacklogBytes: 4 * 1024 * 1024,
  drainTimeoutMs: 60_000,
  maxNotificationBacklogBytes: 8 * 1024 * 1024,
}
