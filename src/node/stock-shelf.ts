// What stands on one shelf of an end-key stock: batches of keys for one association, pair of SAEs and size.

import { uuidBytes, UUID_BYTES, uuidTexts } from "../keys/bytes.js"
import type { KeyPathFacts } from "../keys/delivery.js"
import type { KeyOrigin } from "../keys/key-terms.js"
import type { Secret } from "../keys/secret.js"
import type { StockLevel } from "../keys/stock-level.js"
import type { MadeBatch } from "./key-maker.js"
import type { ShelfId } from "./shelf-id.js"

export interface Stocked {
  readonly batch: MadeBatch
  readonly origin: KeyOrigin
  readonly facts: KeyPathFacts
  /** The links that backed its paths. */
  readonly pathQkdlIds: string
  /** Ordered ahead, within terms that do not change: not given up for another path. */
  readonly ordered: boolean
  /** Of its batch: the list of ids is slow to ask, and this is asked several times a request. */
  readonly count: number
  /** Others of its transfer are elsewhere: it cannot be voided as a whole. */
  readonly isPart?: true
  /** The next key to hand out. */
  next: number
}

export interface Shelf {
  readonly id: ShelfId
  readonly level: StockLevel
  batches: Stocked[]
  filling: Promise<void> | undefined
  /** No refill before: the last one failed. */
  retryMs: number
  failures: number
}

/** Keys of one batch that follow each other, given out elsewhere. */
export interface LentRun
  extends Pick<Stocked, "batch" | "origin" | "facts" | "pathQkdlIds" | "ordered" | "count"> {
  /** The first of its batch. */
  readonly from: number
  readonly keys: Secret
}

/** Up to `count` keys, oldest first. */
export function lendFrom({ id, batches }: Shelf, count: number): LentRun[] {
  const size = id.keySizeBits / 8
  const runs: LentRun[] = []
  let missing = count
  for (const stocked of batches) {
    if (missing === 0) break
    const { batch, origin, facts, pathQkdlIds, ordered, next: from } = stocked
    const some = Math.min(missing, left(stocked))
    const [keys] = batch.keys.cut(from * size, some * size, 1)
    if (keys === undefined) break
    runs.push({ batch, origin, facts, pathQkdlIds, ordered, count: some, from, keys })
    stocked.next += some
    missing -= some
  }
  return runs
}

/** The keys of a run that were not given out, from `used` on. */
export function restOf(run: LentRun, used: number, keys: Secret): Stocked {
  const { batch, origin, facts, pathQkdlIds, ordered } = run
  const count = run.count - used
  const first = UUID_BYTES * (run.from + used)
  const keyIds = uuidTexts(uuidBytes(batch.keyIds).slice(first, first + UUID_BYTES * count))
  const rest = { ...batch, keyIds, keys }
  return { batch: rest, origin, facts, pathQkdlIds, ordered, count, isPart: true, next: 0 }
}

export function heldIn({ batches }: Shelf): number {
  let sum = 0
  for (const stocked of batches) sum += left(stocked)
  return sum
}

export function left({ count, next }: Stocked): number {
  return count - next
}

/** SAE ids may hold anything: with the length of the first it is told where the second begins. */
export function nameOf(id: ShelfId): string {
  if (named?.id === id) return named.name
  const { appId, masterSaeId, slaveSaeId, keySizeBits } = id
  const name = `${appId} ${keySizeBits} ${masterSaeId.length} ${masterSaeId}${slaveSaeId}`
  named = { id, name }
  return name
}

/** The last one named: one request asks by it several times, and the next of the pair again. */
let named: { readonly id: ShelfId; readonly name: string } | undefined
