// A store that forgets: for tests, and for trying things out. Keeps the same promises while it lives.

import type { Store } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { Change } from "../model/network.js"

export class MemoryStore implements Store {
  #revision = 0
  #term = 0
  #closed = false
  readonly #entries = new Map<string, Change>()

  lead(atLeast = 1, above = 0): Promise<number> {
    try {
      this.#term = nextTerm(this.#term, atLeast, above)
      return Promise.resolve(this.#term)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  load(): Promise<{ revision: number; changes: readonly Change[] }> {
    return Promise.resolve({
      revision: this.#revision,
      changes: structuredClone([...this.#entries.values()]),
    })
  }

  commit(expectedRevision: number, changes: readonly Change[]): Promise<number> {
    if (this.#closed) {
      return Promise.reject(
        new QkdError("operation-failed", "the store is closed", { appTag: "closed" }),
      )
    }
    if (expectedRevision !== this.#revision) {
      return Promise.reject(staleRevision(expectedRevision, this.#revision))
    }
    for (const change of changes) {
      const key = entryKey(change)
      if (change.value === null) this.#entries.delete(key)
      else this.#entries.set(key, structuredClone(change))
    }
    this.#revision += 1
    return Promise.resolve(this.#revision)
  }

  close(): Promise<void> {
    this.#closed = true
    return Promise.resolve()
  }
}

/** One entry a thing: the later write replaces the earlier. */
export function entryKey(change: Change): string {
  return `${change.kind}/${change.id}`
}

export function staleRevision(expected: number, stored: number): QkdError {
  return new QkdError(
    "in-use",
    `the store is at revision ${stored}, not ${expected}: another controller leads`,
  )
}

/** Terms travel as uint32. */
const LAST_TERM = 4_294_967_295

/** @throws QkdError `resource-denied`, or `in-use` app-tag `stale-leader` when it would not be above `above` */
export function nextTerm(before: number, atLeast: number, above = 0): number {
  if (before >= LAST_TERM) throw new QkdError("resource-denied", "the last term has begun")
  const next = Math.max(before + 1, atLeast)
  if (next > above) return next
  throw new QkdError(
    "in-use",
    `another controller leads the nodes in term ${above}, and this one would in term ${next}; it may take over with min_term above ${above}`,
    { appTag: "stale-leader", info: { term: String(above) } },
  )
}

export function staleTerm(own: number, stored: number): QkdError {
  return new QkdError("in-use", `term ${own} is over: another controller leads in term ${stored}`)
}
