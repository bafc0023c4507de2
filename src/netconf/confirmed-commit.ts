// Commits of the candidate, those to be confirmed among them (RFC 6241 sections 8.3.4 and 8.4).
//
//            commit confirmed                       commit
//   idle ───────────────────────▶ pending ─────────────────────────▶ idle, changes stay
//            ◀── cancel, timeout, session gone ──┘ ▲ │ commit confirmed: more changes, new timeout,
//            running as before the first           └─┘ same way back
//
// The way back is durable before the change is (`UnconfirmedAbility`), so that a restart finds it.

import { QkdError } from "../errors.js"
import type { JsonObject } from "../yang/json.js"
import type { Caller, NetconfBackend, UnconfirmedAbility } from "./backend.js"
import type { NetconfClock } from "./clock.js"
import type { Candidate } from "./datastore-candidate.js"
import { OWNER, type Datastore, type SharedByDatastores } from "./datastore.js"
import { lockDenied } from "./datastore-locks.js"

export interface CommitRequest {
  readonly confirmed: boolean
  readonly timeoutS: number
  /** Makes it outlive its session; what `persistId` must be later. */
  readonly persist?: string
  readonly persistId?: string
}

/** What happens to a confirmed commit, in the words of RFC 6470 section 2.2. */
export interface ConfirmedCommitEvent {
  readonly event: "start" | "extend" | "complete" | "cancel" | "timeout"
  /** Who made it so; absent for `timeout` and where a session just ended. */
  readonly caller?: Caller
  /** With `start` and `extend`. */
  readonly timeoutS?: number
}

interface Pending {
  /** Running before the first of the sequence. */
  readonly before: JsonObject
  readonly sessionId: number
  readonly persist: string | undefined
}

/** No timer waits longer at once. */
const LONGEST_WAIT_MS = 2 ** 31 - 1
/** A way back that was refused is tried again. */
const RETRY_MS = 10_000

export interface CommitDeskOptions {
  readonly backend: NetconfBackend
  readonly running: Datastore
  readonly candidate: Candidate
  readonly shared: SharedByDatastores
  readonly clock: NetconfClock
  readonly tell: (event: ConfirmedCommitEvent) => void
  /** A way back was refused; it is tried again by itself. */
  readonly failed: (error: unknown) => void
}

export class CommitDesk {
  readonly #o: CommitDeskOptions
  readonly #durable: UnconfirmedAbility | undefined
  #pending: Pending | undefined
  #cancelAlarm: () => void = () => undefined

  constructor(options: CommitDeskOptions) {
    this.#o = options
    this.#durable = options.backend.unconfirmed
    options.running.onUpdate(async (change) => {
      if (this.#pending === undefined) return
      const before = change(this.#pending.before)
      await this.#durable?.keep(before)
      this.#pending = { ...this.#pending, before }
    })
  }

  /** Whether a commit waits to be confirmed, and for which session; 0 when it outlived its session's right to it. */
  get pending(): { readonly sessionId: number; readonly persistent: boolean } | undefined {
    const pending = this.#pending
    return pending && { sessionId: pending.sessionId, persistent: pending.persist !== undefined }
  }

  /**
   * @throws QkdError `in-use` while another session holds a lock or waits with a commit of its own,
   *   `invalid-value` for a wrong persist-id, or as running refuses; nothing changes then.
   */
  commit(request: CommitRequest, caller: Caller, wanted: () => boolean): Promise<void> {
    return this.#o.shared.turns.take(async () => {
      const { locks } = this.#o.shared
      locks.assertFreeFor("running", caller.sessionId)
      locks.assertFreeFor("candidate", caller.sessionId)
      this.#assertMine(request.persistId, caller, "in-use")
      if (request.confirmed) await this.#begin(request, caller, wanted)
      else {
        await this.#o.candidate.commit(caller, wanted)
        if (this.#pending !== undefined) await this.#end({ event: "complete", caller })
      }
    })
  }

  /** @throws QkdError `operation-failed` when none waits, `invalid-value`, `rollback-failed`. */
  cancel(persistId: string | undefined, caller: Caller): Promise<void> {
    return this.#o.shared.turns.take(async () => {
      this.#assertMine(persistId, caller, "operation-failed")
      if (this.#pending === undefined)
        throw new QkdError("operation-failed", "no confirmed commit is waiting")
      try {
        await this.#goBack({ event: "cancel", caller })
      } catch (cause) {
        throw new QkdError("rollback-failed", "running could not be brought back", { cause })
      }
    })
  }

