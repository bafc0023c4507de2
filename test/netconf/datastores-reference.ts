// Datastores as RFC 6241 sections 7.5, 8.3 and 8.4 describe them, in the plainest way there is: values, no promises, no
// backend. What `datastores-property.test.ts` holds the real ones against.

export interface Content {
  readonly name: string
  /** Only the owner writes it. */
  readonly limit: number
}

export type Store = "running" | "candidate"
/** `none`, or the tag of the refusal. */
export type Outcome = string

interface Pending {
  before: Content
  session: number
  persist: string | undefined
  deadlineMs: number
}

export class Reference {
  running: Content = { name: "north", limit: 0 }
  candidate: Content | undefined
  pending: Pending | undefined
  readonly locks = new Map<Store, number>()

  private held(store: Store, session: number): boolean {
    const owner = this.locks.get(store)
    return owner !== undefined && owner !== session
  }

  edit(session: number, store: Store, name: string): Outcome {
    if (this.held(store, session)) return "in-use"
    if (store === "running") this.running = { ...this.running, name }
    else this.candidate = { ...(this.candidate ?? this.running), name }
    this.settle()
    return "none"
  }

  discard(session: number): Outcome {
    if (this.held("candidate", session)) return "in-use"
    this.candidate = undefined
    return "none"
  }

  commit(
    session: number,
    nowMs: number,
    confirmed: { timeoutS: number; persist?: string } | undefined,
    persistId: string | undefined,
  ): Outcome {
    if (this.held("running", session) || this.held("candidate", session)) return "in-use"
    const mine = this.mine(session, persistId, "in-use")
    if (mine !== "none") return mine
    const before = this.pending?.before ?? this.running
    const persist = confirmed?.persist ?? this.pending?.persist
    this.running = this.candidate ?? this.running
    this.candidate = undefined
    this.pending =
      confirmed === undefined
        ? undefined
        : { before, session, persist, deadlineMs: nowMs + confirmed.timeoutS * 1000 }
    return "none"
  }

  cancel(session: number, persistId: string | undefined): Outcome {
    const mine = this.mine(session, persistId, "operation-failed")
    if (mine !== "none") return mine
    if (this.pending === undefined) return "operation-failed"
    this.goBack()
    return "none"
  }

  lock(session: number, store: Store): Outcome {
    if (this.locks.has(store)) return "lock-denied"
    if (store === "candidate" && this.candidate !== undefined) return "lock-denied"
    if (store === "running" && this.pending !== undefined && this.pending.session !== session)
      return "lock-denied"
    this.locks.set(store, session)
    return "none"
  }

  unlock(session: number, store: Store): Outcome {
    if (this.locks.get(store) !== session) return "operation-failed"
    this.locks.delete(store)
    if (store === "candidate") this.candidate = undefined
    return "none"
  }

  leave(session: number): void {
    for (const store of ["candidate", "running"] as const)
      if (this.locks.get(store) === session) this.unlock(session, store)
    if (this.pending?.session !== session) return
    if (this.pending.persist === undefined) this.goBack()
    else this.pending.session = 0
  }

  owner(limit: number): void {
    this.running = { ...this.running, limit }
    if (this.candidate !== undefined) this.candidate = { ...this.candidate, limit }
    if (this.pending !== undefined) this.pending.before = { ...this.pending.before, limit }
    this.settle()
  }

  passed(nowMs: number): void {
    if (this.pending !== undefined && this.pending.deadlineMs <= nowMs) this.goBack()
  }

  private goBack(): void {
    if (this.pending !== undefined) this.running = this.pending.before
    this.pending = undefined
    this.settle()
  }

  /** A candidate that says what running says has no changes. */
  private settle(): void {
    const { candidate, running } = this
    if (candidate?.name === running.name && candidate.limit === running.limit)
      this.candidate = undefined
  }

  private mine(session: number, persistId: string | undefined, tag: string): Outcome {
    const { pending } = this
    if (persistId !== undefined && persistId !== pending?.persist) return "invalid-value"
    if (pending === undefined || persistId !== undefined) return "none"
    return pending.persist !== undefined || pending.session !== session ? tag : "none"
  }
}
