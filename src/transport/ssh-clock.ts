// The machine's clock and timers, as the NETCONF room wants them.

import type { NetconfClock } from "../netconf/clock.js"

/** Node's timers hold at most this many milliseconds. */
const LONGEST_TIMER_MS = 2_147_483_647

export const systemClock: NetconfClock = {
  now: () => Date.now(),
  after(ms, alarm) {
    let left = Math.max(0, ms)
    let timer: NodeJS.Timeout
    const next = (): void => {
      const step = Math.min(left, LONGEST_TIMER_MS)
      left -= step
      timer = setTimeout(left === 0 ? alarm : next, step)
    }
    next()
    return () => {
      clearTimeout(timer)
    }
  },
}
