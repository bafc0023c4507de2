// The running datastore that all sessions of a server share: edits one at a time, all or nothing, judged by schema
// and backend. Does not know XML messages, sessions' transports or where a backend keeps its data.

import { QkdError } from "../errors.js"
import { applyEdit, type DefaultOperation } from "../yang/edit.js"
import type { JsonObject } from "../yang/json.js"
import type { Schema } from "../yang/schema.js"
import { compileRevalidator, type Revalidator } from "../yang/revalidate.js"
import { compileValidator, type Validator, type YangFault } from "../yang/validate.js"
import type { XmlElement } from "../yang/xml-tree.js"
import { OPEN_ACCESS, type AccessControl } from "./access-control.js"
import type { Caller, ChangeListener, NetconfBackend, PreparedEdit } from "./backend.js"
import { DatastoreLocks, type LockHolder } from "./datastore-locks.js"
import { mergeState } from "./merge-state.js"
import { Nacm } from "./nacm.js"
import { NACM_MODULE } from "./nacm-config.js"
import { severalErrors } from "./rpc-error.js"
import { Turns } from "./turns.js"

/** Changes that the owner of the data makes by itself. */
export const OWNER: Caller = { sessionId: 0, username: "", address: "" }

export interface ConfigEdit {
  /** Children of `config`, with RFC 6241 operation attributes. */
  readonly edit: readonly XmlElement[]
  readonly defaultOperation: DefaultOperation
  /** `test-only`: everything but the commit. */
  readonly testOnly: boolean
}

/** What the datastores of one server have in common. */
export interface SharedByDatastores {
  readonly turns: Turns
  readonly locks: DatastoreLocks
  /** A candidate, or the way back of an unconfirmed commit, could not take a change of the owner. */
  readonly failed?: (error: unknown) => void
}

/** Hears of each `update`, so that what else holds a configuration can take the same change. */
export type UpdateFollower = (change: (config: JsonObject) => JsonObject) => void | Promise<void>

export class Datastore {
  /**
   * Who may do what: by the rules in running where the schema has them (`ietf-netconf-acm`), else everybody. Whoever
   * serves this datastore asks it before an operation, a notification, and before an error leaves (`concealed`).
   */
  readonly access: AccessControl
  readonly #backend: NetconfBackend
  readonly #turns: Turns
  readonly #locks: DatastoreLocks
  readonly #failed: (error: unknown) => void
  readonly #validate: Validator
  readonly #revalidate: Revalidator
  readonly #listeners = new Set<ChangeListener>()
  readonly #sources: (() => JsonObject)[] = []
  readonly #guards: ((next: JsonObject) => void)[] = []
  readonly #followers = new Set<UpdateFollower>()
  #running: JsonObject

