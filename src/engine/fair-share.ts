// Weighted max-min fair sharing of what is left of links among services on fixed paths: nobody can get more without
// somebody getting less who has less by weight already (progressive filling: Bertsekas and Gallager, Data Networks, 6.5.2).

import type { LinkPath } from "./path-question.js"
import { PriorityQueue } from "./priority-queue.js"

export interface Sharer {
  /** Each carries the whole of what the service gets; a link on two of them carries it twice. */
  readonly paths: readonly LinkPath[]
  /** More than zero. */
  readonly weight: number
  /** It wants no more. */
  readonly mostBps: number
}

/** Decimal fractions that add up to a whole bit come out a little too small at times. */
const ROUNDING = 1e-12

interface Full {
  readonly link: number
  /** What each sharer on it has by weight when nothing of it is left. */
  readonly level: number
}

/**
 * All rise together, by weight; who has all it wants stops, and who is on a link of which nothing is left. What stops one
 * leaves more to others, so the level at which a link is full only rises: it is worked out anew when the link comes first.
 *
 * @param roomBps by link.
 * @returns by sharer, whole bits per second: rounded down, so that no link is ever over.
 */
export function fairShares(sharers: readonly Sharer[], roomBps: ArrayLike<number>): Float64Array {
  const shares = new Float64Array(sharers.length)
  /** By link: what is left beside those who have stopped; the weight and the number of the others. */
  const left = Float64Array.from(roomBps, (bps) => Math.max(0, bps))
  const weightOn = new Float64Array(left.length)
  const openOn = new Int32Array(left.length)
  const onLink: number[][] = Array.from(left, () => [])
  const open = new Uint8Array(sharers.length)
  for (const [number, { paths, weight, mostBps }] of sharers.entries()) {
    if (!(mostBps > 0) || paths.length === 0) continue
    open[number] = 1
    for (const path of paths)
      for (const link of path) {
        weightOn[link] = (weightOn[link] ?? 0) + weight
        openOn[link] = (openOn[link] ?? 0) + 1
        onLink[link]?.push(number)
      }
  }
  const limit = (number: number): number =>
    (sharers[number]?.mostBps ?? 0) / (sharers[number]?.weight ?? 1)
  const byLimit = [...sharers.keys()].filter((number) => open[number] === 1)
  byLimit.sort((a, b) => limit(a) - limit(b))
  const levelOf = (link: number): number =>
    openOn[link] === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(0, left[link] ?? 0) / (weightOn[link] ?? 1)
  const stop = (number: number, level: number): void => {
    if (open[number] !== 1) return
    open[number] = 0
    const { paths = [], weight = 1, mostBps = 0 } = sharers[number] ?? {}
    shares[number] = Math.min(mostBps, Math.floor(level * weight * (1 + ROUNDING)))
    const taken = Math.min(mostBps, level * weight)
    for (const path of paths)
      for (const link of path) {
        left[link] = (left[link] ?? 0) - taken
        weightOn[link] = (weightOn[link] ?? 0) - weight
        openOn[link] = (openOn[link] ?? 0) - 1
      }
  }
  const queue = new PriorityQueue<Full>((one, other) => one.level < other.level)
  for (const [link, users] of onLink.entries())
    if (users.length > 0) queue.push({ link, level: levelOf(link) })
  let first = queue.pop()
  let nextLimit = 0
  let level = 0
  for (;;) {
    while (open[byLimit[nextLimit] ?? -1] === 0) nextLimit += 1
    const satisfied = byLimit[nextLimit]
    if (satisfied === undefined) return shares
    if (first !== undefined) {
      const now = levelOf(first.link)
      if (now > first.level * (1 + ROUNDING)) {
        if (now < Number.POSITIVE_INFINITY) queue.push({ link: first.link, level: now })
        first = queue.pop()
        continue
      }
    }
    if (first === undefined || limit(satisfied) <= first.level) {
      level = Math.max(level, limit(satisfied))
      stop(satisfied, level)
      continue
    }
    level = Math.max(level, first.level)
    for (const number of onLink[first.link] ?? []) stop(number, level)
    first = queue.pop()
  }
}
