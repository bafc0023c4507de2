// Who waits for pads of a link: first come, first served, each no longer than it said. Holds no key.

import type { QkdError } from "../errors.js"
import type { Secret } from "../keys/secret.js"
import type { Segment } from "../keys/half.js"

/** Pad and tag key of one relay message, with where they are. The taker wipes both. */
export interface Pad {
  readonly pad: Secret
  readonly padSegments: readonly Segment[]
  readonly tagKey: Secret
  readonly tagSegments: readonly Segment[]
}

/** Does not throw. */
export type PadUse = (pad: Pad) => void

/** What is waited for. */
export interface PadWish {
  /** With the tag's key. */
  readonly lengthBytes: number
  readonly proofBytes: number
  readonly use: PadUse
}

interface Waiter extends PadWish {
  readonly resolve: () => void
  readonly reject: (error: QkdError) => void
  readonly timer: NodeJS.Timeout
}

const MAX_WAITERS = 1024

export class PadQueue {
  #waiters: Waiter[] = []

  get isEmpty(): boolean {
    return this.#waiters.length === 0
  }

  get isFull(): boolean {
    return this.#waiters.length >= MAX_WAITERS
  }

  /** Of all who wait. */
  get waitingBytes(): number {
    return this.#waiters.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0)
  }

  /** Whose turn it is. */
  get first(): PadWish | undefined {
    return this.#waiters[0]
  }

  /** @param tooLate called when it has waited in vain; it waits no more then */
  wait(wish: PadWish, timeoutMs: number, tooLate: () => QkdError): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters = this.#waiters.filter((waiter) => waiter.timer !== timer)
        reject(tooLate())
      }, timeoutMs)
      this.#waiters.push({ ...wish, resolve, reject, timer })
    })
  }

  /** The first one has what it waited for. */
  give(pad: Pad): void {
    const first = this.#waiters.shift()
    if (first === undefined) return
    clearTimeout(first.timer)
    first.use(pad)
    first.resolve()
  }

  failAll(error: QkdError): void {
    for (const { reject, timer } of this.#waiters.splice(0)) {
      clearTimeout(timer)
      reject(error)
    }
  }
}
