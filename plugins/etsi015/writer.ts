// Puts edits onto a node by the best way it offers, all or nothing. Knows no desired state: what to write is worked
// out by the connection.
//
//   candidate   lock, edit, validate, commit, unlock                           refused: discard, unlock
//   held        lock, edit, validate, commit confirmed ... commit, unlock      refused: cancel, discard; else unlock
//   running     one edit with rollback-on-error                                refused: the node undid it
//   each        lock, one edit an entry, unlock                                refused: what was done is undone by diff

import {
  type DriverHost,
  type NetconfClientSession,
  QkdError,
  type RpcOptions,
} from "../../src/plugin/index.js"
import type { Abilities } from "./abilities.js"
import { editsBetween, type Entries, inOrder } from "./entries.js"
import type { DeviceProfile } from "./profile.js"
import { type EntryEdit, editXml } from "./wire.js"

/** A datastore that somebody else holds is asked for again, so often and after so long. */
const LOCK_TRIES = 30
const LOCK_PAUSE_MS = 200

/**
 * The word by which a provisional commit is known to a later session (RFC 6241 section 8.4.1). With it the commit
 * outlives a lost session: a relay must not drop its part of a path only because its controller was away for a second.
 */
const PERSIST = "keyloom"

export interface Write {
  readonly edits: readonly EntryEdit[]
  /** What the node holds, to undo to. */
  readonly before: Entries
  /** Commit provisionally: the node takes it back unless it is confirmed within so many seconds. */
  readonly holdS?: number
  /** Something is provisional there already: only a commit of the candidate confirms it together with this. */
  readonly confirms?: boolean
}

export class Writer {
  readonly #session: NetconfClientSession
  readonly #abilities: Abilities
  readonly #profile: DeviceProfile
  readonly #host: DriverHost
  /** Reads what the node holds now. */
  readonly #look: () => Promise<Entries>
  /** The candidate is ours until what is provisional is confirmed or taken back. */
  #holdsLock = false

  constructor(
    session: NetconfClientSession,
    abilities: Abilities,
    profile: DeviceProfile,
    host: DriverHost,
    look: () => Promise<Entries>,
  ) {
    this.#session = session
    this.#abilities = abilities
    this.#profile = profile
    this.#host = host
    this.#look = look
  }

  /** In words, for who is shown a plan. */
  way(hold: boolean): string {
    const { target, rollbackOnError, validate } = this.#abilities
    if (hold || target === "candidate")
      return [
        "candidate",
        ...(this.#profile.lock ? ["lock"] : []),
        "edit",
        ...(validate ? ["validate"] : []),
        hold ? "confirmed commit" : "commit",
      ].join(", ")
    return rollbackOnError ? "running, one edit with rollback" : "running, an edit for each entry"
  }

  /**
   * All of it or nothing.
   *
   * @throws QkdError as the node refused; `rollback-failed` when it was left half done.
   */
  async write(write: Write): Promise<void> {
    const { target, rollbackOnError } = this.#abilities
    const viaCandidate = write.holdS !== undefined || write.confirms === true
    if (viaCandidate || target === "candidate") await this.#byCandidate(write)
    else if (rollbackOnError) await this.#atOnce(write.edits)
    else await this.#oneByOne(write)
    if (write.holdS === undefined) await this.#keep()
  }

  /** What was committed provisionally stays. */
  async confirm(): Promise<void> {
    const committed = this.#session.commit({ ...this.#options, persistId: PERSIST })
    // Right behind it, in one message: the node answers in order, and there is nothing in the candidate to lose.
    this.release()
    await committed
    await this.#keep()
  }

  /** What was committed provisionally is taken back by the node. */
  async cancel(): Promise<void> {
    await this.#session.cancelCommit({ ...this.#options, persistId: PERSIST })
    this.release()
  }

  /** Nothing is provisional any more: others may use the candidate. */
  release(): void {
    if (!this.#holdsLock) return
    this.#holdsLock = false
    // Nobody need wait for it: whatever comes next on this session comes after it.
    void this.#unlock("candidate")
  }

  /** What an earlier session left provisional stays: what the node should be is compared and told anew from there. */
  async settle(): Promise<void> {
    if (!this.#abilities.confirmedCommit) return
    const session = this.#session
    try {
      // Without the word of something pending a node refuses it, so that nothing of others is committed along.
      await session.commit({ ...this.#options, persistId: PERSIST })
      await this.#keep()
    } catch (error) {
      if (isUnreachable(error)) throw error
    }
  }

  get #options(): RpcOptions {
    return { timeoutMs: this.#profile.timeoutMs }
  }

  /** A node with a startup datastore forgets what is not copied there (RFC 6241 section 8.7). */
  async #keep(): Promise<void> {
    if (this.#abilities.startup) await this.#session.copyConfig("startup", "running", this.#options)
  }

  #xml(edits: readonly EntryEdit[]): string {
    return editXml(edits, this.#profile.identityPrefix)
  }

  async #byCandidate({ edits, holdS, confirms }: Write): Promise<void> {
    const session = this.#session
    const options = this.#options
    const { validate, rollbackOnError } = this.#abilities
    await this.#lock("candidate")
    const edit = (): Promise<void> =>
      session.editConfig("candidate", this.#xml(edits), {
        ...options,
        ...(rollbackOnError && { errorOption: "rollback-on-error" }),
      })
    const commit = (): Promise<void> =>
      session.commit({
        ...options,
        ...(holdS !== undefined && { confirmed: { timeoutS: holdS, persist: PERSIST } }),
        ...(confirms === true && { persistId: PERSIST }),
      })
    const made = { provisional: false }
    const make = async (): Promise<void> => {
      await commit()
      made.provisional = holdS !== undefined
    }
    try {
      const check = validate ? [() => session.validate("candidate", options)] : []
      // After a refused edit that was rolled back a commit commits nothing: all may be sent at once. Not where it
      // would give more time to what is provisional already.
      if (rollbackOnError && (holdS === undefined || confirms !== true))
        await pipelined([edit, ...check, make])
      else {
        await pipelined([edit, ...check])
        await make()
      }
    } catch (error) {
      if (!isUnreachable(error)) {
        if (made.provisional) await session.cancelCommit({ ...options, persistId: PERSIST })
        await session.discardChanges(options)
        if (confirms !== true) this.release()
      }
      throw error
    }
    if (holdS === undefined) this.release()
  }

  #atOnce(edits: readonly EntryEdit[]): Promise<void> {
    return this.#session.editConfig("running", this.#xml(edits), {
      ...this.#options,
      errorOption: "rollback-on-error",
    })
  }

