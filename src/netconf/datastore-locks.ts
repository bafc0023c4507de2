// Who holds which datastore's lock (RFC 6241 section 7.5). Says who may go on; does not know what the datastores
// hold, nor when a lock may not be given for other reasons (candidate with changes, commit not confirmed).

import { QkdError } from "../errors.js"

/** Datastores that can be locked. */
export type StoreName = "running" | "candidate" | "startup"

export interface LockHolder {
  readonly sessionId: number
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
}

export class DatastoreLocks {
  readonly #holders = new Map<StoreName, LockHolder>()

  holder(store: StoreName): LockHolder | undefined {
    return this.#holders.get(store)
  }

  /** @throws QkdError `lock-denied` with the session-id of whoever holds it, this session included. */
  acquire(store: StoreName, sessionId: number, nowMs: number): void {
    const owner = this.#holders.get(store)?.sessionId
    if (owner !== undefined) throw lockDenied(`${store} is locked by session ${owner}`, owner)
    this.#holders.set(store, { sessionId, sinceMs: nowMs })
  }

  /** @throws QkdError `operation-failed` unless this session holds the lock. */
  drop(store: StoreName, sessionId: number): void {
    if (!this.heldBy(store, sessionId))
      throw new QkdError("operation-failed", `this session holds no lock on ${store}`)
    this.#holders.delete(store)
  }

  heldBy(store: StoreName, sessionId: number): boolean {
    return this.#holders.get(store)?.sessionId === sessionId
  }

  /** A session is gone. */
  dropAll(sessionId: number): void {
    for (const [store, holder] of this.#holders)
      if (holder.sessionId === sessionId) this.#holders.delete(store)
  }

  /** @throws QkdError `in-use` while another session holds the lock. */
  assertFreeFor(store: StoreName, sessionId: number): void {
    const owner = this.#holders.get(store)?.sessionId
    if (owner !== undefined && owner !== sessionId)
      throw new QkdError("in-use", `${store} is locked by session ${owner}`, {
        info: { "session-id": String(owner) },
      })
  }
}

/** @param owner 0 stands for what is no NETCONF session (RFC 6241 appendix A). */
export function lockDenied(why: string, owner: number): QkdError {
  return new QkdError("lock-denied", why, { info: { "session-id": String(owner) } })
}
