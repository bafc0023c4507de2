// Whether a bulk order's stream brings what it was promised: where it does not (a site's store is full and nobody takes
// keys, a link has less key than it says), the forecast is by what really comes.

import { type BulkOrder, type BulkPace, deliveredBits } from "../model/bulk-order.js"
import type { Service } from "../model/service.js"

/** Measured over so long: reports come once a second, and later while a controller is busy. */
const STRETCH_MS = 15_000
/** Less than this share of its promise is too little. */
const TOO_LITTLE = 0.5

/** The measurement as it goes on; a stream that does not stand, or was told another rate, is measured from now on. */
export function paceOf(
  order: BulkOrder,
  stream: Service | undefined,
  nowMs: number,
): BulkPace | undefined {
  const promised = stream?.path?.rateBps ?? 0
  if (stream?.state !== "active" || promised === 0) return undefined
  const bits = deliveredBits(order)
  const { pace } = order
  if (pace === undefined || bits < pace.bits) return { sinceMs: nowMs, bits }
  const seconds = (nowMs - pace.sinceMs) / 1000
  if (seconds * 1000 < STRETCH_MS) return pace
  const bps = Math.round((bits - pace.bits) / seconds)
  return { sinceMs: nowMs, bits, bps, promisedBps: promised }
}

/** How slow it is, and when the rest will be there at that pace; undefined where it keeps pace. */
export function slowness(
  order: BulkOrder,
  nowMs: number,
): { readonly reason: string; readonly doneAtMs?: number } | undefined {
  const { bps, promisedBps = 0 } = order.pace ?? {}
  if (bps === undefined || bps >= TOO_LITTLE * promisedBps) return undefined
  const reason = `its stream brings ${bps} of ${promisedBps} bit/s`
  if (bps < 1) {
    // The likeliest cause, and the one that the order's own SAEs can mend.
    const waiting = Math.floor(order.readyBits / order.keySizeBits)
    const taker = order.from.saeId
    return { reason: waiting < 1 ? reason : `${reason}; ${waiting} keys wait for ${taker}` }
  }
  const missing = order.volumeBits - deliveredBits(order)
  return { reason, doneAtMs: nowMs + Math.ceil((missing / bps) * 1000) }
}