  /** @throws QkdError when `initial` is not a valid configuration of the backend's schema. */
  constructor(
    backend: NetconfBackend,
    initial: JsonObject,
    shared: SharedByDatastores = { turns: new Turns(), locks: new DatastoreLocks() },
  ) {
    this.#backend = backend
    this.#turns = shared.turns
    this.#locks = shared.locks
    this.#failed = shared.failed ?? (() => undefined)
    this.#validate = compileValidator(backend.schema, "config")
    this.#revalidate = compileRevalidator(backend.schema)
    this.assertValid(initial)
    this.#running = initial
    this.access =
      backend.schema.moduleByName(NACM_MODULE)?.implemented === true
        ? new Nacm({ schema: backend.schema, running: () => this.#running })
        : OPEN_ACCESS
  }

  get schema(): Schema {
    return this.#backend.schema
  }

  /** The configuration now, whole: what a caller may see of it is `access`'s to say. Never changed in place. */
  get running(): JsonObject {
    return this.#running
  }

  /** Who holds the lock, since when (milliseconds since the epoch). */
  get lockHeld(): LockHolder | undefined {
    return this.#locks.holder("running")
  }

  /** Configuration and state together, as `get` shows them to this caller. */
  data(caller: Caller): JsonObject {
    const state = { ...this.#backend.state(this.#running), ...this.access.state() }
    for (const source of this.#sources) Object.assign(state, source())
    return this.access.readable(caller, mergeState(this.#backend.schema.root, this.#running, state))
  }

  /** State that is neither the backend's nor access control's, of top-level nodes that nobody else has. */
  addState(source: () => JsonObject): void {
    this.#sources.push(source)
  }

  /** Asked before each change. @param check throws a QkdError to refuse what running would become. */
  guard(check: (next: JsonObject) => void): void {
    this.#guards.push(check)
  }

  /** Called after each change. @returns the way to stop. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Called within the turn of each `update`, after running has changed. */
  onUpdate(follower: UpdateFollower): void {
    this.#followers.add(follower)
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
    return this.#turns.take(async () => {
      this.#locks.assertFreeFor("running", caller.sessionId)
      const next = applyEdit(schema, this.#running, request.edit, request.defaultOperation)
      await this.change(next, caller, () => wanted() && !request.testOnly)
      if (!wanted()) throw sessionEnded()
    })
  }

  /**
   * A whole configuration in the place of running (RFC 6241 section 7.3).
   *
   * @param source asked within the turn.
   * @throws QkdError as `edit`.
   */
  replace(source: () => JsonObject, caller: Caller, wanted: () => boolean): Promise<void> {
    return this.#turns.take(async () => {
      this.#locks.assertFreeFor("running", caller.sessionId)
      await this.change(source(), caller, wanted)
      if (!wanted()) throw sessionEnded()
    })
  }

  /**
   * A change that the owner makes by itself, through the same judgement.
   *
   * @param change also made to a candidate with changes, and to what an unconfirmed commit would go back to:
   *   so it must be a function of what it is given alone.
   * @param despiteLock for what cannot wait for an operator, such as a module that was pulled out.
   * @throws QkdError as `edit`.
   */
  update(
    change: (running: JsonObject) => JsonObject,
    options: { readonly caller?: Caller; readonly despiteLock?: boolean } = {},
  ): Promise<void> {
    const caller = options.caller ?? OWNER
    return this.#turns.take(async () => {
      if (options.despiteLock !== true) this.#locks.assertFreeFor("running", caller.sessionId)
      await this.change(change(this.#running), caller, () => true)
      for (const follower of this.#followers) {
        // Running has changed: that somebody could not follow must not look as if it had not.
        try {
          await follower(change)
        } catch (error) {
          this.#failed(error)
        }
      }
    })
  }

  /**
   * Work that changes, by another way, what running tells of: no edit and no lock comes between.
   *
   * @throws QkdError `in-use` while another session holds the lock, or as the work does.
   */
  exclusively<T>(work: () => Promise<T>, caller: Caller = OWNER): Promise<T> {
    return this.#turns.take(() => {
      this.#locks.assertFreeFor("running", caller.sessionId)
      return work()
    })
  }

  /** @throws QkdError as an edit to this configuration would (RFC 6241 section 8.6, `validate`). */
  validate(config: readonly XmlElement[] | "running"): void {
    const whole =
      config === "running" ? this.#running : applyEdit(this.#backend.schema, {}, config, "replace")
    this.assertValid(whole)
  }

  /** Waits for edits under way, so that nobody else's commit comes after the lock. @throws QkdError `lock-denied`. */
  lock(sessionId: number, nowMs: number): Promise<void> {
    return this.#turns.take(() => {
      this.#locks.acquire("running", sessionId, nowMs)
    })
  }

  /** @throws QkdError `operation-failed` unless this session holds the lock. */
  unlock(sessionId: number): Promise<void> {
    return this.#turns.take(() => {
      this.#locks.drop("running", sessionId)
    })
  }

  /** A session is gone: so are its locks (RFC 6241 section 7.5). In turn, so that a lock still waiting goes too. */
  release(sessionId: number): void {
    this.#locks.dropAll(sessionId)
    void this.#turns.take(() => {
      this.#locks.dropAll(sessionId)
    })
  }

  /**
   * Whether running could become this, whoever may make it so. Only within a turn. @throws QkdError as an edit would.
   */
  async judge(next: JsonObject, caller: Caller): Promise<void> {
    const prepared = await this.#prepare(next, caller)
    await prepared?.abort?.()
  }

  /** The one way in which running changes. Only within a turn. @throws QkdError when it was refused. */
  async change(next: JsonObject, caller: Caller, goOn: () => boolean): Promise<void> {
    const previous = this.#running
    // Before validation, which could tell of data that the caller may not see.
    this.access.checkWrite(caller, previous, next)
    const prepared = await this.#prepare(next, caller)
    if (prepared === undefined) return
    if (!goOn()) {
      await prepared.abort?.()
      return
    }
    await prepared.commit()
    const running = prepared.ownForm?.() ?? next
    this.#running = running
    for (const listener of this.#listeners) listener(running, previous, caller)
  }

  /** @throws QkdError with every fault of a whole configuration. */
  assertValid(config: JsonObject): void {
    assertNone(this.#validate(config))
  }

  /** Undefined when nothing would change. */
  async #prepare(next: JsonObject, caller: Caller): Promise<PreparedEdit | undefined> {
    const previous = this.#running
    const faults = this.#revalidate(next, previous)
    if (faults === "same") return undefined
    assertNone(faults)
    for (const check of this.#guards) check(next)
    return this.#backend.prepareEdit({ next, previous, caller })
  }
}

/** Nothing was changed, and nobody is there to hear it. */
export function sessionEnded(): QkdError {
  return new QkdError("operation-failed", "session ended", { appTag: "closed" })
}

function assertNone(faults: readonly YangFault[]): void {
  if (faults.length > 0) throw severalErrors(faults.map(errorOfFault))
}

/** A validator's fault as an error. */
export function errorOfFault(fault: YangFault): QkdError {
  return new QkdError(fault.tag, fault.message, {
    path: fault.path,
    ...(fault.appTag === undefined ? {} : { appTag: fault.appTag }),
  })
}
