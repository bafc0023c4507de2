// The candidate datastore (RFC 6241 section 8.3): one, shared by all sessions, equal to running until somebody edits
// it. Its content need not be valid before it is committed (RFC 7950 section 8.3.3). Does not know confirmed commits.

import { QkdError } from "../errors.js"
import { applyEdit } from "../yang/edit.js"
import type { JsonObject } from "../yang/json.js"
import { isSameConfig } from "../yang/revalidate.js"
import type { Caller } from "./backend.js"
import {
  sessionEnded,
  type ConfigEdit,
  type Datastore,
  type SharedByDatastores,
} from "./datastore.js"
import { lockDenied } from "./datastore-locks.js"

export class Candidate {
  readonly #running: Datastore
  readonly #shared: SharedByDatastores
  /** Undefined while nothing differs from running: so the candidate follows it. */
  #own: JsonObject | undefined

  constructor(running: Datastore, shared: SharedByDatastores) {
    this.#running = running
    this.#shared = shared
    running.onChange((next) => {
      if (this.#own !== undefined && isSameConfig(running.schema, next, this.#own))
        this.#own = undefined
    })
    // What the owner changes by itself (a module came up) must not be undone by somebody's later commit.
    running.onUpdate((change) => {
      if (this.#own !== undefined) this.#set(change(this.#own))
    })
  }

  get config(): JsonObject {
    return this.#own ?? this.#running.running
  }

  /** Holds changes that are not committed. */
  get modified(): boolean {
    return this.#own !== undefined
  }

  /**
   * edit-config on the candidate.
   *
   * @param validated true when the client asked for a test by name (`test-then-set`): by default a candidate
   *   is judged at commit and validate only.
   * @throws QkdError `in-use` while another session holds its lock, or as the edit; nothing changes then.
   */
  edit(
    request: ConfigEdit & { readonly validated: boolean },
    caller: Caller,
    wanted: () => boolean,
  ): Promise<void> {
    return this.#shared.turns.take(async () => {
      this.#shared.locks.assertFreeFor("candidate", caller.sessionId)
      const { edit, defaultOperation, testOnly, validated } = request
      const next = applyEdit(this.#running.schema, this.config, edit, defaultOperation)
      this.#running.access.checkWrite(caller, this.config, next)
      if (validated || testOnly) await this.#running.judge(next, caller)
      if (testOnly) return
      if (!wanted()) throw sessionEnded()
      this.#set(next)
    })
  }

  /** copy-config to the candidate. @throws QkdError `in-use`, or as `source`. */
  replace(source: () => JsonObject, caller: Caller, wanted: () => boolean): Promise<void> {
    return this.#shared.turns.take(() => {
      this.#shared.locks.assertFreeFor("candidate", caller.sessionId)
      const next = source()
      this.#running.access.checkWrite(caller, this.config, next)
      if (!wanted()) throw sessionEnded()
      this.#set(next)
    })
  }

  /** discard-changes (section 8.3.4.2). @throws QkdError `in-use` while another session holds its lock. */
  discard(caller: Caller): Promise<void> {
    return this.#shared.turns.take(() => {
      this.#shared.locks.assertFreeFor("candidate", caller.sessionId)
      this.#own = undefined
    })
  }

  /** Whether it could be committed. @throws QkdError with what schema or backend have against it. */
  validate(caller: Caller): Promise<void> {
    return this.#shared.turns.take(() => this.#running.judge(this.config, caller))
  }

  /**
   * Makes running equal to it. Only within a turn.
   *
   * @param wanted asked once, before anything has changed: a session that ends later has committed.
   * @throws QkdError as running refuses, or when the session is gone; both stay as they are then.
   */
  async commit(caller: Caller, wanted: () => boolean): Promise<void> {
    const asked = { gone: false }
    await this.#running.change(this.config, caller, () => {
      asked.gone = !wanted()
      return !asked.gone
    })
    if (asked.gone) throw sessionEnded()
    this.#own = undefined
  }

  /** @throws QkdError `lock-denied`, also while it holds changes, whoever made them (section 7.5). */
  lock(sessionId: number, nowMs: number): Promise<void> {
    const { locks, turns } = this.#shared
    return turns.take(() => {
      const owner = locks.holder("candidate")
      if (owner === undefined && this.modified)
        throw lockDenied("candidate holds changes that are not committed", 0)
      locks.acquire("candidate", sessionId, nowMs)
    })
  }

  /** Changes go with the lock (section 8.3.5.2). @throws QkdError `operation-failed` without the lock. */
  unlock(sessionId: number): Promise<void> {
    return this.#shared.turns.take(() => {
      this.#shared.locks.drop("candidate", sessionId)
      this.#own = undefined
    })
  }

  /** Its session is gone: what `unlock` does, where it held the lock. Only within a turn. */
  release(sessionId: number): void {
    if (this.#shared.locks.heldBy("candidate", sessionId)) this.#own = undefined
  }

  #set(next: JsonObject): void {
    const { schema, running } = this.#running
    this.#own = isSameConfig(schema, next, running) ? undefined : next
  }
}

/** @throws QkdError `operation-not-supported`: the server has no such datastore. */
export function noSuchStore(name: string): QkdError {
  return new QkdError("operation-not-supported", `no ${name} here`, {
    info: { "bad-element": name },
  })
}
