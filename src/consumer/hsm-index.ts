// The index beside the token: which key is whose, in what state, until when. Durable before anything relies on it, and
// shared by the processes of one site (the service and `seal`). Holds no key and nothing made from one.

import { mkdirSync } from "node:fs"
import { open, type RootDatabase } from "lmdb"
import { QkdError } from "../errors.js"
import type { KeyWay, TokenKey } from "./hsm-token.js"

/**
 * - `importing`: noted before the token is touched, so that a crash leaves nothing unknown in it, and until the key is proven:
 *   a key that was imported and proven without a fault is written to the disk twice, not three times
 * - `imported`: in the token, as a start or a round that failed has left it; the peer has not proven to have the same
 * - `ready`: proven equal at both ends; may seal (`out`) or open (`in`)
 * - `used`: has sealed once, and opens from now on
 * - `retiring`: to be destroyed here and at the peer; the sealing end orders it
 */
export type KeyState = "importing" | "imported" | "ready" | "used" | "retiring"

export interface IndexedKey extends TokenKey {
  readonly state: KeyState
  /** Unix time; an unused key is destroyed after it. */
  readonly expiresAtMs: number
  readonly usedAtMs?: number
  /** `used`, and the peer knows. */
  readonly told?: true
  /** `used`, and the token does not encrypt with it any more. */
  readonly spent?: true
}

/** Of what is written; a newer one is refused, so that an older program never misreads it. */
const FORMAT = 1
const META_FORMAT = "meta/format"
const KEY_PREFIX = "key/"
/** Sorts after every key: "0" follows "/". */
const KEY_END = "key0"

export class HsmIndex {
  readonly #db: RootDatabase<unknown, string>

  /**
   * @param dir made with mode 0700 where it is not there
   * @throws QkdError `access-denied` when it belongs to another user, or cannot be opened otherwise;
   * `operation-not-supported` when a newer program wrote it
   */
  constructor(dir: string) {
    this.#db = opened(dir)
    const format = this.#db.get(META_FORMAT)
    if (typeof format === "number" && format > FORMAT) {
      throw new QkdError(
        "operation-not-supported",
        `${dir} was written in format ${format}; this program knows ${FORMAT}: use a newer one`,
      )
    }
    if (format === undefined) this.#db.putSync(META_FORMAT, FORMAT)
  }

  get(keyId: string): IndexedKey | undefined {
    return this.#db.get(KEY_PREFIX + keyId) as IndexedKey | undefined
  }

  /** As another process has left them, too. */
  all(): IndexedKey[] {
    const found: IndexedKey[] = []
    for (const { value } of this.#db.getRange({ start: KEY_PREFIX, end: KEY_END })) {
      found.push(value as IndexedKey)
    }
    return found
  }

  /** Keys of all peers and states, counted without reading them. */
  get size(): number {
    return this.#db.getKeysCount({ start: KEY_PREFIX, end: KEY_END })
  }

  of(peer: string, way: KeyWay, ...states: readonly KeyState[]): IndexedKey[] {
    return this.all().filter(
      (key) => key.peer === peer && key.way === way && states.includes(key.state),
    )
  }

  put(keys: readonly IndexedKey[]): void {
    this.#db.transactionSync(() => {
      for (const key of keys) this.#db.putSync(KEY_PREFIX + key.keyId, key)
    })
  }

  /**
   * Changes those of the keys that are there and in one of the states, all at once.
   *
   * @returns the changed ones
   */
  change(
    keyIds: readonly string[],
    from: readonly KeyState[],
    to: (key: IndexedKey) => IndexedKey,
  ): IndexedKey[] {
    return this.#db.transactionSync(() => {
      const changed: IndexedKey[] = []
      for (const keyId of keyIds) {
        const key = this.get(keyId)
        if (key === undefined || !from.includes(key.state)) continue
        const next = to(key)
        this.#db.putSync(KEY_PREFIX + keyId, next)
        changed.push(next)
      }
      return changed
    })
  }

  remove(keyIds: readonly string[]): void {
    this.#db.transactionSync(() => {
      for (const keyId of keyIds) this.#db.removeSync(KEY_PREFIX + keyId)
    })
  }

  /**
   * Takes the ready key of `peer` that expires first, for one sealing; no other process gets it.
   *
   * @throws QkdError `resource-denied` app-tag `pool-empty`
   */
  claim(peer: string, nowMs: number): IndexedKey {
    const claimed = this.#db.transactionSync(() => {
      const [first] = this.of(peer, "out", "ready")
        .filter((key) => key.expiresAtMs > nowMs)
        .sort((a, b) => a.expiresAtMs - b.expiresAtMs)
      if (first === undefined) return undefined
      const used: IndexedKey = { ...first, state: "used", usedAtMs: nowMs }
      this.#db.putSync(KEY_PREFIX + first.keyId, used)
      return used
    })
    if (claimed !== undefined) return claimed
    throw new QkdError("resource-denied", `no preloaded key for ${peer} is left`, {
      appTag: "pool-empty",
    })
  }

  async close(): Promise<void> {
    await this.#db.close()
  }
}

function opened(dir: string): RootDatabase<unknown, string> {
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    return open<unknown, string>({
      path: dir,
      encoding: "json",
      noSubdir: false,
      // A write returns once it is on the disk, not once it is on its way there.
      overlappingSync: false,
    })
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new QkdError(
      "access-denied",
      `cannot open the index ${dir} (does it belong to the service's user?): ${why}`,
      { cause },
    )
  }
}
