// The store of a single controller: LMDB in a folder of its own. One transaction a commit, durable when it
// resolves, fenced by the revision. Knows the shape of entries, nothing of what they mean.

import { mkdirSync } from "node:fs"
import { open, type RootDatabase } from "lmdb"
import type { Store } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { Change } from "../model/network.js"
import { entryKey, nextTerm, staleRevision, staleTerm } from "./memory.js"

/** Of what is written; a newer one is refused, so that an older program never misreads it. */
const FORMAT = 1
const META_FORMAT = "meta/format"
const META_REVISION = "meta/revision"
const META_TERM = "meta/term"
const ENTRY_PREFIX = "entry/"
/** Sorts after every entry: "0" follows "/". */
const ENTRY_END = "entry0"

/**
 * Opens or makes the store in `dir` (mode 0700).
 *
 * @throws QkdError `operation-not-supported` when a newer program wrote it.
 */
export function openEmbeddedStore(dir: string): Store {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const db = open<unknown, string>({
    path: dir,
    encoding: "json",
    noSubdir: false,
    // A commit returns once it is on the disk, not once it is on its way there.
    overlappingSync: false,
  })
  const format = db.get(META_FORMAT)
  if (typeof format === "number" && format > FORMAT) {
    void db.close()
    throw new QkdError(
      "operation-not-supported",
      `${dir} was written in format ${format}; this program knows ${FORMAT}: use a newer one`,
    )
  }
  return new EmbeddedStore(db)
}

class EmbeddedStore implements Store {
  readonly #db: RootDatabase<unknown, string>
  #closed = false
  /** Begun through this opening. */
  #term: number | undefined

  constructor(db: RootDatabase<unknown, string>) {
    this.#db = db
  }

  lead(atLeast = 1, above = 0): Promise<number> {
    try {
      this.#term = this.#db.transactionSync(() => {
        const term = nextTerm(this.#storedTerm(), atLeast, above)
        this.#db.putSync(META_FORMAT, FORMAT)
        this.#db.putSync(META_TERM, term)
        return term
      })
      return Promise.resolve(this.#term)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  load(): Promise<{ revision: number; changes: readonly Change[] }> {
    const changes: Change[] = []
    for (const { value } of this.#db.getRange({ start: ENTRY_PREFIX, end: ENTRY_END })) {
      changes.push(value as Change)
    }
    return Promise.resolve({ revision: this.#revision(), changes })
  }

  commit(expectedRevision: number, changes: readonly Change[]): Promise<number> {
    try {
      return Promise.resolve(this.#commit(expectedRevision, changes))
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  /**
   * In one go on this thread: the loop has nothing to do before it is durable, and a flush of 0.2 ms is a fifth of
   * what handing it to another thread and back costs.
   */
  #commit(expectedRevision: number, changes: readonly Change[]): number {
    if (this.#closed)
      throw new QkdError("operation-failed", "the store is closed", { appTag: "closed" })
    const stored = this.#db.transactionSync(() => {
      const term = this.#storedTerm()
      if (this.#term !== undefined && term !== this.#term) throw staleTerm(this.#term, term)
      const before = this.#revision()
      if (before !== expectedRevision) return before
      for (const change of changes) {
        const key = `${ENTRY_PREFIX}${entryKey(change)}`
        if (change.value === null) this.#db.removeSync(key)
        else this.#db.putSync(key, change)
      }
      this.#db.putSync(META_FORMAT, FORMAT)
      this.#db.putSync(META_REVISION, expectedRevision + 1)
      return expectedRevision
    })
    if (stored !== expectedRevision) throw staleRevision(expectedRevision, stored)
    return expectedRevision + 1
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#db.close()
  }

  #storedTerm(): number {
    const term = this.#db.get(META_TERM)
    return typeof term === "number" ? term : 0
  }

  #revision(): number {
    const revision = this.#db.get(META_REVISION)
    return typeof revision === "number" ? revision : 0
  }
}
