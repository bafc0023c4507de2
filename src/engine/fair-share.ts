// Weighted max-min fair sharing of what is left of links among services on fixed paths: nobody can get more without
// somebody getting less who has less by weight already (progressive filling: Bertsekas and Gallager, Data Networks, 6.5.2).

import type { LinkPath } from "./path-question.js"

export interface Sharer {
  /** Each carries the whole of what the service gets; a link on two of them carries it twice. */
  readonly paths: readonly LinkPath[]
  /** More than zero. */
  readonly weight: number
  /** It wants no more. */
  readonly mostBps: number
}

/** A limit that is nearer than this part of the level is met at once. */
const ROUNDING = 1e-12

/**
 * @param roomBps by link.
 * @returns by sharer, whole bits per second: rounded down, so that no link is ever over.
 */
export function fairShares(sharers: readonly Sharer[], roomBps: ArrayLike<number>): Float64Array {
  const shares = new Float64Array(sharers.length)
  const room = Float64Array.from(roomBps, (bps) => Math.max(0, bps))
  const weightOn = new Float64Array(room.length)
  const onLink: number[][] = Array.from(room, () => [])
  const open = new Uint8Array(sharers.length)
  for (const [number, { paths, weight, mostBps }] of sharers.entries()) {
    if (!(mostBps > 0) || paths.length === 0) continue
    open[number] = 1
    for (const path of paths)
      for (const link of path) {
        weightOn[link] = (weightOn[link] ?? 0) + weight
        onLink[link]?.push(number)
      }
  }
  // Who is satisfied first comes first: their limits are met in this order, whatever the links do.
  const byLimit = [...sharers.keys()].filter((number) => open[number] === 1)
  const limit = (number: number): number =>
    (sharers[number]?.mostBps ?? 0) / (sharers[number]?.weight ?? 1)
  byLimit.sort((a, b) => limit(a) - limit(b))
  let left = byLimit.length
  let level = 0
  let nextLimit = 0
  /** By link, the level up to which `room` has been lowered. */
  const close = (number: number): void => {
    if (open[number] !== 1) return
    open[number] = 0
    left -= 1
    const { paths = [], weight = 1, mostBps = 0 } = sharers[number] ?? {}
    shares[number] = Math.min(mostBps, Math.floor(level * weight * (1 + ROUNDING)))
    for (const path of paths)
      for (const link of path) weightOn[link] = (weightOn[link] ?? 0) - weight
  }
  while (left > 0) {
    let rise = Number.POSITIVE_INFINITY
    for (let link = 0; link < room.length; link += 1)
      if ((weightOn[link] ?? 0) > ROUNDING)
        rise = Math.min(rise, (room[link] ?? 0) / (weightOn[link] ?? 1))
    while (open[byLimit[nextLimit] ?? -1] === 0) nextLimit += 1
    const first = byLimit[nextLimit]
    if (first !== undefined) rise = Math.min(rise, limit(first) - level)
    rise = Math.max(0, rise)
    level += rise
    for (let link = 0; link < room.length; link += 1)
      room[link] = Math.max(0, (room[link] ?? 0) - rise * Math.max(0, weightOn[link] ?? 0))
    for (let number = first; number !== undefined && limit(number) <= level * (1 + ROUNDING); ) {
      close(number)
      nextLimit += 1
      number = byLimit[nextLimit]
    }
    for (const [link, users] of onLink.entries()) {
      if ((weightOn[link] ?? 0) <= ROUNDING) continue
      if ((room[link] ?? 0) <= level * ROUNDING * (weightOn[link] ?? 0)) users.forEach(close)
    }
  }
  return shares
}
