// The running datastore that all sessions of a server share: lock, edits one at a time, all or nothing.
// Does not know XML messages, sessions' transports or where a backend keeps its data.

import { isDeepStrictEqual } from "node:util"
import { QkdError } from "../errors.js"
import { applyEdit, type DefaultOperation } from "../yang/edit.js"
import type { JsonObject } from "../yang/json.js"
import { compileValidator, type Validator, type YangFault } from "../yang/validate.js"
import type { XmlElement } from "../yang/xml-tree.js"
import type { Caller, ChangeListener, NetconfBackend } from "./backend.js"
import { mergeState } from "./merge-state.js"
import { severalErrors } from "./rpc-error.js"

/** Changes that the owner of the data makes by itself. */
export const OWNER: Caller = { sessionId: 0, username: "", address: "" }

export interface ConfigEdit {
  /** Children of `config`, with RFC 6241 operation attributes. */
  readonly edit: readonly XmlElement[]
  readonly defaultOperation: DefaultOperation
  /** `test-only`: everything but the commit. */
  readonly testOnly: boolean
}

export class Datastore {
  readonly #backend: NetconfBackend
  readonly #validate: Validator
  readonly #listeners = new Set<ChangeListener>()
  #running: JsonObject
  #lock: { readonly sessionId: number; readonly sinceMs: number } | undefined
  /** The end of the line: whoever changes anything waits for it. */
  #tail: Promise<unknown> = Promise.resolve()

  /** @throws QkdError when `initial` is not a valid configuration of the backend's schema. */
  constructor(backend: NetconfBackend, initial: JsonObject) {
    this.#backend = backend
    this.#validate = compileValidator(backend.schema, "config")
    this.#assertValid(initial)
    this.#running = initial
  }

  /** The configuration now. Never changed in place. */
  get running(): JsonObject {
    return this.#running
  }

  /** Who holds the lock, since when (milliseconds since the epoch). */
  get lockHeld(): { readonly sessionId: number; readonly sinceMs: number } | undefined {
    return this.#lock
  }

  /** Configuration and state together, as `get` shows them. */
  data(): JsonObject {
    return mergeState(this.#backend.schema.root, this.#running, this.#backend.state(this.#running))
  }

  /** Called after each change. @returns the way to stop. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * edit-config on running. RFC 6241 leaves a middle way for `stop-on-error`; here every edit is all or
   * nothing, which is what `rollback-on-error` asks for and the others allow.
   *
   * @param wanted asked once more before the commit: false when the caller is gone, then nothing changes.
   * @throws QkdError `in-use` while another session holds the lock, or as decoding, editing, validation or
   * the backend refused.
   */
  edit(request: ConfigEdit, caller: Caller, wanted: () => boolean = () => true): Promise<void> {
    const { schema } = this.#backend
    return this.#inTurn(async () => {
      this.#assertUnlockedFor(caller.sessionId)
      const next = applyEdit(schema, this.#running, request.edit, request.defaultOperation)
      await this.#change(next, caller, () => wanted() && !request.testOnly)
      if (!wanted()) throw new QkdError("operation-failed", "session ended", { appTag: "closed" })
    })
  }

  /**
   * A change that the owner makes by itself, through the same judgement.
   *
   * @param despiteLock for what cannot wait for an operator, such as a module that was pulled out.
   * @throws QkdError as `edit`.
   */
  update(
    change: (running: JsonObject) => JsonObject,
    options: { readonly caller?: Caller; readonly despiteLock?: boolean } = {},
  ): Promise<void> {
    const caller = options.caller ?? OWNER
    return this.#inTurn(async () => {
      if (options.despiteLock !== true) this.#assertUnlockedFor(caller.sessionId)
      await this.#change(change(this.#running), caller, () => true)
    })
  }

  /** @throws QkdError as an edit to this configuration would (RFC 6241 section 8.6, `validate`). */
  validate(config: readonly XmlElement[] | "running"): void {
    const whole =
      config === "running" ? this.#running : applyEdit(this.#backend.schema, {}, config, "replace")
    this.#assertValid(whole)
  }

  /** Waits for edits under way, so that nobody else's commit comes after the lock. @throws QkdError `lock-denied`. */
  lock(sessionId: number, nowMs: number): Promise<void> {
    return this.#inTurn(() => {
      const owner = this.#lock?.sessionId
      if (owner !== undefined)
        throw new QkdError("lock-denied", `running is locked by session ${owner}`, {
          info: { "session-id": String(owner) },
        })
      this.#lock = { sessionId, sinceMs: nowMs }
    })
  }

  /** @throws QkdError `operation-failed` unless this session holds the lock. */
  unlock(sessionId: number): Promise<void> {
    return this.#inTurn(() => {
      if (this.#lock?.sessionId !== sessionId)
        throw new QkdError("operation-failed", "this session holds no lock on running")
      this.#lock = undefined
    })
  }

  /** A session is gone: so is its lock (RFC 6241 section 7.5). In turn, so that a lock still waiting goes too. */
  release(sessionId: number): void {
    const free = (): void => {
      if (this.#lock?.sessionId === sessionId) this.#lock = undefined
    }
    free()
    void this.#inTurn(free)
  }

  async #change(next: JsonObject, caller: Caller, goOn: () => boolean): Promise<void> {
    const previous = this.#running
    if (isDeepStrictEqual(next, previous)) return
    this.#assertValid(next)
    const prepared = await this.#backend.prepareEdit({ next, previous, caller })
    if (!goOn()) {
      await prepared.abort?.()
      return
    }
    await prepared.commit()
    this.#running = next
    for (const listener of this.#listeners) listener(next, previous, caller)
  }

  #assertValid(config: JsonObject): void {
    const faults = this.#validate(config)
    if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
  }

  #assertUnlockedFor(sessionId: number): void {
    const owner = this.#lock?.sessionId
    if (owner !== undefined && owner !== sessionId)
      throw new QkdError("in-use", `running is locked by session ${owner}`, {
        info: { "session-id": String(owner) },
      })
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => undefined)
    return done
  }
}

/** A validator's fault as an error. */
export function errorOfFault(fault: YangFault): QkdError {
  return new QkdError(fault.tag, fault.message, {
    path: fault.path,
    ...(fault.appTag === undefined ? {} : { appTag: fault.appTag }),
  })
}
