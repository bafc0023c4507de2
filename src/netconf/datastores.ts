// All datastores of one server behind one front: running always, candidate and startup where they are offered
// (RFC 6241 sections 5.1, 8.3, 8.7). Locks, turns and the end of sessions are handled here, what is inside each
// datastore in its own file. Does not know messages.

import type { JsonObject } from "../yang/json.js"
import type { Caller, NetconfBackend } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import { CommitDesk, type ConfirmedCommitEvent } from "./confirmed-commit.js"
import { Candidate, noSuchStore } from "./datastore-candidate.js"
import { DatastoreLocks, type LockHolder, type StoreName } from "./datastore-locks.js"
import { Startup } from "./datastore-startup.js"
import { Datastore, type ConfigEdit } from "./datastore.js"
import { Turns } from "./turns.js"

export interface DatastoresOptions {
  readonly backend: NetconfBackend
  readonly initial: JsonObject
  readonly clock: NetconfClock
  /** `:candidate`, and `:confirmed-commit` with it where the backend can go back after a restart. */
  readonly candidate?: boolean
  readonly failed?: (error: unknown) => void
}

export class Datastores {
  readonly running: Datastore
  readonly candidate: Candidate | undefined
  readonly startup: Startup | undefined
  /** Commits of the candidate. */
  readonly commits: CommitDesk | undefined
  /** `:confirmed-commit`: where a restart undoes what nobody confirmed (section 8.4.1). */
  readonly canConfirm: boolean
  readonly #locks = new DatastoreLocks()
  readonly #turns = new Turns()
  readonly #listeners = new Set<(event: ConfirmedCommitEvent) => void>()

  /** @throws QkdError when `initial` is not a valid configuration of the backend's schema. */
  constructor(options: DatastoresOptions) {
    const { backend, initial, clock } = options
    const failed = (error: unknown): void => options.failed?.(error)
    const shared = { turns: this.#turns, locks: this.#locks, failed }
    this.running = new Datastore(backend, initial, shared)
    if (backend.startup !== undefined)
      this.startup = new Startup(backend.startup, this.running, shared)
    this.canConfirm =
      options.candidate === true &&
      (backend.unconfirmed !== undefined || backend.startup !== undefined)
    if (options.candidate !== true) return
    const candidate = new Candidate(this.running, shared)
    this.candidate = candidate
    this.commits = new CommitDesk({
      backend,
      running: this.running,
      candidate,
      shared,
      clock,
      tell: (event) => {
        for (const listener of this.#listeners) listener(event)
      },
      failed,
    })
  }

  get names(): readonly StoreName[] {
    const names: StoreName[] = ["running"]
    if (this.candidate !== undefined) names.push("candidate")
    if (this.startup !== undefined) names.push("startup")
    return names
  }

  /**
   * As much of a configuration as this caller may read.
   *
   * @throws QkdError `operation-not-supported` when the server has no such datastore.
   */
  config(name: StoreName, caller: Caller): JsonObject {
    const store = name === "running" ? { config: this.running.running } : this[name]
    if (store === undefined) throw noSuchStore(name)
    return this.running.access.readable(caller, store.config)
  }

  /** edit-config. @throws QkdError as the datastore refuses. */
  edit(
    name: "running" | "candidate",
    request: ConfigEdit & { readonly validated: boolean },
    caller: Caller,
    wanted: () => boolean,
  ): Promise<void> {
    if (name === "running") return this.running.edit(request, caller, wanted)
    if (this.candidate === undefined) throw noSuchStore(name)
    return this.candidate.edit(request, caller, wanted)
  }

  /** copy-config. @param source asked within the turn. @throws QkdError as the datastore refuses. */
  replace(
    name: StoreName,
    source: () => JsonObject,
    caller: Caller,
    wanted: () => boolean,
  ): Promise<void> {
    const store = name === "running" ? this.running : this[name]
    if (store === undefined) throw noSuchStore(name)
    return store.replace(source, caller, wanted)
  }

  /** @throws QkdError `lock-denied` as RFC 6241 section 7.5 asks. */
  lock(name: StoreName, sessionId: number, nowMs: number): Promise<void> {
    if (name === "candidate" && this.candidate !== undefined)
      return this.candidate.lock(sessionId, nowMs)
    if (!this.names.includes(name)) throw noSuchStore(name)
    return this.#turns.take(() => {
      if (name === "running") this.commits?.assertLockable(sessionId)
      this.#locks.acquire(name, sessionId, nowMs)
    })
  }

  /** @throws QkdError `operation-failed` unless this session holds the lock. */
  unlock(name: StoreName, sessionId: number): Promise<void> {
    if (name === "candidate" && this.candidate !== undefined)
      return this.candidate.unlock(sessionId)
    if (!this.names.includes(name)) throw noSuchStore(name)
    return this.#turns.take(() => {
      this.#locks.drop(name, sessionId)
    })
  }

  lockHeld(name: StoreName): LockHolder | undefined {
    return this.#locks.holder(name)
  }

  /**
   * A session is gone: so are its locks, what it left in a locked candidate, and its unconfirmed commit. In turn,
   * so that what it still waited for goes too.
   */
  release(sessionId: number): Promise<void> {
    return this.#turns.take(async () => {
      this.candidate?.release(sessionId)
      this.#locks.dropAll(sessionId)
      await this.commits?.release(sessionId)
    })
  }

  /** Hears of confirmed commits as they start, go on and end. @returns the way to stop. */
  onConfirmedCommit(listener: (event: ConfirmedCommitEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The server closes: no alarm rings any more. */
  close(): void {
    this.commits?.close()
  }
}
