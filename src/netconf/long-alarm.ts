// An alarm at a time that may be years away: timers of the platform hold 24 days at most, and ring at once beyond.

import type { NetconfClock } from "./clock.js"

const LONGEST_MS = 2 ** 30

/** Calls `alarm` once at `atMs` or soon after; never before this call returns. @returns the way to cancel. */
export function alarmAt(clock: NetconfClock, atMs: number, alarm: () => void): () => void {
  let cancel: () => void = () => undefined
  const wait = (): void => {
    const leftMs = Math.max(0, atMs - clock.now())
    cancel =
      leftMs > LONGEST_MS ? clock.after(LONGEST_MS, wait) : clock.after(Math.ceil(leftMs), alarm)
  }
  wait()
  return () => {
    cancel()
  }
}
