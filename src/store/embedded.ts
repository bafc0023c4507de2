// The store of a single controller: LMDB in a folder of its own. One transaction a commit, durable when it
// resolves, fenced by the revision. Knows the shape of entries, nothing of what they mean.

import { mkdirSync } from "node:fs"
import { open, type RootDatabase } from "lmdb"
import type { Store } from "../controller/ports.js"
import { QkdError } from "../errors.js"
import type { Change } from "../model/network.js"
import { entryKey, staleRevision } from "./memory.js"

/** Of what is written; a newer one is refused, so that an older program never misreads it. */
const FORMAT = 1
const META_FORMAT = "meta/format"
const META_REVISION = "meta/revision"
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
  const db = open<unknown, string>({ path: dir, encoding: "json", noSubdir: false })
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

  constructor(db: RootDatabase<unknown, string>) {
    this.#db = db
  }

  load(): Promise<{ revision: number; changes: readonly Change[] }> {
    const changes: Change[] = []
    for (const { value } of this.#db.getRange({ start: ENTRY_PREFIX, end: ENTRY_END })) {
      changes.push(value as Change)
    }
    return Promise.resolve({ revision: this.#revision(), changes })
  }

  async commit(expectedRevision: number, changes: readonly Change[]): Promise<number> {
    if (this.#closed)
      throw new QkdError("operation-failed", "the store is closed", { appTag: "closed" })
    const stored = await this.#db.transaction(() => {
      const before = this.#revision()
      if (before !== expectedRevision) return before
      for (const change of changes) {
        const key = `${ENTRY_PREFIX}${entryKey(change)}`
        if (change.value === null) void this.#db.remove(key)
        else void this.#db.put(key, change)
      }
      void this.#db.put(META_FORMAT, FORMAT)
      void this.#db.put(META_REVISION, expectedRevision + 1)
      return expectedRevision
    })
    if (stored !== expectedRevision) throw staleRevision(expectedRevision, stored)
    // Committed is not yet on the disk: a promise kept after a power cut needs the flush.
    await this.#db.flushed
    return expectedRevision + 1
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#db.close()
  }

  #revision(): number {
    const revision = this.#db.get(META_REVISION)
    return typeof revision === "number" ? revision : 0
  }
}