  async #oneByOne({ edits, before }: Write): Promise<void> {
    await this.#lock("running")
    let done = 0
    try {
      for (const edit of inOrder(edits)) {
        done += 1
        await this.#session.editConfig("running", this.#xml([edit]), this.#options)
      }
    } catch (error) {
      if (!isUnreachable(error) && done > 0) await this.#undo(before, error)
      throw error
    } finally {
      void this.#unlock("running")
    }
  }

  /** Even the refused edit may have been done in part (stop-on-error): the node is read, and the difference undone. */
  async #undo(before: Entries, cause: unknown): Promise<void> {
    try {
      for (const edit of inOrder(editsBetween(await this.#look(), before)))
        await this.#session.editConfig("running", this.#xml([edit]), this.#options)
    } catch {
      throw new QkdError("rollback-failed", "a refused change was left half done", { cause })
    }
  }

  async #lock(datastore: "candidate" | "running"): Promise<void> {
    if (!this.#profile.lock || (datastore === "candidate" && this.#holdsLock)) return
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#session.lock(datastore, this.#options)
        if (datastore === "candidate") this.#holdsLock = true
        return
      } catch (error) {
        if (!isHeldByOthers(error) || tries >= LOCK_TRIES) throw error
      }
      await this.#host.sleep(LOCK_PAUSE_MS)
    }
  }

  async #unlock(datastore: "candidate" | "running"): Promise<void> {
    if (!this.#profile.lock) return
    try {
      await this.#session.unlock(datastore, this.#options)
    } catch (error) {
      // It goes with the session at the latest; nothing of the change depends on it.
      if (!this.#host.signal.aborted)
        this.#host.log("debug", "a lock was not given back", {
          datastore,
          reason: error instanceof Error ? error.message : String(error),
        })
    }
  }
}

/** Sent without waiting, answered in order: the first refusal counts. */
async function pipelined(calls: readonly (() => Promise<void>)[]): Promise<void> {
  const outcomes = await Promise.allSettled(calls.map((call) => call()))
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason
}

/** RFC 6241 sections 7.5 and 8.3.5: locked by another session, or changed by one that has not committed. */
function isHeldByOthers(error: unknown): boolean {
  return error instanceof QkdError && (error.tag === "lock-denied" || error.tag === "in-use")
}

export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof QkdError &&
    (error.appTag === "node-unreachable" || error.appTag === "timeout" || error.appTag === "closed")
  )
}
