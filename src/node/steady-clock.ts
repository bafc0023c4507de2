// Time for lifetimes: goes on from the latest time that the store has seen, at the pace of the monotonic clock,
// whatever the wall clock does (THREATS I5). Tells when the wall clock jumped; alarms are the caller's.

import type { KeyManagerClock } from "./key-manager-options.js"

export const SYSTEM_CLOCK: KeyManagerClock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}

/** A wall clock that moves so much against the steady one has jumped. */
const JUMP_MS = 30_000

export class SteadyClock implements KeyManagerClock {
  readonly #clock: KeyManagerClock
  readonly #offsetMs: number
  #wallOffsetMs: number

  /** @param startMs the latest time known, milliseconds since the epoch */
  constructor(clock: KeyManagerClock, startMs: number) {
    this.#clock = clock
    this.#offsetMs = startMs - clock.monotonicMs()
    this.#wallOffsetMs = clock.now() - clock.monotonicMs()
  }

  now(): number {
    return this.#clock.now()
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs()
  }

  /** Milliseconds since the epoch, never backwards and never in jumps. */
  steadyMs(): number {
    return this.#offsetMs + this.#clock.monotonicMs()
  }

  /** By how much the wall clock jumped since this was last asked; 0 when it did not. */
  jumpedMs(): number {
    const offset = this.#clock.now() - this.#clock.monotonicMs()
    const moved = Math.round(offset - this.#wallOffsetMs)
    if (Math.abs(moved) < JUMP_MS) return 0
    this.#wallOffsetMs = offset
    return moved
  }
}