  /** @throws QkdError `lock-denied` while another session's commit waits (section 7.5). Only within a turn. */
  assertLockable(sessionId: number): void {
    const pending = this.#pending
    if (pending !== undefined && pending.sessionId !== sessionId)
      throw lockDenied(
        "a commit waits to be confirmed",
        pending.persist === undefined ? pending.sessionId : 0,
      )
  }

  /** A session is gone: so is its commit, unless it is persistent. Only within a turn. */
  async release(sessionId: number): Promise<void> {
    if (this.#pending?.sessionId !== sessionId) return
    if (this.#pending.persist === undefined) await this.#goBackOrRetry({ event: "cancel" })
    // Nobody may take the number of a session gone for its owner.
    else this.#pending = { ...this.#pending, sessionId: 0 }
  }

  /** No more alarms. What waits stays on disk, and is undone at the next start. */
  close(): void {
    this.#cancelAlarm()
  }

  async #begin(request: CommitRequest, caller: Caller, wanted: () => boolean): Promise<void> {
    const { running, candidate } = this.#o
    const earlier = this.#pending
    const before = earlier?.before ?? running.running
    if (earlier === undefined) await this.#durable?.keep(before)
    try {
      await candidate.commit(caller, wanted)
    } catch (error) {
      if (earlier === undefined) await this.#durable?.forget()
      throw error
    }
    const persist = request.persist ?? earlier?.persist
    this.#pending = { before, sessionId: caller.sessionId, persist }
    this.#alarmIn(request.timeoutS * 1000, { event: "timeout" })
    const event = earlier === undefined ? "start" : "extend"
    this.#o.tell({ event, caller, timeoutS: request.timeoutS })
  }

  /** The changes stay. */
  async #end(event: ConfirmedCommitEvent): Promise<void> {
    await this.#durable?.forget()
    this.#cancelAlarm()
    this.#pending = undefined
    this.#o.tell(event)
  }

  /** The owner brings it back: no session's lock and no session's rights stand in the way. */
  async #goBack(event: ConfirmedCommitEvent): Promise<void> {
    const pending = this.#pending
    if (pending === undefined) return
    await this.#o.running.change(pending.before, OWNER, () => true)
    await this.#end(event)
  }

  async #goBackOrRetry(event: ConfirmedCommitEvent): Promise<void> {
    try {
      await this.#goBack(event)
    } catch (error) {
      this.#o.failed(error)
      this.#alarmIn(RETRY_MS, event)
    }
  }

  #alarmIn(ms: number, event: ConfirmedCommitEvent): void {
    this.#alarmAt(this.#o.clock.now() + ms, event)
  }

  #alarmAt(timeMs: number, event: ConfirmedCommitEvent): void {
    this.#cancelAlarm()
    const left = timeMs - this.#o.clock.now()
    this.#cancelAlarm = this.#o.clock.after(Math.min(left, LONGEST_WAIT_MS), () => {
      if (left > LONGEST_WAIT_MS) this.#alarmAt(timeMs, event)
      else this.#ring(event)
    })
  }

  /** In turn: a confirmation that was asked for before the alarm comes first, and then nothing waits any more. */
  #ring(event: ConfirmedCommitEvent): void {
    const cancelAlarm = this.#cancelAlarm
    void this.#o.shared.turns.take(async () => {
      // A later commit has set another alarm.
      if (cancelAlarm === this.#cancelAlarm) await this.#goBackOrRetry(event)
    })
  }

  /** Who may confirm, extend or cancel what waits (section 8.4.1). */
  #assertMine(
    persistId: string | undefined,
    caller: Caller,
    tag: "in-use" | "operation-failed",
  ): void {
    const pending = this.#pending
    if (persistId !== undefined && persistId !== pending?.persist)
      throw new QkdError("invalid-value", "no commit waits under this persist-id", {
        info: { "bad-element": "persist-id" },
      })
    if (pending === undefined || persistId !== undefined) return
    if (pending.persist !== undefined)
      throw new QkdError(tag, "a persistent commit waits; its persist-id is wanted")
    if (pending.sessionId !== caller.sessionId)
      throw new QkdError(tag, `a commit of session ${pending.sessionId} waits to be confirmed`)
  }
}
