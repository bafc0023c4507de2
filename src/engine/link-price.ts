// What a bit per second of a link costs a path: one over its rate, rising exponentially as it fills. Of the rules tried online it
// carries the most (bench/allocation.ts, docs/ENGINE.md).

/** A full link costs e to this power times what it costs empty. */
const STEEPNESS = 5

/** @param used share of the rate, 0 to 1 */
export function linkPrice(rateBps: number, used: number): number {
  return Math.exp(STEEPNESS * Math.min(1, used)) / rateBps
}
