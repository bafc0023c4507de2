// The age limit of link key: what of a pool has become too old, and how both ends let it go without either using a bit
// that the other has dropped already (decision 0063). Each end goes by its own clock and says `lack`:
//
//   held here             removed durably, then said. Who hears it removes it as well, or has opened it: see below
//   open to send with     not used from the limit on; dropped, then said. The other end drops it when it hears so: what
//                         was sent with it before came before
//   open to receive with  a margin later the sender is asked to drop it. Its bytes stay until he says that he has:
//                         messages of his may be on their way. Without a connection none are, and they go at once
//
// Pure: halves and times only.

import type { BlockInventory, HeldBlock, SizedHalf } from "./block-inventory.js"
import type { HalfNumber, HalfRef } from "./half.js"
import type { IncomingHalves, OutgoingHalves } from "./open-halves.js"
import type { PoolLimits } from "./pool-step.js"

/** Where halves are. */
export interface HalvesHere {
  readonly held: BlockInventory
  readonly sending: OutgoingHalves
  readonly receiving: IncomingHalves
}

/** What has become too old. */
export interface TooOld {
  readonly held: { readonly block: HeldBlock; readonly half: HalfNumber }[]
  readonly sending: HalfRef[]
  readonly receiving: HalfRef[]
}

export class AgeLimit {
  readonly #limits: PoolLimits
  #dueMs = Number.POSITIVE_INFINITY

  constructor(limits: PoolLimits) {
    this.#limits = limits
  }

  /** What came at this time or before is not sent with any more. */
  tooOldMs(nowMs: number): number {
    return nowMs - this.#limits.maxAgeMs
  }

  /** A block is in the pool that came at this time. */
  noteBlock(bornMs: number): void {
    this.#dueMs = Math.min(this.#dueMs, bornMs + this.#limits.maxAgeMs)
  }

  /** Something changed that `look` must judge anew, however old what it is about. */
  lookAgain(): void {
    if (Number.isFinite(this.#limits.maxAgeMs)) this.#dueMs = Number.NEGATIVE_INFINITY
  }

  /** Undefined when nothing can be: no look at the books is needed. */
  look(books: HalvesHere, nowMs: number): TooOld | undefined {
    if (nowMs < this.#dueMs) return undefined
    const { ageMarginMs } = this.#limits
    this.#dueMs = Number.POSITIVE_INFINITY
    const passed = (bornMs: number, marginMs: number): boolean => {
      if (bornMs + marginMs <= this.tooOldMs(nowMs)) return true
      this.noteBlock(bornMs + marginMs)
      return false
    }
    const old: TooOld = { held: [], sending: [], receiving: [] }
    for (const block of books.held.blocks.values()) {
      for (const half of [0, 1] as const) {
        const holding = block.halves[half]
        if (holding === "gone" || !block.durable) continue
        if (passed(block.bornMs, holding === "mine" ? 0 : ageMarginMs))
          old.held.push({ block, half })
      }
      if (!block.durable) this.noteBlock(block.bornMs)
    }
    const into = (list: HalfRef[], halves: readonly SizedHalf[], marginMs: number): void => {
      for (const { blockId, half, bornMs } of halves)
        if (passed(bornMs, marginMs)) list.push({ blockId, half })
    }
    into(old.sending, books.sending.sized(), 0)
    into(old.receiving, books.receiving.staying(), ageMarginMs)
    return old
  }
}
