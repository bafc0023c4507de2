// What `LinkPool` asks of its caller, and the limits it works in. Types only, but for two small makers.

import type { HalfRef, LinkSide } from "./half.js"
import type { PoolMessage } from "./pool-message.js"

export type PoolWrite =
  /** Both halves of this block, whose bytes the caller has. */
  | { readonly kind: "put"; readonly blockId: string }
  /** The half belongs to this side from now on. */
  | { readonly kind: "owner"; readonly ref: HalfRef; readonly owner: LinkSide }
  | { readonly kind: "remove"; readonly ref: HalfRef }
  /** The block is spent or void: it must not come back. */
  | { readonly kind: "spent"; readonly blockId: string }
  /** So long ago that its id is no longer remembered. */
  | { readonly kind: "forget"; readonly blockId: string }

/** Which of the two books of open halves. */
export type OpenFor = "sending" | "receiving"
export type OpenRef = HalfRef & { readonly use: OpenFor }

export interface PoolStep {
  readonly load: OpenRef[]
  readonly writes: PoolWrite[]
  readonly messages: PoolMessage[]
  readonly drop: OpenRef[]
  /** Blocks that the other end says it holds and that never came here: their module may be asked for them. */
  readonly lacking: string[]
  /** Bytes that go unused because they are too old. */
  expiredBytes: number
}

export interface PoolLimits {
  /**
   * Open at least so much in advance, in bytes (rounded up to a half-block). What is open is lost in a crash and
   * out of the other end's reach: enough for the first keys, the rest follows demand.
   */
  readonly minOpenBytes: number
  readonly maxOpenBytes: number
  /** How long a block may wait for the other end's module to deliver it as well. */
  readonly graceMs: number
  /** The same while the pool is full of such blocks, which keep out those that both ends would have. */
  readonly crowdedGraceMs: number
  /** Blocks beyond this many bytes are refused. */
  readonly maxHeldBytes: number
  /** How many spent blocks are remembered. */
  readonly maxSpentIds: number
  /** Bytes older than this are never sent with and are erased; infinite: key is kept however old it is. */
  readonly maxAgeMs: number
  /**
   * By so much the end that receives with a half waits longer than the one that sends with it: modules give a block
   * to both ends at different times, and clocks run differently.
   */
  readonly ageMarginMs: number
}

export const DEFAULT_POOL_LIMITS: PoolLimits = {
  minOpenBytes: 512,
  maxOpenBytes: 1 << 18,
  graceMs: 60_000,
  crowdedGraceMs: 2000,
  maxHeldBytes: 1 << 22,
  maxSpentIds: 8192,
  maxAgeMs: Number.POSITIVE_INFINITY,
  ageMarginMs: 5000,
}

export interface RestoredBlock {
  readonly id: string
  readonly lengths: readonly [number, number]
  readonly owners: readonly [LinkSide | undefined, LinkSide | undefined]
  /** When it came from its module; absent where that was not written down: its age counts from the start. */
  readonly bornMs?: number
}

/** How long a block that the other end lacks is kept: after a crash there may be enough of them to fill the pool. */
export function graceOf(
  { maxHeldBytes, graceMs, crowdedGraceMs }: PoolLimits,
  heldBytes: number,
): number {
  return heldBytes > maxHeldBytes * 0.75 ? Math.min(graceMs, crowdedGraceMs) : graceMs
}

export function emptyStep(): PoolStep {
  return { load: [], writes: [], messages: [], drop: [], lacking: [], expiredBytes: 0 }
}

export function forUse(use: OpenFor): (ref: HalfRef) => OpenRef {
  return (ref) => ({ ...ref, use })
}
