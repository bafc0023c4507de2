// How far from ideal an end key may be, as far as its links tell: the security parameters of all blocks that hid it
// on its way and the odds of a forged tag, added up (composability: each part is at most so far from ideal, and so
// their sum bounds the whole). Not known on one hop is not known at all.

import { halfName } from "./half.js"
import type { Segment } from "./half.js"
import { forgeryBound } from "./one-time-mac.js"

/**
 * What one hop adds.
 *
 * @param linkEpsilon of one block of the link's key; undefined where nobody has said
 * @param segments of pad and tag key: each block that is touched counts whole
 * @param taggedBytes under the tag
 */
export function hopEpsilon(
  linkEpsilon: number | undefined,
  segments: readonly Segment[],
  taggedBytes: number,
): number | undefined {
  if (linkEpsilon === undefined) return undefined
  const blocks = new Set(segments.map((segment) => halfName({ ...segment, half: 0 })))
  return blocks.size * linkEpsilon + forgeryBound(taggedBytes)
}

/** Undefined as soon as one of them is. */
export function sumEpsilon(parts: readonly (number | undefined)[]): number | undefined {
  let sum = 0
  for (const part of parts) {
    if (part === undefined) return undefined
    sum += part
  }
  // Whoever knows nothing may say anything: above 1 there is nothing to bound.
  return Math.min(1, sum)
}

/** A negative number stands for not known. */
export function epsilonToWire(epsilon: number | undefined): number {
  return epsilon ?? -1
}

/** Undefined for what is no probability. */
export function epsilonFromWire(value: number): number | undefined {
  return value >= 0 && value <= 1 ? value : undefined
}
