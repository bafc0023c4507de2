// What every search is asked: from where to where, at what cost, over which links and nodes. Types, and the sum of a
// weight along a path. Searches nothing.

/** One path by the links along it, from end to end. It visits no node twice. */
export type LinkPath = readonly number[]

/** A path and its sum of costs. */
export interface RankedPath {
  readonly path: LinkPath
  readonly cost: number
}

export interface PathQuestion {
  readonly from: number
  readonly to: number
  /** By link, zero or more; the path of the least sum is sought. */
  readonly cost: Float64Array
  /** By link: 1 where a path may go over it. */
  readonly usableLinks: Uint8Array
  /** By node: 1 where a path may pass through. The ends always may be ends. */
  readonly passableNodes: Uint8Array
}

/** A sum along the path that must not exceed a bound, such as length, hops or epsilon. */
export interface Limit {
  /** By link, zero or more. */
  readonly weight: Float64Array
  readonly max: number
}

/** Sums of decimal fractions come out a little too great at times; a bound is not broken by that. */
const ROUNDING = 1e-12

/** Whether a sum keeps a bound. */
export function isWithin(sum: number, max: number): boolean {
  return sum <= max || sum - max <= ROUNDING * Math.abs(max)
}

/** The greatest sum that keeps a bound. */
export function greatestWithin(max: number): number {
  return max === Number.POSITIVE_INFINITY ? max : max + 2 * ROUNDING * Math.abs(max)
}

/** Added up from the first link on, as every search does it. */
export function sumAlong(path: LinkPath, weight: Float64Array): number {
  let sum = 0
  for (const link of path) sum += weight[link] ?? 0
  return sum
}

/** Cheaper first; then fewer hops; then lower link numbers, so that equals come in one order. */
export function comparePaths(
  a: { readonly path: LinkPath; readonly cost: number },
  b: { readonly path: LinkPath; readonly cost: number },
): number {
  if (a.cost !== b.cost) return a.cost - b.cost
  if (a.path.length !== b.path.length) return a.path.length - b.path.length
  for (const [i, link] of a.path.entries()) {
    const other = b.path[i] ?? 0
    if (link !== other) return link - other
  }
  return 0
}
