// Whether the two ends of a link tell of the same quantum channel (THREATS R4). There is one error rate, which both know
// from their sifted bits: when they go on telling different ones, one of them lies or is broken. Pure.

import type { LinkPerformance } from "../model/link.js"
import type { LinkDoubt } from "../model/network.js"
import type { Settings } from "./settings.js"

/**
 * The doubt as it is after news of one end; undefined while there is none.
 *
 * @param before what it was; the same object when nothing has changed
 */
export function doubtOf(
  before: LinkDoubt | undefined,
  a: LinkPerformance,
  b: LinkPerformance,
  atMs: number,
  settings: Settings,
): LinkDoubt | undefined {
  const { qber: qberA } = a
  const { qber: qberB } = b
  if (qberA === undefined || qberB === undefined || agree(qberA, qberB, settings)) return undefined
  if (before === undefined) return { sinceMs: atMs, stands: false, qberA, qberB }
  // Both smooth what they measure and tell it late: a rise reaches one report before the other.
  if (before.stands || atMs - before.sinceMs < settings.doubtMs) return before
  return { ...before, stands: true, qberA, qberB }
}

function agree(x: number, y: number, { doubtQber, doubtShare }: Settings): boolean {
  return Math.abs(x - y) <= Math.max(doubtQber, doubtShare * Math.max(x, y))
}
